//! From the client's token to a seq and a place in the lane (DELIVERY 1, 2, 8).

use rusqlite::Row;
use twine_engine::message::{MessageId, Shown, content_of};
use twine_engine::store_ops::{
    EventKind, NewOutgoing, Outcome, QueuedMessage, Released, ResumeItem,
};
use twine_engine::time::Instant;
use twine_proto::{E164, Epoch, LaneSeq, OpaqueContent, Seq};

use super::{Result, Turn};
use crate::error::StoreError;
use crate::limits::MAX_TAKING_BACK;
use crate::rows::{self, Columns};
use crate::sql;

impl Turn<'_> {
    pub(super) fn enqueue(&mut self, new: &NewOutgoing) -> Result<Outcome> {
        if let Some(id) = self.known_token(new)? {
            return Ok(Outcome::Repeated { id });
        }
        let valid_for_ms = new.valid_for.map(rows::duration);
        self.execute(
            sql::OUTGOING_ADD,
            (
                rows::int(new.id.0),
                rows::number(new.own),
                rows::number(new.peer),
                rows::wall(self.wall),
                valid_for_ms,
                valid_for_ms.map(|_| rows::boot(new.boot.boot)),
                valid_for_ms.map(|ms| rows::instant(new.boot.at) + ms),
                new.text.expose(),
            ),
        )?;
        self.log(EventKind::StateChanged, new.id, Shown::Queued)?;
        Ok(Outcome::Enqueued { id: new.id })
    }

    /// Takes the token, or says which message has it.
    fn known_token(&self, new: &NewOutgoing) -> Result<Option<MessageId>> {
        let add = || {
            self.execute(
                sql::TOKEN_ADD,
                (
                    rows::int(new.id.0),
                    rows::wall(self.wall),
                    &new.token.0,
                    &new.client.0,
                ),
            )
        };
        if add()? == 1 {
            return Ok(None);
        }
        let known = self.one(sql::TOKEN_FIND, (&new.client.0, &new.token.0), |row| {
            row.unsigned(0)
        })?;
        if let Some(id) = known {
            return Ok(Some(MessageId(id)));
        }
        // The first message of a client that opened no event cursor.
        self.execute(sql::CLIENT_ADD, (&new.client.0,))?;
        add()?;
        Ok(None)
    }

    pub(super) fn release(&mut self, id: MessageId) -> Result<Outcome> {
        let found = self.one(sql::RELEASABLE, (rows::int(id.0),), |row| {
            Ok(Releasable {
                own: row.number(0)?,
                peer: row.number(1)?,
                place_in: row.maybe_epoch(2)?,
                place: row.maybe_unsigned(3)?.map(LaneSeq),
                content: content(row, 4)?,
                epoch: row.epoch(5)?,
                seq: Seq(row.unsigned(6)?),
            })
        })?;
        let Some(found) = found else {
            return Ok(Outcome::NotQueued);
        };
        self.execute(sql::SEQ_TAKE, (rows::number(found.own), found.epoch.get()))?;
        let lane_seq = match found.place {
            // Another try in the same epoch: its place was never another's.
            Some(place) if found.place_in == Some(found.epoch) => place,
            _ => self.take_place(found.own, found.epoch, found.peer)?,
        };
        self.execute(
            sql::RELEASE,
            (
                rows::int(id.0),
                found.epoch.get(),
                rows::int(lane_seq.get()),
                rows::int(found.seq.get()),
                rows::wall(self.wall),
            ),
        )?;
        self.log(EventKind::StateChanged, id, Shown::Sending)?;
        Ok(Outcome::Released(Released {
            id,
            own: found.own,
            peer: found.peer,
            epoch: found.epoch,
            seq: found.seq,
            lane_seq,
            content: found.content,
        }))
    }

    fn take_place(&self, own: E164, epoch: Epoch, peer: E164) -> Result<LaneSeq> {
        let key = (rows::number(own), epoch.get(), rows::number(peer));
        self.one(sql::PLACE_TAKE, key, |row| row.unsigned(0).map(LaneSeq))?
            .ok_or_else(|| StoreError::corrupt("a lane gave no place"))
    }

    pub(super) fn load_queued(
        &self,
        number: E164,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Outcome> {
        let mut statement = self.statement(sql::QUEUED)?;
        // One more than asked for shows whether there are more.
        let mut queued =
            statement.query((rows::number(number), rows::size(limit.saturating_add(1))))?;
        let mut messages = Vec::new();
        let mut bytes = 0usize;
        let mut more = false;
        while let Some(row) = queued.next()? {
            let full = bytes >= max_bytes && !messages.is_empty();
            if full || messages.len() >= limit {
                more = true;
                break;
            }
            let content_bytes = content(row, 2)?.as_bytes().len();
            bytes = bytes.saturating_add(content_bytes);
            messages.push(QueuedMessage {
                id: MessageId(row.unsigned(0)?),
                peer: row.number(1)?,
                content_bytes,
                deadline: row.maybe_unsigned(3)?.map(Instant),
            });
        }
        Ok(Outcome::Queued { messages, more })
    }

    pub(super) fn load_resume(&self, number: E164, after: Seq, limit: usize) -> Result<Outcome> {
        let mut in_flight = match self.position(number)? {
            Some((epoch, _)) => self.all(
                sql::IN_FLIGHT,
                (
                    rows::number(number),
                    epoch.get(),
                    rows::int(after.get()),
                    // One more than asked for shows whether there are more.
                    rows::size(limit.saturating_add(1)),
                ),
                resume_item,
            )?,
            None => Vec::new(),
        };
        let more = in_flight.len() > limit;
        in_flight.truncate(limit);
        let taking_back = if after == Seq(0) {
            self.taking_back(number)?
        } else {
            Vec::new()
        };
        Ok(Outcome::Resume {
            in_flight,
            more,
            taking_back,
        })
    }

    fn taking_back(&self, number: E164) -> Result<Vec<(Epoch, Seq)>> {
        self.all(
            sql::TAKING_BACK,
            (rows::number(number), rows::size(MAX_TAKING_BACK)),
            |row| Ok((row.epoch(0)?, Seq(row.unsigned(1)?))),
        )
    }
}

struct Releasable {
    own: E164,
    peer: E164,
    place_in: Option<Epoch>,
    place: Option<LaneSeq>,
    content: OpaqueContent,
    epoch: Epoch,
    seq: Seq,
}

fn resume_item(row: &Row<'_>) -> rusqlite::Result<ResumeItem> {
    Ok(ResumeItem {
        released: Released {
            id: MessageId(row.unsigned(0)?),
            own: row.number(1)?,
            peer: row.number(2)?,
            epoch: row.epoch(3)?,
            lane_seq: LaneSeq(row.unsigned(4)?),
            seq: Seq(row.unsigned(5)?),
            content: content(row, 7)?,
        },
        take_back: row.take_back(6)?.is_some(),
    })
}

/// The content as it travels; the same bytes each time, because the gateway
/// compares digests of them (DELIVERY 4).
fn content(row: &Row<'_>, at: usize) -> rusqlite::Result<OpaqueContent> {
    let text = row.get_ref(at)?.as_str()?;
    Ok(content_of(text).encode())
}
