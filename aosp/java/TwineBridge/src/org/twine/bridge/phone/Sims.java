package org.twine.bridge.phone;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import android.content.IntentFilter;
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
import java.util.function.Predicate;
import org.twine.control.v1.Generation;
import org.twine.control.v1.Sim;

/**
 * The cards in the phone, and which of them carries data. Listens, and tells of changes; never asks
 * the radio for anything.
 */
final class Sims {
    private final Context context;
    private final Executor executor;
    private final Runnable changed;
    private final SubscriptionManager subscriptions;

    /* Guarded by this. By subscription. */
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

    private final SubscriptionManager.OnSubscriptionsChangedListener listener =
            new SubscriptionManager.OnSubscriptionsChangedListener() {
                @Override
                public void onSubscriptionsChanged() {
                    refresh();
                }
            };

    /** Another default card, another plan: no other listener hears of that. */
    private final BroadcastReceiver settingsListener =
            new BroadcastReceiver() {
                @Override
                public void onReceive(Context receiving, Intent intent) {
                    executor.execute(Sims.this::refresh);
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
        IntentFilter settings = new IntentFilter();
        settings.addAction(SubscriptionManager.ACTION_DEFAULT_SMS_SUBSCRIPTION_CHANGED);
        settings.addAction(TelephonyManager.ACTION_DEFAULT_DATA_SUBSCRIPTION_CHANGED);
        settings.addAction(SubscriptionManager.ACTION_SUBSCRIPTION_PLANS_CHANGED);
        // Sent by the system alone.
        context.registerReceiver(settingsListener, settings, Context.RECEIVER_EXPORTED);
        refresh();
    }

    /** Ends it. */
    void stop() {
        subscriptions.removeOnSubscriptionsChangedListener(listener);
        context.getSystemService(TelephonyManager.class)
                .unregisterTelephonyCallback(activeDataListener);
        context.unregisterReceiver(settingsListener);
        synchronized (this) {
            cards.values().forEach(Card::stop);
            cards.clear();
        }
    }

    /** The cards that are there. */
    synchronized List<Sim> describe() {
        List<Sim> sims = new ArrayList<>();
        for (Card card : cards.values()) {
            if (card.isWhole()) {
                sims.add(card.describe(activeData));
            }
        }
        sims.sort((a, b) -> Integer.compare(a.getSlot(), b.getSlot()));
        return sims;
    }

    /** Null: it is not there. */
    synchronized Sim bySubscription(int subscription) {
        Card card = cards.get(subscription);
        return card == null ? null : card.describe(activeData);
    }

    /** Null: it is not there. */
    Integer subscriptionOf(String iccid) {
        return subscriptionWhere(card -> !iccid.isEmpty() && iccid.equals(card.iccid()));
    }

    /** Null: there is no card in it. */
    Integer subscriptionOf(int slot) {
        return subscriptionWhere(card -> card.slot() == slot);
    }

    private synchronized Integer subscriptionWhere(Predicate<Card> wanted) {
        return cards.values().stream()
                .filter(wanted)
                .map(Card::subscription)
                .findFirst()
                .orElse(null);
    }

    /** What the radio of a subscription is, for its link. */
    synchronized Generation generation(int subscription) {
        Card card = cards.get(subscription);
        return card == null ? Generation.GENERATION_UNKNOWN : card.generation();
    }

    /** In dBm, in steps; 0: not known. */
    synchronized int signalDbm(int subscription) {
        Card card = cards.get(subscription);
        return card == null ? 0 : card.signalDbm();
    }

    /** Two letters, lower case; empty: not known. */
    synchronized String homeCountry(int subscription) {
        Card card = cards.get(subscription);
        return card == null ? "" : card.homeCountry();
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
                    card = new Card(context, info, changed);
                    cards.put(id, card);
                    card.start(executor);
                }
                card.look(info);
            }
            cards.values()
                    .removeIf(
                            card -> {
                                boolean gone = !there.contains(card.subscription());
                                if (gone) {
                                    card.stop();
                                }
                                return gone;
                            });
        }
        changed.run();
    }
}
