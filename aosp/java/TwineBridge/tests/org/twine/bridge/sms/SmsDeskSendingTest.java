package org.twine.bridge.sms;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.util.List;
import org.junit.Test;
import org.twine.bridge.durable.Disk;
import org.twine.control.v1.SmsPartState;

/** Sending: written, then done, then told. */
public class SmsDeskSendingTest extends DeskFixture {
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
        desk().send(order(ATTEMPT, 2));
        assertEquals(1, called.size());
        assertEquals(List.of("0 PART_SENT 0", "1 PART_UNKNOWN 0"), states());
    }

    @Test
    public void whatThisProcessAwaitsIsNotUnknownHoweverOftenItIsOrdered() throws Exception {
        SmsDesk desk = desk();
        desk.send(order(ATTEMPT, 2));
        desk.send(order(ATTEMPT, 2));
        assertTrue(states().toString(), told.isEmpty());
        desk.result(sent(0));
        told.clear();
        desk.send(order(ATTEMPT, 2));
        assertEquals(1, called.size());
        assertEquals(List.of("0 PART_SENT 0"), states());
        told.clear();
        desk.result(sent(1));
        assertEquals(List.of("1 PART_SENT 0"), states());
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
        // Ordered again: it is known here, and told as soon as it is written.
        desk.send(order(ATTEMPT, 1));
        assertTrue(states().toString(), told.isEmpty());
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
            desk.result(new PartResult(i, 0, PartResult.State.SENT, 0));
        }
        // What came is kept until the daemon takes it.
        called.clear();
        told.clear();
        desk.send(order(ATTEMPT, 1));
        assertEquals(List.of("0 PART_REFUSED 5"), states());
        desk.taken(taken(300, 0, SmsPartState.PART_SENT));
        desk.send(order(ATTEMPT, 1));
        assertEquals(1, called.size());
        called.clear();
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
}
