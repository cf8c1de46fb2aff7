package org.twine.bridge.phone;

import android.app.PendingIntent;
import android.telephony.SmsManager;
import com.android.internal.telephony.ISms;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import org.robolectric.annotation.Implementation;
import org.robolectric.annotation.Implements;
import org.robolectric.shadows.ShadowSmsManager;

/** The telephony service behind the framework's own SmsManager. */
final class SmsService extends ISms.Default {
    /** What was asked of it. */
    static final class Sent {
        int subscription;
        String to;
        List<String> parts;
        List<PendingIntent> sent;
        List<PendingIntent> delivered;
        boolean persist;
    }

    private final LinkedBlockingQueue<Sent> all = new LinkedBlockingQueue<>();

    private SmsService() {}

    /** Gives SmsManager a new one; what it is asked comes into the queue. */
    static LinkedBlockingQueue<Sent> install() {
        SmsService service = new SmsService();
        Shadow.service = service;
        return service.all;
    }

    /** Instead of asking the service manager; everything else of SmsManager is real. */
    @Implements(SmsManager.class)
    public static final class Shadow extends ShadowSmsManager {
        static volatile ISms service;

        /** The installed one. */
        @Implementation
        protected static ISms getISmsServiceOrThrow() {
            return service;
        }
    }

    @Override
    public void sendTextForSubscriber(
            int subscription,
            String callingPackage,
            String attribution,
            String to,
            String smsc,
            String text,
            PendingIntent sent,
            PendingIntent delivered,
            boolean persist,
            long messageId) {
        sendMultipartTextForSubscriber(
                subscription,
                callingPackage,
                attribution,
                to,
                smsc,
                List.of(text),
                List.of(sent),
                List.of(delivered),
                persist,
                messageId);
    }

    @Override
    public void sendMultipartTextForSubscriber(
            int subscription,
            String callingPackage,
            String attribution,
            String to,
            String smsc,
            List<String> parts,
            List<PendingIntent> sent,
            List<PendingIntent> delivered,
            boolean persist,
            long messageId) {
        Sent one = new Sent();
        one.subscription = subscription;
        one.to = to;
        one.parts = parts;
        one.sent = sent;
        one.delivered = delivered;
        one.persist = persist;
        all.add(one);
    }
}
