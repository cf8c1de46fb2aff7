//! The validity of messages, on boot time (DELIVERY 24).

use twine_engine::message::IpAttempt;
use twine_engine::store_ops::{BootStamp, Outcome, Unsettled};
use twine_engine::time::{BootId, Instant};

use super::{Result, Turn};
use crate::rows::{self, Attempts, Columns};
use crate::sql;

impl Turn<'_> {
    pub(super) fn rearm_deadlines(&self, boot: BootStamp) -> Result<Outcome> {
        let now = (rows::boot(boot.boot), rows::instant(boot.at));
        for rearm in [
            sql::REARM,
            sql::REARM_LOOKS,
            sql::REARM_BORN,
            sql::REARM_REACH,
        ] {
            self.execute(rearm, now)?;
        }
        Ok(Outcome::Deadline {
            validity: self.next_deadline(boot.boot)?,
            look: self.next_look()?,
        })
    }

    pub(super) fn expire_due(&mut self, boot: BootStamp, limit: usize) -> Result<Outcome> {
        let due = self.all(
            sql::DUE,
            (
                rows::boot(boot.boot),
                rows::instant(boot.at),
                rows::size(limit),
            ),
            Attempts::from_row,
        )?;
        let mut revoke = Vec::new();
        let mut dropped = 0;
        for before in due {
            if let Some(sent) = before.ip.unsettled() {
                self.expire(&before)?;
                revoke.push(Unsettled {
                    number: before.own,
                    epoch: sent.epoch,
                    seq: sent.seq,
                });
            } else {
                dropped += usize::from(before.ip == IpAttempt::None);
                self.drop_queued(&before)?;
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
