//! The dials of a mix, for people: what each does, and what it may be set to.

use std::fmt::Write;
use std::ops::RangeInclusive;

use crate::faults::Faults;
use crate::world::{MAX_HANDSETS, MAX_MINUTES};

/// Texts longer than the gateway's limit stay below what an app may send.
const MAX_CONTENT_DIAL_BYTES: u64 = 40_000;
/// Anything else that is counted.
const MAX_COUNT: u64 = 1_000_000_000;

/// One dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dial {
    /// As `--set` takes it; ends in its unit.
    pub name: &'static str,
    /// The lines of its documentation.
    pub doc: &'static [&'static str],
}

impl Dial {
    /// All, in their order.
    pub fn all() -> impl Iterator<Item = Self> {
        Faults::DIALS.iter().map(|&(name, doc)| Self { name, doc })
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|dial| dial.name == name)
    }

    /// The values it can be turned to, beside 0: off. What the world computes from one
    /// of them does not overflow.
    pub fn allowed(&self) -> RangeInclusive<u64> {
        match self.name {
            "handsets" => 2..=MAX_HANDSETS,
            "slow_links" | "restore_is_told" | "redirect" | "sms" => 1..=1,
            "data_policy" => 1..=2,
            "stretch" => 1..=1_000,
            // What is lost is sent again until it is not.
            "loss_one_in" => 2..=MAX_COUNT,
            // Copies and backups are a tenth of a second old at least.
            "copy_age_ms" | "backup_age_ms" => 100..=MAX_MINUTES * 60_000,
            // A lane note of all its entries has room.
            "content_bytes" => 400..=MAX_CONTENT_DIAL_BYTES,
            name if name.ends_with("_percent") => 1..=100,
            name if name.ends_with("_ms") => 1..=MAX_MINUTES * 60_000,
            name if name.ends_with("_s") => 1..=MAX_MINUTES * 60,
            _ => 1..=MAX_COUNT,
        }
    }

    /// Whether it can be turned to this.
    pub fn allows(&self, value: u64) -> bool {
        let is_off = value == 0 && self.name != "handsets";
        is_off || self.allowed().contains(&value)
    }
}

/// All dials with their values and what they do, for people.
pub fn table() -> String {
    let mut table = String::new();
    for dial in Dial::all() {
        let allowed = dial.allowed();
        let off = if dial.allows(0) { "0, " } else { "" };
        let values = match (allowed.start(), allowed.end()) {
            (first, last) if first == last => format!("{off}{first}"),
            (first, last) => format!("{off}{first} to {last}"),
        };
        let _ = writeln!(table, "{} ({values})", dial.name);
        for line in dial.doc {
            let _ = writeln!(table, "   {line}");
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use crate::setup::Setup;

    /// What a failing world prints can be typed in again.
    #[test]
    fn whatever_is_drawn_is_allowed() {
        for seed in 0..300 {
            for mix in 1..=Faults::MIX {
                let mut faults = Faults::draw_by(mix, &mut Rng::new(seed));
                for (name, value) in faults.dials() {
                    let dial = Dial::named(name).unwrap();
                    assert!(
                        dial.allows(*value),
                        "seed {seed}, mix {mix}: {name}={value}"
                    );
                }
            }
        }
    }

    /// Of pauses only the longest: a world of the shortest takes minutes to run.
    #[test]
    fn nothing_overflows_at_either_end() {
        for dial in Dial::all() {
            let (least, most) = dial.allowed().into_inner();
            let is_pause = dial.name.ends_with("_ms");
            for value in [least, most] {
                if is_pause && value == 1 {
                    continue;
                }
                let mut setup = Setup::drawn(3, 1);
                setup.faults = Faults::none(2, 5_000);
                setup.faults.sms = 1;
                setup.faults.set(dial.name, value);
                // Some are too much for a promise; none is for the dice.
                if let Err(failure) = setup.run() {
                    let promise = failure.what.promise;
                    assert_ne!(promise, "nobody panics", "{}={value}: {failure}", dial.name);
                }
            }
        }
    }

    #[test]
    fn each_says_what_it_does() {
        let table = table();
        for dial in Dial::all() {
            assert!(!dial.doc.concat().trim().is_empty(), "{}", dial.name);
            assert!(table.contains(&format!("{} (", dial.name)));
        }
        assert!(table.contains("handsets (2 to 200)"), "{table}");
        assert!(table.contains("sms (0, 1)"), "{table}");
    }
}
