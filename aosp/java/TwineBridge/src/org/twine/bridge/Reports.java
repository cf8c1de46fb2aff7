package org.twine.bridge;

import java.util.ArrayDeque;
import org.twine.jni.TwineException;

/**
 * What the agent tells the daemon, in order, by a thread of its own: a daemon that is slow to read
 * stops nobody else. Keeps nothing beyond a connection: who tells has it and tells it again.
 */
public final class Reports implements AutoCloseable {
    /** Reports that wait to be told; a further one is refused, and counted. */
    public static final int MAX_REPORTS = 256;

    /** Tells one thing. */
    public interface Tell {
        /** May wait for the daemon. */
        void to(Control control) throws TwineException;
    }

    private final Control control;
    private final Runnable roomAgain;
    private final Thread thread;

    /* Guarded by this. */
    private final ArrayDeque<Tell> waiting = new ArrayDeque<>();
    private boolean connected;
    private boolean refusedSome;
    private boolean closed;
    private long refused;

    /**
     * Begins at once.
     *
     * @param roomAgain is called after something was refused and all that waited is told
     */
    public Reports(Control control, Runnable roomAgain) {
        this.control = control;
        this.roomAgain = roomAgain;
        thread = new Thread(this::run, "twine-report");
        thread.start();
    }

    /** What waited for an earlier connection is dropped: it is told again. */
    public synchronized void connected(boolean now) {
        connected = now;
        waiting.clear();
        refusedSome = false;
    }

    /** Never waits. False: it is not told; there is no connection, or no room. */
    public synchronized boolean offer(Tell tell) {
        if (!connected || closed) {
            return false;
        }
        if (waiting.size() >= MAX_REPORTS) {
            refusedSome = true;
            refused++;
            return false;
        }
        waiting.addLast(tell);
        notifyAll();
        return true;
    }

    /** For dumpsys. */
    public synchronized String summary() {
        return "reports that wait: " + waiting.size() + ", refused for want of room: " + refused;
    }

    /** Close the connection before: the thread may be waiting for it. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        Tell next = take();
        while (next != null) {
            try {
                next.to(control);
            } catch (TwineException e) {
                // The next connection is told all again.
                Log.warn("a report is not told: " + e.getMessage());
            }
            if (hasRoomAgain()) {
                roomAgain.run();
            }
            next = take();
        }
    }

    private synchronized boolean hasRoomAgain() {
        boolean again = refusedSome && waiting.isEmpty();
        refusedSome &= !again;
        return again;
    }

    private synchronized Tell take() {
        while (waiting.isEmpty() && !closed) {
            try {
                wait();
            } catch (InterruptedException e) {
                return null;
            }
        }
        return closed ? null : waiting.pollFirst();
    }
}
