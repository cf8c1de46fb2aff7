//! What our own traffic says of one network.
//!
//! A link that is up but carries nothing looks well to everybody who does not
//! send over it. An answer that is missing makes a network *silent* until one comes,
//! or until the next try is due: first after [`FIRST_TRY_AGAIN`], each time
//! doubled, at most [`LAST_TRY_AGAIN`]. Among the last eight outcomes, three
//! that are missing make it *poor*. Until an answer comes, all that are missing are one
//! outcome: a gateway that is away says nothing of how reliable the network is.

use std::time::Duration;

use crate::time::Instant;

/// How long a silent network is left alone at first. A congested cell or a
/// router that restarts takes about this long.
pub(super) const FIRST_TRY_AGAIN: Duration = Duration::from_secs(60);
/// How long at most: somebody may have mended it.
pub(super) const LAST_TRY_AGAIN: Duration = Duration::from_secs(30 * 60);
/// Without a missing answer for so long, what was held against a network is
/// forgotten.
const FORGIVEN_AFTER: Duration = Duration::from_secs(10 * 60);
/// So many of the last eight answers missing is poor.
const POOR_FROM: u32 = 3;
/// So many of the last sixteen late is uneven.
const UNEVEN_FROM: u32 = 3;
/// An answer is late that takes thrice as long as usual and this besides.
const LATE_MS: u64 = 1_000;
/// A round trip of this length is as good as a missing answer: twice the 2.3 s
/// of the slowest hundredth in emerging markets.
const TOO_SLOW: Duration = Duration::from_millis(4_600);

/// What became of something that had to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// It was, after this time if it was measured.
    Answered(Option<Duration>),
    /// It was not, for longer than the session waits.
    Missing,
}

/// How well a network answers; the greatest is best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Grade {
    /// Answers are often missing.
    Poor,
    /// Answers are often late.
    Uneven,
    /// Nothing is known against it.
    Sound,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Health {
    /// The last outcomes, newest lowest; a set bit is a missing answer.
    pub(super) missing: u8,
    /// A set bit is a late or missing one.
    pub(super) late: u16,
    /// Not to be tried before, unless there is nothing else.
    pub(super) silent_until: Option<Instant>,
    /// How often it fell silent lately.
    pub(super) strikes: u32,
    /// An answer came, and none was missing since.
    pub(super) answered: bool,
    /// The last time anything was noted.
    pub(super) noted: Instant,
    /// What answers that are not late take, milliseconds; 0: not known.
    pub(super) usual_ms: u64,
    pub(super) troubled: Option<Instant>,
    /// No answer came since this one was missing.
    pub(super) unanswered: Option<Instant>,
}

impl Health {
    /// Returns whether anything else follows from it.
    pub(super) fn note(&mut self, now: Instant, traffic: Traffic) -> bool {
        let before = (self.answered, self.silent_until, self.grade(now));
        self.noted = now;
        self.forgive(now);
        let goes_on = traffic == Traffic::Missing && self.missing & 1 == 1 && !self.answered;
        let (missing, late) = match traffic {
            Traffic::Missing => {
                self.answered = false;
                self.unanswered = self.unanswered.or(Some(now));
                let wait = FIRST_TRY_AGAIN * (1 << self.strikes.min(8));
                self.silent_until = Some(now + wait.min(LAST_TRY_AGAIN));
                self.strikes += 1;
                (true, true)
            }
            Traffic::Answered(after) => {
                self.answered = true;
                self.unanswered = None;
                self.silent_until = None;
                let late = after.is_some_and(|after| self.is_late(after));
                (after.is_some_and(|after| after >= TOO_SLOW), late)
            }
        };
        // One outage is one outcome, however often was asked.
        if !goes_on {
            self.missing = self.missing << 1 | u8::from(missing);
            self.late = self.late << 1 | u16::from(late);
        }
        if missing || late {
            self.troubled = Some(now);
        }
        before != (self.answered, self.silent_until, self.grade(now))
    }

    /// Takes the time of an answer into account.
    fn is_late(&mut self, after: Duration) -> bool {
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        let late = self.usual_ms > 0 && after_ms >= 3 * self.usual_ms + LATE_MS;
        if self.usual_ms == 0 {
            self.usual_ms = after_ms;
        } else if !late {
            self.usual_ms = (self.usual_ms * 7 + after_ms) / 8;
        }
        late
    }

    /// What is worth writing down when it changes.
    pub(super) fn held_against(&self, now: Instant) -> (Option<Instant>, u32, Grade) {
        (self.silent_until, self.strikes, self.grade(now))
    }

    /// The network is another, or was away: what it did says little.
    pub(super) fn renewed(&mut self) {
        self.answered = false;
        self.unanswered = None;
        self.silent_until = None;
    }

    pub(super) fn is_silent(&self, now: Instant) -> bool {
        self.silent_until.is_some_and(|until| now < until)
    }

    pub(super) fn grade(&self, now: Instant) -> Grade {
        let lately = self
            .troubled
            .is_some_and(|at| now.since(at) < FORGIVEN_AFTER);
        if lately && self.missing.count_ones() >= POOR_FROM {
            Grade::Poor
        } else if lately && self.late.count_ones() >= UNEVEN_FROM {
            Grade::Uneven
        } else {
            Grade::Sound
        }
    }

    fn forgive(&mut self, now: Instant) {
        if self
            .troubled
            .is_some_and(|at| now.since(at) >= FORGIVEN_AFTER)
        {
            self.strikes = 0;
            self.missing = 0;
            self.late = 0;
            self.troubled = None;
        }
    }
}
