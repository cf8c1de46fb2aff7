package org.twine.sample;

import android.app.Service;
import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import android.os.IBinder;
import org.twine.client.Draft;

/** Answers a call by a message. */
public class RespondService extends Service {
    /** Takes no MMS; the role of the default SMS app wants somebody who could. */
    public static class NoMms extends BroadcastReceiver {
        @Override
        public void onReceive(Context context, Intent intent) {}
    }

    @Override
    public int onStartCommand(Intent intent, int flags, int startId) {
        String to = intent.getData().getSchemeSpecificPart();
        SampleApplication.of(this).twine
                .send(new Draft(to, intent.getStringExtra(Intent.EXTRA_TEXT)))
                .whenComplete((id, failure) -> stopSelf(startId));
        return START_NOT_STICKY;
    }

    @Override
    public IBinder onBind(Intent intent) {
        return null;
    }
}
