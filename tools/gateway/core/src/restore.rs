//! After a restore from a backup (DELIVERY 3, 7): what a gateway does that knows
//! that it has forgotten.
//!
//! It cannot know by itself: whoever restores says so with [`restored`].
//!
//! # Mail of senders that were not seen since
//!
//! A message that waits in the backup may have been delivered in the time that was
//! lost, or taken back and sent by SMS. Its sender knows, and tells in its first
//! `Hello`, by what it fills in and takes back. Until then its mail is held, at most
//! [`Config::hold_unseen_s`](crate::Config) long; then it goes out with `maybe_by_sms`,
//! which tells the receiver that an SMS may hold the same.
//!
//! Held entries are stepped over: nobody else's mail waits for them. But the
//! acknowledgements of a mailbox are cumulative. So an entry that was stepped over
//! never leaves under its old cursor on the same connection: when it is let go, it
//! moves to the end of the mailbox, and its old cursor is one of the holes that
//! cursors have. For the same reason the cursor of a `Hello` settles nothing of
//! unseen senders.
//!
//! # Epochs
//!
//! The lost time may have seen grants, also to phones that are gone and remember
//! none. A restored gateway therefore grants nothing below the hours since
//! 2025-01-01 at the restore, far above the days that are the rule, and leaves a gap
//! of [`RESTORE_EPOCH_GAP`] above what an earlier restore had set.

use twine_proto::{Cursor, E164, Epoch, Seq};

use crate::hello::EPOCH_DAY_ZERO_UNIX_S;
use crate::limits::{MAX_CLAIMED_EPOCH, PAGE, RESTORE_EPOCH_GAP};
use crate::records::key;
use crate::storage::{ALL_DOUBTED, Entry, EntryBody, Fate, Restored, Sent, StreamKey, Tx};
use crate::turn::Turn;
use crate::types::DeviceKey;

/// Call once after the records came back from a backup, in a transaction of its
/// own, before the first turn, with the present time: nothing is then taken back
/// as if it had never been handed over, only because the backup does not know
/// better; and see the module.
pub fn restored<T: Tx>(tx: &mut T, unix_s: u64) -> Result<(), T::Error> {
    let hours = unix_s.saturating_sub(EPOCH_DAY_ZERO_UNIX_S) / 3600;
    let hours = u32::try_from(hours).unwrap_or(u32::MAX);
    let before = tx.last_restore()?.map(|last| last.epoch_floor);
    let above = before.map_or(0, |floor| floor.get().saturating_add(RESTORE_EPOCH_GAP));
    tx.put_last_restore(&Restored {
        unix_s,
        epoch_floor: Epoch(hours.max(above).min(MAX_CLAIMED_EPOCH)),
    })?;
    tx.doubt_all()
}

impl<T: Tx> Turn<'_, T> {
    /// No epoch below this is granted.
    pub(crate) fn epoch_floor(&mut self) -> Result<Epoch, T::Error> {
        let last = self.db.tx.last_restore()?;
        Ok(last.map_or(Epoch(0), |last| last.epoch_floor))
    }

    /// Whether nothing was heard of an entry's sender since the restore.
    pub(crate) fn is_unseen(&mut self, entry: &Entry) -> Result<bool, T::Error> {
        let EntryBody::Message { from, epoch, .. } = entry.body else {
            return Ok(false);
        };
        let stream = self.db.stream(key(from, epoch))?;
        Ok(stream.is_some_and(|stream| stream.doubted_upto == ALL_DOUBTED))
    }

    /// Whether mail of unseen senders is still held.
    pub(crate) fn holds_mail(&mut self) -> Result<bool, T::Error> {
        let hold_s = self.core.config.hold_unseen_s;
        let last = self.db.tx.last_restore()?;
        Ok(last.is_some_and(|last| self.now.unix_s < last.unix_s.saturating_add(hold_s)))
    }

    /// A device has said `Hello` with a number: what its epochs hold that the
    /// `Hello` did not name is settled for it.
    pub(crate) fn seen(&mut self, device: DeviceKey, number: E164) -> Result<(), T::Error> {
        if self.db.tx.last_restore()?.is_none() {
            return Ok(());
        }
        for epoch in self.db.tx.epochs(number)? {
            let key = key(number, epoch);
            let Some(mut stream) = self.db.stream(key)? else {
                continue;
            };
            if stream.owner == device && stream.doubted_upto == ALL_DOUBTED {
                stream.doubted_upto = stream.high_water;
                self.db.put_stream(key, stream);
                self.let_go(key)?;
            }
        }
        Ok(())
    }

    /// The mail of one epoch goes out: its sender was seen.
    pub(crate) fn let_go(&mut self, key: StreamKey) -> Result<(), T::Error> {
        let mut waiting = Vec::new();
        let mut next = Seq(0);
        loop {
            let page = self.db.tx.sent_from(key, next, PAGE)?;
            let Some((last, _)) = page.last() else { break };
            next = last.next();
            waiting.extend(page.iter().filter_map(|(_, sent)| match sent.fate {
                Fate::Waiting { to, cursor } => Some((to, cursor)),
                _ => None,
            }));
        }
        for (to, cursor) in waiting {
            self.move_to_end(to, cursor)?;
            self.wake(to)?;
        }
        Ok(())
    }

    /// The time to hold mail is over: what was stepped over goes out, one
    /// mailbox a turn.
    pub(crate) fn end_hold(&mut self) -> Result<(), T::Error> {
        if self.core.held.is_empty() || self.holds_mail()? {
            return Ok(());
        }
        let Some(owner) = self.core.held.pop_first() else {
            return Ok(());
        };
        let mut unseen = Vec::new();
        let mut after = Cursor(0);
        loop {
            let page = self.db.tx.entries_after(owner, after, PAGE, u64::MAX)?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (cursor, entry) in page {
                if self.is_unseen(&entry)? {
                    unseen.push(cursor);
                }
            }
        }
        for cursor in unseen {
            self.move_to_end(owner, cursor)?;
        }
        if !self.core.held.is_empty() {
            self.core.next_expiry_ms = self.now.instant_ms;
        }
        self.wake(owner)
    }

    fn wake(&mut self, owner: E164) -> Result<(), T::Error> {
        if let Some((conn, _)) = self.live(owner)? {
            self.woken.insert(conn);
        }
        Ok(())
    }

    fn move_to_end(&mut self, owner: E164, cursor: Cursor) -> Result<(), T::Error> {
        let Some(entry) = self.db.tx.entry(owner, cursor)? else {
            return Ok(());
        };
        let EntryBody::Message {
            from, epoch, seq, ..
        } = entry.body
        else {
            return Ok(());
        };
        self.db.remove_entry(owner, cursor, &entry)?;
        let to = owner;
        let cursor = self.db.append(owner, &entry)?;
        let key = key(from, epoch);
        if let Some(sent) = self.db.tx.sent(key, seq)? {
            let fate = Fate::Waiting { to, cursor };
            self.db.tx.put_sent(key, seq, &Sent { fate, ..sent })?;
        }
        self.tally.let_go += 1;
        Ok(())
    }
}
