package org.twine.client;

import android.annotation.NonNull;
import android.annotation.Nullable;
import java.util.Comparator;
import org.twine.ITwine;
import org.twine.MessageInfo;

/** A message as it was when it was read. Never changes; a later one with the same id replaces it. */
public final class Message {
    /** The order of a conversation, oldest first. */
    public static final Comparator<Message> ORDER =
            Comparator.<Message>comparingLong(message -> message.position.position)
                    .thenComparingInt(message -> message.position.epoch)
                    .thenComparingLong(message -> message.position.laneSeq);

    /** What the user sees. */
    public enum State {
        QUEUED,
        SENDING,
        SENT,
        DELIVERED,
        READ,
        FAILED,
        CANCELLED,
        RECEIVED,
        /** Could not be read by this version: a placeholder. */
        UNREADABLE,
        /** Has the name of another message and another content: shown as its own. */
        CONFLICTING,
        /** Of a newer version: show the message, and no state. */
        UNKNOWN;

        static @NonNull State of(int state) {
            return state >= ITwine.STATE_QUEUED && state <= ITwine.STATE_CONFLICTING
                    ? values()[state - ITwine.STATE_QUEUED]
                    : UNKNOWN;
        }
    }

    /** Where a message belongs; for {@link TwineClient#history}. */
    public static final class Position {
        final long position;
        final int epoch;
        final long laneSeq;

        Position(long position, int epoch, long laneSeq) {
            this.position = position;
            this.epoch = epoch;
            this.laneSeq = laneSeq;
        }
    }

    /** Names it on this phone. */
    public final long id;

    /** Sent by this phone. */
    public final boolean outgoing;

    /** The number of this phone. */
    public final @NonNull String own;

    /** The other: a number, short code or name. */
    public final @NonNull String peer;

    /** What it says. */
    public final @NonNull String text;

    /** What the user sees. */
    public final @NonNull State state;

    /** Where it belongs. */
    public final @NonNull Position position;

    /** This phone's clock, milliseconds since 1970: for display only. */
    public final long createdMillis;

    /** When its state last changed, by the same clock. */
    public final long changedMillis;

    /** With FAILED: why, as a stable word; null: not failed. */
    public final @Nullable String failure;

    /** It waits until the user decides: {@link TwineClient#retry} or {@link TwineClient#cancel}. */
    public final boolean waitsForUser;

    /**
     * What it waits for: "user", "sim", "radio", "service", "limit", "home" (the card roams); null:
     * nothing.
     */
    public final @Nullable String waitsFor;

    /** It came, or goes, by SMS. */
    public final boolean bySms;

    /** By SMS: how many parts there are. */
    public final int smsParts;

    /** Of these, how many left the phone. */
    public final int smsPartsSent;

    /** Of these, how many the operator reported as delivered. */
    public final int smsPartsDelivered;

    /** By SMS: the card; null: not by SMS. */
    public final @Nullable String iccid;

    /** It is a copy of another message, and not shown by itself. */
    public final boolean isCopy;

    /** With isCopy: of this one. */
    public final long copyOf;

    /** It came by SMS so late that it was left where it arrived. */
    public final boolean late;

    Message(@NonNull MessageInfo info) {
        id = info.messageId;
        outgoing = info.outgoing;
        own = info.own;
        peer = info.peer;
        text = info.text;
        state = State.of(info.state);
        position =
                new Position(
                        info.position.position, info.position.epoch, info.position.laneSeq);
        createdMillis = info.createdMillis;
        changedMillis = info.changedMillis;
        failure = given(info.failure);
        waitsFor = given(info.waitsFor);
        waitsForUser = "user".equals(waitsFor);
        bySms = info.channel == ITwine.CHANNEL_SMS;
        smsParts = info.smsParts;
        smsPartsSent = info.smsPartsSent;
        smsPartsDelivered = info.smsPartsDelivered;
        iccid = given(info.iccid);
        copyOf = info.copyOf;
        isCopy = copyOf != 0;
        late = info.late;
    }

    private static @Nullable String given(@Nullable String text) {
        return text == null || text.isEmpty() ? null : text;
    }

    /** Without numbers and text: this may reach a log. */
    @Override
    public @NonNull String toString() {
        return "message " + id + " " + state;
    }
}
