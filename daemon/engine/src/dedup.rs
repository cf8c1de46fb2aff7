//! The duplicate test of one incoming lane (DELIVERY 10): a high-water mark
//! and the gaps below it.
//!
//! ```text
//!   lane_seq   1 2 3 . . 6 7 . 9 | 10 11 …
//!                    gap     gap ^ high-water
//! ```
//!
//! Pure data; both stores keep it with the lane and ask it inside their
//! transaction. When gaps exceed their limit the lowest is forgotten, and for
//! places in it the answer is [`Seen::Ask`]: the history's index decides.

use twine_proto::LaneSeq;

use crate::limits::MAX_GAPS_PER_LANE;

/// Which places of a lane were taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeenPlaces {
    high_water: u64,
    /// Open gaps as inclusive ranges, ascending, disjoint.
    gaps: Vec<(u64, u64)>,
    /// Places up to here are not known exactly: a gap was forgotten.
    forgotten: u64,
}

/// The answer for one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Not taken before; taken now.
    New,
    /// Taken before.
    Before,
    /// Not known here: look the name up in the history.
    Ask,
}

impl SeenPlaces {
    /// Takes a place and says whether it was free.
    pub fn take(&mut self, place: LaneSeq) -> Seen {
        let place = place.get();
        if place > self.high_water {
            if place > self.high_water + 1 {
                self.gaps.push((self.high_water + 1, place - 1));
            }
            self.high_water = place;
            self.forget_lowest();
            return Seen::New;
        }
        if let Some(at) = self
            .gaps
            .iter()
            .position(|&(lo, hi)| (lo..=hi).contains(&place))
        {
            let (lo, hi) = self.gaps.remove(at);
            if place < hi {
                self.gaps.insert(at, (place + 1, hi));
            }
            if lo < place {
                self.gaps.insert(at, (lo, place - 1));
            }
            self.forget_lowest();
            return Seen::New;
        }
        if place <= self.forgotten {
            Seen::Ask
        } else {
            Seen::Before
        }
    }

    fn forget_lowest(&mut self) {
        while self.gaps.len() > MAX_GAPS_PER_LANE {
            let (_, hi) = self.gaps.remove(0);
            self.forgotten = hi;
        }
    }

    /// The parts, for storing: high-water, forgotten, gaps.
    pub fn parts(&self) -> (u64, u64, &[(u64, u64)]) {
        (self.high_water, self.forgotten, &self.gaps)
    }

    /// From stored parts; `None` if they contradict each other.
    pub fn from_parts(high_water: u64, forgotten: u64, gaps: Vec<(u64, u64)>) -> Option<Self> {
        let ordered = gaps
            .iter()
            .all(|&(lo, hi)| lo <= hi && lo > forgotten && hi < high_water)
            && gaps.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0);
        (ordered && gaps.len() <= MAX_GAPS_PER_LANE && (forgotten == 0 || forgotten < high_water))
            .then_some(Self {
                high_water,
                gaps,
                forgotten,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_each_place_once_in_any_order() {
        let mut seen = SeenPlaces::default();
        for place in [3, 1, 7, 2, 5, 4, 6, 8] {
            assert_eq!(seen.take(LaneSeq(place)), Seen::New, "{place}");
        }
        for place in 1..=8 {
            assert_eq!(seen.take(LaneSeq(place)), Seen::Before, "{place}");
        }
        assert_eq!(seen.parts(), (8, 0, &[][..]));
    }

    #[test]
    fn a_forgotten_gap_asks_the_history_instead_of_guessing() {
        let mut seen = SeenPlaces::default();
        // Every second place: more gaps than are kept.
        for place in (2..=2 * (MAX_GAPS_PER_LANE as u64 + 3)).step_by(2) {
            assert_eq!(seen.take(LaneSeq(place)), Seen::New);
        }
        assert_eq!(seen.take(LaneSeq(1)), Seen::Ask);
        assert_eq!(seen.take(LaneSeq(2)), Seen::Ask);
        assert_eq!(
            seen.take(LaneSeq(2 * MAX_GAPS_PER_LANE as u64 + 5)),
            Seen::New
        );
    }

    #[test]
    fn survives_storing() {
        let mut seen = SeenPlaces::default();
        for place in [1, 4, 9] {
            seen.take(LaneSeq(place));
        }
        let (high, forgotten, gaps) = seen.parts();
        assert_eq!(
            SeenPlaces::from_parts(high, forgotten, gaps.to_vec()),
            Some(seen.clone())
        );
        assert_eq!(SeenPlaces::from_parts(5, 0, vec![(4, 2)]), None);
    }
}
