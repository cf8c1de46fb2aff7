//! The idle times that are tried, and where each kind of network begins and ends.

use std::time::Duration;

use crate::priors::Class;

/// Idle times that are tried: just below each limit that is common, and little above it.
///
/// | limit | where it is from |
/// |---|---|
/// | 30 s | Linux netfilter, UDP (`nf_conntrack_udp_timeout`): home routers, hotspots |
/// | 1 min | the least that Cisco ASA lets one set for UDP |
/// | 2 min | RFC 4787 (REQ-5), the least for UDP; netfilter, UDP both ways; Cisco ASA and Oracle's load balancers, UDP |
/// | 3 min | netfilter, UDP both ways, until 2018; seen with a carrier |
/// | 5 min | RFC 4787 (REQ-5), recommended; Nokia 7750 SR, a NAT of carriers; Huawei's load balancers; seen between 270 and 540 s with a carrier |
/// | 350, 360 s | Amazon's and Oracle's load balancers, TCP |
/// | 10, 15, 20, 30 min | chosen: round figures, no source |
///
/// What lies between is found to within a rung.
pub const LADDER: [Duration; 18] = [
    s(25),
    s(55),
    s(85),
    s(110),
    s(135),
    s(170),
    s(200),
    s(240),
    s(285),
    s(330),
    s(440),
    s(570),
    s(660),
    s(855),
    s(990),
    s(1140),
    s(1320),
    s(1700),
];

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl Class {
    /// Where climbing begins.
    #[must_use]
    pub const fn first(self) -> Duration {
        self.priors().first
    }

    /// The shortest interval that is worth its cost.
    #[must_use]
    pub const fn floor(self) -> Duration {
        self.priors().floor
    }

    /// Where not even the floor holds: how late a message may be.
    #[must_use]
    pub const fn poll(self) -> Duration {
        self.priors().poll
    }

    /// The longest: above it little is left to save.
    #[must_use]
    pub const fn ceiling(self) -> Duration {
        LADDER[LADDER.len() - 1]
    }
}

/// The highest rung that is not above this.
pub(super) fn at_most(idle: Duration) -> Option<Duration> {
    LADDER.iter().rev().find(|rung| **rung <= idle).copied()
}

/// The next rung above this.
pub(super) fn above(idle: Duration) -> Option<Duration> {
    LADDER.iter().find(|rung| **rung > idle).copied()
}

/// The next rung below this.
pub(super) fn below(idle: Duration) -> Option<Duration> {
    LADDER.iter().rev().find(|rung| **rung < idle).copied()
}
