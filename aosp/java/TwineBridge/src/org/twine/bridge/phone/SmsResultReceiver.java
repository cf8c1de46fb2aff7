package org.twine.bridge.phone;

import android.app.Activity;
import android.app.PendingIntent;
import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import android.net.Uri;
import android.telephony.SmsMessage;
import java.util.List;
import org.twine.bridge.Bridge;
import org.twine.bridge.sms.PartResult;

/**
 * What the phone and the operator say of each part. In the manifest, so that a result starts the
 * process if it has died meanwhile.
 */
public final class SmsResultReceiver extends BroadcastReceiver {
    static final String ACTION_SENT = "org.twine.bridge.SENT";
    static final String ACTION_DELIVERED = "org.twine.bridge.DELIVERED";
    private static final String SCHEME = "twine-sms";

    /** The intent for one part; no two are the same, so none replaces another. */
    static PendingIntent intent(Context context, String action, long attempt, int part) {
        return pending(context, action, attempt, part, 0);
    }

    /** Null only with FLAG_NO_CREATE: there is none. */
    private static PendingIntent pending(
            Context context, String action, long attempt, int part, int moreFlags) {
        Intent intent =
                new Intent(action)
                        .setClass(context, SmsResultReceiver.class)
                        .setData(
                                new Uri.Builder()
                                        .scheme(SCHEME)
                                        .authority("part")
                                        .appendPath(Long.toHexString(attempt))
                                        .appendPath(Integer.toString(part))
                                        .build());
        // The framework fills the delivery report in, and may do so more than once: a report that
        // the operator is still trying comes before the final one (TP-Status, 3GPP TS 23.040,
        // 9.2.3.15).
        int flags =
                action.equals(ACTION_DELIVERED)
                        ? PendingIntent.FLAG_MUTABLE
                        : PendingIntent.FLAG_IMMUTABLE | PendingIntent.FLAG_ONE_SHOT;
        return PendingIntent.getBroadcast(context, 0, intent, flags | moreFlags);
    }

    private static void cancel(Context context, PartResult of) {
        PendingIntent used =
                pending(
                        context,
                        ACTION_DELIVERED,
                        of.attempt(),
                        of.part(),
                        PendingIntent.FLAG_NO_CREATE);
        if (used != null) {
            used.cancel();
        }
    }

    @Override
    public void onReceive(Context context, Intent intent) {
        PartResult result = read(intent, getResultCode());
        if (result == null) {
            return;
        }
        PendingResult pending = goAsync();
        Bridge.of(context)
                .agent()
                .result(
                        result,
                        written -> {
                            // The last that is heard of this part, and only now is it kept.
                            if (written && result.state().isDelivery()) {
                                cancel(context, result);
                            }
                            if (pending != null) {
                                pending.finish();
                            }
                        });
    }

    /** Null: it says nothing final, or is none of ours. */
    static PartResult read(Intent intent, int resultCode) {
        Uri data = intent.getData();
        String action = intent.getAction();
        if (data == null || action == null || data.getPathSegments().size() != 2) {
            return null;
        }
        List<String> path = data.getPathSegments();
        long attempt;
        int part;
        try {
            attempt = Long.parseUnsignedLong(path.get(0), 16);
            part = Integer.parseInt(path.get(1));
        } catch (NumberFormatException e) {
            return null;
        }
        if (action.equals(ACTION_SENT)) {
            boolean sent = resultCode == Activity.RESULT_OK;
            PartResult.State state =
                    sent ? PartResult.State.SENT : PartResult.State.REFUSED;
            return new PartResult(attempt, part, state, sent ? 0 : resultCode);
        }
        if (action.equals(ACTION_DELIVERED)) {
            PartResult.State state = delivery(intent);
            return state == null ? null : new PartResult(attempt, part, state, 0);
        }
        return null;
    }

    /** TP-Status, 3GPP TS 23.040, 9.2.3.15; null: still trying. */
    private static PartResult.State delivery(Intent intent) {
        byte[] pdu = intent.getByteArrayExtra("pdu");
        String format = intent.getStringExtra("format");
        SmsMessage report;
        try {
            report = pdu == null ? null : SmsMessage.createFromPdu(pdu, format);
        } catch (RuntimeException e) {
            // The framework's parsers throw on some malformed PDUs.
            report = null;
        }
        if (report == null) {
            return null;
        }
        int status = report.getStatus();
        if ("3gpp2".equals(format)) {
            // 3GPP2 C.S0015-B, 4.5.21: class and code in the upper half.
            return status == 0 ? PartResult.State.DELIVERED : null;
        }
        // 3GPP TS 23.040, 9.2.3.15: of the others below 0x20 the centre forwarded it and cannot
        // confirm that it arrived, or replaced it.
        if (status == 0) {
            return PartResult.State.DELIVERED;
        }
        return status < 0x40 ? null : PartResult.State.UNDELIVERABLE;
    }
}
