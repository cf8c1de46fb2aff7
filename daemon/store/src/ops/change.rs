//! One change of an outgoing message and everything that is derived from it:
//! what the user sees, what it means for its lane, when it is looked at, what
//! notes have to say.
//!
//! Every operation that moves an attempt goes through [`Turn::change`]; only a
//! release has a statement of its own.

use rusqlite::params;
use twine_engine::message::{IpAttempt, LaneUse, MessageId, Shown, SmsAttempt};
use twine_engine::store_ops::{Because, EventKind, Outcome};
use twine_engine::time::Instant;

use super::{Result, Turn};
use crate::rows::{self, Attempts, LookAt};
use crate::{codes, sql};

/// What follows from the changes of one operation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Follows {
    /// The earliest look that was set.
    pub(super) look: Option<Instant>,
    /// Messages of the queue of IP may be free.
    pub(super) unblocked: bool,
    /// A lane has a note due.
    pub(super) note_due: bool,
}

impl Turn<'_> {
    /// What followed since this was last asked.
    pub(super) fn follows(&mut self) -> Follows {
        std::mem::take(&mut self.follows)
    }

    /// `Looks`, as the answer of an operation.
    pub(super) fn looks(&mut self) -> Outcome {
        let Follows {
            look, unblocked, ..
        } = self.follows();
        Outcome::Looks { look, unblocked }
    }

    pub(super) fn look_at(&mut self, at: Instant) {
        let look = &mut self.follows.look;
        *look = Some(look.map_or(at, |known| known.min(at)));
    }

    /// Stores a message as it is now.
    pub(super) fn change(&mut self, before: &Attempts, mut after: Attempts) -> Result<()> {
        if after.is_note && after.ip.unsettled().is_none() {
            self.execute(sql::NOTE_DELETE, (rows::int(after.id.0),))?;
            return Ok(());
        }
        after.undecided &= after.ip == IpAttempt::None && after.sms == SmsAttempt::None;
        let over = after.is_over();
        if over {
            after.look = None;
            after.waits = None;
        }
        after.lane_use = after.lane_use_now();
        let undecided_now = after.lane_use == LaneUse::Blocks
            && after.sms == SmsAttempt::None
            && after.ip != before.ip
            && after.ip != IpAttempt::None;
        if undecided_now {
            after.look = Some(LookAt::AT_ONCE);
        }
        if after.look != before.look
            && let Some(look) = after.look
        {
            self.look_at(Instant(u64::try_from(look.at_ms).unwrap_or(0)));
        }
        let changed = if after.is_note {
            None
        } else {
            self.log_change(before, &after)?
        };
        self.store_attempts(&after, over, changed)?;
        let was_in_the_way = before.lane_use > LaneUse::Free;
        if (was_in_the_way && after.lane_use == LaneUse::Free)
            || (before.lane_use == LaneUse::Blocks && after.lane_use < LaneUse::Blocks)
        {
            self.wake_lane(&after)?;
        }
        self.resolve_copies(before, &after)
    }

    fn store_attempts(&self, after: &Attempts, over: bool, changed: Option<i64>) -> Result<()> {
        let (ip, ip_detail) = codes::ip_code(after.ip);
        let (look_boot, look_ms, look_for_ms) = LookAt::columns(after.look);
        self.execute(
            sql::CHANGE,
            params![
                rows::int(after.id.0),
                ip,
                ip_detail,
                codes::sms_code(after.sms),
                after.take_back.map(codes::take_back_code),
                after.waits.map(codes::waits_code),
                after.undecided,
                after.in_doubt,
                after.away,
                codes::lane_code(after.lane_use),
                look_boot,
                look_ms,
                look_for_ms,
                over || after.take_back.is_some(),
                after.sms_left,
                after.closed,
                changed,
            ],
        )?;
        Ok(())
    }

    /// The next of the lane may go on.
    pub(super) fn wake_lane(&mut self, freed: &Attempts) -> Result<()> {
        self.follows.unblocked = true;
        let woken = self.execute(
            sql::LANE_WAKE,
            (rows::number(freed.own), freed.peer, rows::int(freed.id.0)),
        )?;
        if woken > 0 {
            self.look_at(Instant(0));
        }
        Ok(())
    }

    /// An uncertain copy is resolved when IP ends: the receiver is told at once
    /// (DELIVERY 18).
    fn resolve_copies(&mut self, before: &Attempts, after: &Attempts) -> Result<()> {
        let ended = before.ip.unsettled().is_some() && after.ip.unsettled().is_none();
        if let Some((epoch, _)) = after.place
            && ended
            && after.sms_left
        {
            let due = self.execute(
                sql::NOTE_DUE,
                (rows::number(after.own), epoch.get(), after.peer),
            )?;
            self.follows.note_due |= due > 0;
        }
        Ok(())
    }

    /// Appends an event if the user sees something else than before, and says
    /// when that was, for `changed_ms`.
    fn log_change(&mut self, before: &Attempts, after: &Attempts) -> Result<Option<i64>> {
        if before.shown() == after.shown() && before.waits == after.waits {
            return Ok(None);
        }
        self.log(EventKind::StateChanged, after.id, after.shown())?;
        Ok(Some(rows::wall(self.wall)))
    }

    /// Appends to the event log.
    pub(super) fn log(&mut self, kind: EventKind, message: MessageId, shown: Shown) -> Result<()> {
        self.log_of_two(kind, message, shown, None)
    }

    /// The same, of a message and another.
    pub(super) fn log_of_two(
        &mut self,
        kind: EventKind,
        message: MessageId,
        shown: Shown,
        other: Option<MessageId>,
    ) -> Result<()> {
        self.latest_event += 1;
        self.execute(
            sql::EVENT_ADD,
            (
                rows::int(self.latest_event),
                codes::event_code(kind),
                rows::int(message.0),
                codes::shown_code(shown),
                rows::wall(self.wall),
                other.map(|other| rows::int(other.0)),
            ),
        )?;
        Ok(())
    }

    /// A line of a message's story.
    pub(super) fn tell(
        &self,
        id: MessageId,
        step: crate::story::Step,
        detail: Option<i64>,
        because: Because,
    ) -> Result<()> {
        self.execute(
            sql::STORY_ADD,
            (
                rows::int(id.0),
                rows::wall(self.wall),
                step as i64,
                detail,
                (!because.is_empty()).then(|| because.join("\n")),
            ),
        )?;
        Ok(())
    }
}
