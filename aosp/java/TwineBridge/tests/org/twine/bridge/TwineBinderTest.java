package org.twine.bridge;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import android.app.Service;
import android.content.Intent;
import android.content.pm.PackageInfo;
import android.os.DeadObjectException;
import android.os.RemoteException;
import android.os.ServiceSpecificException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;
import org.junit.function.ThrowingRunnable;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.annotation.Config;
import org.robolectric.shadows.ShadowApplication;
import org.robolectric.shadows.ShadowBinder;
import org.robolectric.shadows.ShadowTelephony;
import org.robolectric.Shadows;
import org.twine.EventInfo;
import org.twine.HistoryPosition;
import org.twine.ITwine;
import org.twine.ITwineCallback;
import org.twine.IncomingSms;
import org.twine.MessagePage;
import org.twine.PreviewInfo;
import org.twine.SendRequest;
import org.twine.SendResult;
import org.twine.StatusInfo;
import org.twine.control.v1.Channel;
import org.twine.control.v1.Event;
import org.twine.control.v1.EventKind;
import org.twine.control.v1.Message;
import org.twine.control.v1.MessageState;
import org.twine.control.v1.Messages;
import org.twine.control.v1.OrderKey;
import org.twine.control.v1.Previewed;
import org.twine.control.v1.Reply;
import org.twine.control.v1.Request;
import org.twine.control.v1.Sent;
import org.twine.control.v1.SmsCost;
import org.twine.jni.Notice;
import org.twine.jni.TwineException;

/** The Binder service, bound as an app binds it. */
@RunWith(RobolectricTestRunner.class)
@Config(sdk = 35, application = TestBridge.class)
public class TwineBinderTest {
    private static final String SMS_APP = "com.example.sms";
    private static final int SMS_UID = 10_123;
    private static final int OTHER_UID = 10_777;
    private static final int PID = 4711;

    private TestBridge bridge;
    private ITwine twine;

    @Before
    public void bind() {
        bridge = (TestBridge) RuntimeEnvironment.getApplication();
        PackageInfo app = new PackageInfo();
        app.packageName = SMS_APP;
        Shadows.shadowOf(bridge.getPackageManager()).installPackage(app);
        Shadows.shadowOf(bridge.getPackageManager()).setPackagesForUid(SMS_UID, SMS_APP);
        Shadows.shadowOf(bridge.getPackageManager()).setPackagesForUid(OTHER_UID, "com.other");
        ShadowTelephony.ShadowSms.setDefaultSmsPackage(SMS_APP);
        ShadowApplication shadow = Shadows.shadowOf(bridge);
        shadow.grantPermissions(PID, SMS_UID, CallerGate.PERMISSION);
        callFrom(SMS_UID);
        TwineService service = Robolectric.setupService(TwineService.class);
        twine = ITwine.Stub.asInterface(service.onBind(new Intent(TwineService.ACTION)));
        assertNull(service.onBind(new Intent("something else")));
    }

    @After
    public void stop() {
        ShadowBinder.reset();
    }

    private static void callFrom(int uid) {
        ShadowBinder.setCallingUid(uid);
        ShadowBinder.setCallingPid(PID);
    }

    private static SendRequest request(String text) {
        SendRequest request = new SendRequest();
        request.from = "";
        request.to = "+254712345678";
        request.text = text;
        request.token = "t1";
        return request;
    }

    private static void assertError(int code, ThrowingRunnable call) {
        ServiceSpecificException thrown = assertThrows(ServiceSpecificException.class, call);
        assertEquals(thrown.getMessage(), code, thrown.errorCode);
    }

    @Test
    public void whoLacksThePermissionIsRefusedEveryMethod() {
        callFrom(OTHER_UID);
        List<ThrowingRunnable> all =
                List.of(
                        () -> twine.send(request("x")),
                        () -> twine.preview(request("x")),
                        () -> twine.cancel(1),
                        () -> twine.retry(1, 0),
                        () -> twine.getMessage(1),
                        () -> twine.getHistory("+1", "+2", null, 0),
                        () -> twine.getConversations(0, 0),
                        () -> twine.registerCallback(new Callback()),
                        () -> twine.unregisterCallback(new Callback()),
                        () -> twine.acknowledgeEvents(1),
                        () -> twine.getCapabilities(new String[0]),
                        () -> twine.markRead(1),
                        () -> twine.setTyping("+1", "+2", true),
                        () -> twine.getSettings("", ""),
                        () -> twine.setSettings("", "", 0, 0, ""),
                        () -> twine.registerNumber("+1", "", true),
                        () -> twine.getStatus(),
                        () -> twine.deliverIncomingSms(new IncomingSms()));
        // All of the interface but its version.
        assertEquals(ITwine.class.getDeclaredMethods().length - 1, all.size());
        for (ThrowingRunnable call : all) {
            SecurityException thrown = assertThrows(SecurityException.class, call);
            assertTrue(
                    thrown.getMessage(), thrown.getMessage().contains(CallerGate.PERMISSION));
        }
        assertTrue(bridge.appWire.requests.isEmpty());
    }

    @Test
    public void whoIsNotTheDefaultSmsAppIsRefused() throws Exception {
        twine.getStatus();
        ShadowTelephony.ShadowSms.setDefaultSmsPackage("com.other");
        SecurityException thrown =
                assertThrows(SecurityException.class, () -> twine.getStatus());
        assertTrue(thrown.getMessage(), thrown.getMessage().contains("default SMS app"));
        ShadowTelephony.ShadowSms.setDefaultSmsPackage(null);
        assertThrows(SecurityException.class, () -> twine.getStatus());
        ShadowTelephony.ShadowSms.setDefaultSmsPackage(SMS_APP);
        twine.getStatus();
        assertEquals(2, bridge.appWire.requests.size());
    }

    @Test
    public void aMessageIsSentAsTheAppWantsUnderTheAppsName() throws Exception {
        bridge.appWire.answer =
                request ->
                        Reply.newBuilder()
                                .setSent(Sent.newBuilder().setMessageId(17).setRepeated(true));
        SendRequest request = request("habari");
        request.validForSeconds = 60;
        request.channel = ITwine.CHANNEL_SMS;
        SendResult result = twine.send(request);
        assertEquals(17, result.messageId);
        assertTrue(result.repeated);
        assertEquals(SMS_APP, bridge.appName);
        Request asked = bridge.appWire.requests.get(0);
        assertEquals("habari", asked.getSend().getText());
        assertEquals("t1", asked.getSend().getToken());
        assertEquals(60, asked.getSend().getValidForS());
        assertEquals(Channel.SMS, asked.getSend().getChannel());
    }

    @Test
    public void aPreviewHasChannelSimSegmentsAndReasons() throws Exception {
        bridge.appWire.answer =
                request ->
                        Reply.newBuilder()
                                .setPreviewed(
                                        Previewed.newBuilder()
                                                .setChannel(Channel.SMS)
                                                .addReasons("the peer is not on IP")
                                                .setSms(
                                                        SmsCost.newBuilder()
                                                                .setParts(2)
                                                                .setUnitsLeft(101)
                                                                .setSimSlot(1)));
        PreviewInfo preview = twine.preview(request(""));
        assertEquals(ITwine.CHANNEL_SMS, preview.channel);
        assertEquals(2, preview.segments);
        assertEquals(101, preview.unitsLeft);
        assertEquals(1, preview.simSlot);
        assertEquals("the peer is not on IP", preview.reasons[0]);
    }

    @Test
    public void everyFailureHasItsCode() {
        int[][] codes = {
            {1, ITwine.ERROR_INVALID_ARGUMENT},
            {2, ITwine.ERROR_PERMISSION_DENIED},
            {3, ITwine.ERROR_NOT_FOUND},
            {4, ITwine.ERROR_BUSY},
            {5, ITwine.ERROR_FAILED_PRECONDITION},
            {6, ITwine.ERROR_UNSUPPORTED},
            {7, ITwine.ERROR_STORAGE},
            {8, ITwine.ERROR_INTERNAL},
            {TwineException.NOT_CONNECTED, ITwine.ERROR_NOT_CONNECTED},
            {TwineException.RESULT_UNKNOWN, ITwine.ERROR_RESULT_UNKNOWN},
            {TwineException.TIMED_OUT, ITwine.ERROR_RESULT_UNKNOWN},
            {TwineException.NO_ROOM, ITwine.ERROR_BUSY},
            {TwineException.TOO_LARGE, ITwine.ERROR_INVALID_ARGUMENT},
            {TwineException.VERSION, ITwine.ERROR_INTERNAL},
            {TwineException.PANIC, ITwine.ERROR_INTERNAL},
        };
        for (int[] code : codes) {
            bridge.appWire.failure = code[0];
            assertError(code[1], () -> twine.cancel(1));
        }
    }

    @Test
    public void nullAndNonsenseAreInvalidArguments() {
        assertError(ITwine.ERROR_INVALID_ARGUMENT, () -> twine.send(null));
        assertError(ITwine.ERROR_INVALID_ARGUMENT, () -> twine.send(request(null)));
        SendRequest withoutToken = request("x");
        withoutToken.token = null;
        assertError(ITwine.ERROR_INVALID_ARGUMENT, () -> twine.send(withoutToken));
        assertError(ITwine.ERROR_INVALID_ARGUMENT, () -> twine.getHistory(null, "", null, 0));
        assertError(ITwine.ERROR_INVALID_ARGUMENT, () -> twine.getHistory("", "", null, 201));
        assertError(ITwine.ERROR_INVALID_ARGUMENT, () -> twine.getConversations(-1, 0));
        assertError(ITwine.ERROR_INVALID_ARGUMENT, () -> twine.registerCallback(null));
        assertError(ITwine.ERROR_INVALID_ARGUMENT, () -> twine.getCapabilities(new String[65]));
        assertError(ITwine.ERROR_INVALID_ARGUMENT, () -> twine.getCapabilities(new String[1]));
        assertError(ITwine.ERROR_INVALID_ARGUMENT, () -> twine.registerNumber("+1", "", false));
        assertTrue(bridge.appWire.requests.isEmpty());
    }

    @Test
    public void aPageIsCutToFitATransaction() throws Exception {
        Messages.Builder page = Messages.newBuilder();
        for (int i = 0; i < 5; i++) {
            page.addMessages(
                    Message.newBuilder()
                            .setMessageId(i)
                            .setText("x".repeat(40_000))
                            .setOrder(OrderKey.newBuilder().setPosition(100 - i)));
        }
        bridge.appWire.answer = request -> Reply.newBuilder().setMessages(page);
        HistoryPosition before = new HistoryPosition();
        before.position = 200;
        MessagePage got = twine.getHistory("+1", "+2", before, 50);
        assertEquals(2, got.messages.length);
        assertTrue(got.more);
        assertEquals(99, got.messages[1].position.position);
        assertEquals(
                200, bridge.appWire.requests.get(0).getHistory().getBefore().getPosition());
    }

    @Test
    public void whereTheBridgeReceivesSmsTheAppMayNot() {
        assertError(
                ITwine.ERROR_UNSUPPORTED, () -> twine.deliverIncomingSms(new IncomingSms()));
    }

    @Test
    public void versionAndStatus() throws Exception {
        assertEquals(1, twine.getInterfaceVersion());
        StatusInfo status = twine.getStatus();
        assertEquals(0, status.identities.length);
    }

    @Test
    public void dumpTellsStatesAndNoNumbers() {
        StringWriter out = new StringWriter();
        TwineService service = Robolectric.setupService(TwineService.class);
        service.dump(null, new PrintWriter(out), new String[0]);
        assertTrue(out.toString(), out.toString().contains("daemon: not connected"));
        assertTrue(out.toString(), out.toString().contains("incoming SMS in the spool: 0"));
    }

    @Test
    public void eventsFlowFromTheSubscriptionUntilTheWindowIsFull() throws Exception {
        Callback callback = new Callback();
        twine.registerCallback(callback);
        FakeDaemonWire events = events();
        assertFalse(callback.available());
        events.connect();
        assertTrue(callback.available());
        int most = ITwine.MAX_UNACKNOWLEDGED_EVENTS;
        say(events, 1, most + 3);
        for (int cursor = 1; cursor <= most; cursor++) {
            EventInfo event = callback.event();
            assertEquals(cursor, event.cursor);
            assertEquals("habari", event.message.text);
        }
        assertNull(callback.events.poll(100, TimeUnit.MILLISECONDS));
        twine.acknowledgeEvents(2);
        assertEquals(most + 1, callback.event().cursor);
        assertEquals(most + 2, callback.event().cursor);
        assertNull(callback.events.poll(100, TimeUnit.MILLISECONDS));
        // A break: told, and subscribed again.
        twine.acknowledgeEvents(most + 2);
        assertEquals(most + 3, callback.event().cursor);
        events.lose();
        assertFalse(callback.available());
        events.connect();
        assertTrue(callback.available());
        say(events, most + 4, most + 4);
        assertEquals(most + 4, callback.event().cursor);
        assertEquals(2, events.requests.stream().filter(Request::hasSubscribe).count());
        twine.unregisterCallback(callback);
        assertTrue(events.isClosed());
    }

    @Test
    public void aNewRegistrationLeavesNoEventOut() throws Exception {
        int most = ITwine.MAX_UNACKNOWLEDGED_EVENTS;
        Callback first = new Callback();
        twine.registerCallback(first);
        FakeDaemonWire old = events();
        old.connect();
        // Behind the full window some have been read from the daemon and are not told.
        say(old, 1, most + 8);
        for (int cursor = 1; cursor <= most; cursor++) {
            assertEquals(cursor, first.event().cursor);
        }
        // The same callback again, which could not tell from whom an event comes.
        twine.registerCallback(first);
        FakeDaemonWire next = events();
        assertTrue("the old connection is open", old.isClosed());
        next.connect();
        // Nothing was acknowledged: the daemon begins again.
        say(next, 1, most + 8);
        for (int cursor = 1; cursor <= most; cursor++) {
            assertEquals(cursor, first.event().cursor);
            twine.acknowledgeEvents(cursor);
        }
        for (int cursor = most + 1; cursor <= most + 8; cursor++) {
            assertEquals(cursor, first.event().cursor);
        }
        assertTrue(first.events.isEmpty());
        // Another one: the first is told nothing more.
        Callback second = new Callback();
        twine.registerCallback(second);
        FakeDaemonWire last = events();
        last.connect();
        say(last, most + 1, most + 8);
        assertEquals(most + 1, second.event().cursor);
        assertTrue(first.events.isEmpty());
        assertTrue(next.isClosed());
    }

    @Test
    public void aConnectionWhoseLibraryFailedIsReplaced() throws Exception {
        Callback callback = new Callback();
        twine.registerCallback(callback);
        FakeDaemonWire failed = events();
        failed.connect();
        assertTrue(callback.available());
        failed.panic();
        assertFalse(callback.available());
        FakeDaemonWire next = events();
        next.connect();
        assertTrue(callback.available());
        assertTrue(failed.isClosed());
        say(next, 1, 1);
        assertEquals(1, callback.event().cursor);
        // And one for requests.
        bridge.appWire.failure = TwineException.PANIC;
        assertError(ITwine.ERROR_INTERNAL, () -> twine.getStatus());
        events();
        twine.getStatus();
    }

    @Test
    public void anEventThatTheAppDoesNotTakeIsToldAgain() throws Exception {
        Callback callback = new Callback();
        twine.registerCallback(callback);
        FakeDaemonWire first = events();
        first.connect();
        callback.refuses = 2;
        say(first, 1, 3);
        assertEquals(1, callback.event().cursor);
        FakeDaemonWire second = events();
        second.connect();
        say(second, 1, 3);
        for (int cursor = 1; cursor <= 3; cursor++) {
            assertEquals(cursor, callback.event().cursor);
        }
        assertTrue(first.isClosed());
    }

    @Test
    public void whoIsNotTheDefaultSmsAppAnyMoreIsToldNothing() throws Exception {
        Callback callback = new Callback();
        twine.registerCallback(callback);
        FakeDaemonWire first = events();
        first.connect();
        assertTrue(callback.available());
        say(first, 1, 1);
        assertEquals(1, callback.event().cursor);
        ShadowTelephony.ShadowSms.setDefaultSmsPackage("com.other");
        say(first, 2, 3);
        assertFalse(callback.available());
        assertTrue(callback.events.isEmpty());
        // It is again, and says so by calling: nothing is left out.
        ShadowTelephony.ShadowSms.setDefaultSmsPackage(SMS_APP);
        twine.getStatus();
        FakeDaemonWire second = events();
        second.connect();
        assertTrue(callback.available());
        say(second, 1, 3);
        for (int cursor = 1; cursor <= 3; cursor++) {
            assertEquals(cursor, callback.event().cursor);
        }
        assertTrue(first.isClosed());
    }

    @Test
    public void eventsWithLongTextsWaitEarlier() throws Exception {
        Callback callback = new Callback();
        twine.registerCallback(callback);
        FakeDaemonWire events = events();
        events.connect();
        String text = "x".repeat(EventStream.MAX_UNACKNOWLEDGED_CHARACTERS / 2);
        for (int cursor = 1; cursor <= 3; cursor++) {
            events.say(
                    Notice.Kind.EVENT,
                    Event.newBuilder()
                            .setCursor(cursor)
                            .setMessage(Message.newBuilder().setText(text))
                            .build());
        }
        assertEquals(1, callback.event().cursor);
        assertEquals(2, callback.event().cursor);
        assertNull(callback.events.poll(100, TimeUnit.MILLISECONDS));
        twine.acknowledgeEvents(1);
        assertEquals(3, callback.event().cursor);
    }

    /** The connection that the last registration opened. */
    private FakeDaemonWire events() throws InterruptedException {
        FakeDaemonWire wire = bridge.eventWires.poll(60, TimeUnit.SECONDS);
        assertTrue("no connection is opened", wire != null);
        return wire;
    }

    private static void say(FakeDaemonWire to, int first, int last) {
        for (int cursor = first; cursor <= last; cursor++) {
            to.say(
                    Notice.Kind.EVENT,
                    Event.newBuilder()
                            .setCursor(cursor)
                            .setKind(EventKind.MESSAGE_RECEIVED)
                            .setMessage(
                                    Message.newBuilder()
                                            .setText("habari")
                                            .setState(MessageState.RECEIVED))
                            .build());
        }
    }

    @Test
    public void theAgentIsStartedAtBootAndStartedAgain() {
        new BootReceiver()
                .onReceive(bridge, new Intent(Intent.ACTION_LOCKED_BOOT_COMPLETED));
        Intent started = Shadows.shadowOf(bridge).getNextStartedService();
        assertEquals(TwineService.class.getName(), started.getComponent().getClassName());
        assertEquals(
                Service.START_STICKY,
                Robolectric.setupService(TwineService.class).onStartCommand(started, 0, 1));
        new BootReceiver().onReceive(bridge, new Intent("something else"));
        assertNull(Shadows.shadowOf(bridge).getNextStartedService());
    }

    /** What an app is told. */
    private static final class Callback extends ITwineCallback.Stub {
        final LinkedBlockingQueue<EventInfo> events = new LinkedBlockingQueue<>();
        final LinkedBlockingQueue<Boolean> available = new LinkedBlockingQueue<>();

        /** The event with this cursor, once. */
        volatile long refuses;

        @Override
        public void onAvailable(boolean now) {
            available.add(now);
        }

        @Override
        public void onEvents(EventInfo[] some) throws RemoteException {
            if (some[0].cursor == refuses) {
                refuses = 0;
                throw new DeadObjectException("frozen");
            }
            events.addAll(List.of(some));
        }

        @Override
        public int getInterfaceVersion() {
            return VERSION;
        }

        boolean available() throws InterruptedException {
            Boolean next = available.poll(60, TimeUnit.SECONDS);
            assertTrue("not told", next != null);
            return next;
        }

        EventInfo event() throws InterruptedException {
            EventInfo next = events.poll(60, TimeUnit.SECONDS);
            assertTrue("no event", next != null);
            return next;
        }
    }
}
