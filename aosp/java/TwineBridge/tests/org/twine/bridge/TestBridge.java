package org.twine.bridge;

import java.io.IOException;
import org.twine.jni.TwineConnection;

/** The application of the tests: the whole bridge, with a daemon that the test plays. */
public class TestBridge extends BridgeApplication {
    /** The agent's connection, and that of the app. */
    public final FakeDaemonWire agentWire = new FakeDaemonWire();
    public FakeDaemonWire appWire = new FakeDaemonWire();
    public volatile String appName;
    private boolean appIngester;
    private Bridge open;

    @Override
    Bridge open() {
        try {
            open =
                    new Bridge(
                            this,
                            new Config(appIngester, "/none"),
                            (socket, client, role) -> {
                                if (role == TwineConnection.ROLE_TELEPHONY) {
                                    return agentWire;
                                }
                                appName = client;
                                return appWire;
                            });
            return open;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void onTerminate() {
        open.close();
        super.onTerminate();
    }
}
