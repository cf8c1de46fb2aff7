//! Receipts from receivers (DELIVERY 11, 12): what was read, and what could not
//! be taken as it is.
//!
//! Each frame is counted on its connection once it is handled, also one that
//! changes nothing: the handset counts those it sent. `Accepted` tells the number.

use twine_proto::frame::{Disposition, ReadMark, Receipt, ReceiptKind, RejectReason};
use twine_proto::{Cursor, Seq, Slot};

use crate::limits::{MAX_READ_MARKS_PER_MAILBOX, MAX_READ_MARKS_PER_READER};
use crate::outbox::Note;
use crate::records::key;
use crate::storage::{Entry, EntryBody, Fate, Tx};
use crate::turn::{Identity, Turn};
use crate::types::ConnId;

impl<T: Tx> Turn<'_, T> {
    pub(crate) fn receipt(&mut self, conn: ConnId, receipt: Receipt) -> Result<(), T::Error> {
        if let Some(served) = self.core.sessions.served_mut(conn) {
            served.receipts += 1;
        }
        let Some(identity) = self.identity(conn, receipt.slot)? else {
            return Ok(());
        };
        match receipt.kind {
            ReceiptKind::Read(mark) => self.read(identity, mark)?,
            ReceiptKind::Rejected { cursor, reason } => self.reject(identity, cursor, reason)?,
            // Kept out by their direction.
            ReceiptKind::Outcomes { .. } | ReceiptKind::ReadBy { .. } => {}
        }
        let high_water = self
            .db
            .stream(identity.stream())?
            .map_or(Seq(0), |stream| stream.high_water);
        self.note_accepted(identity, high_water, Note::Plain);
        Ok(())
    }

    /// Becomes an entry in the mailbox of the messages' sender. One waits for
    /// each reader and epoch: a newer one replaces it, under a new cursor.
    fn read(&mut self, identity: Identity, mark: ReadMark) -> Result<(), T::Error> {
        let owner = mark.peer;
        if self
            .db
            .number(owner)?
            .is_none_or(|record| record.device.is_none())
        {
            self.tally.read_marks_dropped += 1;
            return Ok(());
        }
        let waiting = self.db.tx.read_marks(owner, identity.number)?;
        let same = waiting.iter().find(|(epoch, ..)| *epoch == mark.epoch);
        let replaced = match same {
            Some((_, _, upto)) if *upto > mark.upto => return Ok(()),
            // The same mark is told anew: a message that came late, and was read
            // since, may lie below it.
            Some((_, cursor, _)) => Some(*cursor),
            None if waiting.len() >= MAX_READ_MARKS_PER_READER => {
                self.tally.read_marks_dropped += 1;
                match waiting.first() {
                    Some((epoch, cursor, _)) if *epoch < mark.epoch => Some(*cursor),
                    _ => return Ok(()),
                }
            }
            None => None,
        };
        if let Some(cursor) = replaced
            && let Some(entry) = self.db.tx.entry(owner, cursor)?
        {
            self.db.remove_entry(owner, cursor, &entry)?;
        }
        if self.db.mailbox(owner)?.marks >= MAX_READ_MARKS_PER_MAILBOX {
            self.tally.read_marks_dropped += 1;
            return Ok(());
        }
        let entry = Entry {
            taken_s: self.now.unix_s,
            body: EntryBody::ReadBy {
                reader: identity.number,
                epoch: mark.epoch,
                upto: mark.upto,
            },
        };
        self.db.append(owner, &entry)?;
        self.tally.read_marks += 1;
        if let Some((conn, _)) = self.live(owner)? {
            self.woken.insert(conn);
        }
        Ok(())
    }

    /// Rule 12: the receiver has committed a placeholder. The `Ack` that
    /// follows removes the entry and changes nothing more.
    fn reject(
        &mut self,
        identity: Identity,
        cursor: Cursor,
        reason: RejectReason,
    ) -> Result<(), T::Error> {
        if !self.is_unacked(identity.conn, identity.slot, cursor) {
            self.tally.ignored += 1;
            return Ok(());
        }
        let entry = self.db.tx.entry(identity.number, cursor)?;
        if let Some(EntryBody::Message {
            from, epoch, seq, ..
        }) = entry.map(|entry| entry.body)
        {
            let fate = Fate::Ended {
                how: Disposition::Rejected(reason),
                handed: true,
            };
            self.end_sent(key(from, epoch), seq, fate)?;
        }
        Ok(())
    }

    fn is_unacked(&self, conn: ConnId, slot: Slot, cursor: Cursor) -> bool {
        let served = self
            .core
            .sessions
            .get(conn)
            .and_then(|session| session.served.as_ref());
        let state = served.and_then(|served| served.slots.get(slot.get() as usize));
        state.is_some_and(|state| state.unacked.iter().any(|(at, _)| *at == cursor))
    }
}
