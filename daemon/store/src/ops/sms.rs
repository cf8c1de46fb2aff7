//! The attempt by SMS: our pacing queue, the agent, and the results of parts
//! (DELIVERY 21, 26).

use rusqlite::{Connection, Row};
use twine_engine::limits::SMS_PARTS_PER_WINDOW;
use twine_engine::message::{IpAttempt, LaneUse, MessageId, SmsAttempt, TakeBack, WaitsFor};
use twine_engine::parts::{AfterRefusal, AttemptId, PartState, PartStates};
use twine_engine::settings::Settings;
use twine_engine::store_ops::{Because, BootStamp, HandedSms, Look, Outcome, SmsJob};
use twine_engine::stricter_refusal;
use twine_engine::time::Instant;
use twine_proto::{E164, LaneSeq, Redacted};

use super::change::NextLook;
use super::{Result, Turn, setting};
use crate::codes;
use crate::rows::{self, Attempts, Columns, PeerKey};
use crate::sql;
use crate::story::Step;

impl Turn<'_> {
    pub(super) fn release_sms(
        &mut self,
        id: MessageId,
        seen: (IpAttempt, SmsAttempt),
        (iccid, marked): (&Redacted<String>, bool),
        (settings, because): (&Settings, Because),
    ) -> Result<Outcome> {
        let Some(before) = self.attempts(id)? else {
            return Ok(self.looks());
        };
        if (before.ip, before.sms) != seen || before.sms != SmsAttempt::None || !before.is_open() {
            return Ok(self.looks());
        }
        if setting(self.db, rows::number(before.own), before.peer)? != *settings {
            // Its user chose otherwise since it was decided.
            self.save(&before, before.clone(), NextLook::AtOnce)?;
            return Ok(self.looks());
        }
        if self.worst_before(before.own, before.peer, rows::int(id.0))? != LaneUse::Free {
            // It is held until its lane is free.
            self.save(&before, before.clone(), NextLook::Remove)?;
            return Ok(self.looks());
        }
        let place = self.place_for_sms(&before)?;
        let on_ip = before.ip.unsettled().is_some();
        let after = Attempts {
            sms: SmsAttempt::Waiting,
            place,
            queued: false,
            waits: None,
            take_back: before.take_back.or(on_ip.then_some(TakeBack::BySms)),
            ..before.clone()
        };
        self.tell(id, Step::BySms, Some(marked.into()), because)?;
        self.execute(sql::SMS_RELEASE, (rows::int(id.0), iccid.expose(), marked))?;
        self.save(&before, after, NextLook::Remove)?;
        Ok(Outcome::SmsQueued {
            lane_seq: place.map(|(_, lane_seq)| lane_seq),
        })
    }

    /// While a copy is open on IP, it is in the place under which that travels.
    fn place_for_sms(&self, before: &Attempts) -> Result<Option<(twine_proto::Epoch, LaneSeq)>> {
        let Some(epoch) = self.held_epoch(before.own)? else {
            return Ok(before.place);
        };
        match before.place {
            Some((of, _)) if of == epoch || before.ip.unsettled().is_some() => Ok(before.place),
            _ => {
                let lane_seq = self.take_place(before.own, epoch, before.peer)?;
                Ok(Some((epoch, lane_seq)))
            }
        }
    }

    pub(super) fn wake_sms_queue(&mut self, own: E164) -> Result<Outcome> {
        if self.execute(sql::SMS_QUEUE_WAKE, (rows::number(own),))? > 0 {
            self.follows.look(Instant(0));
        }
        Ok(self.looks())
    }

    pub(super) fn hold_sms(&mut self, iccid: &Redacted<String>) -> Result<Outcome> {
        let queued = self.all(
            sql::SMS_QUEUE_OF_CARD,
            (iccid.expose(),),
            Attempts::from_row,
        )?;
        self.hold(queued, WaitsFor::Home, &["the card roams"])?;
        Ok(self.looks())
    }

    /// The user pinned a card to the conversation: what waits for its turn leaves by that,
    /// once it was looked at.
    pub(super) fn repin_sms(&mut self, own: E164, peer: PeerKey, iccid: &str) -> Result<()> {
        let key = (rows::number(own), peer, iccid);
        let queued = self.all(sql::SMS_QUEUE_OF_LANE, key, Attempts::from_row)?;
        for before in &queued {
            self.execute(sql::SMS_CARD, (rows::int(before.id.0), iccid))?;
        }
        self.hold(queued, WaitsFor::Sim, &["another card was set"])
    }

    fn hold(&mut self, queued: Vec<Attempts>, waits: WaitsFor, because: Because) -> Result<()> {
        for before in queued {
            self.tell(
                before.id,
                Step::Waits,
                Some(codes::waits_code(waits)),
                because,
            )?;
            let after = Attempts {
                waits: Some(waits),
                ..before.clone()
            };
            self.save(&before, after, NextLook::AtOnce)?;
        }
        Ok(())
    }

    pub(super) fn load_sms(&self, after: MessageId, limit: usize) -> Result<Outcome> {
        let jobs = self.all(
            sql::SMS_QUEUE,
            (rows::int(after.0), rows::size(limit)),
            sms_job,
        )?;
        Ok(Outcome::SmsQueue(jobs))
    }

    pub(super) fn load_handed(&self, after: MessageId, limit: usize) -> Result<Outcome> {
        let handed = self.all(
            sql::SMS_WITH_AGENT,
            (rows::int(after.0), rows::size(limit)),
            |row| {
                Ok(HandedSms {
                    attempt: AttemptId(row.get::<_, i64>(7)?.cast_unsigned()),
                    job: sms_job(row)?,
                })
            },
        )?;
        Ok(Outcome::SmsHanded(handed))
    }

    pub(super) fn hand_sms(
        &mut self,
        id: MessageId,
        attempt: AttemptId,
        parts: u8,
        (boot, look): (BootStamp, Look),
    ) -> Result<Outcome> {
        let Some(before) = self.attempts(id)? else {
            return Ok(Outcome::SmsHanded(Vec::new()));
        };
        if before.sms != SmsAttempt::Waiting || before.waits.is_some() {
            return Ok(Outcome::SmsHanded(Vec::new()));
        }
        self.execute(sql::SMS_NAME, (rows::int(id.0), rows::bits(attempt.0)))?;
        self.execute(
            sql::HANDED_ADD,
            (rows::boot(boot.boot), rows::instant(boot.at), parts),
        )?;
        self.execute(sql::HANDED_PRUNE, (rows::size(SMS_PARTS_PER_WINDOW),))?;
        self.tell(id, Step::Handed, Some(parts.into()), &[])?;
        let after = Attempts {
            sms: SmsAttempt::Handed,
            parts: PartStates::open(parts),
            ..before.clone()
        };
        self.save(&before, after, NextLook::At(look))?;
        let job = self
            .one(sql::SMS_JOB, (rows::int(id.0),), sms_job)?
            .ok_or_else(Self::vanished)?;
        Ok(Outcome::SmsHanded(vec![HandedSms { attempt, job }]))
    }

    pub(super) fn apply_sms_part(
        &mut self,
        attempt: AttemptId,
        (part, state): (u8, PartState),
        (code, because): (Option<i32>, Because),
        (refusal, look): (AfterRefusal, Option<Look>),
    ) -> Result<Outcome> {
        let found = self.one(
            sql::SMS_BY_ATTEMPT,
            (rows::bits(attempt.0),),
            Attempts::from_row,
        )?;
        let Some(before) = found else {
            return Ok(no_such_sms());
        };
        let mut after = before.clone();
        if after.parts.take(part, state) {
            self.tell(before.id, part_step(state), code.map(i64::from), because)?;
            let kept = self.one(sql::SMS_CODE_KEPT, (rows::int(before.id.0),), |row| {
                row.get(0)
            })?;
            let (refusal, code) = stricter_refusal(kept.flatten(), (refusal, code));
            if let Some(code) = code {
                self.execute(sql::SMS_CODE, (rows::int(before.id.0), code))?;
            }
            after.sms = after
                .parts
                .attempt(before.sms, refusal)
                .unwrap_or(before.sms);
            let mut next_look = NextLook::Keep;
            if after.sms == SmsAttempt::Waiting && is_over(after.ip) {
                after.sms = SmsAttempt::NotUsed;
            }
            if after.sms == SmsAttempt::Waiting && matches!(after.ip, IpAttempt::Accepted(_)) {
                // The gateway took it while the agent had it: recalled (DELIVERY 16).
                self.execute(sql::SMS_FORGET, (rows::int(before.id.0),))?;
                self.execute(sql::NOT_IN_DOUBT, (rows::int(before.id.0),))?;
                after.sms = SmsAttempt::None;
                after.parts = PartStates::default();
                after.take_back = after.take_back.filter(|why| *why != TakeBack::BySms);
                next_look = look.into();
            } else if after.sms == SmsAttempt::Waiting {
                self.execute(sql::SMS_FORGET, (rows::int(before.id.0),))?;
                after.parts = PartStates::default();
                next_look = look.into();
                if let AfterRefusal::Wait(waits) = refusal {
                    after.waits = Some(waits);
                    let waits = codes::waits_code(waits);
                    self.tell(before.id, Step::Waits, Some(waits), because)?;
                }
            } else if after.sms != before.sms && after.sms != SmsAttempt::Handed {
                // It was for the result.
                next_look = NextLook::Remove;
            }
            self.save(&before, after.clone(), next_look)?;
        }
        Ok(self.sms_part(&before, &after))
    }

    pub(super) fn settle_unknown(&mut self, id: MessageId) -> Result<Outcome> {
        let Some(before) = self.attempts(id)? else {
            return Ok(no_such_sms());
        };
        let mut after = before.clone();
        if before.sms == SmsAttempt::Handed {
            after.sms = before.parts.overdue();
            if after.sms == SmsAttempt::Unconfirmed {
                self.tell(id, Step::Unconfirmed, None, &[])?;
            }
            self.save(&before, after.clone(), NextLook::Remove)?;
        }
        Ok(self.sms_part(&before, &after))
    }

    fn sms_part(&self, before: &Attempts, after: &Attempts) -> Outcome {
        Outcome::SmsPart {
            id: Some(after.id),
            state: after.sms,
            ip: after.ip,
            left_agent: before.is_with_agent() && !after.is_with_agent(),
            look: self.follows.look,
            unblocked: self.follows.unblocked,
        }
    }
}

const fn no_such_sms() -> Outcome {
    Outcome::SmsPart {
        id: None,
        state: SmsAttempt::None,
        ip: IpAttempt::None,
        left_agent: false,
        look: None,
        unblocked: false,
    }
}

/// IP has ended in a way after which nothing is to be sent.
const fn is_over(ip: IpAttempt) -> bool {
    matches!(
        ip,
        IpAttempt::Delivered(_) | IpAttempt::Revoked(TakeBack::Cancelled | TakeBack::Expired)
    )
}

const fn part_step(state: PartState) -> Step {
    match state {
        PartState::Open | PartState::Unknown => Step::PartUnknown,
        PartState::Sent => Step::PartSent,
        PartState::Refused | PartState::Doubtful => Step::PartRefused,
        PartState::Delivered => Step::PartDelivered,
        PartState::Undeliverable => Step::PartUndeliverable,
    }
}

/// From the columns named by `sql::sms_job!`.
fn sms_job(row: &Row<'_>) -> rusqlite::Result<SmsJob> {
    let blank = || Redacted::new(String::new());
    Ok(SmsJob {
        id: MessageId(row.unsigned(0)?),
        own: row.number(1)?,
        peer: row.peer(2, 12)?,
        iccid: row.text(3)?.unwrap_or_else(blank),
        lane_seq: row.maybe_unsigned(4)?.map(LaneSeq),
        marked: row.get(5)?,
        text: row.text(6)?.unwrap_or_else(blank),
        ip: row.ip(8)?,
        born: row.stamp(13)?,
    })
}

/// When parts were handed to the agent, oldest first, as far back as the window
/// for pacing may reach.
pub(crate) fn handed_lately(db: &Connection) -> Result<Vec<(BootStamp, u8)>> {
    let mut statement = db.prepare_cached(sql::HANDED)?;
    let mut rows = statement.query(())?;
    let mut handed = Vec::new();
    let mut parts_so_far = 0;
    while let Some(row) = rows.next()? {
        if parts_so_far >= SMS_PARTS_PER_WINDOW {
            break;
        }
        let parts: u8 = row.get(2)?;
        parts_so_far += usize::from(parts);
        handed.push((row.stamp(0)?, parts));
    }
    handed.reverse();
    Ok(handed)
}
