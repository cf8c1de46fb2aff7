//! Looks, and what the engine decides at them.

use twine_engine::message::{
    Channel, IpAttempt, LaneUse, MessageId, SmsAttempt, TakeBack, WaitsFor,
};
use twine_engine::store_ops::{Because, BootStamp, Considered, Look, Outcome, Unsettled};
use twine_engine::time::Instant;
use twine_proto::{E164, Redacted};

use super::{Result, Turn};
use crate::rows::{self, ATTEMPTS, Attempts, Columns, LookAt};
use crate::story::Step;
use crate::{codes, sql};

/// Attempts as they were when it was decided.
type Seen = (IpAttempt, SmsAttempt);

impl Turn<'_> {
    pub(super) fn load_due(&self, boot: BootStamp, limit: usize) -> Result<Outcome> {
        let due = self.all(
            sql::DUE_LOOKS,
            (rows::instant(boot.at), rows::size(limit.saturating_add(1))),
            |row| {
                Ok((
                    Attempts::from_row(row)?,
                    row.get::<_, Option<String>>(ATTEMPTS)?.unwrap_or_default(),
                    row.maybe_code(ATTEMPTS + 1, codes::channel_from)?,
                    row.maybe_unsigned(ATTEMPTS + 2)?,
                ))
            },
        )?;
        let more = due.len() > limit;
        let mut messages = Vec::with_capacity(due.len());
        for (attempts, text, wish, born) in due.into_iter().take(limit) {
            messages.push(self.considered(&attempts, text, wish, born, boot)?);
        }
        let next = if more {
            Some(Instant(0))
        } else {
            // What was handed out keeps its look until it is answered.
            let handed_out: Vec<_> = messages.iter().map(|message| message.id).collect();
            self.next_look_but(&handed_out)?
        };
        Ok(Outcome::Due { messages, next })
    }

    fn considered(
        &self,
        attempts: &Attempts,
        text: String,
        wish: Option<Channel>,
        born: Option<u64>,
        boot: BootStamp,
    ) -> Result<Considered> {
        let conversation = self.conversation(attempts.own, attempts.peer, attempts.id, boot)?;
        Ok(Considered {
            id: attempts.id,
            own: attempts.own,
            peer: self.peer_of(attempts.peer)?,
            text: Redacted::new(text),
            ip: attempts.ip,
            sms: attempts.sms,
            take_back: attempts.take_back,
            in_doubt: attempts.in_doubt,
            away: attempts.away,
            sms_left_before: attempts.sms_left,
            wish,
            waits_for: attempts.waits,
            born: born.map_or(boot.at, Instant),
            before: conversation.before,
            conversation,
        })
    }

    pub(super) fn next_look(&self) -> Result<Option<Instant>> {
        self.next_look_but(&[])
    }

    /// The earliest look of any other message than these.
    fn next_look_but(&self, these: &[MessageId]) -> Result<Option<Instant>> {
        let looks = self.all(sql::LOOKS, (rows::size(these.len() + 1),), |row| {
            Ok((MessageId(row.unsigned(0)?), Instant(row.unsigned(1)?)))
        })?;
        Ok(looks
            .into_iter()
            .find(|(id, _)| !these.contains(id))
            .map(|(_, at)| at))
    }

    pub(super) fn wake(&mut self, waits: WaitsFor, own: Option<E164>) -> Result<Outcome> {
        let own = own.map(rows::number);
        if self.execute(sql::WAKE, (codes::waits_code(waits), own))? > 0 {
            self.look_at(Instant(0));
        }
        Ok(self.looks())
    }

    /// The message, if its attempts are still these.
    fn as_seen(&self, id: MessageId, seen: Seen) -> Result<Option<Attempts>> {
        let found = self.attempts(id)?;
        Ok(found.filter(|found| (found.ip, found.sms) == seen))
    }

    pub(super) fn wait(
        &mut self,
        id: MessageId,
        seen: Seen,
        waits: Option<WaitsFor>,
        look: Option<Look>,
        because: Because,
    ) -> Result<Outcome> {
        if let Some(before) = self.as_seen(id, seen)? {
            let after = Attempts {
                waits,
                look: look.map(LookAt::of),
                ..before
            };
            if waits != before.waits {
                self.tell(id, Step::Waits, waits.map(codes::waits_code), because)?;
            }
            self.change(&before, after)?;
        }
        Ok(self.looks())
    }

    pub(super) fn queue_for_ip(&mut self, id: MessageId, look: Look) -> Result<Outcome> {
        if let Some(before) = self.attempts(id)?
            && before.ip == IpAttempt::None
            && matches!(before.sms, SmsAttempt::None | SmsAttempt::NotUsed)
        {
            let after = Attempts {
                undecided: false,
                waits: None,
                look: Some(LookAt::of(look)),
                ..before
            };
            self.change(&before, after)?;
            self.follows.unblocked = true;
        }
        Ok(self.looks())
    }

    pub(super) fn rule_out_sms(&mut self, id: MessageId, because: Because) -> Result<Outcome> {
        if let Some(before) = self.attempts(id)?
            && before.sms == SmsAttempt::None
        {
            let after = Attempts {
                sms: SmsAttempt::NotUsed,
                undecided: false,
                waits: None,
                look: None,
                ..before
            };
            self.tell(id, Step::NoSms, None, because)?;
            self.change(&before, after)?;
            self.follows.unblocked = true;
        }
        Ok(self.looks())
    }

    pub(super) fn ask_back(
        &mut self,
        id: MessageId,
        look: Look,
        because: Because,
    ) -> Result<Outcome> {
        let Some(before) = self.attempts(id)? else {
            return Ok(self.looks());
        };
        let Some(sent) = before.ip.unsettled() else {
            return Ok(self.looks());
        };
        let after = Attempts {
            take_back: before.take_back.or(Some(TakeBack::BySms)),
            look: Some(LookAt::of(look)),
            ..before
        };
        self.tell(id, Step::AskedBack, None, because)?;
        self.change(&before, after)?;
        Ok(Outcome::MustRevoke(Unsettled {
            number: before.own,
            epoch: sent.epoch,
            seq: sent.seq,
        }))
    }

    /// Whether nothing before it in its lane is in its way.
    pub(super) fn lane_is_free(&self, message: &Attempts) -> Result<bool> {
        let own = rows::number(message.own);
        Ok(self.lane_before(own, message.peer, message.id)? == LaneUse::Free)
    }

    pub(super) fn as_decided(&self, id: MessageId, seen: Seen) -> Result<Option<Attempts>> {
        self.as_seen(id, seen)
    }
}
