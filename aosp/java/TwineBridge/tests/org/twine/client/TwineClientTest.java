package org.twine.client;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import android.content.ComponentName;
import android.content.Intent;
import android.content.ServiceConnection;
import android.os.Looper;
import android.os.ServiceSpecificException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.Test;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.shadows.ShadowApplication;
import org.twine.EventInfo;
import org.twine.ITwine;
import org.twine.ITwineCallback;
import org.twine.IncomingSms;
import org.twine.SendRequest;

/** Calls, events, and connections that come back. */
public class TwineClientTest extends ClientFixture {
    @Test
    public void aCallWaitsForTheBridge() throws Exception {
        Draft draft = new Draft("+2", "habari");
        CompletableFuture<Long> sent = client.send(draft);
        assertFalse(sent.isDone());
        bind();
        assertEquals(Long.valueOf(1), sent.get(60, TimeUnit.SECONDS));
        SendRequest request = take(bridge.sent);
        assertEquals(draft.token(), request.token);
        assertEquals("habari", request.text);
    }

    @Test
    public void withoutABridgeACallFailsInTheEnd() {
        CompletableFuture<Long> sent = client.send(new Draft("+2", "x"));
        Shadows.shadowOf(Looper.getMainLooper())
                .idleFor(TwineClient.PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        assertEquals(ITwine.ERROR_NOT_CONNECTED, codeOf(sent));
        for (int i = 0; i < TwineClient.MAX_WAITING; i++) {
            assertFalse(client.send(new Draft("+2", "x")).isDone());
        }
        assertEquals(ITwine.ERROR_BUSY, codeOf(client.send(new Draft("+2", "x"))));
        client.close();
        assertEquals(ITwine.ERROR_NOT_CONNECTED, codeOf(client.send(new Draft("+2", "x"))));
    }

    @Test
    public void failuresHaveTheirCodes() throws Exception {
        bind();
        take(bridge.callbacks);
        bridge.failure = new ServiceSpecificException(ITwine.ERROR_NOT_FOUND, "none");
        assertEquals(ITwine.ERROR_NOT_FOUND, codeOf(client.send(new Draft("+2", "x"))));
        bridge.failure = new SecurityException("not you");
        assertEquals(ITwine.ERROR_PERMISSION_DENIED, codeOf(client.send(new Draft("+2", "x"))));
        bridge.failure = null;
        bridge.dead = true;
        assertEquals(ITwine.ERROR_RESULT_UNKNOWN, codeOf(client.send(new Draft("+2", "x"))));
    }

    @Test
    public void eventsAreHandledOnceAndThenAcknowledged() throws Exception {
        bind();
        ITwineCallback callback = take(bridge.callbacks);
        callback.onEvents(new EventInfo[] {event(1)});
        assertEquals(Long.valueOf(1), take(bridge.acknowledged));
        // Told again, and one of a newer version.
        EventInfo newer = event(3);
        newer.kind = 99;
        callback.onEvents(new EventInfo[] {event(1), event(2), newer});
        for (long last = 0; last < 3; ) {
            last = take(bridge.acknowledged);
        }
        assertEquals(2, events.size());
        assertEquals(2, events.get(1).message.id);
    }

    @Test
    public void anEventThatTheAppCouldNotHandleIsToldAgain() throws Exception {
        bind();
        ITwineCallback callback = take(bridge.callbacks);
        listenerFails = true;
        assertThrows(
                IllegalStateException.class,
                () -> callback.onEvents(new EventInfo[] {event(1), event(2)}));
        listenerFails = false;
        // What the bridge sent behind it, before it heard: nothing is handled before event 1.
        callback.onEvents(new EventInfo[] {event(2)});
        assertTrue(events.isEmpty());
        // It registers anew, and the bridge tells all that was not acknowledged.
        Shadows.shadowOf(Looper.getMainLooper()).idle();
        ITwineCallback again = take(bridge.callbacks);
        // What the earlier connection still tells does not count.
        callback.onEvents(new EventInfo[] {event(2)});
        assertTrue(events.isEmpty());
        again.onEvents(new EventInfo[] {event(1), event(2)});
        assertEquals(2, events.size());
        for (long last = 0; last < 2; ) {
            last = take(bridge.acknowledged);
        }
    }

    @Test
    public void afterTheBridgeDiedItConnectsAgain() throws Exception {
        ServiceConnection connection = bind();
        take(bridge.callbacks).onAvailable(true);
        ComponentName name = new ComponentName("org.twine.bridge", "TwineService");
        connection.onServiceDisconnected(name);
        assertEquals(List.of(true, false), available);
        CompletableFuture<Long> sent = client.send(new Draft("+2", "x"));
        assertFalse(sent.isDone());
        connection.onServiceConnected(name, binder());
        assertEquals(Long.valueOf(1), sent.get(60, TimeUnit.SECONDS));
        take(bridge.callbacks);
        // And if the package was updated.
        connection.onBindingDied(name);
        Shadows.shadowOf(Looper.getMainLooper()).idleFor(2, TimeUnit.SECONDS);
        take(bridge.callbacks);
    }

    @Test
    public void historyAndIncomingSms() throws Exception {
        bind();
        Page page = client.history("+1", "+2", null).get(60, TimeUnit.SECONDS);
        List<Message> sorted = new ArrayList<>(page.messages);
        sorted.sort(Message.ORDER);
        assertEquals(1, sorted.get(0).id);
        assertEquals(Message.State.RECEIVED, sorted.get(0).state);
        assertFalse(sorted.get(0).toString(), sorted.get(0).toString().contains("habari"));
        // There are more: the next page begins behind the last of this one.
        assertTrue(page.more);
        Page last = client.history("+1", "+2", page.next()).get(60, TimeUnit.SECONDS);
        assertEquals(1, bridge.before.position);
        assertFalse(last.more);
        assertNull(last.next());
        Intent broadcast =
                new Intent("android.provider.Telephony.SMS_DELIVER")
                        .putExtra("pdus", new Object[] {new byte[] {1}, new byte[] {2}})
                        .putExtra("format", "3gpp");
        client.deliverSms(broadcast).get(60, TimeUnit.SECONDS);
        IncomingSms sms = take(bridge.delivered);
        assertEquals(2, sms.pdus.length);
        assertEquals(2, sms.pdus[1].bytes[0]);
        assertEquals(-1, sms.subscriptionId);
    }

    @Test
    public void whatElseAnAppAsksFor() throws Exception {
        bind();
        assertEquals(7, client.message(7).get(60, TimeUnit.SECONDS).id);
        PeerCapability peer =
                client.capabilities(List.of("+2")).get(60, TimeUnit.SECONDS).get(0);
        assertEquals("+2", peer.number);
        assertTrue(peer.reachable);
        assertEquals(3, peer.features);
        assertEquals(60, peer.validForSeconds);
        Status status = client.status().get(60, TimeUnit.SECONDS);
        assertEquals("active", status.identities.get(0).state);
        assertEquals(1, status.sims.get(0).slot);
        assertTrue(status.sims.get(0).roaming);
        assertEquals(2, status.undelivered);
        Settings settings = client.settings("+1", "+2").get(60, TimeUnit.SECONDS);
        assertEquals(Settings.Mode.DEFAULT, settings.mode);
        assertEquals(Settings.Mode.IP_ONLY, settings.effectiveMode);
        assertEquals(Settings.Fallback.DEFAULT, settings.fallback);
        assertEquals(Settings.Fallback.ASK, settings.effectiveFallback);
        client.send(new Draft("+2", "x").validFor(60)).get(60, TimeUnit.SECONDS);
        assertEquals(60, take(bridge.sent).validForSeconds);
    }

    /** Each method of the interface, but those that the client calls by itself. */
    @Test
    public void theClientOffersTheWholeInterface() {
        Set<String> offered =
                Arrays.stream(TwineClient.class.getDeclaredMethods())
                        .filter(method -> Modifier.isPublic(method.getModifiers()))
                        .map(Method::getName)
                        .collect(Collectors.toSet());
        Map<String, String> names =
                Map.of(
                        "getMessage", "message",
                        "getHistory", "history",
                        "getConversations", "conversations",
                        "getCapabilities", "capabilities",
                        "getSettings", "settings",
                        "getStatus", "status",
                        "registerNumber", "registerNumberWithConsent",
                        "deliverIncomingSms", "deliverSms");
        Set<String> own =
                Set.of(
                        "registerCallback",
                        "unregisterCallback",
                        "acknowledgeEvents",
                        "getInterfaceVersion",
                        "getInterfaceHash");
        for (Method method : ITwine.class.getDeclaredMethods()) {
            String name = names.getOrDefault(method.getName(), method.getName());
            assertTrue(name, own.contains(name) || offered.contains(name));
        }
    }

    @Test
    public void whoMayNotBindIsToldSoAndTriesOn() throws Exception {
        ShadowApplication system = Shadows.shadowOf(RuntimeEnvironment.getApplication());
        system.setThrowInBindService(new SecurityException("requires USE_TWINE"));
        client.connect();
        CompletableFuture<Long> sent = client.send(new Draft("+2", "x"));
        Shadows.shadowOf(Looper.getMainLooper())
                .idleFor(TwineClient.PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        assertEquals(ITwine.ERROR_PERMISSION_DENIED, codeOf(sent));
        // The permission was granted meanwhile.
        system.setThrowInBindService(null);
        CompletableFuture<Long> later = client.send(new Draft("+2", "x"));
        system.setComponentNameAndServiceForBindService(
                new ComponentName("org.twine.bridge", "TwineService"), binder());
        Shadows.shadowOf(Looper.getMainLooper()).idleFor(2, TimeUnit.SECONDS);
        assertEquals(Long.valueOf(1), later.get(60, TimeUnit.SECONDS));
    }
}
