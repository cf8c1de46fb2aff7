package org.twine.bridge.phone;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import android.provider.Telephony;
import android.telephony.SmsMessage;
import android.telephony.SubscriptionManager;
import org.twine.bridge.Bridge;
import org.twine.bridge.sms.IncomingText;

/**
 * Takes every SMS, where the bridge is the one ingester (see Config). The broadcast is finished only
 * after the SMS is kept (see {@link IncomingKeeper}): when it ends, well or not, the framework deletes
 * its own copy ({@code InboundSmsHandler}, "deleting from raw table anyway").
 */
public final class IncomingSmsReceiver extends BroadcastReceiver {
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
        bridge.incoming()
                .execute(
                        () -> {
                            boolean kept = false;
                            try {
                                kept = take(bridge, intent);
                            } finally {
                                if (pending != null) {
                                    finish(pending, kept);
                                }
                            }
                        });
    }

    private static void finish(PendingResult pending, boolean kept) {
        if (!kept) {
            pending.setResultCode(Telephony.Sms.Intents.RESULT_SMS_OUT_OF_MEMORY);
        }
        pending.finish();
    }

    /** Whether the broadcast may be finished with a clear conscience. */
    private static boolean take(Bridge bridge, Intent intent) {
        byte[][] pdus = pdus(intent);
        SmsMessage[] parts = IncomingPdus.parse(pdus, intent.getStringExtra("format"));
        int subscription =
                intent.getIntExtra(
                        SubscriptionManager.EXTRA_SUBSCRIPTION_INDEX,
                        SubscriptionManager.INVALID_SUBSCRIPTION_ID);
        IncomingText text = bridge.agent().read(parts, pdus, subscription);
        if (text == null) {
            // Nobody else can read it either; the agent has counted it.
            return true;
        }
        return bridge.keeper().keep(text, subscription);
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
