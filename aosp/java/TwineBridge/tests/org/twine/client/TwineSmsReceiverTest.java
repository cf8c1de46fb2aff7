package org.twine.client;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import android.os.Looper;
import android.os.ServiceSpecificException;
import java.util.concurrent.TimeUnit;
import org.junit.Test;
import org.robolectric.Robolectric;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.shadow.api.Shadow;
import org.robolectric.shadows.ShadowBroadcastPendingResult;
import org.twine.ITwine;
import org.twine.bridge.PhoneStore;

/** SMS that the app receives itself: a broadcast ends when the SMS is kept. */
public class TwineSmsReceiverTest extends ClientFixture {
    private static final Intent SMS =
            new Intent("android.provider.Telephony.SMS_DELIVER")
                    .putExtra("pdus", new Object[] {PDU})
                    .putExtra("format", "3gpp");

    /** The receiver of an app, and what becomes of a broadcast. */
    private ShadowBroadcastPendingResult receive() {
        TwineSmsReceiver receiver =
                new TwineSmsReceiver() {
                    @Override
                    protected TwineClient twine(Context context) {
                        return client;
                    }
                };
        BroadcastReceiver.PendingResult pending =
                new BroadcastReceiver.PendingResult(
                        -1,
                        "",
                        null,
                        BroadcastReceiver.PendingResult.TYPE_UNREGISTERED,
                        true,
                        false,
                        null,
                        0,
                        0);
        receiver.setPendingResult(pending);
        receiver.onReceive(RuntimeEnvironment.getApplication(), SMS);
        resultOf = pending;
        return Shadow.extract(pending);
    }

    private BroadcastReceiver.PendingResult resultOf;

    /** Runs what waits on the main thread, for so long at most. */
    private static void untilFinished(ShadowBroadcastPendingResult broadcast) throws Exception {
        for (int i = 0; !broadcast.getFuture().isDone(); i++) {
            assertTrue("never finished", i < 6000);
            Shadows.shadowOf(Looper.getMainLooper()).idleFor(10, TimeUnit.MILLISECONDS);
            Thread.sleep(1);
        }
    }

    @Test
    public void aBroadcastEndsWhenTwineHasTheSms() throws Exception {
        bind();
        bridge.deliveryFailure = new ServiceSpecificException(ITwine.ERROR_STORAGE, "disk full");
        ShadowBroadcastPendingResult broadcast = receive();
        Shadows.shadowOf(Looper.getMainLooper()).idleFor(1, TimeUnit.SECONDS);
        assertFalse("finished though nobody has it", broadcast.getFuture().isDone());
        bridge.deliveryFailure = null;
        untilFinished(broadcast);
        take(bridge.delivered);
        assertEquals(-1, resultOf.getResultCode());
    }

    @Test
    public void anSmsThatTwineDoesNotTakeGoesToThePhonesOwnStore() throws Exception {
        PhoneStore store = Robolectric.setupContentProvider(PhoneStore.class, "sms");
        bind();
        bridge.deliveryFailure = new ServiceSpecificException(ITwine.ERROR_STORAGE, "disk full");
        untilFinished(receive());
        assertEquals("habari", store.rows.get(0).get("body"));
        assertEquals("+254712345678", store.rows.get(0).get("address"));
        assertEquals(-1, resultOf.getResultCode());
        // Nobody takes it.
        store.fails = true;
        untilFinished(receive());
        assertEquals(3, resultOf.getResultCode());
    }

    @Test
    public void anSmsIsNotLostWhileTheBridgeIsAway() throws Exception {
        PhoneStore store = Robolectric.setupContentProvider(PhoneStore.class, "sms");
        untilFinished(receive());
        assertEquals(1, store.rows.size());
    }
}
