package org.twine.bridge.phone;

import android.content.res.Resources;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.twine.bridge.Log;

/**
 * The national language tables of 3GPP TS 23.038 that the framework uses when it encodes an SMS,
 * by identifier (6.2.1.2.4).
 *
 * <p>They are the image's configuration. GsmAlphabet of the framework reads them once for each process,
 * from the system's own resources, and so does this: a card that comes later changes nothing.
 */
final class LanguageTables {
    /* Turkish to Urdu. 0 is the default alphabet, which is always there. */
    private static final int FIRST = 1;
    private static final int LAST = 13;

    private final List<Integer> locking;
    private final List<Integer> singleShift;

    private LanguageTables(Resources from) {
        locking = read(from, "config_sms_enabled_locking_shift_tables");
        singleShift = read(from, "config_sms_enabled_single_shift_tables");
    }

    /** What the framework has enabled. */
    static LanguageTables enabled() {
        return new LanguageTables(Resources.getSystem());
    }

    /** Languages whose locking shift table may be used. */
    List<Integer> locking() {
        return locking;
    }

    /** Languages whose single shift table may be used. */
    List<Integer> singleShift() {
        return singleShift;
    }

    /** A framework without such a resource has none enabled. */
    private static List<Integer> read(Resources from, String name) {
        int resource = from.getIdentifier(name, "array", "android");
        List<Integer> known = new ArrayList<>();
        if (resource != 0) {
            for (int language : from.getIntArray(resource)) {
                if (language >= FIRST && language <= LAST) {
                    known.add(language);
                } else {
                    Log.warn(name + " of the framework has no language " + language);
                }
            }
        }
        return Collections.unmodifiableList(known);
    }

    /** For dumpsys. */
    @Override
    public String toString() {
        return "locking " + locking + ", single shift " + singleShift;
    }
}
