package org.twine.sample;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;

/** Where the app is the ingester: the broadcast ends only after Twine has the SMS on disk. */
public class SmsDeliverReceiver extends BroadcastReceiver {
    @Override
    public void onReceive(Context context, Intent intent) {
        PendingResult pending = goAsync();
        SampleApplication.of(context)
                .twine()
                .deliverSms(intent)
                .whenComplete((done, failure) -> pending.finish());
    }
}
