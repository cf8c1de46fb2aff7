package org.twine.bridge.phone;

import android.content.Context;
import android.os.Handler;
import android.os.ServiceManager;
import android.telephony.SmsMessage;
import com.android.internal.telephony.ISub;
import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.twine.bridge.Control;
import org.twine.bridge.Log;
import org.twine.bridge.Reports;
import org.twine.bridge.Worker;
import org.twine.bridge.durable.Disk;
import org.twine.bridge.sms.AttemptJournal;
import org.twine.bridge.sms.IncomingSpool;
import org.twine.bridge.sms.IncomingText;
import org.twine.bridge.sms.PartResult;
import org.twine.bridge.sms.SmsDesk;
import org.twine.control.v1.Order;
import org.twine.control.v1.OrderResult;
import org.twine.control.v1.Report;
import org.twine.control.v1.Sim;
import org.twine.control.v1.TelephonyState;
import org.twine.jni.Notice;
import org.twine.jni.TwineException;

/**
 * The daemon's eyes and hands in the phone: tells it of cards and networks, and carries its orders
 * out. Decides nothing.
 */
public final class TelephonyAgent implements AutoCloseable {
    /** Names the callback that tries the disk again. */
    private static final Object DISK_AGAIN = new Object();

    private static final int LOOK_AGAIN_MILLIS = 600_000;

    /** Before the disk is tried again that did not take something. */
    static final long DISK_AGAIN_MILLIS = 5_000;

    /** Before a connection is opened instead of one whose library failed. */
    private static final int REOPEN_MILLIS = 1_000;

    private final Control control;
    private final SmsDesk desk;
    private final Sims sims;
    private final Networks networks;
    private final DataSim dataSim;
    private final LanguageTables tables = LanguageTables.enabled();
    private final Handler main;

    /** Waits for the disk. */
    private final Worker disk = new Worker("twine-disk");

    /** Listens to the platform. */
    private final Worker watch = new Worker("twine-watch");

    private final Reports reports;
    private final Thread pump;

    /* Guarded by this. */
    private boolean connected;
    private TelephonyState told;
    private long unknownResults;
    private int unreadablePdus;

    /**
     * An agent; {@link #start} begins.
     *
     * @param folder for journal and spool
     */
    public TelephonyAgent(Context context, Control control, Path folder) throws IOException {
        this.control = control;
        main = new Handler(context.getMainLooper());
        sims = new Sims(context, watch, this::changed);
        networks = new Networks(context, sims, this::changed);
        dataSim =
                new DataSim(
                        () -> ISub.Stub.asInterface(ServiceManager.getService("isub")),
                        sims::subscriptionOf);
        reports = new Reports(control, this::roomToTell);
        desk =
                new SmsDesk(
                        new AttemptJournal(new Disk(folder.resolve("journal"))),
                        new IncomingSpool(new Disk(folder.resolve("spool"))),
                        new SmsManagerCaller(context, sims::subscriptionOf),
                        report -> reports.offer(to -> to.report(report)),
                        this::tryAgainLater,
                        Log::warn);
        pump = new Thread(this::pump, "twine-agent");
    }

    /** Begins to listen and to take orders. */
    public void start() {
        sims.start();
        networks.start();
        pump.start();
    }

    /** What is done about SMS. Its methods wait for the disk, never for the daemon. */
    public SmsDesk desk() {
        return desk;
    }

    /** The thread that waits for the disk. */
    Worker disk() {
        return disk;
    }

    /** The thread that listens to the platform. */
    Worker watch() {
        return watch;
    }

    /**
     * What became of a part. If the disk is so far behind that there is no room for it, it is
     * dropped, and the part stays "unknown", which the daemon knows how to settle (DELIVERY 26).
     *
     * @param ended runs in any case, with whether the disk has it
     */
    public void result(PartResult result, Consumer<Boolean> ended) {
        boolean taken = disk.tryExecute(() -> ended.accept(desk.result(result)));
        if (!taken) {
            synchronized (this) {
                unknownResults++;
            }
            Log.warn("the disk is far behind: a result stays unknown");
            ended.accept(false);
        }
    }

    /** One SMS of a broadcast's PDUs; null: they are not readable. */
    public IncomingText read(SmsMessage[] parts, byte[][] pdus, int subscription) {
        if (parts == null) {
            int count;
            synchronized (this) {
                count = ++unreadablePdus;
            }
            int size = pdus == null ? 0 : pdus.length;
            Log.warn("an SMS of " + size + " PDUs is not readable; so far: " + count);
            return null;
        }
        Sim sim = sims.bySubscription(subscription);
        // It counts even if its card has just gone.
        Sim by = sim == null ? Sim.getDefaultInstance() : sim;
        return IncomingPdus.text(parts, pdus, by, sims.homeCountry(subscription));
    }

    /** Counts and states, for dumpsys: no numbers, no texts. */
    public synchronized String summary() {
        StringBuilder out = new StringBuilder();
        out.append("daemon: ").append(connected ? "connected" : "not connected").append('\n');
        sims.describe()
                .forEach(
                        sim ->
                                out.append("card in slot ")
                                        .append(sim.getSlot())
                                        .append(": ")
                                        .append(sim.getMccMnc())
                                        .append(sim.getInService() ? ", in service" : "")
                                        .append(sim.getRoaming() ? ", roams" : "")
                                        .append(sim.getRadioOff() ? ", radio off" : "")
                                        .append(sim.getCarriesData() ? ", carries data" : "")
                                        .append(", ")
                                        .append(sim.getDataState())
                                        .append(' ')
                                        .append(sim.getDataAllowance())
                                        .append(sim.getDataInService() ? " " + sim.getGeneration() : " no data service")
                                        .append(sim.getDefaultData() ? ", default for data" : "")
                                        .append(sim.getDefaultSms() ? ", default for SMS" : "")
                                        .append(sim.getNumber().isEmpty() ? ", no number" : "")
                                        .append('\n'));
        networks.describe()
                .forEach(
                        link ->
                                out.append("link ")
                                        .append(link.getId())
                                        .append(": ")
                                        .append(link.getKind())
                                        .append(' ')
                                        .append(link.getGeneration())
                                        .append(link.getValidated() ? ", validated" : "")
                                        .append(link.getMetered() ? ", metered" : "")
                                        .append(link.getRoaming() ? ", roams" : "")
                                        .append('\n'));
        out.append("national language tables: ").append(tables).append('\n');
        out.append("tasks that wait: disk ").append(disk.size());
        out.append(", platform ").append(watch.size());
        out.append(", results dropped: ").append(unknownResults).append('\n');
        out.append("incoming PDUs that were not readable: ").append(unreadablePdus).append('\n');
        out.append(reports.summary()).append('\n');
        return out.append(desk.summary()).append('\n').toString();
    }

    @Override
    public void close() {
        sims.stop();
        networks.stop();
        main.removeCallbacksAndMessages(null);
        control.close();
        reports.close();
        watch.close();
        disk.close();
        try {
            pump.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void pump() {
        while (true) {
            try {
                Notice notice = control.wire().next(LOOK_AGAIN_MILLIS);
                if (notice != null) {
                    take(notice);
                }
            } catch (TwineException e) {
                if (e.code() == TwineException.CLOSED || !reopen(e)) {
                    return;
                }
            }
        }
    }

    /** A connection whose library failed is replaced; false: there is an end to it. */
    private boolean reopen(TwineException why) {
        Log.warn("the agent's connection failed, opening another: " + why.getMessage());
        lost();
        try {
            Thread.sleep(REOPEN_MILLIS);
            control.reopen();
            return true;
        } catch (TwineException e) {
            Log.warn("there is no other: " + e.getMessage());
            return e.code() != TwineException.CLOSED;
        } catch (InterruptedException e) {
            return false;
        }
    }

    private void lost() {
        synchronized (this) {
            connected = false;
        }
        reports.connected(false);
    }

    private void take(Notice notice) {
        switch (notice.kind()) {
            case CONNECTED:
                reports.connected(true);
                synchronized (this) {
                    connected = true;
                    told = null;
                }
                changed();
                disk.execute(desk::connected);
                break;
            case LOST:
                lost();
                Log.warn("the daemon is away: " + notice.message());
                break;
            case ORDER:
                order(notice.body());
                break;
            default:
                // Agents get no events.
                break;
        }
    }

    private void order(byte[] body) {
        Order order;
        try {
            order = Order.parseFrom(body);
        } catch (InvalidProtocolBufferException e) {
            Log.warn("an order is not readable");
            return;
        }
        switch (order.getKindCase()) {
            case SEND_SMS:
                disk.execute(() -> desk.send(order.getSendSms()));
                break;
            case SMS_TAKEN:
                disk.execute(() -> desk.taken(order.getSmsTaken().getSpoolId()));
                break;
            case SMS_PART_TAKEN:
                disk.execute(() -> desk.taken(order.getSmsPartTaken()));
                break;
            case PREFER_DATA_SIM:
                int slot = order.getPreferDataSim().getSlot();
                dataSim.prefer(slot, (code, why) -> orderResult(order.getId(), slot, code, why));
                break;
            case LOOK_AGAIN:
                networks.lookAgain(order.getLookAgain().getLink());
                break;
            default:
                // Of a newer daemon.
                orderResult(order.getId(), -1, Integer.MIN_VALUE, "this agent cannot do that");
                break;
        }
    }

    private void orderResult(long id, int slot, int code, String why) {
        OrderResult result =
                OrderResult.newBuilder().setId(id).setCode(code).setDetail(why).build();
        boolean told = reports.offer(to -> to.wire().orderResult(result.toByteArray()));
        if (told && code == DataSim.DONE) {
            Report done =
                    Report.newBuilder()
                            .setDataSim(
                                    org.twine.control.v1.DataSim.newBuilder()
                                            .setSlot(slot)
                                            .setConfirmed(true))
                            .build();
            told = reports.offer(to -> to.report(done));
        }
        if (!told) {
            // The daemon orders again if it still wants it.
            Log.warn("the result of an order is not told");
        }
    }

    private void changed() {
        watch.execute(this::tellState);
    }

    private void roomToTell() {
        changed();
        disk.execute(desk::roomToTell);
    }

    private void tryAgainLater() {
        Runnable again = desk::again;
        main.removeCallbacksAndMessages(DISK_AGAIN);
        main.postDelayed(
                () -> {
                    if (!disk.tryExecute(again)) {
                        tryAgainLater();
                    }
                },
                DISK_AGAIN,
                DISK_AGAIN_MILLIS);
    }

    private void tellState() {
        TelephonyState state =
                TelephonyState.newBuilder()
                        .addAllSims(sims.describe())
                        .addAllLinks(networks.describe())
                        .addAllLockingTables(tables.locking())
                        .addAllSingleShiftTables(tables.singleShift())
                        .build();
        synchronized (this) {
            if (!connected || state.equals(told)) {
                return;
            }
            // What is refused now is told when there is room.
            Report report = Report.newBuilder().setState(state).build();
            if (reports.offer(to -> to.report(report))) {
                told = state;
            }
        }
    }
}
