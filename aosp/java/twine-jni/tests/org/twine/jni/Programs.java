package org.twine.jni;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** The real programs as processes. Waits for what they say, never for time. */
final class Programs {
    /** Only a failure takes as long. */
    static final long PATIENCE_MILLIS = 60_000;

    private Programs() {}

    /** A program that tools/check-java built. */
    static String program(String name) {
        return new File(System.getProperty("twine.bin.dir"), name).getPath();
    }

    /** Starts one; what it says goes to a file. */
    static Process start(Path log, String... command) throws IOException {
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
    }

    /** Runs one to its end, and returns what it said. */
    static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said;
        try (InputStream in = process.getInputStream()) {
            said = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + " failed: " + said);
        }
        return said;
    }

    /** SIGKILL, and waits for the end. */
    static void kill(Process process) throws InterruptedException {
        process.destroyForcibly();
        if (!process.waitFor(PATIENCE_MILLIS, TimeUnit.MILLISECONDS)) {
            throw new AssertionError("a killed process does not end");
        }
    }

    /** Waits until a file contains a word, and returns the text after it up to the next space. */
    static String wordAfter(Path file, String word) throws InterruptedException {
        List<String> found = new ArrayList<>();
        until(
                word + " in " + file,
                () -> {
                    try {
                        for (String part : Files.readString(file).split("\\s")) {
                            if (part.startsWith(word)) {
                                found.add(part.substring(word.length()));
                                return true;
                            }
                        }
                    } catch (IOException e) {
                        // Not written yet.
                    }
                    return false;
                });
        return found.get(0);
    }

    /** Waits until something is so. */
    static void until(String what, BooleanSupplier isSo) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
        while (!isSo.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("waited in vain for " + what);
            }
            Thread.sleep(5);
        }
    }
}
