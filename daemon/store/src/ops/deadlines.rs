//! The validity of messages, on boot time (DELIVERY 24).

use twine_engine::message::{IpAttempt, SmsAttempt, TakeBack};
use twine_engine::store_ops::{BootStamp, NextDue, Outcome, Unsettled};
use twine_engine::time::Instant;

use super::change::NextLook;
use super::{Result, Turn};
use crate::rows::{self, Attempts, Columns};
use crate::sql;
use crate::story::Step;

impl Turn<'_> {
    pub(super) fn rearm_deadlines(&self, boot: BootStamp) -> Result<Outcome> {
        let now = (rows::boot(boot.boot), rows::instant(boot.at));
        // Ages and beliefs count from here, see `in_this_boot`.
        if self.execute(sql::BOOT_BEGIN, now)? == 1 {
            self.execute(sql::REARM, now)?;
            self.execute(sql::LOOKS_REARM, now)?;
            self.execute(sql::HANDED_REARM, now)?;
        }
        let NextDue { look, validity } = self.next_due()?;
        Ok(Outcome::Deadline { validity, look })
    }

    /// What is due next, in the boot that was told last.
    pub(crate) fn next_due(&self) -> Result<NextDue> {
        let next = self.one(sql::NEXT_DUE, (), |row| {
            Ok(NextDue {
                look: row.maybe_unsigned(0)?.map(Instant),
                validity: row.maybe_unsigned(1)?.map(Instant),
            })
        })?;
        Ok(next.unwrap_or_default())
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
            self.tell(before.id, Step::ValidityOver, None, &[])?;
            if let Some(sent) = before.ip.unsettled() {
                self.mark_take_back(&before, TakeBack::Expired)?;
                revoke.push(Unsettled {
                    number: before.own,
                    epoch: sent.epoch,
                    seq: sent.seq,
                });
            } else if before.sms == SmsAttempt::Handed {
                // It has left, and takes its course.
                let after = Attempts {
                    has_deadline: false,
                    ..before.clone()
                };
                self.save(&before, after, NextLook::Keep)?;
            } else {
                // What IP has ended for is out of the queue already.
                dropped += usize::from(before.ip == IpAttempt::None);
                self.call_off(&before, TakeBack::Expired)?;
            }
        }
        Ok(Outcome::Expired {
            revoke,
            dropped,
            next: self.next_due()?.validity,
        })
    }
}
