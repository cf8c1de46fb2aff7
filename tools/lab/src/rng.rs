//! Seeded randomness: SplitMix64 (Steele, Lea, Flood 2014), so that a scenario
//! chooses the same texts and loses the same packets each time it is asked.
//! Not for secrets.

use std::time::Duration;

/// A generator.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// The sequence of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is at least 1. The bias is below one in
    /// a million for any bound the lab uses.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next_u64() % bound.max(1) as u64) as usize
    }

    /// True with this probability, 0 to 1.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// An exponentially distributed time with this mean.
    pub fn exponential(&mut self, mean: Duration) -> Duration {
        // Below 1: at most 37 times the mean.
        mean.mul_f64(-(1.0 - self.unit()).ln())
    }

    /// From 0, below 1.
    fn unit(&mut self) -> f64 {
        // 53 bits are what an f64 holds.
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}
