package org.twine.client;

import android.annotation.NonNull;
import android.annotation.Nullable;
import java.util.List;
import org.twine.ITwine;
import org.twine.PreviewInfo;

/** What would happen to a message now. */
public final class Preview {
    /** It would leave by SMS. */
    public final boolean bySms;

    /** It would leave by IP. Neither: it would wait or fail. */
    public final boolean byIp;

    /** What it would wait for, as in {@link Message#waitsFor}; empty: nothing. */
    public final @NonNull String waitsFor;

    /** Whether the peer is on IP: "yes", "no", "unknown". */
    public final @NonNull String peerOnIp;

    /** The own number it would be sent from. */
    public final @NonNull String from;

    /** If by SMS, now or later: parts; 0: it cannot go by SMS. */
    public final int segments;

    /** Characters left in the last part. */
    public final int unitsLeft;

    /** "gsm7", "gsm7_national", "ucs2"; empty: it cannot go by SMS. */
    public final @NonNull String encoding;

    /** Slot of the SIM it would leave by; -1: absent. */
    public final int simSlot;

    /** Its card number; empty: absent. */
    public final @NonNull String iccid;

    /** That SIM roams: the SMS may cost more. */
    public final boolean roaming;

    /** Why, in plain words, most important first. */
    public final @NonNull List<String> reasons;

    Preview(@NonNull PreviewInfo info) {
        bySms = info.channel == ITwine.CHANNEL_SMS;
        byIp = info.channel == ITwine.CHANNEL_IP;
        waitsFor = text(info.waitsFor);
        peerOnIp = text(info.peerOnIp);
        from = text(info.from);
        encoding = text(info.encoding);
        iccid = text(info.iccid);
        segments = info.segments;
        unitsLeft = info.unitsLeft;
        simSlot = info.simSlot;
        roaming = info.roaming;
        reasons = info.reasons == null ? List.of() : List.of(info.reasons);
    }

    private static @NonNull String text(@Nullable String text) {
        return text == null ? "" : text;
    }
}
