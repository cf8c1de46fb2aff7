//! Between the channels: what the engine looks at, and what it decided (DELIVERY
//! 14, 15, 23).

use twine_engine::message::{IpAttempt, LaneUse, MessageId, SmsAttempt, TakeBack, WaitsFor};
use twine_engine::store_ops::{
    Because, BootStamp, Considered, ConversationFacts, Look, Outcome, Unsettled,
};
use twine_engine::time::Instant;
use twine_proto::E164;

use super::change::NextLook;
use super::{Result, Turn};
use crate::error::StoreError;
use crate::rows::{self, Attempts, Columns};
use crate::story::Step;
use crate::{codes, sql};

/// Behind the columns of [`Attempts`] in [`sql::LOAD_DUE`].
const MORE: usize = Attempts::COLUMNS;

/// A row of [`sql::LOAD_DUE`].
struct Due {
    attempts: Attempts,
    at: Instant,
    born: BootStamp,
    considered: Considered,
}

impl Turn<'_> {
    pub(super) fn load_due(&self, boot: BootStamp, limit: usize) -> Result<Outcome> {
        // One more than asked for shows when the next one is.
        let rows = self.all(
            sql::LOAD_DUE,
            (rows::size(limit.saturating_add(1)),),
            |row| {
                let attempts = Attempts::from_row(row)?;
                let considered = Considered {
                    id: attempts.id,
                    own: attempts.own,
                    peer: row.peer(9, MORE + 6)?,
                    text: row
                        .text(MORE + 5)?
                        .unwrap_or_else(|| twine_proto::Redacted::new(String::new())),
                    ip: attempts.ip,
                    sms: attempts.sms,
                    take_back: attempts.take_back,
                    in_doubt: row.get(MORE + 1)?,
                    away: row.get(MORE + 2)?,
                    sms_left_before: attempts.left_before,
                    wish: attempts.wish,
                    waits_for: attempts.waits,
                    born: boot.at,
                    before: LaneUse::Free,
                    conversation: ConversationFacts {
                        own: attempts.own,
                        settings: Default::default(),
                        reach: Default::default(),
                        bound: false,
                        consented: false,
                        before: LaneUse::Free,
                    },
                };
                Ok(Due {
                    at: Instant(row.unsigned(MORE)?),
                    born: row.stamp(MORE + 3)?,
                    attempts,
                    considered,
                })
            },
        )?;
        let mut messages = Vec::new();
        let mut next = None;
        for due in rows {
            if due.at > boot.at || messages.len() == limit {
                next = Some(due.at);
                break;
            }
            let Attempts { id, own, peer, .. } = due.attempts;
            messages.push(Considered {
                born: self.in_this_boot(due.born, boot)?,
                before: self.worst_before(own, peer, rows::int(id.0))?,
                conversation: self.facts(own, peer, boot)?,
                ..due.considered
            });
        }
        Ok(Outcome::Due { messages, next })
    }

    pub(super) fn wake(&mut self, waits: WaitsFor, own: Option<E164>) -> Result<Outcome> {
        let key = (codes::waits_code(waits), own.map(rows::number));
        if self.execute(sql::WAKE, key)? > 0 {
            self.follows.look(Instant(0));
        }
        Ok(self.looks())
    }

    pub(super) fn wait(
        &mut self,
        id: MessageId,
        seen: (IpAttempt, SmsAttempt),
        waits: Option<WaitsFor>,
        look: Option<Look>,
        because: Because,
    ) -> Result<Outcome> {
        if let Some(before) = self.attempts(id)?
            && (before.ip, before.sms) == seen
            && before.is_open()
        {
            let for_its_lane = waits.is_none() && look.is_none() && before.sms == SmsAttempt::None;
            if waits != before.waits || for_its_lane && !before.held {
                self.tell(id, Step::Waits, waits.map(codes::waits_code), because)?;
            }
            let next = if for_its_lane
                && self.worst_before(before.own, before.peer, rows::int(id.0))? == LaneUse::Free
            {
                NextLook::AtOnce
            } else {
                look.into()
            };
            let after = Attempts {
                waits,
                ..before.clone()
            };
            self.save(&before, after, next)?;
        }
        Ok(self.looks())
    }

    /// Then IP is the only way there is. What was asked back to go by SMS is in nobody's
    /// hands: it takes that way once more.
    pub(super) fn rule_out_sms(&mut self, id: MessageId, because: Because) -> Result<Outcome> {
        if let Some(before) = self.attempts(id)?
            && before.sms == SmsAttempt::None
        {
            self.tell(id, Step::NoSms, None, because)?;
            let asked_back = before.ip == IpAttempt::Revoked(TakeBack::BySms);
            if asked_back && before.carries_note {
                self.execute(sql::NOTE_DROP, (rows::int(id.0),))?;
            }
            let after = Attempts {
                ip: if asked_back {
                    IpAttempt::None
                } else {
                    before.ip
                },
                sms: SmsAttempt::NotUsed,
                waits: None,
                queued: true,
                ..before.clone()
            };
            self.save(&before, after, NextLook::Remove)?;
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
        if matches!(before.take_back, None | Some(TakeBack::BySms)) {
            self.tell(id, Step::AskedBack, None, because)?;
            let after = Attempts {
                take_back: Some(TakeBack::BySms),
                waits: None,
                ..before.clone()
            };
            self.save(&before, after, NextLook::At(look))?;
        }
        Ok(Outcome::MustRevoke(Unsettled {
            number: before.own,
            epoch: sent.epoch,
            seq: sent.seq,
        }))
    }

    pub(super) fn queue_for_ip(&mut self, id: MessageId, look: Look) -> Result<Outcome> {
        if let Some(before) = self.attempts(id)?
            && !before.queued
            && before.ip == IpAttempt::None
            && (before.waits_for_a_channel() || before.sms == SmsAttempt::Waiting)
        {
            let after = Attempts {
                queued: true,
                sms: match before.sms {
                    SmsAttempt::Waiting => SmsAttempt::None,
                    sms => sms,
                },
                waits: None,
                ..before.clone()
            };
            self.save(&before, after, NextLook::At(look))?;
        }
        Ok(self.looks())
    }

    /// A row that was there a moment ago.
    pub(super) fn vanished() -> StoreError {
        StoreError::corrupt("a message vanished while it was changed")
    }
}
