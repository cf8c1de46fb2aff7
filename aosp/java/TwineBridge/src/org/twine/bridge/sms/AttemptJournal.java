package org.twine.bridge.sms;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.twine.bridge.durable.Disk;
import org.twine.bridge.durable.RecordLog;

/**
 * What became of each attempt to send by SMS, on the disk before anybody is told (DELIVERY 26).
 *
 * <p>An attempt that is not in here was never handed to SmsManager: it may be sent. One that is in
 * here may have been, and is never sent again; a part of it without a result is unknown. A result
 * counts as told when the daemon has taken it, and an attempt is forgotten only after that.
 *
 * <p>Some results never come. The daemon settles those after ten minutes and does not say so. Here
 * they end when room is needed: the oldest such attempt is given up, which is as if the daemon had
 * taken that it is unknown. The order decides, not the age, for the wall clock jumps and boot time
 * ends with the boot; and it suffices: the daemon hands over 25 parts a minute, so the oldest of
 * {@link #MAX_OPEN} is 20 minutes old. What is given up is not sent again either: an order for it
 * is answered with "unknown", until {@link #MAX_TAKEN} attempts were begun after that.
 *
 * <p>Owns the order "written, then known": what could not be written has not happened. Never
 * calls SmsManager, never talks to the daemon. Thread-safe.
 */
public final class AttemptJournal {
    /**
     * Attempts with a part whose result the daemon has not taken; it hands out far fewer at a time.
     * For another one the oldest is given up of which only what never came is missing. If there is
     * none the daemon has to take results first.
     */
    public static final int MAX_OPEN = 512;

    /**
     * Attempts kept after the daemon has taken all their results, or after they were given up: the
     * operator may still report on them, and an order for them is still not to be carried out. Beyond, the oldest are forgotten.
     */
    public static final int MAX_TAKEN = 200;

    /** Parts of one attempt, 3GPP TS 23.040, 9.2.3.24.1. */
    public static final int MAX_PARTS = 255;

    /** The file is written anew when it is longer than this and than twice what is needed. */
    private static final int COMPACT_BYTES = 64 * 1024;

    private static final String FILE = "attempts.log";

    /* A record begins with its kind and the attempt's id, whatever the kind and the version. BEGUN stays
    as it is for ever: an older version, after a downgrade, has to see what was handed over. */
    private static final byte BEGUN = 1;
    private static final byte RESULT = 2;
    private static final byte FORGOTTEN = 3;
    private static final byte TAKEN = 4;
    private static final byte GIVEN_UP = 5;
    private static final int HEAD_BYTES = 9;

    /** There is no room for another attempt. */
    public static final class FullException extends IOException {
        private static final long serialVersionUID = 1;

        FullException() {
            super("the daemon has not taken the results of " + MAX_OPEN + " attempts");
        }
    }

    /** What is known of one attempt. Index: part. */
    private static final class Attempt {
        /** How it left; UNKNOWN: no result came. */
        final PartResult[] sent;

        /** What the operator reported; null: nothing. */
        final PartResult[] delivered;

        /** The daemon has stored it. */
        final boolean[] sentTaken;

        final boolean[] deliveredTaken;

        /** SmsManager took it in this run, so its broadcasts come. */
        boolean awaited;

        /** What a newer version wrote of it, before a downgrade: kept for the next upgrade. */
        final List<byte[]> foreign = new ArrayList<>();

        Attempt(long id, int parts) {
            sent = new PartResult[parts];
            delivered = new PartResult[parts];
            sentTaken = new boolean[parts];
            deliveredTaken = new boolean[parts];
            for (int part = 0; part < parts; part++) {
                sent[part] = new PartResult(id, part, PartResult.State.UNKNOWN, 0);
            }
        }

        boolean has(int part) {
            return part >= 0 && part < sent.length;
        }

        /** Results only become more certain. */
        boolean isNews(PartResult result) {
            PartResult[] side = result.state().isDelivery() ? delivered : sent;
            PartResult known = side[result.part()];
            boolean first = known == null || known.state() == PartResult.State.UNKNOWN;
            return first && !result.equals(known);
        }

        void put(PartResult result) {
            boolean delivery = result.state().isDelivery();
            (delivery ? delivered : sent)[result.part()] = result;
            (delivery ? deliveredTaken : sentTaken)[result.part()] = false;
        }

        /** Whether the daemon takes for the first time what is the newest here. */
        boolean isNewlyTaken(int part, PartResult.State state) {
            if (state.isDelivery()) {
                PartResult known = delivered[part];
                return known != null && known.state() == state && !deliveredTaken[part];
            }
            return sent[part].state() == state && !sentTaken[part];
        }

        void take(int part, PartResult.State state) {
            (state.isDelivery() ? deliveredTaken : sentTaken)[part] = true;
        }

        /** What came and the daemon has not taken. */
        List<PartResult> untaken() {
            List<PartResult> results = new ArrayList<>();
            for (int part = 0; part < sent.length; part++) {
                if (sent[part].state() != PartResult.State.UNKNOWN && !sentTaken[part]) {
                    results.add(sent[part]);
                }
                if (delivered[part] != null && !deliveredTaken[part]) {
                    results.add(delivered[part]);
                }
            }
            return results;
        }

        /** What did not come is not awaited any more. If it comes all the same it is news. */
        void giveUp() {
            awaited = false;
            Arrays.fill(sentTaken, true);
        }

        /** The daemon has stored how each part left, and all that was reported since. */
        boolean isTaken() {
            for (int part = 0; part < sent.length; part++) {
                if (!sentTaken[part] || (delivered[part] != null && !deliveredTaken[part])) {
                    return false;
                }
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
            if (record.length >= HEAD_BYTES) {
                replay(record);
            }
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
        forgetOldest();
        giveUpOldest();
        write(begun(id, parts));
        attempts.put(id, new Attempt(id, parts));
        return true;
    }

    /**
     * Notes a result. Tell the daemon only after this returned.
     *
     * @return false if there is nothing to tell: it is known, or this attempt is not
     * @throws IOException it is not noted: note it again later
     */
    public synchronized boolean result(PartResult result) throws IOException {
        Attempt attempt = attempts.get(result.attempt());
        if (attempt == null || !attempt.has(result.part()) || !attempt.isNews(result)) {
            return false;
        }
        write(record(result));
        attempt.put(result);
        return true;
    }

    /**
     * The daemon has stored this result of this part.
     *
     * @throws IOException it is not noted: the result is told once more after the next start
     */
    public synchronized void taken(long id, int part, PartResult.State state)
            throws IOException {
        Attempt attempt = attempts.get(id);
        if (attempt == null || !attempt.has(part) || !attempt.isNewlyTaken(part, state)) {
            return;
        }
        write(takenRecord(id, part, state));
        attempt.take(part, state);
    }

    /** The results that came and that the daemon has not taken, oldest attempt first. */
    public synchronized List<PartResult> untaken() {
        List<PartResult> results = new ArrayList<>();
        for (Attempt attempt : attempts.values()) {
            results.addAll(attempt.untaken());
        }
        return results;
    }

    /**
     * SmsManager took this attempt: what becomes of it comes by broadcast, at least while this
     * process lives.
     */
    public synchronized void awaits(long id) {
        Attempt attempt = attempts.get(id);
        if (attempt != null) {
            attempt.awaited = true;
        }
    }

    /**
     * All that is known of an attempt: of each part, how it left, and then what was reported.
     * Nothing of how a part left whose result is awaited.
     */
    public synchronized List<PartResult> results(long id) {
        List<PartResult> results = new ArrayList<>();
        Attempt attempt = attempts.get(id);
        if (attempt != null) {
            for (int part = 0; part < attempt.sent.length; part++) {
                PartResult sent = attempt.sent[part];
                if (sent.state() != PartResult.State.UNKNOWN || !attempt.awaited) {
                    results.add(sent);
                }
                if (attempt.delivered[part] != null) {
                    results.add(attempt.delivered[part]);
                }
            }
        }
        return results;
    }

    /** How many there are. */
    public synchronized int size() {
        return attempts.size();
    }

    /** How many there are of which the daemon has not taken everything. */
    public synchronized int openCount() {
        int open = 0;
        for (Attempt attempt : attempts.values()) {
            open += attempt.isTaken() ? 0 : 1;
        }
        return open;
    }

    /** Makes room among those of which the daemon has not taken everything. */
    private void giveUpOldest() throws IOException {
        while (openCount() >= MAX_OPEN) {
            Long id = oldest(attempt -> !attempt.isTaken() && attempt.untaken().isEmpty());
            if (id == null) {
                throw new FullException();
            }
            write(head(GIVEN_UP, id));
            giveUp(id);
        }
    }

    private void giveUp(long id) {
        Attempt attempt = attempts.remove(id);
        attempt.giveUp();
        // Behind all others: of those that are taken it is the last to be forgotten.
        attempts.put(id, attempt);
    }

    /** Makes room among those of which the daemon has taken everything. */
    private void forgetOldest() throws IOException {
        while (attempts.size() - openCount() >= MAX_TAKEN) {
            long id = oldest(Attempt::isTaken);
            write(head(FORGOTTEN, id));
            attempts.remove(id);
        }
    }

    /** Null: there is none. */
    private Long oldest(Predicate<Attempt> wanted) {
        for (Map.Entry<Long, Attempt> entry : attempts.entrySet()) {
            if (wanted.test(entry.getValue())) {
                return entry.getKey();
            }
        }
        return null;
    }

    private void write(byte[] record) throws IOException {
        if (log.isTorn() || log.sizeBytes() > compactAboveBytes()) {
            List<byte[]> all = new ArrayList<>();
            attempts.forEach((id, attempt) -> describe(id, attempt, all));
            log.rewrite(all);
        }
        log.append(record);
    }

    /** A file longer than this is written anew. */
    synchronized int compactAboveBytes() {
        int needed = 0;
        for (Attempt attempt : attempts.values()) {
            // Upper bounds of what describe() makes of it.
            needed += 32 + 128 * attempt.sent.length;
            for (byte[] record : attempt.foreign) {
                needed += 32 + record.length;
            }
        }
        return Math.max(COMPACT_BYTES, 2 * needed);
    }

    private static void describe(long id, Attempt attempt, List<byte[]> all) {
        all.add(begun(id, attempt.sent.length));
        for (int part = 0; part < attempt.sent.length; part++) {
            if (attempt.sent[part].state() != PartResult.State.UNKNOWN) {
                all.add(record(attempt.sent[part]));
            }
            if (attempt.sentTaken[part]) {
                all.add(takenRecord(id, part, attempt.sent[part].state()));
            }
            if (attempt.delivered[part] != null) {
                all.add(record(attempt.delivered[part]));
                if (attempt.deliveredTaken[part]) {
                    all.add(takenRecord(id, part, attempt.delivered[part].state()));
                }
            }
        }
        all.addAll(attempt.foreign);
    }

    private static byte[] head(byte kind, long id) {
        return ByteBuffer.allocate(HEAD_BYTES).put(kind).putLong(id).array();
    }

    private static byte[] takenRecord(long id, int part, PartResult.State state) {
        return ByteBuffer.allocate(14)
                .put(TAKEN)
                .putLong(id)
                .putInt(part)
                .put((byte) state.ordinal())
                .array();
    }

    private static byte[] begun(long id, int parts) {
        return ByteBuffer.allocate(13).put(BEGUN).putLong(id).putInt(parts).array();
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

    private void replay(byte[] record) {
        ByteBuffer in = ByteBuffer.wrap(record);
        byte kind = in.get();
        long id = in.getLong();
        Attempt attempt = attempts.get(id);
        boolean understood;
        try {
            understood = replay(kind, id, attempt, in);
        } catch (BufferUnderflowException e) {
            understood = false;
        }
        if (!understood && attempt != null) {
            attempt.foreign.add(record);
        }
    }

    /** False: a newer version wrote it. */
    private boolean replay(byte kind, long id, Attempt attempt, ByteBuffer in) {
        switch (kind) {
            case BEGUN:
                int parts = in.getInt();
                if (parts < 1 || parts > MAX_PARTS) {
                    return false;
                }
                attempts.put(id, new Attempt(id, parts));
                return true;
            case FORGOTTEN:
                attempts.remove(id);
                return true;
            case GIVEN_UP:
                if (attempt != null) {
                    giveUp(id);
                }
                return true;
            case RESULT:
            case TAKEN:
                int part = in.getInt();
                byte code = in.get();
                if (attempt == null || !attempt.has(part)) {
                    return true;
                }
                PartResult.State[] states = PartResult.State.values();
                boolean known = code >= 0 && code < states.length;
                if (kind == TAKEN) {
                    // The daemon has settled the part, whatever by: it will not ask again, and the
                    // attempt need not be kept as open.
                    PartResult.State taken = known ? states[code] : PartResult.State.UNKNOWN;
                    if (attempt.isNewlyTaken(part, taken)) {
                        attempt.take(part, taken);
                    }
                } else if (known) {
                    PartResult result = new PartResult(id, part, states[code], in.getInt());
                    if (attempt.isNews(result)) {
                        attempt.put(result);
                    }
                }
                return known;
            default:
                return false;
        }
    }
}
