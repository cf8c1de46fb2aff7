//! From the client's token to a seq and a place in the lane (DELIVERY 1, 2, 8).

use rusqlite::types::Type;
use rusqlite::{Row, params};
use twine_engine::message::{
    Channel, IpAttempt, LaneFacts, LaneUse, MessageId, Shown, SmsAttempt, content_of, lane_use,
};
use twine_engine::settings::{Fallback, Mode, Reach};
use twine_engine::store_ops::{
    Because, BootStamp, EventKind, Look, NewOutgoing, Outcome, QueuedMessage, Released, ResumeItem,
};
use twine_engine::time::Instant;
use twine_proto::{E164, Epoch, LaneSeq, Seq};

use super::change::NextLook;
use super::{Result, Turn, notes};
use crate::codes::Stage;
use crate::error::StoreError;
use crate::limits::MAX_TAKING_BACK;
use crate::rows::{self, Attempts, Columns, PeerKey};
use crate::story::Step;
use crate::{codes, sql};

impl Turn<'_> {
    pub(super) fn enqueue(&mut self, new: &NewOutgoing) -> Result<Outcome> {
        if let Some(id) = self.known_token(new)? {
            return Ok(Outcome::Repeated { id });
        }
        let peer = self.key(new.peer)?;
        let own = self.own(&new.sender, peer)?;
        let valid_for_ms = new.valid_for.map(rows::duration);
        let lane_use = lane_use(LaneFacts {
            ip: IpAttempt::None,
            sms: new.sms,
            waits: None,
            undecided: !new.queue_for_ip,
            take_back: None,
            lane_ended: false,
        });
        let undecided = lane_use == LaneUse::Blocks;
        let stage = if undecided {
            Stage::Undecided
        } else {
            Stage::Other
        };
        let (look_boot, look_ms, look_after_ms) = NextLook::from(new.look).columns();
        self.outbox_grew_by += 1;
        self.execute(
            sql::OUTGOING_ADD,
            params![
                rows::int(new.id.0),
                rows::number(own),
                peer,
                rows::wall(self.wall),
                codes::sms_code(new.sms),
                valid_for_ms,
                valid_for_ms.map(|_| rows::boot(new.boot.boot)),
                valid_for_ms.map(|ms| rows::instant(new.boot.at) + ms),
                new.queue_for_ip,
                codes::lane_use_code(lane_use),
                stage as i64,
                undecided,
                new.wish.map(codes::channel_code),
                look_boot,
                look_ms,
                look_after_ms,
                rows::boot(new.boot.boot),
                rows::instant(new.boot.at),
                new.text.expose(),
            ],
        )?;
        self.log(EventKind::StateChanged, new.id, Shown::Queued)?;
        if !new.because.is_empty() {
            self.tell(new.id, Step::Stored, None, new.because)?;
        }
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

    pub(super) fn release(
        &mut self,
        id: MessageId,
        look: Option<Look>,
        boot: BootStamp,
    ) -> Result<Outcome> {
        let found = self.one(sql::RELEASABLE, (rows::int(id.0),), releasable)?;
        let Some(found) = found else {
            return Ok(Outcome::NotQueued);
        };
        // One that came back into the queue since this was read goes first.
        if found.blocked
            || self.worst_before(found.own, found.peer, rows::int(id.0))? == LaneUse::QueuedForIp
        {
            return Ok(Outcome::NotByIp { look: None });
        }
        let peer = match self.by_ip(&found, boot)? {
            Ok(peer) => peer,
            Err(because) => return self.not_by_ip(id, because),
        };
        self.execute(sql::SEQ_TAKE, (rows::number(found.own), found.epoch.get()))?;
        // Another try in the same epoch keeps its place, which was never another's. It
        // carries no note: if the receiver has it already, it would not be read.
        let placed = found.place.filter(|(of, _)| *of == found.epoch);
        let lane_seq = match placed {
            Some((_, place)) => place,
            None => self.take_place(found.own, found.epoch, found.peer)?,
        };
        let note = if found.to_note && placed.is_none() {
            let noted = self.note_below(found.own, found.peer, found.epoch, lane_seq)?;
            if !noted.entries.is_empty() {
                self.noted_in(&noted, found.own, found.peer, (found.epoch, found.seq))?;
            }
            noted.entries
        } else {
            Vec::new()
        };
        let (look_boot, look_ms, look_after_ms) = NextLook::from(look).columns();
        let kept_note = (!note.is_empty()).then(|| notes::encode(&note));
        self.execute(
            sql::RELEASE,
            (
                rows::int(id.0),
                found.epoch.get(),
                rows::int(lane_seq.get()),
                rows::int(found.seq.get()),
                rows::wall(self.wall),
                found.sms == SmsAttempt::None && look.is_none(),
                look_boot,
                look_ms,
                look_after_ms,
                // An earlier SMS of it may be there as well.
                found.sms_left,
                kept_note.as_ref().map(|note| note.as_bytes().as_ref()),
            ),
        )?;
        let because = "the gateway is reachable";
        let line = (
            rows::int(id.0),
            rows::wall(self.wall),
            Step::ByIp as u8,
            because,
        );
        self.execute(sql::STORY_GO_ON, line)?;
        self.log(EventKind::StateChanged, id, Shown::Sending)?;
        Ok(Outcome::Released(Released {
            id,
            own: found.own,
            peer,
            epoch: found.epoch,
            seq: found.seq,
            lane_seq,
            content: content_of(&found.text, note).encode(),
        }))
    }

    /// The number to which it may go by IP, or what speaks against that. Where SMS
    /// is out of the question, IP is the only way there is to a number.
    fn by_ip(
        &self,
        found: &Releasable,
        boot: BootStamp,
    ) -> Result<std::result::Result<E164, Because>> {
        let Some(peer) = found.peer.number() else {
            return Ok(Err(&["only SMS reaches a name or a short code"]));
        };
        if found.sms != SmsAttempt::None || found.wish == Some(Channel::Ip) {
            return Ok(Ok(peer));
        }
        if found.wish == Some(Channel::Sms) {
            return Ok(Err(&["the user wished for SMS"]));
        }
        if found.mode == Some(Mode::SmsOnly) {
            return Ok(Err(&["the setting is SMS only"]));
        }
        let (reach, since) = found.reach;
        Ok(match self.still_believed(reach, since, boot)? {
            Reach::Refused => Err(&["the peer is not on IP"]),
            // A guess: only where it would certainly go by SMS at once.
            Reach::Silent if found.fallback.unwrap_or_default() == Fallback::Always => {
                Err(&["the peer has given no sign of life by IP"])
            }
            Reach::Silent | Reach::Unknown | Reach::OnIp => Ok(peer),
        })
    }

    fn not_by_ip(&mut self, id: MessageId, because: Because) -> Result<Outcome> {
        if let Some(before) = self.attempts(id)? {
            self.tell(id, Step::NotByIp, None, because)?;
            let after = Attempts {
                queued: false,
                ..before.clone()
            };
            self.save(&before, after, NextLook::AtOnce)?;
        }
        Ok(Outcome::NotByIp {
            look: self.follows.look,
        })
    }

    pub(super) fn take_place(&self, own: E164, epoch: Epoch, peer: PeerKey) -> Result<LaneSeq> {
        let key = (rows::number(own), epoch.get(), peer);
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
            let content_bytes = content_bytes(row, 2)?;
            bytes = bytes.saturating_add(content_bytes);
            messages.push(QueuedMessage {
                id: MessageId(row.unsigned(0)?),
                peer: row.peer(1, 4)?,
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

/// A row of [`sql::RELEASABLE`].
struct Releasable {
    own: E164,
    peer: PeerKey,
    place: Option<(Epoch, LaneSeq)>,
    text: String,
    epoch: Epoch,
    seq: Seq,
    sms: SmsAttempt,
    sms_left: bool,
    wish: Option<Channel>,
    blocked: bool,
    to_note: bool,
    mode: Option<Mode>,
    fallback: Option<Fallback>,
    reach: (Option<Reach>, BootStamp),
}

fn releasable(row: &Row<'_>) -> rusqlite::Result<Releasable> {
    Ok(Releasable {
        own: row.number(0)?,
        peer: PeerKey(row.get(1)?),
        place: row.place(2)?,
        text: row.get(4)?,
        epoch: row.epoch(5)?,
        seq: Seq(row.unsigned(6)?),
        sms: row.code(7, codes::sms_from)?,
        sms_left: row.get(8)?,
        wish: row.maybe_code(9, codes::channel_from)?,
        blocked: row.get(10)?,
        to_note: row.get(11)?,
        mode: row.maybe_code(12, codes::mode_from)?,
        fallback: row.maybe_code(13, codes::fallback_from)?,
        reach: (row.maybe_code(14, codes::reach_from)?, row.stamp(15)?),
    })
}

/// Size of the content as it would travel without a note.
fn content_bytes(row: &Row<'_>, at: usize) -> rusqlite::Result<usize> {
    let text = row.get_ref(at)?.as_str()?;
    Ok(content_of(text, Vec::new()).encode().as_bytes().len())
}

/// A message under its seq, or a note without one. The same bytes each time,
/// because the gateway compares digests of them (DELIVERY 4).
fn resume_item(row: &Row<'_>) -> rusqlite::Result<ResumeItem> {
    let text = row.get_ref(7)?.as_str_or_null()?.unwrap_or_default();
    let note = notes::decode(row.get_ref(8)?.as_blob_or_null()?).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(8, Type::Blob, "a note is unreadable".into())
    })?;
    Ok(ResumeItem {
        released: Released {
            id: MessageId(row.unsigned(0)?),
            own: row.number(1)?,
            peer: row.number(2)?,
            epoch: row.epoch(3)?,
            lane_seq: LaneSeq(row.maybe_unsigned(4)?.unwrap_or(0)),
            seq: Seq(row.unsigned(5)?),
            content: content_of(text, note).encode(),
        },
        take_back: row.take_back(6)?.is_some(),
    })
}
