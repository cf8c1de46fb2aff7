package org.twine.bridge.sms;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.Rule;
import org.junit.rules.TemporaryFolder;
import org.twine.bridge.durable.Disk;
import org.twine.control.v1.Report;
import org.twine.control.v1.SendSms;
import org.twine.control.v1.SmsPartState;
import org.twine.control.v1.SmsPartTaken;

/** A desk on a folder, with a phone and a daemon that the test plays. */
abstract class DeskFixture {
    static final long ATTEMPT = 0xfedc_ba98_7654_3210L;

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    final List<Report> told = new ArrayList<>();
    final List<SendSms> called = new ArrayList<>();
    final List<String> logged = new ArrayList<>();
    boolean daemonIsThere = true;
    int room = Integer.MAX_VALUE;
    int triesWanted;
    volatile boolean diskIsFull;
    SmsDesk.Caller phone = called::add;

    SmsDesk desk(Disk disk) throws IOException {
        return new SmsDesk(
                new AttemptJournal(disk),
                new IncomingSpool(disk),
                order -> phone.send(order),
                this::tell,
                () -> triesWanted++,
                logged::add);
    }

    SmsDesk desk() throws IOException {
        return desk(new Disk(folder.getRoot().toPath()));
    }

    boolean tell(Report report) {
        if (!daemonIsThere || told.size() >= room) {
            return false;
        }
        told.add(report);
        return true;
    }

    static SendSms order(long attempt, int parts) {
        SendSms.Builder order =
                SendSms.newBuilder().setAttempt(attempt).setTo("+254712345678").setIccid("89254");
        for (int part = 0; part < parts; part++) {
            order.addParts("part " + part);
        }
        return order.build();
    }

    static PartResult sent(int part) {
        return new PartResult(ATTEMPT, part, PartResult.State.SENT, 0);
    }

    static SmsPartTaken taken(long attempt, int part, SmsPartState state) {
        return SmsPartTaken.newBuilder()
                .setAttempt(attempt)
                .setPart(part)
                .setState(state)
                .build();
    }

    static IncomingText incoming(String id) {
        return new IncomingText(
                id, 1, "89254", "+254700000001", "MPESA", "", "habari 😀", 1_700_000_000_000L);
    }

    List<String> states() {
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

    /** A disk that takes nothing while it is full. */
    Disk failingDisk() throws IOException {
        return new Disk(folder.getRoot().toPath()) {
            @Override
            protected void reached() throws IOException {
                if (diskIsFull) {
                    throw new IOException("no space left");
                }
            }
        };
    }
}
