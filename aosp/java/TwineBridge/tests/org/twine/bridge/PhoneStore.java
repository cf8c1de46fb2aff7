package org.twine.bridge;

import static org.junit.Assert.assertEquals;

import android.content.ContentProvider;
import android.content.ContentValues;
import android.database.Cursor;
import android.database.sqlite.SQLiteFullException;
import android.net.Uri;
import android.provider.Telephony;
import java.util.ArrayList;
import java.util.List;

/** The telephony provider, as far as SMS are written to it. */
public final class PhoneStore extends ContentProvider {
    public final List<ContentValues> rows = new ArrayList<>();
    public boolean fails;

    @Override
    public boolean onCreate() {
        return true;
    }

    @Override
    public Uri insert(Uri uri, ContentValues values) {
        if (fails) {
            throw new SQLiteFullException("disk full");
        }
        assertEquals(Telephony.Sms.Inbox.CONTENT_URI, uri);
        rows.add(values);
        return Uri.withAppendedPath(uri, String.valueOf(rows.size()));
    }

    @Override
    public Cursor query(Uri uri, String[] a, String b, String[] c, String d) {
        throw new UnsupportedOperationException();
    }

    @Override
    public String getType(Uri uri) {
        return null;
    }

    @Override
    public int delete(Uri uri, String selection, String[] arguments) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int update(Uri uri, ContentValues values, String a, String[] b) {
        throw new UnsupportedOperationException();
    }
}
