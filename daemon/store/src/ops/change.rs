//! Changing an outgoing message: what follows for its lane, its look, its place's
//! note, the event log and its story, whatever the operation.
//!
//! Never decides that something changes; operations do.

use rusqlite::params;
use twine_engine::message::{IpAttempt, LaneUse, MessageId, SmsAttempt, WaitsFor};
use twine_engine::store_ops::{Because, Look};
use twine_engine::time::Instant;
use twine_proto::{E164, Filled};

use super::{Result, Turn};
use crate::codes::{self, Stage};
use crate::rows::{self, Attempts, PeerKey};
use crate::sql;
use crate::story::Step;

/// What becomes of a message's look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NextLook {
    Keep,
    Remove,
    AtOnce,
    At(Look),
}

impl From<Option<Look>> for NextLook {
    fn from(look: Option<Look>) -> Self {
        look.map_or(Self::Remove, Self::At)
    }
}

/// The columns `look_boot`, `look_ms`, `look_after_ms`.
pub(super) type LookColumns = (Option<i64>, Option<i64>, Option<i64>);

impl NextLook {
    pub(super) fn columns(self) -> LookColumns {
        match self {
            Self::Keep | Self::Remove => (None, None, None),
            Self::AtOnce => (Some(0), Some(0), Some(0)),
            Self::At(look) => {
                let after = rows::duration(look.after);
                let at = rows::instant(look.boot.at) + after;
                (Some(rows::boot(look.boot.boot)), Some(at), Some(after))
            }
        }
    }

    /// When it is, if it is a new one.
    pub(super) fn at(self) -> Option<Instant> {
        let (_, at, _) = self.columns();
        at.map(|at| Instant(at.unsigned_abs()))
    }
}

impl Turn<'_> {
    /// Stores a message as it is now. Derives what depends on it; `look` counts
    /// only while there is something to decide or to wait for.
    pub(super) fn save(
        &mut self,
        before: &Attempts,
        mut after: Attempts,
        mut look: NextLook,
    ) -> Result<()> {
        after.queued &= after.waits_for_a_channel() && matches!(after.ip, IpAttempt::None);
        if !after.is_open() {
            after.waits = None;
        }
        self.outbox_grew_by += i64::from(after.is_open()) - i64::from(before.is_open());
        let lane_use = after.lane_use_now(self.lane_ended(&after)?);
        let still_on_ip = after.ip.unsettled().is_some()
            && matches!(
                after.sms,
                SmsAttempt::None | SmsAttempt::NotUsed | SmsAttempt::Failed
            );
        let settled =
            lane_use == LaneUse::Free && after.waits != Some(WaitsFor::User) && !still_on_ip;
        if settled {
            after.waits = None;
            look = NextLook::Remove;
        }
        let stage = after.stage();
        let looked_at = look.at().is_some() || (look == NextLook::Keep && before.look_ms.is_some());
        let held = match lane_use {
            LaneUse::Blocks => stage == Stage::Undecided,
            LaneUse::OnIp | LaneUse::QueuedForIp => after.sms == SmsAttempt::None && !looked_at,
            LaneUse::Free => false,
        };
        let (noted, was_noted) = (after.noted(), before.noted());
        let renoted = noted != was_noted || after.place != before.place;
        if renoted {
            after.unclosed = noted.is_some_and(|filled| filled != Filled::Ip);
        }
        if let Some(at) = look.at() {
            self.follows.look(at);
        }
        let changed = self.log_change(before, &after)?;
        self.tell_changes(before, &after)?;

        let (ip, ip_detail) = codes::ip_code(after.ip);
        let (look_boot, look_ms, look_after_ms) = look.columns();
        let parts = after.parts.codes();
        self.execute(
            sql::SAVE,
            params![
                rows::int(after.id.0),
                ip,
                ip_detail,
                // A seq stays after the outcome: late reports name it.
                !matches!(after.ip, IpAttempt::None),
                after.place.map(|(epoch, _)| epoch.get()),
                after.place.map(|(_, lane_seq)| rows::int(lane_seq.get())),
                codes::sms_code(after.sms),
                after.take_back.map(codes::take_back_code),
                after.queued,
                after.wish.map(codes::channel_code),
                after.waits.map(codes::waits_code),
                codes::lane_use_code(lane_use),
                stage as i64,
                held,
                after.left_before,
                (!parts.is_empty()).then_some(parts),
                after.unclosed,
                renoted,
                after.has_deadline && !settled,
                look == NextLook::Keep,
                look_boot,
                look_ms,
                look_after_ms,
                changed,
            ],
        )?;
        if after.ip != before.ip && after.is_the_only_copy() {
            self.execute(sql::SMS_UNMARK, params![rows::int(after.id.0)])?;
        }
        self.note_if_resolved(before, &after)?;
        self.make_way(before, lane_use)
    }

    /// Accepted in an epoch that is closed.
    fn lane_ended(&self, message: &Attempts) -> Result<bool> {
        Ok(match (message.ip, message.sms) {
            (IpAttempt::Accepted(sent), SmsAttempt::NotUsed | SmsAttempt::Failed) => {
                self.held_epoch(message.own)? != Some(sent.epoch)
            }
            _ => false,
        })
    }

    /// Those behind it hear that it is not in their way any more.
    pub(super) fn make_way(&mut self, before: &Attempts, lane_use: LaneUse) -> Result<()> {
        let was = before.lane_use;
        if lane_use < was && (was == LaneUse::Blocks || lane_use == LaneUse::Free) {
            self.follows.unblocked |= was == LaneUse::Blocks;
            self.wake_next(before.own, before.peer, before.id)?;
        }
        Ok(())
    }

    fn wake_next(&mut self, own: E164, peer: PeerKey, behind: MessageId) -> Result<()> {
        let key = (rows::number(own), peer, rows::int(behind.0));
        if self.execute(sql::FOLLOW, key)? > 0 {
            self.follows.look(Instant(0));
        }
        Ok(())
    }

    /// An uncertain copy is resolved: the receiver hears of it at once.
    fn note_if_resolved(&mut self, before: &Attempts, after: &Attempts) -> Result<()> {
        let resolved = before.ip.unsettled().is_some() && after.ip.unsettled().is_none();
        let Some((epoch, _)) = after.place else {
            return Ok(());
        };
        if resolved && after.unclosed && after.noted().is_some_and(|filled| filled.hash().is_some())
        {
            self.note_is_due(after.own, epoch, after.peer)?;
        }
        Ok(())
    }

    /// What became of the attempt by IP of a message that has left the plain path.
    fn tell_changes(&self, before: &Attempts, after: &Attempts) -> Result<()> {
        let id = after.id;
        if before.sms == SmsAttempt::Waiting
            && matches!(after.sms, SmsAttempt::None | SmsAttempt::NotUsed)
        {
            let because: Because = match after.ip {
                IpAttempt::Accepted(_) => &["the gateway has it"],
                IpAttempt::Delivered(_) => &["IP delivered it"],
                _ => &["it is taken back"],
            };
            self.tell(id, Step::Recalled, None, because)?;
        }
        let left_ip = before.take_back.is_some()
            || before.may_have_left()
            || !matches!(before.sms, SmsAttempt::None | SmsAttempt::NotUsed);
        let may_leave_ip = before.sms == SmsAttempt::None;
        let step = match (before.ip, after.ip) {
            (IpAttempt::InFlight(_), IpAttempt::Accepted(_)) if left_ip => Step::Accepted,
            (IpAttempt::Delivered(_), _) => return Ok(()),
            (_, IpAttempt::Delivered(_)) if before.take_back.is_some() => Step::DeliveredAlready,
            (_, IpAttempt::Delivered(_)) if left_ip => Step::Delivered,
            _ if before.ip.unsettled().is_none() || !after.ip.is_negative() => return Ok(()),
            (_, IpAttempt::Revoked(_)) if left_ip || may_leave_ip => Step::Revoked,
            (_, IpAttempt::Refused(_) | IpAttempt::Expired | IpAttempt::Rejected(_))
                if left_ip || may_leave_ip =>
            {
                Step::IpFailed
            }
            _ => return Ok(()),
        };
        self.tell(id, step, None, &[])
    }
}
