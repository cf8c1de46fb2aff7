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
//! One concept a file: [`connecting`], [`ending`] (and what comes after), [`life`],
//! [`moving`], [`idle`], [`numbers`]. Transports race for the connection: [`crate::race`].
//!
//! How long a live session is silent before it asks for a sign of life is learned:
//! [`crate::heartbeat`]. Where another transport is cheaper to keep, an idle session
//! changes to it instead of asking.

mod backoff;
mod connecting;
mod ending;
mod idle;
mod life;
mod moving;
mod numbers;

use std::time::Duration;

use twine_proto::frame::{Hello, HelloSlot, Welcome};
use twine_proto::{E164, Frame, SessionNo, Slot};

use crate::config::Config;
use crate::ctx::{Ctx, Route};
use crate::gate::{Committed, Effect, Fleeting};
use crate::heartbeat::{Heartbeats, Network};
use crate::input::{ChannelEvent, ConnId, DownReason};
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
use backoff::Backoff;
use connecting::Attempts;
use ending::Redirect;
use idle::{Idle, Suspect};
pub(crate) use numbers::Numbers;

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

    /// An answer came; if it was awaited, after this time beyond what carrying took.
    fn answered(&mut self, after: Option<Duration>) {
        if let Some(link) = self.carrier().map(|on| on.link.clone()) {
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
                    if reason != DownReason::TimedOut {
                        self.shorten_round(ctx.now.instant);
                    }
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
                    self.answered(None);
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
                    // Long texts on a slow radio do not make it a bad one.
                    let State::Live(live) = &self.state else {
                        return None;
                    };
                    let carrying = self.carrying(live);
                    self.answered(Some(now.since(since).saturating_sub(carrying)));
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
