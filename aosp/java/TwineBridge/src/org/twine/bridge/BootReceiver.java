package org.twine.bridge;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;

/**
 * Starts the agent at boot, before the user unlocks. In a process of its own the bridge is there
 * already (it is persistent); inside com.android.phone nothing else would start it, because that
 * process is started for another package.
 */
public final class BootReceiver extends BroadcastReceiver {
    @Override
    public void onReceive(Context context, Intent intent) {
        if (Intent.ACTION_LOCKED_BOOT_COMPLETED.equals(intent.getAction())) {
            // Sticky: the system starts it again after a crash of the process.
            context.startService(new Intent(context, TwineService.class));
        }
    }
}
