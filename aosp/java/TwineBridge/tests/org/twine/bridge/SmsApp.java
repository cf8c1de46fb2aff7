package org.twine.bridge;

import android.app.Application;
import android.content.Intent;
import android.content.pm.PackageInfo;
import org.robolectric.Robolectric;
import org.robolectric.Shadows;
import org.robolectric.shadows.ShadowBinder;
import org.robolectric.shadows.ShadowTelephony;
import org.twine.ITwine;

/** The messaging app of the tests: it holds the permission and is the default SMS app. */
public final class SmsApp {
    static final String NAME = "com.example.sms";
    static final int UID = 10_123;
    private static final int PID = 4711;

    private SmsApp() {}

    /** Installs it, and binds as it does: from now on it is the one that calls. */
    public static ITwine bind(Application phone) {
        PackageInfo app = new PackageInfo();
        app.packageName = NAME;
        Shadows.shadowOf(phone.getPackageManager()).installPackage(app);
        Shadows.shadowOf(phone.getPackageManager()).setPackagesForUid(UID, NAME);
        ShadowTelephony.ShadowSms.setDefaultSmsPackage(NAME);
        Shadows.shadowOf(phone).grantPermissions(PID, UID, CallerGate.PERMISSION);
        callFrom(UID);
        return ITwine.Stub.asInterface(
                Robolectric.setupService(TwineService.class)
                        .onBind(new Intent(TwineService.ACTION)));
    }

    /** Somebody else calls. */
    static void callFrom(int uid) {
        ShadowBinder.setCallingUid(uid);
        ShadowBinder.setCallingPid(PID);
    }
}
