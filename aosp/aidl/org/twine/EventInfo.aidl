package org.twine;

import org.twine.MessageInfo;

/** Something happened. */
parcelable EventInfo {
    /** Its place in the durable log; 0: not kept, nothing to acknowledge (typing). */
    long cursor;
    /** ITwine.EVENT_. */
    int kind;
    /** The message as it is now; null where none is concerned. */
    @nullable MessageInfo message;
    /** The state that this event tells of; the message may be further on. */
    int state;
    /** With EVENT_MERGED and EVENT_UNMERGED: the other message. */
    long otherMessageId;
    /** With EVENT_PEER_TYPING and EVENT_IDENTITY_CHANGED. */
    String own;
    String peer;
    /** With EVENT_PEER_TYPING: types, or has stopped. */
    boolean typing;
    /** For people. */
    String detail;
}
