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
//! # When a message is looked at again
//!
//! Each open outgoing message may have one *look*: a moment of boot time at which
//! the engine decides anew what to do with it ([`Op::LoadDue`]). An operation
//! that takes a [`Look`] replaces it; one that settles the message for good
//! removes it. "At once" (0) is set by the store itself where an operation leaves
//! a message undecided: when IP ended negatively and SMS is still open
//! ([`crate::message::SmsAttempt::None`]), and for messages that wait for their lane when one
//! before them stops being in the way: the first on no channel yet (undecided, or in
//! the queue of IP with SMS open and without a look), and before it those on IP with
//! SMS open and without a look. The outcome then says `look`.
//!
//! # Lanes
//!
//! What an outgoing message means for those behind it in its lane is
//! [`crate::message::lane_use`], derived anew with every change. "Before" a
//! message are the messages of the same own number and peer with a lower id.
//!
//! Two implementations exist: `twine-store` (SQLite) and the simulator's. Both
//! pass the suite in `twine-store`.

mod args;
mod facts;
mod op;
mod outcome;

pub use args::*;
pub use facts::*;
pub use op::Op;
pub use outcome::Outcome;

use twine_proto::{E164, Peer};

use crate::message::{MessageId, MessageRecord, OrderKey, Shown};
use crate::time::{Instant, WallTime};

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
    /// Queued and unsettled outgoing messages after it, as in [`Snapshot`].
    pub outbox: u64,
    /// The earliest look and validity after it, in the boot that was told last
    /// ([`Op::RearmDeadlines`]).
    pub due: NextDue,
}

/// When something is due next; `None`: never, as things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NextDue {
    /// A message is looked at; 0: at once.
    pub look: Option<Instant>,
    /// The validity of a message is over.
    pub validity: Option<Instant>,
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
    /// With `Merged` and `Unmerged`: the other message.
    pub into: Option<MessageId>,
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
    /// It turned out to be a copy of another.
    Merged,
    /// It is a message of its own after all.
    Unmerged,
    /// Its place in the conversation changed.
    Reordered,
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
        peer: Peer,
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
