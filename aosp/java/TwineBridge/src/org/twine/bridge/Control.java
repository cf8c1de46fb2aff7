package org.twine.bridge;

import com.google.protobuf.InvalidProtocolBufferException;
import java.util.concurrent.atomic.AtomicLong;
import org.twine.control.v1.Reply;
import org.twine.control.v1.Report;
import org.twine.control.v1.Request;
import org.twine.jni.TwineException;
import org.twine.jni.Wire;

/** The control socket with its message types. Thread-safe. */
public final class Control implements AutoCloseable {
    /** A request takes at most this: a Binder thread waits for it. */
    static final int TIMEOUT_MILLIS = 30_000;

    /** Opens a connection. */
    public interface Opener {
        /** Returns at once; the connection is made by itself. */
        Wire open() throws TwineException;
    }

    private final Opener opener;
    private final AtomicLong lastId = new AtomicLong();

    /* Changed under this. */
    private volatile Wire wire;
    private boolean closed;

    /** Over a connection, which it owns. */
    public Control(Opener opener) throws TwineException {
        this.opener = opener;
        wire = opener.open();
    }

    /** Instead of a connection whose library failed (TwineException.PANIC). */
    public synchronized void reopen() throws TwineException {
        if (closed) {
            throw new TwineException(TwineException.CLOSED, "this connection was closed");
        }
        Wire failed = wire;
        wire = opener.open();
        failed.close();
    }

    /** Asks; the id is chosen here. */
    public Reply ask(Request.Builder request) throws TwineException {
        byte[] bytes = request.setId(lastId.incrementAndGet()).build().toByteArray();
        try {
            return Reply.parseFrom(wire.request(bytes, TIMEOUT_MILLIS));
        } catch (InvalidProtocolBufferException e) {
            throw new TwineException(TwineException.RESULT_UNKNOWN, "the reply is not readable");
        } catch (TwineException e) {
            if (e.code() == TwineException.PANIC) {
                reopen();
            }
            throw e;
        }
    }

    /** Reports as the telephony agent. */
    public void report(Report report) throws TwineException {
        wire.report(report.toByteArray());
    }

    /** The connection itself. */
    public Wire wire() {
        return wire;
    }

    @Override
    public synchronized void close() {
        closed = true;
        wire.close();
    }
}
