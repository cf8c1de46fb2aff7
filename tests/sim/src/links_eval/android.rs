//! The baseline: Android's AutoDataSwitchController (frameworks/opt/telephony,
//! Android 16), with its stock figures.
//!
//! A card's usable state comes first; on equal states a score by technology and
//! level decides, if the maker turned that on (its tolerance is not -1). What is
//! better has to be so for 10 s (availability) or 120 s (performance), and a move that
//! changes its target, kind or validation starts anew.
//!
//! From the other card data go back to the user's, which is the default:
//!
//! - while the default network is not cellular: after 10 s, not validated;
//! - if its state is better: after 10 s, not validated if the other one is not usable;
//! - on equal usable states: after 10 s, or with performance switching after 120 s and
//!   only with a score that is not lower;
//! - if neither is usable: after 150 s, not validated.
//!
//! From the user's card nothing moves while the default network is not cellular. A move
//! that validation refused is thought of anew after 10 s, doubled each time, and has to
//! be stable again; after seven such times, when something changes.

use std::cmp::Ordering;

use super::phone::{CardView, Observation, Via};
use super::policy::{Decisions, Policy};
use super::radio::ticks;
use super::world::Rat;

const AVAILABILITY_TICKS: usize = ticks(10);
const PERFORMANCE_TICKS: usize = ticks(120);
const NEITHER_USABLE_TICKS: usize = ticks(150);
const RETRY_TICKS: usize = ticks(10);
const MAX_RETRIES: u32 = 7;
/// The user's card.
const DEFAULT: usize = 0;

/// Score by technology and signal level (`auto_data_switch_rat_signal_score_string_bundle`).
const fn score(card: &CardView) -> i32 {
    let table: [i32; 5] = match card.rat {
        Rat::Lte => [3731, 5965, 8618, 11_179, 13_384],
        Rat::Hspa => [1000, 1495, 2186, 2532, 2544],
        Rat::Umts => [100, 169, 183, 192, 300],
        Rat::Edge => [154, 169, 183, 192, 267],
        Rat::Gsm => [1, 2, 10, 50, 100],
    };
    table[if card.level > 4 {
        4
    } else {
        card.level as usize
    }]
}

/// A card's usable state (`UsableState` of `AutoDataSwitchController`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Usable {
    Not,
    Roaming,
    Home,
}

impl Usable {
    const fn of(card: &CardView) -> Self {
        match (card.registered, card.roaming) {
            (true, false) => Self::Home,
            (true, true) if card.may_roam => Self::Roaming,
            _ => Self::Not,
        }
    }
}

/// Which timer a move waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Availability,
    Performance,
    NeitherUsable,
}

impl Kind {
    const fn stability_ticks(self) -> usize {
        match self {
            Self::Availability => AVAILABILITY_TICKS,
            Self::Performance => PERFORMANCE_TICKS,
            Self::NeitherUsable => NEITHER_USABLE_TICKS,
        }
    }
}

/// A move that would be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Move {
    to: usize,
    kind: Kind,
    validated: bool,
}

/// Android's controller.
#[derive(Debug)]
pub struct AutoDataSwitch {
    /// Lead in score for a move by performance; `None`: off, as in stock.
    tolerance: Option<i32>,
    pending: Option<(Move, usize)>,
    failures: u32,
    /// Nothing is thought of before.
    retry_at: Option<usize>,
    /// Given up until the cards tell something else.
    given_up: Option<[CardView; 2]>,
}

impl AutoDataSwitch {
    /// As AOSP ships it: availability only.
    #[must_use]
    pub const fn stock() -> Self {
        Self {
            tolerance: None,
            pending: None,
            failures: 0,
            retry_at: None,
            given_up: None,
        }
    }

    /// With switching by technology and signal, on any lead.
    #[must_use]
    pub const fn with_performance() -> Self {
        Self {
            tolerance: Some(0),
            ..Self::stock()
        }
    }

    fn wanted(&self, seen: &Observation) -> Option<Move> {
        let here = seen.data_card;
        let to = 1 - here;
        let [current, other] = [here, to].map(|card| Usable::of(&seen.cards[card]));
        let lead = score(&seen.cards[to]) - score(&seen.cards[here]);
        let states = other.cmp(&current);
        let wifi = seen.default_network() == Some(Via::Wifi);
        let (kind, validated) = if here == DEFAULT {
            let is_ahead = || self.tolerance.is_some_and(|tolerance| lead > tolerance);
            match states {
                _ if wifi => return None,
                Ordering::Greater => (Kind::Availability, true),
                Ordering::Equal if current > Usable::Not && is_ahead() => (Kind::Performance, true),
                _ => return None,
            }
        } else {
            match states {
                _ if wifi => (Kind::Availability, false),
                Ordering::Greater => (Kind::Availability, current > Usable::Not),
                Ordering::Less => return None,
                Ordering::Equal if current == Usable::Not => (Kind::NeitherUsable, false),
                Ordering::Equal if self.tolerance.is_none() => (Kind::Availability, true),
                Ordering::Equal if lead >= 0 => (Kind::Performance, true),
                Ordering::Equal => return None,
            }
        };
        Some(Move {
            to,
            kind,
            validated,
        })
    }

    fn learn(&mut self, confirmed: bool, seen: &Observation) {
        self.pending = None;
        if confirmed {
            self.failures = 0;
        } else if self.failures < MAX_RETRIES {
            self.retry_at = Some(seen.tick + (RETRY_TICKS << self.failures));
            self.failures += 1;
        } else {
            self.failures = 0;
            self.given_up = Some(seen.cards);
        }
    }

    /// The move whose time has come.
    fn due(&mut self, seen: &Observation) -> Option<Move> {
        if let Some(result) = seen.moved {
            self.learn(result.confirmed, seen);
        }
        self.retry_at = self.retry_at.filter(|at| seen.tick < *at);
        self.given_up = self.given_up.filter(|cards| *cards == seen.cards);
        if seen.moving || self.retry_at.is_some() || self.given_up.is_some() {
            return None;
        }
        let Some(wanted) = self.wanted(seen) else {
            self.pending = None;
            self.failures = 0;
            return None;
        };
        let since = match self.pending {
            Some((pending, since)) if pending == wanted => since,
            _ => seen.tick,
        };
        self.pending = Some((wanted, since));
        (seen.tick >= since + wanted.kind.stability_ticks()).then_some(wanted)
    }
}

impl Policy for AutoDataSwitch {
    fn decide(&mut self, seen: &Observation) -> Decisions {
        let due = self.due(seen);
        Decisions {
            link: seen.default_network(),
            move_to: due.map(|due| due.to),
            unvalidated: due.is_some_and(|due| !due.validated),
            ..Decisions::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::phone::{LinkView, MoveResult};
    use super::*;

    const GOOD: CardView = CardView {
        registered: true,
        roaming: false,
        may_roam: false,
        rat: Rat::Lte,
        level: 4,
        spent: false,
    };
    const SLOW: CardView = CardView {
        rat: Rat::Edge,
        ..GOOD
    };
    const OUT: CardView = CardView {
        registered: false,
        level: 0,
        ..GOOD
    };

    fn seen(tick: usize, data_card: usize, cards: [CardView; 2], wifi: bool) -> Observation {
        let link = |via| LinkView {
            via,
            validated: true,
            handle: 1,
        };
        let mut links = vec![link(Via::Card(data_card))];
        links.extend(wifi.then(|| link(Via::Wifi)));
        Observation {
            tick,
            cards,
            data_card,
            moving: false,
            moved: None,
            links,
        }
    }

    /// After how many seconds data leave `from`, and whether unvalidated.
    fn leaves(
        mut policy: AutoDataSwitch,
        from: usize,
        cards: [CardView; 2],
        wifi: bool,
    ) -> Option<(usize, bool)> {
        (0..ticks(200)).find_map(|tick| {
            let decisions = policy.decide(&seen(tick, from, cards, wifi));
            let card = decisions.move_to?;
            assert_eq!(card, 1 - from);
            Some((tick / ticks(1), decisions.unvalidated))
        })
    }

    #[test]
    fn every_move_waits_for_its_timer() {
        let (stock, fast) = (AutoDataSwitch::stock, AutoDataSwitch::with_performance);
        for (policy, from, cards, wifi, expected) in [
            (stock(), 0, [OUT, GOOD], false, Some((10, false))),
            (stock(), 0, [OUT, GOOD], true, None),
            (stock(), 0, [SLOW, GOOD], false, None),
            (fast(), 0, [SLOW, GOOD], false, Some((120, false))),
            (stock(), 1, [SLOW, GOOD], false, Some((10, false))),
            (fast(), 1, [SLOW, GOOD], false, None),
            (fast(), 1, [GOOD, GOOD], false, Some((120, false))),
            (stock(), 1, [GOOD, OUT], false, Some((10, true))),
            (stock(), 1, [OUT, GOOD], false, None),
            (fast(), 1, [OUT, OUT], false, Some((150, true))),
            (stock(), 1, [OUT, GOOD], true, Some((10, true))),
        ] {
            assert_eq!(
                leaves(policy, from, cards, wifi),
                expected,
                "from {from}, Wi-Fi {wifi}: {cards:?}"
            );
        }
    }

    #[test]
    fn a_move_that_is_refused_is_tried_seven_times_more_and_again_after_a_change() {
        let mut policy = AutoDataSwitch::stock();
        let mut moved = None;
        let mut asked = Vec::new();
        for tick in 0..ticks(3_000) {
            let mut now = seen(tick, 0, [OUT, GOOD], false);
            now.cards[1].level = if tick < ticks(2_500) { 4 } else { 3 };
            now.moved = moved.take();
            if let Some(card) = policy.decide(&now).move_to {
                asked.push(tick);
                moved = Some(MoveResult {
                    card,
                    confirmed: false,
                });
            }
        }
        // Each time 10 s doubled and 10 s of stability, from the tick on which it is refused.
        let gaps: Vec<usize> = asked.windows(2).map(|two| two[1] - two[0] - 1).collect();
        assert_eq!(asked[0], ticks(10));
        assert_eq!(gaps[..7], [20, 30, 50, 90, 170, 330, 650].map(ticks));
        assert_eq!(asked[8], ticks(2_510));
    }
}
