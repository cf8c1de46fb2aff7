package org.twine.bridge.sms;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.twine.bridge.durable.Disk;

/**
 * SMS that came in and that the daemon has not stored yet, each in a file that is on the disk before
 * its broadcast is finished (DELIVERY 28).
 *
 * <p>Never decides whether an SMS is a repeat: the daemon does, by the spool id. Thread-safe.
 */
public final class IncomingSpool {
    /** Messages; a daemon that is away for weeks gets them all. */
    public static final int MAX_MESSAGES = 2000;

    /** Messages that the disk does not take now, and that are in memory until it does. */
    public static final int MAX_UNWRITTEN = 64;

    private static final String SUFFIX = ".sms";

    private final Disk disk;
    private final Map<String, IncomingText> texts = new LinkedHashMap<>();
    private final Map<String, IncomingText> unwritten = new LinkedHashMap<>();
    private int unreadable;

    /** Reads what is there. Files that cannot be read stay, are counted, and harm nothing. */
    public IncomingSpool(Disk disk) throws IOException {
        this.disk = disk;
        for (String name : disk.list()) {
            if (!name.endsWith(SUFFIX)) {
                continue;
            }
            try {
                byte[] bytes = disk.read(name);
                if (bytes != null) {
                    IncomingText text = IncomingText.decode(bytes);
                    texts.put(text.spoolId, text);
                }
            } catch (IOException e) {
                unreadable++;
            }
        }
    }

    /**
     * Keeps an SMS; when this returns its broadcast may be finished.
     *
     * @throws IOException it is not on the disk. It is in memory, unless that is full, too, and
     *     {@link #writeAgain} tries once more
     */
    public synchronized void put(IncomingText text) throws IOException {
        if (texts.containsKey(text.spoolId)) {
            return;
        }
        try {
            write(text);
        } catch (IOException e) {
            if (unwritten.size() < MAX_UNWRITTEN) {
                unwritten.put(text.spoolId, text);
            }
            throw e;
        }
    }

    private void write(IncomingText text) throws IOException {
        if (texts.size() >= MAX_MESSAGES) {
            throw new IOException("the spool holds " + MAX_MESSAGES + " messages");
        }
        disk.replace(text.spoolId + SUFFIX, text.encode());
        texts.put(text.spoolId, text);
        unwritten.remove(text.spoolId);
    }

    /** Tries once more what is in memory only; false: some still is. */
    public synchronized boolean writeAgain() {
        for (IncomingText text : new ArrayList<>(unwritten.values())) {
            try {
                write(text);
            } catch (IOException e) {
                return false;
            }
        }
        return unwritten.isEmpty();
    }

    /** Whether it would be lost if the process died now. */
    public synchronized boolean isUnwritten(String spoolId) {
        return unwritten.containsKey(spoolId);
    }

    /** All of them, oldest first as far as this process saw them come. */
    public synchronized List<IncomingText> all() {
        List<IncomingText> all = new ArrayList<>(texts.values());
        all.addAll(unwritten.values());
        return all;
    }

    /** The daemon has stored it. */
    public synchronized void remove(String spoolId) throws IOException {
        unwritten.remove(spoolId);
        if (texts.containsKey(spoolId)) {
            disk.delete(spoolId + SUFFIX);
            texts.remove(spoolId);
        }
    }

    /** How many are in memory only. */
    public synchronized int unwritten() {
        return unwritten.size();
    }

    /** How many wait. */
    public synchronized int size() {
        return texts.size();
    }

    /** Files that cannot be read. */
    public synchronized int unreadable() {
        return unreadable;
    }
}
