package org.twine.bridge.phone;

import android.app.PendingIntent;
import android.content.Context;
import android.telephony.SmsManager;
import java.util.ArrayList;
import java.util.function.Function;
import org.twine.bridge.sms.SmsDesk;
import org.twine.control.v1.SendSms;

/** Sends by the SmsManager of the card that an order names, and by no other. */
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
        Integer subscription = subscriptions.apply(order.getIccid());
        if (subscription == null) {
            throw new SmsDesk.NotSentException(
                    SmsManager.RESULT_RIL_SIM_ABSENT, "the card of the order is not there");
        }
        ArrayList<String> parts = new ArrayList<>(order.getPartsList());
        ArrayList<PendingIntent> sent = new ArrayList<>();
        ArrayList<PendingIntent> delivered = new ArrayList<>();
        for (int part = 0; part < parts.size(); part++) {
            long attempt = order.getAttempt();
            sent.add(
                    SmsResultReceiver.intent(
                            context, SmsResultReceiver.ACTION_SENT, attempt, part));
            delivered.add(
                    SmsResultReceiver.intent(
                            context, SmsResultReceiver.ACTION_DELIVERED, attempt, part));
        }
        SmsManager manager =
                context.getSystemService(SmsManager.class).createForSubscriptionId(subscription);
        try {
            if (parts.size() == 1) {
                // Without an entry in the SMS provider: the messaging app keeps its own.
                manager.sendTextMessageWithoutPersisting(
                        order.getTo(), null, parts.get(0), sent.get(0), delivered.get(0));
            } else {
                manager.sendMultipartTextMessageWithoutPersisting(
                        order.getTo(), null, parts, sent, delivered);
            }
        } catch (IllegalArgumentException e) {
            throw new SmsDesk.NotSentException(
                    SmsManager.RESULT_INVALID_ARGUMENTS, "an argument that SmsManager refuses");
        } catch (UnsupportedOperationException e) {
            throw new SmsDesk.NotSentException(
                    SmsManager.RESULT_REQUEST_NOT_SUPPORTED, "the telephony service is not there");
        } catch (SecurityException e) {
            throw new SmsDesk.NotSentException(
                    SmsManager.RESULT_OPERATION_NOT_ALLOWED, "SMS may not be sent");
        }
    }
}
