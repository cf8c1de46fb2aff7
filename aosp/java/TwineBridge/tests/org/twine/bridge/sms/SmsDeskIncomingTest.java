package org.twine.bridge.sms;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.Test;
import org.twine.bridge.durable.Disk;
import org.twine.control.v1.Report;

/** Incoming SMS: kept, then told, then forgotten. */
public class SmsDeskIncomingTest extends DeskFixture {
    @Test
    public void anIncomingSmsWaitsForTheDaemonAndThenGoes() throws Exception {
        daemonIsThere = false;
        desk().received(incoming("a1"));
        desk().received(incoming("a1"));
        daemonIsThere = true;
        SmsDesk desk = desk();
        desk.connected();
        desk.connected();
        assertEquals(2, told.size());
        Report report = told.get(0);
        assertEquals("a1", report.getSmsReceived().getSpoolId());
        assertEquals("habari 😀", report.getSmsReceived().getText());
        assertEquals("MPESA", report.getSmsReceived().getFrom());
        assertEquals("+254700000001", report.getSmsReceived().getTo());
        assertEquals(1, report.getSmsReceived().getSimSlot());
        desk.taken("a1");
        told.clear();
        desk.connected();
        desk().connected();
        assertTrue(told.isEmpty());
    }

    @Test
    public void aSpoolFileThatIsBrokenHarmsNoOther() throws Exception {
        desk().received(incoming("a1"));
        desk().received(incoming("a2"));
        Path file = folder.getRoot().toPath().resolve("a1.sms");
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length / 2] ^= 1;
        Files.write(file, bytes);
        told.clear();
        SmsDesk desk = desk();
        desk.connected();
        assertEquals(1, told.size());
        assertTrue(desk.summary(), desk.summary().contains("unreadable: 1"));
        assertTrue(Files.exists(file));
    }

    @Test
    public void anSmsThatTheDiskDoesNotTakeIsToldAndTriedOn() throws Exception {
        SmsDesk desk = desk(failingDisk());
        diskIsFull = true;
        assertThrows(IOException.class, () -> desk.received(incoming("a1")));
        assertEquals("a1", told.get(0).getSmsReceived().getSpoolId());
        assertEquals(1, triesWanted);
        assertFalse(desk.awaitKept(incoming("a1"), 1));
        desk.again();
        assertTrue(desk.summary(), desk.summary().contains("in memory only: 1"));
        diskIsFull = false;
        desk.again();
        assertTrue(desk.summary(), desk.summary().contains("in memory only: 0"));
        told.clear();
        desk().connected();
        assertEquals("a1", told.get(0).getSmsReceived().getSpoolId());
    }

    @Test
    public void anSmsThatTheDaemonTookIsKept() throws Exception {
        SmsDesk desk = desk(failingDisk());
        diskIsFull = true;
        assertThrows(IOException.class, () -> desk.received(incoming("a1")));
        FutureTask<Boolean> kept =
                new FutureTask<>(() -> desk.awaitKept(incoming("a1"), 3_600_000));
        Thread broadcast = new Thread(kept);
        broadcast.start();
        while (broadcast.getState() != Thread.State.TIMED_WAITING) {
            Thread.yield();
        }
        desk.taken("a1");
        assertTrue(kept.get(60, TimeUnit.SECONDS));
        assertTrue(desk.summary(), desk.summary().contains("in memory only: 0"));
    }

    @Test
    public void anSmsThatTheDiskTakesAfterAllIsKept() throws Exception {
        SmsDesk desk = desk(failingDisk());
        diskIsFull = true;
        assertThrows(IOException.class, () -> desk.received(incoming("a1")));
        diskIsFull = false;
        assertTrue(desk.awaitKept(incoming("a1"), 3_600_000));
        assertEquals(1, new IncomingSpool(new Disk(folder.getRoot().toPath())).size());
    }

    @Test
    public void aSpoolThatIsFullKeepsTheBroadcast() throws Exception {
        SmsDesk desk = desk();
        for (int i = 0; i < IncomingSpool.MAX_MESSAGES; i++) {
            desk.received(incoming("m" + i));
        }
        assertThrows(IOException.class, () -> desk.received(incoming("one more")));
    }
}
