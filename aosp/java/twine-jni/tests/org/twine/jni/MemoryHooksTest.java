package org.twine.jni;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.Test;
import org.twine.control.v1.Cancel;
import org.twine.control.v1.GetLinks;
import org.twine.control.v1.Request;

/**
 * What can be seen only from inside the library. Runs on a build of it with the cargo feature
 * test-hooks, which adds a native method that panics and a counted allocator; everything else is
 * the shipped code, and the other tests run on the shipped build.
 */
public class MemoryHooksTest {
    private static final int CALLS = Boolean.getBoolean("twine.full") ? 1_000_000 : 100_000;
    private static final long MOST_RSS_GROWTH_KIB = 16 * 1024;

    @Test
    public void aPanicIsAnException() throws Exception {
        // The library is loaded with the connection's class.
        new TwineConnection("/nowhere", "test").close();
        for (int i = 0; i < 3; i++) {
            TwineException thrown = assertThrows(TwineException.class, TestHooks::panic);
            assertEquals(TwineException.PANIC, thrown.code());
            assertTrue(thrown.getMessage(), thrown.getMessage().contains("asked for by a test"));
        }
    }

    @Test
    public void manyCallsLeaveNothingBehind() throws Exception {
        try (Country country = Country.start();
                App app = new App(country.handsets.get(0).socket(), "memory", false)) {
            calls(app, CALLS / 10);
            long allocated = settled();
            long rss = rssKib();
            calls(app, CALLS);
            long allocatedAfter = settled();
            long rssAfter = rssKib();
            System.out.printf(
                    "memory: %d calls, library %d -> %d bytes, process %d -> %d KiB%n",
                    CALLS, allocated, allocatedAfter, rss, rssAfter);
            assertTrue(
                    "the library grew by " + (allocatedAfter - allocated) + " bytes",
                    allocatedAfter - allocated <= 1024);
            assertTrue(
                    "the process grew by " + (rssAfter - rss) + " KiB",
                    rssAfter - rss <= MOST_RSS_GROWTH_KIB);
        }
    }

    @Test
    public void closingFreesEverything() throws Exception {
        new TwineConnection("/nowhere", "test").close();
        long before = TestHooks.allocatedBytes();
        for (int i = 0; i < 1000; i++) {
            TwineConnection connection = new TwineConnection("/nowhere", "test");
            assertThrows(TwineException.class, () -> connection.request(new byte[] {8, 1}, 0));
            connection.close();
        }
        assertEquals(before, TestHooks.allocatedBytes());
    }

    /** Replies, refusals, and calls that come back without anything. */
    private static void calls(App app, int count) throws Exception {
        byte[] links =
                Request.newBuilder()
                        .setId(1)
                        .setLinks(GetLinks.getDefaultInstance())
                        .build()
                        .toByteArray();
        byte[] refused =
                Request.newBuilder()
                        .setId(1)
                        .setCancel(Cancel.newBuilder().setMessageId(999_999))
                        .build()
                        .toByteArray();
        for (int i = 0; i < count; i++) {
            switch (i % 4) {
                case 0:
                    assertThrows(
                            TwineException.class,
                            () -> app.connection.request(refused, Integer.MAX_VALUE));
                    break;
                case 1:
                    assertThrows(
                            TwineException.class, () -> app.connection.request(new byte[0], 0));
                    break;
                default:
                    assertTrue(app.connection.request(links, Integer.MAX_VALUE).length > 0);
            }
        }
    }

    private static long settled() {
        System.gc();
        return TestHooks.allocatedBytes();
    }

    private static long rssKib() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", ""));
            }
        }
        throw new AssertionError("no VmRSS");
    }
}
