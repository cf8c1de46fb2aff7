package org.twine.jni;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.Test;
import org.junit.function.ThrowingRunnable;
import org.twine.control.v1.Cancel;
import org.twine.control.v1.Closed;
import org.twine.control.v1.Done;
import org.twine.control.v1.Error;
import org.twine.control.v1.ErrorCode;
import org.twine.control.v1.Reply;
import org.twine.control.v1.Request;

/** Every error is an exception with its code, and none is more than that. */
public class FailuresTest {
    private static final int LONG = (int) Programs.PATIENCE_MILLIS;

    private static byte[] cancel(long id) {
        return Request.newBuilder()
                .setId(id)
                .setCancel(Cancel.newBuilder().setMessageId(id))
                .build()
                .toByteArray();
    }

    private static byte[] done(long id) {
        Reply reply = Reply.newBuilder().setId(id).setDone(Done.getDefaultInstance()).build();
        return reply.toByteArray();
    }

    private static Error error(ErrorCode code, String message) {
        return Error.newBuilder().setCode(code).setMessage(message).build();
    }

    private static TwineException assertCode(int code, ThrowingRunnable call) {
        TwineException thrown = assertThrows(TwineException.class, call);
        assertEquals(thrown.getMessage(), code, thrown.code());
        return thrown;
    }

    private static TwineConnection open(String socket) throws TwineException {
        return new TwineConnection(socket, "test", TwineConnection.ROLE_APP);
    }

    @Test
    public void wrongArgumentsAreRefused() throws Exception {
        assertCode(105, () -> new TwineConnection("x".repeat(108), "test").close());
        assertCode(105, () -> new TwineConnection("/none", "x".repeat(65)).close());
        assertCode(105, () -> new TwineConnection("/none", "test", (byte) 77).close());
        assertThrows(NullPointerException.class, () -> new TwineConnection(null, "test"));
        try (FakeDaemon daemon =
                        new FakeDaemon(
                                peer -> {
                                    peer.greet(1);
                                    peer.untilEnd();
                                });
                TwineConnection connection = open(daemon.socket())) {
            assertCode(TwineException.BAD_ARGUMENT, () -> connection.request(null, LONG));
            assertCode(TwineException.BAD_ARGUMENT, () -> connection.request(cancel(1), -1));
            assertCode(TwineException.BAD_ARGUMENT, () -> connection.request(cancel(0), LONG));
            assertCode(
                    TwineException.BAD_ARGUMENT, () -> connection.request(new byte[] {-1}, LONG));
            assertCode(TwineException.BAD_ARGUMENT, () -> connection.report(null));
            assertCode(TwineException.BAD_ARGUMENT, () -> connection.next(-1));
            assertCode(TwineException.TOO_LARGE, () -> connection.request(new byte[1 << 20], LONG));
            assertCode(TwineException.TOO_LARGE, () -> connection.report(new byte[1 << 21]));
            assertEquals(Notice.Kind.CONNECTED, connection.next(LONG).kind());
            assertNull(connection.next(0));
        }
    }

    @Test
    public void aNameThatIsNoNameIsRefused() throws Exception {
        try (TwineConnection connection = new TwineConnection("/none", "with space")) {
            assertCode(TwineException.BAD_ARGUMENT, () -> connection.request(cancel(1), 100));
        }
    }

    @Test
    public void withoutADaemonNothingIsSent() throws Exception {
        try (TwineConnection connection = open("/nowhere/twined")) {
            TwineException thrown =
                    assertCode(
                            TwineException.NOT_CONNECTED, () -> connection.request(cancel(1), 10));
            assertFalse(thrown.isResultUnknown());
            assertCode(TwineException.NOT_CONNECTED, () -> connection.report(new byte[0]));
            assertCode(TwineException.NOT_CONNECTED, () -> connection.orderResult(new byte[0]));
        }
    }

    @Test
    public void whatTheDaemonRefusesHasItsCode() throws Exception {
        try (FakeDaemon daemon =
                        new FakeDaemon(
                                peer -> {
                                    peer.greet(1);
                                    Reply no =
                                            Reply.newBuilder()
                                                    .setId(peer.readRequest().getId())
                                                    .setError(
                                                            error(
                                                                    ErrorCode.NOT_FOUND,
                                                                    "no message 1 – 😀"))
                                                    .build();
                                    peer.write(FakeDaemon.REPLY, no.toByteArray());
                                    peer.untilEnd();
                                });
                TwineConnection connection = open(daemon.socket())) {
            TwineException thrown =
                    assertCode(
                            ErrorCode.NOT_FOUND_VALUE, () -> connection.request(cancel(1), LONG));
            assertTrue(thrown.isFromDaemon());
            assertEquals("no message 1 – 😀", thrown.getMessage());
        }
    }

    @Test
    public void aRefusedConnectionIsToldAtOnce() throws Exception {
        Closed no =
                Closed.newBuilder()
                        .setError(error(ErrorCode.PERMISSION_DENIED, "no role for you"))
                        .build();
        try (FakeDaemon daemon =
                        new FakeDaemon(
                                peer -> {
                                    peer.read(FakeDaemon.CONNECT);
                                    peer.write(FakeDaemon.CLOSED, no.toByteArray());
                                });
                TwineConnection connection = open(daemon.socket())) {
            assertCode(
                    ErrorCode.PERMISSION_DENIED_VALUE, () -> connection.request(cancel(1), LONG));
        }
    }

    @Test
    public void anotherVersionIsToldAtOnce() throws Exception {
        try (FakeDaemon daemon = new FakeDaemon(peer -> peer.greet(2));
                TwineConnection connection = open(daemon.socket())) {
            assertCode(TwineException.VERSION, () -> connection.request(cancel(1), LONG));
        }
    }

    @Test
    public void noReplyInTimeIsAnUnknownResult() throws Exception {
        try (FakeDaemon daemon =
                        new FakeDaemon(
                                peer -> {
                                    peer.greet(1);
                                    // The first reply comes after the second request: too late.
                                    long late = peer.readRequest().getId();
                                    long next = peer.readRequest().getId();
                                    peer.write(FakeDaemon.REPLY, done(late));
                                    peer.write(FakeDaemon.REPLY, done(next));
                                    peer.untilEnd();
                                });
                TwineConnection connection = open(daemon.socket())) {
            assertEquals(Notice.Kind.CONNECTED, connection.next(LONG).kind());
            TwineException thrown =
                    assertCode(TwineException.TIMED_OUT, () -> connection.request(cancel(1), 1));
            assertTrue(thrown.isResultUnknown());
            assertEquals(2, Reply.parseFrom(connection.request(cancel(2), LONG)).getId());
        }
    }

    @Test
    public void tooManyOpenRequestsWaitAndAreThenNotSent() throws Exception {
        CountDownLatch all = new CountDownLatch(1);
        try (FakeDaemon daemon =
                        new FakeDaemon(
                                peer -> {
                                    peer.greet(1);
                                    for (int i = 0; i < 32; i++) {
                                        peer.readRequest();
                                    }
                                    all.countDown();
                                    peer.untilEnd();
                                });
                TwineConnection connection = open(daemon.socket())) {
            ExecutorService threads = Executors.newFixedThreadPool(32);
            List<Future<TwineException>> open = new ArrayList<>();
            for (long id = 1; id <= 32; id++) {
                byte[] request = cancel(id);
                open.add(
                        threads.submit(
                                () ->
                                        assertCode(
                                                TwineException.RESULT_UNKNOWN,
                                                () -> connection.request(request, LONG))));
            }
            assertTrue(all.await(LONG, TimeUnit.MILLISECONDS));
            assertCode(TwineException.NO_ROOM, () -> connection.request(cancel(99), 10));
            connection.close();
            for (Future<TwineException> one : open) {
                one.get();
            }
            threads.shutdown();
        }
    }

    @Test
    public void aBreakNamesWhatIsUnknownAndTheConnectionComesBack() throws Exception {
        try (FakeDaemon daemon =
                        new FakeDaemon(
                                peer -> {
                                    peer.greet(1);
                                    peer.readRequest();
                                },
                                peer -> {
                                    peer.greet(1);
                                    peer.write(FakeDaemon.REPLY, done(peer.readRequest().getId()));
                                    peer.untilEnd();
                                });
                TwineConnection connection = open(daemon.socket())) {
            assertEquals(Notice.Kind.CONNECTED, connection.next(LONG).kind());
            TwineException thrown =
                    assertCode(
                            TwineException.RESULT_UNKNOWN,
                            () -> connection.request(cancel(7), LONG));
            assertTrue(thrown.isResultUnknown());
            Notice lost = connection.next(LONG);
            assertEquals(Notice.Kind.LOST, lost.kind());
            assertArrayEquals(new long[] {7}, lost.unknown());
            assertEquals(TwineException.NOT_CONNECTED, lost.code());
            assertTrue(lost.message(), lost.message().contains("died"));
            assertEquals(Notice.Kind.CONNECTED, connection.next(LONG).kind());
            assertEquals(8, Reply.parseFrom(connection.request(cancel(8), LONG)).getId());
        }
    }

    @Test
    public void afterCloseEveryCallIsAnException() throws Exception {
        try (FakeDaemon daemon =
                new FakeDaemon(
                        peer -> {
                            peer.greet(1);
                            peer.untilEnd();
                        })) {
            TwineConnection connection = open(daemon.socket());
            assertEquals(Notice.Kind.CONNECTED, connection.next(LONG).kind());
            connection.close();
            connection.close();
            assertCode(TwineException.CLOSED, () -> connection.request(cancel(1), LONG));
            assertCode(TwineException.CLOSED, () -> connection.report(new byte[0]));
            assertCode(TwineException.CLOSED, () -> connection.orderResult(new byte[0]));
            assertCode(TwineException.CLOSED, () -> connection.next(LONG));
        }
    }

    @Test
    public void closeWakesThoseWhoWait() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        try (FakeDaemon daemon =
                new FakeDaemon(
                        peer -> {
                            peer.greet(1);
                            peer.readRequest();
                            asked.countDown();
                            peer.untilEnd();
                        })) {
            TwineConnection connection = open(daemon.socket());
            assertEquals(Notice.Kind.CONNECTED, connection.next(LONG).kind());
            ExecutorService threads = Executors.newFixedThreadPool(2);
            Future<TwineException> next =
                    threads.submit(
                            () ->
                                    assertCode(
                                            TwineException.CLOSED,
                                            () -> connection.next(Integer.MAX_VALUE)));
            Future<TwineException> request =
                    threads.submit(
                            () ->
                                    assertCode(
                                            TwineException.RESULT_UNKNOWN,
                                            () -> connection.request(cancel(1), LONG)));
            assertTrue(asked.await(LONG, TimeUnit.MILLISECONDS));
            connection.close();
            next.get();
            request.get();
            threads.shutdown();
        }
    }

    @Test
    public void closingFromManyThreadsFreesOnce() throws Exception {
        for (int round = 0; round < 200; round++) {
            TwineConnection connection = open("/nowhere/twined");
            ExecutorService threads = Executors.newFixedThreadPool(8);
            for (int i = 0; i < 4; i++) {
                threads.submit(connection::close);
                threads.submit(
                        () -> {
                            try {
                                connection.request(cancel(1), 1);
                            } catch (TwineException e) {
                                return e.code();
                            }
                            return 0;
                        });
            }
            threads.shutdown();
            assertTrue(threads.awaitTermination(LONG, TimeUnit.MILLISECONDS));
            connection.close();
        }
    }
}
