//! What our own traffic says of one network.
//!
//! A link that is up but carries nothing looks well to everybody who does not
//! send over it. An answer that is missing makes a network *silent* until one comes,
//! or until the next try is due: first after [`FIRST_TRY_AGAIN`], each time
//! doubled, at most [`LAST_TRY_AGAIN`]. Among the last eight outcomes, three
//! that are missing make it *poor*.

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
    Poor,
    Sound,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Health {
    /// The last eight outcomes, newest lowest; a set bit is a missing answer.
    recent: u8,
    /// Not to be tried before, unless there is nothing else.
    pub(super) silent_until: Option<Instant>,
    /// How often it fell silent lately.
    pub(super) strikes: u32,
    /// An answer came, and none was missing since.
    pub(super) answered: bool,
    /// The last time anything was noted.
    pub(super) noted: Instant,
    missed: Option<Instant>,
}

impl Health {
    pub(super) fn note(&mut self, now: Instant, traffic: Traffic) {
        self.noted = now;
        self.forgive(now);
        let bad = match traffic {
            Traffic::Missing => {
                self.answered = false;
                let wait = FIRST_TRY_AGAIN * (1 << self.strikes.min(8));
                self.silent_until = Some(now + wait.min(LAST_TRY_AGAIN));
                self.strikes += 1;
                true
            }
            Traffic::Answered(rtt) => {
                self.answered = true;
                self.silent_until = None;
                rtt.is_some_and(|rtt| rtt >= TOO_SLOW)
            }
        };
        self.recent = self.recent << 1 | u8::from(bad);
        if bad {
            self.missed = Some(now);
        }
    }

    /// The network is another, or was away: what it did says little.
    pub(super) fn renewed(&mut self) {
        self.answered = false;
        self.silent_until = None;
    }

    pub(super) fn is_silent(&self, now: Instant) -> bool {
        self.silent_until.is_some_and(|until| now < until)
    }

    pub(super) fn grade(&self, now: Instant) -> Grade {
        let lately = self
            .missed
            .is_some_and(|at| now.since(at) < FORGIVEN_AFTER);
        if lately && self.recent.count_ones() >= POOR_FROM {
            Grade::Poor
        } else {
            Grade::Sound
        }
    }

    fn forgive(&mut self, now: Instant) {
        if self
            .missed
            .is_some_and(|at| now.since(at) >= FORGIVEN_AFTER)
        {
            self.strikes = 0;
            self.recent = 0;
            self.missed = None;
        }
    }
}
