package org.twine.bridge.phone;

/** PDUs of 3GPP TS 23.040. */
final class Pdus {
    /** 9.2.2.1: SMS-DELIVER from +254712345678, "habari". */
    private static final String DELIVER =
            "00" // no service centre
                    + "04" // SMS-DELIVER, no more messages
                    + "0c91" + "527421436587" // +254712345678, digits swapped
                    + "0000" // PID, 7 bit
                    + "42108011223300" // 24-01-08 11:22:33
                    + "06" + "e8b0382c4f03";

    private Pdus() {}

    /** SMS-STATUS-REPORT, 9.2.2.3. */
    static byte[] statusReport(int status) {
        return hex("00" + "06" + "11" + "0c91" + "527421436587" + "42108011223300"
                + "42108011223300" + String.format("%02x", status));
    }

    /** The same whose SCTS is no time. */
    static byte[] undated() {
        return hex(DELIVER.replace("42108011223300", "ffffffffffffff"));
    }

    /** An SMS-DELIVER. */
    static byte[] deliver() {
        return hex(DELIVER);
    }

    private static byte[] hex(String digits) {
        byte[] bytes = new byte[digits.length() / 2];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) Integer.parseInt(digits.substring(2 * i, 2 * i + 2), 16);
        }
        return bytes;
    }
}
