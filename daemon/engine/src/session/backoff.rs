//! When to try again: exponential, jittered, bounded.

use std::time::Duration;

use crate::rng::Rng;

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// One more failure; how long to wait. Doubles from `first` to `most`; the
    /// last half of the wait is random, so that handsets that failed together do
    /// not return together.
    pub(crate) fn failed(&mut self, first: Duration, most: Duration, rng: &mut Rng) -> Duration {
        let full = first.saturating_mul(1 << self.failures.min(16)).min(most);
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
        let (first, most) = (Duration::from_secs(1), Duration::from_secs(300));
        let mut rng = Rng::new(1);
        let mut backoff = Backoff::default();
        for step in 0..40u32 {
            let full = first.saturating_mul(1 << step.min(16)).min(most);
            let wait = backoff.failed(first, most, &mut rng);
            assert!(wait >= full / 2 && wait <= full, "step {step}: {wait:?}");
        }
        backoff.reset();
        assert!(backoff.failed(first, most, &mut rng) <= first);
    }
}
