package org.twine.bridge;

import android.app.Service;
import android.content.Intent;
import android.os.IBinder;
import java.io.FileDescriptor;
import java.io.PrintWriter;

/** What the messaging app binds to, and what dumpsys asks. */
public final class TwineService extends Service {
    /** What to bind with. */
    static final String ACTION = "org.twine.ITwine";

    @Override
    public IBinder onBind(Intent intent) {
        return ACTION.equals(intent.getAction()) ? Bridge.of(this).binder() : null;
    }

    /** Keeps the agent running where the process is not the bridge's own, see BootReceiver. */
    @Override
    public int onStartCommand(Intent intent, int flags, int startId) {
        Bridge.of(this);
        return START_STICKY;
    }

    /** Without numbers and texts: this goes into bug reports. */
    @Override
    protected void dump(FileDescriptor file, PrintWriter out, String[] arguments) {
        out.print(Bridge.of(this).agent().summary());
        out.println(
                "incoming SMS are ingested by the "
                        + (Bridge.of(this).config().isAppIngester() ? "app" : "bridge"));
    }
}
