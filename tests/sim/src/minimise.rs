//! The smallest world that still breaks a promise: fewer kinds of fault, fewer
//! minutes, fewer handsets, fewer choices: faults, and what users do. Greedy: what is
//! found is small, not proven to be the smallest.

use std::collections::BTreeSet;

use crate::setup::Setup;
use crate::world::{Failure, MAX_HANDSETS, Summary};

/// Runs at most so many worlds: a large one is shortened, not finished.
const MAX_RUNS: u32 = 2_000;

struct Search<J> {
    judge: J,
    best: Setup,
    failure: Failure,
    runs_left: u32,
}

/// Shrinks a setup that fails; `None`: it does not fail.
pub fn minimise(setup: &Setup) -> Option<(Setup, Failure)> {
    minimise_by(setup, Setup::run)
}

/// Shrinks a setup that fails by somebody's judgement, which runs the world.
pub fn minimise_by(
    setup: &Setup,
    judge: impl Fn(&Setup) -> Result<Summary, Failure>,
) -> Option<(Setup, Failure)> {
    let failure = judge(setup).err()?;
    let mut search = Search {
        judge,
        best: setup.clone(),
        failure,
        runs_left: MAX_RUNS,
    };
    // Each step may make room for another.
    while search.step() {}
    search.fewer_choices();
    Some((search.best, search.failure))
}

impl<J: Fn(&Setup) -> Result<Summary, Failure>> Search<J> {
    /// Takes a smaller setup if it breaks the same promise.
    fn take(&mut self, smaller: Setup) -> bool {
        if self.runs_left == 0 {
            return false;
        }
        self.runs_left -= 1;
        match (self.judge)(&smaller) {
            Err(failure) if failure.what.promise == self.failure.what.promise => {
                (self.best, self.failure) = (smaller, failure);
                true
            }
            _ => false,
        }
    }

    fn step(&mut self) -> bool {
        let shorter = self.fewer_minutes();
        let calmer = self.fewer_kinds();
        let smaller = self.fewer_handsets();
        shorter || calmer || smaller
    }

    fn fewer_minutes(&mut self) -> bool {
        let needed = (self.failure.at_ms / 60_000 + 1).min(self.best.minutes);
        (1..=needed)
            .filter(|minutes| *minutes < self.best.minutes)
            .collect::<Vec<_>>()
            .into_iter()
            .any(|minutes| {
                let mut shorter = self.best.clone();
                shorter.minutes = minutes;
                self.take(shorter)
            })
    }

    fn fewer_kinds(&mut self) -> bool {
        let names: Vec<&str> = self.best.faults.dials().iter().map(|(n, _)| *n).collect();
        let mut any = false;
        for name in names {
            let mut calmer = self.best.clone();
            let keep = ["handsets", "send_every_ms"].contains(&name);
            if !keep && calmer.faults.set(name, 0) && calmer.faults != self.best.faults {
                any |= self.take(calmer);
            }
        }
        any
    }

    fn fewer_handsets(&mut self) -> bool {
        let now = self.best.faults.handsets.min(MAX_HANDSETS);
        (2..now).any(|handsets| {
            let mut smaller = self.best.clone();
            smaller.faults.handsets = handsets;
            self.take(smaller)
        })
    }

    /// Leaves out halves, quarters, and at last single choices.
    fn fewer_choices(&mut self) {
        let mut world = self.best.world(false);
        let _ = world.run(self.best.minutes);
        let due = world.choices_due();
        let mut size = due.div_ceil(2);
        while size > 0 {
            let mut from = 0;
            while from < due {
                let chunk: BTreeSet<u64> = (from..(from + size).min(due)).collect();
                let mut fewer = self.best.clone();
                fewer.left_out.extend(chunk);
                if fewer.left_out != self.best.left_out {
                    self.take(fewer);
                }
                from += size;
            }
            size /= 2;
        }
    }
}
