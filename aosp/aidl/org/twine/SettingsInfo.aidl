package org.twine;

/** Settings of a conversation, or the global ones. */
parcelable SettingsInfo {
    /** As set here: ITwine.MODE_. */
    int mode;
    /** As set here: ITwine.FALLBACK_. */
    int fallback;
    /** As set here: the card that SMS leave by. */
    String iccid;
    /** What holds, with globals and defaults applied. */
    int effectiveMode;
    int effectiveFallback;
    /** Whether the peer is on IP: "yes", "no", "unknown"; of a conversation. */
    String peerOnIp;
}
