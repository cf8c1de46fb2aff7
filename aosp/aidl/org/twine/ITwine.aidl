package org.twine;

import org.twine.Capability;
import org.twine.HistoryPosition;
import org.twine.ITwineCallback;
import org.twine.IncomingSms;
import org.twine.MessageInfo;
import org.twine.MessagePage;
import org.twine.PreviewInfo;
import org.twine.SendRequest;
import org.twine.SendResult;
import org.twine.SettingsInfo;
import org.twine.StatusInfo;

/**
 * Twine for the messaging app: one conversation over SMS and IP.
 *
 * Who may call: a caller that holds org.twine.permission.USE_TWINE (signature) and is the default
 * SMS app. Others get a SecurityException that says which of the two is missing. Both are checked
 * at every call.
 *
 * Threading: every method may be called from any thread, several at the same time; none is oneway.
 * All but registerCallback, unregisterCallback and getInterfaceVersion wait for the daemon, usually a
 * few milliseconds and at most 30 s: never call them from a main thread.
 *
 * Errors: a ServiceSpecificException with one of the ERROR_ codes, and a text for people. A
 * DeadObjectException means that the bridge died: bind again; what had been asked may or may not
 * have been done, as with ERROR_RESULT_UNKNOWN. Null where null is not allowed is
 * ERROR_INVALID_ARGUMENT.
 *
 * Numbers are E.164 with plus sign; a recipient may also be a short code or a name, which only SMS
 * reaches.
 */
interface ITwine {
    /** Wrong in itself: repeating does not help. */
    const int ERROR_INVALID_ARGUMENT = 1;
    /** The daemon does not allow it to this client. */
    const int ERROR_PERMISSION_DENIED = 2;
    /** There is no such message, conversation or number. */
    const int ERROR_NOT_FOUND = 3;
    /** A limit is reached: try again later. */
    const int ERROR_BUSY = 4;
    /** Not possible in the present state of the message or the daemon. */
    const int ERROR_FAILED_PRECONDITION = 5;
    /** This daemon cannot do that. */
    const int ERROR_UNSUPPORTED = 6;
    /** The daemon's storage fails. */
    const int ERROR_STORAGE = 7;
    /** A mistake in Twine. */
    const int ERROR_INTERNAL = 8;
    /** Nothing was done: the daemon is not there. It may be back in a second. */
    const int ERROR_NOT_CONNECTED = 100;
    /** The daemon died, or did not answer, while it was asked: done or not. A send may be repeated with its token. */
    const int ERROR_RESULT_UNKNOWN = 101;

    /** Twine chooses; of an incoming message: not known. */
    const int CHANNEL_AUTO = 0;
    const int CHANNEL_IP = 1;
    const int CHANNEL_SMS = 2;

    /* States of a message, what the user sees. */
    const int STATE_QUEUED = 1;
    const int STATE_SENDING = 2;
    const int STATE_SENT = 3;
    const int STATE_DELIVERED = 4;
    const int STATE_READ = 5;
    const int STATE_FAILED = 6;
    const int STATE_CANCELLED = 7;
    const int STATE_RECEIVED = 8;
    /** Could not be read by this version: a placeholder. */
    const int STATE_UNREADABLE = 9;
    /** Has the name of another message and another content: shown as its own. */
    const int STATE_CONFLICTING = 10;

    /* Kinds of events; ones that are not listed here are to be ignored. */
    const int EVENT_MESSAGE_RECEIVED = 1;
    const int EVENT_MESSAGE_STATE_CHANGED = 2;
    /** Events before this one are not kept any more: read the history, then go on. */
    const int EVENT_RESYNC = 3;
    const int EVENT_PEER_TYPING = 4;
    const int EVENT_IDENTITY_CHANGED = 5;
    /** The message turned out to be a copy of another: show one. */
    const int EVENT_MERGED = 6;
    /** It is a message of its own after all. */
    const int EVENT_UNMERGED = 7;
    /** Its place in the conversation changed. */
    const int EVENT_REORDERED = 8;

    /** As set globally; globally: AUTO. */
    const int MODE_DEFAULT = 0;
    const int MODE_AUTO = 1;
    const int MODE_IP_ONLY = 2;
    const int MODE_SMS_ONLY = 3;

    /** As set globally; globally: ALWAYS. */
    const int FALLBACK_DEFAULT = 0;
    const int FALLBACK_ALWAYS = 1;
    const int FALLBACK_NOT_WHEN_ROAMING = 2;
    /** The message waits for the user's decision: retry or cancel. */
    const int FALLBACK_ASK = 3;
    const int FALLBACK_NEVER = 4;

    /** Longest text of a message, in bytes of UTF-8. */
    const int MAX_TEXT_BYTES = 81920;
    /** Longest client token, in bytes of UTF-8. */
    const int MAX_TOKEN_BYTES = 64;
    /** Most messages of one page. */
    const int MAX_PAGE = 200;
    /** Most numbers of one getCapabilities. */
    const int MAX_NUMBERS = 64;
    /** Most events that are told and not acknowledged; further ones wait. */
    const int MAX_UNACKNOWLEDGED_EVENTS = 64;

    /**
     * Stores a message for sending; returns when it is on disk. From then on it is sent whatever
     * dies.
     *
     * A repeat with the same token, within 30 days, returns the message made the first time: that
     * is how to go on after ERROR_RESULT_UNKNOWN, ERROR_NOT_CONNECTED or a death.
     *
     * Errors: INVALID_ARGUMENT (number, text or token), NOT_FOUND (no such own number), BUSY (the
     * outbox is full), STORAGE, NOT_CONNECTED, RESULT_UNKNOWN.
     *
     * Permission: USE_TWINE, default SMS app. Threading: not a main thread, waits for the daemon.
     * Limits: MAX_TEXT_BYTES, MAX_TOKEN_BYTES.
     */
    SendResult send(in SendRequest request);

    /**
     * What would happen to a message now: channel, SIM, segments, reasons. Nothing is stored and
     * nothing leaves. Cheap enough for every pause in typing. text may be empty.
     *
     * Errors: as send, without BUSY; a preview may simply be asked for again.
     *
     * Permission: USE_TWINE, default SMS app. Threading: not a main thread, waits for the daemon.
     * Limits: MAX_TEXT_BYTES.
     */
    PreviewInfo preview(in SendRequest request);

    /**
     * Takes a message back, if it can be: afterwards an event tells what became of it.
     *
     * Errors: NOT_FOUND, FAILED_PRECONDITION (settled already), NOT_CONNECTED, RESULT_UNKNOWN.
     *
     * Permission: USE_TWINE, default SMS app. Threading: not a main thread, waits for the daemon.
     * Limits: none of its own.
     */
    void cancel(long messageId);

    /**
     * Sends a failed message again, or answers one that waits for the user (waitsFor "user"): by
     * SMS now, or go on waiting for IP. channel: one of CHANNEL_; AUTO lets Twine choose.
     *
     * Errors: NOT_FOUND, FAILED_PRECONDITION, INVALID_ARGUMENT, NOT_CONNECTED, RESULT_UNKNOWN.
     *
     * Permission: USE_TWINE, default SMS app. Threading: not a main thread, waits for the daemon.
     * Limits: none of its own.
     */
    void retry(long messageId, int channel);

    /**
     * One message as it is now.
     *
     * Errors: NOT_FOUND, NOT_CONNECTED.
     *
     * Permission: USE_TWINE, default SMS app. Threading: not a main thread, waits for the daemon.
     * Limits: none of its own.
     */
    MessageInfo getMessage(long messageId);

    /**
     * A page of a conversation, newest first. before: the position of the last message received;
     * null: from the newest. limit: 1 to MAX_PAGE; 0: 50. A page may be shorter than asked for to
     * fit a transaction: go by its field more.
     *
     * Errors: INVALID_ARGUMENT, NOT_CONNECTED.
     *
     * Permission: USE_TWINE, default SMS app. Threading: not a main thread, waits for the daemon.
     * Limits: MAX_PAGE.
     */
    MessagePage getHistory(String own, String peer, in @nullable HistoryPosition before, int limit);

    /**
     * The newest message of each conversation, newest activity first. offset: how many to skip;
     * limit as for getHistory.
     *
     * Errors: INVALID_ARGUMENT, NOT_CONNECTED.
     *
     * Permission: USE_TWINE, default SMS app. Threading: not a main thread, waits for the daemon.
     * Limits: MAX_PAGE.
     */
    MessagePage getConversations(int offset, int limit);

    /**
     * From now on events are told, from this app's acknowledged cursor on; a second callback
     * replaces the first. Events that were told and not acknowledged are told again after each
     * break and each new registration: ignore a cursor not larger than the last one handled. None
     * is left out, and the callback before is told nothing more. Returns at once; that the daemon
     * is away is told by onAvailable. An app that stops being the default SMS app is told
     * onAvailable(false) and nothing more; when it is again, its next call lets events flow on.
     *
     * Errors: INVALID_ARGUMENT (null), NOT_CONNECTED (no room for another connection).
     *
     * Permission: USE_TWINE, default SMS app. Threading: any thread.
     * Limits: one callback for each app, MAX_UNACKNOWLEDGED_EVENTS.
     */
    void registerCallback(in ITwineCallback callback);

    /**
     * Ends what registerCallback began, if it is this callback. Returns at once.
     *
     * Errors: INVALID_ARGUMENT (null).
     *
     * Permission: USE_TWINE, default SMS app. Threading: any thread.
     * Limits: none of its own.
     */
    void unregisterCallback(in ITwineCallback callback);

    /**
     * All events up to this cursor are done with, durably: they will not be told again. Makes room
     * for further ones.
     *
     * Errors: INVALID_ARGUMENT (larger than any event told), NOT_CONNECTED, RESULT_UNKNOWN (safe to
     * repeat).
     *
     * Permission: USE_TWINE, default SMS app. Threading: not a main thread, waits for the daemon.
     * Limits: none of its own.
     */
    void acknowledgeEvents(long cursor);

    /**
     * Which of these numbers are reachable by IP, as far as known now. At most MAX_NUMBERS.
     *
     * Errors: INVALID_ARGUMENT, BUSY, NOT_CONNECTED.
     *
     * Permission: USE_TWINE, default SMS app. Threading: not a main thread, waits for the daemon.
     * Limits: MAX_NUMBERS.
     */
    Capability[] getCapabilities(in String[] numbers);

    /**
     * The user has read everything received in this message's conversation up to it. Safe to
     * repeat.
     *
     * Errors: NOT_FOUND, NOT_CONNECTED, RESULT_UNKNOWN.
     *
     * Permission: USE_TWINE, default SMS app. Threading: not a main thread, waits for the daemon.
     * Limits: none of its own.
     */
    void markRead(long messageId);

    /**
     * The user types, or has stopped. Not kept, not repeated, and silently dropped where the peer
     * cannot be told.
     *
     * Errors: INVALID_ARGUMENT, NOT_CONNECTED.
     *
     * Permission: USE_TWINE, default SMS app. Threading: not a main thread, waits for the daemon.
     * Limits: none of its own.
     */
    void setTyping(String own, String peer, boolean typing);

    /**
     * The settings of a conversation; with own and peer empty: the global ones.
     *
     * Errors: INVALID_ARGUMENT, NOT_CONNECTED.
     *
     * Permission: USE_TWINE, default SMS app. Threading: not a main thread, waits for the daemon.
     * Limits: none of its own.
     */
    SettingsInfo getSettings(String own, String peer);

    /**
     * Changes them: mode (MODE_), fallback (FALLBACK_), and the card that SMS of a conversation
     * leave by (ICCID; empty: that of the own number).
     *
     * Errors: INVALID_ARGUMENT, STORAGE, NOT_CONNECTED, RESULT_UNKNOWN (safe to repeat).
     *
     * Permission: USE_TWINE, default SMS app. Threading: not a main thread, waits for the daemon.
     * Limits: none of its own.
     */
    void setSettings(String own, String peer, int mode, int fallback, String iccid);

    /**
     * Binds a number to this phone, for IP. Only with the user's consent, after telling what it
     * costs and who learns of it; consent false is refused. iccid: the card of the number, or
     * empty. EVENT_IDENTITY_CHANGED tells when the gateway has granted it.
     *
     * Errors: INVALID_ARGUMENT, FAILED_PRECONDITION, STORAGE, NOT_CONNECTED, RESULT_UNKNOWN (safe to
     * repeat).
     *
     * Permission: USE_TWINE, default SMS app. Threading: not a main thread, waits for the daemon.
     * Limits: none of its own.
     */
    void registerNumber(String number, String iccid, boolean consent);

    /**
     * What the daemon, its numbers and the cards are doing.
     *
     * Errors: NOT_CONNECTED.
     *
     * Permission: USE_TWINE, default SMS app. Threading: not a main thread, waits for the daemon.
     * Limits: none of its own.
     */
    StatusInfo getStatus();

    /**
     * An SMS that the default SMS app received by SMS_DELIVER, where the app is the one ingester
     * (the bridge's configuration says so). Returns when the message is durably spooled: only then
     * may the app finish its broadcast. The same message twice is recognised. Works while the
     * daemon is away.
     *
     * Errors: INVALID_ARGUMENT (no readable PDU), UNSUPPORTED (the bridge receives SMS itself),
     * STORAGE (not kept: call again while the broadcast may last, then write it to the phone's own
     * SMS store; the bridge tries on as long as it lives).
     *
     * Permission: USE_TWINE, default SMS app. Threading: not a main thread, waits for the disk.
     * Limits: 1 to 255 PDUs.
     */
    void deliverIncomingSms(in IncomingSms sms);
}
