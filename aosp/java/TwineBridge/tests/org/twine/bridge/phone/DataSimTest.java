package org.twine.bridge.phone;

import static org.junit.Assert.assertEquals;

import com.android.internal.telephony.ISetOpportunisticDataCallback;
import com.android.internal.telephony.ISub;
import java.lang.reflect.Proxy;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.Test;
import org.twine.control.v1.Order;
import org.twine.control.v1.OrderResult;
import org.twine.control.v1.PreferDataSim;

/** Orders to move mobile data. */
public class DataSimTest extends AgentFixture {
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
}
