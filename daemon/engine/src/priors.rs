//! What a network is taken for before anything was measured on it.
//!
//! | class | round trip | head start | attempt | in flight | rate | acceptance | silence: first, floor, poll |
//! |---|---|---|---|---|---|---|---|
//! | Wi-Fi, wire | 200 ms | 1 s | 8 s | 64 KiB | 20 kB/s | +0 s | 110, 25, 60 s |
//! | LTE, NR | 200 ms | 2 s | 10 s | 64 KiB | 20 kB/s | +0 s | 110, 85, 120 s |
//! | UMTS, HSPA | 350 ms | 2 s | 10 s | 64 KiB | 20 kB/s | +5 s | 110, 85, 120 s |
//! | a radio that nobody names | 500 ms | 2 s | 10 s | 16 KiB | 1 kB/s | +15 s | 110, 85, 120 s |
//! | EDGE | 840 ms | 5 s | 15 s | 16 KiB | 2 kB/s | +15 s | 170, 110, 200 s |
//! | GPRS | 1.3 s | 6 s | 15 s | 4 KiB | 1 kB/s | +30 s | 170, 110, 200 s |
//!
//! - *Round trip*: the first guess of a connection's loss detection. Of the radio
//!   profiles (Facebook ATC: GPRS 1.3 s, EDGE 0.72 to 0.84 s, 3G 0.2 s), and of a large
//!   app's field in emerging markets (half of all below 350 ms). A guess that is too low
//!   sends the 1200 bytes of a handshake twice, half a second of a GPRS uplink.
//! - *Head start*, *attempt*: [`crate::race`].
//! - *In flight*: what of one identity's messages waits for its acceptance, so that what
//!   comes next does not wait long behind it: GPRS carries 4 KiB in two seconds. One
//!   message always may, however long.
//! - *Rate*: half of what the slowest radio profile carries uplink (Facebook ATC, kbit/s: 3G
//!   330, EDGE in a loaded cell as 2G in towns 32, GPRS 18; LTE and Wi-Fi as 3G): below
//!   this an answer counts as missing.
//! - *Acceptance*: [`crate::channel`], what is added to the patience with IP.
//! - *Silence*: [`crate::heartbeat`]. The ceiling is the same for all.
//!
//! Measured, the round trip takes over (RFC 6298, [`crate::rtt`]): it is remembered for each
//! network, and the first guess, the head start, the time of an attempt and
//! the patience with answers follow it.

use std::time::Duration;

use crate::limits::WINDOW_BYTES;
use crate::link::{Generation, Link, LinkKind};

/// Kinds of network, by what a round trip and a heartbeat cost there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Wi-Fi or wire: a heartbeat costs little, and home routers forget UDP after 30 s.
    Local,
    /// LTE and NR: each heartbeat keeps the radio up for some ten seconds. The shortest
    /// limit that TCP was seen to have on a carrier is 2 min.
    Lte,
    /// UMTS and HSPA.
    Umts,
    /// A mobile network of a radio that nobody names.
    Mobile,
    /// EDGE: each heartbeat takes a shared channel for longer, and blocks calls.
    Edge,
    /// GPRS.
    Gprs,
}

/// See the module; times as they are before anything was measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Priors {
    pub(crate) round_trip: Duration,
    pub(crate) head_start: Duration,
    /// An attempt to connect has failed after so long.
    pub(crate) attempt: Duration,
    pub(crate) in_flight_bytes: usize,
    /// What is in flight is carried at least at this rate uplink.
    pub(crate) bytes_per_s: u64,
    /// Added to the patience with an acceptance.
    pub(crate) acceptance: Duration,
    /// Climbing begins with this much silence.
    pub(crate) first: Duration,
    /// The shortest silence that is worth its heartbeats.
    pub(crate) floor: Duration,
    /// Where not even that holds: how late a message may be.
    pub(crate) poll: Duration,
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const LTE: Priors = Priors {
    round_trip: ms(200),
    head_start: s(2),
    attempt: s(10),
    in_flight_bytes: WINDOW_BYTES,
    bytes_per_s: 20_000,
    acceptance: s(0),
    // Just below the least that RFC 4787 (REQ-5) allows, 2 min.
    first: s(110),
    floor: s(85),
    poll: s(120),
};
const LOCAL: Priors = Priors {
    head_start: s(1),
    attempt: s(8),
    floor: s(25),
    poll: s(60),
    ..LTE
};
const UMTS: Priors = Priors {
    round_trip: ms(350),
    acceptance: s(5),
    ..LTE
};
const MOBILE: Priors = Priors {
    round_trip: ms(500),
    in_flight_bytes: 16 * 1024,
    bytes_per_s: 1_000,
    acceptance: s(15),
    ..LTE
};
const EDGE: Priors = Priors {
    round_trip: ms(840),
    head_start: s(5),
    attempt: s(15),
    in_flight_bytes: 16 * 1024,
    bytes_per_s: 2_000,
    acceptance: s(15),
    // Below 3 min.
    first: s(170),
    floor: s(110),
    poll: s(200),
};
const GPRS: Priors = Priors {
    round_trip: ms(1300),
    head_start: s(6),
    in_flight_bytes: 4 * 1024,
    bytes_per_s: 1_000,
    acceptance: s(30),
    ..EDGE
};

impl Class {
    /// Of a link.
    #[must_use]
    pub const fn of(link: &Link) -> Self {
        match (link.kind, link.generation) {
            (LinkKind::Wifi | LinkKind::Ethernet, _) => Self::Local,
            (_, Generation::G4 | Generation::G5) => Self::Lte,
            (_, Generation::G3) => Self::Umts,
            (_, Generation::Unknown) => Self::Mobile,
            (_, Generation::G2_5) => Self::Edge,
            (_, Generation::G2) => Self::Gprs,
        }
    }

    pub(crate) const fn priors(self) -> Priors {
        match self {
            Self::Local => LOCAL,
            Self::Lte => LTE,
            Self::Umts => UMTS,
            Self::Mobile => MOBILE,
            Self::Edge => EDGE,
            Self::Gprs => GPRS,
        }
    }
}
