package org.twine.jni;

import static org.junit.Assert.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import org.junit.Test;
import org.twine.control.v1.Connect;
import org.twine.control.v1.GetLinks;
import org.twine.control.v1.Reply;
import org.twine.control.v1.Request;
import org.twine.control.v1.Role;

/**
 * One request and its reply through virtual machine, JNI, socket and daemon, against the same
 * request written to the daemon's socket and read from it with nothing in between: blocks of both in
 * turn, median of each.
 */
public class RoundTripTest {
    private static final int BLOCKS = 40;
    private static final int PER_BLOCK = 100;
    private static final double MOST = 3.0;

    @Test
    public void theLibraryCostsAtMostThreeTimesABareSocket() throws Exception {
        try (Country country = Country.start()) {
            String socket = country.handsets.get(0).socket();
            try (App app = new App(socket, "round.trip", false);
                    SocketChannel bare = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
                byte[] request =
                        Request.newBuilder()
                                .setId(1)
                                .setLinks(GetLinks.getDefaultInstance())
                                .build()
                                .toByteArray();
                ByteBuffer in = ByteBuffer.allocateDirect(4096);
                Connect connect =
                        Connect.newBuilder()
                                .setVersion(1)
                                .setClient("bare")
                                .addRoles(Role.DIAGNOSTICS)
                                .build();
                exchange(bare, frame(FakeDaemon.CONNECT, connect.toByteArray()), in);
                ByteBuffer requestFrame = frame(FakeDaemon.REQUEST, request);
                // Both ways read the reply, as a caller has to.
                long[] library = new long[BLOCKS * PER_BLOCK];
                long[] socketOnly = new long[BLOCKS * PER_BLOCK];
                for (int block = -10; block < BLOCKS; block++) {
                    for (int i = 0; i < PER_BLOCK; i++) {
                        long begin = System.nanoTime();
                        Reply reply =
                                Reply.parseFrom(
                                        app.connection.request(
                                                request, (int) Programs.PATIENCE_MILLIS));
                        long end = System.nanoTime();
                        assertTrue(reply.hasLinks());
                        if (block >= 0) {
                            library[block * PER_BLOCK + i] = end - begin;
                        }
                    }
                    for (int i = 0; i < PER_BLOCK; i++) {
                        long begin = System.nanoTime();
                        exchange(bare, requestFrame, in);
                        in.position(2);
                        Reply reply = Reply.parseFrom(in);
                        long end = System.nanoTime();
                        assertTrue(reply.hasLinks());
                        if (block >= 0) {
                            socketOnly[block * PER_BLOCK + i] = end - begin;
                        }
                    }
                }
                double throughLibrary = median(library) / 1000.0;
                double throughSocket = median(socketOnly) / 1000.0;
                double ratio = throughLibrary / throughSocket;
                String figures =
                        String.format(
                                "round trip: library %.1f us, bare socket %.1f us, ratio %.2f",
                                throughLibrary, throughSocket, ratio);
                System.out.println(figures);
                assertTrue(figures, ratio <= MOST);
            }
        }
    }

    private static ByteBuffer frame(int type, byte[] body) {
        ByteArrayOutputStream frame = new ByteArrayOutputStream();
        frame.write(body.length + 1);
        frame.write(type);
        frame.writeBytes(body);
        ByteBuffer direct = ByteBuffer.allocateDirect(frame.size());
        direct.put(frame.toByteArray());
        return direct;
    }

    /** Writes a frame and reads one, of at most 127 bytes. */
    private static void exchange(SocketChannel channel, ByteBuffer frame, ByteBuffer in)
            throws IOException {
        frame.rewind();
        channel.write(frame);
        in.clear();
        do {
            if (channel.read(in) < 0) {
                throw new IOException("the daemon closed");
            }
        } while (in.position() <= in.get(0));
        if (in.get(0) < 0) {
            throw new IOException("longer than expected");
        }
        in.flip();
    }

    private static double median(long[] times) {
        long[] sorted = times.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
