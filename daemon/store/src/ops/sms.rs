//! The pacing queue, what the agent has, and what became of it (DELIVERY 26).

use rusqlite::Row;
use twine_engine::limits::SMS_PARTS_PER_WINDOW;
use twine_engine::message::{IpAttempt, MessageId, SmsAttempt, TakeBack};
use twine_engine::parts::{AfterRefusal, AttemptId, PartState, PartStates};
use twine_engine::store_ops::{Because, BootStamp, HandedSms, Look, Outcome, SmsJob};
use twine_engine::time::{BootId, Instant};
use twine_proto::{LaneSeq, Peer, Redacted, SmsName};

use super::{Result, Turn};
use crate::error::StoreError;
use crate::rows::{self, ATTEMPTS, Attempts, Columns, LookAt};
use crate::story::Step;
use crate::{codes, sql};

impl Turn<'_> {
    pub(super) fn release_sms(
        &mut self,
        id: MessageId,
        seen: (IpAttempt, SmsAttempt),
        iccid: &Redacted<String>,
        marked: bool,
        because: Because,
    ) -> Result<Outcome> {
        let Some(before) = self.as_decided(id, seen)? else {
            return Ok(self.looks());
        };
        if before.sms != SmsAttempt::None || !self.lane_is_free(&before)? {
            return Ok(self.looks());
        }
        let (text, _, _) = self.text_and_place(id)?;
        let held = self.held_epoch(before.own)?;
        let place = match (before.place, held, before.peer > 0) {
            (Some(place), Some(epoch), _) if place.0 == epoch => Some(place),
            (_, Some(epoch), true) => {
                let lane_seq = self.take_place(before.own, epoch, before.peer)?;
                Some((epoch, lane_seq))
            }
            (place, ..) => place,
        };
        let noted = place.filter(|(epoch, _)| Some(*epoch) == held);
        self.execute(
            sql::SMS_RELEASE,
            (
                rows::int(id.0),
                iccid.expose(),
                marked,
                place.map(|(epoch, _)| epoch.get()),
                place.map(|(_, lane_seq)| rows::int(lane_seq.get())),
                noted.map(|_| false),
                twine_sms::fold::hash(&text),
            ),
        )?;
        if let Some((epoch, _)) = noted {
            let lane = (rows::number(before.own), epoch.get(), before.peer);
            self.execute(sql::LANE_LEFT_IP, lane)?;
            let (own, epoch, peer) = lane;
            self.execute(sql::LANE_REOPEN, (own, peer, epoch))?;
        }
        let after = Attempts {
            sms: SmsAttempt::Waiting,
            take_back: match before.ip.unsettled() {
                Some(_) => before.take_back.or(Some(TakeBack::BySms)),
                None => before.take_back,
            },
            undecided: false,
            waits: None,
            look: None,
            place,
            closed: noted.map(|_| false),
            ..before
        };
        self.tell(id, Step::BySms, Some(marked.into()), because)?;
        self.change(&before, after)?;
        Ok(Outcome::SmsQueued {
            lane_seq: place.map(|(_, lane_seq)| lane_seq),
        })
    }

    fn text_and_place(&self, id: MessageId) -> Result<(String, Option<u32>, Option<i64>)> {
        self.one(sql::SMS_TEXT_AND_PLACE, (rows::int(id.0),), |row| {
            Ok((
                row.get::<_, Option<String>>(0)?.unwrap_or_default(),
                row.get(1)?,
                row.get(2)?,
            ))
        })?
        .ok_or_else(|| StoreError::corrupt("a message vanished while it was changed"))
    }

    pub(super) fn load_sms(&self, after: MessageId, limit: usize) -> Result<Outcome> {
        let jobs = self.all(sql::SMS_QUEUE, (rows::int(after.0), rows::size(limit)), job)?;
        Ok(Outcome::SmsQueue(jobs))
    }

    pub(super) fn hand_sms(
        &mut self,
        id: MessageId,
        attempt: AttemptId,
        parts: u8,
        boot: BootStamp,
        look: Look,
    ) -> Result<Outcome> {
        let Some(before) = self.attempts(id)? else {
            return Ok(Outcome::SmsHanded(Vec::new()));
        };
        if before.sms != SmsAttempt::Waiting || before.waits.is_some() {
            return Ok(Outcome::SmsHanded(Vec::new()));
        }
        self.execute(
            sql::SMS_HAND,
            (
                rows::int(id.0),
                rows::bits(attempt.0),
                PartStates::open(parts).codes(),
                rows::boot(boot.boot),
                rows::instant(boot.at),
            ),
        )?;
        let after = Attempts {
            sms: SmsAttempt::Handed,
            // From now on it may have left, whatever is told.
            sms_left: true,
            look: Some(LookAt::of(look)),
            ..before
        };
        self.tell(id, Step::Handed, Some(parts.into()), &[])?;
        self.change(&before, after)?;
        let job = self
            .one(sql::SMS_JOB, (rows::int(id.0),), job)?
            .ok_or_else(|| StoreError::corrupt("a message vanished while it was changed"))?;
        Ok(Outcome::SmsHanded(vec![HandedSms { attempt, job }]))
    }

    pub(super) fn load_handed(&self, after: MessageId, limit: usize) -> Result<Outcome> {
        let handed = self.all(
            sql::SMS_HANDED,
            (rows::int(after.0), rows::size(limit)),
            |row| {
                Ok(HandedSms {
                    attempt: AttemptId(row.get::<_, i64>(JOB)?.cast_unsigned()),
                    job: job(row)?,
                })
            },
        )?;
        Ok(Outcome::SmsHanded(handed))
    }

    pub(super) fn apply_sms_part(
        &mut self,
        attempt: AttemptId,
        part: u8,
        state: PartState,
        code: Option<i32>,
        refusal: AfterRefusal,
        look: Option<Look>,
    ) -> Result<Outcome> {
        let found = self.one(sql::SMS_BY_ATTEMPT, (rows::bits(attempt.0),), |row| {
            let codes: Vec<u8> = row.get(ATTEMPTS)?;
            let marked = row.get::<_, Option<bool>>(ATTEMPTS + 2)?.unwrap_or(false);
            Ok((Attempts::from_row(row)?, codes, marked))
        })?;
        let Some((before, part_codes, marked)) = found else {
            return Ok(Outcome::SmsPart {
                id: None,
                state: SmsAttempt::None,
                ip: IpAttempt::None,
                left_agent: false,
                look: None,
                unblocked: false,
            });
        };
        let mut parts = PartStates::from_codes(&part_codes)
            .ok_or_else(|| StoreError::corrupt("the parts of an SMS are no parts"))?;
        if !parts.take(part, state) {
            return Ok(self.sms_part(&before, &before));
        }
        let step = match state {
            PartState::Open | PartState::Unknown => Step::PartUnknown,
            PartState::Sent => Step::PartSent,
            PartState::Refused => Step::PartRefused,
            PartState::Delivered => Step::PartDelivered,
            PartState::Undeliverable => Step::PartUndeliverable,
        };
        self.tell(before.id, step, code.map(i64::from), &[])?;
        self.execute(
            sql::SMS_PARTS,
            (rows::int(before.id.0), parts.codes(), code),
        )?;
        let now = parts.attempt(before.sms, refusal).unwrap_or(before.sms);
        let all_told = parts.all_told();
        let mut after = Attempts {
            sms: now,
            // All parts refused: nothing of it left by this attempt. It is marked
            // where something may have left by an earlier one.
            sms_left: if all_told {
                parts.may_have_left() || marked
            } else {
                before.sms_left
            },
            ..before
        };
        if now == SmsAttempt::Waiting {
            let AfterRefusal::Wait(waits) = refusal else {
                return Err(StoreError::corrupt("an SMS waits for nothing"));
            };
            after.waits = Some(waits);
            after.look = look.map(LookAt::of);
            self.execute(sql::SMS_BACK, (rows::int(before.id.0),))?;
            if let Some(look) = after.look {
                self.look_at(Instant(u64::try_from(look.at_ms).unwrap_or(0)));
            }
        } else if now != SmsAttempt::Handed {
            after.look = None;
        }
        self.change(&before, after)?;
        Ok(self.sms_part(&before, &after))
    }

    pub(super) fn settle_unknown(&mut self, id: MessageId) -> Result<Outcome> {
        let Some(before) = self.attempts(id)? else {
            return Ok(self.looks());
        };
        let mut after = before;
        if before.sms == SmsAttempt::Handed {
            after.sms = SmsAttempt::Unconfirmed;
            self.tell(id, Step::Unconfirmed, None, &[])?;
            self.change(&before, after)?;
        }
        Ok(self.sms_part(&before, &after))
    }

    fn sms_part(&mut self, before: &Attempts, after: &Attempts) -> Outcome {
        let follows = self.follows();
        Outcome::SmsPart {
            id: Some(after.id),
            state: after.sms,
            ip: after.ip,
            left_agent: before.sms == SmsAttempt::Handed && after.sms != SmsAttempt::Handed,
            look: follows.look,
            unblocked: follows.unblocked,
        }
    }
}

/// When parts were handed over lately, oldest first.
pub(crate) fn handed_lately(row: &Row<'_>) -> rusqlite::Result<(BootStamp, u8)> {
    Ok((
        BootStamp {
            boot: BootId(row.get::<_, i64>(0)?.cast_unsigned()),
            at: Instant(row.unsigned(1)?),
        },
        u8::try_from(row.get::<_, Option<i64>>(2)?.unwrap_or(1)).unwrap_or(u8::MAX),
    ))
}

/// Rows that can tell of a window full of parts.
pub(crate) const HANDED_LATELY: usize = SMS_PARTS_PER_WINDOW;

/// How many columns `sql::job!` names.
const JOB: usize = 12;

/// From the columns named by `sql::job!`.
fn job(row: &Row<'_>) -> rusqlite::Result<SmsJob> {
    let peer = match row.get::<_, Option<String>>(3)? {
        None => Peer::Number(row.number(2)?),
        Some(name) => Peer::Name(SmsName::new(&name).map_err(|_| {
            rusqlite::Error::InvalidColumnType(3, "name".to_owned(), rusqlite::types::Type::Text)
        })?),
    };
    Ok(SmsJob {
        id: MessageId(row.unsigned(0)?),
        own: row.number(1)?,
        peer,
        iccid: row.text(4)?.unwrap_or_else(|| Redacted::new(String::new())),
        lane_seq: row.maybe_unsigned(5)?.map(LaneSeq),
        marked: row.get::<_, Option<bool>>(6)?.unwrap_or(false),
        text: row.text(7)?.unwrap_or_else(|| Redacted::new(String::new())),
        ip: {
            let epoch = row.maybe_epoch(10)?;
            let seq = row.maybe_unsigned(11)?.map(twine_proto::Seq);
            codes::ip_from(row.get(8)?, row.get(9)?, epoch, seq).unwrap_or(IpAttempt::None)
        },
    })
}
