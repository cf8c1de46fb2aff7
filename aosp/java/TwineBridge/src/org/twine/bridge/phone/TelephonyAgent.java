package org.twine.bridge.phone;

import android.content.Context;
import android.os.ServiceManager;
import android.telephony.SmsMessage;
import com.android.internal.telephony.ISub;
import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Executor;
import org.twine.bridge.Control;
import org.twine.bridge.Log;
import org.twine.bridge.durable.Disk;
import org.twine.bridge.sms.AttemptJournal;
import org.twine.bridge.sms.IncomingSpool;
import org.twine.bridge.sms.IncomingText;
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
    private static final int LOOK_AGAIN_MILLIS = 600_000;

    private final Control control;
    private final SmsDesk desk;
    private final Sims sims;
    private final Networks networks;
    private final DataSim dataSim;
    private final Executor executor;
    private final Thread pump;

    /* Guarded by this. */
    private boolean connected;
    private TelephonyState told;

    /**
     * An agent; {@link #start} begins.
     *
     * @param folder for journal and spool
     * @param executor one thread, which may wait for the disk
     */
    public TelephonyAgent(Context context, Control control, Path folder, Executor executor)
            throws IOException {
        this.control = control;
        this.executor = executor;
        sims = new Sims(context, executor, this::changed);
        networks = new Networks(context, sims, this::changed);
        dataSim =
                new DataSim(
                        () -> ISub.Stub.asInterface(ServiceManager.getService("isub")),
                        sims::subscriptionOf);
        desk =
                new SmsDesk(
                        new AttemptJournal(new Disk(folder.resolve("journal"))),
                        new IncomingSpool(new Disk(folder.resolve("spool"))),
                        new SmsManagerCaller(context, sims::subscriptionOf),
                        control::report,
                        Log::warn);
        pump = new Thread(this::pump, "twine-agent");
    }

    /** Begins to listen and to take orders. */
    public void start() {
        sims.start();
        networks.start();
        pump.start();
    }

    /** What is done about SMS. */
    public SmsDesk desk() {
        return desk;
    }

    /** One SMS of a broadcast's PDUs; null: they are not readable. */
    public IncomingText read(SmsMessage[] parts, byte[][] pdus, int subscription) {
        if (parts == null) {
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
        return out.append(desk.summary()).append('\n').toString();
    }

    @Override
    public void close() {
        sims.stop();
        networks.stop();
        control.close();
        try {
            pump.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void pump() {
        try {
            while (true) {
                Notice notice = control.wire().next(LOOK_AGAIN_MILLIS);
                if (notice != null) {
                    take(notice);
                }
            }
        } catch (TwineException e) {
            if (e.code() != TwineException.CLOSED) {
                Log.warn("the agent's connection ended: " + e.getMessage());
            }
        }
    }

    private void take(Notice notice) {
        switch (notice.kind()) {
            case CONNECTED:
                synchronized (this) {
                    connected = true;
                    told = null;
                }
                executor.execute(
                        () -> {
                            tellState();
                            desk.connected();
                        });
                break;
            case LOST:
                synchronized (this) {
                    connected = false;
                }
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
                executor.execute(() -> desk.send(order.getSendSms()));
                break;
            case SMS_TAKEN:
                executor.execute(() -> desk.taken(order.getSmsTaken().getSpoolId()));
                break;
            case SMS_PART_TAKEN:
                executor.execute(() -> desk.partTaken(order.getSmsPartTaken()));
                break;
            case PREFER_DATA_SIM:
                int slot = order.getPreferDataSim().getSlot();
                dataSim.prefer(slot, (code, why) -> orderResult(order.getId(), slot, code, why));
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
        try {
            control.wire().orderResult(result.toByteArray());
            if (code == DataSim.DONE) {
                control.report(
                        Report.newBuilder()
                                .setDataSim(
                                        org.twine.control.v1.DataSim.newBuilder()
                                                .setSlot(slot)
                                                .setConfirmed(true))
                                .build());
            }
        } catch (TwineException e) {
            // The daemon orders again if it still wants it.
            Log.warn("the result of an order is not told: " + e.getMessage());
        }
    }

    private void changed() {
        executor.execute(this::tellState);
    }

    private void tellState() {
        TelephonyState state =
                TelephonyState.newBuilder()
                        .addAllSims(sims.describe())
                        .addAllLinks(networks.describe())
                        .build();
        synchronized (this) {
            if (!connected || state.equals(told)) {
                return;
            }
            told = state;
        }
        try {
            control.report(Report.newBuilder().setState(state).build());
        } catch (TwineException e) {
            // The next connection is told.
            synchronized (this) {
                told = null;
            }
        }
    }
}
