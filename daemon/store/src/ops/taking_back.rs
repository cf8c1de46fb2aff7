//! What the user takes back or tries again, and what runs out of time (DELIVERY
//! 2, 14).

use twine_engine::message::{Channel, IpAttempt, MessageId, Shown, SmsAttempt, TakeBack, WaitsFor};
use twine_engine::store_ops::{BootStamp, Outcome, Unsettled};
use twine_engine::time::Instant;

use super::{Result, Turn};
use crate::rows::{self, Attempts, LookAt};
use crate::story::Step;
use crate::{codes, sql};

impl Turn<'_> {
    /// Takes a message back as far as it has not left: out of the queues at once,
    /// from the gateway by a revoke. An SMS that the agent has, or that left, is
    /// gone: too late.
    pub(super) fn cancel(&mut self, id: MessageId) -> Result<Outcome> {
        let Some(before) = self.attempts(id)?.filter(|found| !found.is_note) else {
            return self.not_outgoing(id);
        };
        let shown = before.shown();
        if before.sms == SmsAttempt::Handed
            || (before.sms_left && !matches!(shown, Shown::Failed(_) | Shown::Cancelled))
        {
            return Ok(Outcome::TooLate { shown: Some(shown) });
        }
        let mut without_sms = before;
        if matches!(before.sms, SmsAttempt::None | SmsAttempt::Waiting) {
            without_sms.sms = SmsAttempt::NotUsed;
        }
        if let Some(sent) = before.ip.unsettled() {
            // The user's wish stands above an expiry already under way.
            let after = Attempts {
                take_back: Some(TakeBack::Cancelled),
                look: None,
                waits: None,
                ..without_sms
            };
            self.change(&before, after)?;
            return Ok(Outcome::MustRevoke(Unsettled {
                number: before.own,
                epoch: sent.epoch,
                seq: sent.seq,
            }));
        }
        match shown {
            Shown::Queued | Shown::Sending => {
                self.tell(id, Step::Cancelled, None, &[])?;
                let was_queued = before.ip == IpAttempt::None;
                self.settle_as(&before, without_sms, TakeBack::Cancelled)?;
                Ok(if was_queued {
                    Outcome::TakenBack
                } else {
                    Outcome::Done
                })
            }
            Shown::Failed(_) => {
                self.settle_as(&before, without_sms, TakeBack::Cancelled)?;
                Ok(Outcome::Done)
            }
            Shown::Cancelled => Ok(Outcome::Done),
            shown => Ok(Outcome::TooLate { shown: Some(shown) }),
        }
    }

    fn settle_as(&mut self, before: &Attempts, after: Attempts, reason: TakeBack) -> Result<()> {
        let after = Attempts {
            ip: IpAttempt::Revoked(reason),
            take_back: None,
            ..after
        };
        self.change(before, after)
    }

    pub(super) fn retry(
        &mut self,
        id: MessageId,
        by: Option<Channel>,
        boot: BootStamp,
    ) -> Result<Outcome> {
        let Some(before) = self.attempts(id)?.filter(|found| !found.is_note) else {
            return self.not_outgoing(id);
        };
        let ended = matches!(before.shown(), Shown::Failed(_) | Shown::Cancelled);
        let asked = before.waits == Some(WaitsFor::User);
        // On its way by IP, and the user would rather have it by SMS.
        let rather_sms = by == Some(Channel::Sms)
            && before.ip.unsettled().is_some()
            && before.take_back.is_none()
            && matches!(before.sms, SmsAttempt::None | SmsAttempt::NotUsed);
        if !(ended || asked || rather_sms) {
            return Ok(Outcome::TooLate {
                shown: Some(before.shown()),
            });
        }
        let sms = if by == Some(Channel::Ip) {
            SmsAttempt::NotUsed
        } else {
            SmsAttempt::None
        };
        let after = Attempts {
            ip: if ended { IpAttempt::None } else { before.ip },
            sms,
            undecided: by != Some(Channel::Ip),
            waits: None,
            look: Some(LookAt::AT_ONCE),
            in_doubt: false,
            ..before
        };
        self.tell(id, Step::Retried, by.map(codes::channel_code), &[])?;
        self.change(&before, after)?;
        if ended {
            self.execute(
                sql::RETRY,
                (
                    rows::int(id.0),
                    rows::boot(boot.boot),
                    rows::instant(boot.at),
                    rows::wall(self.wall),
                    by.map(codes::channel_code),
                ),
            )?;
        } else {
            self.execute(sql::WISH, (rows::int(id.0), by.map(codes::channel_code)))?;
        }
        self.follows();
        Ok(Outcome::Retried {
            look: Some(Instant(0)),
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

    /// It is being taken back because its validity is over.
    pub(super) fn expire(&mut self, before: &Attempts) -> Result<()> {
        let mut after = Attempts {
            take_back: Some(TakeBack::Expired),
            look: None,
            ..*before
        };
        if matches!(before.sms, SmsAttempt::None | SmsAttempt::Waiting) {
            after.sms = SmsAttempt::NotUsed;
        }
        self.tell(before.id, Step::ValidityOver, None, &[])?;
        self.change(before, after)
    }

    /// Gives up a queued message whose validity is over.
    pub(super) fn drop_queued(&mut self, before: &Attempts) -> Result<()> {
        let mut after = *before;
        if matches!(before.sms, SmsAttempt::None | SmsAttempt::Waiting) {
            after.sms = SmsAttempt::NotUsed;
        }
        self.tell(before.id, Step::ValidityOver, None, &[])?;
        self.settle_as(before, after, TakeBack::Expired)
    }
}
