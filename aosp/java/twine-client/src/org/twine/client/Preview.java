package org.twine.client;

import android.annotation.NonNull;
import java.util.List;
import org.twine.ITwine;
import org.twine.PreviewInfo;

/** What would happen to a message now. */
public final class Preview {
    /** It would leave by SMS. */
    public final boolean bySms;

    /** It would leave by IP. Neither: it would wait or fail. */
    public final boolean byIp;

    /** If by SMS, now or later: parts; 0: it cannot go by SMS. */
    public final int segments;

    /** Characters left in the last part. */
    public final int unitsLeft;

    /** Slot of the SIM it would leave by; -1: absent. */
    public final int simSlot;

    /** That SIM roams: the SMS may cost more. */
    public final boolean roaming;

    /** Why, in plain words, most important first. */
    public final @NonNull List<String> reasons;

    Preview(@NonNull PreviewInfo info) {
        bySms = info.channel == ITwine.CHANNEL_SMS;
        byIp = info.channel == ITwine.CHANNEL_IP;
        segments = info.segments;
        unitsLeft = info.unitsLeft;
        simSlot = info.simSlot;
        roaming = info.roaming;
        reasons = info.reasons == null ? List.of() : List.of(info.reasons);
    }
}
