//! Which card carries mobile data: when to ask the agent to move it, and what
//! becomes of the request.
//!
//! Owns the request that is under way, the patience, and what is held against
//! a card. Never compares cards: see [`super::rank::CardRank`].

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
/// Coming back to a card within this time is flapping.
const FLAP_WINDOW: Duration = Duration::from_secs(10 * 60);
/// What is held against a card is forgotten, one strike in this time.
const STRIKE_FADES: Duration = Duration::from_secs(60 * 60);
/// Doublings of patience, at most.
const MAX_DOUBLINGS: u32 = 5;

/// Patience with silence after one futile move, doubled for each further one.
const FUTILE_PATIENCE: Duration = Duration::from_secs(120);

/// How long a reason has to last before data move for it.
const fn patience(because: Because) -> Duration {
    Duration::from_secs(match because {
        // Away at once from what is dead. Cells come back within a second or
        // two after a failed hand-over (3GPP TS 36.331, T311).
        Because::Coverage => 1,
        // An answer has been missing for at least 5 s already.
        Because::Reach => 1,
        Because::Price => 60,
        Because::Health => 30,
        // Mere gains.
        Because::Steadiness => 120,
        Because::UsersChoice => 900,
        _ => 300,
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

const SHAKIER: Duration = Duration::from_secs(15);
const HOMECOMING: Duration = Duration::from_secs(150);
const HD: u32 = 0;
const FLAPS: u32 = 0;
const HOURLY: usize = 10;
const TIRED: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(super) struct Mover {
    history: std::collections::VecDeque<Instant>,
    /// Data are here now, as far as known.
    pub(super) carrier: Option<u8>,
    asked: Option<Asked>,
    better: Option<Better>,
    moved: Option<Instant>,
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
    /// How often data came back to it while that was flapping.
    returns: u32,
}

impl Record {
    fn strikes(&self, now: Instant) -> u32 {
        let Some(left) = self.left else { return 0 };
        let faded = now.since(left).as_secs() / STRIKE_FADES.as_secs();
        self.strikes
            .saturating_sub(u32::try_from(faded).unwrap_or(u32::MAX))
    }

    fn doublings(&self, now: Instant, because: Because) -> u32 {
        let flaps = match self.left {
            Some(left) if now.since(left) < FLAP_WINDOW => self.returns,
            _ => 0,
        };
        match because {
            // From what is dead: only flapping makes one wait.
            Because::Coverage | Because::Reach => flaps.min(FLAPS),
            Because::Steadiness => 0,
            _ => self.strikes(now).min(MAX_DOUBLINGS),
        }
    }
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

    pub(super) fn is_refused(&self, now: Instant, slot: u8) -> bool {
        self.cards
            .get(usize::from(slot))
            .and_then(|record| record.refused_until)
            .is_some_and(|until| now < until)
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
        slot: u8,
        because: Because,
        shakier: bool,
        faster: bool,
    ) -> Result<DataMove, Instant> {
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
        let wait = if because == Because::Reach && self.futile > 0 {
            FUTILE_PATIENCE * (1 << (self.futile - 1).min(MAX_DOUBLINGS))
        } else {
            patience(because) * (1 << record.doublings(now, because))
        };
        let wait = if faster && because == Because::UsersChoice { HOMECOMING * (1 << record.strikes(now).min(HD)) } else { wait };
        let wait = if shakier { wait.max(SHAKIER) } else { wait };
        let lately = self.history.iter().filter(|at| now.since(**at) < Duration::from_secs(3600)).count();
        let wait = if lately >= HOURLY { wait.max(TIRED) } else { wait };
        let rested = self.moved.map_or(now, |moved| moved + SETTLE);
        let refused = record.refused_until.unwrap_or(now);
        let due = (since + wait).max(rested).max(refused);
        if now < due {
            return Err(due);
        }
        self.leave(now, slot, because);
        self.history.push_back(now);
        if self.history.len() > 32 { self.history.pop_front(); }
        self.better = None;
        self.unproven = because == Because::Reach;
        self.asked = Some(Asked {
            slot,
            deadline: now + MOVE_TIMEOUT,
        });
        Ok(DataMove { slot, because })
    }

    /// Data go to another card: what this says of both.
    fn leave(&mut self, now: Instant, to: u8, because: Because) {
        if let Some(record) = self.cards.get_mut(usize::from(to)) {
            let flapping = record
                .left
                .is_some_and(|left| now.since(left) < FLAP_WINDOW);
            record.returns = if flapping { record.returns + 1 } else { 0 };
        }
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
