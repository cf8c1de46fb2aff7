//! How links compare: by named classes in order, never by a weighted sum.

use crate::link::{Generation, Link, LinkKind};

/// A candidate's rank; the greatest carries the session. Fields are compared
/// in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    reach: Reach,
    price: Price,
    speed: Generation,
    incumbent: bool,
}

/// Whether the internet was reached over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Unvalidated,
    Validated,
}

/// What data cost on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Price {
    Metered,
    Free,
}

impl Rank {
    /// `None` if the link cannot be used at all.
    pub(crate) fn of(link: &Link, incumbent: bool) -> Option<Self> {
        if !link.up {
            return None;
        }
        Some(Self {
            reach: if link.validated {
                Reach::Validated
            } else {
                Reach::Unvalidated
            },
            price: if link.metered {
                Price::Metered
            } else {
                Price::Free
            },
            speed: match link.kind {
                // Not a radio generation, but better than any.
                LinkKind::Wifi | LinkKind::Ethernet => Generation::G5,
                LinkKind::Cellular { .. } => link.generation,
            },
            incumbent,
        })
    }

    /// The first class in which `self` beats `other`, in plain words.
    pub(crate) fn reason_over(&self, other: &Self) -> &'static str {
        if self.reach != other.reach {
            "it reaches the internet"
        } else if self.price != other.price {
            "its data cost nothing"
        } else if self.speed != other.speed {
            "it is of a faster generation"
        } else {
            "it carried the session already"
        }
    }
}
