//! What the session tells the table of heartbeats: idle times that were survived,
//! and those that were not (see [`crate::heartbeat`] for what is evidence).

use std::time::Duration;

use super::{Live, Session, State};
use crate::ctx::Ctx;
use crate::heartbeat::{LADDER, Network, Plan};
use crate::input::ConnId;
use crate::link::LinkId;
use crate::output::TransportKind;
use crate::status::HeartbeatView;
use crate::store_ops::Memo;
use crate::time::{BootId, Instant};
use crate::trace::Decision;

/// An attempt that comes up within this time and four round trips came up at once: no
/// packet of it was sent twice, so the network was there all along. Look-up and
/// handshake take four round trips at most.
const AT_ONCE: Duration = Duration::from_millis(500);
/// Where no round trip was measured.
const AT_ONCE_UNMEASURED: Duration = Duration::from_secs(3);

/// How long a live session has been silent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Idle {
    /// The last frame, in whichever direction.
    last: Instant,
    /// Something was sent after so long an idle time, and nothing came since. That
    /// may have needed no answer.
    testing: Option<Duration>,
}

impl Idle {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            last: now,
            testing: None,
        }
    }

    fn sent(&mut self, now: Instant) {
        let idle = now.since(self.last);
        self.testing.get_or_insert(idle);
        self.last = now;
    }

    /// Returns the idle time that is survived with it.
    fn heard(&mut self, now: Instant) -> Duration {
        let idle = now.since(self.last);
        self.last = now;
        self.testing.take().unwrap_or_default().max(idle)
    }
}

/// A session died after an idle time: of it, or with the network?
#[derive(Debug, Clone)]
pub(super) struct Suspect {
    network: Network,
    transport: TransportKind,
    link: LinkId,
    idle: Duration,
    /// The attempt that decides has to come up within this.
    within: Duration,
}

impl Session {
    /// The network behind a link, as far as heartbeats go; told when the link is
    /// chosen, and when anything about it changes.
    pub(crate) fn network_is(&mut self, network: Option<Network>) {
        self.network = network;
    }

    /// A frame of this connection went out.
    pub(crate) fn sent(&mut self, conn: ConnId, now: Instant) {
        if let State::Live(live) = &mut self.state
            && live.on.conn == conn
        {
            live.idle.sent(now);
        }
    }

    /// A frame came on the live session.
    pub(super) fn heard(&mut self, now: Instant) {
        let State::Live(live) = &mut self.state else {
            return;
        };
        live.last_heard = now;
        live.unproven = false;
        let (idle, transport) = (live.idle.heard(now), live.on.transport);
        if let Some(network) = self.network {
            self.heartbeats.survived(network, transport, idle);
        }
    }

    /// The session is somewhere else now: what it was silent for says nothing.
    pub(super) fn idle_anew(live: &mut Live, now: Instant) {
        live.idle = Idle::new(now);
    }

    /// The gateway sees us elsewhere although we did not move: a NAT had forgotten
    /// the connection, and what we just sent made it known again.
    pub(super) fn remapped(&mut self, ctx: &mut Ctx<'_>) {
        let State::Live(live) = &mut self.state else {
            return;
        };
        let transport = live.on.transport;
        let Some(idle) = live.idle.testing.take() else {
            return;
        };
        // A move of ours is validated as well, after no idle time.
        if let Some(network) = self.network.filter(|_| idle >= LADDER[0]) {
            ctx.counters.forgotten += 1;
            ctx.trace(
                Decision::Forgotten {
                    idle_ms: millis(idle),
                },
                &["the gateway saw us at another address after it"],
            );
            self.heartbeats.not_survived(network, transport, idle);
        }
    }

    /// The live session dies without a word from the gateway.
    pub(super) fn suspect(&self) -> Option<Suspect> {
        let State::Live(live) = &self.state else {
            return None;
        };
        Some(Suspect {
            network: self.network?,
            transport: live.on.transport,
            link: live.on.link.clone(),
            idle: live.idle.testing?,
            within: match self.rtt.smoothed() {
                Some(rtt) => AT_ONCE + rtt * 4,
                None => AT_ONCE_UNMEASURED,
            },
        })
    }

    /// A connection came up.
    pub(super) fn judge_suspect(&mut self, ctx: &mut Ctx<'_>, link: &LinkId) {
        let Some(suspect) = self.suspected.take() else {
            return;
        };
        let took = ctx.now.instant.since(self.since);
        if suspect.link != *link || took > suspect.within || suspect.idle < LADDER[0] {
            return;
        }
        ctx.counters.forgotten += 1;
        ctx.trace(
            Decision::Forgotten {
                idle_ms: millis(suspect.idle),
            },
            &["the session was dead after it, and the network was not"],
        );
        self.heartbeats
            .not_survived(suspect.network, suspect.transport, suspect.idle);
    }

    /// How long to be silent on the live session.
    pub(super) fn plan(&self, live: &Live) -> Option<Plan> {
        if !self.config.heartbeat.is_zero() {
            return None;
        }
        let plan = |network| {
            self.heartbeats
                .plan(network, live.on.transport, self.gateway_limit)
        };
        self.network.map(plan)
    }

    /// Silence after which a heartbeat is due, and by how much it may be early.
    pub(super) fn interval(&self, live: &Live) -> (Duration, Duration) {
        match self.plan(live) {
            Some(plan) => (plan.interval, plan.early),
            None if self.config.heartbeat.is_zero() => (FIXED, Duration::ZERO),
            None => (self.config.heartbeat, Duration::ZERO),
        }
    }

    /// The transport that is cheaper to keep while nothing happens; not the preferred
    /// one while this network is known to eat it.
    pub(super) fn cheaper_transport(&self, now: Instant) -> Option<(usize, &'static str)> {
        if !self.config.heartbeat.is_zero() {
            return None;
        }
        let network = self.network?;
        let (kind, why) = self.heartbeats.cheaper(network, &self.config.transports)?;
        let index = self.config.transports.iter().position(|it| *it == kind)?;
        let eaten = index == 0 && self.races.avoids_first(network, now);
        (!eaten).then_some((index, why))
    }

    /// What is to be kept of what was learned. `riding`: something else is written
    /// anyway.
    pub(crate) fn take_learned(
        &mut self,
        boot: BootId,
        now: Instant,
        riding: bool,
    ) -> impl Iterator<Item = (Memo, Vec<u8>)> {
        let heartbeats = self.heartbeats.take_unsaved(riding);
        let riding = riding || heartbeats.is_some();
        let races = self.races.take_unsaved(boot, now, riding);
        let heartbeats = heartbeats.map(|bytes| (Memo::Heartbeats, bytes));
        let races = races.map(|bytes| (Memo::Races, bytes));
        heartbeats.into_iter().chain(races)
    }

    pub(super) fn heartbeat_view(&self) -> Option<HeartbeatView> {
        let State::Live(live) = &self.state else {
            return None;
        };
        let plan = self.plan(live);
        Some(HeartbeatView {
            interval: self.interval(live).0,
            survived: plan.and_then(|plan| plan.survived),
            failed: plan.and_then(|plan| plan.failed),
            reason: match plan {
                Some(plan) => plan.phase.as_str(),
                None if self.config.heartbeat.is_zero() => "the network is not known",
                None => "the configuration says so",
            },
        })
    }
}

/// For a link that nobody described.
const FIXED: Duration = Duration::from_secs(60);

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
