package org.twine.bridge;

/** The bridge's log. Lines have no numbers and no texts. */
public final class Log {
    private static final String TAG = "TwineBridge";

    private Log() {}

    /** Something that an engineer wants to know. */
    public static void warn(String line) {
        android.util.Log.w(TAG, line);
    }
}
