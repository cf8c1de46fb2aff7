package org.twine.bridge;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import org.twine.control.v1.Connected;
import org.twine.control.v1.Done;
import org.twine.control.v1.OrderResult;
import org.twine.control.v1.Reply;
import org.twine.control.v1.Report;
import org.twine.control.v1.Request;
import org.twine.jni.Notice;
import org.twine.jni.TwineException;
import org.twine.jni.Wire;

/** A connection to a daemon that the test plays. */
public final class FakeDaemonWire implements Wire {
    private static final long PATIENCE_SECONDS = 60;

    public final List<Request> requests = new CopyOnWriteArrayList<>();
    public final LinkedBlockingQueue<Report> reports = new LinkedBlockingQueue<>();
    public final LinkedBlockingQueue<OrderResult> orderResults = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<Notice> notices = new LinkedBlockingQueue<>();
    private volatile boolean closed;
    private volatile boolean panicked;

    /** While it is there the daemon reads no reports. */
    public volatile CountDownLatch stalled;

    /** What is answered; null: done. */
    public volatile Function<Request, Reply.Builder> answer = request -> null;

    /** What is thrown instead of an answer; 0: nothing. */
    public volatile int failure;

    /** The daemon greets. */
    public void connect() {
        notices.add(
                Notice.of(Notice.Kind.CONNECTED, Connected.getDefaultInstance().toByteArray()));
    }

    /** The daemon dies. */
    public void lose() {
        notices.add(Notice.lost(TwineException.NOT_CONNECTED, "died"));
    }

    /** The library fails. */
    public void panic() {
        panicked = true;
        lose();
    }

    /** The daemon tells or orders something. */
    public void say(Notice.Kind kind, MessageLite message) {
        notices.add(Notice.of(kind, message.toByteArray()));
    }

    /** The next report for which this is so. */
    public Report report(Predicate<Report> wanted) throws InterruptedException {
        List<Report> others = new ArrayList<>();
        while (true) {
            Report report = reports.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (report == null) {
                throw new AssertionError("no such report, but " + others.size() + " others");
            }
            if (wanted.test(report)) {
                return report;
            }
            others.add(report);
        }
    }

    @Override
    public byte[] request(byte[] bytes, int timeoutMillis) throws TwineException {
        Request request;
        try {
            request = Request.parseFrom(bytes);
        } catch (InvalidProtocolBufferException e) {
            throw new AssertionError(e);
        }
        requests.add(request);
        if (failure != 0) {
            throw new TwineException(failure, "as the test wants");
        }
        Reply.Builder reply = answer.apply(request);
        if (reply == null) {
            reply = Reply.newBuilder().setDone(Done.getDefaultInstance());
        }
        return reply.setId(request.getId()).build().toByteArray();
    }

    @Override
    public void report(byte[] bytes) throws TwineException {
        if (failure != 0) {
            throw new TwineException(failure, "as the test wants");
        }
        CountDownLatch until = stalled;
        try {
            if (until != null) {
                until.await();
            }
            reports.add(Report.parseFrom(bytes));
        } catch (InvalidProtocolBufferException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void orderResult(byte[] bytes) {
        try {
            orderResults.add(OrderResult.parseFrom(bytes));
        } catch (InvalidProtocolBufferException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public Notice next(int timeoutMillis) throws TwineException {
        Notice notice = null;
        try {
            notice = notices.poll(timeoutMillis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (closed) {
            throw new TwineException(TwineException.CLOSED, "closed");
        }
        if (panicked) {
            throw new TwineException(TwineException.PANIC, "as the test wants");
        }
        return notice;
    }

    /** Whether the bridge has closed it. */
    public boolean isClosed() {
        return closed;
    }

    @Override
    public void close() {
        closed = true;
        notices.add(Notice.lost(TwineException.CLOSED, "closed"));
    }
}
