package org.twine.client;

import android.annotation.NonNull;
import java.util.ArrayList;
import java.util.List;
import org.twine.IdentityInfo;
import org.twine.SimInfo;
import org.twine.StatusInfo;

/** What Twine is doing. */
public final class Status {
    /** One number of this phone. */
    public static final class Identity {
        /** E.164 with plus sign. */
        public final @NonNull String number;

        /** "active", "waiting_for_epoch", "not_bound", "sms_only". */
        public final @NonNull String state;

        /** Its card, as far as known. */
        public final @NonNull String iccid;

        Identity(@NonNull IdentityInfo info) {
            number = info.number;
            state = info.state;
            iccid = info.iccid;
        }
    }

    /** One card. */
    public static final class Sim {
        /** Where it is. */
        public final int slot;

        /** Its number as a card. */
        public final @NonNull String iccid;

        /** Its telephone number; empty: not known. */
        public final @NonNull String number;

        /** The operator's name. */
        public final @NonNull String operator;

        /** It can be used. */
        public final boolean ready;

        /** Registered in a network that carries SMS. */
        public final boolean inService;

        /** In a foreign network. */
        public final boolean roaming;

        /** The user's default for SMS. */
        public final boolean defaultForSms;

        Sim(@NonNull SimInfo info) {
            slot = info.slot;
            iccid = info.iccid;
            number = info.number;
            operator = info.operator;
            ready = info.ready;
            inService = info.inService;
            roaming = info.roaming;
            defaultForSms = info.defaultForSms;
        }
    }

    /** Of the daemon. */
    public final @NonNull String daemonVersion;

    /** The numbers of this phone. */
    public final @NonNull List<Identity> identities;

    /** The cards in it. */
    public final @NonNull List<Sim> sims;

    /** "offline", "connecting", "greeting", "live", "waiting". */
    public final @NonNull String session;

    /** Why, in plain words. */
    public final @NonNull String sessionReason;

    /** Messages not yet on their way. */
    public final long queued;

    /** Messages on their way. */
    public final long inFlight;

    /** Messages not yet delivered. */
    public final long undelivered;

    /** The telephony agent is there: SMS can be sent by cards that are in service. */
    public final boolean smsPossible;

    /** Messages can be kept. */
    public final boolean storageHealthy;

    Status(@NonNull StatusInfo info) {
        daemonVersion = info.daemonVersion;
        List<Identity> numbers = new ArrayList<>();
        for (IdentityInfo one : info.identities) {
            numbers.add(new Identity(one));
        }
        identities = List.copyOf(numbers);
        List<Sim> cards = new ArrayList<>();
        for (SimInfo one : info.sims) {
            cards.add(new Sim(one));
        }
        sims = List.copyOf(cards);
        session = info.session;
        sessionReason = info.sessionReason;
        queued = info.queued;
        inFlight = info.inFlight;
        undelivered = info.undelivered;
        smsPossible = info.smsPossible;
        storageHealthy = info.storageHealthy;
    }
}
