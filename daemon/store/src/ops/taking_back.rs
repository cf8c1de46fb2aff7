//! What the user takes back or tries again, and what runs out of time (DELIVERY
//! 2, 14).

use twine_engine::message::{Channel, IpAttempt, MessageId, Shown, SmsAttempt, TakeBack};
use twine_engine::parts::PartStates;
use twine_engine::store_ops::{BootStamp, Outcome, Unsettled};

use super::change::NextLook;
use super::{Result, Turn};
use crate::rows::{self, Attempts};
use crate::story::Step;
use crate::{codes, sql};

impl Turn<'_> {
    /// What an SMS has (perhaps) carried away is not taken back any more.
    pub(super) fn cancel(&mut self, id: MessageId) -> Result<Outcome> {
        let Some(before) = self.attempts(id)? else {
            return self.not_outgoing(id);
        };
        if matches!(
            before.sms,
            SmsAttempt::Handed | SmsAttempt::Sent | SmsAttempt::Delivered | SmsAttempt::Unconfirmed
        ) {
            return Ok(Outcome::TooLate {
                shown: Some(before.shown()),
            });
        }
        if let Some(sent) = before.ip.unsettled() {
            // The user's wish stands above an expiry already under way.
            self.mark_take_back(&before, TakeBack::Cancelled)?;
            return Ok(Outcome::MustRevoke(Unsettled {
                number: before.own,
                epoch: sent.epoch,
                seq: sent.seq,
            }));
        }
        if before.is_open() {
            self.tell(id, Step::Cancelled, None, &[])?;
            self.call_off(&before, TakeBack::Cancelled)?;
            return Ok(match before.ip {
                IpAttempt::None => Outcome::TakenBack,
                // It was out of the queue already.
                _ => Outcome::Done,
            });
        }
        match before.shown() {
            Shown::Failed(_) => {
                self.call_off(&before, TakeBack::Cancelled)?;
                Ok(Outcome::Done)
            }
            Shown::Cancelled => Ok(Outcome::Done),
            shown => Ok(Outcome::TooLate { shown: Some(shown) }),
        }
    }

    pub(super) fn retry(
        &mut self,
        id: MessageId,
        by: Option<Channel>,
        boot: BootStamp,
    ) -> Result<Outcome> {
        let Some(before) = self.attempts(id)? else {
            return self.not_outgoing(id);
        };
        let asked = before.waits.is_some();
        let on_ip = before.ip.unsettled().is_some();
        // Nobody knows whether it left: its user may want to be sure (DELIVERY 26).
        let unconfirmed = before.sms == SmsAttempt::Unconfirmed
            && (before.ip == IpAttempt::None || before.ip.is_negative());
        let had_ended =
            unconfirmed || matches!(before.shown(), Shown::Failed(_) | Shown::Cancelled);
        // In the queue of IP or on its way, and the user would rather have it by SMS.
        let rather_sms = by == Some(Channel::Sms)
            && (on_ip || before.ip == IpAttempt::None)
            && matches!(before.take_back, None | Some(TakeBack::BySms))
            && matches!(before.sms, SmsAttempt::None | SmsAttempt::NotUsed);
        if !asked && !rather_sms && !had_ended {
            return Ok(Outcome::TooLate {
                shown: Some(before.shown()),
            });
        }
        if !on_ip {
            self.execute(sql::NOT_IN_DOUBT, (rows::int(id.0),))?;
            if before.carries_note {
                self.execute(sql::NOTE_DROP, (rows::int(id.0),))?;
            }
        }
        self.execute(sql::SMS_FORGET, (rows::int(id.0),))?;
        self.tell(id, Step::Retried, by.map(codes::channel_code), &[])?;
        let after = Attempts {
            ip: if on_ip { before.ip } else { IpAttempt::None },
            sms: match by {
                Some(Channel::Ip) => SmsAttempt::NotUsed,
                _ => SmsAttempt::None,
            },
            wish: by,
            waits: None,
            // By IP alone there is nothing to decide.
            queued: by == Some(Channel::Ip),
            left_before: before.has_another_copy() || unconfirmed,
            parts: PartStates::default(),
            ..before.clone()
        };
        self.save(&before, after, NextLook::AtOnce)?;
        self.execute(
            sql::RESTART,
            (
                rows::int(id.0),
                rows::boot(boot.boot),
                rows::instant(boot.at),
            ),
        )?;
        Ok(Outcome::Retried {
            had_ended,
            look: self.follows.look,
        })
    }

    /// An incoming message exists, but its state allows neither cancel nor retry.
    fn not_outgoing(&self, id: MessageId) -> Result<Outcome> {
        let message = self.one(sql::MESSAGE, (rows::int(id.0),), rows::message)?;
        Ok(match message {
            Some(message) => Outcome::TooLate {
                shown: Some(message.shown),
            },
            None => Outcome::NotFound,
        })
    }

    /// It is to be asked back from the gateway; an SMS that has not left is not
    /// sent any more, and validity has done its part.
    pub(super) fn mark_take_back(&mut self, before: &Attempts, reason: TakeBack) -> Result<()> {
        let after = Attempts {
            take_back: Some(reason),
            sms: not_sent(before.sms),
            waits: None,
            has_deadline: false,
            ..before.clone()
        };
        let look = match before.sms {
            // For the agent's answer.
            SmsAttempt::Handed => NextLook::Keep,
            _ => NextLook::Remove,
        };
        self.save(before, after, look)
    }

    /// Gives up what is on no channel.
    pub(super) fn call_off(&mut self, before: &Attempts, reason: TakeBack) -> Result<()> {
        let after = Attempts {
            left_before: before.left_before || before.ip == IpAttempt::Expired,
            ip: IpAttempt::Revoked(reason),
            sms: not_sent(before.sms),
            take_back: None,
            ..before.clone()
        };
        self.save(before, after, NextLook::Remove)
    }
}

const fn not_sent(sms: SmsAttempt) -> SmsAttempt {
    match sms {
        SmsAttempt::None | SmsAttempt::Waiting => SmsAttempt::NotUsed,
        sms => sms,
    }
}
