package org.twine.jni;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.Test;
import org.twine.control.v1.GetStatus;
import org.twine.control.v1.Request;

/** Many threads, one connection, the real daemon. */
public class ManyThreadsTest {
    private static final int THREADS = 48;
    private static final int EACH = 25;

    @Test
    public void everyThreadGetsItsOwnReplies() throws Exception {
        try (Country country = Country.start();
                App app = new App(country.handsets.get(0).socket(), "threads", true)) {
            ExecutorService threads = Executors.newFixedThreadPool(THREADS);
            List<Future<Set<Long>>> all = new ArrayList<>();
            for (int thread = 0; thread < THREADS; thread++) {
                String prefix = "thread " + thread + " text ";
                all.add(threads.submit(() -> sendAndAsk(app, prefix)));
            }
            Set<Long> ids = new HashSet<>();
            for (Future<Set<Long>> one : all) {
                ids.addAll(one.get());
            }
            threads.shutdown();
            // Each text became a message of its own.
            assertEquals(THREADS * EACH / 5, ids.size());
        }
    }

    private static Set<Long> sendAndAsk(App app, String prefix) throws Exception {
        Set<Long> ids = new HashSet<>();
        Request.Builder status = Request.newBuilder().setStatus(GetStatus.getDefaultInstance());
        for (int i = 0; i < EACH; i++) {
            if (i % 5 == 0) {
                String text = prefix + i;
                ids.add(app.send(Country.NUMBERS[1], text, text).getMessageId());
            } else {
                assertTrue(app.ask(status.clone()).hasStatus());
            }
        }
        return ids;
    }
}
