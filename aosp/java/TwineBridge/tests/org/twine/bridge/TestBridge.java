package org.twine.bridge;

import java.io.IOException;
import java.util.concurrent.LinkedBlockingQueue;
import org.twine.jni.TwineConnection;

/** The application of the tests: the whole bridge, with a daemon that the test plays. */
public class TestBridge extends BridgeApplication {
    /** The agent's connection. */
    public final FakeDaemonWire agentWire = new FakeDaemonWire();

    /** The app's connection for requests. */
    public final FakeDaemonWire appWire = new FakeDaemonWire();

    /** The app's connections for events, in the order of its registrations. */
    public final LinkedBlockingQueue<FakeDaemonWire> eventWires = new LinkedBlockingQueue<>();

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
                                if (appName == null) {
                                    appName = client;
                                    return appWire;
                                }
                                FakeDaemonWire events = new FakeDaemonWire();
                                eventWires.add(events);
                                return events;
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
