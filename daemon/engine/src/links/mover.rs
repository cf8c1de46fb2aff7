//! Which card carries mobile data: when to ask the agent to move it, and what
//! becomes of the request.
//!
//! Owns the request that is under way, the patience, and what is held against
//! a card. Never compares cards: see [`super::rank::CardRank`].

use std::collections::VecDeque;
use std::time::Duration;

use super::because::Because;
use super::health::Traffic;
use crate::limits::MAX_DATA_CARDS;
use crate::time::Instant;

/// A move takes 1 to 7 s; validation by the system another 5 s. What is not
/// confirmed by then has failed.
const MOVE_TIMEOUT: Duration = Duration::from_secs(20);
/// After a move that failed its card is left alone for so long; doubled each
/// time, up to [`MAX_REFUSED`].
const FIRST_REFUSED: Duration = Duration::from_secs(60);
const MAX_REFUSED: Duration = Duration::from_secs(60 * 60);
/// Data rest at least so long on a card, whatever happens: the card's first
/// traffic has to have a chance.
const SETTLE: Duration = Duration::from_secs(10);
/// What is held against a card is forgotten, one strike in this time.
const STRIKE_FADES: Duration = Duration::from_secs(60 * 60);
/// Doublings of patience, at most.
const MAX_DOUBLINGS: u32 = 5;
/// Patience with silence after one futile move, doubled for each further one.
const FUTILE_PATIENCE: Duration = Duration::from_secs(120);
/// Patience with lost coverage if the other card loses it more often: this
/// card is the likelier to be back for good. As long as most holes in a city.
const SHAKIER_PATIENCE: Duration = Duration::from_secs(15);
/// Patience if the other card's signal is at the lowest level: it may be in
/// the same hole, and its modem not have told yet, which takes it up to 6 s.
const FAINT_PATIENCE: Duration = Duration::from_secs(8);
/// From so many moves in an hour on, nothing is moved with less patience than
/// [`TIRED_PATIENCE`]: where both cards flap, moving is no cure. Android's
/// own switching needs eight on a commute.
const TIRED_AFTER: usize = 10;
const TIRED_WINDOW: Duration = Duration::from_secs(60 * 60);
const TIRED_PATIENCE: Duration = Duration::from_secs(30);
/// Patience for the way back to the user's card from GPRS, which stalls at
/// every change of cell. Android's own for the way back.
const HOMECOMING_PATIENCE: Duration = Duration::from_secs(150);

/// How long a reason has to last before data move for it.
const fn patience(because: Because) -> Duration {
    Duration::from_secs(match because {
        // Away at once from what is dead: the modem has searched for some
        // seconds before it told.
        Because::Coverage => 1,
        // An answer has been missing for at least 5 s already.
        Because::Reach => 1,
        Because::Price => 60,
        Because::Health => 30,
        // Mere gains. Android's own patience with performance.
        Because::UsersChoice => 900,
        _ => 120,
    })
}

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
    history: VecDeque<Instant>,
    /// Data were moved for silence, and nothing was answered since.
    unproven: bool,
    /// Such moves that ended in silence, in a row.
    futile: u32,
    cards: [Record; MAX_DATA_CARDS],
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    slot: u8,
    deadline: Instant,
}

/// A card that is better, since when, and why.
#[derive(Debug, Clone, Copy)]
struct Better {
    slot: u8,
    because: Because,
    since: Instant,
}

/// What is remembered of a card.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Record {
    /// A move to it failed: not before.
    refused_until: Option<Instant>,
    failures: u32,
    /// Data left it because it did not carry them.
    left: Option<Instant>,
    strikes: u32,
}

impl Record {
    fn strikes(&self, now: Instant) -> u32 {
        let Some(left) = self.left else { return 0 };
        let faded = now.since(left).as_secs() / STRIKE_FADES.as_secs();
        self.strikes
            .saturating_sub(u32::try_from(faded).unwrap_or(u32::MAX))
    }

    /// How often patience with this card doubles.
    fn doublings(&self, now: Instant, because: Because) -> u32 {
        let strikes = self.strikes(now);
        match because {
            // The other is dead, or this one has proved its worth since.
            Because::Coverage | Because::Reach | Because::Steadiness => 0,
            // A fast card that failed is no gain.
            Because::Speed if strikes > 0 => MAX_DOUBLINGS,
            _ => strikes.min(MAX_DOUBLINGS),
        }
    }
}

/// A card that is better than the one that carries data, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) slot: u8,
    /// The class that decides.
    pub(super) because: Because,
    /// It loses coverage more often.
    pub(super) shakier: bool,
    /// Its signal is at the lowest level.
    pub(super) faint: bool,
    /// Data are on GPRS, and this is faster.
    pub(super) off_gprs: bool,
}

impl Mover {
    pub(super) fn is_moving(&self) -> bool {
        self.asked.is_some()
    }

    /// Data were found on this card.
    pub(super) fn found(&mut self, now: Instant, slot: u8) {
        let asked_for = self.asked.is_some_and(|asked| asked.slot == slot);
        if asked_for {
            self.asked = None;
            if let Some(record) = self.cards.get_mut(usize::from(slot)) {
                record.failures = 0;
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

    /// The agent could not move data to this card.
    pub(super) fn failed(&mut self, now: Instant, slot: u8) {
        if self.asked.is_some_and(|asked| asked.slot == slot) {
            self.asked = None;
            self.better = None;
            if let Some(record) = self.cards.get_mut(usize::from(slot)) {
                let wait = FIRST_REFUSED * (1 << record.failures.min(8));
                record.refused_until = Some(now + wait.min(MAX_REFUSED));
                record.failures += 1;
            }
        }
    }

    /// What became of traffic over the data of this card.
    pub(super) fn traffic(&mut self, slot: u8, traffic: Traffic) {
        if self.carrier != Some(slot) || self.asked.is_some() {
            return;
        }
        match traffic {
            Traffic::Answered(_) => self.futile = 0,
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

    /// Until when no data are moved to this card, because the last time failed.
    pub(super) fn refused_until(&self, slot: u8) -> Option<Instant> {
        self.cards.get(usize::from(slot))?.refused_until
    }

    /// A request that nobody answered has failed. Returns when to look again.
    pub(super) fn check(&mut self, now: Instant) -> Option<Instant> {
        let asked = self.asked?;
        if now >= asked.deadline {
            self.failed(now, asked.slot);
            return None;
        }
        Some(asked.deadline)
    }

    /// No card is better than the one that carries.
    pub(super) fn nothing_better(&mut self) {
        self.better = None;
    }

    /// This card is better. Returns the request once that has lasted, or else
    /// when to look again.
    pub(super) fn better(
        &mut self,
        now: Instant,
        candidate: Candidate,
    ) -> Result<DataMove, Instant> {
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
        let Some(record) = self.cards.get(usize::from(slot)).copied() else {
            return Err(now + MAX_REFUSED);
        };
        let rested = self.moved.map_or(now, |moved| moved + SETTLE);
        let refused = record.refused_until.unwrap_or(now);
        let due = (since + self.patience(now, candidate, record))
            .max(rested)
            .max(refused);
        if now < due {
            return Err(due);
        }
        self.leave(now, because);
        self.better = None;
        self.unproven = because == Because::Reach;
        self.asked = Some(Asked {
            slot,
            deadline: now + MOVE_TIMEOUT,
        });
        if self.history.len() >= TIRED_AFTER {
            self.history.pop_front();
        }
        self.history.push_back(now);
        Ok(DataMove { slot, because })
    }

    fn patience(&self, now: Instant, candidate: Candidate, record: Record) -> Duration {
        let doubled = patience(candidate.because) * (1 << record.doublings(now, candidate.because));
        let patience = match candidate.because {
            Because::Reach if self.futile > 0 => {
                FUTILE_PATIENCE * (1 << (self.futile - 1).min(MAX_DOUBLINGS))
            }
            Because::UsersChoice if candidate.off_gprs => HOMECOMING_PATIENCE,
            Because::Coverage | Because::Reach if candidate.shakier => {
                doubled.max(SHAKIER_PATIENCE)
            }
            Because::Coverage | Because::Reach if candidate.faint => doubled.max(FAINT_PATIENCE),
            _ => doubled,
        };
        let lately = self
            .history
            .iter()
            .filter(|at| now.since(**at) < TIRED_WINDOW)
            .count();
        if lately >= TIRED_AFTER {
            patience.max(TIRED_PATIENCE)
        } else {
            patience
        }
    }

    /// Data go to another card: what this says of the one they leave.
    fn leave(&mut self, now: Instant, because: Because) {
        let for_cause = matches!(
            because,
            Because::Coverage | Because::Reach | Because::Health
        );
        let from = self.carrier.map(usize::from);
        if let Some(record) = from.and_then(|from| self.cards.get_mut(from)) {
            if for_cause {
                record.strikes = record.strikes(now) + 1;
            }
            record.left = Some(now);
        }
    }
}
