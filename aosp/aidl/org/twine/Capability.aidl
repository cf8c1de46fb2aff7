package org.twine;

/** Whether a number is reachable by IP. */
parcelable Capability {
    String number;
    boolean reachable;
    /** Bits of features, as in the wire protocol. */
    int features;
    /** For how long this is good, in seconds. */
    int validForSeconds;
}
