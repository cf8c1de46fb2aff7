//! The records of one turn: reads each stream and mailbox once and writes it
//! once, so that a turn of many messages costs little more than one.
//!
//! Owns the transaction and the pruning of old records. Knows no frames.

use std::collections::BTreeMap;

use twine_proto::limits::WINDOW;
use twine_proto::{Cursor, E164, Epoch, Seq};

use crate::limits::{MAX_SENT_KEPT, MAX_STREAMS_PER_NUMBER, PAGE};
use crate::storage::{Entry, EntryBody, Fate, Mailbox, NumberRecord, Sent, Stream, StreamKey, Tx};
use crate::types::DeviceKey;

pub(crate) struct Records<T: Tx> {
    pub(crate) tx: T,
    numbers: BTreeMap<E164, Option<NumberRecord>>,
    streams: BTreeMap<StreamKey, Cached<Option<Stream>>>,
    mailboxes: BTreeMap<E164, Cached<Mailbox>>,
}

#[derive(Clone, Copy)]
struct Cached<R> {
    record: R,
    changed: bool,
}

impl<R> Cached<R> {
    fn read(record: R) -> Self {
        Self {
            record,
            changed: false,
        }
    }
}

impl<T: Tx> Records<T> {
    pub(crate) fn new(tx: T) -> Self {
        Self {
            tx,
            numbers: BTreeMap::new(),
            streams: BTreeMap::new(),
            mailboxes: BTreeMap::new(),
        }
    }

    pub(crate) fn number(&mut self, number: E164) -> Result<Option<NumberRecord>, T::Error> {
        if let Some(record) = self.numbers.get(&number) {
            return Ok(*record);
        }
        let record = self.tx.number(number)?;
        self.numbers.insert(number, record);
        Ok(record)
    }

    pub(crate) fn put_number(
        &mut self,
        number: E164,
        record: NumberRecord,
    ) -> Result<(), T::Error> {
        self.numbers.insert(number, Some(record));
        self.tx.put_number(number, &record)
    }

    pub(crate) fn stream(&mut self, key: StreamKey) -> Result<Option<Stream>, T::Error> {
        if let Some(cached) = self.streams.get(&key) {
            return Ok(cached.record);
        }
        let record = self.tx.stream(key)?;
        self.streams.insert(key, Cached::read(record));
        Ok(record)
    }

    /// Written at the end of the turn.
    pub(crate) fn put_stream(&mut self, key: StreamKey, stream: Stream) {
        let cached = Cached {
            record: Some(stream),
            changed: true,
        };
        self.streams.insert(key, cached);
    }

    pub(crate) fn mailbox(&mut self, owner: E164) -> Result<Mailbox, T::Error> {
        if let Some(cached) = self.mailboxes.get(&owner) {
            return Ok(cached.record);
        }
        let record = self.tx.mailbox(owner)?;
        self.mailboxes.insert(owner, Cached::read(record));
        Ok(record)
    }

    /// Written at the end of the turn.
    pub(crate) fn put_mailbox(&mut self, owner: E164, mailbox: Mailbox) {
        let cached = Cached {
            record: mailbox,
            changed: true,
        };
        self.mailboxes.insert(owner, cached);
    }

    /// Forgets a closed epoch that has nothing to tell.
    pub(crate) fn remove_stream(&mut self, key: StreamKey) -> Result<(), T::Error> {
        self.streams.insert(key, Cached::read(None));
        self.tx.remove_stream(key)
    }

    /// Keeps the number of epochs of a number within its limit; says how many
    /// were forgotten.
    pub(crate) fn limit_streams(&mut self, number: E164) -> Result<u64, T::Error> {
        let epochs = self.tx.epochs(number)?;
        // The newest is written at the end of the turn and not among them.
        let excess = (epochs.len() + 1).saturating_sub(MAX_STREAMS_PER_NUMBER);
        for epoch in epochs.iter().take(excess) {
            self.remove_stream(StreamKey {
                number,
                epoch: *epoch,
            })?;
        }
        Ok(excess as u64)
    }

    /// Adds an entry behind all others of a mailbox.
    pub(crate) fn append(&mut self, owner: E164, entry: &Entry) -> Result<Cursor, T::Error> {
        let mut mailbox = self.mailbox(owner)?;
        mailbox.last_cursor = mailbox.last_cursor.next();
        mailbox.add(entry);
        self.put_mailbox(owner, mailbox);
        self.tx.insert_entry(owner, mailbox.last_cursor, entry)?;
        Ok(mailbox.last_cursor)
    }

    pub(crate) fn remove_entry(
        &mut self,
        owner: E164,
        cursor: Cursor,
        entry: &Entry,
    ) -> Result<(), T::Error> {
        let mut mailbox = self.mailbox(owner)?;
        mailbox.subtract(entry);
        self.put_mailbox(owner, mailbox);
        self.tx.remove_entry(owner, cursor)
    }

    /// Sets what became of a seq that waited; behind the mark of what is kept
    /// it is forgotten at once.
    pub(crate) fn end_sent(
        &mut self,
        key: StreamKey,
        seq: Seq,
        sent: Sent,
    ) -> Result<(), T::Error> {
        let stream = self.stream(key)?;
        if stream.is_some_and(|stream| seq < stream.pruned_to) {
            self.tx.remove_sent(key, seq)
        } else {
            self.tx.put_sent(key, seq, &sent)
        }
    }

    /// All ended records from a seq on, ascending: at most
    /// [`MAX_SENT_KEPT`] exist.
    pub(crate) fn ended_from(
        &mut self,
        key: StreamKey,
        from: Seq,
    ) -> Result<Vec<(Seq, Fate)>, T::Error> {
        let mut ended = Vec::new();
        let mut next = from;
        loop {
            let page = self.tx.sent_from(key, next, PAGE)?;
            let Some((last, _)) = page.last() else {
                return Ok(ended);
            };
            next = last.next();
            let full = page.len() == PAGE;
            let fates = page.iter().map(|(seq, sent)| (*seq, sent.fate));
            ended.extend(fates.filter(|(_, fate)| fate.ended()));
            if !full {
                return Ok(ended);
            }
        }
    }

    /// Writes what was changed and commits.
    pub(crate) fn commit(mut self) -> Result<(), T::Error> {
        for (key, cached) in &mut self.streams {
            if let (true, Some(stream)) = (cached.changed, &mut cached.record) {
                prune(&mut self.tx, *key, stream)?;
                self.tx.put_stream(*key, stream)?;
            }
        }
        for (owner, cached) in &self.mailboxes {
            if cached.changed {
                self.tx.put_mailbox(*owner, &cached.record)?;
            }
        }
        self.tx.commit()
    }
}

/// Dispositions outlive the mail (DELIVERY 13): an ended record is kept while
/// the sender has not told it settled, and while its seq lies in the window.
fn prune<T: Tx>(tx: &mut T, key: StreamKey, stream: &mut Stream) -> Result<(), T::Error> {
    let window = Seq((stream.high_water.get() + 1).saturating_sub(WINDOW));
    let mark = stream.lowest_unsettled.min(window);
    if mark > stream.pruned_to {
        tx.forget_sent(key, stream.pruned_to, mark, true)?;
        stream.pruned_to = mark;
    }
    let hard = Seq((stream.high_water.get() + 1).saturating_sub(MAX_SENT_KEPT));
    if hard > Seq(1) {
        // What still waits below the mark is at the front, and few.
        tx.forget_sent(key, Seq(0), hard, false)?;
    }
    Ok(())
}

/// An epoch without records.
pub(crate) fn new_stream(owner: DeviceKey, high_water: Seq) -> Stream {
    Stream {
        owner,
        high_water,
        lowest_unsettled: high_water.next(),
        pruned_to: Seq(1),
        doubted_upto: Seq(0),
    }
}

/// A number's epoch.
pub(crate) fn key(number: E164, epoch: Epoch) -> StreamKey {
    StreamKey { number, epoch }
}

impl Mailbox {
    fn add(&mut self, entry: &Entry) {
        self.bytes = self.bytes.saturating_add(entry.cost());
        let count = self.count(entry);
        *count = count.saturating_add(1);
    }

    fn subtract(&mut self, entry: &Entry) {
        self.bytes = self.bytes.saturating_sub(entry.cost());
        let count = self.count(entry);
        *count = count.saturating_sub(1);
    }

    fn count(&mut self, entry: &Entry) -> &mut u32 {
        match entry.body {
            EntryBody::Message { .. } => &mut self.messages,
            EntryBody::ReadBy { .. } => &mut self.marks,
        }
    }
}
