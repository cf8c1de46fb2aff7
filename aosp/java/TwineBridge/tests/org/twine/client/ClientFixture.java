package org.twine.client;

import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import android.app.Application;
import android.content.ComponentName;
import android.content.ServiceConnection;
import android.os.Binder;
import android.os.IBinder;
import android.os.Looper;
import android.os.RemoteException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.After;
import org.junit.Before;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.annotation.Config;
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

/** The client, bound to a bridge that the test plays. */
@RunWith(RobolectricTestRunner.class)
@Config(sdk = 35, application = Application.class)
abstract class ClientFixture {
    /** SMS-DELIVER from +254712345678, "habari": 3GPP TS 23.040, 9.2.2.1. */
    static final byte[] PDU = {
        0x00, 0x04, 0x0c, (byte) 0x91, 0x52, 0x74, 0x21, 0x43, 0x65, (byte) 0x87, 0x00, 0x00,
        0x42, 0x10, (byte) 0x80, 0x11, 0x22, 0x33, 0x00, 0x06, (byte) 0xe8, (byte) 0xb0, 0x38,
        0x2c, 0x4f, 0x03,
    };

    final List<TwineEvent> events = new ArrayList<>();
    final List<Boolean> available = new ArrayList<>();
    final FakeBridge bridge = new FakeBridge();
    boolean listenerFails;
    TwineClient client;

    /** The bridge's side. */
    static final class FakeBridge extends ITwine.Default {
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

    final class Listener implements TwineClient.Listener {
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
    IBinder binder() {
        Binder binder = new Binder();
        binder.attachInterface(bridge, "org.twine.ITwine");
        return binder;
    }

    ServiceConnection bind() {
        Shadows.shadowOf(RuntimeEnvironment.getApplication())
                .setComponentNameAndServiceForBindService(
                        new ComponentName("org.twine.bridge", "TwineService"), binder());
        client.connect();
        Shadows.shadowOf(Looper.getMainLooper()).idle();
        List<ServiceConnection> bound =
                Shadows.shadowOf(RuntimeEnvironment.getApplication()).getBoundServiceConnections();
        return bound.get(bound.size() - 1);
    }

    static <T> T take(LinkedBlockingQueue<T> queue) throws InterruptedException {
        T next = queue.poll(60, TimeUnit.SECONDS);
        assertTrue("nothing came", next != null);
        return next;
    }

    static MessageInfo message(long id) {
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

    static EventInfo event(long cursor) {
        EventInfo info = new EventInfo();
        info.cursor = cursor;
        info.kind = ITwine.EVENT_MESSAGE_RECEIVED;
        info.message = message(cursor);
        return info;
    }

    static int codeOf(CompletableFuture<?> future) {
        ExecutionException thrown =
                assertThrows(ExecutionException.class, () -> future.get(60, TimeUnit.SECONDS));
        return ((TwineFailure) thrown.getCause()).code();
    }
}
