package org.twine.jni;

/** A messaging app in a virtual machine of its own, which a test kills. */
final class Sender {
    static final int TEXTS = 40;

    private Sender() {}

    static String text(int i) {
        return "killed machine " + i;
    }

    public static void main(String[] arguments) throws Exception {
        try (App app = new App(arguments[0], "kill.jvm", false)) {
            for (int i = 0; i < TEXTS; i++) {
                // Tokens are as durable as the texts: a new start repeats none.
                app.sendSurely(Country.NUMBERS[1], text(i), "token " + i);
                System.out.println("sent-" + i + ".");
                if (i % 10 == 0) {
                    // The test looks for this word before it kills.
                    Thread.sleep(20);
                }
            }
        }
    }
}
