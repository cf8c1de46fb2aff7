package org.twine.bridge;

import android.os.IBinder;
import android.os.RemoteException;
import com.google.protobuf.InvalidProtocolBufferException;
import java.util.ArrayDeque;
import java.util.function.BooleanSupplier;
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
 * connection while it is full, so that the daemon keeps what the app does not take. Tells nothing to
 * an app that may not call any more, and goes on where it was when it may again. Never acknowledges
 * by itself.
 */
final class EventStream implements AutoCloseable {
    /** A look at whether something else is to be done; nothing waits for it in normal life. */
    private static final int LOOK_AGAIN_MILLIS = 60_000;

    /** So long after the registration the daemon counts as away. */
    private static final int AWAY_AFTER_MILLIS = 1_000;

    /**
     * Characters of text that are told and not acknowledged, besides ITwine's limit on events.
     * Calls that an app has not read, because it is frozen for example, share 1 MB less what else is
     * under way to it, and a oneway call gets half of that; a character takes two bytes.
     */
    static final int MAX_UNACKNOWLEDGED_CHARACTERS = 100_000;

    /** An event that was told. */
    private static final class Told {
        final long cursor;
        final int characters;

        Told(EventInfo info) {
            cursor = info.cursor;
            characters = info.message == null ? 0 : info.message.text.length();
        }
    }

    private final Control control;
    private final ITwineCallback callback;
    private final IBinder.DeathRecipient death = this::close;
    private final BooleanSupplier isAdmitted;
    private final Thread pump;
    private volatile boolean isWatched;

    /* Guarded by this. */
    private Boolean toldAvailable;
    private boolean closed;
    private final ArrayDeque<Told> unacknowledged = new ArrayDeque<>();
    private int unacknowledgedCharacters;

    /** Over a connection, which it owns; {@link #start} begins. */
    EventStream(
            Control control, ITwineCallback callback, String name, BooleanSupplier isAdmitted) {
        this.control = control;
        this.callback = callback;
        this.isAdmitted = isAdmitted;
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
        while (!unacknowledged.isEmpty() && unacknowledged.peekFirst().cursor <= cursor) {
            unacknowledgedCharacters -= unacknowledged.pollFirst().characters;
        }
        notifyAll();
    }

    /** The app may call: if events waited for that they flow again. */
    synchronized void admitted() {
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
                if (notice != null && !take(notice)) {
                    // Frozen perhaps, with too much to read already, or not the default SMS app any
                    // more; if it died close() follows.
                    if (!reopen("a callback does not take an event, or may not have it")) {
                        return;
                    }
                } else if (notice == null && wait == AWAY_AFTER_MILLIS) {
                    tellAvailable(false, true);
                }
                wait = LOOK_AGAIN_MILLIS;
            } catch (TwineException e) {
                if (e.code() == TwineException.CLOSED || !reopen(e.getMessage())) {
                    return;
                }
            }
        }
    }

    /** Goes on with another connection, from the acknowledged cursor; false: there is an end to it. */
    private boolean reopen(String why) {
        Log.warn("opening another connection for an app's events: " + why);
        tellAvailable(false, false);
        while (true) {
            try {
                Thread.sleep(AWAY_AFTER_MILLIS);
                awaitAdmission();
                control.reopen();
                return true;
            } catch (TwineException e) {
                // Never on with the old one: what it holds lies behind what is missing.
                if (e.code() == TwineException.CLOSED) {
                    return false;
                }
            } catch (InterruptedException e) {
                return false;
            }
        }
    }

    /** Until the app may call, or this is closed. Its calls wake it; the clock is for an app without. */
    private synchronized void awaitAdmission() throws InterruptedException {
        while (!closed && !isAdmitted.getAsBoolean()) {
            wait(LOOK_AGAIN_MILLIS);
        }
    }

    /** False: closed. */
    private synchronized boolean waitForRoom() {
        while (!closed
                && (unacknowledged.size() >= ITwine.MAX_UNACKNOWLEDGED_EVENTS
                        || unacknowledgedCharacters >= MAX_UNACKNOWLEDGED_CHARACTERS)) {
            try {
                wait();
            } catch (InterruptedException e) {
                return false;
            }
        }
        return !closed;
    }

    /** False: it was an event, and it was not told. */
    private boolean take(Notice notice) {
        switch (notice.kind()) {
            case CONNECTED:
                tellAvailable(true, false);
                subscribe();
                break;
            case LOST:
                tellAvailable(false, false);
                break;
            case EVENT:
                return tell(notice.body());
            default:
                // Orders are for the telephony agent.
                break;
        }
        return true;
    }

    /** Events follow from the acknowledged cursor; what was told before is told again. */
    private void subscribe() {
        synchronized (this) {
            unacknowledged.clear();
            unacknowledgedCharacters = 0;
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

    /** False: it was not told, and nothing behind it may be told before it. */
    private boolean tell(byte[] body) {
        EventInfo info;
        try {
            info = Parcels.event(Event.parseFrom(body));
        } catch (InvalidProtocolBufferException e) {
            Log.warn("an event is not readable");
            return true;
        }
        // Told under the lock: after close() nothing is. The call is oneway, it does not wait.
        synchronized (this) {
            if (closed) {
                return true;
            }
            if (!isAdmitted.getAsBoolean()) {
                return false;
            }
            if (info.cursor > 0) {
                Told told = new Told(info);
                unacknowledged.addLast(told);
                unacknowledgedCharacters += told.characters;
            }
            try {
                callback.onEvents(new EventInfo[] {info});
                return true;
            } catch (RemoteException e) {
                return false;
            }
        }
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
            } catch (RemoteException e) {
                // If it died close() follows.
                toldAvailable = null;
            }
        }
    }
}
