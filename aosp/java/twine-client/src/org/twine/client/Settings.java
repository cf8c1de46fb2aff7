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

    /** What holds, with the global ones and defaults applied; as set here until read from Twine. */
    public final @NonNull Mode effectiveMode;

    /** What holds. */
    public final @NonNull Fallback effectiveFallback;

    /** For {@link TwineClient#setSettings}. */
    public Settings(@NonNull Mode mode, @NonNull Fallback fallback, @NonNull String iccid) {
        this(mode, fallback, iccid, mode, fallback);
    }

    private Settings(
            Mode mode,
            Fallback fallback,
            String iccid,
            Mode effectiveMode,
            Fallback effectiveFallback) {
        this.mode = mode;
        this.fallback = fallback;
        this.iccid = iccid;
        this.effectiveMode = effectiveMode;
        this.effectiveFallback = effectiveFallback;
    }

    Settings(@NonNull SettingsInfo info) {
        this(
                mode(info.mode),
                fallback(info.fallback),
                info.iccid == null ? "" : info.iccid,
                mode(info.effectiveMode),
                fallback(info.effectiveFallback));
    }

    /** One of a newer version counts as the default. */
    private static Mode mode(int mode) {
        return mode >= 0 && mode < Mode.values().length ? Mode.values()[mode] : Mode.DEFAULT;
    }

    private static Fallback fallback(int fallback) {
        boolean known = fallback >= 0 && fallback < Fallback.values().length;
        return known ? Fallback.values()[fallback] : Fallback.DEFAULT;
    }
}
