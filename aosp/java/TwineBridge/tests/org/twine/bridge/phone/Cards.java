package org.twine.bridge.phone;

import android.content.Context;
import android.telephony.AccessNetworkConstants;
import android.telephony.NetworkRegistrationInfo;
import android.telephony.ServiceState;
import android.telephony.SubscriptionInfo;
import android.telephony.SubscriptionManager;
import android.telephony.SubscriptionPlan;
import android.telephony.TelephonyCallback;
import android.telephony.TelephonyManager;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.robolectric.Shadows;
import org.robolectric.annotation.Implementation;
import org.robolectric.annotation.Implements;
import org.robolectric.annotation.Resetter;
import org.robolectric.shadow.api.Shadow;
import org.robolectric.shadows.ShadowSubscriptionManager;
import org.robolectric.shadows.ShadowSubscriptionManager.SubscriptionInfoBuilder;
import org.robolectric.shadows.ShadowTelephonyManager;

/** Cards in Robolectric's phone. */
final class Cards {
    static final String ICCID = "8925402000000000001";
    static final int SUBSCRIPTION = 3;

    /** Adds to Robolectric's what the platform says of data. */
    @Implements(TelephonyManager.class)
    public static final class Phone extends ShadowTelephonyManager {
        volatile boolean dataAllowed;
        volatile boolean roamingAllowed;

        /** What is thrown instead; null: nothing. */
        volatile RuntimeException failure;

        @Implementation
        protected boolean isDataConnectionAllowed() {
            if (failure != null) {
                throw failure;
            }
            return dataAllowed;
        }

        @Implementation
        protected boolean isDataRoamingEnabled() {
            return roamingAllowed;
        }

        /** As the platform tells it when the user, the operator or somebody else decides. */
        void allow(boolean data, boolean roaming) {
            dataAllowed = data;
            roamingAllowed = roaming;
            ((TelephonyCallback.DataEnabledListener) getLastTelephonyCallback())
                    .onDataEnabledChanged(data, TelephonyManager.DATA_ENABLED_REASON_OVERRIDE);
        }
    }

    /** Adds to Robolectric's the plans of the operators. */
    @Implements(SubscriptionManager.class)
    public static final class Plans extends ShadowSubscriptionManager {
        static final Map<Integer, List<SubscriptionPlan>> PLANS = new HashMap<>();

        @Implementation
        protected List<SubscriptionPlan> getSubscriptionPlans(int subscription) {
            return PLANS.getOrDefault(subscription, List.of());
        }

        /** After each test. */
        @Resetter
        public static void reset() {
            PLANS.clear();
            ShadowSubscriptionManager.reset();
        }
    }

    private Cards() {}

    /** A Kenyan one. */
    static SubscriptionInfo card(int subscription, int slot, String iccid) {
        return SubscriptionInfoBuilder.newBuilder()
                .setId(subscription)
                .setSimSlotIndex(slot)
                .setIccId(iccid)
                .setCountryIso("ke")
                .setMcc("639")
                .setMnc("02")
                .setCarrierName("Operator")
                .buildSubscriptionInfo();
    }

    /** These cards and no others are in the phone. */
    static void insert(Context app, SubscriptionInfo... cards) {
        for (SubscriptionInfo card : cards) {
            Shadows.shadowOf(app.getSystemService(TelephonyManager.class))
                    .setTelephonyManagerForSubscriptionId(
                            card.getSubscriptionId(),
                            Shadow.newInstanceOf(TelephonyManager.class));
        }
        ShadowSubscriptionManager subscriptions =
                Shadow.extract(app.getSystemService(SubscriptionManager.class));
        subscriptions.setActiveSubscriptionInfoList(List.of(cards));
    }

    /** What the platform says of one of them. */
    static Phone phone(Context app, int subscription) {
        return Shadow.extract(
                app.getSystemService(TelephonyManager.class)
                        .createForSubscriptionId(subscription));
    }

    /** The phone's data go by this card from now on. */
    static void carryData(Context app, int subscription) {
        Phone whole = Shadow.extract(app.getSystemService(TelephonyManager.class));
        ((TelephonyCallback.ActiveDataSubscriptionIdListener) whole.getLastTelephonyCallback())
                .onActiveDataSubscriptionIdChanged(subscription);
    }

    /** Registered for calls, SMS and, with a NETWORK_TYPE, data. */
    static ServiceState inService(int dataNetworkType) {
        ServiceState service = new ServiceState();
        service.setState(ServiceState.STATE_IN_SERVICE);
        service.addNetworkRegistrationInfo(
                new NetworkRegistrationInfo.Builder()
                        .setDomain(NetworkRegistrationInfo.DOMAIN_PS)
                        .setTransportType(AccessNetworkConstants.TRANSPORT_TYPE_WWAN)
                        .setRegistrationState(
                                dataNetworkType == TelephonyManager.NETWORK_TYPE_UNKNOWN
                                        ? NetworkRegistrationInfo.REGISTRATION_STATE_DENIED
                                        : NetworkRegistrationInfo.REGISTRATION_STATE_HOME)
                        .setAccessNetworkTechnology(dataNetworkType)
                        .build());
        return service;
    }
}
