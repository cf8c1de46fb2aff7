//! What the engine says of itself, for diagnostics: a view, made on demand.

use std::time::Duration;

use twine_proto::{Cursor, E164, Epoch, Redacted, Seq, SessionNo};

use crate::link::{Link, LinkId, Sim};
use crate::output::TransportKind;
use crate::time::Instant;

/// The engine's state in brief.
#[derive(Debug, Clone)]
pub struct StatusView {
    /// Identities, in the order of registration.
    pub identities: Vec<IdentityView>,
    /// The session.
    pub session: SessionView,
    /// Messages that wait for a channel.
    pub queued: u64,
    /// Messages whose acceptance is open.
    pub in_flight: u64,
    /// Queued and unsettled messages together.
    pub outbox: u64,
    /// Links as last reported.
    pub links: Vec<LinkView>,
    /// Cards as last reported.
    pub sims: Vec<SimView>,
    /// A telephony agent is connected.
    pub agent: bool,
    /// SMS with the agent.
    pub sms_handed: u64,
    /// Counters since start: name and value.
    pub counters: Vec<(&'static str, u64)>,
}

/// Three facts that are at hand at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusBrief {
    /// The session is live.
    pub live: bool,
    /// Messages whose acceptance is open.
    pub in_flight: u64,
    /// Queued and unsettled messages together.
    pub outbox: u64,
}

/// One identity.
#[derive(Debug, Clone)]
pub struct IdentityView {
    /// The number.
    pub number: E164,
    /// Its SIM.
    pub iccid: Option<Redacted<String>>,
    /// The epoch it holds.
    pub epoch: Option<Epoch>,
    /// "active", "waiting_for_epoch", "not_bound" or "sms_only".
    pub state: &'static str,
    /// The next seq.
    pub next_seq: Seq,
    /// Last cursor committed.
    pub cursor: Cursor,
}

/// The session.
#[derive(Debug, Clone)]
pub struct SessionView {
    /// "offline", "connecting", "greeting", "live" or "waiting".
    pub state: &'static str,
    /// Since when.
    pub since: Instant,
    /// By which transport.
    pub transport: Option<TransportKind>,
    /// Over which link.
    pub link: Option<LinkId>,
    /// Its number.
    pub session_no: SessionNo,
    /// Smoothed round trip.
    pub rtt: Option<Duration>,
    /// Why it is so, in plain words.
    pub reason: &'static str,
    /// When the next attempt starts.
    pub next_attempt: Option<Instant>,
    /// While it is live: how long it is silent.
    pub heartbeat: Option<HeartbeatView>,
}

/// How long the session is silent, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeartbeatView {
    /// Silence after which a heartbeat goes out.
    pub interval: Duration,
    /// The longest idle time that a connection has survived on this network by this
    /// transport.
    pub survived: Option<Duration>,
    /// The shortest it has not.
    pub failed: Option<Duration>,
    /// Why this interval, in plain words.
    pub reason: &'static str,
}

/// One card.
#[derive(Debug, Clone)]
pub struct SimView {
    /// As reported.
    pub sim: Sim,
    /// When.
    pub reported: Instant,
}

/// One link.
#[derive(Debug, Clone)]
pub struct LinkView {
    /// As reported.
    pub link: Link,
    /// When.
    pub reported: Instant,
    /// It carries the session.
    pub carries_session: bool,
    /// Why it does or does not, in plain words.
    pub reason: &'static str,
}
