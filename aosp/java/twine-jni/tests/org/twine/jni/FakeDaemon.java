package org.twine.jni;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.twine.control.v1.Connect;
import org.twine.control.v1.Connected;
import org.twine.control.v1.Request;

/** A daemon that does what a test wants, for what the real one never does. */
final class FakeDaemon implements AutoCloseable {
    /* ControlType in control.proto. */
    static final int CONNECT = 1;
    static final int CONNECTED = 2;
    static final int REQUEST = 3;
    static final int REPLY = 4;
    static final int CLOSED = 9;

    /** Plays the daemon's part of one connection. */
    interface Part {
        void play(Peer peer) throws IOException;
    }

    /** The daemon's end of one connection. */
    static final class Peer {
        private final DataInputStream in;
        private final OutputStream out;

        Peer(SocketChannel channel) {
            in = new DataInputStream(Channels.newInputStream(channel));
            out = Channels.newOutputStream(channel);
        }

        /** The body of the next frame, which has to be of this type. */
        byte[] read(int type) throws IOException {
            int length = 0;
            int shift = 0;
            int next;
            do {
                next = in.readUnsignedByte();
                length |= (next & 0x7f) << shift;
                shift += 7;
            } while (next >= 0x80);
            int came = in.readUnsignedByte();
            if (came != type) {
                throw new IOException("a frame of type " + came + " instead of " + type);
            }
            return in.readNBytes(length - 1);
        }

        Request readRequest() throws IOException {
            return Request.parseFrom(read(REQUEST));
        }

        void write(int type, byte[] body) throws IOException {
            ByteArrayOutputStream frame = new ByteArrayOutputStream();
            int length = body.length + 1;
            while (length >= 0x80) {
                frame.write(length & 0x7f | 0x80);
                length >>>= 7;
            }
            frame.write(length);
            frame.write(type);
            frame.write(body);
            out.write(frame.toByteArray());
        }

        Connect greet(int version) throws IOException {
            Connect connect = Connect.parseFrom(read(CONNECT));
            write(CONNECTED, Connected.newBuilder().setVersion(version).build().toByteArray());
            return connect;
        }

        /** Waits until the client goes away. */
        void untilEnd() throws IOException {
            while (in.read() >= 0) {}
        }
    }

    private final Path directory = Files.createTempDirectory("twine-fake");
    private final ServerSocketChannel listener;
    private final Thread thread;
    private volatile Throwable failed;

    /** Each connection gets its part; then nobody listens any more. */
    FakeDaemon(Part... parts) throws IOException {
        listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        listener.bind(UnixDomainSocketAddress.of(socket()));
        thread =
                new Thread(
                        () -> {
                            for (Part part : parts) {
                                try (SocketChannel channel = listener.accept()) {
                                    part.play(new Peer(channel));
                                } catch (IOException e) {
                                    failed = e;
                                    return;
                                }
                            }
                        });
        thread.start();
    }

    String socket() {
        return directory.resolve("twined.sock").toString();
    }

    @Override
    public void close() throws Exception {
        thread.join(Programs.PATIENCE_MILLIS);
        listener.close();
        thread.join();
        Files.deleteIfExists(Path.of(socket()));
        Files.delete(directory);
        if (failed != null) {
            throw new AssertionError("the fake daemon failed", failed);
        }
    }
}
