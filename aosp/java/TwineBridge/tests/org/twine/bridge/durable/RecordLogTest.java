package org.twine.bridge.durable;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class RecordLogTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Disk disk() throws IOException {
        return new Disk(folder.getRoot().toPath());
    }

    @Test
    public void recordsComeBackInOrder() throws Exception {
        RecordLog log = new RecordLog(disk(), "log");
        log.append(new byte[] {1});
        log.append(new byte[0]);
        log.append(new byte[] {2, 3});
        List<byte[]> found = new RecordLog(disk(), "log").found();
        assertEquals(3, found.size());
        assertArrayEquals(new byte[] {1}, found.get(0));
        assertArrayEquals(new byte[0], found.get(1));
        assertArrayEquals(new byte[] {2, 3}, found.get(2));
    }

    @Test
    public void whereverItIsCutTheRecordsBeforeAreThereAndFurtherOnesCanFollow() throws Exception {
        RecordLog whole = new RecordLog(disk(), "log");
        whole.append(new byte[] {1, 1, 1});
        int first = whole.sizeBytes();
        whole.append(new byte[] {2, 2, 2});
        Path file = folder.getRoot().toPath().resolve("log");
        byte[] bytes = Files.readAllBytes(file);
        for (int cut = 0; cut < bytes.length; cut++) {
            Files.write(file, Arrays.copyOf(bytes, cut));
            RecordLog log = new RecordLog(disk(), "log");
            int there = cut >= first ? 1 : 0;
            assertEquals("cut at " + cut, there, log.found().size());
            log.append(new byte[] {9});
            assertEquals(there + 1, new RecordLog(disk(), "log").found().size());
        }
    }

    @Test
    public void whereverABitIsWrongNothingWrongIsRead() throws Exception {
        RecordLog whole = new RecordLog(disk(), "log");
        whole.append(new byte[] {1, 1, 1});
        whole.append(new byte[] {2, 2, 2});
        Path file = folder.getRoot().toPath().resolve("log");
        byte[] bytes = Files.readAllBytes(file);
        for (int at = 0; at < bytes.length; at++) {
            byte[] wrong = bytes.clone();
            wrong[at] ^= 0x10;
            Files.write(file, wrong);
            for (byte[] record : new RecordLog(disk(), "log").found()) {
                assertTrue(record[0] == record[1] && record[1] == record[2]);
            }
        }
    }

    @Test
    public void afterAFailedAppendItIsWrittenAnew() throws Exception {
        Path path = folder.getRoot().toPath();
        boolean[] full = {false};
        Disk disk =
                new Disk(path) {
                    @Override
                    protected void reached() throws IOException {
                        if (full[0]) {
                            throw new IOException("no space left");
                        }
                    }
                };
        RecordLog log = new RecordLog(disk, "log");
        log.append(new byte[] {1});
        full[0] = true;
        assertThrows(IOException.class, () -> log.append(new byte[] {2}));
        full[0] = false;
        assertTrue(log.isTorn());
        assertThrows(IOException.class, () -> log.append(new byte[] {3}));
        log.rewrite(List.of(new byte[] {1}));
        log.append(new byte[] {4});
        assertEquals(2, new RecordLog(disk(), "log").found().size());
    }
}
