//! The mailbox (DELIVERY 9, 11, 13): hands entries over, takes
//! acknowledgements, lets old mail expire, and tells senders.
//!
//! ```text
//!            Deliver sent          Ack, or cursor of Hello
//!   queued ───────────────> handed ────────────────────────> gone: Delivered
//!     │ Revoke                │
//!     ├──────> gone: Revoked  │
//!     └───────────────────────┴──── too old ───────────────> gone: Expired
//! ```
//!
//! Entries are handed over in the order of their cursors, so one mark tells
//! which were, and handing over rewrites no entry. On each connection delivery starts from the
//! first entry that is not acknowledged.

use twine_proto::frame::{Ack, Deliver, Disposition, ReadMark, Receipt, ReceiptKind};
use twine_proto::{Cursor, E164, Frame, Seq, Slot};

use crate::limits::MAX_EXPIRED_PER_TURN;
use crate::records::key;
use crate::storage::{Entry, EntryBody, Fate, Sent, StreamKey, Tx};
use crate::turn::Turn;
use crate::types::ConnId;

/// Whether a connection may be sent more before it acknowledges.
enum Filled {
    NotYet,
    /// No, after so many entries of this identity.
    With(usize),
}

impl<T: Tx> Turn<'_, T> {
    /// At the end of the turn: sends what may be sent to the connections that
    /// were woken. What was revoked earlier in the turn never leaves.
    pub(crate) fn deliver(&mut self) -> Result<(), T::Error> {
        while let Some(conn) = self.woken.pop_first() {
            self.deliver_to(conn)?;
        }
        Ok(())
    }

    /// Round-robin over the identities, within the bound of what may be
    /// unacknowledged on a connection.
    fn deliver_to(&mut self, conn: ConnId) -> Result<(), T::Error> {
        let served = self
            .core
            .sessions
            .get(conn)
            .and_then(|session| session.served.as_ref());
        let Some(served) = served else {
            return Ok(());
        };
        let (count, first) = (served.slots.len(), served.first_slot);
        let usable: Vec<usize> = (0..count)
            .map(|step| (first + step) % count)
            .filter(|index| served.slots[*index].epoch.is_some())
            .collect();
        for index in usable {
            let slot = Slot(index as u32);
            if self.identity(conn, slot)?.is_none() {
                // Bound anew: the connection has ended.
                return Ok(());
            }
            let next = match self.deliver_slot(conn, slot)? {
                Filled::NotYet => continue,
                // Who had a turn comes last next time, who had none first.
                Filled::With(0) => index,
                Filled::With(_) => (index + 1) % count,
            };
            if let Some(served) = self.core.sessions.served_mut(conn) {
                served.first_slot = next;
            }
            return Ok(());
        }
        Ok(())
    }

    fn deliver_slot(&mut self, conn: ConnId, slot: Slot) -> Result<Filled, T::Error> {
        let config = &self.core.config;
        let (max_entries, max_bytes) = (config.max_unacked_entries, config.max_unacked_bytes);
        let Some(served) = self.core.sessions.served_mut(conn) else {
            return Ok(Filled::NotYet);
        };
        let (entries, bytes) = served.unacked();
        let Some(state) = served.slots.get(slot.get() as usize) else {
            return Ok(Filled::NotYet);
        };
        let (owner, position) = (state.number, state.position);
        let room = max_entries.saturating_sub(entries);
        let mut room_bytes = max_bytes.saturating_sub(bytes);
        if room == 0 {
            return Ok(Filled::With(0));
        }
        let page = self
            .db
            .tx
            .entries_after(owner, position, room, room_bytes)?;
        let (mut delivered, mut stepped_over) = (0, false);
        for (cursor, entry) in page {
            if self.is_unseen(&entry)? && self.holds_mail()? {
                self.step_over(conn, slot, owner, cursor);
                stepped_over = true;
                continue;
            }
            // The storage returns the first whatever its size: one always may.
            if entry.cost() > room_bytes && entries + delivered > 0 {
                return Ok(Filled::With(delivered));
            }
            room_bytes = room_bytes.saturating_sub(entry.cost());
            self.hand_over(conn, slot, owner, cursor, entry)?;
            delivered += 1;
        }
        if delivered == room || room_bytes == 0 {
            return Ok(Filled::With(delivered));
        }
        if stepped_over {
            // There was room for what lies behind.
            self.woken.insert(conn);
        }
        Ok(Filled::NotYet)
    }

    /// Leaves an entry for later: see `restore`.
    fn step_over(&mut self, conn: ConnId, slot: Slot, owner: E164, cursor: Cursor) {
        self.tally.held += 1;
        self.core.held.insert(owner);
        if let Some(served) = self.core.sessions.served_mut(conn)
            && let Some(state) = served.slots.get_mut(slot.get() as usize)
        {
            state.position = cursor;
        }
    }

    fn hand_over(
        &mut self,
        conn: ConnId,
        slot: Slot,
        owner: E164,
        cursor: Cursor,
        entry: Entry,
    ) -> Result<(), T::Error> {
        let mut mailbox = self.db.mailbox(owner)?;
        if cursor > mailbox.handed_upto {
            // Rule 9: durable before it leaves, by this turn's commit.
            mailbox.handed_upto = cursor;
            self.db.put_mailbox(owner, mailbox);
        }
        let cost = entry.cost();
        if let Some(served) = self.core.sessions.served_mut(conn)
            && let Some(state) = served.slots.get_mut(slot.get() as usize)
        {
            state.position = cursor;
            state.unacked.push_back((cursor, cost));
        }
        self.tally.handed += 1;
        let maybe_by_sms = self.is_unseen(&entry)?;
        let age_s = self.now.unix_s.saturating_sub(entry.taken_s);
        let frame = match entry.body {
            EntryBody::Message {
                from,
                epoch,
                lane_seq,
                content,
                ..
            } => Frame::Deliver(Deliver {
                slot,
                cursor,
                from,
                epoch,
                lane_seq,
                age_s: u32::try_from(age_s).unwrap_or(u32::MAX),
                content,
                maybe_by_sms,
            }),
            EntryBody::ReadBy {
                reader,
                epoch,
                upto,
            } => Frame::Receipt(Receipt {
                slot,
                kind: ReceiptKind::ReadBy {
                    cursor,
                    mark: ReadMark {
                        peer: reader,
                        epoch,
                        upto,
                    },
                },
            }),
        };
        self.out.send(conn, frame);
        Ok(())
    }

    /// Covers only cursors delivered on this connection (rule 9).
    pub(crate) fn ack(&mut self, conn: ConnId, ack: Ack) -> Result<(), T::Error> {
        let Some(identity) = self.identity(conn, ack.slot)? else {
            return Ok(());
        };
        while let Some(cursor) = self.pop_unacked(conn, ack.slot, ack.cursor) {
            // Gone: expired, or a read mark that a newer one replaced.
            if let Some(entry) = self.db.tx.entry(identity.number, cursor)? {
                self.acknowledged(identity.number, cursor, &entry)?;
            }
            self.woken.insert(conn);
        }
        if let Some(lowest_unsettled) = ack.lowest_unsettled {
            self.settle(identity.number, identity.epoch, lowest_unsettled)?;
        }
        Ok(())
    }

    fn pop_unacked(&mut self, conn: ConnId, slot: Slot, upto: Cursor) -> Option<Cursor> {
        let served = self.core.sessions.served_mut(conn)?;
        let state = served.slots.get_mut(slot.get() as usize)?;
        let (cursor, _) = state.unacked.pop_front_if(|(cursor, _)| *cursor <= upto)?;
        Some(cursor)
    }

    /// The receiver has committed an entry; its sender's message is delivered
    /// (rule 11).
    pub(crate) fn acknowledged(
        &mut self,
        owner: E164,
        cursor: Cursor,
        entry: &Entry,
    ) -> Result<(), T::Error> {
        self.db.remove_entry(owner, cursor, entry)?;
        if let EntryBody::Message {
            from, epoch, seq, ..
        } = entry.body
        {
            self.end_sent(key(from, epoch), seq, Fate::Delivered)?;
        }
        Ok(())
    }

    /// Settles a seq that waits and tells its sender. What is settled stays
    /// settled.
    pub(crate) fn end_sent(
        &mut self,
        key: StreamKey,
        seq: Seq,
        fate: Fate,
    ) -> Result<(), T::Error> {
        let Some(sent) = self.db.tx.sent(key, seq)? else {
            return Ok(());
        };
        if sent.fate.ended() {
            return Ok(());
        }
        match fate {
            Fate::Delivered => self.tally.delivered += 1,
            Fate::Ended {
                how: Disposition::Rejected(_),
                ..
            } => self.tally.rejected += 1,
            Fate::Ended { .. } | Fate::Waiting { .. } => {}
        }
        self.db.end_sent(key, seq, Sent { fate, ..sent })?;
        self.tell(key, seq, fate)
    }

    /// Tells an outcome to the device that holds the epoch, if it is here.
    fn tell(&mut self, key: StreamKey, seq: Seq, fate: Fate) -> Result<(), T::Error> {
        let Some(stream) = self.db.stream(key)? else {
            return Ok(());
        };
        let Some((conn, slot)) = self.live(key.number)? else {
            return Ok(());
        };
        let Some(session) = self.core.sessions.get(conn) else {
            return Ok(());
        };
        // A closed epoch may have been another device's (rule 8).
        if session.device != stream.owner {
            return Ok(());
        }
        let slots = session.served.as_ref().map(|served| &served.slots);
        let current = slots.and_then(|slots| slots.get(slot.get() as usize)?.epoch);
        let epoch = (current != Some(key.epoch)).then_some(key.epoch);
        self.out.outcomes(conn, slot, epoch).add(seq, fate);
        Ok(())
    }

    /// Rule 13: what lay too long expires, and its sender is told.
    pub(crate) fn expire(&mut self) -> Result<(), T::Error> {
        let now_ms = self.now.instant_ms;
        if now_ms < self.core.next_expiry_ms {
            return Ok(());
        }
        let pause_ms = u64::from(self.core.config.expiry_check_s) * 1000;
        self.core.next_expiry_ms = now_ms.saturating_add(pause_ms.max(1));
        let Some(too_old_s) = self.now.unix_s.checked_sub(self.core.config.mail_ttl_s) else {
            return Ok(());
        };
        let old = self.db.tx.taken_until(too_old_s, MAX_EXPIRED_PER_TURN)?;
        if old.len() == MAX_EXPIRED_PER_TURN {
            self.core.next_expiry_ms = now_ms;
        }
        for (owner, cursor) in old {
            let Some(entry) = self.db.tx.entry(owner, cursor)? else {
                continue;
            };
            self.tally.expired += 1;
            let handed = cursor <= self.db.mailbox(owner)?.handed_upto;
            self.db.remove_entry(owner, cursor, &entry)?;
            if let EntryBody::Message {
                from, epoch, seq, ..
            } = entry.body
            {
                let fate = Fate::Ended {
                    how: Disposition::Expired,
                    handed,
                };
                self.end_sent(key(from, epoch), seq, fate)?;
            }
        }
        Ok(())
    }
}
