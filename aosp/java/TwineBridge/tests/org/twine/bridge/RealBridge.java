package org.twine.bridge;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.twine.jni.TwineConnection;

/** The application of tests with the real daemon: the whole bridge over the JNI library. */
public class RealBridge extends BridgeApplication {
    private static final int PATIENCE_SECONDS = 60;

    /** The daemon's side of the phone. */
    private Path phone;

    private Process daemon;
    private Bridge open;

    @Override
    Bridge open() {
        try {
            phone = Files.createTempDirectory("twine-phone");
            String socket = phone.resolve("twined.sock").toString();
            open = new Bridge(this, new Config(false, socket), TwineConnection::new);
            return open;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts the daemon, again perhaps, for this user's apps and agents. */
    public void startDaemon() throws Exception {
        startDaemonFor(Files.getAttribute(phone, "unix:uid"));
    }

    /** Starts one that serves another user only. */
    public void startDaemonFor(Object uid) throws Exception {
        Path certificates = phone.resolve("certificates");
        if (!Files.exists(certificates)) {
            new ProcessBuilder(
                            program("twine-gateway"),
                            "dev-cert",
                            "--out",
                            certificates.toString(),
                            "--name",
                            "gateway")
                    .start()
                    .waitFor();
        }
        Files.writeString(
                phone.resolve("twined.toml"),
                "data_dir = \"data\"\nsocket = \"twined.sock\"\n[roles]\n"
                        + String.format("app = [%s]\ntelephony = [%s]\n", uid, uid)
                        + "[gateway]\nhost = \"127.0.0.1\"\nserver_name = \"gateway\"\n"
                        + String.format("roots = [\"%s\"]\n", certificates.resolve("root.pem")));
        daemon =
                new ProcessBuilder(
                                program("twined"),
                                "--config",
                                phone.resolve("twined.toml").toString())
                        .redirectErrorStream(true)
                        .redirectOutput(
                                ProcessBuilder.Redirect.appendTo(
                                        phone.resolve("twined.log").toFile()))
                        .start();
    }

    /** Kills it, as the kernel does. */
    public void killDaemon() throws Exception {
        daemon.destroyForcibly();
        if (!daemon.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("the daemon does not die");
        }
    }

    private static String program(String name) {
        return new File(System.getProperty("twine.bin.dir"), name).getPath();
    }

    private static void deleteAll(File file) {
        File[] inside = file.listFiles();
        if (inside != null) {
            for (File one : inside) {
                deleteAll(one);
            }
        }
        file.delete();
    }

    @Override
    public void onTerminate() {
        open.close();
        if (daemon != null) {
            daemon.destroyForcibly();
        }
        deleteAll(phone.toFile());
        super.onTerminate();
    }
}
