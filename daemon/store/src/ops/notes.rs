//! Lane notes, as the sender makes them (DELIVERY 18).

use rusqlite::Row;
use twine_engine::message::MessageId;
use twine_engine::notes::{self, Place};
use twine_engine::store_ops::{Outcome, Released};
use twine_proto::limits::MAX_NOTE_ENTRIES;
use twine_proto::{Content, E164, Epoch, LaneSeq, NoteEntry, Seq};

use super::{Result, Turn};
use crate::error::StoreError;
use crate::rows::{self, Columns};
use crate::{codes, sql};

/// Places of which a note may have to leave out some that are not decided.
const PLACES: usize = 2 * MAX_NOTE_ENTRIES;

impl Turn<'_> {
    /// The note for a message in this place, which takes this seq.
    pub(super) fn note_for(
        &self,
        own: E164,
        epoch: Epoch,
        peer: i64,
        before: LaneSeq,
        seq: Seq,
    ) -> Result<Vec<NoteEntry>> {
        let places = self.all(
            sql::PLACES,
            (
                rows::number(own),
                epoch.get(),
                peer,
                rows::int(before.get()),
                rows::size(PLACES),
            ),
            |row| Ok((place(row)?, MessageId(row.unsigned(8)?))),
        )?;
        let entries = notes::note(places.iter().map(|(place, _)| *place));
        for (place, id) in &places {
            let Some(entry) = entries
                .iter()
                .find(|entry| entry.lane_seq == place.lane_seq)
            else {
                continue;
            };
            let (code, _) = codes::filled_code(entry.filled);
            self.execute(
                sql::NOTED,
                (rows::int(id.0), epoch.get(), rows::int(seq.get()), code),
            )?;
        }
        Ok(entries)
    }

    /// The message with this seq was delivered: what its note said is known.
    pub(super) fn close_noted(&self, own: E164, epoch: Epoch, seq: Seq) -> Result<()> {
        let noted = self.all(
            sql::NOTED_BY,
            (rows::number(own), epoch.get(), rows::int(seq.get())),
            |row| {
                Ok((
                    place(row)?,
                    MessageId(row.unsigned(8)?),
                    row.get::<_, i64>(9)?,
                ))
            },
        )?;
        for (place, id, noted_as) in noted {
            let now = notes::filled(&place).map(|filled| codes::filled_code(filled).0);
            if now == Some(noted_as) {
                self.execute(sql::CLOSE_PLACE, (rows::int(id.0),))?;
            }
        }
        Ok(())
    }

    pub(super) fn release_note(&mut self, number: E164, id: MessageId) -> Result<Outcome> {
        let lane = self.one(sql::LANE_WITH_NOTE, (rows::number(number),), |row| {
            Ok((row.epoch(0)?, row.get::<_, i64>(1)?))
        })?;
        let Some((epoch, peer)) = lane else {
            return Ok(Outcome::Done);
        };
        self.execute(sql::NOTE_DONE, (rows::number(number), epoch.get(), peer))?;
        let to = E164::new(u64::try_from(peer).unwrap_or(0))
            .map_err(|_| StoreError::corrupt("a lane with a note leads to no number"))?;
        let next = self.next_seq(number, epoch)?;
        let entries = self.note_for(number, epoch, peer, LaneSeq(u64::MAX), next)?;
        if entries.is_empty() {
            return self.release_note(number, id);
        }
        let seq = self.take_seq(number, epoch)?;
        let content = Content {
            text: None,
            note: entries,
        }
        .encode();
        self.execute(
            sql::NOTE_ADD,
            (
                rows::int(id.0),
                rows::number(number),
                peer,
                rows::wall(self.wall),
                epoch.get(),
                rows::int(seq.get()),
                &content.as_bytes()[..],
            ),
        )?;
        Ok(Outcome::Released(Released {
            id,
            own: number,
            peer: to,
            epoch,
            seq,
            lane_seq: LaneSeq(0),
            content,
        }))
    }
}

fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    Ok(Place {
        lane_seq: LaneSeq(row.unsigned(0)?),
        ip: row.ip(1)?,
        sms: row.code(5, codes::sms_from)?,
        sms_left: row.get::<_, Option<bool>>(6)?.unwrap_or(false),
        hash: row.get::<_, Option<u16>>(7)?.unwrap_or(0),
    })
}
