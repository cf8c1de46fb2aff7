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

    /** Without numbers and texts: this goes into bug reports. */
    @Override
    protected void dump(FileDescriptor file, PrintWriter out, String[] arguments) {
        out.print(Bridge.of(this).agent().summary());
        out.println(
                "incoming SMS are ingested by the "
                        + (Bridge.of(this).config().isAppIngester() ? "app" : "bridge"));
    }
}
