package org.twine.bridge;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import android.os.ServiceSpecificException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.annotation.Config;
import org.robolectric.shadows.ShadowBinder;
import org.twine.EventInfo;
import org.twine.ITwine;
import org.twine.ITwineCallback;
import org.twine.MessageInfo;
import org.twine.MessagePage;
import org.twine.SendRequest;
import org.twine.SendResult;
import org.twine.StatusInfo;

/** From the Binder interface through the JNI library to the real daemon, which dies meanwhile. */
@RunWith(RobolectricTestRunner.class)
@Config(sdk = 35, application = RealBridge.class)
public class WholeWayTest {
    private static final String OWN = "+254712345678";
    private static final String PEER = "+2348031234567";
    private static final int PATIENCE_SECONDS = 60;

    private final LinkedBlockingQueue<EventInfo> events = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<Boolean> available = new LinkedBlockingQueue<>();
    private RealBridge phone;
    private ITwine twine;

    private final ITwineCallback callback =
            new ITwineCallback.Stub() {
                @Override
                public void onAvailable(boolean now) {
                    available.add(now);
                }

                @Override
                public void onEvents(EventInfo[] some) {
                    events.addAll(List.of(some));
                }

                @Override
                public int getInterfaceVersion() {
                    return VERSION;
                }
            };

    @Before
    public void start() throws Exception {
        phone = (RealBridge) RuntimeEnvironment.getApplication();
        phone.startDaemon();
        twine = SmsApp.bind(phone);
    }

    @After
    public void stop() throws Exception {
        ShadowBinder.reset();
    }

    /** Asks again while the daemon is away or has died meanwhile, as an app does. */
    private static <T> T patiently(Callable<T> call) throws Exception {
        for (int trial = 0; ; trial++) {
            try {
                return call.call();
            } catch (ServiceSpecificException e) {
                boolean passing =
                        e.errorCode == ITwine.ERROR_NOT_CONNECTED
                                || e.errorCode == ITwine.ERROR_RESULT_UNKNOWN;
                if (!passing || trial == 1000) {
                    throw e;
                }
            }
        }
    }

    private void untilAvailable(boolean wanted) throws Exception {
        while (true) {
            Boolean now = available.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            assertNotNull("never " + wanted, now);
            if (now == wanted) {
                return;
            }
        }
    }

    private static SendRequest request(String text) {
        SendRequest request = new SendRequest();
        request.from = OWN;
        request.to = PEER;
        request.text = text;
        request.token = text;
        return request;
    }

    @Test
    public void aMessageIsKeptAndItsEventsAreToldThoughTheDaemonDies() throws Exception {
        StatusInfo status = patiently(() -> twine.getStatus());
        assertFalse(status.daemonVersion.isEmpty());
        assertTrue(status.storageHealthy);
        twine.registerNumber(OWN, "", true);
        twine.registerCallback(callback);
        untilAvailable(true);

        SendResult sent = twine.send(request("habari"));
        assertFalse(sent.repeated);
        phone.killDaemon();
        untilAvailable(false);
        phone.startDaemon();
        untilAvailable(true);
        SendResult again = patiently(() -> twine.send(request("habari")));
        assertTrue(again.repeated);
        assertEquals(sent.messageId, again.messageId);

        twine.cancel(sent.messageId);
        EventInfo event;
        do {
            event = events.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            assertNotNull("the message is never cancelled", event);
            twine.acknowledgeEvents(event.cursor);
        } while (event.message == null || event.state != ITwine.STATE_CANCELLED);
        assertEquals(sent.messageId, event.message.messageId);

        MessagePage page = twine.getHistory(OWN, PEER, null, 0);
        assertEquals(1, page.messages.length);
        MessageInfo message = page.messages[0];
        assertEquals("habari", message.text);
        assertTrue(message.outgoing);
        assertEquals(ITwine.STATE_CANCELLED, message.state);
        assertEquals(1, twine.getConversations(0, 0).messages.length);
    }

    @Test
    public void whatTheDaemonRefusesHasItsCode() throws Exception {
        patiently(() -> twine.getStatus());
        ServiceSpecificException thrown =
                assertThrows(ServiceSpecificException.class, () -> twine.getMessage(999));
        assertEquals(ITwine.ERROR_NOT_FOUND, thrown.errorCode);
        SendRequest nobody = request("x");
        nobody.from = "no number";
        thrown = assertThrows(ServiceSpecificException.class, () -> twine.send(nobody));
        assertEquals(thrown.getMessage(), ITwine.ERROR_INVALID_ARGUMENT, thrown.errorCode);
    }

    @Test
    public void whomTheDaemonDoesNotServeIsToldSo() throws Exception {
        patiently(() -> twine.getStatus());
        phone.killDaemon();
        // Its settings name the user ids that may connect; ours is not among them.
        phone.startDaemonFor(4711);
        ServiceSpecificException thrown =
                assertThrows(
                        ServiceSpecificException.class, () -> patiently(() -> twine.getStatus()));
        assertEquals(thrown.getMessage(), ITwine.ERROR_PERMISSION_DENIED, thrown.errorCode);
    }
}
