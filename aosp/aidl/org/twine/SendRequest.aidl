package org.twine;

/** A message to be sent or previewed. */
parcelable SendRequest {
    /** The sending number; empty: the only one, or that of the default SIM for SMS. */
    String from;
    /** The recipient: E.164, a short code or a name. */
    String to;
    /** At most ITwine.MAX_TEXT_BYTES of UTF-8. */
    String text;
    /**
     * Unique for the app, 1 to ITwine.MAX_TOKEN_BYTES bytes, chosen before the first try and kept
     * with the draft. Ignored by preview.
     */
    String token;
    /** Give up when not delivered within this time, in seconds; 0: never. */
    int validForSeconds;
    /** The user's choice for this one message: ITwine.CHANNEL_. */
    int channel;
}
