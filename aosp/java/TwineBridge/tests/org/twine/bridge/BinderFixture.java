package org.twine.bridge;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import android.content.Intent;
import android.os.DeadObjectException;
import android.os.RemoteException;
import android.os.ServiceSpecificException;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.After;
import org.junit.Before;
import org.junit.function.ThrowingRunnable;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.annotation.Config;
import org.robolectric.shadows.ShadowBinder;
import org.twine.EventInfo;
import org.twine.ITwine;
import org.twine.ITwineCallback;
import org.twine.SendRequest;

/** The Binder service, bound as an app binds it. */
@RunWith(RobolectricTestRunner.class)
@Config(sdk = 35, application = TestBridge.class)
abstract class BinderFixture {
    static final int OTHER_UID = 10_777;

    TestBridge bridge;
    ITwine twine;

    @Before
    public void bind() {
        bridge = (TestBridge) RuntimeEnvironment.getApplication();
        twine = SmsApp.bind(bridge);
        Shadows.shadowOf(bridge.getPackageManager()).setPackagesForUid(OTHER_UID, "com.other");
        TwineService service = Robolectric.setupService(TwineService.class);
        assertNull(service.onBind(new Intent("something else")));
    }

    @After
    public void stop() {
        ShadowBinder.reset();
    }

    static SendRequest request(String text) {
        SendRequest request = new SendRequest();
        request.from = "";
        request.to = "+254712345678";
        request.text = text;
        request.token = "t1";
        return request;
    }

    static void assertError(int code, ThrowingRunnable call) {
        ServiceSpecificException thrown = assertThrows(ServiceSpecificException.class, call);
        assertEquals(thrown.getMessage(), code, thrown.errorCode);
    }

    /** What an app is told. */
    static final class Callback extends ITwineCallback.Stub {
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
