//! What is going to happen, by time; what falls on one time happens in the order
//! in which it was queued.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::transition::Transition;

/// The world's queue. Bounded by the budget of events a world may take.
#[derive(Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<Queued>>,
    last_no: u64,
}

struct Queued {
    at: u64,
    no: u64,
    transition: Transition,
}

impl Queue {
    pub(super) fn push(&mut self, at: u64, transition: Transition) {
        self.last_no += 1;
        self.heap.push(Reverse(Queued {
            at,
            no: self.last_no,
            transition,
        }));
    }

    /// The next, and its time.
    pub(super) fn pop(&mut self) -> Option<(u64, Transition)> {
        let Reverse(next) = self.heap.pop()?;
        Some((next.at, next.transition))
    }
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.no) == (other.at, other.no)
    }
}
impl Eq for Queued {}
impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Queued {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.no).cmp(&(other.at, other.no))
    }
}
