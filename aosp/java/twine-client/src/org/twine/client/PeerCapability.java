package org.twine.client;

import android.annotation.NonNull;
import org.twine.Capability;

/** Whether a number is reachable by IP, as far as known now. */
public final class PeerCapability {
    /** As it was asked for. */
    public final @NonNull String number;

    /** By IP. */
    public final boolean reachable;

    /** Bits of features, as in the wire protocol. */
    public final int features;

    /** For how long this is good, in seconds. */
    public final int validForSeconds;

    PeerCapability(@NonNull Capability info) {
        number = info.number;
        reachable = info.reachable;
        features = info.features;
        validForSeconds = info.validForSeconds;
    }
}
