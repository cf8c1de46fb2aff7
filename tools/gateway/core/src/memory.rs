//! A storage in memory, for the simulator and for tests.
//!
//! A clone is a backup. Transactions keep an undo log instead of a copy, so a
//! turn costs what it changes. Faults can be planned. Never used in service.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;
use twine_proto::{Cursor, E164, Epoch, LaneSeq, Seq, SessionNo};

use crate::storage::{
    ALL_DOUBTED, Entry, EntryBody, Mailbox, NumberRecord, Restored, Sent, Storage, Stream,
    StreamKey, Tx,
};
use crate::types::DeviceKey;

/// A storage in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    state: State,
    fault: Option<PlannedFault>,
}

#[derive(Debug, Clone, Copy)]
struct PlannedFault {
    after_commits: u64,
    fault: CommitFault,
}

/// How a commit fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitFault {
    /// Nothing reached the disk.
    Lost,
    /// Everything reached the disk, and yet an error came back.
    Kept,
}

/// Why an operation of [`MemoryStorage`] failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MemoryError {
    /// By [`MemoryStorage::plan_fault`].
    #[error("the commit failed, as planned ({0:?})")]
    Planned(CommitFault),
}

impl MemoryStorage {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets one commit fail, after `after_commits` more have succeeded. At most
    /// one fault is planned at a time.
    pub fn plan_fault(&mut self, after_commits: u64, fault: CommitFault) {
        self.fault = Some(PlannedFault {
            after_commits,
            fault,
        });
    }

    /// What waits in a mailbox, by cursor. For tests.
    pub fn entries(&self, owner: E164) -> impl Iterator<Item = (Cursor, &Entry)> {
        self.state
            .entries
            .range((owner, Cursor(0))..=(owner, Cursor(u64::MAX)))
            .map(|((_, cursor), entry)| (*cursor, entry))
    }

    /// The accounts of a mailbox. For tests.
    #[must_use]
    pub fn mailbox(&self, owner: E164) -> Mailbox {
        self.state
            .mailboxes
            .get(&owner)
            .copied()
            .unwrap_or_default()
    }

    /// What is known of an epoch's seqs, ascending. For tests.
    pub fn sent(&self, key: StreamKey) -> impl Iterator<Item = (Seq, &Sent)> {
        self.state
            .sent
            .range((key, Seq(0))..=(key, Seq(u64::MAX)))
            .map(|((_, seq), sent)| (*seq, sent))
    }
}

impl Storage for MemoryStorage {
    type Error = MemoryError;
    type Tx<'a> = MemoryTx<'a>;

    fn begin(&mut self) -> Result<MemoryTx<'_>> {
        Ok(MemoryTx {
            storage: self,
            undo: Vec::new(),
        })
    }
}

/// The records, and what is derived from them.
#[derive(Debug, Clone, Default)]
struct State {
    devices: BTreeMap<DeviceKey, Vec<SessionNo>>,
    numbers: BTreeMap<E164, NumberRecord>,
    streams: BTreeMap<StreamKey, Stream>,
    sent: BTreeMap<(StreamKey, Seq), Sent>,
    mailboxes: BTreeMap<E164, Mailbox>,
    entries: BTreeMap<(E164, Cursor), Entry>,
    restored: Option<Restored>,
    /// Derived from `numbers`.
    bound: BTreeMap<DeviceKey, BTreeSet<E164>>,
    /// Derived from `entries`: by the time they were taken.
    by_time: BTreeSet<(u64, E164, Cursor)>,
    /// Derived from `entries`: read marks by owner, reader, epoch.
    marks: BTreeMap<(E164, E164, Epoch), (Cursor, LaneSeq)>,
}

/// One record as it was before.
#[derive(Debug)]
enum Undo {
    Device(DeviceKey, Option<Vec<SessionNo>>),
    Number(E164, Option<NumberRecord>),
    Stream(StreamKey, Option<Stream>),
    Sent((StreamKey, Seq), Option<Sent>),
    Mailbox(E164, Option<Mailbox>),
    Entry((E164, Cursor), Option<Entry>),
    Restored(Option<Restored>),
}

fn set<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) -> Option<V> {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    }
}

impl State {
    fn set_number(&mut self, number: E164, record: Option<NumberRecord>) -> Option<NumberRecord> {
        let old = set(&mut self.numbers, number, record);
        if let Some(device) = old.and_then(|old| old.device)
            && let Some(numbers) = self.bound.get_mut(&device)
        {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.bound.remove(&device);
            }
        }
        if let Some(device) = record.and_then(|record| record.device) {
            self.bound.entry(device).or_default().insert(number);
        }
        old
    }

    fn set_entry(&mut self, key: (E164, Cursor), entry: Option<Entry>) -> Option<Entry> {
        let (owner, cursor) = key;
        if let Some(old) = self.entries.remove(&key) {
            self.by_time.remove(&(old.taken_s, owner, cursor));
            if let EntryBody::ReadBy { reader, epoch, .. } = old.body {
                self.marks.remove(&(owner, reader, epoch));
            }
            self.add_entry(key, entry);
            Some(old)
        } else {
            self.add_entry(key, entry);
            None
        }
    }

    fn add_entry(&mut self, key: (E164, Cursor), entry: Option<Entry>) {
        let (owner, cursor) = key;
        let Some(entry) = entry else { return };
        self.by_time.insert((entry.taken_s, owner, cursor));
        if let EntryBody::ReadBy {
            reader,
            epoch,
            upto,
        } = entry.body
        {
            self.marks.insert((owner, reader, epoch), (cursor, upto));
        }
        self.entries.insert(key, entry);
    }

    fn revert(&mut self, undo: Undo) {
        match undo {
            Undo::Device(key, old) => {
                set(&mut self.devices, key, old);
            }
            Undo::Number(key, old) => {
                self.set_number(key, old);
            }
            Undo::Stream(key, old) => {
                set(&mut self.streams, key, old);
            }
            Undo::Sent(key, old) => {
                set(&mut self.sent, key, old);
            }
            Undo::Mailbox(key, old) => {
                set(&mut self.mailboxes, key, old);
            }
            Undo::Entry(key, old) => {
                self.set_entry(key, old);
            }
            Undo::Restored(old) => self.restored = old,
        }
    }
}

/// A transaction of [`MemoryStorage`].
#[derive(Debug)]
pub struct MemoryTx<'a> {
    storage: &'a mut MemoryStorage,
    undo: Vec<Undo>,
}

impl MemoryTx<'_> {
    fn state(&mut self) -> &mut State {
        &mut self.storage.state
    }

    fn set_sent(&mut self, key: (StreamKey, Seq), sent: Option<Sent>) {
        let old = set(&mut self.storage.state.sent, key, sent);
        self.undo.push(Undo::Sent(key, old));
    }

    fn set_entry(&mut self, key: (E164, Cursor), entry: Option<Entry>) {
        let old = self.state().set_entry(key, entry);
        self.undo.push(Undo::Entry(key, old));
    }
}

impl Drop for MemoryTx<'_> {
    fn drop(&mut self) {
        while let Some(undo) = self.undo.pop() {
            self.storage.state.revert(undo);
        }
    }
}

type Result<T> = std::result::Result<T, MemoryError>;

impl Tx for MemoryTx<'_> {
    type Error = MemoryError;

    fn sessions(&mut self, device: &DeviceKey) -> Result<Vec<SessionNo>> {
        let devices = &self.state().devices;
        Ok(devices.get(device).cloned().unwrap_or_default())
    }

    fn put_sessions(&mut self, device: &DeviceKey, sessions: &[SessionNo]) -> Result<()> {
        let old = self.state().devices.insert(*device, sessions.to_vec());
        self.undo.push(Undo::Device(*device, old));
        Ok(())
    }

    fn has_number(&mut self, device: &DeviceKey) -> Result<bool> {
        Ok(self.state().bound.contains_key(device))
    }

    fn number(&mut self, number: E164) -> Result<Option<NumberRecord>> {
        Ok(self.state().numbers.get(&number).copied())
    }

    fn put_number(&mut self, number: E164, record: &NumberRecord) -> Result<()> {
        let old = self.state().set_number(number, Some(*record));
        self.undo.push(Undo::Number(number, old));
        Ok(())
    }

    fn stream(&mut self, key: StreamKey) -> Result<Option<Stream>> {
        Ok(self.state().streams.get(&key).copied())
    }

    fn put_stream(&mut self, key: StreamKey, stream: &Stream) -> Result<()> {
        let old = self.state().streams.insert(key, *stream);
        self.undo.push(Undo::Stream(key, old));
        Ok(())
    }

    fn remove_stream(&mut self, key: StreamKey) -> Result<()> {
        self.forget_sent(key, Seq(0), Seq(u64::MAX), false)?;
        let old = self.state().streams.remove(&key);
        self.undo.push(Undo::Stream(key, old));
        Ok(())
    }

    fn epochs(&mut self, number: E164) -> Result<Vec<Epoch>> {
        let key = |epoch| StreamKey { number, epoch };
        let range = key(Epoch(0))..=key(Epoch(u32::MAX));
        Ok(self
            .state()
            .streams
            .range(range)
            .map(|(key, _)| key.epoch)
            .collect())
    }

    fn sent(&mut self, key: StreamKey, seq: Seq) -> Result<Option<Sent>> {
        Ok(self.state().sent.get(&(key, seq)).copied())
    }

    fn put_sent(&mut self, key: StreamKey, seq: Seq, sent: &Sent) -> Result<()> {
        self.set_sent((key, seq), Some(*sent));
        Ok(())
    }

    fn remove_sent(&mut self, key: StreamKey, seq: Seq) -> Result<()> {
        self.set_sent((key, seq), None);
        Ok(())
    }

    fn sent_from(&mut self, key: StreamKey, from: Seq, limit: usize) -> Result<Vec<(Seq, Sent)>> {
        let range = self.state().sent.range((key, from)..=(key, Seq(u64::MAX)));
        Ok(range
            .take(limit)
            .map(|((_, seq), sent)| (*seq, *sent))
            .collect())
    }

    fn forget_sent(
        &mut self,
        key: StreamKey,
        from: Seq,
        below: Seq,
        only_ended: bool,
    ) -> Result<()> {
        if from >= below {
            return Ok(());
        }
        let range = self.state().sent.range((key, from)..(key, below));
        let gone: Vec<_> = range
            .filter(|(_, sent)| !only_ended || sent.fate.ended())
            .map(|(key, _)| *key)
            .collect();
        for key in gone {
            self.set_sent(key, None);
        }
        Ok(())
    }

    fn mailbox(&mut self, owner: E164) -> Result<Mailbox> {
        Ok(self
            .state()
            .mailboxes
            .get(&owner)
            .copied()
            .unwrap_or_default())
    }

    fn put_mailbox(&mut self, owner: E164, mailbox: &Mailbox) -> Result<()> {
        let old = self.state().mailboxes.insert(owner, *mailbox);
        self.undo.push(Undo::Mailbox(owner, old));
        Ok(())
    }

    fn last_restore(&mut self) -> Result<Option<Restored>> {
        Ok(self.state().restored)
    }

    fn put_last_restore(&mut self, restored: &Restored) -> Result<()> {
        let old = self.state().restored.replace(*restored);
        self.undo.push(Undo::Restored(old));
        Ok(())
    }

    fn doubt_all(&mut self) -> Result<()> {
        for (owner, mut mailbox) in self.state().mailboxes.clone() {
            mailbox.handed_upto = mailbox.last_cursor;
            mailbox.doubted_upto = mailbox.last_cursor;
            self.put_mailbox(owner, &mailbox)?;
        }
        for (key, mut stream) in self.state().streams.clone() {
            stream.doubted_upto = ALL_DOUBTED;
            self.put_stream(key, &stream)?;
        }
        Ok(())
    }

    fn entry(&mut self, owner: E164, cursor: Cursor) -> Result<Option<Entry>> {
        Ok(self.state().entries.get(&(owner, cursor)).cloned())
    }

    fn insert_entry(&mut self, owner: E164, cursor: Cursor, entry: &Entry) -> Result<()> {
        self.set_entry((owner, cursor), Some(entry.clone()));
        Ok(())
    }

    fn remove_entry(&mut self, owner: E164, cursor: Cursor) -> Result<()> {
        self.set_entry((owner, cursor), None);
        Ok(())
    }

    fn entries_after(
        &mut self,
        owner: E164,
        after: Cursor,
        limit: usize,
        max_cost: u64,
    ) -> Result<Vec<(Cursor, Entry)>> {
        let range = (owner, after.next())..=(owner, Cursor(u64::MAX));
        let mut cost = 0;
        let mut found = Vec::new();
        for ((_, cursor), entry) in self.state().entries.range(range).take(limit) {
            cost += entry.cost();
            if cost > max_cost && !found.is_empty() {
                break;
            }
            found.push((*cursor, entry.clone()));
        }
        Ok(found)
    }

    fn read_marks(&mut self, owner: E164, reader: E164) -> Result<Vec<(Epoch, Cursor, LaneSeq)>> {
        let range = (owner, reader, Epoch(0))..=(owner, reader, Epoch(u32::MAX));
        let marks = self.state().marks.range(range);
        Ok(marks
            .map(|((_, _, epoch), (cursor, upto))| (*epoch, *cursor, *upto))
            .collect())
    }

    fn taken_until(&mut self, unix_s: u64, limit: usize) -> Result<Vec<(E164, Cursor)>> {
        let oldest = self.state().by_time.iter();
        Ok(oldest
            .take_while(|(taken_s, ..)| *taken_s <= unix_s)
            .take(limit)
            .map(|(_, owner, cursor)| (*owner, *cursor))
            .collect())
    }

    fn commit(mut self) -> Result<()> {
        match &mut self.storage.fault {
            Some(planned) if planned.after_commits == 0 => {
                let fault = planned.fault;
                self.storage.fault = None;
                if fault == CommitFault::Kept {
                    self.undo.clear();
                }
                return Err(MemoryError::Planned(fault));
            }
            Some(planned) => planned.after_commits -= 1,
            None => {}
        }
        self.undo.clear();
        Ok(())
    }
}
