package org.twine;

/** A stored message. */
parcelable SendResult {
    /** Names it on this phone. */
    long messageId;
    /** The token was known: this is the message made the first time. */
    boolean repeated;
}
