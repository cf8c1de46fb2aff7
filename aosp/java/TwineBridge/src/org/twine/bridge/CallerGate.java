package org.twine.bridge;

import android.content.Context;
import android.content.pm.PackageManager;
import android.os.Binder;
import android.provider.Telephony;
import java.util.Arrays;

/** Who may use Twine: the default SMS app, if it holds the permission. Asked at every call. */
final class CallerGate {
    /** Signature permission, declared in this package's manifest. */
    static final String PERMISSION = "org.twine.permission.USE_TWINE";

    private final Context context;

    CallerGate(Context context) {
        this.context = context;
    }

    /**
     * The package that calls.
     *
     * @throws SecurityException it may not, and why
     */
    String admit() {
        int uid = Binder.getCallingUid();
        int pid = Binder.getCallingPid();
        if (context.checkPermission(PERMISSION, pid, uid) != PackageManager.PERMISSION_GRANTED) {
            throw new SecurityException("uid " + uid + " does not hold " + PERMISSION);
        }
        long identity = Binder.clearCallingIdentity();
        try {
            String smsApp = Telephony.Sms.getDefaultSmsPackage(context);
            String[] packages = context.getPackageManager().getPackagesForUid(uid);
            if (smsApp == null || packages == null || !Arrays.asList(packages).contains(smsApp)) {
                throw new SecurityException(
                        "uid " + uid + " is not the default SMS app, which is " + smsApp);
            }
            return smsApp;
        } finally {
            Binder.restoreCallingIdentity(identity);
        }
    }

    /** Whether a package that was admitted still is: the user may choose another default SMS app. */
    boolean isAdmitted(String packageName) {
        return packageName.equals(Telephony.Sms.getDefaultSmsPackage(context));
    }
}
