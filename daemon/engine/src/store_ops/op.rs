//! The operations of a batch.

use twine_proto::frame::{ReadMark, RevokeOutcome, SentState};
use twine_proto::{Cursor, E164, Epoch, NoteEntry, Peer, Redacted, Seq, SessionNo};

use crate::message::{Channel, IpAttempt, MessageId, SmsAttempt, WaitsFor};
use crate::parts::{AfterRefusal, AttemptId, PartState};
use crate::settings::{Reach, Settings};

use super::*;

/// One conditional change or read.
#[derive(Debug, Clone)]
pub enum Op {
    // -- identities ---------------------------------------------------------
    /// Adds an identity without an epoch, or changes the SIM of a known one.
    /// → `Done`.
    Register {
        /// The number.
        number: E164,
        /// Its SIM, if known.
        iccid: Option<Redacted<String>>,
    },
    /// Raises the session number by one, above `at_least` too, and reads where
    /// every identity stands. → `SessionBegun`.
    BeginSession {
        /// From a gateway that knows a higher one of this device.
        at_least: SessionNo,
    },
    /// Gives the present epoch up for ever (DELIVERY 4, 8): the identity wants a
    /// new one. Its unsettled messages keep (epoch, seq), except the contested:
    /// under their seqs the gateway holds somebody else's messages, whose fate
    /// must not be taken for theirs. In-flight ones from `contested_from` on go
    /// back to the queue, as with `ApplyClosed`. → `Applied`.
    CloseEpoch {
        /// Whose.
        number: E164,
        /// Only if this is still its epoch.
        epoch: Epoch,
        /// The seq the gateway called a conflict.
        contested_from: Option<Seq>,
    },
    /// Takes a granted epoch: seq and every lane start again at 1. The epoch
    /// held before, if any, is closed. Ignored unless above the highest epoch
    /// the identity ever had. → `Done`.
    BindEpoch {
        /// Whose.
        number: E164,
        /// The new one.
        epoch: Epoch,
    },

    /// A card with this number is in the phone. Adds an identity for SMS alone
    /// if the number is new (no consent: never named to a gateway), and notes the
    /// card. → `Done`.
    NoteSim {
        /// Its number.
        number: E164,
        /// The card.
        iccid: Redacted<String>,
    },

    /// Keeps what was learned, in place of what was kept before. → `Done`.
    Remember {
        /// Of what.
        memo: Memo,
        /// As the engine writes it; at most a few kilobytes.
        bytes: Vec<u8>,
    },

    // -- settings and peers -------------------------------------------------
    /// Sets what the user chose, as a whole. All open messages concerned get a
    /// look at once, except those in the queue of IP that may stay there and those
    /// at the agent. SMS is open again for what is in the queue of IP because it was
    /// ruled out (unless by the user's wish): that gets a look as well. What waits in the
    /// queue of SMS of a conversation leaves by the card that is pinned now, once it was
    /// looked at.
    /// → `Looks` or `TooManySettings`.
    Set {
        /// For one conversation; `None`: globally.
        conversation: Option<(E164, Peer)>,
        /// What holds there from now on.
        settings: Settings,
    },
    /// Notes whether a peer is on IP. A sign of life (a delivery from it, a
    /// message delivered to it, its read mark) is noted by the operations that
    /// bring it. `Unknown` takes a refusal back and nothing else. → `Done`.
    SetReach {
        /// Whose.
        peer: E164,
        /// What is believed.
        reach: Reach,
        /// Since now.
        boot: BootStamp,
    },
    /// Reads what is known of a conversation. → `Conversation`.
    LoadConversation {
        /// Own number.
        sender: Sender,
        /// Peer.
        peer: Peer,
        /// For how long a belief lasts.
        boot: BootStamp,
    },

    // -- sending ------------------------------------------------------------
    /// Stores a message for sending, unless the client's token is known.
    /// → `Enqueued` or `Repeated`.
    Enqueue(NewOutgoing),
    /// Gives a queued message to IP: takes the identity's next seq and, unless
    /// it has one of this epoch already, the lane's next lane_seq (DELIVERY 2).
    /// Puts the lane's note into its content, if there is something to note
    /// (DELIVERY 18). → `Released`, `NotQueued`, or `NotByIp`: something speaks
    /// against IP. That is a peer that is a name, or, while SMS is open for the
    /// message and without the wish for IP: the wish for SMS, mode SMS only, a peer
    /// believed not to be on IP. Then it is undecided, with a look at once. A
    /// message before it in its lane that blocks, or is in the queue itself (back in it
    /// since this one was read), leaves it in the queue as it is.
    Release {
        /// Which.
        id: MessageId,
        /// The deadline of acceptance.
        look: Option<Look>,
        /// For how long beliefs last.
        boot: BootStamp,
    },
    /// Puts a message that IP never had into the queue of IP: an undecided one, or
    /// one that waits in the pacing queue, which it leaves. → `Looks`.
    QueueForIp {
        /// Which.
        id: MessageId,
        /// When to look again if it is still there.
        look: Look,
    },
    /// Reads the oldest messages of an identity in the queue of IP, without
    /// those behind one that blocks their lane. One that waits for the user is
    /// still in that queue: it leaves by IP when it can. → `Queued`.
    LoadQueued {
        /// Whose.
        number: E164,
        /// At most so many.
        limit: usize,
        /// Stop behind the message with which the content reaches this.
        max_bytes: usize,
    },
    /// Reads what has to be filled in again after a resume (DELIVERY 8), a page
    /// at a time: in-flight messages of the present epoch with a seq above
    /// `after`, by seq. With the first page (`after` 0) also the accepted ones
    /// that are being taken back. → `Resume`.
    LoadResume {
        /// Whose.
        number: E164,
        /// Behind this seq; 0: from the first.
        after: Seq,
        /// At most so many in-flight messages.
        limit: usize,
    },
    /// The gateway has lost history (DELIVERY 7): what it had accepted of this
    /// epoch above its mark is in flight again. → `Done`.
    Unaccept {
        /// Whose.
        number: E164,
        /// Of which epoch.
        epoch: Epoch,
        /// The gateway's mark.
        high_water: Seq,
    },
    /// Applies what the gateway says of seqs of the given epoch: delivered and
    /// dispositions by seq, then every in-flight one up to `high_water` becomes
    /// accepted. Idempotent; what is settled stays settled, with one exception:
    /// "delivered" is a fact about the receiver and outweighs what the gateway
    /// concluded (refused, revoked, expired); not "rejected", because a receiver
    /// acknowledges what it rejects as well (DELIVERY 12). → `Applied`.
    ApplySent {
        /// Whose.
        number: E164,
        /// Of which epoch.
        epoch: Epoch,
        /// What it says.
        state: SentState,
        /// Accepted, and their recipients have no live session (DELIVERY 25).
        away: Vec<Seq>,
        /// The looks that newly accepted ones get while SMS is open for them, unless
        /// they are being asked back or have a look at once.
        looks: AcceptedLooks,
    },
    /// As `ApplySent` for a closed epoch; then in-flight messages above the
    /// high-water mark go back to the queue (or, being taken back, are
    /// revoked), without a place in the lane. → `Applied`.
    ApplyClosed {
        /// Whose.
        number: E164,
        /// Of which epoch.
        epoch: Epoch,
        /// What it says.
        state: SentState,
        /// Of those newly accepted for which SMS is open and that have none, because
        /// they waited for a card or for the pace.
        look: Look,
    },
    /// Applies answers to revokes: `Revoked` and `AlreadyDelivered` settle,
    /// `InDoubt` and `Forgotten` leave the message being taken back, to be
    /// asked again at the next contact; the first such answer gives it this look.
    /// → `Applied`.
    ApplyRevoked {
        /// Whose.
        number: E164,
        /// Of which epoch.
        epoch: Epoch,
        /// By seq.
        results: Vec<(Seq, RevokeOutcome)>,
        /// Of those that the gateway cannot tell of, while SMS is open for them.
        look: Look,
    },
    /// Takes a message back: one that is on no channel yet, or waits for SMS, at once
    /// (`TakenBack`; `Done` if IP had it and ended), one on its way by a revoke
    /// (`MustRevoke`), with an SMS that has not left; a failed one is only shown as
    /// cancelled (`Done`). What the agent has, or has sent, is gone: `TooLate`. Else
    /// `TooLate` or `NotFound`. Others may be free to go, or have a look at once.
    Cancel {
        /// Which.
        id: MessageId,
    },
    /// Puts a failed or cancelled outgoing message back into the queue; keeps
    /// its place in the lane, and the mark of an earlier SMS that may have left.
    /// Or answers a message that waits for the user or for a condition: with `by` it
    /// goes that way, without it is decided anew. Or gives one that waits for IP, or is
    /// on its way by it, the wish for SMS.
    /// In all cases the message takes the wish `by`, a look at once, and a new
    /// validity and age; SMS is open again, and what is not on IP undecided, unless
    /// the wish is IP: then it is in the queue of IP. → `Retried`, `TooLate` (none of
    /// these) or `NotFound`.
    Retry {
        /// Which.
        id: MessageId,
        /// The user's wish.
        by: Option<Channel>,
        /// Its validity starts again now.
        boot: BootStamp,
    },
    /// Validities, looks, ages and beliefs of another boot start again now, in
    /// full (DELIVERY 24). → `Deadline`.
    RearmDeadlines {
        /// This boot.
        boot: BootStamp,
    },
    /// Takes back what was not delivered in its validity: at most `limit`
    /// unsettled or queued messages whose deadline of this boot is due.
    /// → `Expired`.
    ExpireDue {
        /// This boot, now.
        boot: BootStamp,
        /// At most so many.
        limit: usize,
    },

    // -- between the channels -----------------------------------------------
    /// Reads messages whose look is due. Changes nothing: each is to be answered
    /// by an operation that replaces or removes its look. → `Due`.
    LoadDue {
        /// This boot, now.
        boot: BootStamp,
        /// At most so many.
        limit: usize,
    },
    /// What these messages waited for is there, or IP is: a look at once. → `Looks`.
    Wake {
        /// What.
        waits: WaitsFor,
        /// Only messages of this own number; `None`: all.
        own: Option<E164>,
    },
    /// IP is back for this number: what waits in its queue of SMS for nothing but its turn
    /// gets a look at once. → `Looks`.
    WakeSmsQueue {
        /// Whose.
        own: E164,
    },
    /// What waits in the queue of SMS for nothing but its turn, to leave by this card,
    /// waits for its home network, with a look at once: the card began to roam. An event
    /// for each. → `Looks`.
    HoldSms {
        /// The card's number.
        iccid: Redacted<String>,
    },
    /// The message goes on as it is, until the next look. An event if what it
    /// waits for changes. Ignored if its attempts are not these any more. With
    /// neither it waits for its lane: a look at once if nothing is before it any
    /// more, because that was not so when it was decided. → `Looks`.
    Wait {
        /// Which.
        id: MessageId,
        /// As they were when it was decided.
        seen: (IpAttempt, SmsAttempt),
        /// What it waits for.
        waits: Option<WaitsFor>,
        /// When to look again; `None`: when something changes.
        look: Option<Look>,
        /// For the message's story.
        because: Because,
    },
    /// It will not go by SMS (for now): the attempt that was never made becomes
    /// `NotUsed`. One that was on no channel yet, or was asked back to go by SMS, is in
    /// the queue of IP then.
    /// → `Looks`.
    RuleOutSms {
        /// Which.
        id: MessageId,
        /// For the message's story.
        because: Because,
    },
    /// Asks a message back from IP because it is to go by SMS: marks it with
    /// `TakeBack::BySms`. One that the user or its validity takes back stays so.
    /// → `MustRevoke`, or `Looks` if nothing of it is open on IP any more.
    AskBack {
        /// Which.
        id: MessageId,
        /// How long the answer may take.
        look: Look,
        /// For the message's story.
        because: Because,
    },
    /// Gives a message to SMS: into our own pacing queue. Takes the lane's next
    /// lane_seq, unless it has a place of this epoch already or the identity
    /// holds no epoch (DELIVERY 2). One that is open on IP is marked as taken
    /// back (`BySms`) and keeps the place under which it travels. → `SmsQueued`; `Looks` if its attempts are not these any
    /// more, or something before it in its lane is unsettled (it then gets a look
    /// at once when that ends).
    ReleaseSms {
        /// Which.
        id: MessageId,
        /// As they were when it was decided.
        seen: (IpAttempt, SmsAttempt),
        /// By this card.
        iccid: Redacted<String>,
        /// Another copy of it may exist: it carries the mark, if that adds no
        /// part.
        marked: bool,
        /// What was set for the conversation when it was decided: with anything else it
        /// is decided again.
        settings: Settings,
        /// For the message's story.
        because: Because,
    },
    /// Reads messages in the pacing queue that wait for nothing else, by id.
    /// → `SmsQueue`.
    LoadSms {
        /// Above this id.
        after: MessageId,
        /// At most so many.
        limit: usize,
    },
    /// Hands a message from the pacing queue to the agent, under a new name, if
    /// it is still there. → `SmsHanded` with one, or with none.
    HandSms {
        /// Which.
        id: MessageId,
        /// Its name.
        attempt: AttemptId,
        /// So many parts.
        parts: u8,
        /// When (for pacing after a restart).
        boot: BootStamp,
        /// How long the result may stay unknown.
        look: Look,
    },
    /// Reads what the agent has without a result for every part: to be ordered
    /// again when an agent connects. → `SmsHanded`.
    LoadHanded {
        /// Above this id.
        after: MessageId,
        /// At most so many.
        limit: usize,
    },
    /// Takes what became of one part. A result only ever becomes more certain;
    /// when all parts have one, the attempt takes the state that
    /// [`crate::parts::PartStates::attempt`] gives. Back in `Waiting` it forgets
    /// its name and parts; `WaitsFor` of the refusal is what it then waits for,
    /// with `look` as the latest moment of another try. → `SmsPart`.
    ApplySmsPart {
        /// Which attempt.
        attempt: AttemptId,
        /// Which part, from 0.
        part: u8,
        /// What became of it.
        state: PartState,
        /// The code of a refusal, as in SmsManager.
        code: Option<i32>,
        /// What follows if nothing of the message left, unless an earlier part of the
        /// attempt has the [`crate::stricter_refusal`].
        refusal: AfterRefusal,
        /// See above.
        look: Option<Look>,
        /// What the code means.
        because: Because,
    },
    /// The time of an unknown result is over (DELIVERY 26): `Handed` becomes
    /// `Unconfirmed`. → `SmsPart`.
    SettleUnknown {
        /// Which.
        id: MessageId,
    },
    /// Makes a note without a message for one lane of this identity that has one
    /// due (a resolved uncertain copy), with the next seq. → `Released` with
    /// lane_seq 0 and the given id, or `Done`: none is due.
    ReleaseNote {
        /// Whose.
        number: E164,
        /// For the note, as if it were a message.
        id: MessageId,
    },

    // -- receiving ----------------------------------------------------------
    /// Takes an incoming SMS, unless one with its spool id was taken before (DELIVERY
    /// 28), or, beyond that rule, one with the same own number, peer, SCTS, text and mark:
    /// so the network repeats what was not acknowledged in time. An SCTS of 0 says
    /// nothing: two such SMS are one only by their spool id. Merges it with another copy
    /// if its mark allows (DELIVERY 17), see [`crate::merging`].
    /// → `SmsInserted` or `SmsRepeated`.
    InsertSms(IncomingSms),
    /// Takes a delivery, unless it was taken before (DELIVERY 10), and moves
    /// the identity's cursor. → `Inserted`, `Duplicate` or `Conflict`.
    InsertIncoming(Incoming),
    /// Takes a lane note that came without a message, and moves the identity's
    /// cursor over it. A check of 0 names nothing that the gateway could compare:
    /// then the cursor stays where it is, here and in every operation that moves
    /// it, and the entry, if its `Ack` is lost, comes once more. → `Done`.
    ApplyNote {
        /// Own number.
        number: E164,
        /// Whose lane.
        from: E164,
        /// In which epoch of the sender.
        epoch: Epoch,
        /// What it says.
        note: Vec<NoteEntry>,
        /// The mailbox entry.
        cursor: Cursor,
        /// Its check.
        check: u32,
        /// For what is too old.
        boot: BootStamp,
    },

    // -- receipts -----------------------------------------------------------
    /// The user has read an incoming message and all before it in its lane.
    /// The lane's mark, the furthest place read, is to be told (again) if any of
    /// these messages was not read before: one that came late lies below a mark
    /// that was told already. → `ReadTo` with the mark, `Done` (all were read)
    /// or `NotFound`.
    MarkRead {
        /// Which.
        id: MessageId,
    },
    /// Reads read marks not yet confirmed by the gateway. → `ReadMarks`.
    LoadReadMarks {
        /// Whose.
        number: E164,
        /// At most so many.
        limit: usize,
    },
    /// The gateway has this mark; ignored if its version is not the present one.
    /// → `Done`.
    ReadConfirmed {
        /// Whose.
        number: E164,
        /// As it was told.
        mark: UntoldMark,
    },
    /// The peer has read: delivered messages of this lane and epoch up to the
    /// mark are shown as read. One below the mark that is not delivered was not
    /// there to be read. Moves the cursor as well. → `Done`.
    ApplyReadBy {
        /// Whose.
        number: E164,
        /// What was read.
        mark: ReadMark,
        /// The mailbox entry.
        cursor: Cursor,
        /// Its check.
        check: u32,
    },

    // -- clients ------------------------------------------------------------
    /// Makes sure a client has a cursor. → `ClientOpen` or `TooManyClients`.
    OpenClient {
        /// Who.
        client: ClientName,
        /// If it is new: start at the end instead of the oldest event.
        from_now: bool,
    },
    /// Moves a client's cursor forward (DELIVERY 29). → `Done`, `TooLate`
    /// (beyond the newest event) or `NotFound` (no such client).
    AckEvents {
        /// Who.
        client: ClientName,
        /// Done with all up to here.
        cursor: EventCursor,
    },

    // -- upkeep -------------------------------------------------------------
    /// Removes events and tokens beyond what `limits` keeps. Messages are never
    /// removed here. → `Done`.
    Prune,
}
