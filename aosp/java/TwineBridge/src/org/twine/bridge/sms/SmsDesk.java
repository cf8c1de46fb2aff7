package org.twine.bridge.sms;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.Consumer;
import org.twine.control.v1.Report;
import org.twine.control.v1.SendSms;
import org.twine.control.v1.SmsPartResult;
import org.twine.control.v1.SmsPartState;
import org.twine.control.v1.SmsPartTaken;
import org.twine.control.v1.SmsReceived;

/**
 * Carries out what the daemon orders about SMS, and tells it what became of that and what came in.
 *
 * <p>Owns the order of things: written, then done, then told. What cannot be written is tried again
 * ({@link #again}); what cannot be told is told when there is room ({@link #roomToTell}) or at the
 * next connection ({@link #connected}), until the daemon has taken it. Never waits for the daemon.
 * Knows nothing of Android. Thread-safe.
 */
public final class SmsDesk {
    /** Results that the disk does not take now; of further ones it is said that they are unknown. */
    public static final int MAX_UNWRITTEN_RESULTS = 1024;

    /** Answers to orders that wait until they can be told; further ones wait for the order's repeat. */
    public static final int MAX_ANSWERS = 1024;

    /** While a broadcast waits for the disk. */
    private static final long DISK_RETRY_MILLIS = 500;

    /** Tells the daemon. */
    public interface Reporter {
        /** Never waits. False: no room now; {@link SmsDesk#roomToTell} when there is some. */
        boolean report(Report report);
    }

    /** Hands an attempt to the phone. */
    public interface Caller {
        /**
         * Calls SmsManager, once.
         *
         * @throws NotSentException if nothing can have left the phone
         * @throws RuntimeException if that is not known
         */
        void send(SendSms order) throws NotSentException;
    }

    /** The phone took nothing of an attempt. */
    public static final class NotSentException extends Exception {
        private static final long serialVersionUID = 1;
        private final int code;

        /** With a code as in Android's SmsManager. */
        public NotSentException(int code, String message) {
            super(message);
            this.code = code;
        }

        /** Why. */
        public int code() {
            return code;
        }
    }

    /* Of Android's SmsManager: RESULT_ERROR_LIMIT_EXCEEDED, RESULT_NO_MEMORY,
    RESULT_INVALID_ARGUMENTS. */
    private static final int LIMIT_EXCEEDED = 5;
    private static final int INVALID_ARGUMENTS = 11;
    private static final int NO_MEMORY = 13;

    private final AttemptJournal journal;
    private final IncomingSpool spool;
    private final Caller caller;
    private final Reporter reporter;
    private final Runnable tryAgainLater;
    private final Consumer<String> log;

    /** Results that are not in the journal yet. */
    private final Set<PartResult> unwritten = new LinkedHashSet<>();

    /** What the daemon is told once: it repeats the order if it does not hear of it. */
    private final ArrayDeque<Report> answers = new ArrayDeque<>();

    /* Told on this connection. */
    private final Set<PartResult> toldResults = new HashSet<>();
    private final Set<String> toldTexts = new HashSet<>();

    /** Ids of SMS whose broadcasts wait. */
    private final Set<String> awaited = new HashSet<>();

    /**
     * A desk.
     *
     * @param tryAgainLater is to call {@link #again} after a while
     * @param log takes lines without numbers and texts
     */
    public SmsDesk(
            AttemptJournal journal,
            IncomingSpool spool,
            Caller caller,
            Reporter reporter,
            Runnable tryAgainLater,
            Consumer<String> log) {
        this.journal = journal;
        this.spool = spool;
        this.caller = caller;
        this.reporter = reporter;
        this.tryAgainLater = tryAgainLater;
        this.log = log;
    }

    /** The daemon is there, again perhaps: it is told of all that waits. */
    public synchronized void connected() {
        // It repeats what it wants an answer to.
        answers.clear();
        toldResults.clear();
        toldTexts.clear();
        tellWhatWaits();
    }

    /** What had no room can be told. */
    public synchronized void roomToTell() {
        tellWhatWaits();
    }

    /** Tries what the disk did not take. */
    public synchronized void again() {
        boolean allWritten = spool.writeAgain();
        Iterator<PartResult> left = unwritten.iterator();
        while (allWritten && left.hasNext()) {
            try {
                journal.result(left.next());
                left.remove();
            } catch (IOException e) {
                allWritten = false;
            }
        }
        if (!allWritten) {
            tryAgainLater.run();
        }
        tellWhatWaits();
    }

    /** An order to send. */
    public synchronized void send(SendSms order) {
        long attempt = order.getAttempt();
        int parts = order.getPartsCount();
        if (parts < 1 || parts > AttemptJournal.MAX_PARTS) {
            refuse(attempt, Math.min(parts, AttemptJournal.MAX_PARTS), INVALID_ARGUMENTS);
            return;
        }
        boolean isNew;
        try {
            isNew = journal.begin(attempt, parts);
        } catch (AttemptJournal.FullException e) {
            log.accept("not sent: " + e.getMessage());
            refuse(attempt, parts, LIMIT_EXCEEDED);
            return;
        } catch (IOException e) {
            // Perhaps it is written. If so a repeat of the order will tell "unknown", which is
            // wrong and harmless; what is told now is right.
            log.accept("not sent, the journal cannot be written: " + e);
            refuse(attempt, parts, NO_MEMORY);
            return;
        }
        if (isNew) {
            call(order);
        } else {
            answerWithAll(attempt);
        }
    }

    /**
     * The phone or the operator said what became of a part.
     *
     * @return whether the disk has it; if not it is tried again as long as this process lives
     */
    public synchronized boolean result(PartResult result) {
        boolean written = false;
        try {
            journal.result(result);
            written = true;
        } catch (IOException e) {
            // Told without being written, it would be "unknown" after a restart.
            if (unwritten.size() < MAX_UNWRITTEN_RESULTS) {
                unwritten.add(result);
                tryAgainLater.run();
            }
            log.accept("a result is not written: " + e);
        }
        tellWhatWaits();
        return written;
    }

    /** The daemon has stored this result. */
    public synchronized void taken(SmsPartTaken taken) {
        PartResult.State state = state(taken.getState());
        if (state == null) {
            // Of a newer daemon.
            return;
        }
        long attempt = taken.getAttempt();
        int part = taken.getPart();
        try {
            journal.taken(attempt, part, state);
            toldResults.removeIf(
                    told ->
                            told.attempt() == attempt
                                    && told.part() == part
                                    && told.state() == state);
        } catch (IOException e) {
            // It is told once more after the next start; the daemon takes it again.
            log.accept("the journal cannot be written: " + e);
        }
    }

    /**
     * An SMS came in. When this returns its broadcast may be finished.
     *
     * @throws IOException it is not on the disk. The daemon is told of it all the same, and the disk
     *     is tried again: {@link #awaitKept}
     */
    public synchronized void received(IncomingText text) throws IOException {
        try {
            spool.put(text);
        } catch (IOException e) {
            tryAgainLater.run();
            throw e;
        } finally {
            tellWhatWaits();
        }
    }

    /**
     * Waits until an SMS that the disk did not take is kept: by the disk after all, or by the
     * daemon.
     *
     * @return whether it is
     */
    public synchronized boolean awaitKept(IncomingText text, long millis)
            throws InterruptedException {
        long end = System.nanoTime() + millis * 1_000_000;
        awaited.add(text.spoolId);
        try {
            while (awaited.contains(text.spoolId)) {
                long left = (end - System.nanoTime()) / 1_000_000;
                if (left <= 0) {
                    return false;
                }
                wait(Math.min(left, DISK_RETRY_MILLIS));
                if (!awaited.contains(text.spoolId)) {
                    break;
                }
                try {
                    spool.put(text);
                    return true;
                } catch (IOException e) {
                    // Until the time is over.
                    tellWhatWaits();
                }
            }
            // The daemon has it.
            return true;
        } finally {
            awaited.remove(text.spoolId);
        }
    }

    /** The daemon has stored it. */
    public synchronized void taken(String spoolId) {
        try {
            spool.remove(spoolId);
            toldTexts.remove(spoolId);
        } catch (IOException e) {
            // It is told once more after the next start; the daemon knows it.
            log.accept("the spool cannot be written: " + e);
        }
        awaited.remove(spoolId);
        notifyAll();
    }

    private void call(SendSms order) {
        long attempt = order.getAttempt();
        try {
            caller.send(order);
            journal.awaits(attempt);
        } catch (NotSentException e) {
            log.accept("not sent: " + e.getMessage());
            for (int part = 0; part < order.getPartsCount(); part++) {
                result(new PartResult(attempt, part, PartResult.State.REFUSED, e.code()));
            }
        } catch (RuntimeException e) {
            // Its message may name the recipient.
            log.accept("whether it was sent is not known: " + e.getClass().getName());
            answerWithAll(attempt);
        }
    }

    /** All that is known of an attempt, "unknown" too, unless this process awaits the result. */
    private void answerWithAll(long attempt) {
        for (PartResult result : journal.results(attempt)) {
            if (result.state() != PartResult.State.UNKNOWN) {
                toldResults.add(result);
            }
            answer(result);
        }
        tellWhatWaits();
    }

    /** Refuses an attempt that is not in the journal: nothing of it was handed over. */
    private void refuse(long attempt, int parts, int code) {
        for (int part = 0; part < Math.max(parts, 1); part++) {
            answer(new PartResult(attempt, part, PartResult.State.REFUSED, code));
        }
        tellWhatWaits();
    }

    private void answer(PartResult result) {
        if (answers.size() < MAX_ANSWERS) {
            answers.addLast(report(result));
        } else {
            log.accept("too many answers wait to be told");
        }
    }

    /** Until there is no room. */
    private void tellWhatWaits() {
        while (!answers.isEmpty()) {
            if (!reporter.report(answers.peekFirst())) {
                return;
            }
            answers.removeFirst();
        }
        for (PartResult result : journal.untaken()) {
            if (!toldResults.contains(result)) {
                if (!reporter.report(report(result))) {
                    return;
                }
                toldResults.add(result);
            }
        }
        for (IncomingText text : spool.all()) {
            if (!toldTexts.contains(text.spoolId)) {
                if (!reporter.report(report(text))) {
                    return;
                }
                toldTexts.add(text.spoolId);
            }
        }
    }

    private static Report report(PartResult result) {
        return Report.newBuilder()
                .setSmsPart(
                        SmsPartResult.newBuilder()
                                .setAttempt(result.attempt())
                                .setPart(result.part())
                                .setState(state(result.state()))
                                .setCode(result.code()))
                .build();
    }

    private static SmsPartState state(PartResult.State state) {
        switch (state) {
            case SENT:
                return SmsPartState.PART_SENT;
            case REFUSED:
                return SmsPartState.PART_REFUSED;
            case DELIVERED:
                return SmsPartState.PART_DELIVERED;
            case UNDELIVERABLE:
                return SmsPartState.PART_UNDELIVERABLE;
            default:
                return SmsPartState.PART_UNKNOWN;
        }
    }

    /** Null: not known here. */
    private static PartResult.State state(SmsPartState state) {
        for (PartResult.State known : PartResult.State.values()) {
            if (state(known) == state) {
                return known;
            }
        }
        return null;
    }

    private static Report report(IncomingText text) {
        return Report.newBuilder()
                .setSmsReceived(
                        SmsReceived.newBuilder()
                                .setSpoolId(text.spoolId)
                                .setSimSlot(text.simSlot)
                                .setIccid(text.iccid)
                                .setTo(text.to)
                                .setFrom(text.from)
                                .setFromE164(text.fromE164)
                                .setText(text.text)
                                .setSctsMs(text.sctsMillis))
                .build();
    }

    /** Counts, for dumpsys. */
    public synchronized String summary() {
        return "attempts in the journal: "
                + journal.size()
                + ", not settled: "
                + journal.openCount()
                + ", results not written: "
                + unwritten.size()
                + "\nincoming SMS in the spool: "
                + spool.size()
                + ", in memory only: "
                + spool.unwritten()
                + ", unreadable: "
                + spool.unreadable();
    }
}
