package org.twine.bridge.phone;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import android.app.Activity;
import android.content.BroadcastReceiver;
import android.content.Intent;
import android.provider.Telephony;
import android.telephony.SubscriptionManager;
import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.Test;
import org.robolectric.Robolectric;
import org.robolectric.shadow.api.Shadow;
import org.robolectric.shadows.ShadowBroadcastPendingResult;
import org.twine.bridge.Bridge;
import org.twine.bridge.PhoneStore;
import org.twine.bridge.durable.Disk;
import org.twine.bridge.sms.AttemptJournal;
import org.twine.bridge.sms.IncomingSpool;
import org.twine.bridge.sms.IncomingText;
import org.twine.bridge.sms.SmsDesk;
import org.twine.control.v1.Order;
import org.twine.control.v1.Report;
import org.twine.control.v1.SmsReceived;
import org.twine.control.v1.SmsTaken;

/** SMS that come in. */
public class IncomingSmsTest extends AgentFixture {
    @Test
    public void anIncomingSmsIsSpooledToldAndForgotten() throws Exception {
        insertCard();
        Intent broadcast = broadcast(Pdus.deliver());
        receive(broadcast);
        // The same again: one message.
        receive(broadcast);
        untilSpooled(1);
        daemon.reports.clear();
        daemon.connect();
        SmsReceived told = daemon.report(Report::hasSmsReceived).getSmsReceived();
        assertEquals("habari", told.getText());
        assertEquals("+254712345678", told.getFrom());
        assertEquals(ICCID, told.getIccid());
        assertEquals(1, told.getSimSlot());
        assertTrue(told.getSpoolId(), told.getSpoolId().matches("[0-9a-f]{32}"));
        give(
                Order.newBuilder()
                        .setSmsTaken(SmsTaken.newBuilder().setSpoolId(told.getSpoolId())));
        untilSpooled(0);
    }

    @Test
    public void equalSmsWithoutATimeAreNoRepeats() throws Exception {
        insertCard();
        Intent broadcast = broadcast(Pdus.undated());
        receive(broadcast);
        receive(broadcast);
        untilSpooled(2);
    }

    @Test
    public void whatIsNotReadableIsCounted() throws Exception {
        insertCard();
        byte[] cut = Arrays.copyOf(Pdus.deliver(), 9);
        receive(broadcast(cut));
        receive(broadcast(cut));
        String summary = Bridge.of(app).agent().summary();
        assertTrue(summary, summary.contains("incoming PDUs that were not readable: 2"));
    }

    private static Intent broadcast(byte[] pdu) {
        return new Intent(Telephony.Sms.Intents.SMS_RECEIVED_ACTION)
                .putExtra("pdus", new Object[] {pdu})
                .putExtra("format", "3gpp")
                .putExtra(SubscriptionManager.EXTRA_SUBSCRIPTION_INDEX, SUBSCRIPTION);
    }

    /** Until the broadcast is finished. */
    private void receive(Intent broadcast) throws Exception {
        IncomingSmsReceiver receiver = new IncomingSmsReceiver();
        BroadcastReceiver.PendingResult pending = pendingResult(Activity.RESULT_OK);
        receiver.setPendingResult(pending);
        receiver.onReceive(app, broadcast);
        ShadowBroadcastPendingResult shadow = Shadow.extract(pending);
        shadow.getFuture().get(60, TimeUnit.SECONDS);
        assertEquals(Activity.RESULT_OK, pending.getResultCode());
    }

    private void untilSpooled(int count) throws Exception {
        String wanted = "in the spool: " + count;
        for (int i = 0; !Bridge.of(app).agent().summary().contains(wanted); i++) {
            assertTrue("never " + wanted, i < 6000);
            Thread.sleep(10);
        }
    }

    @Test
    public void anSmsThatNobodyHereTakesGoesToThePhonesOwnStore() throws Exception {
        PhoneStore store = Robolectric.setupContentProvider(PhoneStore.class, "sms");
        Disk full =
                new Disk(app.getFilesDir().toPath().resolve("full")) {
                    @Override
                    protected void reached() throws IOException {
                        throw new IOException("no space left");
                    }
                };
        SmsDesk desk =
                new SmsDesk(
                        new AttemptJournal(full),
                        new IncomingSpool(full),
                        order -> {},
                        report -> false,
                        () -> {},
                        line -> {});
        IncomingKeeper keeper = new IncomingKeeper(desk, app.getContentResolver(), 1);
        IncomingText text = new IncomingText("a1", 1, ICCID, "", "MPESA", "", "habari", 1_700L);
        assertTrue(keeper.keep(text, SUBSCRIPTION));
        assertEquals("MPESA", store.rows.get(0).get(Telephony.Sms.ADDRESS));
        assertEquals("habari", store.rows.get(0).get(Telephony.Sms.BODY));
        assertEquals(SUBSCRIPTION, store.rows.get(0).get(Telephony.Sms.SUBSCRIPTION_ID));
        // Twine goes on trying.
        assertTrue(desk.summary(), desk.summary().contains("in memory only: 1"));
        store.fails = true;
        assertFalse(keeper.keep(text, SUBSCRIPTION));
        assertFalse(keeper.keepHere(text));
    }

    @Test
    public void hostilePdusAreNoCrash() {
        byte[] good = Pdus.deliver();
        for (int length = 0; length < good.length; length++) {
            IncomingPdus.parse(new byte[][] {Arrays.copyOf(good, length)}, "3gpp");
            IncomingPdus.parse(new byte[][] {Arrays.copyOf(good, length)}, "3gpp2");
        }
        for (int at = 0; at < good.length; at++) {
            byte[] wrong = good.clone();
            wrong[at] = (byte) 0xff;
            IncomingPdus.parse(new byte[][] {wrong}, "3gpp");
        }
        assertNull(IncomingPdus.parse(null, "3gpp"));
        assertNull(IncomingPdus.parse(new byte[0][], "3gpp"));
        assertNull(IncomingPdus.parse(new byte[][] {good}, null));
    }

    @Test
    public void numbersAreResolvedByTheHomePlan() {
        assertEquals("+254712345678", IncomingPdus.resolve("+254712345678", "ng"));
        assertEquals("+254712345678", IncomingPdus.resolve("0712345678", "ke"));
        assertEquals("", IncomingPdus.resolve("MPESA", "ke"));
        assertEquals("", IncomingPdus.resolve("40404", "ke"));
        assertEquals("", IncomingPdus.resolve("0712345678", ""));
        assertEquals("", IncomingPdus.resolve("", "ke"));
    }
}
