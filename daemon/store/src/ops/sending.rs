//! From the client's token to a seq and a place in the lane (DELIVERY 1, 2, 8).

use rusqlite::{Row, params};
use twine_engine::message::{
    Channel, IpAttempt, MessageId, Shown, SmsAttempt, content_of, lane_use,
};
use twine_engine::settings::{Mode, Reach};
use twine_engine::store_ops::{
    Because, BootStamp, EventKind, Look, NewOutgoing, Outcome, QueuedMessage, Released, ResumeItem,
};
use twine_engine::time::Instant;
use twine_proto::{Content, E164, Epoch, LaneSeq, OpaqueContent, Peer, Seq, SmsName};

use super::settings::believed;
use super::{Result, Turn};
use crate::error::StoreError;
use crate::limits::MAX_TAKING_BACK;
use crate::rows::{self, Attempts, Columns, LookAt};
use crate::story::Step;
use crate::{codes, sql};

impl Turn<'_> {
    pub(super) fn enqueue(&mut self, new: &NewOutgoing) -> Result<Outcome> {
        if let Some(id) = self.known_token(new)? {
            return Ok(Outcome::Repeated { id });
        }
        let valid_for_ms = new.valid_for.map(rows::duration);
        let peer = self.peer_code(new.peer)?;
        let undecided = !new.queue_for_ip;
        let lane_use = lane_use(IpAttempt::None, new.sms, None, undecided);
        let (look_boot, look_ms, look_for_ms) = LookAt::columns(new.look.map(LookAt::of));
        self.execute(
            sql::OUTGOING_ADD,
            params![
                rows::int(new.id.0),
                rows::number(new.own),
                peer,
                rows::wall(self.wall),
                valid_for_ms,
                valid_for_ms.map(|_| rows::boot(new.boot.boot)),
                valid_for_ms.map(|ms| rows::instant(new.boot.at) + ms),
                new.text.expose(),
                codes::sms_code(new.sms),
                codes::lane_code(lane_use),
                undecided,
                new.wish.map(codes::channel_code),
                look_boot,
                look_ms,
                look_for_ms,
                rows::boot(new.boot.boot),
                rows::instant(new.boot.at),
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
        let Some(before) = self.attempts(id)? else {
            return Ok(Outcome::NotQueued);
        };
        let queued = before.ip == IpAttempt::None
            && matches!(before.sms, SmsAttempt::None | SmsAttempt::NotUsed);
        if !queued {
            return Ok(Outcome::NotQueued);
        }
        let found = self.one(sql::RELEASABLE, (rows::int(id.0),), |row| {
            let reach = row.maybe_code(7, codes::reach_from)?;
            let since = (row.get::<_, Option<i64>>(8)?, row.get::<_, Option<i64>>(9)?);
            Ok(Releasable {
                place: match (row.maybe_epoch(0)?, row.maybe_unsigned(1)?) {
                    (Some(epoch), Some(lane_seq)) => Some((epoch, LaneSeq(lane_seq))),
                    _ => None,
                },
                text: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                epoch: row.epoch(3)?,
                wish: row.maybe_code(5, codes::channel_from)?,
                mode: row.code(6, codes::mode_from)?,
                reach: match (reach, since) {
                    (Some(reach), (Some(since_boot), Some(since_ms))) => {
                        believed(reach, since_boot, since_ms, boot)
                    }
                    _ => Reach::Unknown,
                },
                blocked: row.get(10)?,
                left_ip: row.get::<_, Option<bool>>(11)?.unwrap_or(false),
            })
        })?;
        let Some(found) = found else {
            return Ok(Outcome::NotQueued);
        };
        let to = u64::try_from(before.peer)
            .ok()
            .and_then(|peer| E164::new(peer).ok());
        let (Some(to), None) = (to, found.against_ip(before.sms)) else {
            let because = found
                .against_ip(before.sms)
                .unwrap_or(&["only SMS reaches a name or a short code"]);
            return self.not_by_ip(&before, because);
        };
        if found.blocked {
            // It stays in the queue of IP until what blocks it is settled.
            return Ok(Outcome::NotByIp { look: None });
        }
        self.release_to(&before, to, found, look)
    }

    fn not_by_ip(&mut self, before: &Attempts, because: Because) -> Result<Outcome> {
        let after = Attempts {
            undecided: true,
            look: Some(LookAt::AT_ONCE),
            ..*before
        };
        self.tell(before.id, Step::NotByIp, None, because)?;
        self.change(before, after)?;
        let look = self.follows().look.or(Some(Instant(0)));
        Ok(Outcome::NotByIp { look })
    }

    fn release_to(
        &mut self,
        before: &Attempts,
        to: E164,
        found: Releasable,
        look: Option<Look>,
    ) -> Result<Outcome> {
        let (id, own) = (before.id, before.own);
        let seq = self.take_seq(own, found.epoch)?;
        let lane_seq = match found.place {
            // Another try in the same epoch: its place was never another's.
            Some((epoch, place)) if epoch == found.epoch => place,
            _ => self.take_place(own, found.epoch, before.peer)?,
        };
        let note = if found.left_ip {
            self.note_for(own, found.epoch, before.peer, lane_seq, seq)?
        } else {
            Vec::new()
        };
        let kept = (!note.is_empty()).then(|| {
            Content {
                text: None,
                note: note.clone(),
            }
            .encode()
        });
        let look = look.filter(|_| before.sms == SmsAttempt::None);
        let (look_boot, look_ms, look_for_ms) = LookAt::columns(look.map(LookAt::of));
        self.execute(
            sql::RELEASE,
            params![
                rows::int(id.0),
                found.epoch.get(),
                rows::int(lane_seq.get()),
                rows::int(seq.get()),
                rows::wall(self.wall),
                look_boot,
                look_ms,
                look_for_ms,
                found.left_ip.then_some(false),
                kept.as_ref().map(|kept| &kept.as_bytes()[..]),
                found.left_ip.then(|| twine_sms::fold::hash(&found.text)),
            ],
        )?;
        self.log(EventKind::StateChanged, id, Shown::Sending)?;
        Ok(Outcome::Released(Released {
            id,
            own,
            peer: to,
            epoch: found.epoch,
            seq,
            lane_seq,
            content: content_of(&found.text, note).encode(),
        }))
    }

    /// The next seq of an epoch.
    pub(super) fn take_seq(&self, own: E164, epoch: Epoch) -> Result<Seq> {
        self.one(sql::SEQ_TAKE, (rows::number(own), epoch.get()), |row| {
            row.unsigned(0).map(Seq)
        })?
        .ok_or_else(|| StoreError::corrupt("an epoch gave no seq"))
    }

    pub(super) fn next_seq(&self, own: E164, epoch: Epoch) -> Result<Seq> {
        self.one(sql::SEQ_NEXT, (rows::number(own), epoch.get()), |row| {
            row.unsigned(0).map(Seq)
        })?
        .ok_or_else(|| StoreError::corrupt("an epoch has no next seq"))
    }

    pub(super) fn take_place(&self, own: E164, epoch: Epoch, peer: i64) -> Result<LaneSeq> {
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
            let content_bytes = content(&row.get::<_, Option<String>>(2)?.unwrap_or_default())
                .as_bytes()
                .len();
            bytes = bytes.saturating_add(content_bytes);
            messages.push(QueuedMessage {
                id: MessageId(row.unsigned(0)?),
                peer: match row.get::<_, Option<String>>(4)? {
                    None => Peer::Number(row.number(1)?),
                    Some(name) => match SmsName::new(&name) {
                        Ok(name) => Peer::Name(name),
                        Err(_) => return Err(StoreError::corrupt("a peer's name is none")),
                    },
                },
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
    place: Option<(Epoch, LaneSeq)>,
    text: String,
    epoch: Epoch,
    wish: Option<Channel>,
    mode: Mode,
    reach: Reach,
    /// A message before it blocks the lane.
    blocked: bool,
    /// Some place of the lane was filled by SMS.
    left_ip: bool,
}

impl Releasable {
    /// What speaks against IP, for a message that SMS is open for.
    fn against_ip(&self, sms: SmsAttempt) -> Option<Because> {
        if sms != SmsAttempt::None || self.wish == Some(Channel::Ip) {
            return None;
        }
        match (self.wish, self.mode, self.reach) {
            (Some(Channel::Sms), ..) => Some(&["the user wished for SMS"]),
            (_, Mode::SmsOnly, _) => Some(&["the setting is SMS only"]),
            (.., Reach::Refused) => Some(&["the peer is not on IP"]),
            (.., Reach::Silent) => Some(&["the peer has given no sign of life by IP"]),
            _ => None,
        }
    }
}

fn resume_item(row: &Row<'_>) -> rusqlite::Result<ResumeItem> {
    let note: Option<Vec<u8>> = row.get(7)?;
    let note = note
        .and_then(|kept| OpaqueContent::new(kept.into()).ok())
        .and_then(|kept| Content::decode(&kept).ok())
        .map_or_else(Vec::new, |content| content.note);
    let text = row.get_ref(8)?.as_str_or_null()?.unwrap_or_default();
    Ok(ResumeItem {
        released: Released {
            id: MessageId(row.unsigned(0)?),
            own: row.number(1)?,
            peer: row.number(2)?,
            epoch: row.maybe_epoch(3)?.unwrap_or(Epoch(0)),
            lane_seq: LaneSeq(row.maybe_unsigned(4)?.unwrap_or(0)),
            seq: Seq(row.unsigned(5)?),
            // The same bytes each time: the gateway compares digests of them
            // (DELIVERY 4).
            content: content_of(text, note).encode(),
        },
        take_back: row.take_back(6)?.is_some(),
    })
}

/// The content of a message without a note, as it travels.
fn content(text: &str) -> OpaqueContent {
    content_of(text, Vec::new()).encode()
}
