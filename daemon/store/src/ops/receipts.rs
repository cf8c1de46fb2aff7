//! Read marks, ours and the peers' (DELIVERY 11).

use twine_engine::message::{IpAttempt, MessageId};
use twine_engine::store_ops::{Outcome, UntoldMark};
use twine_proto::frame::ReadMark;
use twine_proto::{Cursor, E164, Epoch, LaneSeq};

use super::{Result, Turn};
use crate::limits::STEP;
use crate::rows::{self, Attempts, Columns};
use crate::sql;

/// Behind the columns of [`Attempts`] in [`sql::UNREAD_BY_PEER`].
const LANE_SEQ: usize = 17;

impl Turn<'_> {
    pub(super) fn mark_read(&self, id: MessageId) -> Result<Outcome> {
        let found = self.one(sql::NAME_OF, (rows::int(id.0),), |row| {
            Ok((
                row.number(0)?,
                row.get::<_, i64>(1)?,
                row.maybe_epoch(2)?,
                row.maybe_unsigned(3)?,
            ))
        })?;
        let Some((number, peer, epoch, lane_seq)) = found else {
            return Ok(Outcome::NotFound);
        };
        // A message without a name has no place that could be told.
        let peer = u64::try_from(peer)
            .ok()
            .and_then(|peer| E164::new(peer).ok());
        let (Some(epoch), Some(lane_seq), Some(peer)) = (epoch, lane_seq, peer) else {
            self.execute(sql::READ_ALONE, (rows::int(id.0),))?;
            return Ok(Outcome::Done);
        };
        let upto = lane_key(number, peer, epoch, lane_seq);
        if self.execute(sql::READ_UPTO, upto)? == 0 {
            return Ok(Outcome::Done);
        }
        let raised = self.one(sql::READ_RAISE, upto, |row| {
            Ok(UntoldMark {
                mark: ReadMark {
                    peer,
                    epoch,
                    upto: LaneSeq(row.unsigned(0)?),
                },
                version: row.unsigned(1)?,
            })
        })?;
        // Without its row nothing of the lane came by IP: nobody waits for a mark.
        Ok(raised.map_or(Outcome::Done, |mark| Outcome::ReadTo { number, mark }))
    }

    pub(super) fn load_read_marks(&self, number: E164, limit: usize) -> Result<Outcome> {
        let marks = self.all(
            sql::UNTOLD_MARKS,
            (rows::number(number), rows::size(limit)),
            |row| {
                Ok(UntoldMark {
                    mark: ReadMark {
                        peer: row.number(0)?,
                        epoch: row.epoch(1)?,
                        upto: LaneSeq(row.unsigned(2)?),
                    },
                    version: row.unsigned(3)?,
                })
            },
        )?;
        Ok(Outcome::ReadMarks(marks))
    }

    pub(super) fn read_confirmed(&self, number: E164, mark: UntoldMark) -> Result<Outcome> {
        let ReadMark { peer, epoch, .. } = mark.mark;
        self.execute(sql::READ_TOLD, lane_key(number, peer, epoch, mark.version))?;
        Ok(Outcome::Done)
    }

    pub(super) fn apply_read_by(
        &mut self,
        number: E164,
        mark: ReadMark,
        cursor: Cursor,
        check: u32,
    ) -> Result<Outcome> {
        self.move_cursor(number, cursor, check)?;
        self.alive(rows::number(mark.peer))?;
        let mut from = LaneSeq(1);
        loop {
            let step = self.all(
                sql::UNREAD_BY_PEER,
                (
                    rows::number(number),
                    rows::number(mark.peer),
                    mark.epoch.get(),
                    rows::int(from.get()),
                    rows::int(mark.upto.get()),
                    rows::size(STEP),
                ),
                |row| Ok((Attempts::from_row(row)?, LaneSeq(row.unsigned(LANE_SEQ)?))),
            )?;
            for (before, _) in &step {
                debug_assert!(matches!(before.ip, IpAttempt::Delivered(_)));
                let after = Attempts {
                    read: true,
                    ..*before
                };
                self.change(before, after)?;
                self.execute(sql::READ_SET, (rows::int(after.id.0), None::<i64>))?;
            }
            match step.last() {
                Some((_, last)) if step.len() == STEP => from = last.next(),
                _ => return Ok(Outcome::Done),
            }
        }
    }
}

/// A lane, and a place or version in it.
fn lane_key(number: E164, peer: E164, epoch: Epoch, at: u64) -> (i64, i64, u32, i64) {
    (
        rows::number(number),
        rows::number(peer),
        epoch.get(),
        rows::int(at),
    )
}
