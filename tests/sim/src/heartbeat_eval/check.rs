//! What has to hold: in every world, Twine is unreachable for less time than Mars, or
//! both never are; and in sum it needs no more heartbeats.

use super::client::Name;
use super::run::Score;

/// All clients in one kind of world, over all its seeds.
#[derive(Debug, Clone)]
pub struct Row {
    /// The NAT.
    pub world: String,
    /// How many days, all seeds together.
    pub days: u64,
    /// Seconds without coverage.
    pub hole_s: f64,
    /// In the order of [`Name::ALL`].
    pub sums: Vec<Sum>,
    /// Of the first seed, in that order: the idle time, seconds, each ten minutes.
    pub intervals: Vec<Vec<u32>>,
}

/// One client's score over several worlds.
#[derive(Debug, Clone, PartialEq)]
pub struct Sum {
    /// Which client.
    pub name: Name,
    /// Seconds.
    pub unreachable_s: f64,
    /// How many.
    pub heartbeats: u64,
    /// Handshakes.
    pub connects: u64,
    /// On the network, messages apart.
    pub bytes: u64,
}

impl Sum {
    /// Of nothing yet.
    #[must_use]
    pub const fn new(name: Name) -> Self {
        Self {
            name,
            unreachable_s: 0.0,
            heartbeats: 0,
            connects: 0,
            bytes: 0,
        }
    }

    /// Adds one run.
    pub fn add(&mut self, score: &Score) {
        self.unreachable_s += score.unreachable_s;
        self.heartbeats += score.heartbeats;
        self.connects += score.connects;
        self.bytes += score.bytes;
    }
}

/// Sums over all worlds, in the order of [`Name::ALL`].
#[must_use]
pub fn totals(rows: &[Row]) -> Vec<Sum> {
    let mut totals: Vec<Sum> = Name::ALL.map(Sum::new).into();
    for row in rows {
        for (total, sum) in totals.iter_mut().zip(&row.sums) {
            total.unreachable_s += sum.unreachable_s;
            total.heartbeats += sum.heartbeats;
            total.connects += sum.connects;
            total.bytes += sum.bytes;
        }
    }
    totals
}

/// What does not hold, in words.
#[must_use]
pub fn failures(rows: &[Row]) -> Vec<String> {
    let mut failures = Vec::new();
    for row in rows {
        let [twine, mars, ..] = row.sums.as_slice() else {
            continue;
        };
        let never = twine.unreachable_s == 0.0 && mars.unreachable_s == 0.0;
        if twine.unreachable_s >= mars.unreachable_s && !never {
            failures.push(format!(
                "{}: Twine is unreachable for {:.1} s, Mars for {:.1} s",
                row.world, twine.unreachable_s, mars.unreachable_s
            ));
        }
    }
    if let [twine, mars, ..] = totals(rows).as_slice()
        && twine.heartbeats > mars.heartbeats
    {
        failures.push(format!(
            "in sum: {} heartbeats of Twine, {} of Mars",
            twine.heartbeats, mars.heartbeats
        ));
    }
    failures
}
