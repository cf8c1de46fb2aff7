package org.twine.jni;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.AfterClass;
import org.junit.BeforeClass;
import org.junit.Test;
import org.twine.control.v1.GetHistory;
import org.twine.control.v1.Messages;
import org.twine.control.v1.Request;
import org.twine.control.v1.Sent;

/** Two handsets, whatever is killed on the way. */
public class MessagesTest {
    private static Country country;

    @BeforeClass
    public static void start() throws Exception {
        country = Country.start();
    }

    @AfterClass
    public static void stop() throws Exception {
        if (country != null) {
            country.close();
        }
    }

    private static App app(int handset, String name) throws TwineException {
        return new App(country.handsets.get(handset).socket(), name, true);
    }

    @Test
    public void oneTextEachWay() throws Exception {
        try (App amina = app(0, "each.way");
                App bello = app(1, "each.way")) {
            Sent sent = amina.send(Country.NUMBERS[1], "Habari ya asubuhi!", "a1");
            assertFalse(sent.getRepeated());
            assertEquals("Habari ya asubuhi!", nextText(bello));
            bello.send(Country.NUMBERS[0], "Na gode 😀 ሰላም", "b1");
            assertEquals("Na gode 😀 ሰላም", nextText(amina));
            assertTrue(amina.send(Country.NUMBERS[1], "Habari ya asubuhi!", "a1").getRepeated());
        }
    }

    @Test
    public void everyTextArrivesOnceThoughTheDaemonIsKilled() throws Exception {
        List<String> wanted = new ArrayList<>();
        try (App amina = app(0, "kill.daemon");
                App bello = app(1, "kill.daemon")) {
            for (int i = 0; i < 30; i++) {
                if (i % 10 == 5) {
                    country.handsets.get(i % 20 / 10).killDaemon();
                    country.handsets.get(i % 20 / 10).startDaemon();
                }
                String text = "killed daemon " + i;
                wanted.add(text);
                amina.sendSurely(Country.NUMBERS[1], text, text);
            }
            assertEquals(wanted, texts(bello, "killed daemon ", wanted.size()));
            assertEquals(wanted.size(), inHistory(bello, "killed daemon "));
            // Three breaks in all, two of them of this one.
            assertTrue(amina.losses.size() >= 1);
        }
    }

    @Test
    public void everyTextArrivesOnceThoughTheVirtualMachineIsKilled() throws Exception {
        List<String> wanted = new ArrayList<>();
        for (int i = 0; i < Sender.TEXTS; i++) {
            wanted.add(Sender.text(i));
        }
        Path log = Files.createTempFile("twine-sender", ".log");
        try (App bello = app(1, "kill.jvm")) {
            for (int kill = 1; kill <= 3; kill++) {
                Process sender = startSender(log);
                Programs.wordAfter(log, "sent-" + kill * 10 + ".");
                Programs.kill(sender);
            }
            Process last = startSender(log);
            assertTrue(last.waitFor(Programs.PATIENCE_MILLIS, TimeUnit.MILLISECONDS));
            assertEquals(Files.readString(log), 0, last.exitValue());
            assertEquals(wanted, texts(bello, "killed machine ", wanted.size()));
            assertEquals(wanted.size(), inHistory(bello, "killed machine "));
        }
        Files.delete(log);
    }

    private static Process startSender(Path log) throws Exception {
        return Programs.start(
                log,
                new File(System.getProperty("java.home"), "bin/java").getPath(),
                "-Djava.library.path=" + System.getProperty("java.library.path"),
                "-cp",
                System.getProperty("java.class.path"),
                Sender.class.getName(),
                country.handsets.get(0).socket());
    }

    /** The next text of another test is not meant. */
    private static String nextText(App app) throws Exception {
        while (true) {
            String text = app.received().getText();
            if (!text.startsWith("killed ")) {
                return text;
            }
        }
    }

    /** How many messages of the whole conversation begin so: none may be there twice. */
    private static long inHistory(App app, String prefix) throws Exception {
        GetHistory page =
                GetHistory.newBuilder()
                        .setOwn(Country.NUMBERS[1])
                        .setPeer(Country.NUMBERS[0])
                        .setLimit(200)
                        .build();
        Messages messages = app.ask(Request.newBuilder().setHistory(page)).getMessages();
        assertFalse("more than a page", messages.getMore());
        return messages.getMessagesList().stream()
                .filter(message -> message.getText().startsWith(prefix))
                .count();
    }

    private static List<String> texts(App app, String prefix, int count) throws Exception {
        List<String> texts = new ArrayList<>();
        while (texts.size() < count) {
            String text = app.received().getText();
            if (text.startsWith(prefix)) {
                texts.add(text);
            }
        }
        return texts;
    }
}
