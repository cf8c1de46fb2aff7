package org.twine.bridge.phone;

import android.telephony.PhoneNumberUtils;
import android.telephony.SmsMessage;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.UUID;
import org.twine.bridge.sms.IncomingText;
import org.twine.control.v1.Sim;

/** Reads the PDUs of a broadcast. Hostile input: what is not readable is null, never a crash. */
public final class IncomingPdus {
    /** As many parts as a message can have. */
    private static final int MAX_PDUS = 255;

    private static final int ID_BYTES = 16;

    private IncomingPdus() {}

    /** All of them, or null if one cannot be read. */
    public static SmsMessage[] parse(byte[][] pdus, String format) {
        if (pdus == null || pdus.length == 0 || pdus.length > MAX_PDUS || format == null) {
            return null;
        }
        SmsMessage[] parts = new SmsMessage[pdus.length];
        for (int i = 0; i < pdus.length; i++) {
            try {
                parts[i] = SmsMessage.createFromPdu(pdus[i], format);
            } catch (RuntimeException e) {
                // The framework's parsers throw on some malformed PDUs.
                return null;
            }
            if (parts[i] == null || parts[i].getOriginatingAddress() == null) {
                return null;
            }
        }
        return parts;
    }

    /**
     * One SMS of its parts.
     *
     * @param sim the card it came by
     * @param homeCountry of that card, two letters: numbers are resolved by its plan
     */
    public static IncomingText text(
            SmsMessage[] parts, byte[][] pdus, Sim sim, String homeCountry) {
        StringBuilder text = new StringBuilder();
        for (SmsMessage part : parts) {
            String body = part.getDisplayMessageBody();
            text.append(body == null ? "" : body);
        }
        String from = parts[0].getDisplayOriginatingAddress();
        // 0: the framework cannot read the SCTS. Equal texts then have equal PDUs, and the second
        // is no repeat: what is delivered twice is shown twice rather than what was sent twice once.
        boolean isDated = parts[0].getTimestampMillis() > 0;
        return new IncomingText(
                spoolId(pdus, sim.getIccid(), isDated ? "" : UUID.randomUUID().toString()),
                sim.getSlot(),
                sim.getIccid(),
                sim.getNumber(),
                from,
                resolve(from, homeCountry),
                text.toString(),
                parts[0].getTimestampMillis());
    }

    /** E.164 with plus sign; empty: a name, a short code, or ambiguous (DELIVERY 27). */
    static String resolve(String from, String homeCountry) {
        if (from.startsWith("+")) {
            String digits = PhoneNumberUtils.normalizeNumber(from);
            return digits.length() >= 8 && digits.length() <= 16 ? digits : "";
        }
        if (!PhoneNumberUtils.isGlobalPhoneNumber(from) || homeCountry.isEmpty()) {
            return "";
        }
        String resolved = PhoneNumberUtils.formatNumberToE164(from, homeCountry);
        return resolved == null ? "" : resolved;
    }

    /**
     * The same PDUs on the same card have the same id, so that a repeat is recognised.
     *
     * @param arrival tells PDUs apart that are equal and no repeat; empty for all others
     */
    private static String spoolId(byte[][] pdus, String iccid, String arrival) {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Android has SHA-256", e);
        }
        digest.update(iccid.getBytes(StandardCharsets.US_ASCII));
        digest.update(arrival.getBytes(StandardCharsets.US_ASCII));
        for (byte[] pdu : pdus) {
            digest.update(ByteBuffer.allocate(4).putInt(pdu.length).array());
            digest.update(pdu);
        }
        StringBuilder id = new StringBuilder();
        byte[] hash = digest.digest();
        for (int i = 0; i < ID_BYTES; i++) {
            id.append(String.format("%02x", hash[i]));
        }
        return id.toString();
    }
}
