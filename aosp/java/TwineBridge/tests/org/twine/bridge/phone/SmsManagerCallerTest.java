package org.twine.bridge.phone;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import android.app.PendingIntent;
import android.content.Context;
import android.content.ContextWrapper;
import android.telephony.SmsManager;
import com.android.internal.telephony.ISms;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.Test;
import org.twine.bridge.sms.SmsDesk;

/** What failed before SmsManager was called has not left; of what failed in it that is not known. */
public class SmsManagerCallerTest extends AgentFixture {
    private int codeOfNotSent(SmsManagerCaller caller, String... parts) {
        SmsDesk.NotSentException refused =
                assertThrows(
                        SmsDesk.NotSentException.class, () -> caller.send(order(parts)));
        assertFalse(refused.getMessage(), refused.getMessage().contains("+254"));
        return refused.code();
    }

    @Test
    public void withoutPendingIntentsNothingIsSentAndItIsTriedAgainLater() {
        LinkedBlockingQueue<SmsService.Sent> phone = SmsService.install();
        Context exhausted =
                new ContextWrapper(app) {
                    @Override
                    public String getPackageName() {
                        throw new SecurityException("too many, also for +254712000001");
                    }
                };
        SmsManagerCaller caller = new SmsManagerCaller(exhausted, iccid -> SUBSCRIPTION);
        assertEquals(SmsManager.RESULT_NO_RESOURCES, codeOfNotSent(caller, "one"));
        assertEquals(SmsManager.RESULT_NO_RESOURCES, codeOfNotSent(caller, "one", "two"));
        assertTrue(phone.isEmpty());
    }

    @Test
    public void aPhoneWithoutSmsManagerSendsNothing() {
        LinkedBlockingQueue<SmsService.Sent> phone = SmsService.install();
        Context without =
                new ContextWrapper(app) {
                    @Override
                    public Object getSystemService(String name) {
                        Object service = super.getSystemService(name);
                        return service instanceof SmsManager ? null : service;
                    }
                };
        SmsManagerCaller caller = new SmsManagerCaller(without, iccid -> SUBSCRIPTION);
        assertEquals(SmsManager.RESULT_REQUEST_NOT_SUPPORTED, codeOfNotSent(caller, "one"));
        assertTrue(phone.isEmpty());
    }

    @Test
    public void whatFailsInSmsManagerIsNotKnownUnlessItSaysWhy() {
        SmsManagerCaller caller = new SmsManagerCaller(app, iccid -> SUBSCRIPTION);
        fail(new IllegalStateException("halfway"));
        assertThrows(IllegalStateException.class, () -> caller.send(order("one")));
        assertThrows(IllegalStateException.class, () -> caller.send(order("one", "two")));
        fail(new SecurityException("no"));
        assertEquals(SmsManager.RESULT_OPERATION_NOT_ALLOWED, codeOfNotSent(caller, "one"));
    }

    /** The telephony service throws this. */
    private static void fail(RuntimeException failure) {
        SmsService.Shadow.service =
                new ISms.Default() {
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
                        throw failure;
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
                        throw failure;
                    }
                };
    }
}
