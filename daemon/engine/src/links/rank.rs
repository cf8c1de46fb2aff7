//! How links compare, and how cards compare: by named classes in order, never
//! by a weighted sum.

use super::because::Because;
use super::health::Grade;
use super::sim::{Bundle, Service, SimData};
use crate::link::{Generation, Link, LinkKind};

/// A link's rank; the greatest carries the session. Fields are compared in
/// this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) reach: Reach,
    price: Price,
    health: Grade,
    speed: Speed,
    incumbent: bool,
}

/// What a link's radio is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Speed {
    /// Mobile data of this generation.
    Mobile(Generation),
    /// Wi-Fi or wire: steadier than any mobile radio, and cheaper for the battery.
    Local,
}

/// Whether the internet was reached over a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// Our own traffic is not answered, whatever the system says.
    Silent,
    /// The system has not reached the internet, nor have we.
    Unproven,
    /// The system has, or our own traffic was answered.
    Reached,
}

/// What data cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Price {
    /// The bundle is spent.
    OutOfBundle,
    /// In a foreign network.
    Roaming,
    /// Nobody tells whether the bundle is spent, where the other card has data left.
    Untold,
    /// They count.
    Metered,
    /// They do not count, at home.
    Free,
}

impl Rank {
    pub(super) fn of(
        link: &Link,
        reach: Reach,
        health: Grade,
        bundle: Bundle,
        incumbent: bool,
    ) -> Self {
        Self {
            reach,
            // A network may be unmetered for now, and yet abroad.
            price: match bundle {
                Bundle::Spent => Price::OutOfBundle,
                _ if link.roaming => Price::Roaming,
                _ if !link.metered => Price::Free,
                Bundle::Unknown | Bundle::Within => Price::Metered,
            },
            health,
            speed: match link.kind {
                LinkKind::Wifi | LinkKind::Ethernet => Speed::Local,
                LinkKind::Cellular { .. } => Speed::Mobile(link.generation),
            },
            incumbent,
        }
    }

    /// The first class in which `self` beats `other`.
    pub(super) fn because(&self, other: &Self) -> Because {
        if self.reach != other.reach {
            Because::Reach
        } else if self.price != other.price {
            Because::Price
        } else if self.health != other.health {
            Because::Health
        } else if self.speed != other.speed {
            Because::Speed
        } else {
            Because::Incumbent
        }
    }
}

/// A card's rank as the carrier of mobile data, beside another's
/// ([`super::standing::Standing::beside`]). To move data to a card, it has to be greater, not
/// equal. The user's choice is overruled for a radio of another class, not for a slightly
/// faster one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CardRank {
    pub(super) ground: Ground,
    pub(super) price: Price,
    health: Grade,
    pub(super) coverage: Steadiness,
    pub(super) pace: Pace,
    pub(super) users_choice: bool,
    pub(super) speed: Generation,
}

/// Whether a card's data can be expected to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ground {
    /// No coverage, or the user does not allow it.
    None,
    /// Registered, but nothing was reached.
    Silent,
    /// Registered, and nothing is known against it.
    Working,
}

/// How often a card lost coverage lately, beside the other. A phone knows it of both cards at
/// any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Steadiness {
    /// More often.
    Shakier,
    /// About as often.
    Alike,
    /// Less often.
    Steadier,
}

/// What its radio is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Pace {
    /// GPRS, EDGE.
    Narrow,
    /// UMTS, HSPA.
    Middling,
    /// LTE, NR.
    Broad,
}

impl CardRank {
    /// As if it were alone.
    pub(super) fn of(sim: &SimData, ground: Ground, health: Grade) -> Self {
        Self {
            ground,
            price: match (sim.bundle, sim.service) {
                (Bundle::Spent, _) => Price::OutOfBundle,
                (_, Service::Roaming) => Price::Roaming,
                _ => Price::Metered,
            },
            health,
            coverage: Steadiness::Alike,
            pace: match sim.generation {
                Generation::Unknown | Generation::G2 | Generation::G2_5 => Pace::Narrow,
                Generation::G3 => Pace::Middling,
                Generation::G4 | Generation::G5 => Pace::Broad,
            },
            users_choice: sim.default_data,
            speed: sim.generation,
        }
    }

    /// The first class in which `self` beats `other`.
    pub(super) fn because(&self, other: &Self) -> Because {
        if self.ground != other.ground {
            match other.ground {
                Ground::None => Because::Coverage,
                Ground::Silent | Ground::Working => Because::Reach,
            }
        } else if self.price != other.price {
            Because::Price
        } else if self.health != other.health {
            Because::Health
        } else if self.coverage != other.coverage {
            Because::Steadiness
        } else if self.pace != other.pace {
            Because::Speed
        } else if self.users_choice != other.users_choice {
            Because::UsersChoice
        } else {
            Because::Speed
        }
    }
}
