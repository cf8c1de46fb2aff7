//! A connection that ends: given up, failed, or let go by the gateway; and what comes
//! after it: another transport at once, or another attempt after a wait.
//!
//! A gateway that sends its handsets away may name another: that one is tried
//! next, without the pause that was asked for, and kept while sessions with it come
//! about. When it cannot be reached, when it sends away without naming one itself, or
//! after [`MAX_REDIRECTS`] in a row, it is the configured gateway's turn again. Nothing of
//! it is kept over a restart. It is no new trust: see [`Output::Connect`].
//!
//! [`Output::Connect`]: crate::output::Output::Connect
//!
//! A gateway that restarts loses all its handsets at once. So that they do not come
//! back at once, those that have nothing to send spread over [`RETURN_SPREAD`]; the
//! others, and whoever gets something to send meanwhile, come first. Compared in
//! `tests/sim`, `reconnect-eval`.

use std::time::Duration;

use twine_proto::frame::{Goodbye, GoodbyeReason};

use super::{Session, SessionEvent, State};
use crate::config::Config;
use crate::ctx::Ctx;
use crate::gate::Fleeting;
use crate::limits::MAX_REDIRECTS;
use crate::links::Traffic;
use crate::rng::Rng;
use crate::trace::Decision;

/// First wait of a device that the gateway does not know.
const FIRST_BINDING_WAIT: Duration = Duration::from_secs(30);
/// A session that lived this long was a success: waiting starts anew.
const LASTED: Duration = Duration::from_secs(30);
/// Handsets that a gateway let go come back within this time, or the configuration's
/// longest wait: of 10,000 some 300 a second.
const RETURN_SPREAD: Duration = Duration::from_secs(30);

/// Another gateway, named by one that sends its handsets away.
#[derive(Debug, Default)]
pub(super) struct Redirect {
    /// "host:port", while it is the one to try.
    pub(super) target: Option<String>,
    /// How many were followed since a session lasted.
    followed: u32,
}

impl Session {
    /// Closes the present connection, if there is one, or the attempts at one.
    pub(super) fn drop_connection(
        &mut self,
        ctx: &mut Ctx<'_>,
        why: &'static str,
    ) -> Option<SessionEvent> {
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

    pub(super) fn goodbye(
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
}
