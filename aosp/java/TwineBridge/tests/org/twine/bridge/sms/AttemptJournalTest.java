package org.twine.bridge.sms;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import org.junit.Test;
import org.twine.bridge.durable.Disk;
import org.twine.bridge.durable.RecordLog;
import org.twine.control.v1.SmsPartState;

/** What the journal keeps, forgets, and makes of what another version wrote. */
public class AttemptJournalTest extends DeskFixture {
    /* As in the file. */
    private static final byte BEGUN = 1;
    private static final byte RESULT = 2;
    private static final byte TAKEN = 4;

    @Test
    public void whatIsTakenIsKeptForTheOperatorsReportUntilThereIsNoRoom() throws Exception {
        SmsDesk desk = desk();
        desk.send(order(ATTEMPT, 1));
        desk.result(sent(0));
        desk.taken(taken(ATTEMPT, 0, SmsPartState.PART_SENT));
        told.clear();
        desk.result(new PartResult(ATTEMPT, 0, PartResult.State.DELIVERED, 0));
        assertEquals(List.of("0 PART_DELIVERED 0"), states());
        desk.taken(taken(ATTEMPT, 0, SmsPartState.PART_DELIVERED));
        // Ordered again all the same: not sent.
        called.clear();
        desk.send(order(ATTEMPT, 1));
        assertTrue(called.isEmpty());
        for (int i = 1; i <= AttemptJournal.MAX_TAKEN + 10; i++) {
            desk.send(order(i, 1));
            desk.result(new PartResult(i, 0, PartResult.State.SENT, 0));
            desk.taken(taken(i, 0, SmsPartState.PART_SENT));
        }
        AttemptJournal journal = new AttemptJournal(new Disk(folder.getRoot().toPath()));
        assertEquals(AttemptJournal.MAX_TAKEN, journal.size());
        assertEquals(0, journal.openCount());
        assertTrue(journal.results(ATTEMPT).isEmpty());
    }

    @Test
    public void aJournalThatGrewIsWrittenAnewAndLosesNothing() throws Exception {
        SmsDesk desk = desk();
        desk.send(order(ATTEMPT, 3));
        desk.result(sent(1));
        for (int i = 1; i <= 1500; i++) {
            desk.send(order(i, 1));
            desk.taken(taken(i, 0, SmsPartState.PART_UNKNOWN));
        }
        long bytes = Files.size(folder.getRoot().toPath().resolve("attempts.log"));
        int most = new AttemptJournal(new Disk(folder.getRoot().toPath())).compactAboveBytes();
        assertTrue(bytes + " bytes", bytes <= most + 64);
        told.clear();
        called.clear();
        desk().send(order(ATTEMPT, 3));
        assertEquals(
                List.of("0 PART_UNKNOWN 0", "1 PART_SENT 0", "2 PART_UNKNOWN 0"), states());
        assertTrue(called.isEmpty());
    }

    /** What came of an attempt, and what did not. */
    private List<String> orderedAgain(SmsDesk desk, long attempt, int parts) {
        told.clear();
        called.clear();
        desk.send(order(attempt, parts));
        assertTrue("sent a second time", called.isEmpty());
        return states();
    }

    @Test
    public void resultsThatNeverComeKeepNothingFromBeingSent() throws Exception {
        SmsDesk desk = desk();
        // The oldest has something to tell that the daemon has not taken.
        desk.send(order(ATTEMPT, 2));
        desk.result(sent(0));
        for (int i = 1; i < AttemptJournal.MAX_OPEN; i++) {
            desk.send(order(i, 1));
        }
        called.clear();
        told.clear();
        desk.send(order(1_001, 1));
        desk.send(order(1_002, 1));
        assertEquals(2, called.size());
        assertTrue(states().toString(), told.isEmpty());
        // Of the others the oldest were given up; the next is awaited.
        assertEquals(List.of("0 PART_UNKNOWN 0"), orderedAgain(desk, 1, 1));
        assertEquals(List.of("0 PART_UNKNOWN 0"), orderedAgain(desk, 2, 1));
        assertEquals(List.of(), orderedAgain(desk, 3, 1));
        assertEquals(AttemptJournal.MAX_OPEN, journal().openCount());
        // Also after a restart, and after the file was written anew.
        desk = desk();
        desk.connected();
        assertEquals(List.of("0 PART_UNKNOWN 0"), orderedAgain(desk, 1, 1));
        writeAnew();
        desk = desk();
        desk.connected();
        assertEquals(List.of("0 PART_UNKNOWN 0"), orderedAgain(desk, 2, 1));
        assertEquals(
                List.of("0 PART_SENT 0", "1 PART_UNKNOWN 0"), orderedAgain(desk, ATTEMPT, 2));
    }

    @Test
    public void whatIsGivenUpIsTheLastToBeForgotten() throws Exception {
        SmsDesk desk = desk();
        desk.send(order(ATTEMPT, 1));
        for (int i = 1; i <= AttemptJournal.MAX_TAKEN; i++) {
            desk.send(order(i, 1));
            desk.taken(taken(i, 0, SmsPartState.PART_UNKNOWN));
        }
        for (int i = 1; i < AttemptJournal.MAX_OPEN; i++) {
            desk.send(order(1_000 + i, 1));
        }
        assertEquals(List.of(), orderedAgain(desk, ATTEMPT, 1));
        // Each gives one up; the oldest that was taken before is forgotten.
        for (int i = 0; i < AttemptJournal.MAX_TAKEN; i++) {
            desk.send(order(2_000 + i, 1));
        }
        assertEquals(List.of("0 PART_UNKNOWN 0"), orderedAgain(desk(), ATTEMPT, 1));
        assertEquals(AttemptJournal.MAX_OPEN, journal().openCount());
        assertEquals(AttemptJournal.MAX_OPEN + AttemptJournal.MAX_TAKEN, journal().size());
    }

    @Test
    public void aResultThatComesAfterItsAttemptWasGivenUpIsTold() throws Exception {
        SmsDesk desk = desk();
        desk.send(order(ATTEMPT, 2));
        for (int i = 1; i <= AttemptJournal.MAX_OPEN; i++) {
            desk.send(order(i, 1));
        }
        desk = desk();
        told.clear();
        desk.result(sent(1));
        assertEquals(List.of("1 PART_SENT 0"), states());
        told.clear();
        desk().connected();
        assertEquals(List.of("1 PART_SENT 0"), states());
        desk.taken(taken(ATTEMPT, 1, SmsPartState.PART_SENT));
        assertEquals(AttemptJournal.MAX_OPEN, journal().openCount());
    }

    private AttemptJournal journal() throws IOException {
        return new AttemptJournal(new Disk(folder.getRoot().toPath()));
    }

    private RecordLog file() throws IOException {
        return new RecordLog(new Disk(folder.getRoot().toPath()), "attempts.log");
    }

    /** A record of what is known here, but with another state than there is. */
    private static byte[] foreign(int kind, int part, int state) {
        return ByteBuffer.allocate(18)
                .put((byte) kind)
                .putLong(ATTEMPT)
                .putInt(part)
                .put((byte) state)
                .putInt(0)
                .array();
    }

    @Test
    public void whatANewerVersionWroteIsSkippedAndKept() throws Exception {
        SmsDesk desk = desk();
        desk.send(order(ATTEMPT, 3));
        desk.result(sent(0));
        List<byte[]> written =
                List.of(
                        foreign(RESULT, 1, 77),
                        foreign(RESULT, 1, 0x80),
                        foreign(TAKEN, 1, 77),
                        foreign(99, 2, 0),
                        // Cut off by nobody: its checksum is right.
                        Arrays.copyOf(foreign(RESULT, 2, 1), 11));
        RecordLog file = file();
        for (byte[] record : written) {
            file.append(record);
        }
        // Of no attempt that is known, and of none at all.
        file.append(new byte[] {99});
        file.append(new byte[0]);
        file.append(ByteBuffer.allocate(9).put((byte) 99).putLong(5).array());
        file.append(ByteBuffer.allocate(13).put(BEGUN).putLong(6).putInt(-1).array());

        // Never sent again, and what is known is told.
        called.clear();
        told.clear();
        desk = desk();
        desk.send(order(ATTEMPT, 3));
        assertTrue(called.isEmpty());
        assertEquals(
                List.of("0 PART_SENT 0", "1 PART_UNKNOWN 0", "2 PART_UNKNOWN 0"), states());
        // A later result is news.
        told.clear();
        desk.result(sent(1));
        assertEquals(List.of("1 PART_SENT 0"), states());

        // Written anew, for the next upgrade.
        writeAnew();
        assertEquals(written.size(), found(written));
        desk = desk();
        // Forgotten with its attempt.
        for (int part = 0; part < 3; part++) {
            desk.result(sent(part));
            desk.taken(taken(ATTEMPT, part, SmsPartState.PART_SENT));
        }
        for (int i = 1; i <= AttemptJournal.MAX_TAKEN; i++) {
            desk.send(order(i, 1));
            desk.taken(taken(i, 0, SmsPartState.PART_UNKNOWN));
        }
        writeAnew();
        assertEquals(0, found(written));
    }

    /** As after a write that failed. */
    private void writeAnew() throws IOException {
        SmsDesk failing = desk(failingDisk());
        diskIsFull = true;
        failing.send(order(5_000, 1));
        diskIsFull = false;
        failing.send(order(5_000, 1));
        failing.taken(taken(5_000, 0, SmsPartState.PART_UNKNOWN));
    }

    private long found(List<byte[]> records) throws IOException {
        List<byte[]> all = file().found();
        return records.stream()
                .filter(one -> all.stream().anyMatch(record -> Arrays.equals(one, record)))
                .count();
    }

    @Test
    public void whatTheDaemonTookInANewerVersionsWordsTakesNoRoomForEver() throws Exception {
        desk().send(order(ATTEMPT, 1));
        assertEquals(1, journal().openCount());
        file().append(foreign(TAKEN, 0, 77));
        assertEquals(0, journal().openCount());
    }
}
