package org.twine.bridge;

import android.content.Context;
import android.telephony.SmsMessage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.twine.bridge.phone.TelephonyAgent;
import org.twine.bridge.sms.IncomingText;
import org.twine.jni.TwineConnection;
import org.twine.jni.TwineException;
import org.twine.jni.Wire;

/** Everything of the bridge, put together. One for the process, owned by the application. */
public final class Bridge implements AutoCloseable {
    /** The agent's durable name at the daemon. */
    private static final String AGENT = "org.twine.bridge";

    /** Opens connections to the daemon. */
    public interface Wires {
        /** Under a durable name, with one role. */
        Wire open(String socket, String client, byte role) throws TwineException;
    }

    private final Config config;
    private final ExecutorService executor =
            Executors.newSingleThreadExecutor(task -> new Thread(task, "twine-disk"));
    private final TelephonyAgent agent;
    private final TwineBinder binder;

    /** Puts it together and starts it. */
    public Bridge(Context context, Config config, Wires wires)
            throws IOException {
        this.config = config;
        // SMS come before the user has unlocked the phone.
        Path early = context.createDeviceProtectedStorageContext().getFilesDir().toPath();
        Control control =
                new Control(wires.open(config.socket(), AGENT, TwineConnection.ROLE_TELEPHONY));
        agent = new TelephonyAgent(context, control, early, executor);
        binder =
                new TwineBinder(
                        new CallerGate(context),
                        name ->
                                new Control(
                                        wires.open(
                                                config.socket(), name, TwineConnection.ROLE_APP)),
                        new TwineBinder.Ingester() {
                            @Override
                            public boolean isApp() {
                                return config.isAppIngester();
                            }

                            @Override
                            public void received(IncomingText text) throws IOException {
                                agent.desk().received(text);
                            }

                            @Override
                            public IncomingText read(
                                    SmsMessage[] parts, byte[][] pdus, int subscription) {
                                return agent.read(parts, pdus, subscription);
                            }
                        });
        agent.start();
    }

    /** That of this process. */
    public static Bridge of(Context context) {
        return ((BridgeApplication) context.getApplicationContext()).bridge();
    }

    /** What the maker chose. */
    public Config config() {
        return config;
    }

    /** One thread, which may wait for the disk. */
    public ExecutorService executor() {
        return executor;
    }

    /** The daemon's eyes and hands. */
    public TelephonyAgent agent() {
        return agent;
    }

    TwineBinder binder() {
        return binder;
    }

    @Override
    public void close() {
        binder.close();
        agent.close();
        executor.shutdown();
    }
}
