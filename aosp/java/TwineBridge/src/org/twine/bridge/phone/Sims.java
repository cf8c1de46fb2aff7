package org.twine.bridge.phone;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import android.content.IntentFilter;
import android.telephony.CellSignalStrength;
import android.telephony.ServiceState;
import android.telephony.SignalStrength;
import android.telephony.SubscriptionInfo;
import android.telephony.SubscriptionManager;
import android.telephony.TelephonyCallback;
import android.telephony.TelephonyManager;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import org.twine.control.v1.Generation;
import org.twine.control.v1.Sim;

/**
 * The cards in the phone: who they are, whether SMS can be sent by them, and how they hear the
 * network. Listens, and tells of changes; never asks the radio for anything.
 */
final class Sims {
    /** Signal changes below this are not told: each tells the daemon, and that costs power. */
    private static final int SIGNAL_STEP_DBM = 5;

    private final Context context;
    private final Executor executor;
    private final Runnable changed;
    private final SubscriptionManager subscriptions;

    /* Guarded by this. */
    private final Map<Integer, Card> cards = new HashMap<>();
    private int activeData = SubscriptionManager.INVALID_SUBSCRIPTION_ID;

    /** Which card carries data, of the phone as a whole. */
    private final class ActiveData extends TelephonyCallback
            implements TelephonyCallback.ActiveDataSubscriptionIdListener {
        @Override
        public void onActiveDataSubscriptionIdChanged(int subscription) {
            synchronized (Sims.this) {
                activeData = subscription;
            }
            changed.run();
        }
    }

    private final ActiveData activeDataListener = new ActiveData();

    /** One subscription. */
    private final class Card extends TelephonyCallback
            implements TelephonyCallback.ServiceStateListener,
                    TelephonyCallback.SignalStrengthsListener,
                    TelephonyCallback.DataConnectionStateListener {
        final TelephonyManager manager;
        SubscriptionInfo info;
        String number = "";
        boolean inService;
        boolean roaming;
        boolean radioOff;
        Generation generation = Generation.GENERATION_UNKNOWN;
        int dataState = TelephonyManager.DATA_UNKNOWN;
        int signalDbm;

        Card(SubscriptionInfo info) {
            this.info = info;
            manager =
                    context.getSystemService(TelephonyManager.class)
                            .createForSubscriptionId(info.getSubscriptionId());
        }

        @Override
        public void onServiceStateChanged(ServiceState state) {
            synchronized (Sims.this) {
                inService = state.getState() == ServiceState.STATE_IN_SERVICE;
                radioOff = state.getState() == ServiceState.STATE_POWER_OFF;
                roaming = state.getRoaming();
            }
            changed.run();
        }

        @Override
        public void onSignalStrengthsChanged(SignalStrength strength) {
            int dbm = dbmOf(strength);
            synchronized (Sims.this) {
                if (dbm == signalDbm) {
                    return;
                }
                signalDbm = dbm;
            }
            changed.run();
        }

        @Override
        public void onDataConnectionStateChanged(int state, int networkType) {
            Generation now = Radio.generation(networkType);
            synchronized (Sims.this) {
                if (now == generation && state == dataState) {
                    return;
                }
                generation = now;
                dataState = state;
            }
            changed.run();
        }

        Sim describe() {
            return Sim.newBuilder()
                    .setSlot(info.getSimSlotIndex())
                    .setIccid(iccid(info))
                    .setNumber(number)
                    .setMccMnc(text(info.getMccString()) + text(info.getMncString()))
                    .setReady(true)
                    .setSubscriptionId(info.getSubscriptionId())
                    .setOperator(text(info.getCarrierName()))
                    .setInService(inService)
                    .setRoaming(roaming)
                    .setDefaultSms(
                            SubscriptionManager.getDefaultSmsSubscriptionId()
                                    == info.getSubscriptionId())
                    .setRadioOff(radioOff)
                    .setDataState(Radio.dataState(dataState))
                    .setCarriesData(info.getSubscriptionId() == activeData)
                    .build();
        }
    }

    private final SubscriptionManager.OnSubscriptionsChangedListener listener =
            new SubscriptionManager.OnSubscriptionsChangedListener() {
                @Override
                public void onSubscriptionsChanged() {
                    refresh();
                }
            };

    /** Another card is the default for SMS: no other listener hears of that. */
    private final BroadcastReceiver defaultSmsListener =
            new BroadcastReceiver() {
                @Override
                public void onReceive(Context receiving, Intent intent) {
                    executor.execute(changed);
                }
            };

    /** Tells of changes by {@code changed}, on the executor. */
    Sims(Context context, Executor executor, Runnable changed) {
        this.context = context;
        this.executor = executor;
        this.changed = changed;
        subscriptions = context.getSystemService(SubscriptionManager.class);
    }

    /** Begins to listen. */
    void start() {
        subscriptions.addOnSubscriptionsChangedListener(executor, listener);
        context.getSystemService(TelephonyManager.class)
                .registerTelephonyCallback(executor, activeDataListener);
        // Sent by the system alone.
        context.registerReceiver(
                defaultSmsListener,
                new IntentFilter(SubscriptionManager.ACTION_DEFAULT_SMS_SUBSCRIPTION_CHANGED),
                Context.RECEIVER_EXPORTED);
        refresh();
    }

    /** Ends it. */
    void stop() {
        subscriptions.removeOnSubscriptionsChangedListener(listener);
        context.getSystemService(TelephonyManager.class)
                .unregisterTelephonyCallback(activeDataListener);
        context.unregisterReceiver(defaultSmsListener);
        synchronized (this) {
            cards.values().forEach(card -> card.manager.unregisterTelephonyCallback(card));
            cards.clear();
        }
    }

    /** The cards that are there. */
    synchronized List<Sim> describe() {
        List<Sim> sims = new ArrayList<>();
        for (Card card : cards.values()) {
            // The daemon takes no card without its number.
            if (!iccid(card.info).isEmpty() && card.info.getSimSlotIndex() >= 0) {
                sims.add(card.describe());
            }
        }
        sims.sort((a, b) -> Integer.compare(a.getSlot(), b.getSlot()));
        return sims;
    }

    /** Null: it is not there. */
    synchronized Sim bySubscription(int subscription) {
        Card card = cards.get(subscription);
        return card == null ? null : card.describe();
    }

    /** Null: it is not there. */
    synchronized Integer subscriptionOf(String iccid) {
        for (Card card : cards.values()) {
            if (!iccid.isEmpty() && iccid.equals(iccid(card.info))) {
                return card.info.getSubscriptionId();
            }
        }
        return null;
    }

    /** Null: there is no card in it. */
    synchronized Integer subscriptionOf(int slot) {
        for (Card card : cards.values()) {
            if (card.info.getSimSlotIndex() == slot) {
                return card.info.getSubscriptionId();
            }
        }
        return null;
    }

    /** What the radio of a subscription is, for its link. */
    synchronized Generation generation(int subscription) {
        Card card = cards.get(subscription);
        return card == null ? Generation.GENERATION_UNKNOWN : card.generation;
    }

    /** In dBm, in steps; 0: not known. */
    synchronized int signalDbm(int subscription) {
        Card card = cards.get(subscription);
        return card == null ? 0 : card.signalDbm;
    }

    /** Two letters, lower case; empty: not known. */
    synchronized String homeCountry(int subscription) {
        Card card = cards.get(subscription);
        return card == null ? "" : text(card.info.getCountryIso());
    }

    private void refresh() {
        List<SubscriptionInfo> active = subscriptions.getActiveSubscriptionInfoList();
        if (active == null) {
            active = List.of();
        }
        synchronized (this) {
            Set<Integer> there = new HashSet<>();
            for (SubscriptionInfo info : active) {
                int id = info.getSubscriptionId();
                there.add(id);
                Card card = cards.get(id);
                if (card == null) {
                    card = new Card(info);
                    cards.put(id, card);
                    card.manager.registerTelephonyCallback(executor, card);
                }
                card.info = info;
                card.number = numberOf(id);
            }
            cards.entrySet()
                    .removeIf(
                            entry -> {
                                boolean gone = !there.contains(entry.getKey());
                                if (gone) {
                                    Card card = entry.getValue();
                                    card.manager.unregisterTelephonyCallback(card);
                                }
                                return gone;
                            });
        }
        changed.run();
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

    private static String iccid(SubscriptionInfo info) {
        return text(info.getIccId());
    }

    private static String text(CharSequence text) {
        return text == null ? "" : text.toString();
    }
}
