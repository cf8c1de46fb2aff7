package org.twine.bridge;

import android.os.IBinder;
import android.os.RemoteException;
import com.google.protobuf.InvalidProtocolBufferException;
import java.util.ArrayDeque;
import org.twine.EventInfo;
import org.twine.ITwine;
import org.twine.ITwineCallback;
import org.twine.control.v1.Event;
import org.twine.control.v1.Request;
import org.twine.control.v1.Subscribe;
import org.twine.jni.Notice;
import org.twine.jni.TwineException;

/**
 * Events to one callback, from one connection that serves nothing else: from the acknowledged cursor
 * on, in order, none left out. What an earlier stream has read and not told never gets into a later
 * one, so an acknowledgement covers only what was told.
 *
 * <p>Owns the window of events that were told and not acknowledged. Takes no event from the
 * connection while it is full, so that the daemon keeps what the app does not take. Never
 * acknowledges by itself.
 */
final class EventStream implements AutoCloseable {
    /** A look at whether something else is to be done; nothing waits for it in normal life. */
    private static final int LOOK_AGAIN_MILLIS = 60_000;

    /** So long after the registration the daemon counts as away. */
    private static final int AWAY_AFTER_MILLIS = 1_000;

    private final Control control;
    private final ITwineCallback callback;
    private final IBinder.DeathRecipient death = this::close;
    private final Thread pump;
    private volatile boolean isWatched;

    /* Guarded by this. */
    private Boolean toldAvailable;
    private boolean closed;
    private final ArrayDeque<Long> unacknowledged = new ArrayDeque<>();

    /** Over a connection, which it owns; {@link #start} begins. */
    EventStream(Control control, ITwineCallback callback, String name) {
        this.control = control;
        this.callback = callback;
        pump = new Thread(this::pump, "twine-events-" + name);
    }

    /** Begins, unless the callback is dead already. */
    void start() {
        try {
            callback.asBinder().linkToDeath(death, 0);
            isWatched = true;
        } catch (RemoteException e) {
            close();
            return;
        }
        pump.start();
    }

    boolean isFor(ITwineCallback other) {
        return callback.asBinder().equals(other.asBinder());
    }

    /** All events up to this one are done with. */
    synchronized void acknowledged(long cursor) {
        while (!unacknowledged.isEmpty() && unacknowledged.peekFirst() <= cursor) {
            unacknowledged.pollFirst();
        }
        notifyAll();
    }

    /** When this returns the callback is told nothing more. */
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            notifyAll();
        }
        if (isWatched) {
            callback.asBinder().unlinkToDeath(death, 0);
        }
        control.close();
    }

    private void pump() {
        int wait = AWAY_AFTER_MILLIS;
        while (waitForRoom()) {
            try {
                Notice notice = control.wire().next(wait);
                if (notice != null) {
                    take(notice);
                } else if (wait == AWAY_AFTER_MILLIS) {
                    tellAvailable(false, true);
                }
                wait = LOOK_AGAIN_MILLIS;
            } catch (TwineException e) {
                if (e.code() == TwineException.CLOSED || !reopen(e)) {
                    return;
                }
            }
        }
    }

    /** A connection whose library failed is replaced; false: there is an end to it. */
    private boolean reopen(TwineException why) {
        Log.warn("an app's connection failed, opening another: " + why.getMessage());
        tellAvailable(false, false);
        try {
            Thread.sleep(AWAY_AFTER_MILLIS);
            control.reopen();
            return true;
        } catch (TwineException e) {
            return e.code() != TwineException.CLOSED;
        } catch (InterruptedException e) {
            return false;
        }
    }

    /** False: closed. */
    private synchronized boolean waitForRoom() {
        while (!closed && unacknowledged.size() >= ITwine.MAX_UNACKNOWLEDGED_EVENTS) {
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
                tellAvailable(true, false);
                subscribe();
                break;
            case LOST:
                tellAvailable(false, false);
                break;
            case EVENT:
                tell(notice.body());
                break;
            default:
                // Orders are for the telephony agent.
                break;
        }
    }

    /** Events follow from the acknowledged cursor; what was told before is told again. */
    private void subscribe() {
        synchronized (this) {
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
        // Told under the lock: after close() nothing is. The call is oneway, it does not wait.
        synchronized (this) {
            if (closed) {
                return;
            }
            if (info.cursor > 0) {
                unacknowledged.addLast(info.cursor);
            }
            try {
                callback.onEvents(new EventInfo[] {info});
                return;
            } catch (RemoteException e) {
                Log.warn("an app's callback is gone");
            }
        }
        close();
    }

    private void tellAvailable(boolean available, boolean onlyIfUntold) {
        synchronized (this) {
            boolean same = toldAvailable != null && toldAvailable == available;
            if (closed || same || (onlyIfUntold && toldAvailable != null)) {
                return;
            }
            toldAvailable = available;
            try {
                callback.onAvailable(available);
                return;
            } catch (RemoteException e) {
                Log.warn("an app's callback is gone");
            }
        }
        close();
    }
}
