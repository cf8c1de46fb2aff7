package org.twine;

/** One PDU of an SMS, as it is in the broadcast. */
parcelable SmsPdu {
    byte[] bytes;
}
