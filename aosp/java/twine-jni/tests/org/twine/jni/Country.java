package org.twine.jni;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.twine.control.v1.GetStatus;
import org.twine.control.v1.IdentityStatus;
import org.twine.control.v1.Link;
import org.twine.control.v1.LinkKind;
import org.twine.control.v1.Register;
import org.twine.control.v1.Report;
import org.twine.control.v1.Request;
import org.twine.control.v1.Sim;
import org.twine.control.v1.Status;
import org.twine.control.v1.TelephonyState;

/** A gateway and handsets, all real processes. */
final class Country implements AutoCloseable {
    static final String[] NUMBERS = {"+254712345678", "+2348031234567"};

    final List<Handset> handsets = new ArrayList<>();
    private final Path directory;
    private Process gateway;

    /** One phone: its daemon and the telephony agent that tells it of a link. */
    final class Handset implements AutoCloseable {
        final String number;
        final Path directory;
        private final String config;
        private Process daemon;
        private TwineConnection agent;
        private Thread agentThread;

        Handset(String number, Path directory, String gatewayConfig) throws IOException {
            this.number = number;
            this.directory = Files.createDirectories(directory);
            Object uid = Files.getAttribute(directory, "unix:uid");
            config = directory.resolve("twined.toml").toString();
            Files.writeString(
                    Path.of(config),
                    "data_dir = \"data\"\nsocket = \"twined.sock\"\n[roles]\n"
                            + String.format("app = [%s]\ntelephony = [%s]\n", uid, uid)
                            + String.format("diagnostics = [%s]\n[gateway]\n", uid)
                            + "host = \"127.0.0.1\"\n"
                            + gatewayConfig);
        }

        String socket() {
            return directory.resolve("twined.sock").toString();
        }

        /** Starts the daemon. A client that connects waits for it by itself. */
        void startDaemon() throws IOException {
            daemon =
                    Programs.start(
                            directory.resolve("twined.log"),
                            Programs.program("twined"),
                            "--config",
                            config);
        }

        void killDaemon() throws InterruptedException {
            Programs.kill(daemon);
        }

        /** Tells the daemon of a card and a link, again after each break. */
        void startAgent() throws TwineException {
            agent = new TwineConnection(socket(), "test.agent", TwineConnection.ROLE_TELEPHONY);
            byte[] report =
                    Report.newBuilder()
                            .setState(
                                    TelephonyState.newBuilder()
                                            .addSims(
                                                    Sim.newBuilder()
                                                            .setIccid("8925402000000000001")
                                                            .setReady(true))
                                            .addLinks(
                                                    Link.newBuilder()
                                                            .setId("wlan0")
                                                            .setKind(LinkKind.WIFI)
                                                            .setUp(true)
                                                            .setValidated(true)
                                                            .setNetwork("test")
                                                            .setSourceAddress("127.0.0.1")))
                            .build()
                            .toByteArray();
            agentThread =
                    new Thread(
                            () -> {
                                try {
                                    while (true) {
                                        Notice notice = agent.next(Integer.MAX_VALUE);
                                        if (notice.kind() == Notice.Kind.CONNECTED) {
                                            report(report);
                                        }
                                    }
                                } catch (TwineException e) {
                                    // Closed.
                                }
                            });
            agentThread.start();
        }

        private void report(byte[] report) throws TwineException {
            try {
                agent.report(report);
            } catch (TwineException e) {
                // It broke again: the next connection gets it.
                if (e.code() == TwineException.CLOSED) {
                    throw e;
                }
            }
        }

        @Override
        public void close() throws InterruptedException {
            if (agent != null) {
                agent.close();
                agentThread.join();
            }
            if (daemon != null) {
                Programs.kill(daemon);
            }
        }
    }

    /** A gateway and two registered handsets. */
    static Country start() throws IOException, InterruptedException {
        Country country = new Country();
        try {
            country.startAll();
        } catch (IOException | InterruptedException | AssertionError e) {
            country.close();
            throw e;
        }
        return country;
    }

    private Country() throws IOException {
        directory = Files.createTempDirectory("twine-jvm");
    }

    private void startAll() throws IOException, InterruptedException {
        String gatewayProgram = Programs.program("twine-gateway");
        Path certificates = directory.resolve("certificates");
        Programs.run(
                gatewayProgram, "dev-cert", "--out", certificates.toString(), "--name", "gateway");
        Path config = directory.resolve("gateway.toml");
        Files.writeString(
                config,
                "data_dir = \"gateway-data\"\nlisten_quic = \"127.0.0.1:0\"\n"
                        + "listen_tls = \"127.0.0.1:0\"\n"
                        + "cert = \"certificates/server.pem\"\nkey = \"certificates/server.key\"\n");
        Path ready = directory.resolve("ready");
        gateway =
                Programs.start(
                        directory.resolve("gateway.log"),
                        gatewayProgram,
                        "serve",
                        "--config",
                        config.toString(),
                        "--ready-file",
                        ready.toString());
        String gatewayConfig =
                String.format(
                        "port_quic = %s\nport_tls = %s\nserver_name = \"gateway\"\nroots = [\"%s\"]\n",
                        port(Programs.wordAfter(ready, "quic=")),
                        port(Programs.wordAfter(ready, "tls=")),
                        certificates.resolve("root.pem"));
        for (String number : NUMBERS) {
            Path folder = Files.createDirectories(directory.resolve(number.substring(1)));
            Handset handset = new Handset(number, folder, gatewayConfig);
            handsets.add(handset);
            handset.startDaemon();
            handset.startAgent();
            register(handset, config);
        }
    }

    private void register(Handset handset, Path gatewayConfig)
            throws IOException, InterruptedException {
        try (App setup = new App(handset.socket(), "test.setup", false)) {
            Request.Builder ask = Request.newBuilder().setStatus(GetStatus.getDefaultInstance());
            Status status = setup.ask(ask).getStatus();
            Programs.run(
                    Programs.program("twine-gateway"),
                    "provision",
                    "--config",
                    gatewayConfig.toString(),
                    "--number",
                    handset.number,
                    "--key",
                    status.getDeviceKey());
            setup.ask(
                    Request.newBuilder()
                            .setRegister(
                                    Register.newBuilder()
                                            .setNumber(handset.number)
                                            .setConsent(true)));
            Programs.until("a granted number", () -> granted(setup));
        }
    }

    private static boolean granted(App setup) {
        try {
            Request.Builder ask = Request.newBuilder().setStatus(GetStatus.getDefaultInstance());
            Status status = setup.ask(ask).getStatus();
            return status.getIdentitiesList().stream()
                    .map(IdentityStatus::getState)
                    .anyMatch("active"::equals);
        } catch (TwineException e) {
            throw new AssertionError(e);
        }
    }

    private static String port(String address) {
        return address.substring(address.lastIndexOf(':') + 1);
    }

    @Override
    public void close() throws IOException, InterruptedException {
        for (Handset handset : handsets) {
            handset.close();
        }
        if (gateway != null) {
            Programs.kill(gateway);
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : (Iterable<Path>) files.sorted(Comparator.reverseOrder())::iterator) {
                Files.delete(file);
            }
        }
    }
}
