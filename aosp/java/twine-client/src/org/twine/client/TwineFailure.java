package org.twine.client;

import android.annotation.NonNull;
import org.twine.ITwine;

/** Why a call failed: what a future of {@link TwineClient} ends with. */
public final class TwineFailure extends Exception {
    private static final long serialVersionUID = 1;
    private final int code;

    TwineFailure(int code, @NonNull String message) {
        super(message);
        this.code = code;
    }

    /** One of ITwine.ERROR_. */
    public int code() {
        return code;
    }

    /**
     * Whether asking again may help: Twine was not there, was busy, or died. A send is repeated with
     * its token.
     */
    public boolean isPassing() {
        return code == ITwine.ERROR_BUSY
                || code == ITwine.ERROR_NOT_CONNECTED
                || code == ITwine.ERROR_RESULT_UNKNOWN;
    }
}
