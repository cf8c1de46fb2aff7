package org.twine.bridge.phone;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import android.provider.Telephony;
import android.telephony.SmsMessage;
import android.telephony.SubscriptionManager;
import java.io.IOException;
import org.twine.bridge.Bridge;
import org.twine.bridge.Log;
import org.twine.bridge.sms.IncomingText;

/**
 * Takes every SMS, where the bridge is the one ingester (see Config). The broadcast is finished only
 * after the SMS is spooled on the disk: until then the framework keeps it.
 */
public final class IncomingSmsReceiver extends BroadcastReceiver {
    /** Tries to spool, of which each takes a while on a full disk. */
    private static final int TRIES = 3;

    @Override
    public void onReceive(Context context, Intent intent) {
        if (!Telephony.Sms.Intents.SMS_RECEIVED_ACTION.equals(intent.getAction())) {
            return;
        }
        Bridge bridge = Bridge.of(context);
        if (bridge.config().isAppIngester()) {
            return;
        }
        PendingResult pending = goAsync();
        bridge.executor()
                .execute(
                        () -> {
                            try {
                                take(bridge, intent);
                            } finally {
                                if (pending != null) {
                                    pending.finish();
                                }
                            }
                        });
    }

    private static void take(Bridge bridge, Intent intent) {
        byte[][] pdus = pdus(intent);
        SmsMessage[] parts = IncomingPdus.parse(pdus, intent.getStringExtra("format"));
        int subscription =
                intent.getIntExtra(
                        SubscriptionManager.EXTRA_SUBSCRIPTION_INDEX,
                        SubscriptionManager.INVALID_SUBSCRIPTION_ID);
        IncomingText text = bridge.agent().read(parts, pdus, subscription);
        if (text == null) {
            Log.warn("an SMS came that is not readable");
            return;
        }
        for (int trial = 1; trial <= TRIES; trial++) {
            try {
                bridge.agent().desk().received(text);
                return;
            } catch (IOException e) {
                Log.warn("an SMS is not spooled, trial " + trial + " of " + TRIES + ": " + e);
            }
        }
    }

    private static byte[][] pdus(Intent intent) {
        Object[] extra = intent.getSerializableExtra("pdus", Object[].class);
        if (extra == null) {
            return null;
        }
        byte[][] pdus = new byte[extra.length][];
        for (int i = 0; i < extra.length; i++) {
            pdus[i] = (byte[]) extra[i];
        }
        return pdus;
    }
}
