//! The idle times that are tried, and where each kind of network begins and ends.

use std::time::Duration;

/// Idle times that are tried. Just below the limits of 30 s, 1, 2, 3, 5, 10, 15, 20 and
/// 30 min, which are common, and little above them.
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

/// Kinds of network, by what a heartbeat costs there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Wi-Fi or wire: a heartbeat costs little, and home routers forget UDP after 30 s.
    Local,
    /// 3G and better: each heartbeat keeps the radio up for some ten seconds. The
    /// shortest limit that TCP was seen to have on a carrier is 2 min.
    Mobile,
    /// GPRS and EDGE: each takes a shared channel for longer, and blocks calls.
    Slow,
}

impl Class {
    /// Where climbing begins: just below the least that RFC 4787 (REQ-5) allows,
    /// 2 min; on slow networks below 3 min.
    #[must_use]
    pub const fn first(self) -> Duration {
        match self {
            Self::Local | Self::Mobile => s(110),
            Self::Slow => s(170),
        }
    }

    /// The shortest interval that is worth its cost.
    #[must_use]
    pub const fn floor(self) -> Duration {
        match self {
            Self::Local => s(25),
            Self::Mobile => s(85),
            Self::Slow => s(110),
        }
    }

    /// The longest: above it little is left to save.
    #[must_use]
    pub const fn ceiling(self) -> Duration {
        LADDER[LADDER.len() - 1]
    }

    /// Where not even the floor holds: how late a message may be.
    #[must_use]
    pub const fn poll(self) -> Duration {
        match self {
            Self::Local => s(60),
            Self::Mobile => s(120),
            Self::Slow => s(200),
        }
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
