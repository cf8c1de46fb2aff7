//! Deadlines as a driver sees them: why, how exact, and whether a phone in suspend is
//! woken for them.
//!
//! Each wake-up of a phone costs about as much as seconds of idling. So those deadlines
//! that bring nothing to anybody while the phone sleeps do not wake it, and those
//! that may be early or late share a wake-up with others.
//!
//! | reason | may be early | wakes | late by, in suspend |
//! |---|---|---|---|
//! | heartbeat | by a tenth, while an interval is held (`heartbeat`) | yes | |
//! | reconnect, connecting, greeting, answer missing | no | yes: without them nothing can reach the phone | |
//! | validity, look | no: they are promises to users | yes | up to [`GRID`] |
//! | SMS pace | no | yes | |
//! | links | no | while there is no session; with one, what is better can wait | |
//! | look-up | no | no: who asked waits, and is awake | |
//!
//! Messages that were written one after the other have their looks one after the other:
//! on the grid one wake-up serves all of them. A phone that is awake is exact.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::TimerReason;
use crate::time::Instant;

/// Looks at messages wake a phone in suspend at multiples of this. Chosen: as long as the
/// shortest patience that is shipped, so that a look is late by no more than that.
const GRID: Duration = Duration::from_secs(15);

/// One deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline {
    /// It may be handed in from then on.
    pub(crate) from: Instant,
    /// And should be by then.
    pub(crate) by: Instant,
    /// Why.
    pub(crate) reason: TimerReason,
}

impl Deadline {
    /// At this time, no earlier.
    pub(crate) const fn exact((at, reason): (Instant, TimerReason)) -> Self {
        Self {
            from: at,
            by: at,
            reason,
        }
    }

    /// When a phone in suspend is woken for it, if it is at all.
    pub(crate) const fn wakes_at(self) -> Instant {
        match self.reason {
            TimerReason::Validity | TimerReason::Look => self.by.round_up(GRID),
            _ => self.by,
        }
    }
}

impl TimerReason {
    /// All, in the order of counters.
    pub const ALL: [Self; 10] = [
        Self::Heartbeat,
        Self::Reconnect,
        Self::Connecting,
        Self::Greeting,
        Self::AnswerMissing,
        Self::Validity,
        Self::Look,
        Self::SmsPace,
        Self::Links,
        Self::Lookup,
    ];

    /// Whether a phone in suspend is woken for it.
    #[must_use]
    pub const fn wakes(self, live: bool) -> bool {
        match self {
            Self::Lookup => false,
            Self::Links => !live,
            _ => true,
        }
    }

    /// The name of its counter.
    #[must_use]
    pub const fn counter(self) -> &'static str {
        match self {
            Self::Heartbeat => "wake_ups_heartbeat",
            Self::Reconnect => "wake_ups_reconnect",
            Self::Connecting => "wake_ups_connecting",
            Self::Greeting => "wake_ups_greeting",
            Self::AnswerMissing => "wake_ups_answer_missing",
            Self::Validity => "wake_ups_validity",
            Self::Look => "wake_ups_look",
            Self::SmsPace => "wake_ups_sms_pace",
            Self::Links => "wake_ups_links",
            Self::Lookup => "wake_ups_lookup",
        }
    }
}

/// How often a deadline fired that wakes a phone in suspend, by the earliest of those
/// that were set at the end of a turn; those that shared a call with it are not counted.
#[derive(Debug, Default)]
pub(crate) struct WakeUps(BTreeMap<TimerReason, u64>);

impl WakeUps {
    pub(crate) fn count(&mut self, reason: TimerReason) {
        *self.0.entry(reason).or_default() += 1;
    }

    pub(crate) fn list(&self) -> Vec<(&'static str, u64)> {
        let counted = |reason: &TimerReason| {
            let count = *self.0.get(reason)?;
            Some((reason.counter(), count))
        };
        TimerReason::ALL.iter().filter_map(counted).collect()
    }
}
