package org.twine.bridge.sms;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.twine.bridge.durable.CrashingDisk;
import org.twine.bridge.durable.CrashingDisk.Crash;
import org.twine.bridge.durable.Disk;
import org.twine.control.v1.Report;
import org.twine.control.v1.SendSms;
import org.twine.control.v1.SmsPartState;
import org.twine.control.v1.SmsPartTaken;

/** The order of things: written, then done, then told; and a crash between any two. */
public class SmsDeskTest {
    private static final long ATTEMPT = 0xfedc_ba98_7654_3210L;

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private final List<Report> told = new ArrayList<>();
    private final List<SendSms> called = new ArrayList<>();
    private final List<String> logged = new ArrayList<>();
    private boolean daemonIsThere = true;
    private int room = Integer.MAX_VALUE;
    private int triesWanted;
    private volatile boolean diskIsFull;
    private SmsDesk.Caller phone = called::add;

    @Before
    public void clear() {
        told.clear();
    }

    private SmsDesk desk(Disk disk) throws IOException {
        return new SmsDesk(
                new AttemptJournal(disk),
                new IncomingSpool(disk),
                order -> phone.send(order),
                this::tell,
                () -> triesWanted++,
                logged::add);
    }

    private SmsDesk desk() throws IOException {
        return desk(new Disk(folder.getRoot().toPath()));
    }

    private boolean tell(Report report) {
        if (!daemonIsThere || told.size() >= room) {
            return false;
        }
        told.add(report);
        return true;
    }

    private static SendSms order(long attempt, int parts) {
        SendSms.Builder order =
                SendSms.newBuilder().setAttempt(attempt).setTo("+254712345678").setIccid("89254");
        for (int part = 0; part < parts; part++) {
            order.addParts("part " + part);
        }
        return order.build();
    }

    private static PartResult sent(int part) {
        return new PartResult(ATTEMPT, part, PartResult.State.SENT, 0);
    }

    private static SmsPartTaken taken(long attempt, int part, SmsPartState state) {
        return SmsPartTaken.newBuilder()
                .setAttempt(attempt)
                .setPart(part)
                .setState(state)
                .build();
    }

    private static IncomingText incoming(String id) {
        return new IncomingText(id, 1, "89254", "MPESA", "", "habari 😀", 1_700_000_000_000L);
    }

    private List<String> states() {
        return told.stream()
                .map(
                        report ->
                                report.getSmsPart().getPart()
                                        + " "
                                        + report.getSmsPart().getState()
                                        + " "
                                        + report.getSmsPart().getCode())
                .collect(Collectors.toList());
    }

    @Test
    public void anAttemptIsSentOnceHoweverOftenItIsOrdered() throws Exception {
        SmsDesk desk = desk();
        desk.send(order(ATTEMPT, 2));
        assertEquals(1, called.size());
        assertTrue(told.isEmpty());
        desk.result(sent(0));
        desk.result(sent(0));
        assertEquals(List.of("0 PART_SENT 0"), states());
        told.clear();
        desk.send(order(ATTEMPT, 2));
        assertEquals(1, called.size());
        assertEquals(List.of("0 PART_SENT 0", "1 PART_UNKNOWN 0"), states());
    }

    @Test
    public void whatTheOperatorReportsIsToldBesideWhatThePhoneSaid() throws Exception {
        SmsDesk desk = desk();
        desk.send(order(ATTEMPT, 1));
        // The report may overtake the result.
        desk.result(new PartResult(ATTEMPT, 0, PartResult.State.DELIVERED, 0));
        desk.result(sent(0));
        told.clear();
        desk().send(order(ATTEMPT, 1));
        assertEquals(List.of("0 PART_SENT 0", "0 PART_DELIVERED 0"), states());
    }

    @Test
    public void aResultThatComesAfterUnknownWasToldIsToldToo() throws Exception {
        desk().send(order(ATTEMPT, 1));
        SmsDesk desk = desk();
        desk.send(order(ATTEMPT, 1));
        desk.result(new PartResult(ATTEMPT, 0, PartResult.State.REFUSED, 4));
        assertEquals(List.of("0 PART_UNKNOWN 0", "0 PART_REFUSED 4"), states());
    }

    @Test
    public void resultsOfNoPartAreIgnored() throws Exception {
        SmsDesk desk = desk();
        desk.result(sent(0));
        desk.send(order(ATTEMPT, 1));
        desk.result(sent(1));
        desk.result(sent(-1));
        assertTrue(told.isEmpty());
    }

    @Test
    public void aResultIsToldAtEachConnectionUntilItIsTaken() throws Exception {
        SmsDesk desk = desk();
        desk.send(order(ATTEMPT, 2));
        desk.result(sent(0));
        told.clear();
        desk.connected();
        assertEquals(List.of("0 PART_SENT 0"), states());
        desk.taken(taken(ATTEMPT, 0, SmsPartState.PART_SENT));
        told.clear();
        desk.connected();
        assertTrue(told.isEmpty());
        // Also after a restart; what is taken of one part or state is so of no other.
        desk = desk();
        desk.result(sent(1));
        desk.result(new PartResult(ATTEMPT, 0, PartResult.State.DELIVERED, 0));
        desk.taken(taken(ATTEMPT, 1, SmsPartState.PART_REFUSED));
        told.clear();
        desk = desk();
        desk.connected();
        assertEquals(List.of("0 PART_DELIVERED 0", "1 PART_SENT 0"), states());
    }

    @Test
    public void whatWasTakenIsAnotherResult() throws Exception {
        desk().send(order(ATTEMPT, 1));
        SmsDesk desk = desk();
        // Ordered again: unknown, and taken as that after the result has come.
        desk.send(order(ATTEMPT, 1));
        desk.result(new PartResult(ATTEMPT, 0, PartResult.State.REFUSED, 4));
        desk.taken(taken(ATTEMPT, 0, SmsPartState.PART_UNKNOWN));
        desk.taken(taken(ATTEMPT, 0, SmsPartState.SMS_PART_STATE_UNSPECIFIED));
        told.clear();
        desk.connected();
        assertEquals(List.of("0 PART_REFUSED 4"), states());
        // Taken as unknown, and then a result comes all the same.
        desk.send(order(7, 1));
        desk.send(order(7, 1));
        desk.taken(taken(7, 0, SmsPartState.PART_UNKNOWN));
        told.clear();
        desk.result(new PartResult(7, 0, PartResult.State.SENT, 0));
        assertEquals(List.of("0 PART_SENT 0"), states());
    }

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

    /** A disk that takes nothing while it is full. */
    private Disk failingDisk() throws IOException {
        return new Disk(folder.getRoot().toPath()) {
            @Override
            protected void reached() throws IOException {
                if (diskIsFull) {
                    throw new IOException("no space left");
                }
            }
        };
    }

    @Test
    public void aResultThatTheDiskDoesNotTakeIsToldWhenItDoes() throws Exception {
        SmsDesk desk = desk(failingDisk());
        desk.send(order(ATTEMPT, 1));
        diskIsFull = true;
        desk.result(sent(0));
        assertTrue("told before it was written", told.isEmpty());
        assertEquals(1, triesWanted);
        desk.again();
        assertEquals(2, triesWanted);
        assertTrue(told.isEmpty());
        // Ordered again: that it is not known is the truth on the disk.
        desk.send(order(ATTEMPT, 1));
        assertEquals(List.of("0 PART_UNKNOWN 0"), states());
        assertEquals(1, called.size());
        diskIsFull = false;
        told.clear();
        desk.again();
        assertEquals(2, triesWanted);
        assertEquals(List.of("0 PART_SENT 0"), states());
        // And it is there after a restart.
        told.clear();
        desk().connected();
        assertEquals(List.of("0 PART_SENT 0"), states());
    }

    @Test
    public void whatIsTakenAndNotWrittenIsToldOnceMoreAndNeverSentAgain() throws Exception {
        SmsDesk desk = desk(failingDisk());
        desk.send(order(ATTEMPT, 1));
        desk.result(sent(0));
        diskIsFull = true;
        desk.taken(taken(ATTEMPT, 0, SmsPartState.PART_SENT));
        desk.send(order(ATTEMPT, 1));
        assertEquals(1, called.size());
        diskIsFull = false;
        told.clear();
        desk.connected();
        assertEquals(List.of("0 PART_SENT 0"), states());
        desk.taken(taken(ATTEMPT, 0, SmsPartState.PART_SENT));
        told.clear();
        desk.connected();
        assertTrue(told.isEmpty());
    }

    @Test
    public void anAttemptThatIsNotWrittenIsRefusedAndMayBeOrderedAgain() throws Exception {
        SmsDesk desk = desk(failingDisk());
        diskIsFull = true;
        desk.send(order(ATTEMPT, 1));
        assertTrue("sent without a journal", called.isEmpty());
        assertEquals(List.of("0 PART_REFUSED 13"), states());
        diskIsFull = false;
        desk.send(order(ATTEMPT, 1));
        assertEquals(1, called.size());
    }

    @Test
    public void whatHasNoRoomIsToldWhenThereIsSome() throws Exception {
        SmsDesk desk = desk();
        desk.send(order(ATTEMPT, 3));
        room = 1;
        desk.result(sent(0));
        desk.result(sent(1));
        desk.received(incoming("a1"));
        assertEquals(List.of("0 PART_SENT 0"), states());
        told.clear();
        desk.roomToTell();
        assertEquals(List.of("1 PART_SENT 0"), states());
        told.clear();
        desk.roomToTell();
        assertEquals("a1", told.get(0).getSmsReceived().getSpoolId());
        told.clear();
        desk.roomToTell();
        assertTrue("told twice on one connection", told.isEmpty());
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
    public void whatThePhoneRefusesAtOnceIsWrittenAndTold() throws Exception {
        phone =
                order -> {
                    throw new SmsDesk.NotSentException(11, "no such card");
                };
        desk().send(order(ATTEMPT, 2));
        assertEquals(List.of("0 PART_REFUSED 11", "1 PART_REFUSED 11"), states());
        told.clear();
        phone = called::add;
        desk().send(order(ATTEMPT, 2));
        assertEquals(List.of("0 PART_REFUSED 11", "1 PART_REFUSED 11"), states());
        assertTrue(called.isEmpty());
    }

    @Test
    public void ifItIsNotKnownWhetherThePhoneTookItThatIsTold() throws Exception {
        phone =
                order -> {
                    called.add(order);
                    throw new IllegalStateException(order.getTo());
                };
        desk().send(order(ATTEMPT, 1));
        assertEquals(List.of("0 PART_UNKNOWN 0"), states());
        assertFalse(logged.toString(), logged.toString().contains("254712345678"));
        desk().send(order(ATTEMPT, 1));
        assertEquals(1, called.size());
    }

    @Test
    public void withoutRoomOrDiskNothingIsSent() throws Exception {
        SmsDesk desk = desk();
        for (int i = 1; i <= AttemptJournal.MAX_OPEN; i++) {
            desk.send(order(i, 1));
        }
        called.clear();
        desk.send(order(ATTEMPT, 1));
        assertEquals(List.of("0 PART_REFUSED 5"), states());
        told.clear();
        Disk full =
                new Disk(folder.newFolder("full").toPath()) {
                    @Override
                    protected void reached() throws IOException {
                        throw new IOException("no space left");
                    }
                };
        desk(full).send(order(ATTEMPT, 1));
        assertEquals(List.of("0 PART_REFUSED 13"), states());
        told.clear();
        desk().send(order(99_999, 0));
        assertEquals(SmsPartState.PART_REFUSED, told.get(0).getSmsPart().getState());
        assertTrue(called.isEmpty());
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

    /** What the phone and the daemon do to the desk, in one run. */
    private void sendInOneRun(SmsDesk desk) throws IOException {
        desk.send(order(ATTEMPT, 2));
        desk.result(sent(0));
        desk.result(sent(1));
    }

    @Test
    public void killedAtEachStepOfSendingItSendsAtMostOnceAndForgetsNothingTold()
            throws Exception {
        int step = 0;
        boolean finished = false;
        while (!finished) {
            Path here = folder.newFolder("send" + step).toPath();
            called.clear();
            told.clear();
            try {
                sendInOneRun(desk(new CrashingDisk(here, step)));
                finished = true;
            } catch (Crash dead) {
                // Started again below.
            }
            boolean wasCalled = !called.isEmpty();
            List<String> toldBefore = states();
            told.clear();
            // The daemon has no result, or not all: it orders again.
            SmsDesk again = desk(new Disk(here));
            again.send(order(ATTEMPT, 2));
            if (wasCalled) {
                // Never twice, and what was told is told again.
                assertEquals("killed at step " + step, 1, called.size());
                assertTrue(states() + " after " + toldBefore, states().containsAll(toldBefore));
            } else if (called.isEmpty()) {
                // Written and not called: the one case in which nothing left and that is not
                // known. It is told as unknown, not sent.
                assertEquals(List.of("0 PART_UNKNOWN 0", "1 PART_UNKNOWN 0"), states());
            }
            step++;
        }
        assertTrue("only " + step + " steps", step > 9);
    }

    @Test
    public void killedAtEachStepOfReceivingItLosesNothingWhoseBroadcastWasFinished()
            throws Exception {
        int step = 0;
        boolean finished = false;
        while (!finished) {
            Path here = folder.newFolder("receive" + step).toPath();
            List<String> finishedBroadcasts = new ArrayList<>();
            boolean takenWasSaid = false;
            told.clear();
            try {
                SmsDesk desk = desk(new CrashingDisk(here, step));
                desk.received(incoming("a1"));
                finishedBroadcasts.add("a1");
                desk.received(incoming("a2"));
                finishedBroadcasts.add("a2");
                takenWasSaid = true;
                desk.taken("a1");
                finished = true;
            } catch (Crash dead) {
                // Started again below.
            }
            told.clear();
            desk(new Disk(here)).connected();
            List<String> waiting =
                    told.stream()
                            .map(report -> report.getSmsReceived().getSpoolId())
                            .collect(Collectors.toList());
            if (takenWasSaid) {
                finishedBroadcasts.remove("a1");
            }
            assertTrue(
                    "killed at step " + step + ": " + waiting,
                    waiting.containsAll(finishedBroadcasts));
            if (finished) {
                assertEquals(List.of("a2"), waiting);
            }
            step++;
        }
        assertTrue("only " + step + " steps", step > 12);
    }

    /** What begunAndTaken adds where another attempt has to be forgotten for it. */
    private static final int CYCLE_BYTES = 60;

    private static void begunAndTaken(SmsDesk desk, long attempt) {
        desk.send(order(attempt, 1));
        desk.taken(taken(attempt, 0, SmsPartState.PART_UNKNOWN));
    }

    @Test
    public void killedAtEachStepOfCompactionTheJournalKeepsWhatIsOpen() throws Exception {
        // A journal just below its limit, with one open attempt.
        Path full = folder.newFolder("full").toPath();
        SmsDesk desk = desk(new Disk(full));
        desk.send(order(ATTEMPT, 1));
        desk.result(sent(0));
        Path log = full.resolve("attempts.log");
        int most = Integer.MAX_VALUE;
        // One cycle less than what is too long.
        for (int i = 1; Files.size(log) <= most - CYCLE_BYTES; i++) {
            begunAndTaken(desk, i);
            if (i == AttemptJournal.MAX_TAKEN) {
                most = new AttemptJournal(new Disk(full)).compactAboveBytes();
            }
        }
        byte[] before = Files.readAllBytes(log);
        int step = 0;
        boolean finished = false;
        while (!finished) {
            Path here = folder.newFolder("compact" + step).toPath();
            Files.write(here.resolve("attempts.log"), before);
            try {
                SmsDesk dying = desk(new CrashingDisk(here, step));
                begunAndTaken(dying, 0x7777_7777L);
                begunAndTaken(dying, 0x8888_8888L);
                finished = true;
            } catch (Crash dead) {
                // Looked at below.
            }
            told.clear();
            desk(new Disk(here)).send(order(ATTEMPT, 1));
            assertEquals("killed at step " + step, List.of("0 PART_SENT 0"), states());
            if (finished) {
                assertTrue("never written anew", Files.size(here.resolve("attempts.log")) < most / 2);
            }
            step++;
        }
        assertTrue("only " + step + " steps", step > 9);
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
