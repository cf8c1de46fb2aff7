//! The flight recorder: the latest decisions with their reasons, in memory.
//!
//! Owns a ring of fixed size that is always on, and counts what it overwrote.
//! Never holds numbers or texts: trace records carry none.

use std::collections::VecDeque;

use twine_engine::trace::TraceRecord;

/// The latest decisions.
#[derive(Debug)]
pub struct Recorder {
    ring: VecDeque<TraceRecord>,
    room: u16,
    recorded: u64,
}

impl Recorder {
    /// Keeps the latest `room` records; zero keeps none and still counts.
    #[must_use]
    pub const fn new(room: u16) -> Self {
        Self {
            ring: VecDeque::new(),
            room,
            recorded: 0,
        }
    }

    /// Adds a record, over the oldest if there is no room.
    pub fn record(&mut self, record: TraceRecord) {
        self.recorded += 1;
        if self.ring.len() >= self.room.into() {
            self.ring.pop_front();
        }
        if self.room > 0 {
            self.ring.push_back(record);
        }
    }

    /// What is kept, oldest first.
    pub fn records(&self) -> impl Iterator<Item = &TraceRecord> {
        self.ring.iter()
    }

    /// Records since the start.
    #[must_use]
    pub const fn recorded(&self) -> u64 {
        self.recorded
    }

    /// Records since the start that are no longer kept.
    #[must_use]
    pub fn overwritten(&self) -> u64 {
        self.recorded - self.ring.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use twine_engine::time::Instant;
    use twine_engine::trace::Decision;

    use super::*;

    fn record(at: u64) -> TraceRecord {
        TraceRecord {
            at: Instant(at),
            decision: Decision::Wait,
            because: Vec::new(),
        }
    }

    #[test]
    fn the_oldest_are_overwritten_and_counted() {
        let mut recorder = Recorder::new(3);
        for at in 1..=5 {
            recorder.record(record(at));
        }
        let kept: Vec<_> = recorder.records().map(|record| record.at.0).collect();
        assert_eq!(kept, [3, 4, 5]);
        assert_eq!((recorder.recorded(), recorder.overwritten()), (5, 2));

        let mut none = Recorder::new(0);
        none.record(record(1));
        assert_eq!((none.records().count(), none.overwritten()), (0, 1));
    }
}
