package org.twine.bridge.sms;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.zip.CRC32;

/** A whole SMS that came in. */
public final class IncomingText {
    private static final int VERSION = 2;

    /** Names it: the same SMS has the same id whenever it is read from its PDUs. */
    public final String spoolId;

    /** Slot it came by. */
    public final int simSlot;

    /** Card it came by; empty: not known. */
    public final String iccid;

    /** Number of that card in E.164, as it told it then; empty: it told none. */
    public final String to;

    /** The originator as it came. */
    public final String from;

    /** The originator in E.164; empty: not a number, or ambiguous. */
    public final String fromE164;

    /** What it says. */
    public final String text;

    /** The operator's clock, milliseconds since 1970. */
    public final long sctsMillis;

    /** All of it. */
    public IncomingText(
            String spoolId,
            int simSlot,
            String iccid,
            String to,
            String from,
            String fromE164,
            String text,
            long sctsMillis) {
        this.spoolId = Objects.requireNonNull(spoolId);
        this.simSlot = simSlot;
        this.iccid = Objects.requireNonNull(iccid);
        this.to = Objects.requireNonNull(to);
        this.from = Objects.requireNonNull(from);
        this.fromE164 = Objects.requireNonNull(fromE164);
        this.text = Objects.requireNonNull(text);
        this.sctsMillis = sctsMillis;
    }

    /** Without number and text: this may reach a log. */
    @Override
    public String toString() {
        return "sms " + spoolId + " by slot " + simSlot;
    }

    byte[] encode() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeByte(VERSION);
            out.writeUTF(spoolId);
            out.writeInt(simSlot);
            out.writeUTF(iccid);
            out.writeUTF(to);
            out.writeUTF(from);
            out.writeUTF(fromE164);
            // A text of 255 parts is longer than writeUTF takes at once.
            byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
            out.writeInt(utf8.length);
            out.write(utf8);
            out.writeLong(sctsMillis);
            out.flush();
            out.writeInt(crcOf(bytes.toByteArray(), bytes.size()));
        }
        return bytes.toByteArray();
    }

    static IncomingText decode(byte[] bytes) throws IOException {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            int version = in.readUnsignedByte();
            if (version < 1 || version > VERSION) {
                throw new IOException("a spooled SMS of version " + version);
            }
            String spoolId = in.readUTF();
            int simSlot = in.readInt();
            String iccid = in.readUTF();
            String to = version == 1 ? "" : in.readUTF();
            String from = in.readUTF();
            String fromE164 = in.readUTF();
            int length = in.readInt();
            if (length < 0 || length > in.available()) {
                throw new IOException("a spooled SMS with a text of " + length + " bytes");
            }
            String text =
                    new String(in.readNBytes(length), StandardCharsets.UTF_8);
            long sctsMillis = in.readLong();
            int checked = bytes.length - in.available();
            if (in.readInt() != crcOf(bytes, checked)) {
                throw new IOException("a spooled SMS with a wrong checksum");
            }
            return new IncomingText(spoolId, simSlot, iccid, to, from, fromE164, text, sctsMillis);
        }
    }

    private static int crcOf(byte[] bytes, int length) {
        CRC32 crc = new CRC32();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }
}
