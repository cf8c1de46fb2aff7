package org.twine.bridge.durable;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;

/**
 * A file of records, each on the disk when {@link #append} returns. A record that a crash cut off is
 * dropped when the file is opened.
 *
 * <p>A record is: length (4 bytes), CRC-32 of the payload (4 bytes), payload. Not thread-safe.
 */
public final class RecordLog {
    private static final int HEAD_BYTES = 8;

    /** Largest payload: more is no record of ours. */
    public static final int MAX_RECORD_BYTES = 64 * 1024;

    private final Disk disk;
    private final String name;
    private final List<byte[]> found = new ArrayList<>();
    private int sizeBytes;

    /** What the file ends with may be cut off: it is written anew before anything is added. */
    private boolean torn;

    /** Opens it, or begins it. */
    public RecordLog(Disk disk, String name) throws IOException {
        this.disk = disk;
        this.name = name;
        byte[] bytes = disk.read(name);
        if (bytes == null) {
            return;
        }
        ByteBuffer in = ByteBuffer.wrap(bytes);
        while (in.remaining() >= HEAD_BYTES) {
            int length = in.getInt();
            int crc = in.getInt();
            if (length < 0 || length > MAX_RECORD_BYTES || length > in.remaining()) {
                break;
            }
            byte[] payload = new byte[length];
            in.get(payload);
            if (crc != crcOf(payload)) {
                break;
            }
            found.add(payload);
            sizeBytes += HEAD_BYTES + length;
        }
        torn = sizeBytes != bytes.length;
        if (torn) {
            rewrite(found);
        }
    }

    /** The records that were there when it was opened. */
    public List<byte[]> found() {
        return found;
    }

    /** Its size. */
    public int sizeBytes() {
        return sizeBytes;
    }

    /** Adds a record. If it fails, the record may be there after the next opening, or not. */
    public void append(byte[] payload) throws IOException {
        if (torn) {
            throw new IOException(name + " has to be written anew first");
        }
        byte[] record = record(payload);
        torn = true;
        disk.append(name, record);
        torn = false;
        sizeBytes += record.length;
    }

    /** Whether an append failed: {@link #rewrite} before the next. */
    public boolean isTorn() {
        return torn;
    }

    /** Replaces everything. */
    public void rewrite(List<byte[]> payloads) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] payload : payloads) {
            all.writeBytes(record(payload));
        }
        disk.replace(name, all.toByteArray());
        sizeBytes = all.size();
        torn = false;
    }

    private static byte[] record(byte[] payload) {
        return ByteBuffer.allocate(HEAD_BYTES + payload.length)
                .putInt(payload.length)
                .putInt(crcOf(payload))
                .put(payload)
                .array();
    }

    private static int crcOf(byte[] payload) {
        CRC32 crc = new CRC32();
        crc.update(payload);
        return (int) crc.getValue();
    }
}
