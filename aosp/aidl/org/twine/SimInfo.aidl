package org.twine;

/** One card. */
parcelable SimInfo {
    int slot;
    String iccid;
    /** Empty: not known. */
    String number;
    /** The operator's name. */
    String operator;
    boolean ready;
    /** Registered in a network that carries SMS. */
    boolean inService;
    boolean roaming;
    /** The user's default for SMS. */
    boolean defaultForSms;
}
