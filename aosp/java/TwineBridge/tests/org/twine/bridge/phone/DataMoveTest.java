package org.twine.bridge.phone;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import android.os.Binder;
import android.os.IBinder;
import android.os.RemoteException;
import android.os.ServiceManager;
import android.telephony.ServiceState;
import android.telephony.TelephonyManager;
import com.android.internal.telephony.ISetOpportunisticDataCallback;
import com.android.internal.telephony.ISub;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.Implementation;
import org.robolectric.annotation.Implements;
import org.robolectric.shadows.ShadowServiceManager;
import org.robolectric.shadows.ShadowSubscriptionManager;
import org.twine.bridge.Bridge;
import org.twine.bridge.RealBridge;

/**
 * A move of mobile data, from what the platform tells of two cards through the agent, the JNI library
 * and the real daemon to the telephony service, and back as a confirmation.
 */
@RunWith(RobolectricTestRunner.class)
@Config(
        sdk = 35,
        application = RealBridge.class,
        shadows = {Cards.Phone.class, Cards.Plans.class, DataMoveTest.Services.class})
public class DataMoveTest {
    private static final int FIRST = 3;
    private static final int SECOND = 4;
    private static final int PATIENCE_SECONDS = 60;

    private final LinkedBlockingQueue<Integer> asked = new LinkedBlockingQueue<>();
    private RealBridge phone;

    /** Moves data at once, as asked. */
    private final class Subscriptions extends ISub.Default {
        @Override
        public void setPreferredDataSubscriptionId(
                int subscription, boolean validate, ISetOpportunisticDataCallback callback) {
            assertTrue("not validated", validate);
            asked.add(subscription);
            try {
                callback.onComplete(TelephonyManager.SET_OPPORTUNISTIC_SUB_SUCCESS);
            } catch (RemoteException e) {
                throw new AssertionError(e);
            }
            Cards.carryData(phone, subscription);
        }
    }

    /** Adds the service of subscriptions to Robolectric's. */
    @Implements(value = ServiceManager.class, isInAndroidSdk = false)
    public static final class Services extends ShadowServiceManager {
        static final Binder subscriptions = new Binder();

        @Implementation
        protected static IBinder getService(String name) {
            return name.equals("isub") ? subscriptions : ShadowServiceManager.getService(name);
        }
    }

    @Before
    public void start() throws Exception {
        phone = (RealBridge) RuntimeEnvironment.getApplication();
        Services.subscriptions.attachInterface(
                new Subscriptions(), "com.android.internal.telephony.ISub");
        ShadowSubscriptionManager.setDefaultDataSubscriptionId(FIRST);
        Cards.insert(
                phone,
                Cards.card(FIRST, 0, "8925402000000000001"),
                Cards.card(SECOND, 1, "8925402000000000002"));
        hears(FIRST);
        hears(SECOND);
        Cards.phone(phone, FIRST).allow(true, false);
        Cards.carryData(phone, FIRST);
    }

    private void hears(int subscription) {
        Cards.phone(phone, subscription)
                .setServiceState(Cards.inService(TelephonyManager.NETWORK_TYPE_LTE));
    }

    private void hearsNothing(int subscription) {
        ServiceState out = new ServiceState();
        out.setState(ServiceState.STATE_OUT_OF_SERVICE);
        Cards.phone(phone, subscription).setServiceState(out);
    }

    @Test
    public void dataFollowTheCardThatHasCoverageWhereTheUserAllowsIt() throws Exception {
        phone.startDaemon();
        until("daemon: connected");
        // The second card may not carry data: nothing is asked, for however long.
        hearsNothing(FIRST);
        assertNull(asked.poll(12, TimeUnit.SECONDS));
        // The user allows it.
        Cards.phone(phone, SECOND).allow(true, false);
        assertMove(SECOND);
        until("slot 1: 63902, in service, carries data");
        // The daemon knows that they are there: it is the second card that it moves them from.
        hears(FIRST);
        hearsNothing(SECOND);
        assertMove(FIRST);
        until("slot 0: 63902, in service, carries data");
    }

    private void assertMove(int to) throws InterruptedException {
        Integer subscription = asked.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        assertNotNull("no move is asked for", subscription);
        assertEquals(to, subscription.intValue());
    }

    /** As dumpsys shows it. */
    private void until(String wanted) throws InterruptedException {
        for (int i = 0; !Bridge.of(phone).agent().summary().contains(wanted); i++) {
            assertTrue(
                    "never: " + wanted + " in " + Bridge.of(phone).agent().summary(), i < 600);
            Thread.sleep(100);
        }
    }
}
