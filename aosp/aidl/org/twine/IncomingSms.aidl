package org.twine;

import org.twine.SmsPdu;

/** The content of an SMS_DELIVER broadcast. */
parcelable IncomingSms {
    /** All of its PDUs, in order; 1 to 255. */
    SmsPdu[] pdus;
    /** The extra "format": "3gpp" or "3gpp2". */
    String format;
    /** The extra of SubscriptionManager.EXTRA_SUBSCRIPTION_INDEX. */
    int subscriptionId;
}
