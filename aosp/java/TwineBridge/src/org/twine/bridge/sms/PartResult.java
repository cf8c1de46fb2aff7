package org.twine.bridge.sms;

import java.util.Objects;

/** What became of one part of an attempt. */
public final class PartResult {
    /** As SmsPartState in control.proto. The order is that of the journal's file: only append. */
    public enum State {
        /** SmsManager was called, and no result came. */
        UNKNOWN,
        /** It left the phone. */
        SENT,
        /** It did not; the code says why. */
        REFUSED,
        /** The operator reported its delivery. */
        DELIVERED,
        /** The operator gave up. */
        UNDELIVERABLE;

        /** Whether the operator says it, rather than the phone. */
        public boolean isDelivery() {
            return this == DELIVERED || this == UNDELIVERABLE;
        }
    }

    private final long attempt;
    private final int part;
    private final State state;
    private final int code;

    /**
     * A result.
     *
     * @param part from 0
     * @param code with REFUSED: as in Android's SmsManager; else 0
     */
    public PartResult(long attempt, int part, State state, int code) {
        this.attempt = attempt;
        this.part = part;
        this.state = state;
        this.code = code;
    }

    /** Of which attempt. */
    public long attempt() {
        return attempt;
    }

    /** Of which part, from 0. */
    public int part() {
        return part;
    }

    /** What. */
    public State state() {
        return state;
    }

    /** With REFUSED: why. */
    public int code() {
        return code;
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof PartResult)) {
            return false;
        }
        PartResult that = (PartResult) other;
        return attempt == that.attempt
                && part == that.part
                && state == that.state
                && code == that.code;
    }

    @Override
    public int hashCode() {
        return Objects.hash(attempt, part, state, code);
    }

    @Override
    public String toString() {
        return Long.toHexString(attempt) + "/" + part + " " + state + " " + code;
    }
}
