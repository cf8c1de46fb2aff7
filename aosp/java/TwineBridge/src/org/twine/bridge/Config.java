package org.twine.bridge;

import android.content.Context;
import android.content.pm.ApplicationInfo;
import android.content.pm.PackageManager;
import android.os.Bundle;

/** What a maker may change, as meta-data of the application in a manifest of its own. */
public final class Config {
    /** "bridge" (by SMS_RECEIVED) or "app" (by ITwine.deliverIncomingSms): who ingests SMS. */
    static final String INGESTER = "org.twine.bridge.ingester";

    /** The daemon's socket. */
    static final String SOCKET = "org.twine.bridge.socket";

    private static final String DEFAULT_SOCKET = "/dev/socket/twined";

    private final boolean appIngester;
    private final String socket;

    /** All of it. */
    public Config(boolean appIngester, String socket) {
        this.appIngester = appIngester;
        this.socket = socket;
    }

    static Config read(Context context) {
        Bundle data = null;
        try {
            ApplicationInfo info =
                    context.getPackageManager()
                            .getApplicationInfo(
                                    context.getPackageName(), PackageManager.GET_META_DATA);
            data = info.metaData;
        } catch (PackageManager.NameNotFoundException e) {
            // A package knows itself; without its data the defaults hold.
        }
        if (data == null) {
            data = Bundle.EMPTY;
        }
        return new Config(
                "app".equals(data.getString(INGESTER)), data.getString(SOCKET, DEFAULT_SOCKET));
    }

    /** Whether the messaging app passes incoming SMS on, rather than this package. */
    public boolean isAppIngester() {
        return appIngester;
    }

    /** The daemon's socket. */
    public String socket() {
        return socket;
    }
}
