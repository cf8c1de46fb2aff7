//! The baseline: Android's AutoDataSwitchController (frameworks/opt/telephony,
//! Android 14 to 16), with its stock figures.
//!
//! A card's usable state comes first; on equal states a score by technology and
//! level decides, if the maker turned that on (its tolerance is not -1). What is
//! better has to be so for 10 s (availability), 120 s (performance) or 150 s
//! (back to the user's card), and a target that changes starts anew. A move that is
//! not validated is tried again after 10 s, doubled each time, seven times.
//! Nothing moves while the default network is not cellular.

use std::cmp::Ordering;

use super::phone::{CardView, Observation, Via};
use super::policy::{Decisions, Policy};
use super::radio::ticks;
use super::world::Rat;

const AVAILABILITY_TICKS: usize = ticks(10);
const PERFORMANCE_TICKS: usize = ticks(120);
const SWITCH_BACK_TICKS: usize = ticks(150);
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

/// Why it wants to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Availability,
    Performance,
    SwitchBack,
}

impl Kind {
    const fn stability_ticks(self) -> usize {
        match self {
            Self::Availability => AVAILABILITY_TICKS,
            Self::Performance => PERFORMANCE_TICKS,
            Self::SwitchBack => SWITCH_BACK_TICKS,
        }
    }
}

/// Android's controller.
#[derive(Debug)]
pub struct AutoDataSwitch {
    /// Lead in score for a move by performance; `None`: off, as in stock.
    tolerance: Option<i32>,
    pending: Option<(usize, Kind, usize)>,
    failures: u32,
    retry_at: Option<usize>,
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

    fn target(&self, seen: &Observation) -> Option<(usize, Kind)> {
        if seen.default_network() == Some(Via::Wifi) {
            return None;
        }
        let here = seen.data_card;
        let other = 1 - here;
        let usable = |card: usize| Usable::of(&seen.cards[card]);
        let lead = score(&seen.cards[other]) - score(&seen.cards[here]);
        if here == DEFAULT {
            return match usable(other).cmp(&usable(here)) {
                Ordering::Greater => Some((other, Kind::Availability)),
                Ordering::Equal
                    if usable(here) > Usable::Not
                        && self.tolerance.is_some_and(|tolerance| lead > tolerance) =>
                {
                    Some((other, Kind::Performance))
                }
                _ => None,
            };
        }
        match usable(DEFAULT).cmp(&usable(here)) {
            Ordering::Greater => Some((DEFAULT, Kind::Availability)),
            Ordering::Less => None,
            // Equal states: back home, unless its score is lower.
            _ if self.tolerance.is_some() && lead < 0 => None,
            _ => Some((DEFAULT, Kind::SwitchBack)),
        }
    }
}

impl Policy for AutoDataSwitch {
    fn decide(&mut self, seen: &Observation) -> Decisions {
        let link = seen.default_network();
        if let Some(result) = seen.moved {
            if result.confirmed {
                self.failures = 0;
                self.retry_at = None;
            } else {
                self.retry_at = Some(seen.tick + (RETRY_TICKS << self.failures.min(MAX_RETRIES)));
                self.failures += 1;
            }
            self.pending = None;
        }
        let target = self.target(seen);
        let move_to = match target {
            None => {
                self.pending = None;
                self.failures = 0;
                self.retry_at = None;
                None
            }
            Some(_) if seen.moving || self.failures > MAX_RETRIES => None,
            Some((card, kind)) => {
                let since = match self.pending {
                    Some((to, of, since)) if to == card && of == kind => since,
                    _ => seen.tick,
                };
                self.pending = Some((card, kind, since));
                let due = match self.retry_at {
                    Some(at) => at,
                    None => since + kind.stability_ticks(),
                };
                (seen.tick >= due).then_some(card)
            }
        };
        Decisions {
            link,
            move_to,
            ..Decisions::default()
        }
    }
}
