//! A round of attempts to connect: the transports race, see [`crate::race`].

use std::collections::VecDeque;
use std::time::Duration;

use super::{Carrier, Session, State, Then};
use crate::ctx::Ctx;
use crate::gate::Fleeting;
use crate::input::ConnId;
use crate::race::Start;
use crate::rng::Rng;
use crate::store_ops::{Memo, Op};
use crate::time::Instant;
use crate::trace::Decision;

/// The attempts of one round, until one comes up or all have failed.
#[derive(Debug)]
pub(super) struct Attempts {
    /// Under way, in the order of their start; none only within a turn.
    running: Vec<Carrier>,
    /// Indices of the transports that have not had their turn, the next one first.
    left: VecDeque<usize>,
    /// The next of them joins.
    join: Instant,
    /// What is under way has failed.
    deadline: Instant,
    head_start: Duration,
    give_up: Duration,
    /// What they should expect.
    round_trip: Duration,
    /// No attempt was answered, be it with a refusal.
    unheard: bool,
}

impl Attempts {
    /// The one that began the round, or the oldest that is left.
    pub(super) fn foremost(&self) -> Option<&Carrier> {
        self.running.first()
    }

    pub(super) fn conns(&self) -> impl Iterator<Item = ConnId> {
        self.running.iter().map(|on| on.conn)
    }

    pub(super) fn due(&self) -> Instant {
        if self.left.is_empty() {
            self.deadline
        } else {
            self.join.min(self.deadline)
        }
    }

    pub(super) const fn unheard(&self) -> bool {
        self.unheard
    }
}

impl Session {
    /// Begins a round on the present link, with the transports that have not failed.
    pub(super) fn connect(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now.instant;
        if self.link.is_none() {
            self.enter(now, State::Idle, "no link is up");
            return;
        }
        let transports = &self.config.transports;
        let cheaper = self.cheaper_transport(now);
        let most = self.config.connect_timeout;
        let start = self
            .races
            .start(self.network, transports, cheaper, most, now);
        let Start {
            first,
            head_start,
            give_up,
            round_trip,
            because,
        } = start;
        let (first, because) = match self.turn.take() {
            Some(turn) => (turn, "the one before came up and was of no use"),
            None => (first, because),
        };
        let count = transports.len();
        let order = (first..first + count).map(|index| index % count);
        let left = order.take(count - self.failed_transports.min(count - 1));
        self.measure_anew();
        let attempts = Attempts {
            running: Vec::new(),
            left: left.collect(),
            join: now,
            deadline: now + give_up,
            head_start,
            give_up,
            round_trip,
            unheard: true,
        };
        self.enter(now, State::Connecting(attempts), "connecting");
        self.next_attempt(ctx, because);
    }

    /// The next transport of the round starts.
    fn next_attempt(&mut self, ctx: &mut Ctx<'_>, because: &'static str) {
        let (State::Connecting(attempts), Some(link)) = (&mut self.state, &self.link) else {
            return;
        };
        let Some(index) = attempts.left.pop_front() else {
            return;
        };
        let transport = self.config.transports[index];
        self.last_conn = ConnId(self.last_conn.0 + 1);
        let on = Carrier {
            conn: self.last_conn,
            link: link.clone(),
            transport,
            stranded: false,
        };
        let now = ctx.now.instant;
        attempts.running.push(on.clone());
        attempts.join = now + attempts.head_start;
        attempts.deadline = now + attempts.give_up;
        ctx.counters.connects += 1;
        let named = "a gateway has named another";
        let reasons: &[&'static str] = match self.redirect.target {
            None => &[because],
            Some(_) => &[because, named],
        };
        ctx.trace(
            Decision::Connect {
                conn: on.conn,
                link: on.link.clone(),
                transport,
            },
            reasons,
        );
        ctx.at_once(Fleeting::Connect {
            conn: on.conn,
            link: on.link,
            transport,
            target: self.redirect.target.clone(),
            round_trip: attempts.round_trip,
        });
    }

    /// The round's time has come: another joins, or, returning false, all have failed.
    pub(super) fn joined(&mut self, ctx: &mut Ctx<'_>) -> bool {
        let State::Connecting(attempts) = &self.state else {
            return false;
        };
        let joins = !attempts.left.is_empty();
        if joins {
            self.next_attempt(ctx, "the first has had its head start");
        }
        joins
    }

    /// An attempt failed. Returns whether the round goes on without it.
    pub(super) fn goes_on_without(
        &mut self,
        ctx: &mut Ctx<'_>,
        conn: ConnId,
        unheard: bool,
        why: &'static str,
    ) -> bool {
        let State::Connecting(attempts) = &mut self.state else {
            return false;
        };
        attempts.unheard &= unheard;
        if attempts.running.len() + attempts.left.len() < 2 {
            return false;
        }
        attempts.running.retain(|on| on.conn != conn);
        // It was the attempt that was to tell.
        self.suspected = None;
        let others = !attempts.running.is_empty();
        ctx.trace(Decision::GiveUp { conn }, &[why]);
        if !others {
            self.next_attempt(ctx, "the one before failed");
        }
        true
    }

    /// An attempt was refused, not left without an answer; see [`crate::race`].
    pub(super) fn shorten_round(&mut self, now: Instant) {
        if let State::Connecting(attempts) = &mut self.state
            && self.network.is_some_and(|it| self.races.doubts_first(it))
        {
            let soon = now + attempts.head_start;
            attempts.deadline = attempts.deadline.min(soon);
        }
    }

    /// A connection came up: it is greeted over, and the others are closed.
    pub(super) fn up(&mut self, ctx: &mut Ctx<'_>, rng: &mut Rng, conn: ConnId) {
        let State::Connecting(attempts) = &mut self.state else {
            return;
        };
        let Some(place) = attempts.running.iter().position(|on| on.conn == conn) else {
            return;
        };
        let on = attempts.running.swap_remove(place);
        let beaten = std::mem::take(&mut attempts.running);
        let transports = &self.config.transports;
        let index = |on: &Carrier| transports.iter().position(|kind| *kind == on.transport);
        let earlier = beaten.iter().find(|other| other.conn < conn);
        if earlier.is_some() {
            // The one that was to tell has not come up.
            self.suspected = None;
        }
        if let (Some(network), Some(winner)) = (self.network, index(&on)) {
            let overtook = earlier.and_then(index);
            self.races.won(network, winner, overtook, ctx.now.instant);
        }
        for other in &beaten {
            let conn = other.conn;
            ctx.trace(Decision::GiveUp { conn }, &["another transport was first"]);
            ctx.at_once(Fleeting::Close { conn });
        }
        self.judge_suspect(ctx, &on.link);
        let deadline = ctx.now.instant + self.config.welcome_timeout;
        let state = State::Greeting {
            on,
            deadline,
            slots: Vec::new(),
            hello_sent: false,
        };
        self.enter(ctx.now.instant, state, "connected; greeting the gateway");
        let at_least = self.numbers.begin(rng);
        let (memo, bytes) = (Memo::Sessions, self.numbers.bytes());
        ctx.op(Op::Remember { memo, bytes }, crate::engine::Then::Nothing);
        ctx.op(Op::BeginSession { at_least }, Then::Begun { conn });
    }

    /// The transport after this one, in the order of the configuration.
    pub(super) fn after(&self, on: &Carrier) -> Option<usize> {
        let transports = &self.config.transports;
        let index = transports.iter().position(|kind| *kind == on.transport)?;
        Some((index + 1) % transports.len())
    }
}
