//! The engine's settings. Each has a default, a range, and a unit in its doc;
//! the daemon reads them from TOML.

use std::time::Duration;

use crate::output::TransportKind;

/// Settings of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Transports in the order of preference; never empty.
    pub transports: Vec<TransportKind>,
    /// How long a handshake may take before the other transport is tried.
    /// Default 15 s: three round trips on the slowest profile with one loss.
    pub connect_timeout: Duration,
    /// How long the gateway may take to answer `Hello`. Default 15 s.
    pub welcome_timeout: Duration,
    /// Silence after which a `Ping` is sent; zero, the default: learned for each
    /// network, see [`crate::heartbeat`].
    pub heartbeat: Duration,
    /// How long an answer may be missing before the session is given up; four
    /// retransmission time-outs, up to 20 s, are granted beside it. Default 5 s.
    pub answer_timeout: Duration,
    /// First wait after a failed attempt; doubled each time, with jitter of
    /// half. Default 1 s.
    pub backoff_first: Duration,
    /// Longest wait between attempts. Default 5 min.
    pub backoff_max: Duration,
    /// Longest wait before a device that the gateway does not know asks again;
    /// the first is 30 s, doubled each time. Default 1 h.
    pub not_bound_retry: Duration,
    /// This device can send SMS. Default true; without, every message is for IP
    /// alone.
    pub sms: bool,
    /// How long a message waits for a link before it may go by SMS: shorter than
    /// a person waits, longer than moving data between SIMs takes (1 to 7 s).
    /// Default 15 s.
    pub no_link_patience: Duration,
    /// How long the gateway may take to accept a message before it may go by SMS;
    /// by generation more is added, see `channel::patience`. Default 15 s.
    pub accept_patience: Duration,
    /// How long an accepted message may take to be delivered before it is asked
    /// back. Default 3 min: longer than a phone on a weak network needs to come
    /// back after a hole.
    pub delivery_patience: Duration,
    /// How long it may take until the gateway says what became of a message that most
    /// likely arrived: its recipient was there when it was accepted, or it was handed
    /// over. Then a second copy goes by SMS. Default 10 min (DELIVERY 25).
    pub doubt_patience: Duration,
    /// Most parts of an SMS that Twine sends without asking the user. Default 10.
    pub max_parts_unasked: u8,
    /// Whether the user's "block connections without VPN" holds for the
    /// session. Default [`VpnLockdown::Respect`].
    pub vpn_lockdown: VpnLockdown,
    /// Whether mobile data may be moved to a card whose bundle is spent. Default
    /// [`SpentBundle::Avoid`](crate::links::SpentBundle).
    pub spent_bundle: crate::links::SpentBundle,
}

/// What becomes of the user's "block connections without VPN", to which Android
/// does not hold system services (any user id below 10000).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VpnLockdown {
    /// The session goes through the VPN or not at all: who sets that switch
    /// does not want to be seen without it.
    #[default]
    Respect,
    /// The session may use any link, as the phone's own IMS does.
    Bypass,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            transports: vec![TransportKind::Quic, TransportKind::Tls],
            connect_timeout: Duration::from_secs(15),
            welcome_timeout: Duration::from_secs(15),
            heartbeat: Duration::ZERO,
            answer_timeout: Duration::from_secs(5),
            backoff_first: Duration::from_secs(1),
            backoff_max: Duration::from_secs(300),
            not_bound_retry: Duration::from_secs(3600),
            sms: true,
            no_link_patience: Duration::from_secs(15),
            accept_patience: Duration::from_secs(15),
            delivery_patience: Duration::from_secs(180),
            doubt_patience: Duration::from_secs(600),
            max_parts_unasked: 10,
            vpn_lockdown: VpnLockdown::default(),
            spent_bundle: crate::links::SpentBundle::default(),
        }
    }
}
