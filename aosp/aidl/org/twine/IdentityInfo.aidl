package org.twine;

/** One number of this phone. */
parcelable IdentityInfo {
    String number;
    /** "active", "waiting_for_epoch", "not_bound", "sms_only". */
    String state;
    /** Its card, as far as known. */
    String iccid;
}
