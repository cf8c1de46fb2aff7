package org.twine.bridge.phone;

import android.telephony.SubscriptionManager;
import android.telephony.SubscriptionPlan;
import android.telephony.TelephonyManager;
import java.util.List;
import org.twine.control.v1.DataAllowance;
import org.twine.control.v1.DataBundle;

/** What a card's mobile data are allowed, and whether they are paid for. */
final class MobileData {
    private MobileData() {}

    /**
     * The platform's own verdict on whether this card may carry data, which is what its own switching
     * goes by (DataSettingsManager in frameworks/opt/telephony). The user's switch for mobile data is on
     * for the default card alone; the other one is allowed by the switch "automatic data switching".
     * It heeds the operator's and the administrator's word, and a phone that is too hot, too.
     */
    static DataAllowance allowance(TelephonyManager manager) {
        try {
            if (!manager.isDataConnectionAllowed()) {
                return DataAllowance.DATA_OFF;
            }
            return manager.isDataRoamingEnabled()
                    ? DataAllowance.DATA_ROAMING_TOO
                    : DataAllowance.DATA_AT_HOME;
        } catch (SecurityException
                | IllegalStateException
                | UnsupportedOperationException e) {
            // Not known: the daemon moves no data there.
            return DataAllowance.DATA_ALLOWANCE_UNSPECIFIED;
        }
    }

    /** By the operator's plans, where it tells them to the phone: few do. */
    static DataBundle bundle(SubscriptionManager subscriptions, int subscription) {
        try {
            return bundle(subscriptions.getSubscriptionPlans(subscription));
        } catch (SecurityException
                | IllegalStateException
                | UnsupportedOperationException e) {
            return DataBundle.DATA_BUNDLE_UNSPECIFIED;
        }
    }

    /**
     * Data are left as long as one plan has some. Slower data at no cost beyond the limit are data, too.
     */
    static DataBundle bundle(List<SubscriptionPlan> plans) {
        DataBundle found = DataBundle.DATA_BUNDLE_UNSPECIFIED;
        for (SubscriptionPlan plan : plans) {
            long limit = plan.getDataLimitBytes();
            long used = plan.getDataUsageBytes();
            if (limit == SubscriptionPlan.BYTES_UNKNOWN) {
                continue;
            }
            boolean goesOn =
                    limit == SubscriptionPlan.BYTES_UNLIMITED
                            || plan.getDataLimitBehavior()
                                    == SubscriptionPlan.LIMIT_BEHAVIOR_THROTTLED;
            if (!goesOn && used == SubscriptionPlan.BYTES_UNKNOWN) {
                continue;
            }
            if (goesOn || used < limit) {
                return DataBundle.DATA_LEFT;
            }
            found = DataBundle.DATA_SPENT;
        }
        return found;
    }
}
