package org.twine.bridge.phone;

import android.content.ContentResolver;
import android.content.ContentValues;
import android.provider.Telephony;
import java.io.IOException;
import org.twine.bridge.Log;
import org.twine.bridge.sms.IncomingText;
import org.twine.bridge.sms.SmsDesk;

/**
 * Keeps an incoming SMS before its broadcast ends (DELIVERY 28), in this order: in the spool; where
 * the disk does not take it, with the daemon, or in the spool after all, as long as a broadcast may
 * last; then as an unread message in the phone's own SMS store, which every SMS app shows. Whatever
 * comes of it, the SMS stays in memory, and spool and daemon are tried on: it may come twice rather
 * than never.
 */
public final class IncomingKeeper {
    /**
     * A foreground broadcast may last 10 s (ActivityManagerService), a background one longer; the SMS
     * behind it waits as long.
     */
    public static final long PATIENCE_MILLIS = 8_000;

    private final SmsDesk desk;
    private final ContentResolver phoneStore;
    private final long patienceMillis;

    /** With the patience of a broadcast, for example. */
    public IncomingKeeper(SmsDesk desk, ContentResolver phoneStore, long patienceMillis) {
        this.desk = desk;
        this.phoneStore = phoneStore;
        this.patienceMillis = patienceMillis;
    }

    /** Whether it is kept where a dying process does not take it along. */
    public boolean keep(IncomingText text, int subscription) {
        return keepHere(text) || giveToPhone(text, subscription);
    }

    /** Whether the spool or the daemon has it. */
    public boolean keepHere(IncomingText text) {
        try {
            desk.received(text);
            return true;
        } catch (IOException e) {
            Log.warn("an SMS is not spooled, trying on: " + e);
        }
        try {
            return desk.awaitKept(text, patienceMillis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** The phone's UID may write there (app-op WRITE_SMS). */
    private boolean giveToPhone(IncomingText text, int subscription) {
        ContentValues row = new ContentValues();
        row.put(Telephony.Sms.ADDRESS, text.from);
        row.put(Telephony.Sms.BODY, text.text);
        row.put(Telephony.Sms.DATE_SENT, text.sctsMillis);
        row.put(Telephony.Sms.SUBSCRIPTION_ID, subscription);
        row.put(Telephony.Sms.READ, 0);
        row.put(Telephony.Sms.SEEN, 0);
        try {
            boolean there = phoneStore.insert(Telephony.Sms.Inbox.CONTENT_URI, row) != null;
            Log.warn("an SMS " + (there ? "went to" : "was refused by") + " the phone's SMS store");
            return there;
        } catch (RuntimeException e) {
            // A full disk, for example. Its message may name the sender.
            Log.warn("the phone's SMS store fails: " + e.getClass().getName());
            return false;
        }
    }
}
