package org.twine.client;

import android.annotation.NonNull;
import android.content.BroadcastReceiver;
import android.content.ContentValues;
import android.content.Context;
import android.content.Intent;
import android.os.Handler;
import android.os.Looper;
import android.os.SystemClock;
import android.provider.Telephony;
import android.telephony.SmsMessage;
import android.telephony.SubscriptionManager;
import org.twine.ITwine;

/**
 * The messaging app's receiver of SMS_DELIVER, where the app is the one ingester: passes each SMS to
 * Twine, and finishes the broadcast only when it is kept. When a broadcast ends the framework deletes
 * its own copy of the SMS, however it ended.
 *
 * <p>If Twine cannot keep it in the time that a broadcast has, it becomes an unread message in the
 * phone's own SMS store, as any default SMS app writes it. If that fails, too, the result of the
 * broadcast says so (RESULT_SMS_OUT_OF_MEMORY).
 *
 * <p>Declare the subclass with {@code android:permission="android.permission.BROADCAST_SMS"}.
 */
public abstract class TwineSmsReceiver extends BroadcastReceiver {
    /** A foreground broadcast may last 10 s (ActivityManagerService). */
    static final long PATIENCE_MILLIS = 8_000;

    private static final long AGAIN_MILLIS = 500;

    /** The client of this process. */
    protected abstract @NonNull TwineClient twine(@NonNull Context context);

    @Override
    public final void onReceive(Context context, Intent intent) {
        if (!Telephony.Sms.Intents.SMS_DELIVER_ACTION.equals(intent.getAction())) {
            return;
        }
        new Delivery(context.getApplicationContext(), twine(context), intent, goAsync()).pass();
    }

    /** One broadcast. */
    private static final class Delivery {
        private final Context context;
        private final TwineClient twine;
        private final Intent broadcast;
        private final PendingResult pending;
        private final Handler main = new Handler(Looper.getMainLooper());
        private final long end = SystemClock.uptimeMillis() + PATIENCE_MILLIS;

        /* On the main thread. */
        private boolean finished;

        Delivery(Context context, TwineClient twine, Intent broadcast, PendingResult pending) {
            this.context = context;
            this.twine = twine;
            this.broadcast = broadcast;
            this.pending = pending;
            // A call may wait longer than the broadcast may last.
            main.postDelayed(this::giveToPhone, PATIENCE_MILLIS);
        }

        void pass() {
            if (finished) {
                return;
            }
            twine.deliverSms(broadcast)
                    .whenComplete((done, failure) -> main.post(() -> passed(failure)));
        }

        private void passed(Throwable failure) {
            if (failure == null) {
                finish(true);
                return;
            }
            boolean hopeful =
                    failure instanceof TwineFailure
                            && (((TwineFailure) failure).isPassing()
                                    || ((TwineFailure) failure).code() == ITwine.ERROR_STORAGE);
            if (hopeful && SystemClock.uptimeMillis() + AGAIN_MILLIS < end) {
                main.postDelayed(this::pass, AGAIN_MILLIS);
            } else {
                giveToPhone();
            }
        }

        /** As the default SMS app may. */
        private void giveToPhone() {
            if (finished) {
                return;
            }
            SmsMessage[] parts;
            boolean kept = false;
            try {
                parts = Telephony.Sms.Intents.getMessagesFromIntent(broadcast);
                if (parts != null && parts.length > 0 && parts[0] != null) {
                    StringBuilder text = new StringBuilder();
                    for (SmsMessage part : parts) {
                        text.append(part.getDisplayMessageBody());
                    }
                    ContentValues row = new ContentValues();
                    row.put(Telephony.Sms.ADDRESS, parts[0].getDisplayOriginatingAddress());
                    row.put(Telephony.Sms.BODY, text.toString());
                    row.put(Telephony.Sms.DATE_SENT, parts[0].getTimestampMillis());
                    row.put(
                            Telephony.Sms.SUBSCRIPTION_ID,
                            broadcast.getIntExtra(
                                    SubscriptionManager.EXTRA_SUBSCRIPTION_INDEX,
                                    SubscriptionManager.INVALID_SUBSCRIPTION_ID));
                    row.put(Telephony.Sms.READ, 0);
                    row.put(Telephony.Sms.SEEN, 0);
                    kept =
                            context.getContentResolver()
                                            .insert(Telephony.Sms.Inbox.CONTENT_URI, row)
                                    != null;
                }
            } catch (RuntimeException e) {
                // Not readable, or the phone's store fails as well.
                kept = false;
            }
            finish(kept);
        }

        private void finish(boolean kept) {
            if (finished) {
                return;
            }
            finished = true;
            main.removeCallbacksAndMessages(null);
            if (pending != null) {
                if (!kept) {
                    pending.setResultCode(Telephony.Sms.Intents.RESULT_SMS_OUT_OF_MEMORY);
                }
                pending.finish();
            }
        }
    }
}
