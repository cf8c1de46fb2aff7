package org.twine.jni;

import com.google.protobuf.InvalidProtocolBufferException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.twine.control.v1.AckEvents;
import org.twine.control.v1.Event;
import org.twine.control.v1.EventKind;
import org.twine.control.v1.Message;
import org.twine.control.v1.Reply;
import org.twine.control.v1.Request;
import org.twine.control.v1.Send;
import org.twine.control.v1.Sent;
import org.twine.control.v1.Subscribe;

/** A small messaging app over the native library: one thread takes notices. */
final class App implements AutoCloseable {
    final TwineConnection connection;
    final LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();
    final LinkedBlockingQueue<Notice> losses = new LinkedBlockingQueue<>();
    private final AtomicLong lastId = new AtomicLong();
    private final boolean subscribes;
    private final Thread pump;
    private volatile Throwable failed;
    private long lastCursor;

    App(String socket, String name, boolean subscribes) throws TwineException {
        this.subscribes = subscribes;
        connection =
                new TwineConnection(
                        socket, name, TwineConnection.ROLE_APP, TwineConnection.ROLE_DIAGNOSTICS);
        pump = new Thread(this::takeNotices, "pump");
        pump.start();
    }

    /** Asks; the id is chosen here. */
    Reply ask(Request.Builder request) throws TwineException {
        byte[] bytes = request.setId(lastId.incrementAndGet()).build().toByteArray();
        try {
            return Reply.parseFrom(
                    connection.request(bytes, (int) Programs.PATIENCE_MILLIS));
        } catch (InvalidProtocolBufferException e) {
            throw new AssertionError(e);
        }
    }

    Sent send(String to, String text, String token) throws TwineException {
        Send send = Send.newBuilder().setTo(to).setText(text).setToken(token).build();
        return ask(Request.newBuilder().setSend(send)).getSent();
    }

    /** Sends, again and again with its token, until the daemon says that it has it. */
    Sent sendSurely(String to, String text, String token) throws TwineException {
        while (true) {
            try {
                return send(to, text, token);
            } catch (TwineException e) {
                boolean mayHelp = e.isResultUnknown() || e.code() == TwineException.NOT_CONNECTED;
                if (!mayHelp) {
                    throw e;
                }
            }
        }
    }

    /** The next message that comes in; its event is acknowledged. */
    Message received() throws Exception {
        while (true) {
            Event event = events.poll(Programs.PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
            if (event == null) {
                throw new AssertionError("no event came", failed);
            }
            if (event.getCursor() <= lastCursor) {
                // Told again after a break.
                continue;
            }
            lastCursor = event.getCursor();
            ask(Request.newBuilder().setAckEvents(AckEvents.newBuilder().setCursor(lastCursor)));
            if (event.getKind() == EventKind.MESSAGE_RECEIVED) {
                return event.getMessage();
            }
        }
    }

    private void takeNotices() {
        try {
            while (true) {
                Notice notice = connection.next(Integer.MAX_VALUE);
                switch (notice.kind()) {
                    case CONNECTED:
                        if (subscribes) {
                            subscribe();
                        }
                        break;
                    case EVENT:
                        events.add(Event.parseFrom(notice.body()));
                        break;
                    case LOST:
                        losses.add(notice);
                        break;
                    default:
                        throw new AssertionError(notice.kind());
                }
            }
        } catch (TwineException e) {
            if (e.code() != TwineException.CLOSED) {
                failed = e;
            }
        } catch (InvalidProtocolBufferException | AssertionError e) {
            failed = e;
        }
    }

    private void subscribe() throws TwineException {
        try {
            ask(Request.newBuilder().setSubscribe(Subscribe.getDefaultInstance()));
        } catch (TwineException e) {
            // It broke again: the next connection subscribes.
            if (e.code() == TwineException.CLOSED) {
                throw e;
            }
        }
    }

    @Override
    public void close() throws InterruptedException {
        connection.close();
        pump.join();
        if (failed != null) {
            throw new AssertionError("the pump failed", failed);
        }
    }
}
