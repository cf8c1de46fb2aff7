//! What has to hold: in every world, ours is without data no longer than the
//! best baseline; in sum at most half as long as the baseline that is best in sum,
//! with no more switches than that one.
//!
//! Latency is shown, and where ours is worse; nothing has to hold of it.

use super::policy::Name;
use super::run::{Score, percentile};

/// The scores of one world, over all its seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The world.
    pub world: String,
    /// What it is.
    pub about: String,
    /// How long it lasts over all seeds, seconds.
    pub seconds: f64,
    /// Time in which nothing carried anything.
    pub hopeless_s: f64,
    /// Time in which only a spent bundle carried anything.
    pub declined_s: f64,
    /// In the order of [`Name::ALL`].
    pub sums: Vec<Sum>,
}

/// One policy's score over several worlds.
#[derive(Debug, Clone, PartialEq)]
pub struct Sum {
    /// Which policy.
    pub policy: Name,
    /// Seconds.
    pub without_data_s: f64,
    /// Sorted.
    pub latencies_ms: Vec<u64>,
    /// Of the data card.
    pub switches: u32,
    /// Back within five minutes.
    pub ping_pongs: u32,
    /// Over mobile data.
    pub metered_bytes: u64,
    /// What they cost.
    pub cents: f64,
}

impl Sum {
    /// Of nothing yet.
    #[must_use]
    pub const fn new(policy: Name) -> Self {
        Self {
            policy,
            without_data_s: 0.0,
            latencies_ms: Vec::new(),
            switches: 0,
            ping_pongs: 0,
            metered_bytes: 0,
            cents: 0.0,
        }
    }

    /// The latency that one in a hundred messages exceeded, milliseconds.
    #[must_use]
    pub fn p99_ms(&self) -> u64 {
        percentile(&self.latencies_ms, 0.99)
    }

    /// Adds one run.
    pub fn add(&mut self, score: &Score) {
        self.without_data_s += score.without_data_s;
        self.latencies_ms.extend(&score.latencies_ms);
        self.latencies_ms.sort_unstable();
        self.switches += score.switches;
        self.ping_pongs += score.ping_pongs;
        self.metered_bytes += score.metered_bytes;
        self.cents += score.cents;
    }

    fn merge(&mut self, other: &Self) {
        self.without_data_s += other.without_data_s;
        self.latencies_ms.extend(&other.latencies_ms);
        self.latencies_ms.sort_unstable();
        self.switches += other.switches;
        self.ping_pongs += other.ping_pongs;
        self.metered_bytes += other.metered_bytes;
        self.cents += other.cents;
    }
}

/// Every policy over all worlds.
#[must_use]
pub fn totals(rows: &[Row]) -> Vec<Sum> {
    let mut totals: Vec<Sum> = Name::ALL.map(Sum::new).into();
    for row in rows {
        for (total, sum) in totals.iter_mut().zip(&row.sums) {
            total.merge(sum);
        }
    }
    totals
}

/// The baseline that was least without data.
fn best(sums: &[Sum]) -> Option<&Sum> {
    sums.iter()
        .filter(|sum| Name::BASELINES.contains(&sum.policy))
        .min_by(|a, b| a.without_data_s.total_cmp(&b.without_data_s))
}

impl Row {
    /// Our time without data to that of the best baseline: 1 where neither was, infinite
    /// where only we were.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        ratio(&self.sums)
    }
}

/// The slow end of latency, ours and of the baseline that does best there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slowest {
    /// Our 99th percentile, milliseconds.
    pub ours_ms: u64,
    /// That baseline's.
    pub best_ms: u64,
    /// Which it is.
    pub best: Name,
}

impl Slowest {
    /// Of any sums.
    #[must_use]
    pub fn of(sums: &[Sum]) -> Option<Self> {
        let ours = sums.iter().find(|sum| sum.policy == Name::Twine)?;
        let best = sums
            .iter()
            .filter(|sum| Name::BASELINES.contains(&sum.policy))
            .min_by_key(|sum| sum.p99_ms())?;
        Some(Self {
            ours_ms: ours.p99_ms(),
            best_ms: best.p99_ms(),
            best: best.policy,
        })
    }

    /// Ours is worse.
    #[must_use]
    pub const fn is_worse(&self) -> bool {
        self.ours_ms > self.best_ms
    }
}

/// [`Row::ratio`] of any sums.
#[must_use]
pub fn ratio(sums: &[Sum]) -> Option<f64> {
    let ours = sums.iter().find(|sum| sum.policy == Name::Twine)?;
    let best = best(sums)?;
    Some(match (ours.without_data_s, best.without_data_s) {
        (0.0, 0.0) => 1.0,
        (ours, best) => ours / best,
    })
}

/// The median of the worlds' ratios; none without worlds.
#[must_use]
pub fn median_ratio(rows: &[Row]) -> Option<f64> {
    let mut ratios: Vec<f64> = rows.iter().filter_map(Row::ratio).collect();
    ratios.sort_by(f64::total_cmp);
    let middle = ratios.len().checked_sub(1)?;
    Some(f64::midpoint(
        ratios[middle / 2],
        ratios[middle.div_ceil(2)],
    ))
}

/// What does not hold; empty: all does.
#[must_use]
pub fn failures(rows: &[Row]) -> Vec<String> {
    let mut failures = Vec::new();
    let ours = |sums: &[Sum]| sums.iter().find(|sum| sum.policy == Name::Twine).cloned();
    for row in rows {
        if let (Some(ours), Some(best)) = (ours(&row.sums), best(&row.sums))
            && ours.without_data_s > best.without_data_s
        {
            failures.push(format!(
                "{}: {:.1} s without data, where {} has {:.1} s",
                row.world,
                ours.without_data_s,
                best.policy.as_str(),
                best.without_data_s,
            ));
        }
    }
    let totals = totals(rows);
    if let (Some(ours), Some(best)) = (ours(&totals), best(&totals)) {
        if ours.without_data_s > best.without_data_s / 2.0 {
            failures.push(format!(
                "in sum: {:.1} s without data are more than half of the {:.1} s of {}",
                ours.without_data_s,
                best.without_data_s,
                best.policy.as_str(),
            ));
        }
        if ours.switches > best.switches {
            failures.push(format!(
                "in sum: {} switches, where {} needs {}",
                ours.switches,
                best.policy.as_str(),
                best.switches,
            ));
        }
    }
    failures
}
