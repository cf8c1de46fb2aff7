package org.twine.bridge.durable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;

/**
 * A folder of small files whose changes are on the disk when a method returns.
 *
 * <p>A crash within a method leaves: of {@link #append} any beginning of the new bytes; of {@link
 * #replace} the old content or the new; of {@link #delete} the file or none.
 */
public class Disk {
    private static final String UNFINISHED = ".new";

    private final Path folder;

    /** Makes the folder if there is none. */
    public Disk(Path folder) throws IOException {
        this.folder = Files.createDirectories(folder);
    }

    /** The content; null if there is no such file. */
    public byte[] read(String name) throws IOException {
        try {
            return Files.readAllBytes(folder.resolve(name));
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    /** Names of all files, sorted. What a crash left unfinished is not one. */
    public List<String> list() throws IOException {
        List<String> names = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                String name = file.getFileName().toString();
                if (!name.endsWith(UNFINISHED)) {
                    names.add(name);
                }
            }
        }
        Collections.sort(names);
        return names;
    }

    /** Writes behind what is there. */
    public void append(String name, byte[] bytes) throws IOException {
        Path file = folder.resolve(name);
        boolean isNew = !Files.exists(file);
        try (FileChannel channel =
                FileChannel.open(
                        file, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            write(channel, bytes);
            channel.force(false);
        }
        if (isNew) {
            syncFolder();
        }
        reached();
    }

    /** Writes a file anew, or makes it. */
    public void replace(String name, byte[] bytes) throws IOException {
        Path unfinished = folder.resolve(name + UNFINISHED);
        try (FileChannel channel =
                FileChannel.open(
                        unfinished,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE)) {
            write(channel, bytes);
            channel.force(false);
        }
        reached();
        Files.move(unfinished, folder.resolve(name), StandardCopyOption.ATOMIC_MOVE);
        reached();
        syncFolder();
        reached();
    }

    /** Removes it, if it is there. */
    public void delete(String name) throws IOException {
        reached();
        if (Files.deleteIfExists(folder.resolve(name))) {
            syncFolder();
        }
        reached();
    }

    /**
     * Called between any two steps that a crash can part. Does nothing; who wants to know what a
     * crash leaves overrides it.
     */
    protected void reached() throws IOException {}

    private void write(FileChannel channel, byte[] bytes) throws IOException {
        reached();
        // In two halves, because the system promises nothing more either.
        int half = bytes.length / 2;
        writeAll(channel, ByteBuffer.wrap(bytes, 0, half));
        reached();
        writeAll(channel, ByteBuffer.wrap(bytes, half, bytes.length - half));
        reached();
    }

    private static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private void syncFolder() throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
