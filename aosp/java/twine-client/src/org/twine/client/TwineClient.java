package org.twine.client;

import android.annotation.NonNull;
import android.annotation.Nullable;
import android.content.ComponentName;
import android.content.Context;
import android.content.Intent;
import android.content.ServiceConnection;
import android.os.Handler;
import android.os.IBinder;
import android.os.Looper;
import android.os.RemoteException;
import android.os.ServiceSpecificException;
import android.telephony.SubscriptionManager;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.twine.Capability;
import org.twine.EventInfo;
import org.twine.HistoryPosition;
import org.twine.ITwine;
import org.twine.ITwineCallback;
import org.twine.IncomingSms;
import org.twine.SendRequest;
import org.twine.SmsPdu;

/**
 * Twine for a messaging app: connects, connects again, and tells of events until they are handled.
 *
 * <p>Every method may be called from any thread, the main thread too: none waits. Results come as
 * futures, which end with a {@link TwineFailure} if something went wrong; continue them on the
 * executor you want.
 *
 * <p>While the bridge is away calls wait for it, at most {@link #PATIENCE_MILLIS}. What was under way
 * when it died fails with {@link ITwine#ERROR_RESULT_UNKNOWN}; a send may then be repeated with its
 * token, and returns the message made the first time.
 */
public final class TwineClient implements AutoCloseable {
    /** A call waits so long for the bridge to be there. */
    public static final long PATIENCE_MILLIS = 20_000;

    /** Calls that wait; a further one fails with {@link ITwine#ERROR_BUSY}. */
    public static final int MAX_WAITING = 64;

    private static final String BRIDGE = "org.twine.bridge";
    private static final String ACTION = "org.twine.ITwine";
    private static final long REBIND_MILLIS = 1_000;
    private static final int THREADS = 4;

    /** Of the frozen version; tools/aidl-snapshot compares it. */
    private static final String INTERFACE_HASH = "f62a6e7bd62801aaebc6416a2ffeeb7f3e0632f9";

    /** Told of what happens, one call at a time, on the executor given with it. */
    public interface Listener {
        /** Twine is there, or is not. */
        default void onAvailable(boolean available) {}

        /**
         * Something happened. When this returns the event counts as handled: keep durably what
         * must not be lost. If it throws, or the app dies in it, the event is told again, after the
         * next start at the latest.
         */
        void onEvent(@NonNull TwineEvent event);
    }

    /** A call of the bridge. */
    private interface Call<T> {
        T to(ITwine twine) throws RemoteException;
    }

    /** A call that waits for the bridge. */
    private static final class Waiting {
        final Runnable run;
        final CompletableFuture<?> result;

        Waiting(Runnable run, CompletableFuture<?> result) {
            this.run = run;
            this.result = result;
        }
    }

    private final Context context;
    private final Executor listenerExecutor;
    private final Listener listener;
    private final Handler main = new Handler(Looper.getMainLooper());
    private final ThreadPoolExecutor threads =
            new ThreadPoolExecutor(
                    THREADS,
                    THREADS,
                    10,
                    TimeUnit.SECONDS,
                    new ArrayBlockingQueue<>(MAX_WAITING));

    /* Guarded by this. */
    private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();
    private @Nullable ITwine twine;
    private boolean closed;
    private long handledCursor;
    private long acknowledgedCursor;
    private boolean acknowledging;

    /** Why the system does not let this app bind; null: it does. */
    private volatile @Nullable String refused;

    /** Counts connections: what belongs to an earlier one is ignored. */
    private int generation;

    private final ServiceConnection connection =
            new ServiceConnection() {
                @Override
                public void onServiceConnected(ComponentName name, IBinder binder) {
                    connected(ITwine.Stub.asInterface(binder));
                }

                @Override
                public void onServiceDisconnected(ComponentName name) {
                    // The system starts it again by itself.
                    disconnected();
                }

                @Override
                public void onBindingDied(ComponentName name) {
                    disconnected();
                    rebindLater();
                }

                @Override
                public void onNullBinding(ComponentName name) {
                    rebindLater();
                }
            };

    /** Events of one connection. */
    private final class Events extends ITwineCallback.Stub {
        private final int of;

        Events(int of) {
            this.of = of;
        }

        @Override
        public void onAvailable(boolean available) {
            listenerExecutor.execute(() -> listener.onAvailable(available));
        }

        @Override
        public void onEvents(EventInfo[] events) {
            listenerExecutor.execute(
                    () -> {
                        for (EventInfo event : events) {
                            if (!handle(event, of)) {
                                return;
                            }
                        }
                    });
        }

        @Override
        public int getInterfaceVersion() {
            return VERSION;
        }

        /** Asked for by AOSP's aidl compiler; the distribution's older one does not know it. */
        public String getInterfaceHash() {
            return INTERFACE_HASH;
        }
    }

    /**
     * A client; {@link #connect} begins.
     *
     * @param executor for the listener; runs one after the other what it is given, for example the
     *     main thread's or a single thread
     */
    public TwineClient(
            @NonNull Context context, @NonNull Executor executor, @NonNull Listener listener) {
        this.context = context.getApplicationContext();
        this.listenerExecutor = executor;
        this.listener = listener;
        threads.allowCoreThreadTimeOut(true);
    }

    /** Connects, and connects again until {@link #close}. */
    public void connect() {
        bind();
    }

    /** Sends. The future ends when the message is on disk: from then on it is Twine's. */
    public @NonNull CompletableFuture<Long> send(@NonNull Draft draft) {
        SendRequest request = draft.request();
        return call(twine -> twine.send(request).messageId);
    }

    /** What would happen to it now. Its text may be empty. */
    public @NonNull CompletableFuture<Preview> preview(@NonNull Draft draft) {
        SendRequest request = draft.request();
        return call(twine -> new Preview(twine.preview(request)));
    }

    /** Takes a message back, if it can be. */
    public @NonNull CompletableFuture<Void> cancel(long messageId) {
        return call(
                twine -> {
                    twine.cancel(messageId);
                    return null;
                });
    }

    /** Sends a failed message again, or answers one that waits for the user. */
    public @NonNull CompletableFuture<Void> retry(long messageId, @NonNull Draft.Channel channel) {
        return call(
                twine -> {
                    twine.retry(messageId, channel.ordinal());
                    return null;
                });
    }

    /** One message as it is now. */
    public @NonNull CompletableFuture<Message> message(long messageId) {
        return call(twine -> new Message(twine.getMessage(messageId)));
    }

    /**
     * A page of a conversation, newest first.
     *
     * @param before {@link Page#next} of the page before, or the position of the last message
     *     received; null: from the newest
     */
    public @NonNull CompletableFuture<Page> history(
            @NonNull String own, @NonNull String peer, @Nullable Message.Position before) {
        HistoryPosition position = before == null ? null : new HistoryPosition();
        if (position != null) {
            position.position = before.position;
            position.epoch = before.epoch;
            position.laneSeq = before.laneSeq;
        }
        return call(twine -> new Page(twine.getHistory(own, peer, position, 0)));
    }

    /**
     * The newest message of each conversation, newest activity first.
     *
     * @param offset how many to skip
     */
    public @NonNull CompletableFuture<Page> conversations(int offset) {
        return call(twine -> new Page(twine.getConversations(offset, 0)));
    }

    /** Which of these numbers are reachable by IP; at most {@link ITwine#MAX_NUMBERS}. */
    public @NonNull CompletableFuture<List<PeerCapability>> capabilities(
            @NonNull List<String> numbers) {
        String[] all = numbers.toArray(new String[0]);
        return call(
                twine -> {
                    List<PeerCapability> found = new ArrayList<>();
                    for (Capability one : twine.getCapabilities(all)) {
                        found.add(new PeerCapability(one));
                    }
                    return found;
                });
    }

    /** What Twine, its numbers and the cards are doing. */
    public @NonNull CompletableFuture<Status> status() {
        return call(twine -> new Status(twine.getStatus()));
    }

    /** Everything received in this message's conversation up to it was read. */
    public @NonNull CompletableFuture<Void> markRead(long messageId) {
        return call(
                twine -> {
                    twine.markRead(messageId);
                    return null;
                });
    }

    /** The user types, or has stopped. */
    public @NonNull CompletableFuture<Void> setTyping(
            @NonNull String own, @NonNull String peer, boolean typing) {
        return call(
                twine -> {
                    twine.setTyping(own, peer, typing);
                    return null;
                });
    }

    /** The settings of a conversation; with both empty the global ones. */
    public @NonNull CompletableFuture<Settings> settings(
            @NonNull String own, @NonNull String peer) {
        return call(twine -> new Settings(twine.getSettings(own, peer)));
    }

    /** Changes them. */
    public @NonNull CompletableFuture<Void> setSettings(
            @NonNull String own, @NonNull String peer, @NonNull Settings settings) {
        return call(
                twine -> {
                    twine.setSettings(
                            own,
                            peer,
                            settings.mode.ordinal(),
                            settings.fallback.ordinal(),
                            settings.iccid);
                    return null;
                });
    }

    /** Binds a number to this phone. Call it only after the user has agreed. */
    public @NonNull CompletableFuture<Void> registerNumberWithConsent(
            @NonNull String number, @NonNull String iccid) {
        return call(
                twine -> {
                    twine.registerNumber(number, iccid, true);
                    return null;
                });
    }

    /**
     * Passes an SMS_DELIVER broadcast on, where the app is the ingester. Finish the broadcast only
     * when the future has ended well; {@link TwineSmsReceiver} does all that belongs to it.
     */
    public @NonNull CompletableFuture<Void> deliverSms(@NonNull Intent broadcast) {
        IncomingSms sms = new IncomingSms();
        Object[] pdus = broadcast.getSerializableExtra("pdus", Object[].class);
        int count = pdus == null ? 0 : pdus.length;
        sms.pdus = new SmsPdu[count];
        for (int i = 0; i < count; i++) {
            sms.pdus[i] = new SmsPdu();
            sms.pdus[i].bytes = (byte[]) pdus[i];
        }
        sms.format = broadcast.getStringExtra("format");
        sms.subscriptionId =
                broadcast.getIntExtra(
                        SubscriptionManager.EXTRA_SUBSCRIPTION_INDEX,
                        SubscriptionManager.INVALID_SUBSCRIPTION_ID);
        return call(
                twine -> {
                    twine.deliverIncomingSms(sms);
                    return null;
                });
    }

    /** Ends it. Calls that wait fail. */
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            twine = null;
            generation++;
        }
        main.removeCallbacksAndMessages(null);
        unbind();
        failWaiting("the client was closed");
        threads.shutdown();
    }

    private <T> CompletableFuture<T> call(Call<T> call) {
        CompletableFuture<T> result = new CompletableFuture<>();
        Waiting job = new Waiting(() -> run(call, result), result);
        synchronized (this) {
            if (closed) {
                fail(result, ITwine.ERROR_NOT_CONNECTED, "the client was closed");
                return result;
            }
            if (twine == null) {
                if (waiting.size() >= MAX_WAITING) {
                    fail(result, ITwine.ERROR_BUSY, "too many calls wait for Twine");
                } else {
                    waiting.add(job);
                    main.postDelayed(() -> giveUp(job), PATIENCE_MILLIS);
                }
                return result;
            }
        }
        start(job);
        return result;
    }

    private void start(Waiting job) {
        try {
            threads.execute(job.run);
        } catch (RejectedExecutionException e) {
            fail(job.result, ITwine.ERROR_BUSY, "too many calls wait for Twine");
        }
    }

    private void giveUp(Waiting job) {
        boolean waited;
        synchronized (this) {
            waited = waiting.remove(job);
        }
        String why = refused;
        if (waited && why != null) {
            fail(job.result, ITwine.ERROR_PERMISSION_DENIED, why);
        } else if (waited) {
            fail(job.result, ITwine.ERROR_NOT_CONNECTED, "Twine is not there");
        }
    }

    private <T> void run(Call<T> call, CompletableFuture<T> result) {
        ITwine to;
        synchronized (this) {
            to = twine;
        }
        if (to == null) {
            fail(result, ITwine.ERROR_NOT_CONNECTED, "Twine has gone");
            return;
        }
        try {
            result.complete(call.to(to));
        } catch (ServiceSpecificException e) {
            fail(result, e.errorCode, String.valueOf(e.getMessage()));
        } catch (SecurityException e) {
            fail(result, ITwine.ERROR_PERMISSION_DENIED, String.valueOf(e.getMessage()));
        } catch (RemoteException e) {
            fail(result, ITwine.ERROR_RESULT_UNKNOWN, "the bridge died");
        } catch (RuntimeException e) {
            fail(result, ITwine.ERROR_INTERNAL, String.valueOf(e.getMessage()));
        }
    }

    private static void fail(CompletableFuture<?> result, int code, String message) {
        result.completeExceptionally(new TwineFailure(code, message));
    }

    private void connected(ITwine now) {
        List<Waiting> ready;
        Events events;
        synchronized (this) {
            if (closed) {
                return;
            }
            twine = now;
            refused = null;
            generation++;
            events = new Events(generation);
            ready = new ArrayList<>(waiting);
            waiting.clear();
        }
        ready.forEach(this::start);
        CompletableFuture<Void> registered =
                call(
                        twine -> {
                            twine.registerCallback(events);
                            return null;
                        });
        registered.exceptionally(
                failure -> {
                    // Not the default SMS app yet, for example: it is tried again.
                    main.postDelayed(() -> again(now), REBIND_MILLIS);
                    return null;
                });
    }

    private void again(ITwine same) {
        boolean still;
        synchronized (this) {
            still = twine == same && !closed;
        }
        if (still) {
            connected(same);
        }
    }

    private void disconnected() {
        synchronized (this) {
            if (twine == null) {
                return;
            }
            twine = null;
            generation++;
        }
        listenerExecutor.execute(() -> listener.onAvailable(false));
    }

    /** False: what follows is told again later. */
    private boolean handle(EventInfo info, int of) {
        synchronized (this) {
            if (of != generation) {
                return false;
            }
            if (info.cursor != 0 && info.cursor <= handledCursor) {
                return true;
            }
        }
        TwineEvent.Kind kind = TwineEvent.Kind.of(info.kind);
        if (kind != null) {
            try {
                listener.onEvent(new TwineEvent(kind, info));
            } catch (RuntimeException e) {
                // Not handled. Nothing behind it may be handled before it: all of it again.
                synchronized (this) {
                    generation++;
                }
                main.post(this::rebind);
                throw e;
            }
        }
        if (info.cursor != 0) {
            synchronized (this) {
                handledCursor = info.cursor;
            }
            acknowledge();
        }
        return true;
    }

    /** One acknowledgement at a time, for all that was handled meanwhile. */
    private void acknowledge() {
        long cursor;
        synchronized (this) {
            if (closed || acknowledging || acknowledgedCursor >= handledCursor) {
                return;
            }
            acknowledging = true;
            cursor = handledCursor;
        }
        CompletableFuture<Void> told =
                call(
                        twine -> {
                            twine.acknowledgeEvents(cursor);
                            return null;
                        });
        told.whenComplete(
                (nothing, failure) -> {
                    synchronized (this) {
                        acknowledging = false;
                        if (failure == null) {
                            acknowledgedCursor = cursor;
                        }
                    }
                    if (failure == null) {
                        acknowledge();
                    } else {
                        main.postDelayed(this::acknowledge, REBIND_MILLIS);
                    }
                });
    }

    private void bind() {
        synchronized (this) {
            if (closed) {
                return;
            }
        }
        Intent bridge = new Intent(ACTION).setPackage(BRIDGE);
        boolean found;
        try {
            found = context.bindService(bridge, connection, Context.BIND_AUTO_CREATE);
        } catch (SecurityException e) {
            // Without USE_TWINE, which may be granted later: by a signed update, for example.
            refused = e.getMessage();
            found = false;
        }
        if (!found) {
            rebindLater();
        }
    }

    private void unbind() {
        try {
            context.unbindService(connection);
        } catch (IllegalArgumentException e) {
            // It was not bound.
        }
    }

    private void rebindLater() {
        main.postDelayed(this::rebind, REBIND_MILLIS);
    }

    private void rebind() {
        disconnected();
        unbind();
        bind();
    }

    private void failWaiting(String why) {
        List<Waiting> all;
        synchronized (this) {
            all = new ArrayList<>(waiting);
            waiting.clear();
        }
        all.forEach(job -> fail(job.result, ITwine.ERROR_NOT_CONNECTED, why));
    }
}
