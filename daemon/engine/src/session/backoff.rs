//! When to try again: exponential, jittered, bounded.

use std::time::Duration;

use crate::config::Config;
use crate::rng::Rng;

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// One more failure; how long to wait. Doubles from `backoff_first` to
    /// `backoff_max`; the last half of the wait is random, so that handsets
    /// that failed together do not return together.
    pub(crate) fn failed(&mut self, config: &Config, rng: &mut Rng) -> Duration {
        let full = config
            .backoff_first
            .saturating_mul(1 << self.failures.min(16))
            .min(config.backoff_max);
        self.failures = self.failures.saturating_add(1);
        full / 2 + rng.duration(full / 2)
    }

    /// It works again, or the world changed.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_with_jitter_up_to_the_limit() {
        let (config, mut rng) = (Config::default(), Rng::new(1));
        let mut backoff = Backoff::default();
        for step in 0..40u32 {
            let full = config
                .backoff_first
                .saturating_mul(1 << step.min(16))
                .min(config.backoff_max);
            let wait = backoff.failed(&config, &mut rng);
            assert!(wait >= full / 2 && wait <= full, "step {step}: {wait:?}");
        }
        backoff.reset();
        assert!(backoff.failed(&config, &mut rng) <= config.backoff_first);
    }
}
