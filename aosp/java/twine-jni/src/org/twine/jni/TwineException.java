package org.twine.jni;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** What went wrong at the control socket, with a code for programs. */
public final class TwineException extends IOException {
    private static final long serialVersionUID = 1;

    /* Below 100: the daemon's own codes, ErrorCode in control.proto. */

    /** Never sent: there was no connection in the time given. Safe to repeat. */
    public static final int NOT_CONNECTED = 100;

    /** Sent, then the connection broke: done or not. A send may be repeated with its token. */
    public static final int RESULT_UNKNOWN = 101;

    /** Sent, and no reply in the time given: done or not. */
    public static final int TIMED_OUT = 102;

    /** Never sent: too many requests wait for their reply. */
    public static final int NO_ROOM = 103;

    /** Never sent: longer than a message may be (1 MiB). */
    public static final int TOO_LARGE = 104;

    /** The caller's mistake; the message says which. */
    public static final int BAD_ARGUMENT = 105;

    /** The connection was closed by its owner. */
    public static final int CLOSED = 106;

    /** The daemon speaks another version of the protocol. */
    public static final int VERSION = 107;

    /** A mistake in the native library. The connection may be used on, or be opened anew. */
    public static final int PANIC = 108;

    /** The virtual machine could not do what the library asked of it. */
    public static final int VM = 109;

    private final int code;

    /**
     * One of these codes.
     *
     * @param code a constant here, or a code of the daemon
     * @param message for people
     */
    public TwineException(int code, String message) {
        super(message);
        this.code = code;
    }

    /** Called by the native library: the text is UTF-8. */
    TwineException(int code, byte[] message) {
        this(code, new String(message, StandardCharsets.UTF_8));
    }

    /** One of the constants here, or a code of the daemon (below 100). */
    public int code() {
        return code;
    }

    /** Whether the daemon itself said no: {@link #code} is its {@code ErrorCode}. */
    public boolean isFromDaemon() {
        return code < NOT_CONNECTED;
    }

    /** Whether the request may have been carried out without the caller knowing. */
    public boolean isResultUnknown() {
        return code == RESULT_UNKNOWN || code == TIMED_OUT;
    }
}
