package org.twine.bridge.phone;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import android.app.Activity;
import android.app.PendingIntent;
import android.content.Intent;
import android.net.Uri;
import android.telephony.SmsManager;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.Test;
import org.robolectric.Shadows;
import org.twine.bridge.Bridge;
import org.twine.bridge.Reports;
import org.twine.bridge.Worker;
import org.twine.bridge.sms.PartResult;
import org.twine.control.v1.Order;
import org.twine.control.v1.Report;
import org.twine.control.v1.SmsPartState;
import org.twine.control.v1.SmsPartTaken;
import org.twine.control.v1.SmsTaken;

/** Orders to send SMS, and what becomes of them. */
public class SmsSendingTest extends AgentFixture {
    @Test
    public void anOrderIsSentByItsCardAndResultsAreTold() throws Exception {
        LinkedBlockingQueue<SmsService.Sent> phone = SmsService.install();
        insertCard();
        daemon.connect();
        give(Order.newBuilder().setSendSms(order("one", "two")));
        SmsService.Sent sent = phone.poll(60, TimeUnit.SECONDS);
        assertEquals(SUBSCRIPTION, sent.subscription);
        assertEquals("+2348031234567", sent.to);
        assertEquals(List.of("one", "two"), sent.parts);
        assertFalse("twice in the SMS provider", sent.persist);
        // Ordered again after a break: not sent, and nothing is to be told yet.
        give(Order.newBuilder().setSendSms(order("one", "two")));
        idle();
        assertTrue(phone.isEmpty());
        result(sent.sent.get(0), Activity.RESULT_OK);
        Report report = daemon.report(AgentFixture::isPart);
        assertEquals(ATTEMPT, report.getSmsPart().getAttempt());
        assertEquals(SmsPartState.PART_SENT, report.getSmsPart().getState());
        result(sent.sent.get(1), SmsManager.RESULT_ERROR_NO_SERVICE);
        report = daemon.report(AgentFixture::isPart);
        assertEquals(1, report.getSmsPart().getPart());
        assertEquals(SmsPartState.PART_REFUSED, report.getSmsPart().getState());
        assertEquals(4, report.getSmsPart().getCode());
        // Taken: nothing more is told.
        give(
                Order.newBuilder()
                        .setSmsPartTaken(
                                SmsPartTaken.newBuilder()
                                        .setAttempt(ATTEMPT)
                                        .setPart(1)
                                        .setState(SmsPartState.PART_REFUSED)));
        give(Order.newBuilder().setSmsTaken(SmsTaken.newBuilder().setSpoolId("none")));
    }

    /** The framework answers by the pending intent, which is for the manifest's receiver. */
    private void result(PendingIntent pending, int code) {
        Intent intent = Shadows.shadowOf(pending).getSavedIntent();
        assertEquals(
                SmsResultReceiver.class.getName(), intent.getComponent().getClassName());
        SmsResultReceiver receiver = new SmsResultReceiver();
        receiver.setPendingResult(pendingResult(code));
        receiver.onReceive(app, intent);
    }

    @Test
    public void resultsAreReadFromTheIntents() {
        Intent sent =
                Shadows.shadowOf(
                                SmsResultReceiver.intent(
                                        app, SmsResultReceiver.ACTION_SENT, ATTEMPT, 254))
                        .getSavedIntent();
        assertEquals(
                new PartResult(ATTEMPT, 254, PartResult.State.SENT, 0),
                SmsResultReceiver.read(sent, Activity.RESULT_OK));
        Intent delivered =
                Shadows.shadowOf(
                                SmsResultReceiver.intent(
                                        app, SmsResultReceiver.ACTION_DELIVERED, ATTEMPT, 0))
                        .getSavedIntent();
        assertNull(SmsResultReceiver.read(delivered, Activity.RESULT_OK));
        delivered.putExtra("format", "3gpp");
        int[] statuses = {0x00, 0x01, 0x02, 0x1f, 0x20, 0x30, 0x40, 0x60};
        PartResult.State[] states = {
            PartResult.State.DELIVERED,
            null,
            null,
            null,
            null,
            null,
            PartResult.State.UNDELIVERABLE,
            PartResult.State.UNDELIVERABLE,
        };
        for (int i = 0; i < statuses.length; i++) {
            delivered.putExtra("pdu", Pdus.statusReport(statuses[i]));
            PartResult result = SmsResultReceiver.read(delivered, Activity.RESULT_OK);
            assertEquals(states[i], result == null ? null : result.state());
        }
        delivered.putExtra("pdu", new byte[] {1, 2});
        assertNull(SmsResultReceiver.read(delivered, Activity.RESULT_OK));
        assertNull(SmsResultReceiver.read(new Intent(), Activity.RESULT_OK));
        assertNull(
                SmsResultReceiver.read(
                        new Intent(SmsResultReceiver.ACTION_SENT)
                                .setData(Uri.parse("twine-sms://part/zz/0")),
                        Activity.RESULT_OK));
    }

    @Test
    public void aReportThatTheOperatorStillTriesDoesNotUseTheIntentUp() throws Exception {
        LinkedBlockingQueue<SmsService.Sent> phone = SmsService.install();
        insertCard();
        daemon.connect();
        give(Order.newBuilder().setSendSms(order("one")));
        PendingIntent delivered = phone.poll(60, TimeUnit.SECONDS).delivered.get(0);
        // As the framework does: what it fills in, and through the system's own book-keeping of
        // pending intents, in which a one-shot one is gone after its first use.
        deliver(delivered, 0x20);
        deliver(delivered, 0x30);
        deliver(delivered, 0x00);
        Report report = daemon.report(AgentFixture::isPart);
        assertEquals(SmsPartState.PART_DELIVERED, report.getSmsPart().getState());
        idle();
        assertTrue("kept for ever", Shadows.shadowOf(delivered).isCanceled());
    }

    @Test
    public void aDeliveryReportsIntentIsKeptUntilTheReportIsOnTheDisk() throws Exception {
        LinkedBlockingQueue<SmsService.Sent> phone = SmsService.install();
        insertCard();
        daemon.connect();
        give(Order.newBuilder().setSendSms(order("one")));
        PendingIntent delivered = phone.poll(60, TimeUnit.SECONDS).delivered.get(0);
        CountDownLatch release = new CountDownLatch(1);
        Worker disk = Bridge.of(app).agent().disk();
        disk.execute(() -> await(release));
        deliver(delivered, 0x00);
        assertFalse("before it is kept", Shadows.shadowOf(delivered).isCanceled());
        release.countDown();
        idle();
        assertTrue(Shadows.shadowOf(delivered).isCanceled());
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Sends it, as SmsDispatchersController does with a status report, and runs the receiver. */
    private void deliver(PendingIntent delivered, int status) throws Exception {
        assertFalse("used up", Shadows.shadowOf(delivered).isCanceled());
        delivered.send(
                app,
                Activity.RESULT_OK,
                new Intent().putExtra("pdu", Pdus.statusReport(status)).putExtra("format", "3gpp"));
        List<Intent> sent = Shadows.shadowOf(app).getBroadcastIntents();
        Intent last = new Intent(sent.get(sent.size() - 1));
        SmsResultReceiver receiver = new SmsResultReceiver();
        receiver.setPendingResult(pendingResult(Activity.RESULT_OK));
        receiver.onReceive(app, last);
    }

    @Test
    public void aDaemonThatIsSlowToReadStopsNoSms() throws Exception {
        LinkedBlockingQueue<SmsService.Sent> phone = SmsService.install();
        insertCard();
        daemon.connect();
        stateWhere(state -> state.getSimsCount() == 1);
        daemon.stalled = new CountDownLatch(1);
        CountDownLatch release = daemon.stalled;
        give(Order.newBuilder().setSendSms(order("one")));
        SmsService.Sent sent = phone.poll(60, TimeUnit.SECONDS);
        // More reports than may wait, while the first of them waits for the daemon.
        result(sent.sent.get(0), Activity.RESULT_OK);
        for (int i = 1; i <= Reports.MAX_REPORTS + 10; i++) {
            give(
                    Order.newBuilder()
                            .setSendSms(order("no card").toBuilder().setAttempt(i).setIccid("x")));
        }
        idle();
        give(Order.newBuilder().setSendSms(order("another").toBuilder().setAttempt(4711)));
        assertEquals(List.of("another"), phone.poll(60, TimeUnit.SECONDS).parts);
        idle();
        String summary = Bridge.of(app).agent().summary();
        assertTrue(summary, summary.contains("reports that wait: " + Reports.MAX_REPORTS));
        assertFalse(summary, summary.contains("refused for want of room: 0"));
        // When it reads again it is told everything, in the end.
        daemon.stalled = null;
        release.countDown();
        assertEquals(
                SmsPartState.PART_SENT,
                daemon.report(AgentFixture::isPart).getSmsPart().getState());
        for (int i = 1; i <= Reports.MAX_REPORTS + 10; i++) {
            assertEquals(i, daemon.report(AgentFixture::isPart).getSmsPart().getAttempt());
        }
    }

    @Test
    public void aResultForWhichTheDiskHasNoRoomStaysUnknownAndEndsItsBroadcast()
            throws Exception {
        TelephonyAgent agent = Bridge.of(app).agent();
        CountDownLatch release = new CountDownLatch(1);
        CountDownLatch stuck = new CountDownLatch(1);
        agent.disk()
                .execute(
                        () -> {
                            stuck.countDown();
                            await(release);
                        });
        assertTrue(stuck.await(60, TimeUnit.SECONDS));
        CountDownLatch ended = new CountDownLatch(Worker.MAX_TASKS + 1);
        PartResult result = new PartResult(ATTEMPT, 0, PartResult.State.SENT, 0);
        for (int i = 0; i < Worker.MAX_TASKS; i++) {
            agent.result(result, written -> ended.countDown());
        }
        assertEquals(Worker.MAX_TASKS + 1, ended.getCount());
        agent.result(result, written -> ended.countDown());
        assertEquals(Worker.MAX_TASKS, ended.getCount());
        assertTrue(agent.summary(), agent.summary().contains("results dropped: 1"));
        release.countDown();
        assertTrue(ended.await(60, TimeUnit.SECONDS));
    }

    @Test
    public void anOrderForACardThatIsNotThereIsRefused() throws Exception {
        daemon.connect();
        give(Order.newBuilder().setSendSms(order("one")));
        Report report = daemon.report(AgentFixture::isPart);
        assertEquals(SmsPartState.PART_REFUSED, report.getSmsPart().getState());
        assertEquals(SmsManager.RESULT_RIL_SIM_ABSENT, report.getSmsPart().getCode());
    }
}
