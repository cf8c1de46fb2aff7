package org.twine.jni;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Something that the connection tells of by itself. */
public final class Notice {
    /** What kinds there are. */
    public enum Kind {
        /**
         * A connection is there; {@link #body} is the daemon's {@code Connected}. Subscriptions and
         * reports have to be made anew.
         */
        CONNECTED,
        /** {@link #body} is an {@code Event}. */
        EVENT,
        /** {@link #body} is an {@code Order} for the telephony agent. */
        ORDER,
        /**
         * The connection broke; a new one is being made. {@link #unknown} names the requests that
         * may or may not have been carried out.
         */
        LOST,
    }

    /* First byte of a notice: ControlType in control.proto; LOST in jni-bridge/src/exports.rs. */
    private static final int TYPE_CONNECTED = 2;
    private static final int TYPE_EVENT = 5;
    private static final int TYPE_ORDER = 7;

    private final Kind kind;
    private final byte[] body;
    private final int code;
    private final String message;
    private final long[] unknown;

    private Notice(Kind kind, byte[] body, int code, String message, long[] unknown) {
        this.kind = kind;
        this.body = body;
        this.code = code;
        this.message = message;
        this.unknown = unknown;
    }

    static Notice parse(byte[] bytes) {
        byte[] body = Arrays.copyOfRange(bytes, 1, bytes.length);
        switch (bytes[0]) {
            case TYPE_CONNECTED:
                return of(Kind.CONNECTED, body);
            case TYPE_EVENT:
                return of(Kind.EVENT, body);
            case TYPE_ORDER:
                return of(Kind.ORDER, body);
            default:
                return parseLost(body);
        }
    }

    private static Notice parseLost(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        int code = in.getInt();
        long[] unknown = new long[in.getInt()];
        for (int i = 0; i < unknown.length; i++) {
            unknown[i] = in.getLong();
        }
        String message = StandardCharsets.UTF_8.decode(in).toString();
        return lost(code, message, unknown);
    }

    /** One with a message. */
    public static Notice of(Kind kind, byte[] body) {
        return new Notice(kind, body, 0, "", new long[0]);
    }

    /** A break. */
    public static Notice lost(int code, String message, long... unknown) {
        return new Notice(Kind.LOST, new byte[0], code, message, unknown);
    }

    /** What it is. */
    public Kind kind() {
        return kind;
    }

    /** The protobuf message; empty with {@link Kind#LOST}. */
    public byte[] body() {
        return body;
    }

    /** With {@link Kind#LOST}: why, as in {@link TwineException}. */
    public int code() {
        return code;
    }

    /** With {@link Kind#LOST}: why, for people. */
    public String message() {
        return message;
    }

    /** With {@link Kind#LOST}: ids of requests whose result is not known. */
    public long[] unknown() {
        return unknown;
    }
}
