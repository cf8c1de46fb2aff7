package org.twine.bridge.phone;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertTrue;

import android.app.Activity;
import android.app.PendingIntent;
import android.content.Intent;
import android.os.ServiceSpecificException;
import android.provider.Telephony;
import android.telephony.SmsManager;
import android.telephony.SubscriptionManager;
import android.telephony.TelephonyManager;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.annotation.Config;
import org.robolectric.shadow.api.Shadow;
import org.robolectric.shadows.ShadowBinder;
import org.robolectric.shadows.ShadowSubscriptionManager;
import org.twine.EventInfo;
import org.twine.ITwine;
import org.twine.ITwineCallback;
import org.twine.MessageInfo;
import org.twine.SendRequest;
import org.twine.bridge.Bridge;
import org.twine.bridge.RealBridge;
import org.twine.bridge.SmsApp;

/**
 * SMS from the Binder interface through the real daemon, the JNI library and the agent to the
 * framework's SmsManager, and what becomes of them all the way back. The daemon dies meanwhile.
 */
@RunWith(RobolectricTestRunner.class)
@Config(
        sdk = 35,
        application = RealBridge.class,
        shadows = {SmsService.Shadow.class, Cards.Phone.class, Cards.Plans.class})
public class SmsWholeWayTest {
    private static final String OWN = "+254712000001";
    private static final int SUBSCRIPTION = Cards.SUBSCRIPTION;
    private static final int PATIENCE_SECONDS = 60;

    private final LinkedBlockingQueue<EventInfo> events = new LinkedBlockingQueue<>();
    private LinkedBlockingQueue<SmsService.Sent> operator;
    private RealBridge phone;
    private ITwine twine;

    private final ITwineCallback callback =
            new ITwineCallback.Stub() {
                @Override
                public void onAvailable(boolean now) {}

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
        operator = SmsService.install();
        insertCard();
        twine = SmsApp.bind(phone);
        phone.startDaemon();
    }

    @After
    public void stop() {
        ShadowBinder.reset();
    }

    private void insertCard() {
        ShadowSubscriptionManager subscriptions =
                Shadow.extract(phone.getSystemService(SubscriptionManager.class));
        ShadowSubscriptionManager.setDefaultSmsSubscriptionId(SUBSCRIPTION);
        subscriptions.setPhoneNumber(SUBSCRIPTION, OWN);
        Cards.insert(phone, Cards.card(SUBSCRIPTION, 0, Cards.ICCID));
        Cards.phone(phone, SUBSCRIPTION)
                .setServiceState(Cards.inService(TelephonyManager.NETWORK_TYPE_LTE));
    }

    private interface Wanted {
        boolean isSo() throws Exception;
    }

    /** While the daemon is away, or has not heard of it. */
    private static void until(String what, Wanted wanted) throws Exception {
        for (int i = 0; ; i++) {
            try {
                if (wanted.isSo()) {
                    return;
                }
            } catch (ServiceSpecificException e) {
                if (e.errorCode != ITwine.ERROR_NOT_CONNECTED
                        && e.errorCode != ITwine.ERROR_RESULT_UNKNOWN) {
                    throw e;
                }
            }
            assertTrue("never: " + what, i < 600);
            Thread.sleep(100);
        }
    }

    private String summary() {
        return Bridge.of(phone).agent().summary();
    }

    private SmsService.Sent sent() throws InterruptedException {
        SmsService.Sent sent = operator.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        assertNotNull("no SMS leaves the phone", sent);
        return sent;
    }

    private EventInfo event(IntPredicate state) throws Exception {
        while (true) {
            EventInfo event = events.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            assertNotNull("no such event", event);
            twine.acknowledgeEvents(event.cursor);
            if (event.message != null && state.test(event.state)) {
                return event;
            }
        }
    }

    /** The phone or the operator says something of a part, as the framework does. */
    private void say(PendingIntent of, int code, Intent more) throws Exception {
        of.send(phone, code, more);
        List<Intent> broadcasts = Shadows.shadowOf(phone).getBroadcastIntents();
        SmsResultReceiver receiver = new SmsResultReceiver();
        receiver.setPendingResult(AgentFixture.pendingResult(code));
        receiver.onReceive(phone, broadcasts.get(broadcasts.size() - 1));
    }

    private void report(PendingIntent of, int status) throws Exception {
        Intent report =
                new Intent()
                        .putExtra("pdu", Pdus.statusReport(status))
                        .putExtra("format", "3gpp");
        say(of, Activity.RESULT_OK, report);
    }

    @Test
    public void anSmsGoesOutOnceAndWhatBecameOfItComesBackThoughTheDaemonDies() throws Exception {
        until("SMS is possible", () -> twine.getStatus().smsPossible);
        twine.registerCallback(callback);
        SendRequest request = new SendRequest();
        request.from = "";
        // Only SMS reaches it.
        request.to = "MPESA";
        request.text = "x".repeat(200);
        request.token = "token";
        assertEquals(2, twine.preview(request).segments);
        long message = twine.send(request).messageId;
        SmsService.Sent sent = sent();
        assertEquals(SUBSCRIPTION, sent.subscription);
        assertEquals("MPESA", sent.to);
        assertEquals(request.text, String.join("", sent.parts));
        assertEquals(2, sent.parts.size());

        // It dies with the order open, orders again, and is not obeyed again.
        phone.killDaemon();
        say(sent.sent.get(0), Activity.RESULT_OK, new Intent());
        phone.startDaemon();
        until("the first part is known", () -> twine.getMessage(message).smsPartsSent == 1);
        say(sent.sent.get(1), Activity.RESULT_OK, new Intent());
        assertEquals(message, event(state -> state == ITwine.STATE_SENT).message.messageId);
        until("every result is taken", () -> summary().contains("not settled: 0"));

        // Still trying, then delivered.
        for (PendingIntent delivered : sent.delivered) {
            report(delivered, 0x30);
            report(delivered, 0x00);
        }
        event(state -> state == ITwine.STATE_DELIVERED);
        MessageInfo after = twine.getMessage(message);
        assertEquals(ITwine.STATE_DELIVERED, after.state);
        assertEquals(ITwine.CHANNEL_SMS, after.channel);
        assertEquals(2, after.smsPartsDelivered);
        until("every report is taken", () -> summary().contains("not settled: 0"));
        assertTrue("sent twice", operator.isEmpty());
    }

    @Test
    public void aRefusalOfThePhoneReachesTheApp() throws Exception {
        until("SMS is possible", () -> twine.getStatus().smsPossible);
        SendRequest request = new SendRequest();
        request.from = "";
        request.to = "MPESA";
        request.text = "habari";
        request.token = "token";
        long message = twine.send(request).messageId;
        // Fixed dialling numbers: nothing that trying again changes.
        say(sent().sent.get(0), SmsManager.RESULT_ERROR_FDN_CHECK_FAILURE, new Intent());
        until("it failed", () -> twine.getMessage(message).state == ITwine.STATE_FAILED);
        assertFalse(twine.getMessage(message).failure.isEmpty());
        until("the result is taken", () -> summary().contains("not settled: 0"));
    }

    @Test
    public void anIncomingSmsReachesTheAppAlsoIfTheDaemonWasAway() throws Exception {
        until("SMS is possible", () -> twine.getStatus().smsPossible);
        phone.killDaemon();
        Intent broadcast =
                new Intent(Telephony.Sms.Intents.SMS_RECEIVED_ACTION)
                        .putExtra("pdus", new Object[] {Pdus.deliver()})
                        .putExtra("format", "3gpp")
                        .putExtra(SubscriptionManager.EXTRA_SUBSCRIPTION_INDEX, SUBSCRIPTION);
        new IncomingSmsReceiver().onReceive(phone, broadcast);
        until("it is spooled", () -> summary().contains("in the spool: 1"));
        phone.startDaemon();
        until("the daemon is back", () -> twine.getStatus().smsPossible);
        twine.registerCallback(callback);
        MessageInfo message = event(state -> state == ITwine.STATE_RECEIVED).message;
        assertEquals("habari", message.text);
        assertEquals("+254712345678", message.peer);
        assertEquals(OWN, message.own);
        assertEquals(ITwine.CHANNEL_SMS, message.channel);
        until("the spool is empty", () -> summary().contains("in the spool: 0"));
    }
}
