package org.twine.bridge.phone;

import static org.junit.Assert.assertTrue;

import android.content.BroadcastReceiver;
import android.telephony.SubscriptionInfo;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.Before;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.annotation.Config;
import org.twine.bridge.Bridge;
import org.twine.bridge.FakeDaemonWire;
import org.twine.bridge.TestBridge;
import org.twine.bridge.Worker;
import org.twine.control.v1.Order;
import org.twine.control.v1.Report;
import org.twine.control.v1.SendSms;
import org.twine.control.v1.TelephonyState;
import org.twine.jni.Notice;

/** The agent with the framework's own classes, and a daemon that the test plays. */
@RunWith(RobolectricTestRunner.class)
@Config(
        sdk = 35,
        application = TestBridge.class,
        shadows = {SmsService.Shadow.class, Cards.Phone.class, Cards.Plans.class})
abstract class AgentFixture {
    static final long ATTEMPT = 0xffff_0000_1234_5678L;
    static final String ICCID = Cards.ICCID;
    static final int SUBSCRIPTION = Cards.SUBSCRIPTION;

    TestBridge app;
    FakeDaemonWire daemon;

    @Before
    public void connect() throws Exception {
        app = (TestBridge) RuntimeEnvironment.getApplication();
        daemon = app.agentWire;
    }

    /** One card, in the second slot. */
    void insertCard() {
        insert(Cards.card(SUBSCRIPTION, 1, ICCID));
    }

    /** These cards and no others. */
    void insert(SubscriptionInfo... cards) {
        Cards.insert(app, cards);
        idle();
    }

    /** The bridge's threads have done what they were given. */
    void idle() {
        try {
            TelephonyAgent agent = Bridge.of(app).agent();
            for (Worker worker : List.of(agent.watch(), agent.disk())) {
                CountDownLatch done = new CountDownLatch(1);
                // Behind what it was given, and what that gave it.
                worker.execute(() -> worker.execute(done::countDown));
                assertTrue(done.await(60, TimeUnit.SECONDS));
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    static SendSms order(String... parts) {
        return SendSms.newBuilder()
                .setAttempt(ATTEMPT)
                .setIccid(ICCID)
                .setTo("+2348031234567")
                .addAllParts(List.of(parts))
                .build();
    }

    void give(Order.Builder order) {
        daemon.say(Notice.Kind.ORDER, order.setId(9).build());
    }

    static boolean isPart(Report report) {
        return report.hasSmsPart();
    }

    TelephonyState stateWhere(Predicate<TelephonyState> wanted)
            throws Exception {
        return daemon.report(report -> report.hasState() && wanted.test(report.getState()))
                .getState();
    }

    static BroadcastReceiver.PendingResult pendingResult(int code) {
        return new BroadcastReceiver.PendingResult(
                code,
                null,
                null,
                BroadcastReceiver.PendingResult.TYPE_UNREGISTERED,
                false,
                false,
                null,
                0,
                0);
    }
}
