//! Incoming copies: which are one message, and where an SMS belongs (DELIVERY 17,
//! 18, 20). The rules are `twine_engine::merging`; here they are given what the
//! tables hold, and what comes out is applied.

use rusqlite::Row;
use twine_engine::limits::MAX_PENDING_NOTES;
use twine_engine::merging::{
    self, Change, Copy, HasCopy, MARK_CANDIDATES, NOTE_CANDIDATES, SameText,
};
use twine_engine::message::{MessageId, Shown};
use twine_engine::store_ops::{BootStamp, EventKind};
use twine_engine::time::{BootId, Instant};
use twine_proto::{E164, Epoch, Filled, LaneSeq, NoteEntry};
use twine_sms::mark::plain;

use super::{Result, Turn};
use crate::codes::Body;
use crate::error::StoreError;
use crate::rows::{self, Columns};
use crate::{codes, sql};

/// A conversation: own number and peer, as in the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) own: E164,
    pub(super) peer: i64,
}

impl Turn<'_> {
    /// Merges a new copy on its mark, if that is certain; with what.
    pub(super) fn merge_on_mark(
        &mut self,
        pair: Pair,
        id: MessageId,
        text: &str,
    ) -> Result<Option<MessageId>> {
        let Some(arrival) = self.copy(id)? else {
            return Ok(None);
        };
        let text = plain(text);
        let recent = self.all(
            sql::ROOTS_OF,
            (
                rows::number(pair.own),
                pair.peer,
                rows::int(id.0),
                rows::size(MARK_CANDIDATES),
            ),
            |row| {
                let other: Option<String> = row.get(COPY)?;
                let same = other.is_some_and(|other| plain(&other) == text);
                Ok((copy(row)?, SameText(same), HasCopy(row.get(COPY + 1)?)))
            },
        )?;
        let root = merging::pair_on_mark(&arrival, recent);
        if let Some(root) = root {
            self.apply_merging(
                pair,
                &[Change::Link {
                    copy: id,
                    root,
                    by_note: false,
                }],
            )?;
        }
        Ok(root)
    }

    /// Links a new message by IP with the SMS that has its place already.
    pub(super) fn merge_in_place(
        &mut self,
        pair: Pair,
        id: MessageId,
        epoch: Epoch,
        lane_seq: LaneSeq,
    ) -> Result<Option<MessageId>> {
        let in_place = self.copies_in_place(pair, epoch, lane_seq)?;
        let root = in_place
            .iter()
            .find(|copy| copy.id != id)
            .map(|copy| copy.copy_of.unwrap_or(copy.id));
        if let Some(root) = root {
            self.apply_merging(
                pair,
                &[Change::Link {
                    copy: id,
                    root,
                    by_note: true,
                }],
            )?;
        }
        Ok(root)
    }

    /// Reads note entries of one lane.
    pub(super) fn read_note(
        &mut self,
        pair: Pair,
        epoch: Epoch,
        entries: &[NoteEntry],
        now: BootStamp,
    ) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut copies = self.all(
            sql::COPIES_BY_SMS,
            (
                rows::number(pair.own),
                pair.peer,
                rows::size(NOTE_CANDIDATES),
            ),
            copy,
        )?;
        let mut add = |more: Vec<Copy>| {
            for copy in more {
                if !copies.iter().any(|known| known.id == copy.id) {
                    copies.push(copy);
                }
            }
        };
        for entry in entries {
            add(self.copies_in_place(pair, epoch, entry.lane_seq)?);
        }
        // Whatever these refer to, or is referred to by them, and what stands in
        // the places they hold.
        for known in copies.clone() {
            let mut related = self.all(sql::COPIES_OF, (rows::int(known.id.0),), copy)?;
            if let Some(root) = known.copy_of {
                related.extend(self.copy(root)?);
                related.extend(self.all(sql::COPIES_OF, (rows::int(root.0),), copy)?);
            }
            if let Some((epoch, lane_seq)) = known.place {
                related.extend(self.copies_in_place(pair, epoch, lane_seq)?);
            }
            for copy in related {
                if !copies.iter().any(|known| known.id == copy.id) {
                    copies.push(copy);
                }
            }
        }
        copies.sort_by_key(|copy| copy.id);
        let reading = merging::read_note(entries, epoch, copies, now);
        self.apply_merging(pair, &reading.changes)?;
        for entry in entries {
            self.execute(
                sql::PENDING_DROP,
                (
                    rows::number(pair.own),
                    pair.peer,
                    epoch.get(),
                    rows::int(entry.lane_seq.get()),
                ),
            )?;
        }
        for entry in &reading.pending {
            let (filled, hash) = codes::filled_code(entry.filled);
            self.execute(
                sql::PENDING_ADD,
                (
                    rows::number(pair.own),
                    pair.peer,
                    epoch.get(),
                    rows::int(entry.lane_seq.get()),
                    filled,
                    hash,
                ),
            )?;
        }
        if !reading.pending.is_empty() {
            self.execute(
                sql::PENDING_PRUNE,
                (
                    rows::number(pair.own),
                    pair.peer,
                    rows::size(MAX_PENDING_NOTES),
                ),
            )?;
        }
        Ok(())
    }

    /// What notes said of SMS with this hash that had not come.
    pub(super) fn read_pending(&mut self, pair: Pair, hash: u16, now: BootStamp) -> Result<()> {
        let pending = self.all(
            sql::PENDING_OF,
            (rows::number(pair.own), pair.peer, hash),
            |row| {
                Ok((
                    row.epoch(0)?,
                    LaneSeq(row.unsigned(1)?),
                    row.code(2, |code| codes::filled_from(code, hash))?,
                ))
            },
        )?;
        let mut by_epoch: Vec<(Epoch, Vec<NoteEntry>)> = Vec::new();
        for (epoch, lane_seq, filled) in pending {
            let entry = NoteEntry { lane_seq, filled };
            debug_assert!(matches!(filled, Filled::Sms(_) | Filled::Both(_)));
            match by_epoch.last_mut() {
                Some((last, entries)) if *last == epoch => entries.push(entry),
                _ => by_epoch.push((epoch, vec![entry])),
            }
        }
        for (epoch, entries) in by_epoch {
            self.read_note(pair, epoch, &entries, now)?;
        }
        Ok(())
    }

    fn apply_merging(&mut self, pair: Pair, changes: &[Change]) -> Result<()> {
        for change in changes {
            match *change {
                Change::Link {
                    copy: id,
                    root,
                    by_note,
                } => {
                    let was = self.copy(id)?.and_then(|copy| copy.copy_of);
                    let (child, parent) = (rows::int(id.0), rows::int(root.0));
                    self.execute(sql::RELINK, (child, parent))?;
                    self.execute(sql::LINK, (child, Some(parent), by_note))?;
                    if was != Some(root) {
                        let shown = self.shown_as(id)?;
                        self.log_of_two(EventKind::Merged, id, shown, Some(root))?;
                    }
                }
                Change::Unlink { copy: id, root } => {
                    self.execute(sql::LINK, (rows::int(id.0), None::<i64>, false))?;
                    let shown = self.shown_as(id)?;
                    self.log_of_two(EventKind::Unmerged, id, shown, Some(root))?;
                }
                Change::Place { sms, place, late } => self.place(pair, sms, place, late)?,
            }
        }
        Ok(())
    }

    fn place(
        &mut self,
        pair: Pair,
        sms: MessageId,
        place: Option<(Epoch, LaneSeq)>,
        late: bool,
    ) -> Result<()> {
        let id = rows::int(sms.0);
        let stands: i64 = self
            .one(sql::POSITION_OF, (id,), |row| row.get(0))?
            .ok_or_else(|| StoreError::corrupt("a copy vanished while it was placed"))?;
        let position = match place {
            None => id,
            Some(_) if late => stands,
            Some((epoch, lane_seq)) => {
                let key = (
                    rows::number(pair.own),
                    pair.peer,
                    epoch.get(),
                    rows::int(lane_seq.get()),
                );
                let unsigned = |row: &Row<'_>| row.unsigned(0);
                let before = self.one(sql::NEXT_EARLIER, key, unsigned)?;
                let behind = self.one(sql::NEXT_LATER, key, unsigned)?;
                rows::int(merging::position(sms.0, before, behind))
            }
        };
        self.execute(
            sql::SMS_PLACE,
            (
                id,
                place.map(|(epoch, _)| epoch.get()),
                place.map(|(_, lane_seq)| rows::int(lane_seq.get())),
                late,
                position,
            ),
        )?;
        if position != stands {
            let shown = self.shown_as(sms)?;
            self.log(EventKind::Reordered, sms, shown)?;
        }
        Ok(())
    }

    fn shown_as(&self, id: MessageId) -> Result<Shown> {
        let body = self.one(sql::SHOWN_AS, (rows::int(id.0),), |row| {
            row.code(0, Body::from_code)
        })?;
        Ok(body.map_or(Shown::Received, Body::shown))
    }

    fn copy(&self, id: MessageId) -> Result<Option<Copy>> {
        self.one(sql::COPY, (rows::int(id.0),), copy)
    }

    fn copies_in_place(&self, pair: Pair, epoch: Epoch, lane_seq: LaneSeq) -> Result<Vec<Copy>> {
        self.all(
            sql::COPIES_IN_PLACE,
            (
                rows::number(pair.own),
                pair.peer,
                epoch.get(),
                rows::int(lane_seq.get()),
            ),
            copy,
        )
    }

    /// Where a copy stands that was just taken.
    pub(super) fn copy_of(&self, id: MessageId) -> Result<Option<MessageId>> {
        Ok(self.copy(id)?.and_then(|copy| copy.copy_of))
    }

    pub(super) fn has_place(&self, id: MessageId) -> Result<bool> {
        Ok(self.copy(id)?.is_some_and(|copy| copy.place.is_some()))
    }
}

/// How many columns `sql::copy!` names.
const COPY: usize = 11;

/// From the columns named by `sql::copy!`.
fn copy(row: &Row<'_>) -> rusqlite::Result<Copy> {
    let flag = |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<bool>>(at)?.unwrap_or(false));
    Ok(Copy {
        id: MessageId(row.unsigned(0)?),
        came_by: row.code(1, codes::channel_from)?,
        place: match (row.maybe_epoch(2)?, row.maybe_unsigned(3)?) {
            (Some(epoch), Some(lane_seq)) => Some((epoch, LaneSeq(lane_seq))),
            _ => None,
        },
        residue: row.get(4)?,
        hash: row.get::<_, Option<u16>>(5)?.unwrap_or(0),
        maybe_by_sms: flag(6)?,
        copy_of: row.maybe_unsigned(7)?.map(MessageId),
        by_note: flag(8)?,
        arrived: BootStamp {
            boot: BootId(row.get::<_, Option<i64>>(9)?.unwrap_or(0).cast_unsigned()),
            at: Instant(row.maybe_unsigned(10)?.unwrap_or(0)),
        },
    })
}
