package org.twine.bridge.phone;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertTrue;

import android.content.Intent;
import android.os.Looper;
import android.telephony.ServiceState;
import android.telephony.SignalStrength;
import android.telephony.SubscriptionManager;
import android.telephony.SubscriptionPlan;
import android.telephony.TelephonyCallback;
import android.telephony.TelephonyManager;
import java.time.Period;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.function.Predicate;
import org.junit.Test;
import org.robolectric.Shadows;
import org.robolectric.shadow.api.Shadow;
import org.robolectric.shadows.ShadowSubscriptionManager;
import org.twine.bridge.Bridge;
import org.twine.control.v1.DataAllowance;
import org.twine.control.v1.DataBundle;
import org.twine.control.v1.DataState;
import org.twine.control.v1.Generation;
import org.twine.control.v1.Sim;

/** What the agent tells of the cards. */
public class SimsTest extends AgentFixture {
    @Test
    public void theCardsAreTold() throws Exception {
        daemon.connect();
        insertCard();
        Sim sim = stateWhere(state -> state.getSimsCount() == 1).getSims(0);
        assertEquals(ICCID, sim.getIccid());
        assertEquals(1, sim.getSlot());
        assertEquals("63902", sim.getMccMnc());
        assertEquals(SUBSCRIPTION, sim.getSubscriptionId());
        assertEquals("Operator", sim.getOperator());
        assertTrue(sim.getReady());
        assertFalse(sim.getInService());

        TelephonyManager manager =
                app.getSystemService(TelephonyManager.class)
                        .createForSubscriptionId(SUBSCRIPTION);
        ServiceState service = new ServiceState();
        service.setState(ServiceState.STATE_IN_SERVICE);
        Shadows.shadowOf(manager).setServiceState(service);
        assertNotNull(
                stateWhere(state -> state.getSimsCount() == 1 && state.getSims(0).getInService()));

        // After a break all of it is told again.
        daemon.lose();
        daemon.connect();
        assertEquals(
                ICCID, stateWhere(state -> state.getSimsCount() == 1).getSims(0).getIccid());
    }

    @Test
    public void anotherDefaultCardForSmsIsTold() throws Exception {
        insertCard();
        daemon.connect();
        assertFalse(stateWhere(state -> state.getSimsCount() == 1).getSims(0).getDefaultSms());
        ShadowSubscriptionManager.setDefaultSmsSubscriptionId(SUBSCRIPTION);
        app.sendBroadcast(
                new Intent(SubscriptionManager.ACTION_DEFAULT_SMS_SUBSCRIPTION_CHANGED));
        Shadows.shadowOf(Looper.getMainLooper()).idle();
        assertTrue(
                stateWhere(state -> state.getSims(0).getDefaultSms()).getSims(0).getDefaultSms());
    }

    @Test
    public void theCardThatCarriesDataAndTheStateOfDataAreTold() throws Exception {
        insertCard();
        daemon.connect();
        stateWhere(state -> state.getSimsCount() == 1);
        TelephonyManager phone = app.getSystemService(TelephonyManager.class);
        Cards.carryData(app, SUBSCRIPTION);
        Sim sim =
                stateWhere(
                                state ->
                                        state.getSimsCount() == 1
                                                && state.getSims(0).getCarriesData())
                        .getSims(0);
        assertEquals(DataState.DATA_STATE_UNKNOWN, sim.getDataState());
        TelephonyManager manager = phone.createForSubscriptionId(SUBSCRIPTION);
        ((TelephonyCallback.DataConnectionStateListener)
                        Shadows.shadowOf(manager).getLastTelephonyCallback())
                .onDataConnectionStateChanged(
                        TelephonyManager.DATA_CONNECTED, TelephonyManager.NETWORK_TYPE_LTE);
        sim =
                stateWhere(
                                state ->
                                        state.getSims(0).getDataState()
                                                == DataState.DATA_CONNECTED)
                        .getSims(0);
        assertTrue(sim.getCarriesData());
        String summary = Bridge.of(app).agent().summary();
        assertTrue(summary, summary.contains("carries data, DATA_CONNECTED DATA_OFF no data service"));
    }

    private Sim simWhere(Predicate<Sim> wanted) throws Exception {
        return stateWhere(state -> state.getSimsCount() == 1 && wanted.test(state.getSims(0)))
                .getSims(0);
    }

    @Test
    public void whatACardsDataAreAllowedIsToldWhenItChanges() throws Exception {
        daemon.connect();
        insertCard();
        assertEquals(DataAllowance.DATA_OFF, simWhere(sim -> true).getDataAllowance());
        Cards.Phone card = Cards.phone(app, SUBSCRIPTION);
        card.allow(true, false);
        simWhere(sim -> sim.getDataAllowance() == DataAllowance.DATA_AT_HOME);
        // The platform tells of consent to roaming as of a change of the card.
        card.roamingAllowed = true;
        insertAgain();
        simWhere(sim -> sim.getDataAllowance() == DataAllowance.DATA_ROAMING_TOO);
        card.allow(false, true);
        simWhere(sim -> sim.getDataAllowance() == DataAllowance.DATA_OFF);
        // Not known is not allowed: the daemon moves no data there.
        for (RuntimeException failure :
                List.of(
                        new SecurityException("no permission"),
                        new IllegalStateException("the phone process died"),
                        new UnsupportedOperationException("no telephony"))) {
            card.failure = failure;
            card.allow(true, true);
            simWhere(sim -> sim.getDataAllowance() == DataAllowance.DATA_ALLOWANCE_UNSPECIFIED);
            card.failure = null;
            card.allow(true, true);
            simWhere(sim -> sim.getDataAllowance() == DataAllowance.DATA_ROAMING_TOO);
        }
    }

    /** The platform says that something of the cards changed. */
    private void insertAgain() {
        ShadowSubscriptionManager subscriptions =
                Shadow.extract(app.getSystemService(SubscriptionManager.class));
        subscriptions.setActiveSubscriptionInfoList(
                List.of(Cards.card(SUBSCRIPTION, 1, ICCID)));
    }

    @Test
    public void whereACardIsRegisteredForDataIsTold() throws Exception {
        daemon.connect();
        insertCard();
        Cards.Phone card = Cards.phone(app, SUBSCRIPTION);
        card.setServiceState(Cards.inService(TelephonyManager.NETWORK_TYPE_LTE));
        Sim lte = simWhere(Sim::getDataInService);
        assertTrue(lte.getInService());
        assertEquals(Generation.G4, lte.getGeneration());
        card.setServiceState(Cards.inService(TelephonyManager.NETWORK_TYPE_EDGE));
        assertTrue(simWhere(sim -> sim.getGeneration() == Generation.G2_5).getDataInService());
        // Calls and SMS, but no data.
        card.setServiceState(Cards.inService(TelephonyManager.NETWORK_TYPE_UNKNOWN));
        Sim without = simWhere(sim -> !sim.getDataInService());
        assertTrue(without.getInService());
        assertEquals(Generation.GENERATION_UNKNOWN, without.getGeneration());
        ServiceState abroad = Cards.inService(TelephonyManager.NETWORK_TYPE_LTE);
        abroad.setRoaming(true);
        card.setServiceState(abroad);
        assertTrue(simWhere(Sim::getDataInService).getRoaming());
    }

    @Test
    public void theSignalIsToldInSteps() throws Exception {
        daemon.connect();
        insertCard();
        assertEquals("not known", 0, simWhere(sim -> true).getSignalLevel());
        SignalStrength none = new SignalStrength();
        Cards.Phone card = Cards.phone(app, SUBSCRIPTION);
        card.setSignalStrength(none);
        assertEquals(1, simWhere(sim -> sim.getSignalLevel() != 0).getSignalLevel());
    }

    @Test
    public void whetherDataAreLeftIsToldWhereTheOperatorTells() throws Exception {
        daemon.connect();
        insertCard();
        assertEquals(
                DataBundle.DATA_BUNDLE_UNSPECIFIED, simWhere(sim -> true).getDataBundle());
        Cards.Plans.PLANS.put(SUBSCRIPTION, List.of(plan(100, 100)));
        app.sendBroadcast(new Intent(SubscriptionManager.ACTION_SUBSCRIPTION_PLANS_CHANGED));
        Shadows.shadowOf(Looper.getMainLooper()).idle();
        simWhere(sim -> sim.getDataBundle() == DataBundle.DATA_SPENT);

        assertEquals(DataBundle.DATA_LEFT, MobileData.bundle(List.of(plan(100, 99))));
        // One of two has some.
        assertEquals(
                DataBundle.DATA_LEFT, MobileData.bundle(List.of(plan(100, 100), plan(5, 1))));
        assertEquals(
                DataBundle.DATA_LEFT,
                MobileData.bundle(List.of(plan(SubscriptionPlan.BYTES_UNLIMITED, 9))));
        assertEquals(
                DataBundle.DATA_BUNDLE_UNSPECIFIED,
                MobileData.bundle(
                        List.of(
                                plan(100, SubscriptionPlan.BYTES_UNKNOWN),
                                plan(SubscriptionPlan.BYTES_UNKNOWN, 3))));
        SubscriptionPlan throttled =
                SubscriptionPlan.Builder.createRecurring(ZonedDateTime.now(), Period.ofMonths(1))
                        .setDataLimit(100, SubscriptionPlan.LIMIT_BEHAVIOR_THROTTLED)
                        .setDataUsage(100, 1)
                        .build();
        assertEquals(DataBundle.DATA_LEFT, MobileData.bundle(List.of(throttled)));
    }

    private static SubscriptionPlan plan(long limit, long used) {
        SubscriptionPlan.Builder plan =
                SubscriptionPlan.Builder.createRecurring(ZonedDateTime.now(), Period.ofMonths(1));
        if (limit != SubscriptionPlan.BYTES_UNKNOWN) {
            plan.setDataLimit(limit, SubscriptionPlan.LIMIT_BEHAVIOR_BILLED);
        }
        if (used != SubscriptionPlan.BYTES_UNKNOWN) {
            plan.setDataUsage(used, 1);
        }
        return plan.build();
    }

    @Test
    public void anotherDefaultCardForDataIsTold() throws Exception {
        insertCard();
        daemon.connect();
        assertFalse(simWhere(sim -> true).getDefaultData());
        ShadowSubscriptionManager.setDefaultDataSubscriptionId(SUBSCRIPTION);
        app.sendBroadcast(new Intent(TelephonyManager.ACTION_DEFAULT_DATA_SUBSCRIPTION_CHANGED));
        Shadows.shadowOf(Looper.getMainLooper()).idle();
        assertTrue(simWhere(Sim::getDefaultData).getDefaultData());
    }
}
