package org.twine.jni;

import java.nio.charset.StandardCharsets;

/**
 * A connection to the daemon's control socket that comes back when the daemon was restarted.
 *
 * <p>Messages are bytes: bodies of the protobuf messages of control.proto, framed by the native
 * library. All methods may be called from any thread, and any number of requests may be open at
 * the same time (beyond 32 they wait for their turn). No method may be called from a main thread:
 * all but {@link #close} wait for the daemon, and {@code close} waits for calls in progress, which
 * it wakes.
 *
 * <p>Nothing is ever repeated by itself. After a break the owner learns of it by a {@link
 * Notice.Kind#LOST}, subscribes again, and decides what to do about requests of unknown result.
 *
 * <p>The native side lives until {@link #close}; there is no finalizer.
 */
public final class TwineConnection implements Wire {
    /** May use the app's requests. As {@code Role} in control.proto. */
    public static final byte ROLE_APP = 1;

    /** The telephony agent. */
    public static final byte ROLE_TELEPHONY = 2;

    /** Diagnostics. */
    public static final byte ROLE_DIAGNOSTICS = 3;

    /** Of the native side; 0: none any more. Guarded by this. */
    private long handle;

    /** Calls in progress. Guarded by this. */
    private int calls;

    /** Guarded by this. */
    private boolean closed;

    /**
     * Starts to connect, and returns at once.
     *
     * @param path of the socket
     * @param client durable name, 1 to 64 characters of {@code [a-zA-Z0-9._-]}: tokens and event
     *     cursors are kept under it
     * @param roles to ask for
     * @throws TwineException with BAD_ARGUMENT
     */
    public TwineConnection(String path, String client, byte... roles) throws TwineException {
        handle =
                nativeOpen(
                        path.getBytes(StandardCharsets.UTF_8),
                        client.getBytes(StandardCharsets.UTF_8),
                        roles);
    }

    /**
     * Sends a {@code Request} and waits for its {@code Reply}. Without a connection it waits for
     * one, unless the daemon refused the last attempt: that is thrown at once.
     *
     * @param request its id must not be 0, nor that of another open request
     * @param timeoutMillis for all of it
     * @throws TwineException an error reply of the daemon, with the daemon's code; NOT_CONNECTED,
     *     RESULT_UNKNOWN, TIMED_OUT, NO_ROOM, TOO_LARGE, BAD_ARGUMENT, CLOSED, VERSION
     */
    @Override
    public byte[] request(byte[] request, int timeoutMillis) throws TwineException {
        long raw = enter();
        try {
            return nativeRequest(raw, request, timeoutMillis);
        } finally {
            exit();
        }
    }

    /**
     * Sends a {@code Report} of the telephony agent; there is no answer.
     *
     * @throws TwineException NOT_CONNECTED, RESULT_UNKNOWN, TOO_LARGE, BAD_ARGUMENT, CLOSED
     */
    @Override
    public void report(byte[] report) throws TwineException {
        long raw = enter();
        try {
            nativeReport(raw, report);
        } finally {
            exit();
        }
    }

    /** Sends an {@code OrderResult} of the telephony agent; as {@link #report}. */
    @Override
    public void orderResult(byte[] result) throws TwineException {
        long raw = enter();
        try {
            nativeOrderResult(raw, result);
        } finally {
            exit();
        }
    }

    /**
     * Waits for the next notice. One thread should always be in here: beyond 256 KiB of events
     * nothing more is read from the socket while no request waits.
     *
     * @return null if none came in time
     * @throws TwineException CLOSED
     */
    @Override
    public Notice next(int timeoutMillis) throws TwineException {
        byte[] notice;
        long raw = enter();
        try {
            notice = nativeNext(raw, timeoutMillis);
        } finally {
            exit();
        }
        return notice == null ? null : Notice.parse(notice);
    }

    /** Ends the connection; calls in progress and later ones throw CLOSED. Twice does nothing. */
    @Override
    public void close() {
        long raw;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            raw = handle;
        }
        boolean interrupted = false;
        nativeClose(raw);
        synchronized (this) {
            while (calls > 0) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            handle = 0;
        }
        nativeFree(raw);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized long enter() throws TwineException {
        if (closed) {
            throw new TwineException(TwineException.CLOSED, "this connection was closed");
        }
        calls++;
        return handle;
    }

    private synchronized void exit() {
        calls--;
        if (calls == 0) {
            notifyAll();
        }
    }

    private static native long nativeOpen(byte[] path, byte[] client, byte[] roles)
            throws TwineException;

    private static native byte[] nativeRequest(long handle, byte[] request, int timeoutMillis)
            throws TwineException;

    private static native void nativeReport(long handle, byte[] report) throws TwineException;

    private static native void nativeOrderResult(long handle, byte[] result) throws TwineException;

    private static native byte[] nativeNext(long handle, int timeoutMillis) throws TwineException;

    private static native void nativeClose(long handle);

    private static native void nativeFree(long handle);

    static {
        System.loadLibrary("twine_jni");
    }
}
