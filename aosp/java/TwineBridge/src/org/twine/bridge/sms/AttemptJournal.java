package org.twine.bridge.sms;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.twine.bridge.durable.Disk;
import org.twine.bridge.durable.RecordLog;

/**
 * What became of each attempt to send by SMS, on the disk before anybody is told (DELIVERY 26).
 *
 * <p>An attempt that is not in here was never handed to SmsManager: it may be sent. One that is in
 * here may have been, and is never sent again; a part of it without a result is unknown.
 *
 * <p>Owns the order "written, then done". Never calls SmsManager, never talks to the daemon. Thread-
 * safe.
 */
public final class AttemptJournal {
    /** Attempts kept; the daemon hands out far fewer at a time. */
    public static final int MAX_ATTEMPTS = 512;

    /** Parts of one attempt, 3GPP TS 23.040, 9.2.3.24.1. */
    public static final int MAX_PARTS = 255;

    /** The file is written anew when it is longer than this and than twice what is needed. */
    static final int COMPACT_BYTES = 64 * 1024;

    private static final String FILE = "attempts.log";
    private static final byte BEGUN = 1;
    private static final byte RESULT = 2;
    private static final byte FORGOTTEN = 3;
    private static final byte TAKEN = 4;

    /** There is no room for another attempt. */
    public static final class FullException extends IOException {
        private static final long serialVersionUID = 1;

        FullException() {
            super("the journal holds " + MAX_ATTEMPTS + " attempts whose results the daemon has not taken");
        }
    }

    private static final class Attempt {
        /** By part: how it left; UNKNOWN: no result came. */
        final PartResult[] sent;

        /** By part: what the operator reported; null: nothing. */
        final PartResult[] delivered;

        /** By part: whether the daemon has stored how it left. */
        final boolean[] taken;

        /** By part: whether the daemon has stored what the operator reported. */
        final boolean[] reportTaken;

        Attempt(long id, int parts) {
            sent = new PartResult[parts];
            delivered = new PartResult[parts];
            taken = new boolean[parts];
            reportTaken = new boolean[parts];
            for (int part = 0; part < parts; part++) {
                sent[part] = new PartResult(id, part, PartResult.State.UNKNOWN, 0);
            }
        }

        /** The daemon has stored how each part left; an operator may still report of it. */
        boolean isTaken() {
            for (boolean part : taken) {
                if (!part) {
                    return false;
                }
            }
            return true;
        }

        /**
         * Whether nothing more can come once the daemon has this, too: what did not leave is not
         * reported of.
         */
        boolean isOverBut(boolean[] side, int missing) {
            for (int part = 0; part < sent.length; part++) {
                boolean here = part == missing;
                boolean left = sent[part].state() != PartResult.State.REFUSED;
                boolean told = taken[part] || here && side == taken;
                boolean reported = reportTaken[part] || here && side == reportTaken;
                if (!told || left && !reported) {
                    return false;
                }
            }
            return true;
        }

        /** Whether this says something new. */
        boolean take(PartResult result) {
            PartResult[] side = result.state().isDelivery() ? delivered : sent;
            PartResult known = side[result.part()];
            boolean first = known == null || known.state() == PartResult.State.UNKNOWN;
            if (!first || result.equals(known)) {
                return false;
            }
            side[result.part()] = result;
            if (!result.state().isDelivery()) {
                // What the daemon has stored is "unknown".
                taken[result.part()] = false;
            }
            return true;
        }
    }

    private final RecordLog log;
    private final Map<Long, Attempt> attempts = new LinkedHashMap<>();

    /** Reads what is there. */
    public AttemptJournal(Disk disk) throws IOException {
        log = new RecordLog(disk, FILE);
        for (byte[] record : log.found()) {
            replay(ByteBuffer.wrap(record));
        }
        log.found().clear();
    }

    /**
     * Notes that an attempt is about to be handed to SmsManager. Call it before.
     *
     * @return false if it is in here already: it must not be sent
     * @throws FullException nothing was written
     * @throws IOException it may have been written: it must not be sent now
     */
    public synchronized boolean begin(long id, int parts) throws IOException {
        if (parts < 1 || parts > MAX_PARTS) {
            throw new IllegalArgumentException("an attempt of " + parts + " parts");
        }
        if (attempts.containsKey(id)) {
            return false;
        }
        if (attempts.size() >= MAX_ATTEMPTS) {
            forget(oldestTaken());
        }
        write(begun(id, parts));
        attempts.put(id, new Attempt(id, parts));
        return true;
    }

    /**
     * Notes a result. Tell the daemon only after this returned.
     *
     * @return false if there is nothing to tell: it is known, or nobody asks for this attempt
     */
    public synchronized boolean result(PartResult result) throws IOException {
        Attempt attempt = attempts.get(result.attempt());
        if (attempt == null || result.part() < 0 || result.part() >= attempt.sent.length) {
            return false;
        }
        if (!attempt.take(result)) {
            return false;
        }
        write(record(result));
        return true;
    }

    /** All that is known of an attempt: of each part, how it left, and then what was reported. */
    public synchronized List<PartResult> results(long id) {
        List<PartResult> results = new ArrayList<>();
        Attempt attempt = attempts.get(id);
        if (attempt != null) {
            for (int part = 0; part < attempt.sent.length; part++) {
                results.add(attempt.sent[part]);
                if (attempt.delivered[part] != null) {
                    results.add(attempt.delivered[part]);
                }
            }
        }
        return results;
    }

    /**
     * The daemon has stored this. An attempt is forgotten when nothing more can come of it. One
     * whose parts all left may still be reported of, or never: it goes when room is needed.
     */
    public synchronized void taken(long id, int part, PartResult.State state) throws IOException {
        Attempt attempt = attempts.get(id);
        if (attempt == null || part < 0 || part >= attempt.sent.length) {
            return;
        }
        boolean[] side = state.isDelivery() ? attempt.reportTaken : attempt.taken;
        PartResult known = state.isDelivery() ? attempt.delivered[part] : attempt.sent[part];
        // Another result may have come since that one was told: it is told as well.
        if (side[part] || known == null || known.state() != state) {
            return;
        }
        if (attempt.isOverBut(side, part)) {
            forget(id);
        } else {
            write(takenRecord(id, part, state));
            side[part] = true;
        }
    }

    private long oldestTaken() throws FullException {
        for (Map.Entry<Long, Attempt> attempt : attempts.entrySet()) {
            if (attempt.getValue().isTaken()) {
                return attempt.getKey();
            }
        }
        throw new FullException();
    }

    private void forget(long id) throws IOException {
        write(ByteBuffer.allocate(9).put(FORGOTTEN).putLong(id).array());
        attempts.remove(id);
    }

    /** How many there are. */
    public synchronized int size() {
        return attempts.size();
    }

    private void write(byte[] record) throws IOException {
        boolean grown = log.sizeBytes() > COMPACT_BYTES && log.sizeBytes() > 2 * neededBytes();
        if (log.isTorn() || grown) {
            List<byte[]> all = new ArrayList<>();
            attempts.forEach((id, attempt) -> describe(id, attempt, all));
            log.rewrite(all);
        }
        log.append(record);
    }

    /** An upper bound. */
    private int neededBytes() {
        int bytes = 0;
        for (Attempt attempt : attempts.values()) {
            bytes += 32 + 128 * attempt.sent.length;
        }
        return bytes;
    }

    private static void describe(long id, Attempt attempt, List<byte[]> all) {
        all.add(begun(id, attempt.sent.length));
        for (int part = 0; part < attempt.sent.length; part++) {
            if (attempt.sent[part].state() != PartResult.State.UNKNOWN) {
                all.add(record(attempt.sent[part]));
            }
            if (attempt.delivered[part] != null) {
                all.add(record(attempt.delivered[part]));
            }
            if (attempt.taken[part]) {
                all.add(takenRecord(id, part, attempt.sent[part].state()));
            }
            if (attempt.reportTaken[part]) {
                all.add(takenRecord(id, part, attempt.delivered[part].state()));
            }
        }
    }

    private static byte[] begun(long id, int parts) {
        return ByteBuffer.allocate(13).put(BEGUN).putLong(id).putInt(parts).array();
    }

    private static byte[] takenRecord(long id, int part, PartResult.State state) {
        return ByteBuffer.allocate(14)
                .put(TAKEN)
                .putLong(id)
                .putInt(part)
                .put((byte) state.ordinal())
                .array();
    }

    private static byte[] record(PartResult result) {
        return ByteBuffer.allocate(18)
                .put(RESULT)
                .putLong(result.attempt())
                .putInt(result.part())
                .put((byte) result.state().ordinal())
                .putInt(result.code())
                .array();
    }

    private void replay(ByteBuffer record) throws IOException {
        byte kind = record.get();
        long id = record.getLong();
        switch (kind) {
            case BEGUN:
                attempts.put(id, new Attempt(id, record.getInt()));
                break;
            case RESULT:
                int part = record.getInt();
                PartResult.State state = PartResult.State.values()[record.get()];
                Attempt attempt = attempts.get(id);
                if (attempt != null) {
                    attempt.take(new PartResult(id, part, state, record.getInt()));
                }
                break;
            case TAKEN:
                int takenPart = record.getInt();
                boolean report = PartResult.State.values()[record.get()].isDelivery();
                Attempt of = attempts.get(id);
                if (of != null) {
                    (report ? of.reportTaken : of.taken)[takenPart] = true;
                }
                break;
            case FORGOTTEN:
                attempts.remove(id);
                break;
            default:
                // Of a newer version, before a downgrade.
                break;
        }
    }
}
