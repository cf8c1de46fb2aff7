package org.twine.bridge.sms;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.Test;
import org.twine.bridge.durable.CrashingDisk.Crash;
import org.twine.bridge.durable.CrashingDisk;
import org.twine.bridge.durable.Disk;
import org.twine.control.v1.SmsPartState;

/** A crash between any two steps. */
public class SmsDeskCrashTest extends DeskFixture {
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

    @Test
    public void killedAtEachStepOfGivingUpNothingIsSentTwice() throws Exception {
        Path full = folder.newFolder("open").toPath();
        SmsDesk desk = desk(new Disk(full));
        for (int i = 1; i <= AttemptJournal.MAX_OPEN; i++) {
            desk.send(order(i, 1));
        }
        byte[] before = Files.readAllBytes(full.resolve("attempts.log"));
        int step = 0;
        boolean finished = false;
        while (!finished) {
            Path here = folder.newFolder("giveup" + step).toPath();
            Files.write(here.resolve("attempts.log"), before);
            called.clear();
            try {
                desk(new CrashingDisk(here, step)).send(order(ATTEMPT, 1));
                finished = true;
            } catch (Crash dead) {
                // Looked at below.
            }
            SmsDesk again = desk(new Disk(here));
            again.send(order(ATTEMPT, 1));
            assertTrue("killed at step " + step, called.size() <= 1);
            called.clear();
            told.clear();
            again.send(order(1, 1));
            again.send(order(2, 1));
            assertTrue("killed at step " + step, called.isEmpty());
            assertEquals(List.of("0 PART_UNKNOWN 0", "0 PART_UNKNOWN 0"), states());
            step++;
        }
        assertTrue("only " + step + " steps", step > 4);
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
}
