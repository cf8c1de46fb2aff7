package org.twine.bridge.phone;

import android.os.RemoteException;
import android.telephony.SubscriptionManager;
import com.android.internal.telephony.ISetOpportunisticDataCallback;
import com.android.internal.telephony.ISub;
import java.util.function.BiConsumer;
import java.util.function.IntFunction;
import java.util.function.Supplier;

/**
 * Prefers the data of one card: a temporary override with validation, which leaves the user's own
 * setting as it is (ISub.setPreferredDataSubscriptionId).
 */
final class DataSim {
    /** Done; the results of the platform are SET_OPPORTUNISTIC_SUB_ of TelephonyManager. */
    static final int DONE = 0;

    /** No card in that slot. */
    static final int NO_CARD = -1;

    /** The telephony service is not there. */
    static final int NO_SERVICE = -2;

    private final Supplier<ISub> service;
    private final IntFunction<Integer> subscriptions;

    /**
     * Over the telephony service.
     *
     * @param subscriptions slot to subscription id; null: no card
     */
    DataSim(Supplier<ISub> service, IntFunction<Integer> subscriptions) {
        this.service = service;
        this.subscriptions = subscriptions;
    }

    /** Asks, and tells the result once: a code and a text for people. */
    void prefer(int slot, BiConsumer<Integer, String> result) {
        Integer subscription = subscriptions.apply(slot);
        if (subscription == null || subscription == SubscriptionManager.INVALID_SUBSCRIPTION_ID) {
            result.accept(NO_CARD, "there is no card in slot " + slot);
            return;
        }
        ISub sub = service.get();
        if (sub == null) {
            result.accept(NO_SERVICE, "the telephony service is not there");
            return;
        }
        try {
            sub.setPreferredDataSubscriptionId(
                    subscription,
                    true,
                    new ISetOpportunisticDataCallback.Stub() {
                        @Override
                        public void onComplete(int code) {
                            result.accept(code, code == DONE ? "" : "the platform refused");
                        }
                    });
        } catch (RemoteException e) {
            result.accept(NO_SERVICE, "the telephony service died");
        }
    }
}
