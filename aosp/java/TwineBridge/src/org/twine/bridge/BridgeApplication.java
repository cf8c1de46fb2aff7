package org.twine.bridge;

import android.app.Application;
import java.io.IOException;
import org.twine.jni.TwineConnection;

/** The process: persistent, started at boot, before the user unlocks. */
public class BridgeApplication extends Application {
    private Bridge bridge;

    @Override
    public void onCreate() {
        super.onCreate();
        bridge = open();
    }

    Bridge bridge() {
        return bridge;
    }

    Bridge open() {
        try {
            return new Bridge(this, Config.read(this), TwineConnection::new);
        } catch (IOException e) {
            // Without its journal it must not send; it is started again.
            throw new IllegalStateException("the bridge cannot start", e);
        }
    }
}
