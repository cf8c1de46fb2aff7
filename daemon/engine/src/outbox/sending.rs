//! The outgoing side of one identity: what waits, what is in flight, and the
//! frames that go out for it.

use std::collections::VecDeque;

use twine_proto::frame::{Revoke, Submit};
use twine_proto::{E164, Epoch, Frame, Seq};

use super::resume::Resume;
use super::window::Window;
use super::{OutboxEvent, Then};
use crate::channel::Patience;
use crate::channel::by_ip::{self, Choice, Facts};
use crate::ctx::{Ctx, Route};
use crate::gate::{Committed, Effect};
use crate::limits::WINDOW;
use crate::message::MessageId;
use crate::store_ops::{Op, QueuedMessage, Released};
use crate::trace::Decision;

/// The outgoing side of one identity.
#[derive(Debug, Default)]
pub(super) struct Sending {
    /// The present session, from its `Welcome` on.
    pub(super) session: Option<Resume>,
    pub(super) window: Window,
    /// The highest seq given in this epoch.
    pub(super) last_sent: Seq,
    /// Queued messages that were read, oldest first.
    pub(super) candidates: VecDeque<QueuedMessage>,
    pub(super) backlog: Backlog,
    /// The lowest unsettled seq, as the store knows it and as the gateway was
    /// told.
    pub(super) lowest_unsettled: Seq,
    pub(super) told_unsettled: Seq,
    /// A lane of it may have a note due.
    pub(super) note_due: bool,
}

/// Whether messages wait in the store, not among the candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Backlog {
    #[default]
    Empty,
    /// Some may wait.
    Some,
    /// A read is on its way; nothing was queued since.
    Loading,
    /// A read is on its way; more was queued since.
    LoadingAndMore,
}

impl Backlog {
    pub(super) fn grew(&mut self) {
        *self = match *self {
            Self::Empty | Self::Some => Self::Some,
            Self::Loading | Self::LoadingAndMore => Self::LoadingAndMore,
        };
    }
}

impl Sending {
    pub(super) fn is_ready(&self) -> bool {
        self.session.is_some_and(|session| session.is_filled())
    }

    /// Reads the next page of what has to be filled in, once half the window is
    /// free.
    pub(super) fn fill_on(&mut self, ctx: &mut Ctx<'_>, own: E164) {
        let Some(session) = &mut self.session else {
            return;
        };
        if self.window.room() >= WINDOW / 2
            && let Some(after) = session.take_turn()
        {
            load_resume(ctx, own, session.route, after);
        }
    }

    /// Gives a queued message to IP.
    pub(super) fn release(
        &mut self,
        ctx: &mut Ctx<'_>,
        own: E164,
        id: MessageId,
        bytes: usize,
        patience: Option<Patience>,
    ) {
        self.window.reserve(bytes);
        let look = patience.map(|patience| ctx.look(patience.accept));
        let boot = ctx.stamp();
        ctx.op(
            Op::Release { id, look, boot },
            Then::Released { own, bytes },
        );
    }

    pub(super) fn release_candidates(
        &mut self,
        ctx: &mut Ctx<'_>,
        own: E164,
        patience: Option<Patience>,
    ) {
        while let Some(candidate) = self.candidates.front() {
            let (id, bytes) = (candidate.id, candidate.content_bytes);
            let (choice, because) = by_ip::choose(Facts {
                link_up: true,
                session_ready: self.is_ready(),
                window_open: self.window.has_room(bytes),
            });
            if choice == Choice::Wait {
                return;
            }
            ctx.trace(Decision::ByIp(id), because);
            self.candidates.pop_front();
            self.release(ctx, own, id, bytes, patience);
        }
    }

    /// A stored release leaves, if the session that wanted it still stands;
    /// otherwise the next resume finds it.
    pub(super) fn submit(
        &mut self,
        ctx: &mut Ctx<'_>,
        proof: &Committed,
        released: Released,
    ) -> Option<OutboxEvent> {
        let Resume { route, .. } = self
            .session
            .filter(|session| session.epoch == released.epoch)?;
        self.last_sent = self.last_sent.max(released.seq);
        self.window
            .push(released.seq, released.content.as_bytes().len());
        ctx.clear(
            proof,
            Effect::Send {
                conn: route.conn,
                frame: Frame::Submit(Submit {
                    slot: route.slot,
                    seq: released.seq,
                    to: released.peer,
                    lane_seq: released.lane_seq,
                    content: released.content,
                }),
            },
        );
        Some(OutboxEvent::AnswerExpected)
    }

    pub(super) fn revoke(
        &self,
        ctx: &mut Ctx<'_>,
        proof: &Committed,
        epoch: Option<Epoch>,
        seqs: Vec<Seq>,
    ) {
        if let Some(Resume { route, .. }) = self.session {
            ctx.clear(
                proof,
                Effect::Send {
                    conn: route.conn,
                    frame: Frame::Revoke(Revoke {
                        slot: route.slot,
                        epoch,
                        seqs,
                    }),
                },
            );
        }
    }
}

/// Reads a page of what has to be filled in again.
pub(super) fn load_resume(ctx: &mut Ctx<'_>, own: E164, route: Route, after: Seq) {
    ctx.op(
        Op::LoadResume {
            number: own,
            after,
            limit: WINDOW / 2,
        },
        Then::Resumed { own, route },
    );
}
