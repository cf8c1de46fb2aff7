package org.twine.bridge.phone;

import android.content.Context;
import android.telephony.AccessNetworkConstants;
import android.telephony.CellSignalStrength;
import android.telephony.NetworkRegistrationInfo;
import android.telephony.ServiceState;
import android.telephony.SignalStrength;
import android.telephony.SubscriptionInfo;
import android.telephony.SubscriptionManager;
import android.telephony.TelephonyCallback;
import android.telephony.TelephonyManager;
import java.util.concurrent.Executor;
import org.twine.control.v1.DataAllowance;
import org.twine.control.v1.DataBundle;
import org.twine.control.v1.Generation;
import org.twine.control.v1.Sim;

/**
 * One card, as the platform tells of it: who it is, how it hears the network, and what its data are
 * allowed and cost, whether or not it carries them now. Thread-safe.
 */
final class Card extends TelephonyCallback
        implements TelephonyCallback.ServiceStateListener,
                TelephonyCallback.SignalStrengthsListener,
                TelephonyCallback.DataConnectionStateListener,
                TelephonyCallback.DataEnabledListener {
    /** Signal changes below this are not told: each tells the daemon, and that costs power. */
    private static final int SIGNAL_STEP_DBM = 5;

    private final TelephonyManager manager;
    private final SubscriptionManager subscriptions;
    private final Runnable changed;

    /* Guarded by this. */
    private SubscriptionInfo info;
    private String number = "";
    private boolean inService;
    private boolean roaming;
    private boolean radioOff;
    private boolean dataInService;
    private Generation generation = Generation.GENERATION_UNKNOWN;
    private int dataState = TelephonyManager.DATA_UNKNOWN;
    private int signalDbm;

    /** As in control.proto: Android's plus one. */
    private int signalLevel;

    private DataAllowance allowance = DataAllowance.DATA_ALLOWANCE_UNSPECIFIED;
    private DataBundle bundle = DataBundle.DATA_BUNDLE_UNSPECIFIED;

    /** Tells of changes by {@code changed}. */
    Card(Context context, SubscriptionInfo info, Runnable changed) {
        this.info = info;
        this.changed = changed;
        subscriptions = context.getSystemService(SubscriptionManager.class);
        manager =
                context.getSystemService(TelephonyManager.class)
                        .createForSubscriptionId(info.getSubscriptionId());
    }

    /** Begins to listen: the platform tells at once what is. */
    void start(Executor executor) {
        manager.registerTelephonyCallback(executor, this);
    }

    /** Ends it. */
    void stop() {
        manager.unregisterTelephonyCallback(this);
    }

    /** Reads again what no callback brings. */
    void look(SubscriptionInfo now) {
        int subscription = now.getSubscriptionId();
        String numberNow = numberOf(subscription);
        DataAllowance allowanceNow = MobileData.allowance(manager);
        DataBundle bundleNow = MobileData.bundle(subscriptions, subscription);
        synchronized (this) {
            info = now;
            number = numberNow;
            allowance = allowanceNow;
            bundle = bundleNow;
        }
    }

    @Override
    public void onServiceStateChanged(ServiceState state) {
        NetworkRegistrationInfo data =
                state.getNetworkRegistrationInfo(
                        NetworkRegistrationInfo.DOMAIN_PS,
                        // Not over Wi-Fi.
                        AccessNetworkConstants.TRANSPORT_TYPE_WWAN);
        synchronized (this) {
            inService = state.getState() == ServiceState.STATE_IN_SERVICE;
            radioOff = state.getState() == ServiceState.STATE_POWER_OFF;
            roaming = state.getRoaming();
            dataInService = data != null && data.isNetworkRegistered();
            // LTE with a second leg in NR is LTE: that leg comes and goes with the traffic.
            generation =
                    dataInService
                            ? Radio.generation(data.getAccessNetworkTechnology())
                            : Generation.GENERATION_UNKNOWN;
        }
        changed.run();
    }

    @Override
    public void onSignalStrengthsChanged(SignalStrength strength) {
        int dbm = dbmOf(strength);
        int level = strength.getLevel() + 1;
        synchronized (this) {
            if (dbm == signalDbm && level == signalLevel) {
                return;
            }
            signalDbm = dbm;
            signalLevel = level;
        }
        changed.run();
    }

    @Override
    public void onDataConnectionStateChanged(int state, int networkType) {
        synchronized (this) {
            if (state == dataState) {
                return;
            }
            dataState = state;
        }
        changed.run();
    }

    @Override
    public void onDataEnabledChanged(boolean enabled, int reason) {
        DataAllowance now = MobileData.allowance(manager);
        synchronized (this) {
            if (now == allowance) {
                return;
            }
            allowance = now;
        }
        changed.run();
    }

    /** All of it. */
    synchronized Sim describe(int activeData) {
        int subscription = info.getSubscriptionId();
        return Sim.newBuilder()
                .setSlot(info.getSimSlotIndex())
                .setIccid(iccid())
                .setNumber(number)
                .setMccMnc(text(info.getMccString()) + text(info.getMncString()))
                .setReady(true)
                .setSubscriptionId(subscription)
                .setOperator(text(info.getCarrierName()))
                .setInService(inService)
                .setRoaming(roaming)
                .setDefaultSms(SubscriptionManager.getDefaultSmsSubscriptionId() == subscription)
                .setRadioOff(radioOff)
                .setDataState(Radio.dataState(dataState))
                .setCarriesData(subscription == activeData)
                .setDataAllowance(allowance)
                .setDataInService(dataInService)
                .setGeneration(generation)
                .setSignalLevel(signalLevel)
                .setDataBundle(bundle)
                .setDefaultData(
                        SubscriptionManager.getDefaultDataSubscriptionId() == subscription)
                .build();
    }

    /** The daemon takes no card without its number, and none that is in no slot. */
    synchronized boolean isWhole() {
        return !iccid().isEmpty() && info.getSimSlotIndex() >= 0;
    }

    /** Its subscription. */
    synchronized int subscription() {
        return info.getSubscriptionId();
    }

    /** Where it is; below 0: nowhere. */
    synchronized int slot() {
        return info.getSimSlotIndex();
    }

    /** Its number; empty: not read yet. */
    synchronized String iccid() {
        return text(info.getIccId());
    }

    /** Of the network it is registered in for data. */
    synchronized Generation generation() {
        return generation;
    }

    /** In dBm, in steps; 0: not known. */
    synchronized int signalDbm() {
        return signalDbm;
    }

    /** Two letters, lower case; empty: not known. */
    synchronized String homeCountry() {
        return text(info.getCountryIso());
    }

    /** E.164 as far as the platform knows it; empty: not known. */
    private String numberOf(int subscription) {
        try {
            String number = text(subscriptions.getPhoneNumber(subscription));
            return number.startsWith("+") ? number : "";
        } catch (SecurityException | IllegalStateException e) {
            return "";
        }
    }

    private static int dbmOf(SignalStrength strength) {
        for (CellSignalStrength cell : strength.getCellSignalStrengths()) {
            int dbm = cell.getDbm();
            if (dbm < 0 && dbm > -200) {
                return dbm / SIGNAL_STEP_DBM * SIGNAL_STEP_DBM;
            }
        }
        return 0;
    }

    private static String text(CharSequence text) {
        return text == null ? "" : text.toString();
    }
}
