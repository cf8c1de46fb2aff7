//! What the engine asks of its store, and what the store answers.
//!
//! One [`Batch`] is one transaction, durable when it is answered. Operations
//! run in order; each yields one [`Outcome`]. They are conditional: the store
//! holds the truth about messages, lanes and counters, and the engine learns
//! from the outcome what happened. An operation never fails for a reason of
//! its own: a batch is applied whole or, on an I/O error, not at all and tried
//! again by the driver.
//!
//! Every operation that changes what the user sees of a message appends one
//! event to the durable log in the same transaction.
//!
//! Two implementations exist: `twine-store` (SQLite) and the simulator's. Both
//! pass the suite in `twine-store`.

use std::time::Duration;

use twine_proto::frame::{EpochPosition, ReadMark, RejectReason, RevokeOutcome, SentState};
use twine_proto::{
    Cursor, Digest, E164, Epoch, LaneSeq, MessageName, OpaqueContent, Redacted, Seq, SessionNo,
};

use crate::message::{MessageId, MessageRecord, OrderKey, Shown};
use crate::time::{BootId, Instant, WallTime};

/// Numbers batches within one run of the engine, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchId(pub u64);

/// One transaction.
#[derive(Debug, Clone)]
pub struct Batch {
    /// To be returned in [`Stored`].
    pub id: BatchId,
    /// When it was closed; display only (`created`, `changed`, events).
    pub wall: WallTime,
    /// In order.
    pub ops: Vec<Op>,
}

/// The batch is on disk.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Which.
    pub id: BatchId,
    /// One for each operation, in order.
    pub outcomes: Vec<Outcome>,
    /// The newest event in the log after it.
    pub latest_event: EventCursor,
}

/// Place in the durable event log, from 1, without holes. 0: before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct EventCursor(pub u64);

/// A durable client's name, 1 to 64 characters of `[a-zA-Z0-9._-]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientName(pub String);

/// A client's idempotence token (DELIVERY 1), 1 to 64 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(pub Vec<u8>);

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

    // -- sending ------------------------------------------------------------
    /// Stores a message for sending, unless the client's token is known.
    /// → `Enqueued` or `Repeated`.
    Enqueue(NewOutgoing),
    /// Gives a queued message to IP: takes the identity's next seq and, unless
    /// it has one of this epoch already, the lane's next lane_seq (DELIVERY 2).
    /// → `Released` or `NotQueued`.
    Release {
        /// Which.
        id: MessageId,
    },
    /// Reads the oldest queued messages of an identity. → `Queued`.
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
    },
    /// Applies answers to revokes: `Revoked` and `AlreadyDelivered` settle,
    /// `InDoubt` and `Forgotten` leave the message being taken back, to be
    /// asked again at the next contact. → `Applied`.
    ApplyRevoked {
        /// Whose.
        number: E164,
        /// Of which epoch.
        epoch: Epoch,
        /// By seq.
        results: Vec<(Seq, RevokeOutcome)>,
    },
    /// Takes a message back: a queued one at once (`TakenBack`), one on its way
    /// by a revoke (`MustRevoke`); a failed one is only shown as cancelled
    /// (`Done`). Else `TooLate` or `NotFound`.
    Cancel {
        /// Which.
        id: MessageId,
    },
    /// Puts a failed or cancelled outgoing message back into the queue; keeps
    /// its place in the lane. → `Done`, `TooLate` (not failed) or `NotFound`.
    Retry {
        /// Which.
        id: MessageId,
        /// Its validity starts again now.
        boot: BootStamp,
    },
    /// Deadlines of another boot start again now, in full (DELIVERY 24).
    /// → `Deadline`.
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

    // -- receiving ----------------------------------------------------------
    /// Takes a delivery, unless it was taken before (DELIVERY 10), and moves
    /// the identity's cursor. → `Inserted`, `Duplicate` or `Conflict`.
    InsertIncoming(Incoming),
    /// Moves the identity's cursor over an entry that holds no message: a lane
    /// note, or a receipt. A check of 0 names nothing that the gateway could
    /// compare: then the cursor stays where it is, here and in every operation
    /// that moves it, and the entry, if its `Ack` is lost, comes once more.
    /// → `Done`.
    PassCursor {
        /// Whose.
        number: E164,
        /// To here, if that is further.
        cursor: Cursor,
        /// Check of the entry there.
        check: u32,
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

/// A moment of one boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootStamp {
    /// Which boot.
    pub boot: BootId,
    /// When in it.
    pub at: Instant,
}

/// A message to be stored for sending.
#[derive(Debug, Clone)]
pub struct NewOutgoing {
    /// Given by the engine; unused if the token is known.
    pub id: MessageId,
    /// Whose token.
    pub client: ClientName,
    /// The client's name for this request.
    pub token: Token,
    /// The sending identity.
    pub own: E164,
    /// The recipient.
    pub peer: E164,
    /// The text, never empty.
    pub text: Redacted<String>,
    /// Give up when not delivered within this time.
    pub valid_for: Option<Duration>,
    /// Validity starts here.
    pub boot: BootStamp,
}

/// A delivery to be taken.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Given by the engine; unused if it is a duplicate.
    pub id: MessageId,
    /// This device's number.
    pub own: E164,
    /// Mailbox entry it came as.
    pub cursor: Cursor,
    /// Check of that entry (`MessageName::cursor_check`, 0 if unnamed).
    pub check: u32,
    /// What it is.
    pub body: IncomingBody,
    /// Seconds it lay at the gateway.
    pub age_s: u32,
}

/// What a delivery holds.
#[derive(Debug, Clone)]
pub enum IncomingBody {
    /// A message that can be read.
    Text {
        /// Universal name.
        name: MessageName,
        /// Of recipient, place and content.
        digest: Digest,
        /// The text.
        text: Redacted<String>,
    },
    /// A message of which only the envelope can be read (DELIVERY 12).
    Unreadable {
        /// Universal name.
        name: MessageName,
        /// Of recipient, place and content.
        digest: Digest,
    },
    /// Not even the envelope could be read; known by its cursor alone and
    /// committed once per cursor.
    Unnamed,
}

/// Answer to one operation; which ones are possible is said at [`Op`].
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Nothing to tell.
    Done,
    /// What the gateway said is applied.
    Applied {
        /// Messages that were unsettled before and are settled now.
        settled: u64,
        /// Messages that went back to the queue.
        requeued: u64,
        /// The lowest unsettled seq of the identity's present epoch; its next
        /// seq if all are settled.
        lowest_unsettled: Seq,
    },
    /// See [`Op::BeginSession`].
    SessionBegun {
        /// Durable now.
        session_no: SessionNo,
        /// Where each identity stands, in the order of registration.
        identities: Vec<IdentityPosition>,
    },
    /// Stored. It has this place.
    Enqueued {
        /// Which.
        id: MessageId,
    },
    /// The token was known: this is its message.
    Repeated {
        /// Which.
        id: MessageId,
    },
    /// Released to IP.
    Released(Released),
    /// It is not in the queue (any more).
    NotQueued,
    /// The oldest queued ones.
    Queued {
        /// By id.
        messages: Vec<QueuedMessage>,
        /// Whether there are more behind these.
        more: bool,
    },
    /// What has to be filled in again.
    Resume {
        /// In-flight seqs, ascending.
        in_flight: Vec<ResumeItem>,
        /// Whether more follow behind these.
        more: bool,
        /// Accepted seqs (of the present and of closed epochs) being taken back.
        taking_back: Vec<(Epoch, Seq)>,
    },
    /// It was queued and is out of the queue.
    TakenBack,
    /// It is marked; the gateway has to be asked.
    MustRevoke(Unsettled),
    /// Its state does not allow it any more.
    TooLate {
        /// Its state.
        shown: Option<Shown>,
    },
    /// No such message, client or identity.
    NotFound,
    /// The earliest deadline of this boot.
    Deadline(Option<Instant>),
    /// See [`Op::ExpireDue`].
    Expired {
        /// Those for which the gateway has to be asked.
        revoke: Vec<Unsettled>,
        /// How many were given up without asking.
        dropped: usize,
        /// The earliest deadline that remains.
        next: Option<Instant>,
    },
    /// A new message, in the history.
    Inserted {
        /// Which.
        id: MessageId,
    },
    /// Taken before. If it was taken as a placeholder or conflict, the
    /// rejection has to be told again. If the user has read it, the lane's mark is
    /// untold again: it may have overtaken the acknowledgement, and the sender does
    /// not show as read what it does not know to be delivered.
    Duplicate {
        /// What was told of it.
        rejected: Option<RejectReason>,
    },
    /// Stored and shown beside the other of its name.
    Conflict {
        /// Which.
        id: MessageId,
    },
    /// A read mark, stored, to be told to the gateway.
    ReadTo {
        /// Whose reading.
        number: E164,
        /// Up to where.
        mark: UntoldMark,
    },
    /// Unconfirmed read marks.
    ReadMarks(Vec<UntoldMark>),
    /// A client's place.
    ClientOpen {
        /// Acknowledged up to here.
        cursor: EventCursor,
        /// The newest event.
        latest: EventCursor,
    },
    /// The number of durable clients is at its limit.
    TooManyClients,
}

/// A read mark the gateway is not known to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UntoldMark {
    /// What to tell.
    pub mark: ReadMark,
    /// Grows each time there is something to tell of this lane, also if the mark
    /// itself stays where it is.
    pub version: u64,
}

/// An unsettled message and its number at the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsettled {
    /// Whose.
    pub number: E164,
    /// Of which epoch.
    pub epoch: Epoch,
    /// Which.
    pub seq: Seq,
}

/// A message that has got its numbers.
#[derive(Debug, Clone)]
pub struct Released {
    /// Which.
    pub id: MessageId,
    /// Whose.
    pub own: E164,
    /// For whom.
    pub peer: E164,
    /// Its epoch.
    pub epoch: Epoch,
    /// Its seq.
    pub seq: Seq,
    /// Its place in the lane.
    pub lane_seq: LaneSeq,
    /// As it travels.
    pub content: OpaqueContent,
}

/// A message waiting for its channel.
#[derive(Debug, Clone)]
pub struct QueuedMessage {
    /// Which.
    pub id: MessageId,
    /// For whom.
    pub peer: E164,
    /// Size of its content as it would travel.
    pub content_bytes: usize,
    /// When it gives up, in this boot.
    pub deadline: Option<Instant>,
}

/// An in-flight seq to be filled in again.
#[derive(Debug, Clone)]
pub struct ResumeItem {
    /// The message under its seq.
    pub released: Released,
    /// Fill it in by `Revoke` instead of `Submit`.
    pub take_back: bool,
}

/// Where an identity stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityPosition {
    /// The number.
    pub number: E164,
    /// Its SIM, if known.
    pub iccid: Option<Redacted<String>>,
    /// The epoch it holds and where it stands in it; `None`: wants a new one.
    pub held: Option<EpochPosition>,
    /// The highest epoch it ever had; 0: none.
    pub last_epoch: Epoch,
    /// Last cursor committed, and its check.
    pub cursor: Cursor,
    /// See `cursor`.
    pub cursor_check: u32,
    /// Closed epochs with unsettled messages, the lowest
    /// `twine_proto::limits::MAX_OLD_EPOCHS` of them.
    pub old: Vec<EpochPosition>,
    /// How many messages wait for a channel.
    pub queued: u64,
}

/// What the engine starts from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// In the order of registration.
    pub identities: Vec<IdentityPosition>,
    /// One above the highest message id ever given.
    pub next_message: u64,
    /// Last session number used.
    pub session_no: SessionNo,
    /// The newest event.
    pub latest_event: EventCursor,
    /// Queued and unsettled outgoing messages.
    pub outbox: u64,
}

/// One entry of the durable event log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord {
    /// Its place.
    pub cursor: EventCursor,
    /// What happened.
    pub kind: EventKind,
    /// To which message.
    pub message: MessageId,
    /// What the user sees after it.
    pub shown: Shown,
    /// When; display only.
    pub wall: WallTime,
}

/// Kinds of logged events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A message came in.
    Received,
    /// What the user sees of a message changed.
    StateChanged,
}

/// A store as seen by its tests and by drivers: the SQLite store implements
/// it, and the simulator's.
pub trait StoreOps {
    /// Why a batch or a read could not be done.
    type Error: std::error::Error;

    /// Where the engine starts.
    fn snapshot(&self) -> Result<Snapshot, Self::Error>;
    /// Applies a batch as one durable transaction.
    fn apply(&mut self, batch: &Batch) -> Result<Stored, Self::Error>;
    /// One message.
    fn message(&self, id: MessageId) -> Result<Option<MessageRecord>, Self::Error>;
    /// A page of a conversation, newest first, strictly before `before`.
    fn history(
        &self,
        own: E164,
        peer: E164,
        before: Option<OrderKey>,
        limit: usize,
    ) -> Result<Vec<MessageRecord>, Self::Error>;
    /// Queued and unsettled outgoing messages, oldest first, above `after`.
    fn outbox(&self, after: MessageId, limit: usize) -> Result<Vec<MessageRecord>, Self::Error>;
    /// Events behind a cursor, oldest first.
    fn events(&self, after: EventCursor, limit: usize) -> Result<Events, Self::Error>;
}

/// A page of the event log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    /// The events asked for lie behind the retention limit: the log goes on
    /// behind this cursor; what was lost must be read from history.
    pub resync_from: Option<EventCursor>,
    /// In order, without holes.
    pub events: Vec<EventRecord>,
}
