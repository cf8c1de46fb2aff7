//! The smallest world that still breaks a promise: fewer kinds of fault, fewer
//! minutes, fewer handsets, fewer choices: faults, and what users do. Greedy: what is
//! found is small, not proven to be the smallest.

use std::collections::BTreeSet;

use crate::setup::Setup;
use crate::world::{Failure, MAX_HANDSETS, Summary};

/// Dials without which there is no world.
const KEPT: [&str; 2] = ["handsets", "send_every_ms"];

/// A smaller world, and what was done to find it.
#[derive(Debug, Clone)]
pub struct Smaller {
    /// The smallest found.
    pub setup: Setup,
    /// How it fails.
    pub failure: Failure,
    /// Worlds that were run.
    pub tried: u32,
    /// No more could be tried: it could be smaller still.
    pub gave_up: bool,
}

struct Search<J> {
    judge: J,
    best: Setup,
    failure: Failure,
    tried: u32,
    tries: u32,
}

/// Shrinks a setup that fails by somebody's judgement, which runs the world, in at most
/// `tries` further worlds; `None`: it does not fail.
pub fn minimise_by(
    setup: &Setup,
    tries: u32,
    judge: impl Fn(&Setup) -> Result<Summary, Failure>,
) -> Option<Smaller> {
    let failure = judge(setup).err()?;
    let mut search = Search {
        judge,
        best: setup.clone(),
        failure,
        tried: 0,
        tries,
    };
    // Each step may make room for another, and each choice left out for both.
    loop {
        while search.step() {}
        if !search.fewer_choices() {
            break;
        }
    }
    Some(Smaller {
        setup: search.best,
        failure: search.failure,
        tried: search.tried,
        gave_up: search.tried >= tries,
    })
}

impl<J: Fn(&Setup) -> Result<Summary, Failure>> Search<J> {
    /// Takes a smaller setup if it breaks the same promise.
    fn take(&mut self, smaller: Setup) -> bool {
        if self.tried >= self.tries {
            return false;
        }
        self.tried += 1;
        match (self.judge)(&smaller) {
            Err(failure) if failure.is_like(&self.failure) => {
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

    /// Turns dials off: halves of them, quarters, and at last single ones.
    fn fewer_kinds(&mut self) -> bool {
        let mut any = false;
        let mut on = self.dials_on();
        let mut size = on.len().div_ceil(2);
        while size > 0 {
            for names in on.chunks(size) {
                let mut calmer = self.best.clone();
                for name in names {
                    calmer.faults.set(name, 0);
                }
                any |= calmer.faults != self.best.faults && self.take(calmer);
            }
            on = self.dials_on();
            size = (size / 2).min(on.len());
        }
        any
    }

    fn dials_on(&mut self) -> Vec<&'static str> {
        let dials = self.best.faults.dials().into_iter();
        let on = dials.filter(|(name, value)| !KEPT.contains(name) && **value != 0);
        on.map(|(name, _)| name).collect()
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
    fn fewer_choices(&mut self) -> bool {
        if self.tried >= self.tries {
            return false;
        }
        let mut any = false;
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
                any |= fewer.left_out != self.best.left_out && self.take(fewer);
                from += size;
            }
            size /= 2;
        }
        any
    }
}
