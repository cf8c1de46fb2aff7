package org.twine.client;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import android.app.Application;
import android.content.BroadcastReceiver;
import android.content.ComponentName;
import android.content.Context;
import android.content.Intent;
import android.content.ServiceConnection;
import android.os.Binder;
import android.os.IBinder;
import android.os.Looper;
import android.os.RemoteException;
import android.os.ServiceSpecificException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.annotation.Config;
import org.robolectric.shadow.api.Shadow;
import org.robolectric.shadows.ShadowApplication;
import org.robolectric.shadows.ShadowBroadcastPendingResult;
import org.twine.Capability;
import org.twine.EventInfo;
import org.twine.HistoryPosition;
import org.twine.ITwine;
import org.twine.ITwineCallback;
import org.twine.IdentityInfo;
import org.twine.IncomingSms;
import org.twine.MessageInfo;
import org.twine.MessagePage;
import org.twine.SendRequest;
import org.twine.SendResult;
import org.twine.SettingsInfo;
import org.twine.SimInfo;
import org.twine.StatusInfo;
import org.twine.bridge.PhoneStore;

/** The client, bound to a bridge that the test plays. */
@RunWith(RobolectricTestRunner.class)
@Config(sdk = 35, application = Application.class)
public class TwineClientTest {
    /** SMS-DELIVER from +254712345678, "habari": 3GPP TS 23.040, 9.2.2.1. */
    private static final byte[] PDU = {
        0x00, 0x04, 0x0c, (byte) 0x91, 0x52, 0x74, 0x21, 0x43, 0x65, (byte) 0x87, 0x00, 0x00,
        0x42, 0x10, (byte) 0x80, 0x11, 0x22, 0x33, 0x00, 0x06, (byte) 0xe8, (byte) 0xb0, 0x38,
        0x2c, 0x4f, 0x03,
    };

    private final List<TwineEvent> events = new ArrayList<>();
    private final List<Boolean> available = new ArrayList<>();
    private final FakeBridge bridge = new FakeBridge();
    private boolean listenerFails;
    private TwineClient client;

    /** The bridge's side. */
    private static final class FakeBridge extends ITwine.Default {
        final LinkedBlockingQueue<ITwineCallback> callbacks = new LinkedBlockingQueue<>();
        final LinkedBlockingQueue<Long> acknowledged = new LinkedBlockingQueue<>();
        final LinkedBlockingQueue<SendRequest> sent = new LinkedBlockingQueue<>();
        final LinkedBlockingQueue<IncomingSms> delivered = new LinkedBlockingQueue<>();
        volatile HistoryPosition before;
        volatile RuntimeException failure;
        volatile RuntimeException deliveryFailure;
        volatile boolean dead;

        @Override
        public SendResult send(SendRequest request) throws RemoteException {
            fail();
            sent.add(request);
            SendResult result = new SendResult();
            result.messageId = sent.size();
            return result;
        }

        @Override
        public void registerCallback(ITwineCallback callback) throws RemoteException {
            fail();
            callbacks.add(callback);
        }

        @Override
        public void acknowledgeEvents(long cursor) throws RemoteException {
            fail();
            acknowledged.add(cursor);
        }

        @Override
        public MessagePage getHistory(
                String own, String peer, HistoryPosition before, int limit) {
            this.before = before;
            MessagePage page = new MessagePage();
            page.messages = new MessageInfo[] {message(2), message(1)};
            page.more = before == null;
            return page;
        }

        @Override
        public MessageInfo getMessage(long messageId) {
            return message(messageId);
        }

        @Override
        public Capability[] getCapabilities(String[] numbers) {
            Capability one = new Capability();
            one.number = numbers[0];
            one.reachable = true;
            one.features = 3;
            one.validForSeconds = 60;
            return new Capability[] {one};
        }

        @Override
        public StatusInfo getStatus() {
            StatusInfo status = new StatusInfo();
            status.daemonVersion = "1";
            status.session = "live";
            status.sessionReason = "";
            IdentityInfo own = new IdentityInfo();
            own.number = "+1";
            own.state = "active";
            own.iccid = "89254";
            status.identities = new IdentityInfo[] {own};
            SimInfo sim = new SimInfo();
            sim.slot = 1;
            sim.iccid = "89254";
            sim.number = "";
            sim.operator = "Operator";
            sim.roaming = true;
            status.sims = new SimInfo[] {sim};
            status.undelivered = 2;
            return status;
        }

        @Override
        public SettingsInfo getSettings(String own, String peer) {
            SettingsInfo settings = new SettingsInfo();
            settings.mode = ITwine.MODE_DEFAULT;
            settings.effectiveMode = ITwine.MODE_IP_ONLY;
            settings.fallback = 99;
            settings.effectiveFallback = ITwine.FALLBACK_ASK;
            return settings;
        }

        @Override
        public void deliverIncomingSms(IncomingSms sms) {
            if (deliveryFailure != null) {
                throw deliveryFailure;
            }
            delivered.add(sms);
        }

        private void fail() throws RemoteException {
            if (dead) {
                throw new RemoteException("dead");
            }
            if (failure != null) {
                throw failure;
            }
        }
    }

    private final class Listener implements TwineClient.Listener {
        @Override
        public void onAvailable(boolean now) {
            available.add(now);
        }

        @Override
        public void onEvent(TwineEvent event) {
            if (listenerFails) {
                throw new IllegalStateException("the app's database is full");
            }
            events.add(event);
        }
    }

    @Before
    public void make() {
        client =
                new TwineClient(
                        RuntimeEnvironment.getApplication(),
                        // Like an executor of its own thread: the test's.
                        Runnable::run,
                        new Listener());
    }

    @After
    public void close() {
        client.close();
    }

    /** A binder whose queries are answered in this process. */
    private IBinder binder() {
        Binder binder = new Binder();
        binder.attachInterface(bridge, "org.twine.ITwine");
        return binder;
    }

    private ServiceConnection bind() {
        Shadows.shadowOf(RuntimeEnvironment.getApplication())
                .setComponentNameAndServiceForBindService(
                        new ComponentName("org.twine.bridge", "TwineService"), binder());
        client.connect();
        Shadows.shadowOf(Looper.getMainLooper()).idle();
        List<ServiceConnection> bound =
                Shadows.shadowOf(RuntimeEnvironment.getApplication()).getBoundServiceConnections();
        return bound.get(bound.size() - 1);
    }

    private static <T> T take(LinkedBlockingQueue<T> queue) throws InterruptedException {
        T next = queue.poll(60, TimeUnit.SECONDS);
        assertTrue("nothing came", next != null);
        return next;
    }

    private static MessageInfo message(long id) {
        MessageInfo info = new MessageInfo();
        info.messageId = id;
        info.own = "+1";
        info.peer = "+2";
        info.text = "habari";
        info.state = ITwine.STATE_RECEIVED;
        info.position = new HistoryPosition();
        info.position.position = id;
        return info;
    }

    private static EventInfo event(long cursor) {
        EventInfo info = new EventInfo();
        info.cursor = cursor;
        info.kind = ITwine.EVENT_MESSAGE_RECEIVED;
        info.message = message(cursor);
        return info;
    }

    private static int codeOf(CompletableFuture<?> future) {
        ExecutionException thrown =
                assertThrows(ExecutionException.class, () -> future.get(60, TimeUnit.SECONDS));
        return ((TwineFailure) thrown.getCause()).code();
    }

    @Test
    public void aCallWaitsForTheBridge() throws Exception {
        Draft draft = new Draft("+2", "habari");
        CompletableFuture<Long> sent = client.send(draft);
        assertFalse(sent.isDone());
        bind();
        assertEquals(Long.valueOf(1), sent.get(60, TimeUnit.SECONDS));
        SendRequest request = take(bridge.sent);
        assertEquals(draft.token(), request.token);
        assertEquals("habari", request.text);
    }

    @Test
    public void withoutABridgeACallFailsInTheEnd() {
        CompletableFuture<Long> sent = client.send(new Draft("+2", "x"));
        Shadows.shadowOf(Looper.getMainLooper())
                .idleFor(TwineClient.PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        assertEquals(ITwine.ERROR_NOT_CONNECTED, codeOf(sent));
        for (int i = 0; i < TwineClient.MAX_WAITING; i++) {
            assertFalse(client.send(new Draft("+2", "x")).isDone());
        }
        assertEquals(ITwine.ERROR_BUSY, codeOf(client.send(new Draft("+2", "x"))));
        client.close();
        assertEquals(ITwine.ERROR_NOT_CONNECTED, codeOf(client.send(new Draft("+2", "x"))));
    }

    @Test
    public void failuresHaveTheirCodes() throws Exception {
        bind();
        take(bridge.callbacks);
        bridge.failure = new ServiceSpecificException(ITwine.ERROR_NOT_FOUND, "none");
        assertEquals(ITwine.ERROR_NOT_FOUND, codeOf(client.send(new Draft("+2", "x"))));
        bridge.failure = new SecurityException("not you");
        assertEquals(ITwine.ERROR_PERMISSION_DENIED, codeOf(client.send(new Draft("+2", "x"))));
        bridge.failure = null;
        bridge.dead = true;
        assertEquals(ITwine.ERROR_RESULT_UNKNOWN, codeOf(client.send(new Draft("+2", "x"))));
    }

    @Test
    public void eventsAreHandledOnceAndThenAcknowledged() throws Exception {
        bind();
        ITwineCallback callback = take(bridge.callbacks);
        callback.onEvents(new EventInfo[] {event(1)});
        assertEquals(Long.valueOf(1), take(bridge.acknowledged));
        // Told again, and one of a newer version.
        EventInfo newer = event(3);
        newer.kind = 99;
        callback.onEvents(new EventInfo[] {event(1), event(2), newer});
        for (long last = 0; last < 3; ) {
            last = take(bridge.acknowledged);
        }
        assertEquals(2, events.size());
        assertEquals(2, events.get(1).message.id);
    }

    @Test
    public void anEventThatTheAppCouldNotHandleIsToldAgain() throws Exception {
        bind();
        ITwineCallback callback = take(bridge.callbacks);
        listenerFails = true;
        assertThrows(
                IllegalStateException.class,
                () -> callback.onEvents(new EventInfo[] {event(1), event(2)}));
        listenerFails = false;
        // What the bridge sent behind it, before it heard: nothing is handled before event 1.
        callback.onEvents(new EventInfo[] {event(2)});
        assertTrue(events.isEmpty());
        // It registers anew, and the bridge tells all that was not acknowledged.
        Shadows.shadowOf(Looper.getMainLooper()).idle();
        ITwineCallback again = take(bridge.callbacks);
        // What the earlier connection still tells does not count.
        callback.onEvents(new EventInfo[] {event(2)});
        assertTrue(events.isEmpty());
        again.onEvents(new EventInfo[] {event(1), event(2)});
        assertEquals(2, events.size());
        for (long last = 0; last < 2; ) {
            last = take(bridge.acknowledged);
        }
    }

    @Test
    public void afterTheBridgeDiedItConnectsAgain() throws Exception {
        ServiceConnection connection = bind();
        take(bridge.callbacks).onAvailable(true);
        ComponentName name = new ComponentName("org.twine.bridge", "TwineService");
        connection.onServiceDisconnected(name);
        assertEquals(List.of(true, false), available);
        CompletableFuture<Long> sent = client.send(new Draft("+2", "x"));
        assertFalse(sent.isDone());
        connection.onServiceConnected(name, binder());
        assertEquals(Long.valueOf(1), sent.get(60, TimeUnit.SECONDS));
        take(bridge.callbacks);
        // And if the package was updated.
        connection.onBindingDied(name);
        Shadows.shadowOf(Looper.getMainLooper()).idleFor(2, TimeUnit.SECONDS);
        take(bridge.callbacks);
    }

    @Test
    public void historyAndIncomingSms() throws Exception {
        bind();
        Page page = client.history("+1", "+2", null).get(60, TimeUnit.SECONDS);
        List<Message> sorted = new ArrayList<>(page.messages);
        sorted.sort(Message.ORDER);
        assertEquals(1, sorted.get(0).id);
        assertEquals(Message.State.RECEIVED, sorted.get(0).state);
        assertFalse(sorted.get(0).toString(), sorted.get(0).toString().contains("habari"));
        // There are more: the next page begins behind the last of this one.
        assertTrue(page.more);
        Page last = client.history("+1", "+2", page.next()).get(60, TimeUnit.SECONDS);
        assertEquals(1, bridge.before.position);
        assertFalse(last.more);
        assertNull(last.next());
        Intent broadcast =
                new Intent("android.provider.Telephony.SMS_DELIVER")
                        .putExtra("pdus", new Object[] {new byte[] {1}, new byte[] {2}})
                        .putExtra("format", "3gpp");
        client.deliverSms(broadcast).get(60, TimeUnit.SECONDS);
        IncomingSms sms = take(bridge.delivered);
        assertEquals(2, sms.pdus.length);
        assertEquals(2, sms.pdus[1].bytes[0]);
        assertEquals(-1, sms.subscriptionId);
    }

    @Test
    public void whatElseAnAppAsksFor() throws Exception {
        bind();
        assertEquals(7, client.message(7).get(60, TimeUnit.SECONDS).id);
        PeerCapability peer =
                client.capabilities(List.of("+2")).get(60, TimeUnit.SECONDS).get(0);
        assertEquals("+2", peer.number);
        assertTrue(peer.reachable);
        assertEquals(3, peer.features);
        assertEquals(60, peer.validForSeconds);
        Status status = client.status().get(60, TimeUnit.SECONDS);
        assertEquals("active", status.identities.get(0).state);
        assertEquals(1, status.sims.get(0).slot);
        assertTrue(status.sims.get(0).roaming);
        assertEquals(2, status.undelivered);
        Settings settings = client.settings("+1", "+2").get(60, TimeUnit.SECONDS);
        assertEquals(Settings.Mode.DEFAULT, settings.mode);
        assertEquals(Settings.Mode.IP_ONLY, settings.effectiveMode);
        assertEquals(Settings.Fallback.DEFAULT, settings.fallback);
        assertEquals(Settings.Fallback.ASK, settings.effectiveFallback);
        client.send(new Draft("+2", "x").validFor(60)).get(60, TimeUnit.SECONDS);
        assertEquals(60, take(bridge.sent).validForSeconds);
    }

    /** Each method of the interface, but those that the client calls by itself. */
    @Test
    public void theClientOffersTheWholeInterface() {
        Set<String> offered =
                Arrays.stream(TwineClient.class.getDeclaredMethods())
                        .filter(method -> Modifier.isPublic(method.getModifiers()))
                        .map(Method::getName)
                        .collect(Collectors.toSet());
        Map<String, String> names =
                Map.of(
                        "getMessage", "message",
                        "getHistory", "history",
                        "getConversations", "conversations",
                        "getCapabilities", "capabilities",
                        "getSettings", "settings",
                        "getStatus", "status",
                        "registerNumber", "registerNumberWithConsent",
                        "deliverIncomingSms", "deliverSms");
        Set<String> own =
                Set.of(
                        "registerCallback",
                        "unregisterCallback",
                        "acknowledgeEvents",
                        "getInterfaceVersion",
                        "getInterfaceHash");
        for (Method method : ITwine.class.getDeclaredMethods()) {
            String name = names.getOrDefault(method.getName(), method.getName());
            assertTrue(name, own.contains(name) || offered.contains(name));
        }
    }

    @Test
    public void whoMayNotBindIsToldSoAndTriesOn() throws Exception {
        ShadowApplication system = Shadows.shadowOf(RuntimeEnvironment.getApplication());
        system.setThrowInBindService(new SecurityException("requires USE_TWINE"));
        client.connect();
        CompletableFuture<Long> sent = client.send(new Draft("+2", "x"));
        Shadows.shadowOf(Looper.getMainLooper())
                .idleFor(TwineClient.PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        assertEquals(ITwine.ERROR_PERMISSION_DENIED, codeOf(sent));
        // The permission was granted meanwhile.
        system.setThrowInBindService(null);
        CompletableFuture<Long> later = client.send(new Draft("+2", "x"));
        system.setComponentNameAndServiceForBindService(
                new ComponentName("org.twine.bridge", "TwineService"), binder());
        Shadows.shadowOf(Looper.getMainLooper()).idleFor(2, TimeUnit.SECONDS);
        assertEquals(Long.valueOf(1), later.get(60, TimeUnit.SECONDS));
    }

    private static final Intent SMS =
            new Intent("android.provider.Telephony.SMS_DELIVER")
                    .putExtra("pdus", new Object[] {PDU})
                    .putExtra("format", "3gpp");

    /** The receiver of an app, and what becomes of a broadcast. */
    private ShadowBroadcastPendingResult receive() {
        TwineSmsReceiver receiver =
                new TwineSmsReceiver() {
                    @Override
                    protected TwineClient twine(Context context) {
                        return client;
                    }
                };
        BroadcastReceiver.PendingResult pending =
                new BroadcastReceiver.PendingResult(
                        -1,
                        "",
                        null,
                        BroadcastReceiver.PendingResult.TYPE_UNREGISTERED,
                        true,
                        false,
                        null,
                        0,
                        0);
        receiver.setPendingResult(pending);
        receiver.onReceive(RuntimeEnvironment.getApplication(), SMS);
        resultOf = pending;
        return Shadow.extract(pending);
    }

    private BroadcastReceiver.PendingResult resultOf;

    /** Runs what waits on the main thread, for so long at most. */
    private static void untilFinished(ShadowBroadcastPendingResult broadcast) throws Exception {
        for (int i = 0; !broadcast.getFuture().isDone(); i++) {
            assertTrue("never finished", i < 6000);
            Shadows.shadowOf(Looper.getMainLooper()).idleFor(10, TimeUnit.MILLISECONDS);
            Thread.sleep(1);
        }
    }

    @Test
    public void aBroadcastEndsWhenTwineHasTheSms() throws Exception {
        bind();
        bridge.deliveryFailure = new ServiceSpecificException(ITwine.ERROR_STORAGE, "disk full");
        ShadowBroadcastPendingResult broadcast = receive();
        Shadows.shadowOf(Looper.getMainLooper()).idleFor(1, TimeUnit.SECONDS);
        assertFalse("finished though nobody has it", broadcast.getFuture().isDone());
        bridge.deliveryFailure = null;
        untilFinished(broadcast);
        take(bridge.delivered);
        assertEquals(-1, resultOf.getResultCode());
    }

    @Test
    public void anSmsThatTwineDoesNotTakeGoesToThePhonesOwnStore() throws Exception {
        PhoneStore store = Robolectric.setupContentProvider(PhoneStore.class, "sms");
        bind();
        bridge.deliveryFailure = new ServiceSpecificException(ITwine.ERROR_STORAGE, "disk full");
        untilFinished(receive());
        assertEquals("habari", store.rows.get(0).get("body"));
        assertEquals("+254712345678", store.rows.get(0).get("address"));
        assertEquals(-1, resultOf.getResultCode());
        // Nobody takes it.
        store.fails = true;
        untilFinished(receive());
        assertEquals(3, resultOf.getResultCode());
    }

    @Test
    public void anSmsIsNotLostWhileTheBridgeIsAway() throws Exception {
        PhoneStore store = Robolectric.setupContentProvider(PhoneStore.class, "sms");
        untilFinished(receive());
        assertEquals(1, store.rows.size());
    }
}
