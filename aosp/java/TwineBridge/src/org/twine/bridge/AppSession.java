package org.twine.bridge;

import java.util.function.BooleanSupplier;
import org.twine.ITwineCallback;
import org.twine.control.v1.AckEvents;
import org.twine.control.v1.Request;
import org.twine.jni.TwineException;

/**
 * One app at the daemon: a connection for its requests, and a further one for the events of each
 * callback that it registers, closed when the next is registered. Thread-safe.
 */
final class AppSession implements AutoCloseable {
    /** Opens a connection in the app's name. */
    interface Connector {
        Control connect() throws TwineException;
    }

    private final Connector connector;
    private final String name;
    private final BooleanSupplier isAdmitted;
    private final Control requests;

    /* Guarded by this. */
    private EventStream events;
    private boolean closed;

    /** Of an app that is told of events only while {@code isAdmitted} says so. */
    AppSession(Connector connector, String name, BooleanSupplier isAdmitted)
            throws TwineException {
        this.connector = connector;
        this.name = name;
        this.isAdmitted = isAdmitted;
        requests = connector.connect();
    }

    Control control() {
        return requests;
    }

    /** Events flow to this one from now on; an earlier one is told nothing more. */
    synchronized void setCallback(ITwineCallback callback) throws TwineException {
        if (closed) {
            throw new TwineException(TwineException.CLOSED, "this session was closed");
        }
        EventStream next = new EventStream(connector.connect(), callback, name, isAdmitted);
        if (events != null) {
            events.close();
        }
        events = next;
        next.start();
    }

    /** The app called, and may: events that waited for that flow again. */
    void admitted() {
        EventStream of;
        synchronized (this) {
            of = events;
        }
        if (of != null) {
            of.admitted();
        }
    }

    /** Ends it, if it is this one. */
    synchronized void unsetCallback(ITwineCallback gone) {
        if (events != null && events.isFor(gone)) {
            events.close();
            events = null;
        }
    }

    /** All events up to this one are done with. */
    void acknowledge(long cursor) throws TwineException {
        EventStream of;
        synchronized (this) {
            of = events;
        }
        requests.ask(Request.newBuilder().setAckEvents(AckEvents.newBuilder().setCursor(cursor)));
        if (of != null) {
            of.acknowledged(cursor);
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            if (events != null) {
                events.close();
                events = null;
            }
        }
        requests.close();
    }
}
