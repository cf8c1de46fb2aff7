package org.twine.client;

import android.annotation.NonNull;
import android.annotation.Nullable;
import org.twine.EventInfo;
import org.twine.ITwine;

/** Something happened to the conversations. */
public final class TwineEvent {
    /** What. */
    public enum Kind {
        /** A message came in. */
        RECEIVED,
        /** A message has another state. */
        STATE_CHANGED,
        /** Older events are not kept any more: read all histories anew. */
        RESYNC,
        /** The peer types, or has stopped. */
        TYPING,
        /** An own number was granted, or lost. */
        IDENTITY_CHANGED,
        /** The message is a copy of another: show one. */
        MERGED,
        /** It is a message of its own after all. */
        UNMERGED,
        /** Its place changed. */
        REORDERED;

        static @Nullable Kind of(int kind) {
            boolean known =
                    kind >= ITwine.EVENT_MESSAGE_RECEIVED && kind <= ITwine.EVENT_REORDERED;
            return known ? values()[kind - ITwine.EVENT_MESSAGE_RECEIVED] : null;
        }
    }

    /** What. */
    public final @NonNull Kind kind;

    /** The message as it is now; null where none is concerned. */
    public final @Nullable Message message;

    /** With MERGED and UNMERGED: the other message; else 0. */
    public final long otherMessageId;

    /** With TYPING and IDENTITY_CHANGED: whose. */
    public final @NonNull String own;

    /** With TYPING: who. */
    public final @NonNull String peer;

    /** With TYPING: types, or has stopped. */
    public final boolean typing;

    TwineEvent(@NonNull Kind kind, @NonNull EventInfo info) {
        this.kind = kind;
        message = info.message == null ? null : new Message(info.message);
        otherMessageId = info.otherMessageId;
        own = info.own == null ? "" : info.own;
        peer = info.peer == null ? "" : info.peer;
        typing = info.typing;
    }
}
