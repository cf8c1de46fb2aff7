package org.twine.bridge;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import java.util.concurrent.TimeUnit;
import org.junit.Test;
import org.robolectric.shadows.ShadowTelephony;
import org.twine.EventInfo;
import org.twine.ITwine;
import org.twine.control.v1.Event;
import org.twine.control.v1.EventKind;
import org.twine.control.v1.Message;
import org.twine.control.v1.MessageState;
import org.twine.control.v1.Request;
import org.twine.jni.Notice;
import org.twine.jni.TwineException;

/** Events: told in order until they are acknowledged, through breaks and new registrations. */
public class EventStreamTest extends BinderFixture {
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
        ShadowTelephony.ShadowSms.setDefaultSmsPackage(SmsApp.NAME);
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
}
