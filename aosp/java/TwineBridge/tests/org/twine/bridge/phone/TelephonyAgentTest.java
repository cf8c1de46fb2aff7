package org.twine.bridge.phone;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import android.app.Activity;
import android.app.PendingIntent;
import android.content.BroadcastReceiver;
import android.content.Intent;
import android.net.ConnectivityManager;
import android.net.NetworkCapabilities;
import android.net.Uri;
import android.os.Looper;
import android.provider.Settings;
import android.provider.Telephony;
import android.telephony.ServiceState;
import android.telephony.SmsManager;
import android.telephony.SubscriptionInfo;
import android.telephony.SubscriptionManager;
import android.telephony.TelephonyCallback;
import android.telephony.TelephonyManager;
import com.android.internal.telephony.ISetOpportunisticDataCallback;
import com.android.internal.telephony.ISub;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.annotation.Config;
import org.robolectric.shadow.api.Shadow;
import org.robolectric.shadows.ShadowBroadcastPendingResult;
import org.robolectric.shadows.ShadowConnectivityManager;
import org.robolectric.shadows.ShadowNetwork;
import org.robolectric.shadows.ShadowNetworkCapabilities;
import org.robolectric.shadows.ShadowSubscriptionManager;
import org.robolectric.shadows.ShadowSubscriptionManager.SubscriptionInfoBuilder;
import org.twine.bridge.Bridge;
import org.twine.bridge.FakeDaemonWire;
import org.twine.bridge.PhoneStore;
import org.twine.bridge.Reports;
import org.twine.bridge.TestBridge;
import org.twine.bridge.Worker;
import org.twine.bridge.durable.Disk;
import org.twine.bridge.sms.AttemptJournal;
import org.twine.bridge.sms.IncomingSpool;
import org.twine.bridge.sms.IncomingText;
import org.twine.bridge.sms.PartResult;
import org.twine.bridge.sms.SmsDesk;
import org.twine.control.v1.DataState;
import org.twine.control.v1.Link;
import org.twine.control.v1.LinkKind;
import org.twine.control.v1.Order;
import org.twine.control.v1.OrderResult;
import org.twine.control.v1.PreferDataSim;
import org.twine.control.v1.Report;
import org.twine.control.v1.SendSms;
import org.twine.control.v1.Sim;
import org.twine.control.v1.SmsPartState;
import org.twine.control.v1.SmsPartTaken;
import org.twine.control.v1.SmsReceived;
import org.twine.control.v1.SmsTaken;
import org.twine.control.v1.TelephonyState;
import org.twine.control.v1.Vpn;
import org.twine.jni.Notice;

/** The agent with the framework's own classes: what it sees, sends and takes in. */
@RunWith(RobolectricTestRunner.class)
@Config(
        sdk = 35,
        application = TestBridge.class,
        shadows = SmsService.Shadow.class)
public class TelephonyAgentTest {
    private static final long ATTEMPT = 0xffff_0000_1234_5678L;
    private static final String ICCID = "8925402000000000001";
    private static final int SUBSCRIPTION = 3;

    /** From 3GPP TS 23.040's layout: SMS-DELIVER from +254712345678, "habari". */
    private static final String DELIVER =
            "00" // no service centre
                    + "04" // SMS-DELIVER, no more messages
                    + "0c91" + "527421436587" // +254712345678, digits swapped
                    + "0000" // PID, 7 bit
                    + "42108011223300" // 24-01-08 11:22:33
                    + "06" + "e8b0382c4f03";

    private TestBridge app;
    private FakeDaemonWire daemon;

    @Before
    public void connect() throws Exception {
        app = (TestBridge) RuntimeEnvironment.getApplication();
        daemon = app.agentWire;
    }

    private void insertCard() {
        Shadows.shadowOf(app.getSystemService(TelephonyManager.class))
                .setTelephonyManagerForSubscriptionId(
                        SUBSCRIPTION, Shadow.newInstanceOf(TelephonyManager.class));
        ShadowSubscriptionManager subscriptions =
                Shadow.extract(app.getSystemService(SubscriptionManager.class));
        SubscriptionInfo card =
                SubscriptionInfoBuilder.newBuilder()
                        .setId(SUBSCRIPTION)
                        .setSimSlotIndex(1)
                        .setIccId(ICCID)
                        .setCountryIso("ke")
                        .setMcc("639")
                        .setMnc("02")
                        .setCarrierName("Operator")
                        .buildSubscriptionInfo();
        subscriptions.setActiveSubscriptionInfoList(List.of(card));
        idle();
    }

    /** The bridge's threads have done what they were given. */
    private void idle() {
        try {
            TelephonyAgent agent = Bridge.of(app).agent();
            for (Worker worker : List.of(agent.watch(), agent.disk())) {
                CountDownLatch done = new CountDownLatch(1);
                // Behind what it was given, and what that gave it.
                worker.execute(() -> worker.execute(done::countDown));
                assertTrue(done.await(60, TimeUnit.SECONDS));
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static SendSms order(String... parts) {
        return SendSms.newBuilder()
                .setAttempt(ATTEMPT)
                .setIccid(ICCID)
                .setTo("+2348031234567")
                .addAllParts(List.of(parts))
                .build();
    }

    private void give(Order.Builder order) {
        daemon.say(Notice.Kind.ORDER, order.setId(9).build());
    }

    private static boolean isPart(Report report) {
        return report.hasSmsPart();
    }

    private TelephonyState stateWhere(Predicate<TelephonyState> wanted)
            throws Exception {
        return daemon.report(report -> report.hasState() && wanted.test(report.getState()))
                .getState();
    }

    @Test
    public void theCardsAreTold() throws Exception {
        daemon.connect();
        insertCard();
        Sim sim = stateWhere(state -> state.getSimsCount() == 1).getSims(0);
        assertEquals(ICCID, sim.getIccid());
        assertEquals(1, sim.getSlot());
        assertEquals("63902", sim.getMccMnc());
        assertEquals(SUBSCRIPTION, sim.getSubscriptionId());
        assertEquals("Operator", sim.getOperator());
        assertTrue(sim.getReady());
        assertFalse(sim.getInService());

        TelephonyManager manager =
                app.getSystemService(TelephonyManager.class)
                        .createForSubscriptionId(SUBSCRIPTION);
        ServiceState service = new ServiceState();
        service.setState(ServiceState.STATE_IN_SERVICE);
        Shadows.shadowOf(manager).setServiceState(service);
        assertNotNull(
                stateWhere(state -> state.getSimsCount() == 1 && state.getSims(0).getInService()));

        // After a break all of it is told again.
        daemon.lose();
        daemon.connect();
        assertEquals(
                ICCID, stateWhere(state -> state.getSimsCount() == 1).getSims(0).getIccid());
    }

    @Test
    public void theNetworksAreToldWithTheirHandles() throws Exception {
        daemon.connect();
        ShadowConnectivityManager networks =
                Shadows.shadowOf(app.getSystemService(ConnectivityManager.class));
        android.net.Network wifi = ShadowNetwork.newInstance(77);
        NetworkCapabilities able = ShadowNetworkCapabilities.newInstance();
        Shadows.shadowOf(able).addTransportType(NetworkCapabilities.TRANSPORT_WIFI);
        Shadows.shadowOf(able).addCapability(NetworkCapabilities.NET_CAPABILITY_VALIDATED);
        Shadows.shadowOf(able).addCapability(NetworkCapabilities.NET_CAPABILITY_NOT_METERED);
        Shadows.shadowOf(able).addCapability(NetworkCapabilities.NET_CAPABILITY_NOT_ROAMING);
        for (ConnectivityManager.NetworkCallback callback : networks.getNetworkCallbacks()) {
            callback.onCapabilitiesChanged(wifi, able);
        }
        Link link = stateWhere(state -> state.getLinksCount() == 1).getLinks(0);
        assertEquals(LinkKind.WIFI, link.getKind());
        assertTrue(link.getValidated());
        assertFalse(link.getMetered());
        assertFalse(link.getRoaming());
        assertEquals(wifi.getNetworkHandle(), link.getNetworkHandle());
        for (ConnectivityManager.NetworkCallback callback : networks.getNetworkCallbacks()) {
            callback.onLost(wifi);
        }
        assertNotNull(stateWhere(state -> state.getLinksCount() == 0));
    }

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
        // Ordered again after a break: told, not sent.
        give(Order.newBuilder().setSendSms(order("one", "two")));
        assertEquals(
                SmsPartState.PART_UNKNOWN,
                daemon.report(TelephonyAgentTest::isPart).getSmsPart().getState());
        assertEquals(
                SmsPartState.PART_UNKNOWN,
                daemon.report(TelephonyAgentTest::isPart).getSmsPart().getState());
        assertTrue(phone.isEmpty());
        result(sent.sent.get(0), Activity.RESULT_OK);
        Report report = daemon.report(TelephonyAgentTest::isPart);
        assertEquals(ATTEMPT, report.getSmsPart().getAttempt());
        assertEquals(SmsPartState.PART_SENT, report.getSmsPart().getState());
        result(sent.sent.get(1), SmsManager.RESULT_ERROR_NO_SERVICE);
        report = daemon.report(TelephonyAgentTest::isPart);
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

    private static BroadcastReceiver.PendingResult pendingResult(int code) {
        return new BroadcastReceiver.PendingResult(
                code,
                null,
                null,
                BroadcastReceiver.PendingResult.TYPE_UNREGISTERED,
                false,
                false,
                null,
                0,
                0);
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
        int[] statuses = {0x00, 0x1f, 0x20, 0x30, 0x40, 0x60};
        PartResult.State[] states = {
            PartResult.State.DELIVERED,
            PartResult.State.DELIVERED,
            null,
            null,
            PartResult.State.UNDELIVERABLE,
            PartResult.State.UNDELIVERABLE,
        };
        for (int i = 0; i < statuses.length; i++) {
            delivered.putExtra("pdu", statusReport(statuses[i]));
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

    /** SMS-STATUS-REPORT, 3GPP TS 23.040, 9.2.2.3. */
    static byte[] statusReport(int status) {
        return hex("00" + "06" + "11" + "0c91" + "527421436587" + "42108011223300"
                + "42108011223300" + String.format("%02x", status));
    }

    @Test
    public void anIncomingSmsIsSpooledToldAndForgotten() throws Exception {
        insertCard();
        Intent broadcast =
                new Intent(Telephony.Sms.Intents.SMS_RECEIVED_ACTION)
                        .putExtra("pdus", new Object[] {hex(DELIVER)})
                        .putExtra("format", "3gpp")
                        .putExtra(SubscriptionManager.EXTRA_SUBSCRIPTION_INDEX, SUBSCRIPTION);
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
        Report report = daemon.report(TelephonyAgentTest::isPart);
        assertEquals(SmsPartState.PART_DELIVERED, report.getSmsPart().getState());
        assertTrue("kept for ever", Shadows.shadowOf(delivered).isCanceled());
    }

    /** Sends it, as SmsDispatchersController does with a status report, and runs the receiver. */
    private void deliver(PendingIntent delivered, int status) throws Exception {
        assertFalse("used up", Shadows.shadowOf(delivered).isCanceled());
        delivered.send(
                app,
                Activity.RESULT_OK,
                new Intent().putExtra("pdu", statusReport(status)).putExtra("format", "3gpp"));
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
                daemon.report(TelephonyAgentTest::isPart).getSmsPart().getState());
        for (int i = 1; i <= Reports.MAX_REPORTS + 10; i++) {
            assertEquals(i, daemon.report(TelephonyAgentTest::isPart).getSmsPart().getAttempt());
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
                            try {
                                release.await();
                            } catch (InterruptedException e) {
                                throw new AssertionError(e);
                            }
                        });
        assertTrue(stuck.await(60, TimeUnit.SECONDS));
        CountDownLatch ended = new CountDownLatch(Worker.MAX_TASKS + 1);
        PartResult result = new PartResult(ATTEMPT, 0, PartResult.State.SENT, 0);
        for (int i = 0; i < Worker.MAX_TASKS; i++) {
            agent.result(result, ended::countDown);
        }
        assertEquals(Worker.MAX_TASKS + 1, ended.getCount());
        agent.result(result, ended::countDown);
        assertEquals(Worker.MAX_TASKS, ended.getCount());
        assertTrue(agent.summary(), agent.summary().contains("results dropped: 1"));
        release.countDown();
        assertTrue(ended.await(60, TimeUnit.SECONDS));
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
        IncomingText text = new IncomingText("a1", 1, ICCID, "MPESA", "", "habari", 1_700L);
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
    public void anotherDefaultCardForSmsIsTold() throws Exception {
        insertCard();
        daemon.connect();
        assertFalse(stateWhere(state -> state.getSimsCount() == 1).getSims(0).getDefaultSms());
        ShadowSubscriptionManager.setDefaultSmsSubscriptionId(SUBSCRIPTION);
        app.sendBroadcast(
                new Intent(SubscriptionManager.ACTION_DEFAULT_SMS_SUBSCRIPTION_CHANGED));
        Shadows.shadowOf(Looper.getMainLooper()).idle();
        assertTrue(
                stateWhere(state -> state.getSims(0).getDefaultSms()).getSims(0).getDefaultSms());
    }

    @Test
    public void theCardThatCarriesDataAndTheStateOfDataAreTold() throws Exception {
        insertCard();
        daemon.connect();
        stateWhere(state -> state.getSimsCount() == 1);
        TelephonyManager phone = app.getSystemService(TelephonyManager.class);
        ((TelephonyCallback.ActiveDataSubscriptionIdListener)
                        Shadows.shadowOf(phone).getLastTelephonyCallback())
                .onActiveDataSubscriptionIdChanged(SUBSCRIPTION);
        Sim sim =
                stateWhere(
                                state ->
                                        state.getSimsCount() == 1
                                                && state.getSims(0).getCarriesData())
                        .getSims(0);
        assertEquals(DataState.DATA_STATE_UNKNOWN, sim.getDataState());
        TelephonyManager manager = phone.createForSubscriptionId(SUBSCRIPTION);
        ((TelephonyCallback.DataConnectionStateListener)
                        Shadows.shadowOf(manager).getLastTelephonyCallback())
                .onDataConnectionStateChanged(
                        TelephonyManager.DATA_CONNECTED, TelephonyManager.NETWORK_TYPE_LTE);
        sim =
                stateWhere(
                                state ->
                                        state.getSims(0).getDataState()
                                                == DataState.DATA_CONNECTED)
                        .getSims(0);
        assertTrue(sim.getCarriesData());
        String summary = Bridge.of(app).agent().summary();
        assertTrue(summary, summary.contains("carries data, DATA_CONNECTED"));
    }

    private void tellNetwork(int id, int... transports) {
        NetworkCapabilities able = ShadowNetworkCapabilities.newInstance();
        for (int transport : transports) {
            Shadows.shadowOf(able).addTransportType(transport);
        }
        ShadowConnectivityManager networks =
                Shadows.shadowOf(app.getSystemService(ConnectivityManager.class));
        for (ConnectivityManager.NetworkCallback callback : networks.getNetworkCallbacks()) {
            callback.onCapabilitiesChanged(ShadowNetwork.newInstance(id), able);
        }
    }

    private static Link linkOf(TelephonyState state, LinkKind kind, Vpn vpn) {
        return state.getLinksList().stream()
                .filter(link -> link.getKind() == kind && link.getVpn() == vpn)
                .findFirst()
                .orElse(null);
    }

    @Test
    public void aVpnIsToldAndWhatTheUserBlocksBesideIt() throws Exception {
        insertCard();
        daemon.connect();
        tellNetwork(77, NetworkCapabilities.TRANSPORT_WIFI);
        tellNetwork(
                78, NetworkCapabilities.TRANSPORT_WIFI, NetworkCapabilities.TRANSPORT_VPN);
        TelephonyState free = stateWhere(state -> state.getLinksCount() == 2);
        assertNotNull(linkOf(free, LinkKind.WIFI, Vpn.VPN_NONE));
        assertNotNull(linkOf(free, LinkKind.WIFI, Vpn.VPN_TUNNEL));
        // "Block connections without VPN".
        Settings.Secure.putInt(app.getContentResolver(), "always_on_vpn_lockdown", 1);
        Shadows.shadowOf(Looper.getMainLooper()).idle();
        TelephonyState blocked =
                stateWhere(state -> linkOf(state, LinkKind.WIFI, Vpn.VPN_LOCKED_OUT) != null);
        assertNotNull(linkOf(blocked, LinkKind.WIFI, Vpn.VPN_TUNNEL));
        // A VPN over the card that carries data has that card's costs.
        ShadowSubscriptionManager.setActiveDataSubscriptionId(SUBSCRIPTION);
        tellNetwork(
                79, NetworkCapabilities.TRANSPORT_CELLULAR, NetworkCapabilities.TRANSPORT_VPN);
        TelephonyState mobile =
                stateWhere(state -> linkOf(state, LinkKind.CELLULAR, Vpn.VPN_TUNNEL) != null);
        assertEquals(1, linkOf(mobile, LinkKind.CELLULAR, Vpn.VPN_TUNNEL).getSimSlot());
        Settings.Secure.putInt(app.getContentResolver(), "always_on_vpn_lockdown", 0);
        Shadows.shadowOf(Looper.getMainLooper()).idle();
        assertNotNull(
                stateWhere(state -> linkOf(state, LinkKind.WIFI, Vpn.VPN_NONE) != null));
    }

    @Test
    public void hostilePdusAreNoCrash() {
        byte[] good = hex(DELIVER);
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

    @Test
    public void anOrderForACardThatIsNotThereIsRefused() throws Exception {
        daemon.connect();
        give(Order.newBuilder().setSendSms(order("one")));
        Report report = daemon.report(TelephonyAgentTest::isPart);
        assertEquals(SmsPartState.PART_REFUSED, report.getSmsPart().getState());
        assertEquals(SmsManager.RESULT_RIL_SIM_ABSENT, report.getSmsPart().getCode());
    }

    @Test
    public void theDataSimIsPreferredForATimeAndWithValidation() throws Exception {
        AtomicReference<Object[]> asked = new AtomicReference<>();
        ISub sub =
                (ISub)
                        Proxy.newProxyInstance(
                                getClass().getClassLoader(),
                                new Class<?>[] {ISub.class},
                                (proxy, method, arguments) -> {
                                    assertEquals(
                                            "setPreferredDataSubscriptionId", method.getName());
                                    asked.set(arguments);
                                    ((ISetOpportunisticDataCallback) arguments[2]).onComplete(0);
                                    return null;
                                });
        AtomicReference<Integer> result = new AtomicReference<>();
        DataSim data = new DataSim(() -> sub, slot -> slot == 1 ? SUBSCRIPTION : null);
        data.prefer(1, (code, why) -> result.set(code));
        assertEquals(SUBSCRIPTION, asked.get()[0]);
        assertEquals(true, asked.get()[1]);
        assertEquals(Integer.valueOf(DataSim.DONE), result.get());
        data.prefer(0, (code, why) -> result.set(code));
        assertEquals(Integer.valueOf(DataSim.NO_CARD), result.get());
        new DataSim(() -> null, slot -> SUBSCRIPTION).prefer(1, (code, why) -> result.set(code));
        assertEquals(Integer.valueOf(DataSim.NO_SERVICE), result.get());
    }

    @Test
    public void anOrderThatCannotBeDoneHasAResult() throws Exception {
        daemon.connect();
        give(Order.newBuilder().setPreferDataSim(PreferDataSim.newBuilder().setSlot(0)));
        OrderResult result = daemon.orderResults.poll(60, TimeUnit.SECONDS);
        assertEquals(9, result.getId());
        assertEquals(DataSim.NO_CARD, result.getCode());
    }

    /** An SMS-DELIVER. */
    static byte[] deliver() {
        return hex(DELIVER);
    }

    private static byte[] hex(String digits) {
        byte[] bytes = new byte[digits.length() / 2];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) Integer.parseInt(digits.substring(2 * i, 2 * i + 2), 16);
        }
        return bytes;
    }
}
