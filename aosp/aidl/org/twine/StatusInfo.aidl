package org.twine;

import org.twine.IdentityInfo;
import org.twine.SimInfo;

/** What Twine is doing. */
parcelable StatusInfo {
    String daemonVersion;
    IdentityInfo[] identities;
    SimInfo[] sims;
    /** "offline", "connecting", "greeting", "live", "waiting". */
    String session;
    /** Why, in plain words. */
    String sessionReason;
    /** Messages not yet on their way, on their way, and not yet delivered. */
    long queued;
    long inFlight;
    long undelivered;
    /** The telephony agent is there: SMS can be sent by cards that are in service. */
    boolean smsPossible;
    boolean storageHealthy;
}
