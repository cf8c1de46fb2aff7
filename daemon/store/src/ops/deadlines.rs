//! The validity of messages, on boot time (DELIVERY 24).

use twine_engine::message::TakeBack;
use twine_engine::store_ops::{BootStamp, Outcome, Unsettled};
use twine_engine::time::{BootId, Instant};

use super::{Result, Turn};
use crate::rows::{self, Attempts, Columns};
use crate::sql;

/// Behind the columns of [`Attempts`] in [`sql::DUE`].
const OWN: usize = 8;

impl Turn<'_> {
    pub(super) fn rearm_deadlines(&self, boot: BootStamp) -> Result<Outcome> {
        self.execute(sql::REARM, (rows::boot(boot.boot), rows::instant(boot.at)))?;
        Ok(Outcome::Deadline(self.next_deadline(boot.boot)?))
    }

    pub(super) fn expire_due(&mut self, boot: BootStamp, limit: usize) -> Result<Outcome> {
        let due = self.all(
            sql::DUE,
            (
                rows::boot(boot.boot),
                rows::instant(boot.at),
                rows::size(limit),
            ),
            |row| Ok((Attempts::from_row(row)?, row.number(OWN)?)),
        )?;
        let mut revoke = Vec::new();
        let mut dropped = 0;
        for (before, number) in due {
            if let Some(sent) = before.ip.unsettled() {
                self.mark_take_back(before.id, TakeBack::Expired)?;
                revoke.push(Unsettled {
                    number,
                    epoch: sent.epoch,
                    seq: sent.seq,
                });
            } else {
                self.drop_queued(&before)?;
                dropped += 1;
            }
        }
        Ok(Outcome::Expired {
            revoke,
            dropped,
            next: self.next_deadline(boot.boot)?,
        })
    }

    fn next_deadline(&self, boot: BootId) -> Result<Option<Instant>> {
        let next = self.one(sql::NEXT_DEADLINE, (rows::boot(boot),), |row| {
            row.maybe_unsigned(0)
        })?;
        Ok(next.flatten().map(Instant))
    }
}
