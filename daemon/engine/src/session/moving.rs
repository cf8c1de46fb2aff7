//! Another link is to carry the session, or none is left.
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
//! retransmission time-outs of the new network (`life::UNPROVEN_TIMEOUTS`), the network may
//! eat UDP, or the session be gone: a new round begins on the same link at once. That says nothing
//! against the link: should the round fail as well, that will.

use super::{Session, SessionEvent, State};
use crate::ctx::Ctx;
use crate::gate::Fleeting;
use crate::link::LinkId;
use crate::output::TransportKind;
use crate::time::Instant;
use crate::trace::Decision;

impl Session {
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
}
