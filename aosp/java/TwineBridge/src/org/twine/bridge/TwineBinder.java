package org.twine.bridge;

import android.os.Binder;
import android.os.ServiceSpecificException;
import android.telephony.SmsMessage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.twine.Capability;
import org.twine.HistoryPosition;
import org.twine.ITwine;
import org.twine.ITwineCallback;
import org.twine.IncomingSms;
import org.twine.MessageInfo;
import org.twine.MessagePage;
import org.twine.PreviewInfo;
import org.twine.SendRequest;
import org.twine.SendResult;
import org.twine.SettingsInfo;
import org.twine.SmsPdu;
import org.twine.StatusInfo;
import org.twine.bridge.phone.IncomingPdus;
import org.twine.bridge.sms.IncomingText;
import org.twine.control.v1.Cancel;
import org.twine.control.v1.GetConversations;
import org.twine.control.v1.GetHistory;
import org.twine.control.v1.GetMessage;
import org.twine.control.v1.GetSettings;
import org.twine.control.v1.GetStatus;
import org.twine.control.v1.LookupPeers;
import org.twine.control.v1.MarkRead;
import org.twine.control.v1.Message;
import org.twine.control.v1.Messages;
import org.twine.control.v1.Preview;
import org.twine.control.v1.Register;
import org.twine.control.v1.Reply;
import org.twine.control.v1.Request;
import org.twine.control.v1.Retry;
import org.twine.control.v1.Send;
import org.twine.control.v1.SetSettings;
import org.twine.control.v1.SetTyping;
import org.twine.jni.TwineException;

/** ITwine for the messaging app: checks who calls, asks the daemon, makes parcels. */
final class TwineBinder extends ITwine.Stub implements AutoCloseable {
    /** Packages with a session; the default SMS app changes rarely. */
    static final int MAX_SESSIONS = 4;

    /** Of the frozen version; tools/aidl-snapshot compares it. */
    private static final String INTERFACE_HASH = "f62a6e7bd62801aaebc6416a2ffeeb7f3e0632f9";

    /** Opens a connection with the role of an app. */
    interface Connector {
        Control connect(String clientName) throws TwineException;
    }

    /** Takes SMS that the app received. */
    interface Ingester {
        /** Whether apps deliver SMS at all. */
        boolean isApp();

        /** Whether it is kept; may wait for a disk that fails. */
        boolean keep(IncomingText text);

        /** Makes one SMS of PDUs; null: they are not readable. */
        IncomingText read(SmsMessage[] parts, byte[][] pdus, int subscriptionId);
    }

    private final CallerGate gate;
    private final Connector connector;
    private final Ingester ingester;
    private final Map<String, AppSession> sessions = new HashMap<>();

    TwineBinder(CallerGate gate, Connector connector, Ingester ingester) {
        this.gate = gate;
        this.connector = connector;
        this.ingester = ingester;
    }

    @Override
    public SendResult send(SendRequest request) {
        AppSession session = admit();
        checkRequest(request);
        require(request.token, "token");
        Reply reply =
                ask(
                        session,
                        Request.newBuilder()
                                .setSend(
                                        Send.newBuilder()
                                                .setFrom(request.from)
                                                .setTo(request.to)
                                                .setText(request.text)
                                                .setToken(request.token)
                                                .setValidForS(request.validForSeconds)
                                                .setChannelValue(request.channel)));
        SendResult result = new SendResult();
        result.messageId = reply.getSent().getMessageId();
        result.repeated = reply.getSent().getRepeated();
        return result;
    }

    @Override
    public PreviewInfo preview(SendRequest request) {
        AppSession session = admit();
        checkRequest(request);
        Preview preview =
                Preview.newBuilder()
                        .setFrom(request.from)
                        .setTo(request.to)
                        .setText(request.text)
                        .setChannelValue(request.channel)
                        .build();
        return Parcels.preview(
                ask(session, Request.newBuilder().setPreview(preview)).getPreviewed());
    }

    @Override
    public void cancel(long messageId) {
        ask(admit(), Request.newBuilder().setCancel(Cancel.newBuilder().setMessageId(messageId)));
    }

    @Override
    public void retry(long messageId, int channel) {
        Retry retry =
                Retry.newBuilder().setMessageId(messageId).setChannelValue(channel).build();
        ask(admit(), Request.newBuilder().setRetry(retry));
    }

    @Override
    public MessageInfo getMessage(long messageId) {
        GetMessage show = GetMessage.newBuilder().setMessageId(messageId).build();
        return Parcels.message(ask(admit(), Request.newBuilder().setShow(show)).getMessage());
    }

    @Override
    public MessagePage getHistory(String own, String peer, HistoryPosition before, int limit) {
        AppSession session = admit();
        GetHistory.Builder history =
                GetHistory.newBuilder()
                        .setOwn(require(own, "own"))
                        .setPeer(require(peer, "peer"))
                        .setLimit(checkLimit(limit));
        if (before != null) {
            history.setBefore(Parcels.position(before));
        }
        Messages messages =
                ask(session, Request.newBuilder().setHistory(history)).getMessages();
        return Parcels.page(messages.getMessagesList(), messages.getMore());
    }

    @Override
    public MessagePage getConversations(int offset, int limit) {
        AppSession session = admit();
        if (offset < 0) {
            throw Failures.invalid("an offset of " + offset);
        }
        GetConversations list =
                GetConversations.newBuilder()
                        .setOffset(offset)
                        .setLimit(checkLimit(limit))
                        .build();
        List<Message> last = new ArrayList<>();
        ask(session, Request.newBuilder().setConversations(list))
                .getConversations()
                .getConversationsList()
                .forEach(conversation -> last.add(conversation.getLast()));
        // A full page may have another behind it; an empty page ends the list.
        int wanted = limit == 0 ? 50 : limit;
        return Parcels.page(last, last.size() >= wanted);
    }

    @Override
    public void registerCallback(ITwineCallback callback) {
        AppSession session = admit();
        try {
            session.setCallback(require(callback, "callback"));
        } catch (TwineException e) {
            throw Failures.of(e);
        }
    }

    @Override
    public void unregisterCallback(ITwineCallback callback) {
        AppSession session = admit();
        session.unsetCallback(require(callback, "callback"));
    }

    @Override
    public void acknowledgeEvents(long cursor) {
        AppSession session = admit();
        try {
            session.acknowledge(cursor);
        } catch (TwineException e) {
            throw Failures.of(e);
        }
    }

    @Override
    public Capability[] getCapabilities(String[] numbers) {
        AppSession session = admit();
        require(numbers, "list of numbers");
        if (numbers.length > MAX_NUMBERS) {
            throw Failures.invalid(numbers.length + " numbers, over the limit of " + MAX_NUMBERS);
        }
        for (String number : numbers) {
            require(number, "number");
        }
        LookupPeers lookup =
                LookupPeers.newBuilder().addAllNumbers(Arrays.asList(numbers)).build();
        return ask(session, Request.newBuilder().setLookup(lookup)).getPeers().getPeersList().stream()
                .map(Parcels::capability)
                .toArray(Capability[]::new);
    }

    @Override
    public void markRead(long messageId) {
        MarkRead read = MarkRead.newBuilder().setMessageId(messageId).build();
        ask(admit(), Request.newBuilder().setMarkRead(read));
    }

    @Override
    public void setTyping(String own, String peer, boolean typing) {
        AppSession session = admit();
        SetTyping set =
                SetTyping.newBuilder()
                        .setFrom(require(own, "own"))
                        .setTo(require(peer, "peer"))
                        .setStopped(!typing)
                        .build();
        ask(session, Request.newBuilder().setTyping(set));
    }

    @Override
    public SettingsInfo getSettings(String own, String peer) {
        AppSession session = admit();
        GetSettings get =
                GetSettings.newBuilder()
                        .setOwn(require(own, "own"))
                        .setPeer(require(peer, "peer"))
                        .build();
        return Parcels.settings(
                ask(session, Request.newBuilder().setGetSettings(get)).getSettings());
    }

    @Override
    public void setSettings(String own, String peer, int mode, int fallback, String iccid) {
        AppSession session = admit();
        SetSettings set =
                SetSettings.newBuilder()
                        .setOwn(require(own, "own"))
                        .setPeer(require(peer, "peer"))
                        .setModeValue(mode)
                        .setFallbackValue(fallback)
                        .setIccid(require(iccid, "iccid"))
                        .build();
        ask(session, Request.newBuilder().setSetSettings(set));
    }

    @Override
    public void registerNumber(String number, String iccid, boolean consent) {
        AppSession session = admit();
        if (!consent) {
            throw Failures.invalid("a number is bound only with the user's consent");
        }
        Register register =
                Register.newBuilder()
                        .setNumber(require(number, "number"))
                        .setIccid(require(iccid, "iccid"))
                        .setConsent(true)
                        .build();
        ask(session, Request.newBuilder().setRegister(register));
    }

    @Override
    public StatusInfo getStatus() {
        Request.Builder status = Request.newBuilder().setStatus(GetStatus.getDefaultInstance());
        return Parcels.status(ask(admit(), status).getStatus());
    }

    @Override
    public void deliverIncomingSms(IncomingSms sms) {
        gate.admit();
        require(sms, "SMS");
        if (!ingester.isApp()) {
            throw new ServiceSpecificException(
                    ERROR_UNSUPPORTED, "the bridge receives SMS by itself on this phone");
        }
        byte[][] pdus = pdusOf(sms);
        long identity = Binder.clearCallingIdentity();
        try {
            IncomingText text =
                    ingester.read(
                            IncomingPdus.parse(pdus, sms.format), pdus, sms.subscriptionId);
            if (text == null) {
                throw Failures.invalid("the PDUs are not readable");
            }
            if (!ingester.keep(text)) {
                throw new ServiceSpecificException(
                        ERROR_STORAGE, "the SMS is not kept: the disk does not take it");
            }
        } finally {
            Binder.restoreCallingIdentity(identity);
        }
    }

    @Override
    public int getInterfaceVersion() {
        return VERSION;
    }

    /** Asked for by AOSP's aidl compiler; the distribution's older one does not know it. */
    public String getInterfaceHash() {
        return INTERFACE_HASH;
    }

    @Override
    public void close() {
        synchronized (sessions) {
            sessions.values().forEach(AppSession::close);
            sessions.clear();
        }
    }

    private AppSession admit() {
        String name = gate.admit();
        synchronized (sessions) {
            AppSession session = sessions.get(name);
            if (session == null) {
                if (sessions.size() >= MAX_SESSIONS) {
                    // Of apps that were the default before.
                    sessions.values().forEach(AppSession::close);
                    sessions.clear();
                }
                try {
                    session =
                            new AppSession(
                                    () -> connector.connect(clientName(name)),
                                    name,
                                    () -> gate.isAdmitted(name));
                } catch (TwineException e) {
                    throw Failures.of(e);
                }
                sessions.put(name, session);
            }
            session.admitted();
            return session;
        }
    }

    /** The daemon's names have at most 64 characters; a package name may have more. */
    static String clientName(String packageName) {
        if (packageName.length() <= 64) {
            return packageName;
        }
        return packageName.substring(0, 55) + "-" + String.format("%08x", packageName.hashCode());
    }

    private static Reply ask(AppSession session, Request.Builder request) {
        try {
            return session.control().ask(request);
        } catch (TwineException e) {
            throw Failures.of(e);
        }
    }

    private static void checkRequest(SendRequest request) {
        require(request, "request");
        require(request.from, "from");
        require(request.to, "to");
        requireWellFormed(require(request.text, "text"));
        if (request.validForSeconds < 0) {
            throw Failures.invalid("valid for " + request.validForSeconds + " s");
        }
    }

    /** UTF-8 has nothing for half a pair: the recipient would silently get a question mark. */
    private static void requireWellFormed(String text) {
        for (int i = 0; i < text.length(); i++) {
            char unit = text.charAt(i);
            boolean isPair =
                    i + 1 < text.length() && Character.isSurrogatePair(unit, text.charAt(i + 1));
            if (isPair) {
                i++;
            } else if (Character.isSurrogate(unit)) {
                throw Failures.invalid(
                        "the text has half of a surrogate pair at position "
                                + i
                                + ", without the other half");
            }
        }
    }

    private static int checkLimit(int limit) {
        if (limit < 0 || limit > MAX_PAGE) {
            throw Failures.invalid("a limit of " + limit + "; 1 to " + MAX_PAGE + ", or 0");
        }
        return limit;
    }

    private static byte[][] pdusOf(IncomingSms sms) {
        require(sms.pdus, "list of PDUs");
        byte[][] pdus = new byte[sms.pdus.length][];
        for (int i = 0; i < pdus.length; i++) {
            SmsPdu pdu = require(sms.pdus[i], "PDU");
            pdus[i] = require(pdu.bytes, "PDU");
        }
        return pdus;
    }

    private static <T> T require(T value, String what) {
        if (value == null) {
            throw Failures.invalid("the " + what + " is null");
        }
        return value;
    }
}
