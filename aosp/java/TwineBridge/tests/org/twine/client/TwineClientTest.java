package org.twine.client;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import android.app.Application;
import android.content.ComponentName;
import android.content.Intent;
import android.content.ServiceConnection;
import android.os.Binder;
import android.os.IBinder;
import android.os.Looper;
import android.os.RemoteException;
import android.os.ServiceSpecificException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.annotation.Config;
import org.twine.EventInfo;
import org.twine.HistoryPosition;
import org.twine.ITwine;
import org.twine.ITwineCallback;
import org.twine.IncomingSms;
import org.twine.MessageInfo;
import org.twine.MessagePage;
import org.twine.SendRequest;
import org.twine.SendResult;

/** The client, bound to a bridge that the test plays. */
@RunWith(RobolectricTestRunner.class)
@Config(sdk = 35, application = Application.class)
public class TwineClientTest {
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
        volatile RuntimeException failure;
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
            MessagePage page = new MessagePage();
            page.messages = new MessageInfo[] {message(2), message(1)};
            return page;
        }

        @Override
        public void deliverIncomingSms(IncomingSms sms) {
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
        // It registers anew, and the bridge tells all that was not acknowledged.
        listenerFails = false;
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
        List<Message> page = client.history("+1", "+2", null).get(60, TimeUnit.SECONDS);
        page.sort(Message.ORDER);
        assertEquals(1, page.get(0).id);
        assertEquals(Message.State.RECEIVED, page.get(0).state);
        assertFalse(page.get(0).toString(), page.get(0).toString().contains("habari"));
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
}
