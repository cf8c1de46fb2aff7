package org.twine;

/** One card. */
parcelable SimInfo {
    int slot;
    String iccid;
    /** Empty: not known. */
    String number;
    /** The operator's name. */
    String operator;
    /** Read and usable. */
    boolean ready;
    /** Registered in a network that carries SMS. */
    boolean inService;
    /** In a foreign network. */
    boolean roaming;
    /** The user's default for SMS. */
    boolean defaultForSms;
}
