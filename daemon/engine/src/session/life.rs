//! Whether a session is alive: answers that are awaited, signs of life that are asked
//! for, and when something is due.
//!
//! # Giving up
//!
//! A session is given up when an answer is missing for longer than
//! `answer_timeout` and four retransmission time-outs (at most
//! [`LONGEST_PATIENCE`]), plus the time that what is in flight takes at the least rate of
//! the network's class ([`crate::priors`]; at most [`LONGEST_CARRYING`]).

use std::time::Duration;

use super::{Live, Session, SessionEvent, State};
use crate::ctx::Ctx;
use crate::engine::TimerReason;
use crate::gate::Fleeting;
use crate::priors::Class;
use crate::rng::Rng;
use crate::time::Instant;
use crate::waking::Deadline;

/// What the longest text takes at the least rate of GPRS (82 s), and a little.
const LONGEST_CARRYING: Duration = Duration::from_secs(90);
/// One bad measurement (a stalled link) must not make a dead session last.
const LONGEST_PATIENCE: Duration = Duration::from_secs(20);
/// Retransmission time-outs in which a session that has moved has to be answered: the
/// answer takes two round trips, since the gateway tries the new path first.
const UNPROVEN_TIMEOUTS: u32 = 2;

impl Session {
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
            .cheaper_transport(ctx.now.instant)
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

    pub(super) fn ping(&mut self, ctx: &mut Ctx<'_>) {
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

    /// What is in flight takes this long, at most.
    pub(super) fn carrying(&self, live: &Live) -> Duration {
        let class = self.network.map_or(Class::Gprs, |network| network.class);
        let rate = class.priors().bytes_per_s;
        Duration::from_millis(live.outstanding_bytes * 1000 / rate).min(LONGEST_CARRYING)
    }

    fn patience(&self, live: &Live) -> Duration {
        let carrying = self.carrying(live);
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
}
