package org.twine.client;

import android.annotation.NonNull;
import org.twine.SettingsInfo;

/** Settings of a conversation, or the global ones. */
public final class Settings {
    /** Which channels may be used. The order is that of ITwine.MODE_. */
    public enum Mode {
        /** As set globally. */
        DEFAULT,
        AUTO,
        IP_ONLY,
        SMS_ONLY
    }

    /** When SMS may stand in for IP. The order is that of ITwine.FALLBACK_. */
    public enum Fallback {
        /** As set globally. */
        DEFAULT,
        ALWAYS,
        NOT_WHEN_ROAMING,
        /** The message waits for the user. */
        ASK,
        NEVER
    }

    /** As set here. */
    public final @NonNull Mode mode;

    /** As set here. */
    public final @NonNull Fallback fallback;

    /** The card that SMS leave by; empty: that of the own number. */
    public final @NonNull String iccid;

    /** For {@link TwineClient#setSettings}. */
    public Settings(@NonNull Mode mode, @NonNull Fallback fallback, @NonNull String iccid) {
        this.mode = mode;
        this.fallback = fallback;
        this.iccid = iccid;
    }

    Settings(@NonNull SettingsInfo info) {
        this(
                Mode.values()[info.mode < Mode.values().length ? info.mode : 0],
                Fallback.values()[info.fallback < Fallback.values().length ? info.fallback : 0],
                info.iccid == null ? "" : info.iccid);
    }
}
