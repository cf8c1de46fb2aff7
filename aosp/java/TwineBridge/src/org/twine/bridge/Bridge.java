package org.twine.bridge;

import android.content.Context;
import android.telephony.SmsMessage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.twine.bridge.phone.IncomingKeeper;
import org.twine.bridge.phone.TelephonyAgent;
import org.twine.bridge.sms.IncomingText;
import org.twine.jni.TwineConnection;
import org.twine.jni.TwineException;
import org.twine.jni.Wire;

/** Everything of the bridge, put together. One for the process, owned by the application. */
public final class Bridge implements AutoCloseable {
    /** The agent's durable name at the daemon. */
    private static final String AGENT = "org.twine.bridge";

    /** The framework sends the SMS of one card one after the other. */
    private static final int INCOMING_THREADS = 2;

    /** Broadcasts of SMS that wait for such a thread. */
    public static final int MAX_INCOMING = 64;

    /** The messaging app waits so long for a disk that fails, then it is told so. */
    private static final long APP_PATIENCE_MILLIS = 3_000;

    /** Opens connections to the daemon. */
    public interface Wires {
        /** Under a durable name, with one role. */
        Wire open(String socket, String client, byte role) throws TwineException;
    }

    private final Config config;
    private final ThreadPoolExecutor incoming =
            new ThreadPoolExecutor(
                    INCOMING_THREADS,
                    INCOMING_THREADS,
                    10,
                    TimeUnit.SECONDS,
                    new ArrayBlockingQueue<>(MAX_INCOMING),
                    task -> new Thread(task, "twine-incoming"),
                    // Rather than losing an SMS its broadcast's own thread waits.
                    new ThreadPoolExecutor.CallerRunsPolicy());
    private final TelephonyAgent agent;
    private final IncomingKeeper keeper;
    private final TwineBinder binder;

    /** Puts it together and starts it. */
    public Bridge(Context context, Config config, Wires wires)
            throws IOException {
        this.config = config;
        // SMS come before the user has unlocked the phone.
        Path early = context.createDeviceProtectedStorageContext().getFilesDir().toPath();
        Control control =
                new Control(
                        () ->
                                wires.open(
                                        config.socket(), AGENT, TwineConnection.ROLE_TELEPHONY));
        agent = new TelephonyAgent(context, control, early);
        incoming.allowCoreThreadTimeOut(true);
        keeper =
                new IncomingKeeper(
                        agent.desk(),
                        context.getContentResolver(),
                        IncomingKeeper.PATIENCE_MILLIS);
        IncomingKeeper appsKeeper =
                new IncomingKeeper(
                        agent.desk(), context.getContentResolver(), APP_PATIENCE_MILLIS);
        binder =
                new TwineBinder(
                        new CallerGate(context),
                        name ->
                                new Control(
                                        () ->
                                                wires.open(
                                                        config.socket(),
                                                        name,
                                                        TwineConnection.ROLE_APP)),
                        new TwineBinder.Ingester() {
                            @Override
                            public boolean isApp() {
                                return config.isAppIngester();
                            }

                            @Override
                            public boolean keep(IncomingText text) {
                                return appsKeeper.keepHere(text);
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

    /** For broadcasts of SMS, which wait until they are kept. */
    public Executor incoming() {
        return incoming;
    }

    /** Keeps what comes in. */
    public IncomingKeeper keeper() {
        return keeper;
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
        incoming.shutdown();
        agent.close();
    }
}
