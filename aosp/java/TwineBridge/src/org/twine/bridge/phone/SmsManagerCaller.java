package org.twine.bridge.phone;

import android.app.PendingIntent;
import android.content.Context;
import android.telephony.SmsManager;
import java.util.ArrayList;
import java.util.function.Function;
import org.twine.bridge.sms.SmsDesk;
import org.twine.control.v1.SendSms;

/**
 * Sends by the SmsManager of the card that an order names, and by no other.
 *
 * <p>First everything that the call needs, then the call: whatever fails before it, nothing has left.
 */
final class SmsManagerCaller implements SmsDesk.Caller {
    private final Context context;

    /** Card number to subscription id; null: the card is not there. */
    private final Function<String, Integer> subscriptions;

    SmsManagerCaller(Context context, Function<String, Integer> subscriptions) {
        this.context = context;
        this.subscriptions = subscriptions;
    }

    @Override
    public void send(SendSms order) throws SmsDesk.NotSentException {
        Runnable call = prepared(order);
        try {
            call.run();
        } catch (IllegalArgumentException e) {
            throw new SmsDesk.NotSentException(
                    SmsManager.RESULT_INVALID_ARGUMENTS, "an argument that SmsManager refuses");
        } catch (UnsupportedOperationException e) {
            throw notSupported();
        } catch (SecurityException e) {
            throw new SmsDesk.NotSentException(
                    SmsManager.RESULT_OPERATION_NOT_ALLOWED, "SMS may not be sent");
        }
    }

    /** The call of SmsManager, and nothing that could fail before it. */
    private Runnable prepared(SendSms order) throws SmsDesk.NotSentException {
        try {
            Integer subscription = subscriptions.apply(order.getIccid());
            if (subscription == null) {
                throw new SmsDesk.NotSentException(
                        SmsManager.RESULT_RIL_SIM_ABSENT, "the card of the order is not there");
            }
            SmsManager any = context.getSystemService(SmsManager.class);
            if (any == null) {
                throw notSupported();
            }
            SmsManager manager = any.createForSubscriptionId(subscription);
            String to = order.getTo();
            ArrayList<String> parts = new ArrayList<>(order.getPartsList());
            ArrayList<PendingIntent> sent = intents(order, SmsResultReceiver.ACTION_SENT);
            ArrayList<PendingIntent> delivered =
                    intents(order, SmsResultReceiver.ACTION_DELIVERED);
            // Without an entry in the SMS provider: the messaging app keeps its own.
            return parts.size() == 1
                    ? () ->
                            manager.sendTextMessageWithoutPersisting(
                                    to, null, parts.get(0), sent.get(0), delivered.get(0))
                    : () ->
                            manager.sendMultipartTextMessageWithoutPersisting(
                                    to, null, parts, sent, delivered);
        } catch (UnsupportedOperationException e) {
            throw notSupported();
        } catch (RuntimeException e) {
            // Too many pending intents, which some makers refuse with a SecurityException, or the
            // system server is about to start again: another time it may go.
            throw new SmsDesk.NotSentException(
                    SmsManager.RESULT_NO_RESOURCES,
                    "SmsManager could not be called: " + e.getClass().getName());
        }
    }

    private ArrayList<PendingIntent> intents(SendSms order, String action) {
        ArrayList<PendingIntent> intents = new ArrayList<>();
        for (int part = 0; part < order.getPartsCount(); part++) {
            intents.add(SmsResultReceiver.intent(context, action, order.getAttempt(), part));
        }
        return intents;
    }

    private static SmsDesk.NotSentException notSupported() {
        return new SmsDesk.NotSentException(
                SmsManager.RESULT_REQUEST_NOT_SUPPORTED, "the telephony service is not there");
    }
}
