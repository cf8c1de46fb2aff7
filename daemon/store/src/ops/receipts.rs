//! Read marks, ours and the peers' (DELIVERY 11).

use twine_engine::message::{Channel, IpAttempt, MessageId};
use twine_engine::store_ops::{Outcome, UntoldMark};
use twine_proto::frame::ReadMark;
use twine_proto::{Cursor, E164, Epoch, LaneSeq};

use super::{Result, Turn};
use crate::error::StoreError;
use crate::limits::STEP;
use crate::rows::{self, Attempts, Columns, PeerKey};
use crate::{codes, sql};

/// A row of [`sql::NAME_OF`].
struct Named {
    own: E164,
    peer: PeerKey,
    place: Option<(Epoch, LaneSeq)>,
    came_by: Channel,
    copy_of: Option<MessageId>,
}

impl Turn<'_> {
    pub(super) fn mark_read(&self, id: MessageId) -> Result<Outcome> {
        let Some(found) = self.named(id)? else {
            return Ok(Outcome::NotFound);
        };
        // A message without a name has no place that could be told, nor one of
        // somebody whom only SMS reaches.
        let (Some((epoch, lane_seq)), Some(peer)) =
            (self.place_read(id, &found)?, found.peer.number())
        else {
            return Ok(Outcome::Done);
        };
        let number = found.own;
        let lane_seq = lane_seq.get();
        let upto = lane_key(number, peer, epoch, lane_seq);
        if self.execute(sql::READ_UPTO, upto)? == 0 {
            return Ok(Outcome::Done);
        }
        let mark = self
            .one(sql::READ_RAISE, upto, |row| {
                Ok(UntoldMark {
                    mark: ReadMark {
                        peer,
                        epoch,
                        upto: LaneSeq(row.unsigned(0)?),
                    },
                    version: row.unsigned(1)?,
                })
            })?
            .ok_or_else(|| StoreError::corrupt("a message was taken without its lane"))?;
        Ok(Outcome::ReadTo { number, mark })
    }

    fn named(&self, id: MessageId) -> Result<Option<Named>> {
        self.one(sql::NAME_OF, (rows::int(id.0),), |row| {
            Ok(Named {
                own: row.number(0)?,
                peer: PeerKey(row.get(1)?),
                place: row.place(2)?,
                came_by: row.code(4, codes::channel_from)?,
                copy_of: row.maybe_unsigned(5)?.map(MessageId),
            })
        })
    }

    /// The place of a message by IP; of an SMS that of whichever copy came by IP,
    /// or its own.
    fn place_read(&self, id: MessageId, found: &Named) -> Result<Option<(Epoch, LaneSeq)>> {
        if found.came_by == Channel::Ip {
            return Ok(found.place);
        }
        let root = found.copy_of.unwrap_or(id);
        if let Some(named) = self.named(root)?
            && named.came_by == Channel::Ip
            && named.place.is_some()
        {
            return Ok(named.place);
        }
        let copy = self.one(sql::NAME_OF_COPY, (rows::int(root.0),), |row| row.place(0))?;
        Ok(copy.flatten().or(found.place))
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
        self.believe_on_ip(PeerKey::of(mark.peer), None)?;
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
                Attempts::from_row,
            )?;
            for before in &step {
                debug_assert!(matches!(before.ip, IpAttempt::Delivered(_)));
                let after = Attempts {
                    read: true,
                    ..before.clone()
                };
                let changed = self.log_change(before, &after)?;
                self.execute(sql::READ_SET, (rows::int(after.id.0), changed))?;
            }
            match step.last().and_then(|last| last.place) {
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
