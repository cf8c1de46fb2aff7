//! The durable records and the operations on them.
//!
//! Owns what a record means; says nothing of how it is kept. A transaction
//! reads its own writes. Rules are decided by the core, never by a storage.

use twine_proto::frame::Disposition;
use twine_proto::limits::MAX_COUNTER;
use twine_proto::{
    Cursor, Digest, E164, Epoch, LaneSeq, MessageName, OpaqueContent, Seq, SessionNo,
};

use crate::limits::ENTRY_OVERHEAD_BYTES;
use crate::types::DeviceKey;

/// Keeps the records.
pub trait Storage {
    /// What can go wrong.
    type Error: std::error::Error;
    /// An open transaction.
    type Tx<'a>: Tx<Error = Self::Error>
    where
        Self: 'a;

    /// Opens a transaction that may write.
    fn begin(&mut self) -> Result<Self::Tx<'_>, Self::Error>;
}

/// A transaction. Dropped without [`commit`](Tx::commit), it never happened.
pub trait Tx {
    /// What can go wrong.
    type Error: std::error::Error;

    /// The last sessions of a device, ascending: the highest, and those before it that
    /// the device may not have been welcomed in. Empty: it had none.
    fn sessions(&mut self, device: &DeviceKey) -> Result<Vec<SessionNo>, Self::Error>;
    /// Sets them; at least one.
    fn put_sessions(
        &mut self,
        device: &DeviceKey,
        sessions: &[SessionNo],
    ) -> Result<(), Self::Error>;
    /// Whether any number is bound to a device.
    fn has_number(&mut self, device: &DeviceKey) -> Result<bool, Self::Error>;

    /// A number's record.
    fn number(&mut self, number: E164) -> Result<Option<NumberRecord>, Self::Error>;
    /// Sets it.
    fn put_number(&mut self, number: E164, record: &NumberRecord) -> Result<(), Self::Error>;

    /// One epoch of a sender.
    fn stream(&mut self, key: StreamKey) -> Result<Option<Stream>, Self::Error>;
    /// Sets it.
    fn put_stream(&mut self, key: StreamKey, stream: &Stream) -> Result<(), Self::Error>;
    /// Removes it with all its sent records.
    fn remove_stream(&mut self, key: StreamKey) -> Result<(), Self::Error>;
    /// The epochs of a number with a stream, ascending.
    fn epochs(&mut self, number: E164) -> Result<Vec<Epoch>, Self::Error>;

    /// What became of one seq.
    fn sent(&mut self, key: StreamKey, seq: Seq) -> Result<Option<Sent>, Self::Error>;
    /// Sets it.
    fn put_sent(&mut self, key: StreamKey, seq: Seq, sent: &Sent) -> Result<(), Self::Error>;
    /// Forgets one seq.
    fn remove_sent(&mut self, key: StreamKey, seq: Seq) -> Result<(), Self::Error>;
    /// Records from a seq on, ascending, at most `limit`.
    fn sent_from(
        &mut self,
        key: StreamKey,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<(Seq, Sent)>, Self::Error>;
    /// Forgets seqs in `from..below`; with `only_ended` those that still wait
    /// stay.
    fn forget_sent(
        &mut self,
        key: StreamKey,
        from: Seq,
        below: Seq,
        only_ended: bool,
    ) -> Result<(), Self::Error>;

    /// A mailbox's accounts; `Default` if it never held anything.
    fn mailbox(&mut self, owner: E164) -> Result<Mailbox, Self::Error>;
    /// Sets them.
    fn put_mailbox(&mut self, owner: E164, mailbox: &Mailbox) -> Result<(), Self::Error>;

    /// What the last restore has left; `None`: there was none.
    fn last_restore(&mut self) -> Result<Option<Restored>, Self::Error>;
    /// Sets it.
    fn put_last_restore(&mut self, restored: &Restored) -> Result<(), Self::Error>;

    /// The records came back from a backup: sets [`Mailbox::handed_upto`] and
    /// [`Mailbox::doubted_upto`] of every mailbox to its last cursor, because
    /// later ones may have been used for other entries, and
    /// [`Stream::doubted_upto`] of every stream to [`ALL_DOUBTED`].
    fn doubt_all(&mut self) -> Result<(), Self::Error>;

    /// One entry.
    fn entry(&mut self, owner: E164, cursor: Cursor) -> Result<Option<Entry>, Self::Error>;
    /// Adds one; the cursor is free.
    fn insert_entry(
        &mut self,
        owner: E164,
        cursor: Cursor,
        entry: &Entry,
    ) -> Result<(), Self::Error>;
    /// Removes one.
    fn remove_entry(&mut self, owner: E164, cursor: Cursor) -> Result<(), Self::Error>;
    /// Entries behind a cursor, ascending: at most `limit`, and only as many as
    /// cost at most `max_cost` together ([`Entry::cost`]); the first always.
    fn entries_after(
        &mut self,
        owner: E164,
        after: Cursor,
        limit: usize,
        max_cost: u64,
    ) -> Result<Vec<(Cursor, Entry)>, Self::Error>;
    /// The read marks of one reader waiting in a mailbox, ascending by epoch.
    fn read_marks(
        &mut self,
        owner: E164,
        reader: E164,
    ) -> Result<Vec<(Epoch, Cursor, LaneSeq)>, Self::Error>;
    /// Entries taken at or before a time, the oldest first, at most `limit`.
    fn taken_until(
        &mut self,
        unix_s: u64,
        limit: usize,
    ) -> Result<Vec<(E164, Cursor)>, Self::Error>;

    /// Makes everything durable. Returns only after it reached the disk.
    fn commit(self) -> Result<(), Self::Error>;
}

/// A number this gateway knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberRecord {
    /// The device it is bound to; `None`: no longer bound.
    pub device: Option<DeviceKey>,
    /// The present epoch, which is the highest ever; 0: none granted. All
    /// below it are closed.
    pub epoch: Epoch,
}

/// Names one epoch of a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamKey {
    /// The sender.
    pub number: E164,
    /// Its binding.
    pub epoch: Epoch,
}

/// One epoch of a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// To whom it was granted: nobody else is told of it (DELIVERY 8).
    pub owner: DeviceKey,
    /// The highest seq taken (DELIVERY 4).
    pub high_water: Seq,
    /// The highest value the sender told.
    pub lowest_unsettled: Seq,
    /// Ended records below this are gone.
    pub pruned_to: Seq,
    /// Seqs up to this one may have been handed over in a time that a restore
    /// has lost: none of them is ever told `Revoked` once it was submitted.
    pub doubted_upto: Seq,
}

/// [`Stream::doubted_upto`] until the sender has said, in its first `Hello` after
/// a restore, which seqs it had given by then.
pub const ALL_DOUBTED: Seq = Seq(MAX_COUNTER);

/// What a restore from a backup has left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// When the operator said so.
    pub unix_s: u64,
    /// No epoch below is granted: it may have been, in the time that was lost.
    pub epoch_floor: Epoch,
}

/// What is known of one seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Of what was submitted; `None`: the seq was consumed by a revoke, and
    /// whatever is submitted under it is taken for its message.
    pub digest: Option<Digest>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It lies in a mailbox.
    Waiting {
        /// Whose.
        to: E164,
        /// Where.
        cursor: Cursor,
    },
    /// The receiver has it.
    Delivered,
    /// Any other end.
    Ended {
        /// Which.
        how: Disposition,
        /// It was handed over before: the receiver may have it nevertheless.
        handed: bool,
    },
}

impl Fate {
    /// Whether it is final.
    #[must_use]
    pub fn ended(&self) -> bool {
        !matches!(self, Self::Waiting { .. })
    }
}

/// The accounts of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mailbox {
    /// The last cursor given. Never goes back.
    pub last_cursor: Cursor,
    /// Entries up to here were sent to a device at least once; durable before
    /// they left. One mark is enough: they are handed over in order.
    pub handed_upto: Cursor,
    /// A `Hello` with a cursor up to this one settles nothing: one was named
    /// that did not match (see `hello`).
    pub doubted_upto: Cursor,
    /// Messages waiting.
    pub messages: u32,
    /// Read marks waiting.
    pub marks: u32,
    /// What all of them cost together ([`Entry::cost`]).
    pub bytes: u64,
}

/// One thing waiting in a mailbox: queued, handed over once
/// [`Mailbox::handed_upto`] covers it, and gone once it is acknowledged, revoked or
/// expired (DELIVERY 9). Never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When the gateway took it, unix seconds.
    pub taken_s: u64,
    /// What it is.
    pub body: EntryBody,
}

/// What waits in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryBody {
    /// A message, or (lane_seq 0) a note without a message.
    Message {
        /// The sender.
        from: E164,
        /// Its epoch.
        epoch: Epoch,
        /// The sender's seq.
        seq: Seq,
        /// Place in the lane.
        lane_seq: LaneSeq,
        /// Opaque.
        content: OpaqueContent,
    },
    /// The reader has read the owner's messages.
    ReadBy {
        /// Who read.
        reader: E164,
        /// The owner's epoch in which they were numbered.
        epoch: Epoch,
        /// Up to here.
        upto: LaneSeq,
    },
}

impl Entry {
    /// The 4-byte check that goes with this entry's cursor (DELIVERY 6), in
    /// `owner`'s mailbox. A message has that of its name (also a note, with
    /// lane_seq 0); a read mark has no name, its check is 0. The handset
    /// computes the same.
    #[must_use]
    pub fn check(&self, owner: E164) -> u32 {
        match self.body {
            EntryBody::Message {
                from,
                epoch,
                lane_seq,
                ..
            } => MessageName {
                from,
                epoch,
                to: owner,
                lane_seq,
            }
            .cursor_check(),
            EntryBody::ReadBy { .. } => 0,
        }
    }

    /// What it costs in the accounts of a mailbox and of a connection, bytes.
    #[must_use]
    pub fn cost(&self) -> u64 {
        ENTRY_OVERHEAD_BYTES
            + match &self.body {
                EntryBody::Message { content, .. } => content.as_bytes().len() as u64,
                EntryBody::ReadBy { .. } => 0,
            }
    }
}
