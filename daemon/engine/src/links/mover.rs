//! Which card carries mobile data: when to ask the agent to move it, and what
//! becomes of the request.
//!
//! Owns the request that is under way, and what is held against a card. Never compares
//! cards: see [`super::standing`]; how long a reason has to last, says [`super::patience`].

use std::collections::VecDeque;
use std::time::Duration;

use super::because::Because;
use super::health::Traffic;
use super::memory::{Memory, Record};
use super::patience::MAX_DOUBLINGS;
use crate::time::Instant;

/// A move takes 1 to 7 s; validation by the system another 5 s. What is not
/// confirmed by then has failed.
const MOVE_TIMEOUT: Duration = Duration::from_secs(20);
/// After a move that failed its card is left alone for so long; doubled each
/// time, up to [`MAX_REFUSED`], until our traffic is answered over it: a card at the edge
/// of its cell may bring its link up and lose it again at every try.
const FIRST_REFUSED: Duration = Duration::from_secs(60);
const MAX_REFUSED: Duration = Duration::from_secs(60 * 60);
/// Data rest at least so long on a card, whatever happens: the card's first
/// traffic has to have a chance.
const SETTLE: Duration = Duration::from_secs(10);
/// Patience with silence after one futile move, doubled for each further one.
const FUTILE_PATIENCE: Duration = Duration::from_secs(120);
/// From so many moves in an hour on, nothing is moved with less patience than
/// [`TIRED_PATIENCE`], whatever the reasons: the limit of what nobody thought of. Android's own
/// switching needs eleven on a commute.
pub(super) const TIRED_AFTER: usize = 15;
const TIRED_WINDOW: Duration = Duration::from_secs(60 * 60);
/// Also where both cards flap: moving is no cure.
const TIRED_PATIENCE: Duration = Duration::from_secs(30);

/// Ask the agent to move mobile data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataMove {
    /// To the card in this slot.
    pub slot: u8,
    /// Why.
    pub because: Because,
}

#[derive(Debug, Default)]
pub(super) struct Mover {
    /// Data are here now, as far as known.
    pub(super) carrier: Option<u8>,
    asked: Option<Asked>,
    better: Option<Better>,
    moved: Option<Instant>,
    /// When data were last asked to move, oldest first.
    pub(super) history: VecDeque<Instant>,
    /// Data were moved for silence, and nothing was answered since.
    pub(super) unproven: bool,
    /// Such moves that ended in silence, in a row.
    pub(super) futile: u32,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    slot: u8,
    because: Because,
    deadline: Instant,
}

/// A card that is better, since when, and why.
#[derive(Debug, Clone, Copy)]
struct Better {
    slot: u8,
    because: Because,
    since: Instant,
}

/// A card that is better than the one that carries data, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) slot: u8,
    /// The class that decides.
    pub(super) because: Because,
    /// How long it has to last, by itself.
    pub(super) patience: Duration,
    /// Both cards lose coverage often.
    pub(super) both_flap: bool,
}

impl Mover {
    pub(super) fn is_moving(&self) -> bool {
        self.asked.is_some()
    }

    /// Data were found on this card.
    pub(super) fn found(&mut self, now: Instant, slot: u8, memory: &mut Memory) {
        if let Some(asked) = self.asked.take_if(|asked| asked.slot == slot) {
            if self.carrier != Some(slot) {
                self.leave(now, asked.because, memory);
            }
            self.unproven = asked.because == Because::Reach;
            // What failed before still counts: that they are there says little.
            let refused = memory
                .card(slot)
                .is_some_and(|it| it.refused_until.is_some());
            if refused && let Some(record) = memory.note_card(slot, now) {
                record.refused_until = None;
            }
        }
        if self.carrier != Some(slot) {
            // By us, by the user or by the system: it rests there for a while.
            self.carrier = Some(slot);
            self.moved = Some(now);
            self.better = None;
        }
    }

    /// The agent could not move data to this card, be it that a daemon asked that has
    /// been restarted since.
    pub(super) fn failed(&mut self, now: Instant, slot: u8, memory: &mut Memory) {
        if self.asked.is_some_and(|asked| asked.slot == slot) {
            self.asked = None;
            self.better = None;
        } else if memory
            .card(slot)
            .and_then(|record| record.refused_until)
            .is_some_and(|until| now < until)
        {
            // It took too long, and counted as failed then.
            return;
        }
        if let Some(record) = memory.note_card(slot, now) {
            let wait = FIRST_REFUSED * (1 << record.failures.min(8));
            record.refused_until = Some(now + wait.min(MAX_REFUSED));
            record.failures += 1;
        }
    }

    /// What became of traffic over the data of this card.
    pub(super) fn traffic(
        &mut self,
        now: Instant,
        slot: u8,
        traffic: Traffic,
        memory: &mut Memory,
    ) {
        if self.carrier != Some(slot) || self.asked.is_some() {
            return;
        }
        match traffic {
            Traffic::Answered(_) => {
                self.futile = 0;
                let blamed = |record: &Record| record.failures > 0 || record.unanswered;
                if memory.card(slot).is_some_and(blamed)
                    && let Some(record) = memory.note_card(slot, now)
                {
                    record.failures = 0;
                    record.unanswered = false;
                }
            }
            Traffic::Missing if self.unproven => self.futile += 1,
            Traffic::Missing => {}
        }
        self.unproven = false;
    }

    /// Nobody is there who could answer.
    pub(super) fn agent_gone(&mut self) {
        self.asked = None;
        self.better = None;
    }

    /// A request that nobody answered has failed. Returns when to look again.
    pub(super) fn check(&mut self, now: Instant, memory: &mut Memory) -> Option<Instant> {
        let asked = self.asked?;
        if now >= asked.deadline {
            self.failed(now, asked.slot, memory);
            return None;
        }
        Some(asked.deadline)
    }

    /// No card is better than the one that carries.
    pub(super) fn nothing_better(&mut self) {
        self.better = None;
    }

    /// This card is better. Returns when to ask for its data, if it still is then.
    pub(super) fn better(
        &mut self,
        now: Instant,
        candidate: Candidate,
        memory: &Memory,
    ) -> Instant {
        let Candidate { slot, because, .. } = candidate;
        let since = match self.better {
            Some(better) if better.slot == slot && better.because == because => better.since,
            _ => now,
        };
        self.better = Some(Better {
            slot,
            because,
            since,
        });
        let refused = memory.card(slot).and_then(|record| record.refused_until);
        let rested = self.moved.map_or(now, |moved| moved + SETTLE);
        (since + self.patience(now, candidate))
            .max(rested)
            .max(refused.unwrap_or(now))
    }

    /// Data are asked to move. Returns when that has failed.
    pub(super) fn ask(&mut self, now: Instant, request: DataMove) -> Instant {
        let DataMove { slot, because } = request;
        self.better = None;
        let deadline = now + MOVE_TIMEOUT;
        self.asked = Some(Asked {
            slot,
            because,
            deadline,
        });
        if self.history.len() >= TIRED_AFTER {
            self.history.pop_front();
        }
        self.history.push_back(now);
        deadline
    }

    fn patience(&self, now: Instant, candidate: Candidate) -> Duration {
        let patience = match candidate.because {
            Because::Reach if self.futile > 0 => {
                FUTILE_PATIENCE * (1 << (self.futile - 1).min(MAX_DOUBLINGS))
            }
            _ => candidate.patience,
        };
        let lately = |at: &&Instant| now.since(**at) < TIRED_WINDOW;
        if candidate.both_flap || self.history.iter().filter(lately).count() >= TIRED_AFTER {
            patience.max(TIRED_PATIENCE)
        } else {
            patience
        }
    }

    /// Data went to another card: what this says of the one they left.
    fn leave(&self, now: Instant, because: Because, memory: &mut Memory) {
        let for_cause = matches!(
            because,
            Because::Coverage | Because::Reach | Because::Health
        );
        let left = self.carrier.and_then(|slot| memory.note_card(slot, now));
        if let Some(record) = left {
            if for_cause {
                record.strikes = record.strikes(now) + 1;
            }
            record.unanswered |= matches!(because, Because::Reach | Because::Health);
            record.left = Some(now);
        }
    }
}
