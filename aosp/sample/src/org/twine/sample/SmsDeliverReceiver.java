package org.twine.sample;

import android.content.Context;
import org.twine.client.TwineClient;
import org.twine.client.TwineSmsReceiver;

/** Where the app is the ingester: the broadcast ends only after the SMS is kept. */
public class SmsDeliverReceiver extends TwineSmsReceiver {
    @Override
    protected TwineClient twine(Context context) {
        return SampleApplication.of(context).twine;
    }
}
