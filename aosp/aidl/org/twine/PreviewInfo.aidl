package org.twine;

/** What would happen to a message now. */
parcelable PreviewInfo {
    /** ITwine.CHANNEL_; AUTO: it would wait or fail, see waitsFor and reasons. */
    int channel;
    /** Why, in plain words, most important first. */
    String[] reasons;
    /**
     * What it would wait for: "user", "sim", "radio", "service", "limit", "home" (the card
     * roams); empty: nothing.
     */
    String waitsFor;
    /** Whether the peer is on IP: "yes", "no", "unknown". */
    String peerOnIp;
    /** The own number it would be sent from. */
    String from;
    /** If by SMS, now or later: parts; 0: it cannot go by SMS. */
    int segments;
    /** Characters left in the last part. */
    int unitsLeft;
    /** "gsm7", "gsm7_national", "ucs2". */
    String encoding;
    /** Slot of the SIM it would leave by; -1: absent. */
    int simSlot;
    /** Its card number. */
    String iccid;
    /** That SIM roams: the SMS may cost more. */
    boolean roaming;
}
