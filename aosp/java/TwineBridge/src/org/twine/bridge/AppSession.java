package org.twine.bridge;

import android.os.IBinder;
import android.os.RemoteException;
import com.google.protobuf.InvalidProtocolBufferException;
import java.util.ArrayDeque;
import org.twine.EventInfo;
import org.twine.ITwine;
import org.twine.ITwineCallback;
import org.twine.control.v1.AckEvents;
import org.twine.control.v1.Event;
import org.twine.control.v1.Request;
import org.twine.control.v1.Subscribe;
import org.twine.jni.Notice;
import org.twine.jni.TwineException;

/**
 * One app at the daemon: its requests, and the events that flow to its callback.
 *
 * <p>Owns the window of events that were told and not acknowledged. Takes no event from the
 * connection while it is full, so that the daemon keeps what the app does not take. Never
 * acknowledges by itself.
 */
final class AppSession implements AutoCloseable {
    /** A look at whether something else is to be done; nothing waits for it in normal life. */
    private static final int LOOK_AGAIN_MILLIS = 60_000;

    private final Control control;
    private final Thread pump;

    /* Guarded by this. */
    private ITwineCallback callback;
    private IBinder.DeathRecipient death;
    private boolean connected;
    private boolean subscribe;
    private boolean closed;
    private final ArrayDeque<Long> unacknowledged = new ArrayDeque<>();

    AppSession(Control control, String name) {
        this.control = control;
        pump = new Thread(this::pump, "twine-app-" + name);
        pump.start();
    }

    Control control() {
        return control;
    }

    /** Events flow to this one from now on. */
    synchronized void setCallback(ITwineCallback next) {
        dropCallback();
        IBinder.DeathRecipient watch = () -> unsetCallback(next);
        try {
            next.asBinder().linkToDeath(watch, 0);
        } catch (RemoteException e) {
            // Dead already.
            return;
        }
        callback = next;
        death = watch;
        subscribe = true;
        tellAvailable();
        notifyAll();
        // The pump may be waiting for a notice; with the subscription one comes.
        if (connected) {
            subscribeSoon();
        }
    }

    /** Ends it, if it is this one. */
    synchronized void unsetCallback(ITwineCallback gone) {
        if (callback != null && callback.asBinder().equals(gone.asBinder())) {
            dropCallback();
        }
    }

    /** All events up to this one are done with. */
    void acknowledge(long cursor) throws TwineException {
        control.ask(Request.newBuilder().setAckEvents(AckEvents.newBuilder().setCursor(cursor)));
        synchronized (this) {
            while (!unacknowledged.isEmpty() && unacknowledged.peekFirst() <= cursor) {
                unacknowledged.pollFirst();
            }
            notifyAll();
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            dropCallback();
        }
        control.close();
        try {
            pump.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void dropCallback() {
        if (callback != null) {
            callback.asBinder().unlinkToDeath(death, 0);
        }
        callback = null;
        death = null;
        unacknowledged.clear();
        notifyAll();
    }

    private void pump() {
        try {
            while (waitForRoom()) {
                Notice notice = control.wire().next(LOOK_AGAIN_MILLIS);
                if (notice != null) {
                    take(notice);
                }
            }
        } catch (TwineException e) {
            if (e.code() != TwineException.CLOSED) {
                Log.warn("an app's connection ended: " + e.getMessage());
            }
        }
    }

    /** False: closed. */
    private synchronized boolean waitForRoom() {
        while (!closed
                && callback != null
                && unacknowledged.size() >= ITwine.MAX_UNACKNOWLEDGED_EVENTS) {
            try {
                wait();
            } catch (InterruptedException e) {
                return false;
            }
        }
        return !closed;
    }

    private void take(Notice notice) {
        switch (notice.kind()) {
            case CONNECTED:
                synchronized (this) {
                    connected = true;
                    // What was told and not acknowledged will be told again.
                    unacknowledged.clear();
                    subscribe = callback != null;
                    tellAvailable();
                }
                subscribe();
                break;
            case LOST:
                synchronized (this) {
                    connected = false;
                    tellAvailable();
                }
                break;
            case EVENT:
                tell(notice.body());
                break;
            default:
                // Orders are for the telephony agent.
                break;
        }
    }

    private void subscribeSoon() {
        new Thread(this::subscribe, "twine-subscribe").start();
    }

    /** Events follow from the acknowledged cursor, also if they did so already. */
    private void subscribe() {
        synchronized (this) {
            if (!subscribe) {
                return;
            }
            subscribe = false;
            unacknowledged.clear();
        }
        try {
            control.ask(Request.newBuilder().setSubscribe(Subscribe.getDefaultInstance()));
        } catch (TwineException e) {
            // The connection broke: the next one subscribes. Anything else is a mistake.
            if (e.isFromDaemon()) {
                Log.warn("the daemon refuses events: " + e.getMessage());
            }
        }
    }

    private void tell(byte[] body) {
        EventInfo info;
        try {
            info = Parcels.event(Event.parseFrom(body));
        } catch (InvalidProtocolBufferException e) {
            Log.warn("an event is not readable");
            return;
        }
        ITwineCallback to;
        synchronized (this) {
            to = callback;
            if (to == null) {
                // It is told again to the next one.
                return;
            }
            if (info.cursor > 0) {
                unacknowledged.addLast(info.cursor);
            }
        }
        try {
            to.onEvents(new EventInfo[] {info});
        } catch (RemoteException e) {
            unsetCallback(to);
        }
    }

    private void tellAvailable() {
        if (callback == null) {
            return;
        }
        try {
            callback.onAvailable(connected);
        } catch (RemoteException e) {
            dropCallback();
        }
    }
}
