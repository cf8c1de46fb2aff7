package org.twine.bridge.sms;

import java.io.IOException;
import java.util.function.Consumer;
import org.twine.control.v1.Report;
import org.twine.control.v1.SendSms;
import org.twine.control.v1.SmsPartResult;
import org.twine.control.v1.SmsPartState;
import org.twine.control.v1.SmsPartTaken;
import org.twine.control.v1.SmsReceived;
import org.twine.jni.TwineException;

/**
 * Carries out what the daemon orders about SMS, and tells it what became of that and what came in.
 *
 * <p>Owns the order of things: written, then done, then told. What cannot be told now is told at
 * the next connection: results when the daemon repeats its order, incoming SMS by {@link
 * #connected}. Knows nothing of Android. Thread-safe.
 */
public final class SmsDesk {
    /** Tells the daemon. */
    public interface Reporter {
        /** Throws if there is no connection: the next one is told all again. */
        void report(Report report) throws TwineException;
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
    private final Consumer<String> log;

    /**
     * A desk.
     *
     * @param log takes lines without numbers and texts
     */
    public SmsDesk(
            AttemptJournal journal,
            IncomingSpool spool,
            Caller caller,
            Reporter reporter,
            Consumer<String> log) {
        this.journal = journal;
        this.spool = spool;
        this.caller = caller;
        this.reporter = reporter;
        this.log = log;
    }

    /** The daemon is there, again perhaps: it is told of all that waits. */
    public synchronized void connected() {
        for (IncomingText text : spool.all()) {
            if (!tell(report(text))) {
                return;
            }
        }
    }

    /** An order to send. */
    public synchronized void send(SendSms order) {
        long attempt = order.getAttempt();
        int parts = order.getPartsCount();
        if (parts < 1 || parts > AttemptJournal.MAX_PARTS) {
            tellAll(attempt, Math.min(parts, AttemptJournal.MAX_PARTS), INVALID_ARGUMENTS);
            return;
        }
        boolean isNew;
        try {
            isNew = journal.begin(attempt, parts);
        } catch (AttemptJournal.FullException e) {
            log.accept("not sent: " + e.getMessage());
            tellAll(attempt, parts, LIMIT_EXCEEDED);
            return;
        } catch (IOException e) {
            // Perhaps it is written. If so a repeat of the order will tell "unknown", which is
            // wrong and harmless; what is told now is right.
            log.accept("not sent, the journal cannot be written: " + e);
            tellAll(attempt, parts, NO_MEMORY);
            return;
        }
        if (isNew) {
            call(order);
        } else {
            journal.results(attempt).forEach(result -> tell(report(result)));
        }
    }

    /** The phone or the operator said what became of a part. */
    public synchronized void result(PartResult result) throws IOException {
        if (journal.result(result)) {
            tell(report(result));
        }
    }

    /** The daemon has stored what became of a part. */
    public synchronized void partTaken(SmsPartTaken taken) {
        PartResult.State state;
        switch (taken.getState()) {
            case PART_SENT:
                state = PartResult.State.SENT;
                break;
            case PART_REFUSED:
                state = PartResult.State.REFUSED;
                break;
            case PART_UNKNOWN:
                state = PartResult.State.UNKNOWN;
                break;
            case PART_DELIVERED:
                state = PartResult.State.DELIVERED;
                break;
            case PART_UNDELIVERABLE:
                state = PartResult.State.UNDELIVERABLE;
                break;
            default:
                // Of a newer daemon.
                return;
        }
        try {
            journal.taken(taken.getAttempt(), taken.getPart(), state);
        } catch (IOException e) {
            // It is told and taken again after the next start.
            log.accept("the journal cannot be written: " + e);
        }
    }

    /**
     * An SMS came in. When this returns its broadcast may be finished.
     *
     * @throws IOException it is not kept
     */
    public synchronized void received(IncomingText text) throws IOException {
        spool.put(text);
        tell(report(text));
    }

    /** The daemon has stored it. */
    public synchronized void taken(String spoolId) {
        try {
            spool.remove(spoolId);
        } catch (IOException e) {
            // It is told once more after the next start; the daemon knows it.
            log.accept("the spool cannot be written: " + e);
        }
    }

    private void call(SendSms order) {
        try {
            caller.send(order);
        } catch (NotSentException e) {
            log.accept("not sent: " + e.getMessage());
            for (int part = 0; part < order.getPartsCount(); part++) {
                note(
                        new PartResult(
                                order.getAttempt(), part, PartResult.State.REFUSED, e.code()));
            }
        } catch (RuntimeException e) {
            // Its message may name the recipient.
            log.accept("whether it was sent is not known: " + e.getClass().getName());
            journal.results(order.getAttempt()).forEach(result -> tell(report(result)));
        }
    }

    private void note(PartResult result) {
        try {
            result(result);
        } catch (IOException e) {
            // Told without being written, it would be "unknown" after a restart.
            log.accept("the journal cannot be written: " + e);
        }
    }

    /** Refuses an attempt that is not in the journal: nothing of it was handed over. */
    private void tellAll(long attempt, int parts, int code) {
        for (int part = 0; part < Math.max(parts, 1); part++) {
            tell(report(new PartResult(attempt, part, PartResult.State.REFUSED, code)));
        }
    }

    private boolean tell(Report report) {
        try {
            reporter.report(report);
            return true;
        } catch (TwineException e) {
            // All of it is told again at the next connection.
            return false;
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

    private static Report report(IncomingText text) {
        return Report.newBuilder()
                .setSmsReceived(
                        SmsReceived.newBuilder()
                                .setSpoolId(text.spoolId)
                                .setSimSlot(text.simSlot)
                                .setIccid(text.iccid)
                                .setFrom(text.from)
                                .setFromE164(text.fromE164)
                                .setText(text.text)
                                .setSctsMs(text.sctsMillis))
                .build();
    }

    /** Counts, for dumpsys. */
    public String summary() {
        return "attempts in the journal: "
                + journal.size()
                + "\nincoming SMS in the spool: "
                + spool.size()
                + ", unreadable: "
                + spool.unreadable();
    }
}
