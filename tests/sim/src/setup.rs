//! What one run of a world is made of, beside its code: enough to repeat it.

use std::collections::BTreeSet;

use crate::faults::Faults;
use crate::rng::Rng;
use crate::world::{Failure, Summary, World};

/// One world and how long it lives.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Its dice.
    pub seed: u64,
    /// How long faults go on.
    pub minutes: u64,
    /// The mix.
    pub faults: Faults,
    /// Faults and acts of users left out, by their place among all that come due.
    pub left_out: BTreeSet<u64>,
}

impl Setup {
    /// As the seed draws it.
    pub fn drawn(seed: u64, minutes: u64) -> Self {
        Self {
            seed,
            minutes,
            faults: Faults::draw(&mut Rng::new(seed)),
            left_out: BTreeSet::new(),
        }
    }

    /// A world that has not begun.
    pub fn world(&self, tell: bool) -> World {
        let mut world = World::with_faults(self.seed, self.faults.clone(), tell);
        world.leave_out(self.left_out.clone());
        world
    }

    /// Lives it through.
    pub fn run(&self) -> Result<Summary, Failure> {
        self.world(false).run(self.minutes)
    }

    /// The command line that repeats it with its story.
    pub fn command(&self) -> String {
        let mut drawn = Faults::draw(&mut Rng::new(self.seed));
        let mut faults = self.faults.clone();
        let mut command = format!(
            "twine-sim --replay {} --minutes {} --story",
            self.seed, self.minutes
        );
        for ((name, value), (_, drawn)) in faults.dials().into_iter().zip(drawn.dials()) {
            if value != drawn {
                command.push_str(&format!(" --set {name}={value}"));
            }
        }
        if !self.left_out.is_empty() {
            let list: Vec<String> = self.left_out.iter().map(u64::to_string).collect();
            command.push_str(&format!(" --leave-out {}", list.join(",")));
        }
        command
    }
}
