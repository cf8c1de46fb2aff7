//! One connection to the gateway, kept alive: connecting, greeting, heartbeat,
//! giving up, trying again, moving with the link.
//!
//! Owns which connection is the present one; input of any other is ignored. Attempts
//! race, but one says `Hello`, and before it the others are closed, as an old
//! connection is before a new round (DELIVERY 6: nothing is delivered on two). Never looks at messages.
//!
//! ```text
//!   idle ──link──▶ connecting ──up──▶ greeting ──Welcome──▶ live
//!    ▲                 │ failed          │ failed            │ lost
//!    └──no link── waiting ◀──────────────┴───────────────────┘
//! ```
//!
//! A gateway that sends its handsets away may name another: that one is tried
//! next, without the pause that was asked for, and kept while sessions with it come
//! about. When it cannot be reached, when it sends away without naming one itself, or
//! after [`MAX_REDIRECTS`] in a row, it is the configured gateway's turn again. Nothing of
//! it is kept over a restart. It is no new trust: see [`Output::Connect`].
//!
//! [`Output::Connect`]: crate::output::Output::Connect
//!
//! Transports race for the connection: [`crate::race`].
//!
//! A gateway that restarts loses all its handsets at once. So that they do not come
//! back at once, those that have nothing to send spread over [`RETURN_SPREAD`]; the
//! others, and whoever gets something to send meanwhile, come first. Compared in
//! `tests/sim`, `reconnect-eval`.
//!
//! How long a live session is silent before it asks for a sign of life is learned:
//! [`crate::heartbeat`]. Where another transport is cheaper to keep, an idle session
//! changes to it instead of asking.
//!
//! # When the link changes
//!
//! A live QUIC session moves with its connection: what is sent is at the gateway half a
//! round trip later, and what it sends comes after two, of some 4 kB together. A new connection has
//! its `Hello` there after one and a half, and its first message after two and a half, for
//! more bytes; early data would not change that, see `daemon/src/transport`. So it moves
//! unless that is known to be of no use:
//!
//! - the gateway has been silent for longer than it keeps a session: it is gone there;
//! - the new network eats UDP, as far as is known ([`crate::race`]);
//! - TCP cannot move.
//!
//! Whether a move worked, only an answer tells. When none has come within two
//! retransmission time-outs of the new network ([`UNPROVEN_TIMEOUTS`]), the network may
//! eat UDP, or the session be gone: a new round begins on the same link at once. That says nothing
//! against the link: should the round fail as well, that will.
//!
//! # Giving up
//!
//! A session is given up when an answer is missing for longer than
//! `answer_timeout` and four retransmission time-outs (at most
//! [`LONGEST_PATIENCE`]), plus the time that what is in flight takes at
//! [`SLOWEST_BYTES_PER_S`].

mod backoff;
mod connecting;
mod idle;
mod numbers;

use std::time::Duration;

use twine_proto::frame::{Goodbye, GoodbyeReason, Hello, HelloSlot, Welcome};
use twine_proto::{E164, Frame, SessionNo, Slot};

use crate::config::Config;
use crate::ctx::{Ctx, Route};
use crate::engine::TimerReason;
use crate::gate::{Committed, Effect, Fleeting};
use crate::heartbeat::{Heartbeats, Network};
use crate::input::{ChannelEvent, ConnId, DownReason};
use crate::limits::MAX_REDIRECTS;
use crate::link::LinkId;
use crate::links::Traffic;
use crate::output::TransportKind;
use crate::race::Races;
use crate::registration::{self, Identity};
use crate::rng::Rng;
use crate::rtt::Rtt;
use crate::status::SessionView;
use crate::store_ops::{IdentityPosition, Outcome};
use crate::time::Instant;
use crate::trace::Decision;
use crate::waking::Deadline;
use backoff::Backoff;
use connecting::Attempts;
use idle::{Idle, Suspect};
pub(crate) use numbers::Numbers;

/// Half of what the slowest profile (GPRS, 18 kbit/s up) carries: below this
/// rate an answer counts as missing.
const SLOWEST_BYTES_PER_S: u64 = 1_000;
/// One bad measurement (a stalled link) must not make a dead session last.
const LONGEST_PATIENCE: Duration = Duration::from_secs(20);
/// Retransmission time-outs in which a session that has moved has to be answered: the
/// answer takes two round trips, since the gateway tries the new path first.
const UNPROVEN_TIMEOUTS: u32 = 2;
/// First wait of a device that the gateway does not know.
const FIRST_BINDING_WAIT: Duration = Duration::from_secs(30);
/// A session that lived this long was a success: waiting starts anew.
const LASTED: Duration = Duration::from_secs(30);

/// Handsets that a gateway let go come back within this time, or the configuration's
/// longest wait: of 10,000 some 300 a second.
const RETURN_SPREAD: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Session {
    config: Config,
    state: State,
    since: Instant,
    reason: &'static str,
    link: Option<LinkId>,
    last_conn: ConnId,
    session_no: SessionNo,
    numbers: Numbers,
    races: Races,
    /// Index of the configured transport that goes first in the next round, whatever
    /// is known of the network.
    turn: Option<usize>,
    /// Transports that came up and did not get through the greeting, since the last
    /// success or wait.
    failed_transports: usize,
    backoff: Backoff,
    unbound: Backoff,
    rtt: Rtt,
    redirect: Redirect,
    /// The link did not carry what the present connection needed.
    unheard: bool,
    /// What the links' policy was not told yet.
    traffic: Option<(LinkId, Traffic)>,
    heartbeats: Heartbeats,
    /// Behind the link that carries the session, or is to.
    network: Option<Network>,
    /// After which the gateway gives up a silent session, as it says.
    gateway_limit: Option<Duration>,
    suspected: Option<Suspect>,
    /// A gateway let this handset go, and all the others with it; until a session is
    /// live again.
    let_go: bool,
}

/// What is known from before: of sessions, and of networks.
#[derive(Debug)]
pub(crate) struct Learned {
    pub(crate) numbers: Numbers,
    pub(crate) heartbeats: Heartbeats,
    pub(crate) races: Races,
}

/// Another gateway, named by one that sends its handsets away.
#[derive(Debug, Default)]
struct Redirect {
    /// "host:port", while it is the one to try.
    target: Option<String>,
    /// How many were followed since a session lasted.
    followed: u32,
}

#[derive(Debug)]
enum State {
    Idle,
    Waiting {
        until: Instant,
        /// For whoever has something to send.
        soonest: Instant,
    },
    Connecting(Attempts),
    Greeting {
        on: Carrier,
        deadline: Instant,
        slots: Vec<E164>,
        hello_sent: bool,
    },
    Live(Live),
}

/// A connection and what it runs on.
#[derive(Debug, Clone)]
struct Carrier {
    conn: ConnId,
    link: LinkId,
    transport: TransportKind,
    /// The link is gone; QUIC waits for another.
    stranded: bool,
}

#[derive(Debug)]
struct Live {
    on: Carrier,
    slots: Vec<E164>,
    /// To another link than the one it was made on.
    moved: bool,
    /// And nothing came over that one yet.
    unproven: bool,
    last_heard: Instant,
    idle: Idle,
    /// Since when an answer is awaited.
    awaiting: Option<Instant>,
    /// Bytes whose acceptance is awaited.
    outstanding_bytes: u64,
    ping: Option<(u32, Instant)>,
    last_nonce: u32,
}

/// What the rest of the engine has to know or do.
#[derive(Debug)]
pub(crate) enum SessionEvent {
    /// The session number is stored: say `Hello` with these identities.
    Begun(Vec<IdentityPosition>),
    /// A frame for another part.
    Frame(Frame),
    /// The gateway answered `Hello`.
    Welcomed {
        /// What it said.
        welcome: Welcome,
        /// What it served since the last time was begun by this store, too.
        alone: bool,
    },
    /// The session is gone.
    Lost,
    /// The gateway knows a later session of this device: the store is an old
    /// copy (DELIVERY 4).
    StoreIsOld,
}

/// What follows an operation of this part.
#[derive(Debug)]
pub(crate) enum Then {
    Begun { conn: ConnId },
}

impl Session {
    pub(crate) fn new(
        config: Config,
        session_no: SessionNo,
        learned: Learned,
        now: Instant,
    ) -> Self {
        let Learned {
            numbers,
            heartbeats,
            races,
        } = learned;
        Self {
            config,
            state: State::Idle,
            since: now,
            reason: "no link is up",
            link: None,
            last_conn: ConnId(0),
            session_no,
            numbers,
            races,
            turn: None,
            failed_transports: 0,
            backoff: Backoff::default(),
            unbound: Backoff::default(),
            rtt: Rtt::default(),
            redirect: Redirect::default(),
            unheard: false,
            traffic: None,
            heartbeats,
            network: None,
            gateway_limit: None,
            suspected: None,
            let_go: false,
        }
    }

    /// Which sessions were begun here, if that is to be kept at once.
    pub(crate) fn take_numbers(&mut self) -> Option<Vec<u8>> {
        self.numbers.take_unsaved()
    }

    /// What became of traffic over a link since the last call.
    pub(crate) fn take_traffic(&mut self) -> Option<(LinkId, Traffic)> {
        self.traffic.take()
    }

    /// An answer came, after this time if one was awaited.
    fn answered(&mut self, now: Instant, since: Option<Instant>) {
        if let Some(link) = self.carrier().map(|on| on.link.clone()) {
            let after = since.map(|since| now.since(since));
            self.traffic = Some((link, Traffic::Answered(after)));
        }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    fn enter(&mut self, now: Instant, state: State, reason: &'static str) {
        self.state = state;
        self.since = now;
        self.reason = reason;
    }

    fn carrier(&self) -> Option<&Carrier> {
        match &self.state {
            State::Idle | State::Waiting { .. } => None,
            State::Connecting(attempts) => attempts.foremost(),
            State::Greeting { on, .. } => Some(on),
            State::Live(live) => Some(&live.on),
        }
    }

    fn is_current(&self, conn: ConnId) -> bool {
        match &self.state {
            State::Connecting(attempts) => attempts.conns().any(|other| other == conn),
            _ => self.carrier().is_some_and(|on| on.conn == conn),
        }
    }

    /// The connection of a live session.
    pub(crate) fn live(&self) -> Option<ConnId> {
        match &self.state {
            State::Live(live) => Some(live.on.conn),
            _ => None,
        }
    }

    /// Whose slot this is on the live session.
    pub(crate) fn owner(&self, slot: Slot) -> Option<(E164, Route)> {
        let State::Live(live) = &self.state else {
            return None;
        };
        let number = live.slots.get(slot.0 as usize)?;
        let conn = live.on.conn;
        Some((*number, Route { conn, slot }))
    }

    /// How long an answer may take: as measured on this connection, or else on this
    /// network before, or else to be expected there.
    pub(crate) fn rto(&self) -> Duration {
        let expected = || match self.network {
            Some(network) => self.races.expected_rto(network),
            None => self.rtt.rto(),
        };
        match self.rtt.smoothed() {
            Some(_) => self.rtt.rto(),
            None => expected(),
        }
    }

    /// A round trip of the present connection.
    fn measured(&mut self, rtt: Duration) {
        self.rtt.sample(rtt);
        if let Some(network) = self.network {
            self.races.measured(network, rtt);
        }
    }

    /// Another connection, or the same on another link.
    fn measure_anew(&mut self) {
        self.rtt = Rtt::default();
    }

    // -- links ---------------------------------------------------------------

    /// Another link should carry the session.
    #[must_use]
    pub(crate) fn use_link(
        &mut self,
        ctx: &mut Ctx<'_>,
        link: Option<LinkId>,
        has_identity: bool,
    ) -> Option<SessionEvent> {
        self.link.clone_from(&link);
        let now = ctx.now.instant;
        let Some(link) = link else {
            return self.strand(ctx);
        };
        // A new link is a new chance: what failed before says nothing of it.
        self.backoff.reset();
        self.failed_transports = 0;
        self.suspected = None;
        self.let_go = false;
        self.turn = None;
        let useless = self.why_not_move(now);
        if let State::Live(live) = &mut self.state
            && useless.is_none()
        {
            live.on.link = link.clone();
            live.moved = true;
            live.unproven = true;
            live.ping = None;
            live.on.stranded = false;
            live.awaiting = None;
            Self::idle_anew(live, now);
            let conn = live.on.conn;
            self.measure_anew();
            ctx.counters.moves += 1;
            ctx.trace(
                Decision::Move {
                    conn,
                    link: link.clone(),
                },
                &["another link carries the session now"],
            );
            ctx.at_once(Fleeting::Move { conn, link });
            return None;
        }
        let lost = self.drop_connection(ctx, useless.unwrap_or("the link changed"));
        if has_identity {
            self.connect(ctx);
        } else {
            self.enter(now, State::Idle, "no number is registered");
        }
        lost
    }

    /// Why a live session should not move to the present link, if so; see the module.
    fn why_not_move(&self, now: Instant) -> Option<&'static str> {
        let State::Live(live) = &self.state else {
            return Some("the link changed");
        };
        if live.on.transport != TransportKind::Quic {
            return Some("the link changed, and TCP cannot move");
        }
        let silent = now.since(live.last_heard);
        if self.gateway_limit.is_some_and(|limit| silent >= limit) {
            return Some("the gateway has let go of the session by now");
        }
        self.network
            .is_some_and(|network| self.races.avoids_first(network, now))
            .then_some("the network of the new link was found to eat UDP")
    }

    /// No link is left. QUIC can wait for the next one; TCP cannot.
    fn strand(&mut self, ctx: &mut Ctx<'_>) -> Option<SessionEvent> {
        if let State::Live(live) = &mut self.state
            && live.on.transport == TransportKind::Quic
        {
            live.on.stranded = true;
            live.awaiting = None;
            Self::idle_anew(live, ctx.now.instant);
            self.reason = "no link is up; the session waits for one";
            return None;
        }
        let lost = self.drop_connection(ctx, "no link is up");
        self.enter(ctx.now.instant, State::Idle, "no link is up");
        lost
    }

    /// A number was registered: it has to be named in a `Hello`.
    #[must_use]
    pub(crate) fn identities_changed(&mut self, ctx: &mut Ctx<'_>) -> Option<SessionEvent> {
        self.unbound.reset();
        let lost = self.drop_connection(ctx, "the identities changed");
        if self.link.is_some() {
            self.connect(ctx);
        }
        lost
    }

    // -- connecting ----------------------------------------------------------

    /// Closes the present connection, if there is one, or the attempts at one.
    fn drop_connection(&mut self, ctx: &mut Ctx<'_>, why: &'static str) -> Option<SessionEvent> {
        let mut conns = Vec::from_iter(self.carrier().map(|on| on.conn));
        if let State::Connecting(attempts) = &self.state {
            conns = attempts.conns().collect();
        }
        if conns.is_empty() {
            return None;
        }
        for conn in conns {
            ctx.trace(Decision::GiveUp { conn }, &[why]);
            ctx.at_once(Fleeting::Close { conn });
        }
        let was_live = matches!(self.state, State::Live(_));
        self.enter(ctx.now.instant, State::Idle, why);
        was_live.then_some(SessionEvent::Lost)
    }

    /// The present connection is of no use: another transport at once, or,
    /// when all have failed, another attempt later.
    #[must_use]
    pub(crate) fn fail(
        &mut self,
        ctx: &mut Ctx<'_>,
        rng: &mut Rng,
        why: &'static str,
    ) -> Option<SessionEvent> {
        if matches!(&self.state, State::Live(live) if live.unproven) && self.link.is_some() {
            self.unheard = false;
            let lost = self.drop_connection(ctx, why);
            self.connect(ctx);
            return lost;
        }
        let was_live = matches!(self.state, State::Live(_));
        let round_over = matches!(self.state, State::Connecting(_))
            || self.failed_transports + 1 >= self.config.transports.len();
        let next = self.carrier().and_then(|on| self.after(on));
        let unheard = std::mem::take(&mut self.unheard);
        // One transport that fails says nothing of the link: it may be blocked.
        if unheard && (was_live || round_over) {
            let link = self.carrier().map(|on| on.link.clone());
            self.traffic = link.map(|link| (link, Traffic::Missing));
        }
        // Else it is the attempt that was to tell, and it failed.
        self.suspected = self.suspect();
        if was_live {
            self.let_go = !unheard && !self.awaits();
        }
        let lasted = ctx.now.instant.since(self.since) >= LASTED;
        if was_live && lasted {
            self.backoff.reset();
            self.redirect.followed = 0;
        }
        if was_live && !lasted {
            // It came up and died: perhaps this network eats this transport.
            self.turn = next;
        }
        let lost = self.drop_connection(ctx, why);
        if self.link.is_none() {
            self.enter(ctx.now.instant, State::Idle, "no link is up");
            return lost;
        }
        if !was_live && !round_over {
            self.turn = next;
            self.failed_transports += 1;
            self.connect(ctx);
            return lost;
        }
        self.failed_transports = 0;
        if !was_live {
            // Whatever was named is not there: back to the configured one.
            self.redirect.target = None;
        }
        let delay = self.next_wait(rng);
        let spread = self.spread(rng);
        self.wait(ctx, delay, spread, why);
        lost
    }

    /// An answer is awaited: something is on its way, or a NAT had forgotten us.
    fn awaits(&self) -> bool {
        matches!(&self.state, State::Live(live) if live.awaiting.is_some())
    }

    /// What a handset waits longer that has nothing to send.
    fn spread(&self, rng: &mut Rng) -> Duration {
        if self.let_go {
            rng.duration(RETURN_SPREAD.min(self.config.backoff_max))
        } else {
            Duration::ZERO
        }
    }

    /// Ends the session and starts the next one after a wait, and another one if
    /// there is nothing to send.
    #[must_use]
    fn wait_for(
        &mut self,
        ctx: &mut Ctx<'_>,
        delay: Duration,
        spread: Duration,
        why: &'static str,
    ) -> Option<SessionEvent> {
        let lost = self.drop_connection(ctx, why);
        self.wait(ctx, delay, spread, why);
        lost
    }

    fn next_wait(&mut self, rng: &mut Rng) -> Duration {
        let Config {
            backoff_first,
            backoff_max,
            ..
        } = self.config;
        self.backoff.failed(backoff_first, backoff_max, rng)
    }

    /// No number of this device is bound to its key: asks again, ever more
    /// seldom, until somebody provisions one.
    #[must_use]
    pub(crate) fn wait_for_binding(
        &mut self,
        ctx: &mut Ctx<'_>,
        rng: &mut Rng,
    ) -> Option<SessionEvent> {
        let most = self.config.not_bound_retry;
        let delay = self.unbound.failed(FIRST_BINDING_WAIT, most, rng);
        self.wait_for(
            ctx,
            delay,
            Duration::ZERO,
            "no number is bound to this device's key",
        )
    }

    /// A number is bound.
    pub(crate) fn bound(&mut self) {
        self.unbound.reset();
    }

    fn wait(&mut self, ctx: &mut Ctx<'_>, delay: Duration, spread: Duration, why: &'static str) {
        let soonest = ctx.now.instant + delay;
        let delay = delay + spread;
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        ctx.trace(Decision::BackOff { delay_ms }, &[why]);
        let until = ctx.now.instant + delay;
        let state = State::Waiting { until, soonest };
        self.enter(ctx.now.instant, state, why);
    }

    // -- the connection reports ----------------------------------------------

    pub(crate) fn channel(
        &mut self,
        ctx: &mut Ctx<'_>,
        rng: &mut Rng,
        conn: ConnId,
        event: ChannelEvent,
    ) -> Option<SessionEvent> {
        if !self.is_current(conn) {
            return None;
        }
        match event {
            ChannelEvent::Up { rtt } => {
                if let Some(rtt) = rtt {
                    self.measured(rtt);
                }
                self.up(ctx, rng, conn);
                None
            }
            ChannelEvent::Rtt(rtt) => {
                // QUIC keeps its estimate when it moves: for a while it is of both links.
                if !matches!(&self.state, State::Live(live) if live.moved) {
                    self.measured(rtt);
                }
                None
            }
            ChannelEvent::Moved => {
                // Whether the new path works, only an answer tells.
                self.ping(ctx);
                None
            }
            ChannelEvent::PathValidated => {
                self.remapped(ctx);
                None
            }
            ChannelEvent::Down(reason) => {
                let unheard = matches!(reason, DownReason::Unreachable(_) | DownReason::TimedOut);
                let why = match reason {
                    DownReason::Unreachable(_) => "the gateway is not reachable on this link",
                    DownReason::TimedOut => "the connection timed out",
                    DownReason::Handshake(_) => "the handshake failed",
                    DownReason::Closed(_) => "the gateway closed the connection",
                    DownReason::Protocol(_) => "the gateway broke the protocol",
                    DownReason::Local(_) => "a local error ended the connection",
                };
                if self.goes_on_without(ctx, conn, unheard, why) {
                    return None;
                }
                self.unheard = match &self.state {
                    State::Connecting(attempts) => attempts.unheard(),
                    _ => unheard,
                };
                self.fail(ctx, rng, why)
            }
            ChannelEvent::Frame(frame) => self.frame(ctx, rng, frame),
        }
    }

    pub(crate) fn stored(&mut self, then: &Then, outcome: Outcome) -> Option<SessionEvent> {
        let Then::Begun { conn } = then;
        let Outcome::SessionBegun {
            session_no,
            identities,
        } = outcome
        else {
            debug_assert!(false, "store answered {outcome:?} to a session");
            return None;
        };
        self.session_no = session_no;
        self.is_current(*conn)
            .then_some(SessionEvent::Begun(identities))
    }

    /// Says `Hello`: the session number and the positions are on disk.
    pub(crate) fn hello<'a>(
        &mut self,
        ctx: &mut Ctx<'_>,
        proof: &Committed,
        identities: impl Iterator<Item = &'a Identity>,
    ) {
        let State::Greeting {
            on,
            slots,
            hello_sent,
            ..
        } = &mut self.state
        else {
            return;
        };
        let hello = Hello {
            session_no: self.session_no,
            after: self.numbers.after(),
            slots: identities
                .map(|Identity { position, .. }| HelloSlot {
                    number: position.number,
                    binding: registration::binding(position),
                    cursor: position.cursor,
                    cursor_check: position.cursor_check,
                    old: position.old.clone(),
                })
                .collect(),
        };
        *slots = hello.slots.iter().map(|slot| slot.number).collect();
        *hello_sent = true;
        ctx.clear(
            proof,
            Effect::Send {
                conn: on.conn,
                frame: Frame::Hello(hello),
            },
        );
    }

    // -- frames --------------------------------------------------------------

    fn frame(&mut self, ctx: &mut Ctx<'_>, rng: &mut Rng, frame: Frame) -> Option<SessionEvent> {
        let now = ctx.now.instant;
        if let Frame::Goodbye(goodbye) = frame {
            return self.goodbye(ctx, rng, &goodbye);
        }
        match &mut self.state {
            State::Greeting {
                on,
                slots,
                hello_sent: true,
                ..
            } => match frame {
                Frame::Welcome(welcome) if welcome.slots.len() == slots.len() => {
                    let conn = on.conn;
                    let live = Live {
                        on: on.clone(),
                        slots: std::mem::take(slots),
                        moved: false,
                        unproven: false,
                        last_heard: now,
                        idle: Idle::new(now),
                        awaiting: None,
                        outstanding_bytes: 0,
                        ping: None,
                        last_nonce: 0,
                    };
                    let limit = Duration::from_secs(welcome.idle_limit_s.into());
                    self.gateway_limit = (!limit.is_zero()).then_some(limit);
                    self.enter(now, State::Live(live), "the gateway answered");
                    self.answered(now, None);
                    self.failed_transports = 0;
                    self.let_go = false;
                    ctx.counters.sessions += 1;
                    ctx.trace(Decision::Live { conn }, &["the gateway answered"]);
                    let alone = self.numbers.welcomed(self.session_no, &welcome.since);
                    Some(SessionEvent::Welcomed { welcome, alone })
                }
                _ => self.fail(ctx, rng, "the gateway did not answer the greeting"),
            },
            State::Live(_) => {
                self.heard(now);
                let State::Live(live) = &mut self.state else {
                    return None;
                };
                if let Some(since) = live.awaiting.take() {
                    self.answered(now, Some(since));
                }
                let State::Live(live) = &mut self.state else {
                    return None;
                };
                match frame {
                    Frame::Ping(nonce) => {
                        let conn = live.on.conn;
                        ctx.at_once(Fleeting::Pong { conn, nonce });
                        None
                    }
                    Frame::Pong(nonce) => {
                        if let Some((expected, sent)) = live.ping
                            && expected == nonce
                        {
                            live.ping = None;
                            self.measured(now.since(sent));
                        }
                        None
                    }
                    Frame::Welcome(_) => self.fail(ctx, rng, "the gateway broke the protocol"),
                    frame => Some(SessionEvent::Frame(frame)),
                }
            }
            _ => self.fail(ctx, rng, "the gateway broke the protocol"),
        }
    }

    fn goodbye(
        &mut self,
        ctx: &mut Ctx<'_>,
        rng: &mut Rng,
        goodbye: &Goodbye,
    ) -> Option<SessionEvent> {
        let asked = Duration::from_secs(u64::from(goodbye.retry_after_s));
        let lasted = ctx.now.instant.since(self.since) >= LASTED;
        if matches!(self.state, State::Live(_)) && lasted {
            self.redirect.followed = 0;
        }
        match goodbye.reason {
            GoodbyeReason::Draining | GoodbyeReason::Overloaded | GoodbyeReason::Closing
                if !goodbye.redirect.is_empty() && self.redirect.followed < MAX_REDIRECTS =>
            {
                // The pause that was asked for is this gateway's; there is another.
                self.redirect.followed += 1;
                self.redirect.target = Some(goodbye.redirect.clone());
                let delay = self.next_wait(rng);
                self.let_go = !self.awaits();
                let spread = self.spread(rng);
                self.wait_for(ctx, delay, spread, "the gateway names another")
            }
            GoodbyeReason::Superseded if goodbye.session_no > self.session_no => {
                // A number this store never gave: it is an old copy.
                self.numbers.used(goodbye.session_no);
                let delay = self.next_wait(rng);
                // The event tells more than that the session is lost.
                let why = "the gateway knows a later session";
                let _ = self.wait_for(ctx, delay, Duration::ZERO, why);
                Some(SessionEvent::StoreIsOld)
            }
            GoodbyeReason::UnknownDevice => self.wait_for_binding(ctx, rng),
            GoodbyeReason::Draining | GoodbyeReason::Overloaded => {
                self.redirect.target = None;
                let delay = asked + self.next_wait(rng);
                let why = match goodbye.reason {
                    GoodbyeReason::Draining => "the gateway restarts",
                    _ => "the gateway is overloaded",
                };
                self.let_go = !self.awaits();
                let spread = self.spread(rng).max(rng.duration(asked / 2));
                self.wait_for(ctx, delay, spread, why)
            }
            GoodbyeReason::Superseded | GoodbyeReason::ProtocolError | GoodbyeReason::Closing => {
                let delay = asked + self.next_wait(rng);
                let why = "the gateway ended the session";
                self.wait_for(ctx, delay, Duration::ZERO, why)
            }
        }
    }

    // -- time ----------------------------------------------------------------

    /// A frame went out that will be answered.
    pub(crate) fn answer_expected(&mut self, now: Instant) {
        if let State::Live(live) = &mut self.state
            && !live.on.stranded
        {
            live.awaiting.get_or_insert(now);
        }
    }

    /// There is something to send: no need to wait for the sake of a gateway that
    /// others come back to, too.
    pub(crate) fn hurry(&mut self) {
        if let State::Waiting { until, soonest } = &mut self.state {
            *until = (*until).min(*soonest);
        }
    }

    /// What is in flight at the end of a turn.
    pub(crate) fn outstanding(&mut self, now: Instant, messages: usize, bytes: usize) {
        if let State::Live(live) = &mut self.state {
            live.outstanding_bytes = bytes as u64;
        }
        if messages > 0 {
            self.answer_expected(now);
        }
    }

    /// Nothing was heard for as long as this network bears: asks for a sign of
    /// life, or goes where less of that is needed.
    fn heartbeat(&mut self, ctx: &mut Ctx<'_>) -> Option<SessionEvent> {
        let present = self.carrier().map(|on| on.transport);
        let cheaper = self
            .cheaper_transport()
            .filter(|(index, _)| Some(self.config.transports[*index]) != present);
        ctx.counters.heartbeats += 1;
        let Some((_, why)) = cheaper else {
            self.ping(ctx);
            return None;
        };
        let lost = self.drop_connection(ctx, why);
        self.connect(ctx);
        lost
    }

    fn ping(&mut self, ctx: &mut Ctx<'_>) {
        let State::Live(live) = &mut self.state else {
            return;
        };
        live.last_nonce = live.last_nonce.wrapping_add(1);
        live.ping = Some((live.last_nonce, ctx.now.instant));
        live.awaiting.get_or_insert(ctx.now.instant);
        let (conn, nonce) = (live.on.conn, live.last_nonce);
        ctx.at_once(Fleeting::Ping { conn, nonce });
    }

    pub(crate) fn deadline(&self) -> Option<Deadline> {
        let exact = match &self.state {
            State::Idle => None,
            State::Waiting { until, .. } => Some((*until, TimerReason::Reconnect)),
            State::Connecting(attempts) => Some((attempts.due(), TimerReason::Connecting)),
            State::Greeting { deadline, .. } => Some((*deadline, TimerReason::Greeting)),
            State::Live(live) if live.on.stranded => None,
            State::Live(live) => match live.awaiting {
                Some(since) => Some((since + self.patience(live), TimerReason::AnswerMissing)),
                None => {
                    let (interval, early) = self.interval(live);
                    return Some(Deadline {
                        from: live.last_heard + (interval - early),
                        by: live.last_heard + interval,
                        reason: TimerReason::Heartbeat,
                    });
                }
            },
        };
        exact.map(Deadline::exact)
    }

    fn patience(&self, live: &Live) -> Duration {
        let carrying = Duration::from_millis(live.outstanding_bytes * 1000 / SLOWEST_BYTES_PER_S);
        if live.unproven {
            return self.rto() * UNPROVEN_TIMEOUTS + carrying;
        }
        let answer = (self.rto() * 4).min(LONGEST_PATIENCE);
        self.config.answer_timeout.max(answer) + carrying
    }

    pub(crate) fn timeout(&mut self, ctx: &mut Ctx<'_>, rng: &mut Rng) -> Option<SessionEvent> {
        let Deadline { from, reason, .. } = self.deadline()?;
        if from > ctx.now.instant {
            return None;
        }
        self.unheard = match &self.state {
            State::Connecting(attempts) => attempts.unheard(),
            _ => matches!(reason, TimerReason::Greeting | TimerReason::AnswerMissing),
        };
        match reason {
            TimerReason::Reconnect => {
                self.connect(ctx);
                None
            }
            TimerReason::Connecting if self.joined(ctx) => None,
            TimerReason::Connecting => self.fail(ctx, rng, "connecting took too long"),
            TimerReason::Greeting => self.fail(ctx, rng, "the gateway did not answer the greeting"),
            TimerReason::AnswerMissing => {
                ctx.counters.answers_missed += 1;
                self.fail(ctx, rng, "an answer is missing for too long")
            }
            TimerReason::Heartbeat => self.heartbeat(ctx),
            TimerReason::Validity
            | TimerReason::Lookup
            | TimerReason::Look
            | TimerReason::SmsPace
            | TimerReason::Links => None,
        }
    }

    pub(crate) fn view(&self) -> SessionView {
        let on = self.carrier();
        SessionView {
            state: match self.state {
                State::Idle => "offline",
                State::Waiting { .. } => "waiting",
                State::Connecting(_) => "connecting",
                State::Greeting { .. } => "greeting",
                State::Live(_) => "live",
            },
            since: self.since,
            transport: on.map(|on| on.transport),
            link: on.filter(|on| !on.stranded).map(|on| on.link.clone()),
            session_no: self.session_no,
            rtt: self.rtt.smoothed(),
            reason: self.reason,
            heartbeat: self.heartbeat_view(),
            next_attempt: match self.state {
                State::Waiting { until, .. } => Some(until),
                _ => None,
            },
        }
    }
}
