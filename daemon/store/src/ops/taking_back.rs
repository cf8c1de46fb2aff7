//! What the user takes back or tries again, and what runs out of time (DELIVERY
//! 2, 14).

use twine_engine::message::{IpAttempt, MessageId, Shown, TakeBack};
use twine_engine::store_ops::{BootStamp, Outcome, Unsettled};
use twine_proto::E164;

use super::{Result, Turn};
use crate::error::StoreError;
use crate::rows::{self, Attempts, Columns};
use crate::{codes, sql};

impl Turn<'_> {
    pub(super) fn cancel(&mut self, id: MessageId) -> Result<Outcome> {
        let Some(before) = self.attempts(id)? else {
            return self.not_outgoing(id);
        };
        if let Some(sent) = before.ip.unsettled() {
            // The user's wish stands above an expiry already under way.
            let own = self.mark_take_back(id, TakeBack::Cancelled)?;
            return Ok(Outcome::MustRevoke(Unsettled {
                number: own,
                epoch: sent.epoch,
                seq: sent.seq,
            }));
        }
        match before.shown() {
            Shown::Queued => {
                self.settle(&before, IpAttempt::Revoked(TakeBack::Cancelled))?;
                Ok(Outcome::TakenBack)
            }
            Shown::Failed(_) => {
                self.settle(&before, IpAttempt::Revoked(TakeBack::Cancelled))?;
                Ok(Outcome::Done)
            }
            Shown::Cancelled => Ok(Outcome::Done),
            shown => Ok(Outcome::TooLate { shown: Some(shown) }),
        }
    }

    pub(super) fn retry(&mut self, id: MessageId, boot: BootStamp) -> Result<Outcome> {
        let Some(before) = self.attempts(id)? else {
            return self.not_outgoing(id);
        };
        if !matches!(before.shown(), Shown::Failed(_) | Shown::Cancelled) {
            return Ok(Outcome::TooLate {
                shown: Some(before.shown()),
            });
        }
        let after = Attempts {
            ip: IpAttempt::None,
            ..before
        };
        self.log_change(&before, &after)?;
        self.execute(
            sql::RETRY,
            (
                rows::int(id.0),
                rows::boot(boot.boot),
                rows::instant(boot.at),
                rows::wall(self.wall),
            ),
        )?;
        Ok(Outcome::Done)
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

    pub(super) fn mark_take_back(&self, id: MessageId, reason: TakeBack) -> Result<E164> {
        self.one(
            sql::TAKE_BACK,
            (rows::int(id.0), codes::take_back_code(reason)),
            |row| row.number(0),
        )?
        .ok_or_else(|| StoreError::corrupt("a message vanished while it was changed"))
    }

    /// Gives up a queued message whose validity is over.
    pub(super) fn drop_queued(&mut self, before: &Attempts) -> Result<()> {
        self.settle(before, IpAttempt::Revoked(TakeBack::Expired))
    }
}
