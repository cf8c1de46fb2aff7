//! What is known of one network by one transport.

use std::time::Duration;

use super::Class;
use super::ladder::{above, at_most, below};

/// A failed rung is tried again after so much idle time was survived below it, doubled
/// for each time it failed.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(24 * 3600);
/// The same, where more was survived before.
const TRY_SOONER_AFTER: Duration = Duration::from_secs(4 * 3600);
/// A timer that is late by more than this did not wait for the rung below.
const LATE_PERCENT: u32 = 3;
/// Doublings of it, at most.
const MAX_DOUBLINGS: u8 = 3;

/// What the next heartbeat is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Tries whether a longer idle time is survived.
    Climbing,
    /// Stays below the limit.
    Holding,
    /// Bounds how late a message is; the limit is too short to stay below.
    Polling,
}

impl Phase {
    /// For people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Climbing => "finding out how long this network keeps an idle connection",
            Self::Holding => "stays below what this network was found to forget",
            Self::Polling => "this network forgets too early to be kept; looks for messages",
        }
    }
}

/// All times are rungs of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Record {
    /// Climbing goes on from here.
    pub(super) safe: Option<Duration>,
    /// Never at or above this, but to try again.
    pub(super) limit: Option<Duration>,
    /// How often `limit` was tried and failed, less one; more where the limit fell
    /// often.
    pub(super) doublings: u8,
    /// Idle time survived at the rung below `limit`; while polling: that passed.
    pub(super) held: Duration,
    /// Survived before the limit fell.
    pub(super) best: Option<Duration>,
    /// How often it fell.
    pub(super) falls: u8,
    /// Failed once, although longer ones were survived.
    pub(super) doubtful: Option<Duration>,
    /// Not survived yet: TCP begins where UDP holds.
    pub(super) begin: Option<Duration>,
    /// When it was used last.
    pub(super) used: u64,
}

impl Record {
    /// Nothing is known, but that another transport bears this.
    pub(super) fn begin(at: Option<Duration>) -> Self {
        Self {
            begin: at,
            ..Self::default()
        }
    }

    /// As it was kept: its counts are not above what they can be.
    pub(super) fn bounded(self) -> Self {
        Self {
            doublings: self.doublings.min(MAX_DOUBLINGS),
            falls: self.falls.min(MAX_DOUBLINGS),
            ..self
        }
    }

    /// The idle time to let pass.
    pub(super) fn next(&self, class: Class) -> (Duration, Phase) {
        if let Some(rung) = self.rung_to_try(class) {
            return (rung, Phase::Climbing);
        }
        match self.settled(class) {
            Some(rung) if !rung.is_zero() => (rung, Phase::Holding),
            _ => (class.poll(), Phase::Polling),
        }
    }

    /// The rung that is to be found out about now.
    fn rung_to_try(&self, class: Class) -> Option<Duration> {
        let rung = self.next_rung(class)?;
        let patience = match self.best {
            Some(best) if best >= rung => TRY_SOONER_AFTER,
            _ => TRY_AGAIN_AFTER,
        } * (1 << self.doublings);
        let failed = self.limit.is_some_and(|limit| rung >= limit);
        (!failed || self.held >= patience).then_some(rung)
    }

    /// The rung above what is safe, be it that it failed; `None`: none is left.
    fn next_rung(&self, class: Class) -> Option<Duration> {
        let first = self.begin.unwrap_or(class.first());
        let rung = match (self.safe, self.limit) {
            // Down, while even the first ones fail.
            (None, Some(limit)) if limit <= first => below(limit)?,
            // What was found by chance is no reason to begin below the first.
            (safe, limit) if limit.is_none_or(|limit| limit > first) => {
                safe.map_or(Some(first), above)?.max(first)
            }
            (safe, _) => safe.map_or(Some(first), above)?.max(class.floor()),
        };
        (class.floor()..=class.ceiling())
            .contains(&rung)
            .then_some(rung)
    }

    /// What is held, if that is known; zero: not even the floor.
    pub(super) fn settled(&self, class: Class) -> Option<Duration> {
        match self.next_rung(class) {
            Some(rung) if self.limit.is_none_or(|limit| rung < limit) => None,
            _ => {
                let held = self.safe.filter(|safe| *safe >= class.floor());
                Some(held.unwrap_or_default().min(class.ceiling()))
            }
        }
    }

    /// Another transport is worth a try again. True once.
    pub(super) fn polled_for_long(&mut self, class: Class) -> bool {
        let long = self.settled(class) == Some(Duration::ZERO) && self.held >= TRY_AGAIN_AFTER;
        if long {
            self.held = Duration::ZERO;
        }
        long
    }

    pub(super) const fn survived(&self) -> Option<Duration> {
        self.safe
    }

    pub(super) const fn failed(&self) -> Option<Duration> {
        self.limit
    }

    /// Returns whether that is worth keeping.
    pub(super) fn note_survived(&mut self, class: Class, idle: Duration) -> bool {
        let before = self.settled(class);
        let proven = at_most(idle);
        if self.doubtful.is_some_and(|doubtful| idle >= doubtful) {
            self.doubtful = None;
        }
        if self.limit.is_some_and(|limit| idle >= limit) {
            // The limit has grown, or never was one.
            self.limit = None;
            self.doublings = 0;
        }
        if proven > self.safe {
            self.safe = proven;
            self.held = Duration::ZERO;
        } else if proven == self.safe || proven == before {
            self.held += idle;
        }
        self.settled(class) != before && self.settled(class).is_some()
    }

    /// Returns whether that is worth keeping.
    pub(super) fn note_failed(&mut self, idle: Duration) -> bool {
        let Some(rung) = surely_too_long(idle) else {
            return false;
        };
        if self.limit.is_some_and(|limit| rung > limit) {
            self.held += idle;
            return false;
        }
        if self.safe.is_some_and(|safe| rung < safe) && self.doubtful.is_none() {
            self.doubtful = Some(idle);
            return false;
        }
        self.doubtful = None;
        if self.limit == Some(rung) && self.safe.is_some_and(|safe| safe < rung) {
            self.doublings = (self.doublings + 1).min(MAX_DOUBLINGS);
        } else if self.best.is_none() {
            self.doublings = 0;
        }
        self.limit = Some(rung);
        self.held = Duration::ZERO;
        if self.safe.is_some_and(|safe| safe >= rung) || self.safe.is_none() {
            // It was held, or begun with, and does not hold: from the bottom, below it.
            if self.safe.is_some() {
                self.best = self.best.max(self.safe);
                self.doublings = self.falls;
                self.falls = (self.falls + 1).min(MAX_DOUBLINGS);
            }
            self.safe = None;
            self.begin = None;
        }
        true
    }
}

/// The lowest rung that is not survived where this idle time was not. A frame that was
/// meant for a rung is a little late.
fn surely_too_long(idle: Duration) -> Option<Duration> {
    let rung = at_most(idle)?;
    if idle <= rung + rung * LATE_PERCENT / 100 {
        Some(rung)
    } else {
        above(rung)
    }
}
