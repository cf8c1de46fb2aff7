package org.twine.bridge;

import java.util.List;
import org.twine.Capability;
import org.twine.EventInfo;
import org.twine.HistoryPosition;
import org.twine.ITwine;
import org.twine.IdentityInfo;
import org.twine.MessageInfo;
import org.twine.MessagePage;
import org.twine.PreviewInfo;
import org.twine.SettingsInfo;
import org.twine.SimInfo;
import org.twine.StatusInfo;
import org.twine.control.v1.Direction;
import org.twine.control.v1.Event;
import org.twine.control.v1.EventKind;
import org.twine.control.v1.IdentityStatus;
import org.twine.control.v1.Message;
import org.twine.control.v1.OrderKey;
import org.twine.control.v1.Peer;
import org.twine.control.v1.Previewed;
import org.twine.control.v1.Settings;
import org.twine.control.v1.Sim;
import org.twine.control.v1.SimStatus;
import org.twine.control.v1.SmsCost;
import org.twine.control.v1.Status;

/** Messages of the control socket as parcels. Numbers of enums are the same on both sides. */
final class Parcels {
    /**
     * Characters of text in one page. A transaction has 1 MB for all of a process; a character takes
     * two bytes, and there may be several pages under way.
     */
    static final int MAX_PAGE_CHARACTERS = 96 * 1024;

    private Parcels() {}

    static MessageInfo message(Message message) {
        MessageInfo info = new MessageInfo();
        info.messageId = message.getMessageId();
        info.outgoing = message.getDirection() == Direction.OUTGOING;
        info.own = message.getOwn();
        info.peer = message.getPeer();
        info.text = message.getText();
        info.state = message.getStateValue();
        info.position = position(message.getOrder());
        info.createdMillis = message.getCreatedWallMs();
        info.changedMillis = message.getChangedWallMs();
        info.failure = message.getFailure();
        info.waitsFor = message.getWaitsFor();
        info.channel = channel(message, info.outgoing);
        info.smsParts = message.getSms().getParts();
        info.smsPartsSent = message.getSms().getPartsSent();
        info.smsPartsDelivered = message.getSms().getPartsDelivered();
        info.iccid = message.getSms().getIccid();
        info.copyOf = message.getCopyOf();
        info.late = message.getLate();
        return info;
    }

    private static int channel(Message message, boolean outgoing) {
        if (!outgoing) {
            return message.getCameByValue();
        }
        String sms = message.getSms().getState();
        if (message.hasSms() && !sms.isEmpty() && !sms.equals("none")) {
            return ITwine.CHANNEL_SMS;
        }
        String ip = message.getIp().getState();
        boolean byIp = message.hasIp() && !ip.isEmpty() && !ip.equals("none");
        return byIp ? ITwine.CHANNEL_IP : ITwine.CHANNEL_AUTO;
    }

    static HistoryPosition position(OrderKey key) {
        HistoryPosition position = new HistoryPosition();
        position.position = key.getPosition();
        position.epoch = key.getEpoch();
        position.laneSeq = key.getLaneSeq();
        return position;
    }

    static OrderKey position(HistoryPosition position) {
        return OrderKey.newBuilder()
                .setPosition(position.position)
                .setEpoch(position.epoch)
                .setLaneSeq(position.laneSeq)
                .build();
    }

    /** As many as fit a transaction; at least one. */
    static MessagePage page(List<Message> messages, boolean more) {
        int characters = 0;
        int count = 0;
        for (Message message : messages) {
            characters += message.getText().length();
            if (count > 0 && characters > MAX_PAGE_CHARACTERS) {
                break;
            }
            count++;
        }
        MessagePage page = new MessagePage();
        page.messages = new MessageInfo[count];
        for (int i = 0; i < count; i++) {
            page.messages[i] = message(messages.get(i));
        }
        page.more = more || count < messages.size();
        return page;
    }

    static EventInfo event(Event event) {
        EventInfo info = new EventInfo();
        info.cursor =
                event.getKind() == EventKind.RESYNC ? event.getResyncFrom() : event.getCursor();
        info.kind = event.getKindValue();
        info.message = event.hasMessage() ? message(event.getMessage()) : null;
        info.state = event.getStateValue();
        info.otherMessageId = event.getInto();
        info.own = event.getOwn();
        info.peer = event.getPeer();
        info.typing = event.getKind() == EventKind.PEER_TYPING && !event.getStopped();
        info.detail = event.getDetail();
        return info;
    }

    static PreviewInfo preview(Previewed previewed) {
        SmsCost sms = previewed.getSms();
        PreviewInfo info = new PreviewInfo();
        info.channel = previewed.getChannelValue();
        info.reasons = previewed.getReasonsList().toArray(new String[0]);
        info.waitsFor = previewed.getWaitsFor();
        info.peerOnIp = previewed.getPeerOnIp();
        info.from = previewed.getFrom();
        info.segments = sms.getParts();
        info.unitsLeft = sms.getUnitsLeft();
        info.encoding = sms.getEncoding();
        info.simSlot = previewed.hasSms() ? sms.getSimSlot() : -1;
        info.iccid = sms.getIccid();
        info.roaming = sms.getRoaming();
        return info;
    }

    static Capability capability(Peer peer) {
        Capability capability = new Capability();
        capability.number = peer.getNumber();
        capability.reachable = peer.getReachable();
        capability.features = peer.getFeatures();
        capability.validForSeconds = peer.getValidS();
        return capability;
    }

    static SettingsInfo settings(Settings settings) {
        SettingsInfo info = new SettingsInfo();
        info.mode = settings.getModeValue();
        info.fallback = settings.getFallbackValue();
        info.iccid = settings.getIccid();
        info.effectiveMode = settings.getEffectiveModeValue();
        info.effectiveFallback = settings.getEffectiveFallbackValue();
        info.peerOnIp = settings.getPeerOnIp();
        return info;
    }

    static StatusInfo status(Status status) {
        StatusInfo info = new StatusInfo();
        info.daemonVersion = status.getDaemonVersion();
        info.identities =
                status.getIdentitiesList().stream()
                        .map(Parcels::identity)
                        .toArray(IdentityInfo[]::new);
        info.sims =
                status.getSimsList().stream()
                        .map(SimStatus::getSim)
                        .map(Parcels::sim)
                        .toArray(SimInfo[]::new);
        info.session = status.getSession().getState();
        info.sessionReason = status.getSession().getReason();
        info.queued = status.getQueued();
        info.inFlight = status.getInFlight();
        info.undelivered = status.getUndelivered();
        info.smsPossible = status.getAgent();
        info.storageHealthy = status.getStorage().getHealthy();
        return info;
    }

    private static IdentityInfo identity(IdentityStatus status) {
        IdentityInfo info = new IdentityInfo();
        info.number = status.getNumber();
        info.state = status.getState();
        info.iccid = status.getIccid();
        return info;
    }

    private static SimInfo sim(Sim sim) {
        SimInfo info = new SimInfo();
        info.slot = sim.getSlot();
        info.iccid = sim.getIccid();
        info.number = sim.getNumber();
        info.operator = sim.getOperator();
        info.ready = sim.getReady();
        info.inService = sim.getInService();
        info.roaming = sim.getRoaming();
        info.defaultForSms = sim.getDefaultSms();
        return info;
    }
}
