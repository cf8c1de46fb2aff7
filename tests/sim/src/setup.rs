//! What one run of a world is made of, beside its code: enough to repeat it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::faults::Faults;
use crate::progress::Progress;
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
        Self::drawn_by(Faults::MIX, seed, minutes)
    }

    /// As it was drawn when there were fewer dials, see [`Faults::draw_by`].
    pub fn drawn_by(mix: u8, seed: u64, minutes: u64) -> Self {
        Self {
            seed,
            minutes,
            faults: Faults::draw_by(mix, &mut Rng::new(seed)),
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

    /// The same, and counts it.
    pub fn run_watched(&self, progress: &Arc<Progress>) -> Result<Summary, Failure> {
        let mut world = self.world(false);
        world.watched_by(progress);
        let result = world.run(self.minutes);
        progress.ended(result.is_err());
        result
    }

    /// The command line that repeats it with its story.
    pub fn command(&self) -> String {
        let mut drawn = Faults::draw(&mut Rng::new(self.seed));
        let mut faults = self.faults.clone();
        let mut command = format!(
            "cargo run --release -p twine-sim -- --replay {} --minutes {}",
            self.seed, self.minutes
        );
        for ((name, value), (_, drawn)) in faults.dials().into_iter().zip(drawn.dials()) {
            if value != drawn {
                command.push_str(&format!(" --set {name}={value}"));
            }
        }
        if !self.left_out.is_empty() {
            command.push_str(&format!(" --leave-out {}", places(&self.left_out)));
        }
        command
    }
}

/// As `--leave-out` takes them: `0-12,15`.
fn places(left_out: &BTreeSet<u64>) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for no in left_out {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *no => *last = *no,
            _ => runs.push((*no, *no)),
        }
    }
    let words = runs.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    words.collect::<Vec<_>>().join(",")
}

/// The other way: a place, or the first and the last of several.
pub fn places_from(word: &str) -> Option<std::ops::RangeInclusive<u64>> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let places = first.parse().ok()?..=last.parse().ok()?;
    (!places.is_empty()).then_some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_as_it_is_taken() {
        let left_out: BTreeSet<u64> = (0..13).chain([15, 17, 18]).collect();
        let told = places(&left_out);
        assert_eq!(told, "0-12,15,17-18");
        let taken = told.split(',').flat_map(|word| places_from(word).unwrap());
        assert_eq!(taken.collect::<BTreeSet<_>>(), left_out);
        assert_eq!(places_from("7-3"), None);
    }
}
