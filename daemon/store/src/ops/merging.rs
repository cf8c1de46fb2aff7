//! Which incoming copies are one message, and where SMS belong (DELIVERY 7, 17,
//! 18, 20). Decided by [`twine_engine::merging`]; this hands in what is stored
//! and applies what comes out.

use std::collections::BTreeMap;

use rusqlite::Row;
use twine_engine::limits::MAX_PENDING_NOTES;
use twine_engine::merging::{
    Change, Copy, HasCopy, HeardByIp, MARK_CANDIDATES, NOTE_CANDIDATES, Reading, SameText,
    hashes_of, pair_on_mark, position, read_note,
};
use twine_engine::message::{Channel, MessageId, Shown};
use twine_engine::store_ops::{Because, BootStamp, EventKind, Incoming, IncomingSms};
use twine_proto::{E164, Epoch, Filled, LaneSeq, MessageName, NoteEntry};
use twine_sms::fold::{digest, hash_of};
use twine_sms::mark::plain;

use super::{Result, Turn};
use crate::codes::{self, Body};
use crate::rows::{self, Columns, PeerKey};
use crate::sql;
use crate::story::Step;

/// What a merge rests on.
const BY_NOTE: Because = &["its sender told by IP which way it went"];
const BY_MARK: Because = &["the same text, and it fits no other message"];

/// A conversation as the tables know it.
type Pair = (i64, PeerKey);

/// What an event says of a copy.
struct CopyState {
    shown: Shown,
    copy_of: Option<MessageId>,
    hidden: bool,
    position: u64,
}

impl Turn<'_> {
    /// Reads a note: confirms and undoes merges, gives SMS their places, and keeps
    /// the entries whose SMS is not here (yet).
    pub(super) fn read_note(
        &mut self,
        own: E164,
        from: E164,
        epoch: Epoch,
        note: &[NoteEntry],
        now: BootStamp,
    ) -> Result<()> {
        let pair = (rows::number(own), PeerKey::of(from));
        self.read_entries(pair, epoch, note, now)
    }

    fn read_entries(
        &mut self,
        pair: Pair,
        epoch: Epoch,
        entries: &[NoteEntry],
        now: BootStamp,
    ) -> Result<()> {
        let copies = self.copies_for(pair, epoch, entries)?;
        let reading = read_note(entries, epoch, copies, now);
        for entry in entries {
            self.forget_pending(pair, epoch, entry.lane_seq)?;
        }
        self.apply_reading(pair, epoch, reading)
    }

    /// A message by IP that was just taken: an SMS that has its place is another
    /// copy of it; otherwise the mark may tell.
    pub(super) fn pair_by_ip(
        &mut self,
        incoming: &Incoming,
        name: MessageName,
        text: Option<&str>,
    ) -> Result<()> {
        let pair = (rows::number(incoming.own), PeerKey::of(name.from));
        let Some(arrival) = self.copy(incoming.id)? else {
            return Ok(());
        };
        if arrival.copy_of.is_some() {
            // Its own note said so.
            return Ok(());
        }
        let in_place = self
            .copies_in(pair, name.epoch, name.lane_seq)?
            .into_iter()
            .find(|copy| copy.came_by == Channel::Sms);
        if let Some(sms) = in_place {
            if !arrival.readable || arrival.digest == sms.digest {
                return self.link(arrival.id, sms.copy_of.unwrap_or(sms.id), true);
            }
            // Otherwise the name was given twice: the SMS is the other message.
            if hash_of(arrival.digest) == hash_of(sms.digest) {
                return self.place_again(pair, &name, hash_of(sms.digest), incoming.boot);
            }
        }
        if let Some(text) = text
            && let Some(root) = self.pair_on_mark(pair, &arrival, text)?
        {
            self.link(arrival.id, root, false)?;
        }
        Ok(())
    }

    /// An SMS of another text, with the same hash, is in the place of a message that
    /// came by IP: what speaks of that hash is read again.
    fn place_again(
        &mut self,
        pair: Pair,
        name: &MessageName,
        hash: u16,
        now: BootStamp,
    ) -> Result<()> {
        let mut entries = vec![NoteEntry {
            lane_seq: name.lane_seq,
            filled: Filled::Both(hash),
        }];
        for (epoch, entry) in self.pending(pair, hash)? {
            if epoch == name.epoch && entry.lane_seq != name.lane_seq {
                entries.push(entry);
            }
        }
        self.read_entries(pair, name.epoch, &entries, now)
    }

    /// An SMS that was just taken: entries that wait for it, the lowest place
    /// first; otherwise the mark may tell. A name writes no notes and is never
    /// merged (DELIVERY 27). → What it is a copy of.
    pub(super) fn pair_by_sms(
        &mut self,
        sms: &IncomingSms,
        peer: PeerKey,
    ) -> Result<Option<MessageId>> {
        let pair = (rows::number(sms.own), peer);
        if peer.number().is_none() {
            return Ok(None);
        }
        let waiting = self.pending(pair, sms.hash)?;
        for lane in waiting.chunk_by(|(epoch, _), (other, _)| epoch == other) {
            let entries: Vec<NoteEntry> = lane.iter().map(|(_, entry)| *entry).collect();
            self.read_entries(pair, lane[0].0, &entries, sms.boot)?;
            if let Some(arrival) = self.copy(sms.id)?
                && (arrival.place.is_some() || arrival.copy_of.is_some())
            {
                return Ok(arrival.copy_of);
            }
        }
        let Some(arrival) = self.copy(sms.id)? else {
            return Ok(None);
        };
        let root = self.pair_on_mark(pair, &arrival, sms.text.expose())?;
        if let Some(root) = root {
            self.link(sms.id, root, false)?;
        }
        Ok(root)
    }

    fn pair_on_mark(
        &self,
        (own, peer): Pair,
        arrival: &Copy,
        text: &str,
    ) -> Result<Option<MessageId>> {
        let text = plain(text);
        let recent = self.all(
            sql::RECENT_ROOTS,
            (
                own,
                peer,
                rows::int(arrival.id.0),
                rows::size(MARK_CANDIDATES),
            ),
            |row| {
                let other = row.get_ref(TEXT)?.as_str_or_null()?;
                let same = other.is_some_and(|other| plain(other) == text);
                Ok((copy(row)?, SameText(same), HasCopy(row.get(COPY_COLUMNS)?)))
            },
        )?;
        let heard = self.one(sql::HEARD_BY_IP, (own, peer), |_| Ok(()))?;
        Ok(pair_on_mark(arrival, HeardByIp(heard.is_some()), recent))
    }

    /// What a note of this lane may speak of, oldest first.
    fn copies_for(&self, pair: Pair, epoch: Epoch, note: &[NoteEntry]) -> Result<Vec<Copy>> {
        let (own, peer) = pair;
        let mut named = Vec::new();
        for hash in hashes_of(note) {
            let recent = (own, peer, hash, rows::size(NOTE_CANDIDATES));
            named.extend(self.all(sql::RECENT_SMS, recent, copy)?);
        }
        for entry in note {
            named.extend(self.copies_in(pair, epoch, entry.lane_seq)?);
        }
        let mut copies: BTreeMap<MessageId, Copy> = BTreeMap::new();
        for found in named {
            if copies.insert(found.id, found).is_some() {
                continue;
            }
            let root = found.copy_of.unwrap_or(found.id);
            if !copies.contains_key(&root)
                && let Some(root) = self.copy(root)?
            {
                copies.insert(root.id, root);
            }
            for copy in self.all(sql::COPIES_OF, (rows::int(root.0),), copy)? {
                copies.entry(copy.id).or_insert(copy);
            }
        }
        Ok(copies.into_values().collect())
    }

    fn copies_in(&self, (own, peer): Pair, epoch: Epoch, lane_seq: LaneSeq) -> Result<Vec<Copy>> {
        let key = (own, peer, epoch.get(), rows::int(lane_seq.get()));
        self.all(sql::COPIES_IN, key, copy)
    }

    fn copy(&self, id: MessageId) -> Result<Option<Copy>> {
        self.one(sql::COPY, (rows::int(id.0),), copy)
    }

    fn pending(&self, (own, peer): Pair, hash: u16) -> Result<Vec<(Epoch, NoteEntry)>> {
        self.all(sql::PENDING, (own, peer, hash), |row| {
            let lane_seq = LaneSeq(row.unsigned(1)?);
            let (hash, resent) = (row.get(3)?, row.get(4)?);
            let filled = row.code(2, |code| codes::filled_from(code, hash, resent))?;
            Ok((row.epoch(0)?, NoteEntry { lane_seq, filled }))
        })
    }

    fn forget_pending(&self, (own, peer): Pair, epoch: Epoch, lane_seq: LaneSeq) -> Result<()> {
        self.execute(
            sql::PENDING_FORGET,
            (own, peer, epoch.get(), rows::int(lane_seq.get())),
        )?;
        Ok(())
    }

    fn apply_reading(&mut self, pair: Pair, epoch: Epoch, reading: Reading) -> Result<()> {
        for change in reading.changes {
            match change {
                Change::Link {
                    copy,
                    root,
                    by_note,
                } => self.link(copy, root, by_note)?,
                Change::Unlink { copy, root } => self.unlink(copy, root)?,
                Change::Place { sms, place, late } => self.place(pair, sms, place, late)?,
            }
        }
        let (own, peer) = pair;
        for NoteEntry { lane_seq, filled } in &reading.pending {
            let place = (epoch.get(), rows::int(lane_seq.get()));
            let hash = filled.hash().unwrap_or(0);
            self.execute(
                sql::PENDING_ADD,
                (
                    own,
                    peer,
                    place.0,
                    place.1,
                    codes::filled_code(*filled),
                    hash,
                    filled.is_resent(),
                ),
            )?;
        }
        if !reading.pending.is_empty() {
            self.execute(
                sql::PENDING_PRUNE,
                (own, peer, epoch.get(), rows::size(MAX_PENDING_NOTES)),
            )?;
        }
        Ok(())
    }

    fn copy_state(&self, id: MessageId) -> Result<CopyState> {
        self.one(sql::COPY_STATE, (rows::int(id.0),), |row| {
            Ok(CopyState {
                shown: row.code(0, Body::from_code)?.shown(),
                copy_of: row.maybe_unsigned(1)?.map(MessageId),
                hidden: row.get::<_, i64>(2)? != 0,
                position: row.unsigned(3)?,
            })
        })?
        .ok_or_else(Self::vanished)
    }

    fn link(&mut self, copy: MessageId, root: MessageId, by_note: bool) -> Result<()> {
        let before = self.copy_state(copy)?;
        let key = (rows::int(copy.0), rows::int(root.0));
        self.execute(sql::LINK, (key.0, key.1, by_note))?;
        self.execute(sql::LINK_ON, key)?;
        if before.copy_of == Some(root) {
            return Ok(());
        }
        let because = if by_note { BY_NOTE } else { BY_MARK };
        self.tell(copy, Step::Merged, Some(key.1), because)?;
        self.tell(root, Step::HasCopy, Some(key.0), because)?;
        self.log_with(EventKind::Merged, copy, before.shown, Some(root))
    }

    fn unlink(&mut self, copy: MessageId, root: MessageId) -> Result<()> {
        let before = self.copy_state(copy)?;
        self.execute(sql::UNLINK, (rows::int(copy.0),))?;
        for (id, other) in [(copy, root), (root, copy)] {
            self.tell(id, Step::Unmerged, Some(rows::int(other.0)), BY_NOTE)?;
        }
        self.log_with(EventKind::Unmerged, copy, before.shown, Some(root))
    }

    fn place(
        &mut self,
        (own, peer): Pair,
        sms: MessageId,
        place: Option<(Epoch, LaneSeq)>,
        late: bool,
    ) -> Result<()> {
        let before = self.copy_state(sms)?;
        let arrived = sms.0;
        let position = match place {
            _ if late => before.position,
            None => arrived,
            Some((epoch, lane_seq)) => {
                let key = (own, peer, epoch.get(), rows::int(lane_seq.get()));
                let earlier = self.one(sql::NEXT_EARLIER, key, |row| row.unsigned(0))?;
                let later = self.one(sql::NEXT_LATER, key, |row| row.unsigned(0))?;
                position(arrived, earlier, later)
            }
        };
        self.execute(
            sql::PLACE,
            (
                rows::int(sms.0),
                place.map(|(epoch, _)| epoch.get()),
                place.map(|(_, lane_seq)| rows::int(lane_seq.get())),
                late,
                rows::int(position),
            ),
        )?;
        if position != before.position {
            self.tell(sms, Step::Moved, None, BY_NOTE)?;
        }
        if position != before.position && !before.hidden {
            self.log(EventKind::Reordered, sms, before.shown)?;
        }
        Ok(())
    }
}

/// How many columns `sql::copies!` names.
const COPY_COLUMNS: usize = 12;
/// The column of the text among them.
const TEXT: usize = 5;

/// From the columns named by `sql::copies!`.
fn copy(row: &Row<'_>) -> rusqlite::Result<Copy> {
    Ok(Copy {
        id: MessageId(row.unsigned(0)?),
        came_by: row.code(1, codes::channel_from)?,
        place: row.place(2)?,
        residue: row.get(4)?,
        // Not stored, as few are ever asked for it.
        digest: row.get_ref(TEXT)?.as_str_or_null()?.map_or(0, digest),
        maybe_by_sms: row.get(6)?,
        copy_of: row.maybe_unsigned(7)?.map(MessageId),
        by_note: row.get(8)?,
        arrived: row.stamp(9)?,
        readable: row.get(11)?,
    })
}
