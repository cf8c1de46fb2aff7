package org.twine.bridge;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import android.app.Service;
import android.content.Intent;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.Test;
import org.junit.function.ThrowingRunnable;
import org.robolectric.Robolectric;
import org.robolectric.Shadows;
import org.robolectric.shadows.ShadowTelephony;
import org.twine.HistoryPosition;
import org.twine.ITwine;
import org.twine.IncomingSms;
import org.twine.MessagePage;
import org.twine.PreviewInfo;
import org.twine.SendRequest;
import org.twine.SendResult;
import org.twine.StatusInfo;
import org.twine.control.v1.Channel;
import org.twine.control.v1.Message;
import org.twine.control.v1.Messages;
import org.twine.control.v1.OrderKey;
import org.twine.control.v1.Previewed;
import org.twine.control.v1.Reply;
import org.twine.control.v1.Request;
import org.twine.control.v1.Sent;
import org.twine.control.v1.SmsCost;
import org.twine.jni.TwineException;

/** Who may call, what becomes of requests, and what the service shows. */
public class TwineBinderTest extends BinderFixture {
    @Test
    public void whoLacksThePermissionIsRefusedEveryMethod() {
        SmsApp.callFrom(OTHER_UID);
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
        ShadowTelephony.ShadowSms.setDefaultSmsPackage(SmsApp.NAME);
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
        assertEquals(SmsApp.NAME, bridge.appName);
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
        for (String half : List.of("a\ud83d", "\ude00a", "\ud83d\ud83d\ude00")) {
            assertError(ITwine.ERROR_INVALID_ARGUMENT, () -> twine.send(request(half)));
            assertError(ITwine.ERROR_INVALID_ARGUMENT, () -> twine.preview(request(half)));
        }
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
}
