package org.twine.bridge.phone;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import android.content.res.Resources;
import com.android.internal.R;
import java.util.List;
import org.junit.Test;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.Implementation;
import org.robolectric.annotation.Implements;
import org.robolectric.annotation.RealObject;
import org.robolectric.shadow.api.Shadow;
import org.robolectric.shadows.ShadowResources;
import org.robolectric.util.ReflectionHelpers.ClassParameter;
import org.twine.bridge.Bridge;
import org.twine.control.v1.TelephonyState;

/** A maker's overlay enables national language tables. */
@Config(shadows = LanguageTablesTest.Overlay.class)
public class LanguageTablesTest extends AgentFixture {
    /** Of the framework's resources; everything else of them is real. */
    @Implements(Resources.class)
    public static final class Overlay extends ShadowResources {
        @RealObject private Resources real;

        @Implementation
        protected int[] getIntArray(int id) {
            if (id == R.array.config_sms_enabled_locking_shift_tables) {
                return new int[] {1, 13};
            }
            if (id == R.array.config_sms_enabled_single_shift_tables) {
                return new int[] {0, 1, 2, 6, 13, 14, -1, Integer.MAX_VALUE};
            }
            return Shadow.directlyOn(
                    real, Resources.class, "getIntArray", ClassParameter.from(int.class, id));
        }
    }

    @Test
    public void theDaemonIsToldWhatTheFrameworkHasEnabled() throws Exception {
        daemon.connect();
        TelephonyState state = stateWhere(any -> true);
        assertEquals(List.of(1, 13), state.getLockingTablesList());
        // What is no language is left out.
        assertEquals(List.of(1, 2, 6, 13), state.getSingleShiftTablesList());
        String summary = Bridge.of(app).agent().summary();
        assertTrue(summary, summary.contains("locking [1, 13], single shift [1, 2, 6, 13]"));
        // With every state, for it is the whole.
        insertCard();
        state = stateWhere(now -> now.getSimsCount() == 1);
        assertEquals(List.of(1, 13), state.getLockingTablesList());
    }

    /** As AOSP's configuration has it. */
    @Test
    @Config(shadows = ShadowResources.class)
    public void withoutAnOverlayThereIsNone() throws Exception {
        daemon.connect();
        TelephonyState state = stateWhere(any -> true);
        assertTrue(state.getLockingTablesList().isEmpty());
        assertTrue(state.getSingleShiftTablesList().isEmpty());
    }
}
