//! Time as the engine sees it: always an argument, never asked for.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

/// Boot time in milliseconds, suspend included (`CLOCK_BOOTTIME`). All
/// deadlines run on it (DELIVERY 24).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Instant(pub u64);

impl Instant {
    /// How long since `earlier`; zero if that lies in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The next multiple of this since the boot; itself if it is one.
    #[must_use]
    pub const fn round_up(self, to: Duration) -> Self {
        let to_ms = to.as_millis() as u64;
        Self(self.0.div_ceil(to_ms).saturating_mul(to_ms))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, delay: Duration) -> Self {
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(delay_ms))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.0 / 1000, self.0 % 1000)
    }
}

/// Wall clock in milliseconds since 1970. For display only: it decides
/// neither identity nor order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct WallTime(pub u64);

/// Names one run of the kernel (`/proc/sys/kernel/random/boot_id`): instants
/// of different boots cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct BootId(pub u64);

/// The moment of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Boot time.
    pub instant: Instant,
    /// Wall clock.
    pub wall: WallTime,
}
