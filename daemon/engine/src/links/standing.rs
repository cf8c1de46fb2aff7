//! Two cards side by side: what counts of one only beside the other.

use super::rank::{CardRank, Price, Steadiness};
use super::sim::Bundle;
use crate::link::Generation;

/// A card has to have lost coverage so much less often to be steadier: once may be chance.
const STEADIER_BY: usize = 2;
/// A card that lost coverage so often in half an hour flaps: every five minutes.
const FLAPPING_FROM: usize = 6;

/// Whether one that lost coverage so often in half an hour does.
pub(super) const fn flaps(losses: usize) -> bool {
    losses >= FLAPPING_FROM
}

/// What is known of a card as the carrier of data.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// As if it were alone.
    pub(super) rank: CardRank,
    pub(super) bundle: Bundle,
    /// How often it lost coverage in the last half hour.
    pub(super) losses: usize,
    /// Data left it because it did not answer, and it has not since: that it has coverage
    /// says nothing of it.
    pub(super) unanswered: bool,
}

impl Standing {
    /// The ranks of this card and of that one, as they compare.
    pub(super) fn beside(&self, here: &Self) -> (CardRank, CardRank) {
        let (mut there, mut other) = (self.rank, here.rank);
        if there.speed == Generation::Unknown || other.speed == Generation::Unknown {
            // A radio that nobody names is neither faster nor slower.
            (there.pace, there.speed) = (other.pace, other.speed);
        }
        if self.is_untold_beside(here) {
            there.price = there.price.min(Price::Untold);
        } else if here.is_untold_beside(self) {
            other.price = other.price.min(Price::Untold);
        }
        there.coverage = if self.is_steadier_than(here) {
            Steadiness::Steadier
        } else if here.is_steadier_than(self) {
            Steadiness::Shakier
        } else {
            Steadiness::Alike
        };
        (there, other)
    }

    /// Whether both lose coverage so often that moving is no cure.
    pub(super) const fn both_flap(&self, other: &Self) -> bool {
        flaps(self.losses) && flaps(other.losses)
    }

    /// A loss costs the same however long it lasts, since data move: so it is counted, not
    /// timed. GPRS stalls at every change of cell, which no coverage tells.
    fn is_steadier_than(&self, other: &Self) -> bool {
        let gprs = |it: &Self| it.rank.speed == Generation::G2;
        self.losses + STEADIER_BY <= other.losses
            && !self.unanswered
            && (!gprs(self) || gprs(other))
    }

    /// The other card has data left, and of this one, which the user did not choose, nobody
    /// tells.
    fn is_untold_beside(&self, other: &Self) -> bool {
        self.bundle == Bundle::Unknown && other.bundle == Bundle::Within && !self.rank.users_choice
    }
}
