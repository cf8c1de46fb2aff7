package org.twine;

import org.twine.HistoryPosition;

/** A message as it is now. */
parcelable MessageInfo {
    /** Names it on this phone. */
    long messageId;
    /** Sent by this phone. */
    boolean outgoing;
    /** The number of this phone. */
    String own;
    /** The other: a number, short code or name. */
    String peer;
    String text;
    /** ITwine.STATE_. */
    int state;
    HistoryPosition position;
    /** This phone's clock, milliseconds since 1970: for display only. */
    long createdMillis;
    long changedMillis;
    /** With STATE_FAILED: a stable word. */
    String failure;
    /**
     * What it waits for: "user", "sim", "radio", "service", "limit", "home" (the card
     * roams); empty: nothing.
     */
    String waitsFor;
    /** By which channel it came, or goes as far as decided: ITwine.CHANNEL_. */
    int channel;
    /** By SMS: how many parts there are, left the phone, were delivered. */
    int smsParts;
    int smsPartsSent;
    int smsPartsDelivered;
    /** By SMS: the card. */
    String iccid;
    /** A copy of this message, not shown by itself; 0: none. */
    long copyOf;
    /** Came by SMS so late that it was left where it arrived. */
    boolean late;
}
