//! The life of outgoing messages: queue, window, acceptance, taking back.
//!
//! Owns, per identity, the in-flight window and the knowledge that messages
//! wait in the store. Holds no message: content is read from the store when it
//! leaves, so memory stays bounded whatever waits. Never touches a connection
//! that was not given to it as a [`Route`].
//!
//! ```text
//!           Enqueue            Release              Accepted           receipt
//! command ──────────▶ queued ──────────▶ in flight ──────────▶ accepted ─────▶ delivered
//!                       ▲                    │ refused             │ expired, rejected
//!                       └──── Retry ─── wedged: the user decides ◀─┘
//! ```
//!
//! A message is *wedged* when its attempt is finally negative: it stays, shown
//! as failed with its reason, until the user retries or cancels. It holds up
//! nobody: order comes from its place in the lane, not from waiting.
//!
//! A release is stored before its `Submit` leaves (DELIVERY 2), so a `seq` is
//! never used twice and leaves no hole. While no session is ready nothing is
//! released: a message that waits can still take another channel.

mod deadlines;
mod resume;
mod window;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use twine_proto::frame::{
    Accepted, Disposition, Revoke, RevokeOutcome, Revoked, SentState, Submit,
};
use twine_proto::limits::MAX_SEQS_PER_FRAME;
use twine_proto::{E164, Epoch, Frame, Seq};

use crate::channel::{self, Choice, Facts};
use crate::ctx::{Ctx, NumberingLost, Route};
use crate::gate::{Committed, Effect};
use crate::input::ReplyTo;
use crate::limits::{MAX_EXPIRED_PER_TURN, MAX_OUTBOX, WINDOW, WINDOW_BYTES};
use crate::message::{MessageId, Shown, content_of};
use crate::output::{CommandError, Reply};
use crate::store_ops::{BootStamp, NewOutgoing, Op, Outcome, QueuedMessage, Released, Unsettled};
use crate::time::Instant;
use crate::trace::Decision;
use deadlines::Deadlines;
use resume::{Fill, Resume};
use window::Window;

/// The outgoing side of all identities.
#[derive(Debug)]
pub(crate) struct Outbox {
    identities: BTreeMap<E164, Sending>,
    /// Messages not settled: queued, in flight or accepted.
    open: u64,
    /// Messages in the queue.
    queued: u64,
    link_up: bool,
    deadlines: Deadlines,
}

/// The outgoing side of one identity.
#[derive(Debug, Default)]
struct Sending {
    /// The present session, from its `Welcome` on.
    session: Option<Resume>,
    window: Window,
    /// The highest seq given in this epoch.
    last_sent: Seq,
    /// Queued messages that were read, oldest first.
    candidates: VecDeque<QueuedMessage>,
    backlog: Backlog,
    /// The lowest unsettled seq, as the store knows it and as the gateway was
    /// told.
    lowest_unsettled: Seq,
    told_unsettled: Seq,
}

/// Whether messages wait in the store, not among the candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Backlog {
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
    fn grew(&mut self) {
        *self = match *self {
            Self::Empty | Self::Some => Self::Some,
            Self::Loading | Self::LoadingAndMore => Self::LoadingAndMore,
        };
    }
}

/// What follows an operation of this part.
#[derive(Debug)]
pub(crate) enum Then {
    Enqueued { to: ReplyTo },
    Released { own: E164, bytes: usize },
    Loaded { own: E164 },
    Resumed { own: E164, route: Route },
    Applied { own: E164 },
    Unaccepted,
    Cancelled { to: ReplyTo },
    Retried { to: ReplyTo, boot: BootStamp },
    Rearmed,
    Expired,
}

/// What a client wants to send.
#[derive(Debug)]
pub(crate) struct NewMessage {
    pub(crate) to: ReplyTo,
    pub(crate) outgoing: NewOutgoing,
}

/// What the rest of the engine has to know.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OutboxEvent {
    /// The gateway's numbering contradicts this device's.
    NumberingLost(NumberingLost),
    /// Frames went out that will be answered.
    AnswerExpected,
}

impl Outbox {
    pub(crate) fn new(open: u64) -> Self {
        Self {
            identities: BTreeMap::new(),
            open,
            queued: 0,
            link_up: false,
            deadlines: Deadlines::default(),
        }
    }

    /// An identity exists; its queue has this length.
    pub(crate) fn identity(&mut self, own: E164, queued: u64) {
        let sending = self.identities.entry(own).or_default();
        if queued > 0 {
            sending.backlog.grew();
        }
    }

    /// The lengths of all queues, as the store knows them.
    pub(crate) fn queued_total(&mut self, queued: u64) {
        self.queued = queued;
    }

    pub(crate) fn queued(&self) -> u64 {
        self.queued
    }

    pub(crate) fn open(&self) -> u64 {
        self.open
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.identities.values().map(|s| s.window.len()).sum()
    }

    pub(crate) fn in_flight_bytes(&self) -> usize {
        self.identities.values().map(|s| s.window.bytes()).sum()
    }

    // -- commands -----------------------------------------------------------

    /// Stores a message and, if nothing waits before it, releases it in the
    /// same batch: one commit between the app's request and the `Submit`.
    pub(crate) fn send(&mut self, ctx: &mut Ctx<'_>, new: NewMessage) {
        let NewMessage { to, outgoing } = new;
        if self.open >= MAX_OUTBOX {
            ctx.counters.busy += 1;
            let error = CommandError::Busy("the outbox");
            ctx.after_commit(Effect::Reply {
                to,
                reply: Reply::Error(error),
            });
            return;
        }
        let (id, own) = (outgoing.id, outgoing.own);
        let bytes = content_of(outgoing.text.expose()).encode().as_bytes().len();
        if let Some(valid_for) = outgoing.valid_for {
            self.deadlines.consider(outgoing.boot.at + valid_for);
        }
        let sending = self.identities.entry(own).or_default();
        let first_in_queue = sending.backlog == Backlog::Empty && sending.candidates.is_empty();
        let (choice, because) = channel::choose(Facts {
            link_up: self.link_up,
            session_ready: sending.is_ready(),
            window_open: sending.window.has_room(bytes),
        });
        let releasing = first_in_queue && choice == Choice::Ip;
        ctx.op(Op::Enqueue(outgoing), Then::Enqueued { to });
        if releasing {
            ctx.trace(Decision::ByIp(id), because);
            sending.release(ctx, own, id, bytes);
        } else {
            ctx.trace(Decision::Wait, because);
            sending.backlog.grew();
        }
    }

    pub(crate) fn cancel(&mut self, ctx: &mut Ctx<'_>, to: ReplyTo, id: MessageId) {
        for sending in self.identities.values_mut() {
            sending.candidates.retain(|queued| queued.id != id);
        }
        ctx.op(Op::Cancel { id }, Then::Cancelled { to });
    }

    pub(crate) fn retry(&mut self, ctx: &mut Ctx<'_>, to: ReplyTo, id: MessageId, boot: BootStamp) {
        ctx.op(Op::Retry { id, boot }, Then::Retried { to, boot });
    }

    // -- the session --------------------------------------------------------

    /// The gateway knows this identity and said what it has. Applies that, and
    /// reads what has to be filled in again (DELIVERY 8).
    pub(crate) fn welcomed(
        &mut self,
        ctx: &mut Ctx<'_>,
        own: E164,
        route: Route,
        epoch: Epoch,
        next_seq: Seq,
        state: SentState,
    ) {
        let high_water = state.high_water;
        self.apply(ctx, own, epoch, state);
        ctx.op(
            Op::Unaccept {
                number: own,
                epoch,
                high_water,
            },
            Then::Unaccepted,
        );
        let sending = self.identities.entry(own).or_default();
        sending.session = Some(Resume::new(route, epoch, high_water, next_seq));
        sending.last_sent = Seq(next_seq.0.saturating_sub(1));
        sending.told_unsettled = Seq(0);
        load_resume(ctx, own, route, Seq(0));
    }

    /// The present epoch is given up.
    pub(crate) fn close_epoch(
        &mut self,
        ctx: &mut Ctx<'_>,
        own: E164,
        epoch: Epoch,
        contested_from: Option<Seq>,
    ) {
        ctx.op(
            Op::CloseEpoch {
                number: own,
                epoch,
                contested_from,
            },
            Then::Applied { own },
        );
    }

    /// What the gateway says of an epoch that is closed.
    pub(crate) fn closed_epoch(
        &mut self,
        ctx: &mut Ctx<'_>,
        own: E164,
        epoch: Epoch,
        state: SentState,
    ) {
        // What was not taken goes back to the queue.
        self.identities.entry(own).or_default().backlog.grew();
        ctx.op(
            Op::ApplyClosed {
                number: own,
                epoch,
                state,
            },
            Then::Applied { own },
        );
    }

    /// Whether any link is up.
    pub(crate) fn link_up(&mut self, up: bool) {
        self.link_up = up;
    }

    /// No nominated deadline acts before this.
    pub(crate) fn grace(&mut self, until: Instant) {
        self.deadlines.grace(until);
    }

    /// The session is gone: nothing is released until the next one is ready.
    pub(crate) fn session_lost(&mut self) {
        for sending in self.identities.values_mut() {
            sending.session = None;
            sending.window.clear();
            if !sending.candidates.is_empty() {
                sending.candidates.clear();
                sending.backlog.grew();
            }
        }
    }

    pub(crate) fn route(&self, own: E164) -> Option<Route> {
        Some(self.identities.get(&own)?.session?.route)
    }

    /// Whose frame this is, and in which epoch.
    fn owner(&mut self, route: Route) -> Option<(E164, Epoch, &mut Sending)> {
        self.identities.iter_mut().find_map(|(own, sending)| {
            let session = sending.session.filter(|session| session.route == route)?;
            Some((*own, session.epoch, sending))
        })
    }

    // -- frames -------------------------------------------------------------

    pub(crate) fn accepted(
        &mut self,
        ctx: &mut Ctx<'_>,
        route: Route,
        accepted: Accepted,
    ) -> Option<OutboxEvent> {
        let (own, epoch, sending) = self.owner(route)?;
        if let Some(at) = accepted.conflict {
            return Some(OutboxEvent::NumberingLost(NumberingLost {
                number: own,
                contested_from: Some(at),
            }));
        }
        if accepted.upto > sending.last_sent {
            return Some(OutboxEvent::NumberingLost(NumberingLost {
                number: own,
                contested_from: None,
            }));
        }
        sending.window.accepted(accepted.upto);
        let state = SentState {
            high_water: accepted.upto,
            dispositions: accepted
                .refused
                .into_iter()
                .map(|(seq, refusal)| (seq, Disposition::Refused(refusal)))
                .collect(),
            delivered: Vec::new(),
        };
        self.apply(ctx, own, epoch, state);
        None
    }

    /// Delivered and other final outcomes.
    pub(crate) fn outcomes(
        &mut self,
        ctx: &mut Ctx<'_>,
        route: Route,
        closed: Option<Epoch>,
        delivered: Vec<Seq>,
        dispositions: Vec<(Seq, Disposition)>,
    ) {
        let Some((own, current, _)) = self.owner(route) else {
            return;
        };
        let epoch = closed.unwrap_or(current);
        let state = SentState {
            high_water: Seq(0),
            dispositions,
            delivered,
        };
        self.apply(ctx, own, epoch, state);
    }

    pub(crate) fn revoked(&mut self, ctx: &mut Ctx<'_>, route: Route, revoked: Revoked) {
        let Some((own, current, sending)) = self.owner(route) else {
            return;
        };
        let epoch = revoked.epoch.unwrap_or(current);
        if revoked.epoch.is_none() {
            for (seq, outcome) in &revoked.results {
                if *outcome == RevokeOutcome::Revoked {
                    sending.window.answered(*seq);
                }
            }
        }
        ctx.op(
            Op::ApplyRevoked {
                number: own,
                epoch,
                results: revoked.results,
            },
            Then::Applied { own },
        );
    }

    fn apply(&mut self, ctx: &mut Ctx<'_>, own: E164, epoch: Epoch, state: SentState) {
        ctx.op(
            Op::ApplySent {
                number: own,
                epoch,
                state,
            },
            Then::Applied { own },
        );
    }

    /// The lowest unsettled seq, if the gateway should hear of it: after every
    /// `step` that settled.
    pub(crate) fn unsettled_to_tell(&mut self, route: Route, step: u64) -> Option<Seq> {
        let (_, _, sending) = self.owner(route)?;
        if sending.lowest_unsettled.0 < sending.told_unsettled.0 + step {
            return None;
        }
        sending.told_unsettled = sending.lowest_unsettled;
        Some(sending.lowest_unsettled)
    }

    // -- deadlines ----------------------------------------------------------

    /// Deadlines of another boot start again (DELIVERY 24).
    pub(crate) fn rearm(&mut self, ctx: &mut Ctx<'_>, boot: BootStamp) {
        self.deadlines.ask();
        ctx.op(Op::RearmDeadlines { boot }, Then::Rearmed);
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.due()
    }

    /// A deadline has passed: it nominates, it does not act (DELIVERY 23).
    pub(crate) fn nominate(&mut self, now: Instant) {
        self.deadlines.nominate(now);
    }

    /// End of the turn: all that was readable is handled. Acts on a nominated
    /// deadline if it still holds; the store decides in the same batch, behind
    /// all that the turn's input changed.
    fn act_on_deadline(&mut self, ctx: &mut Ctx<'_>, boot: BootStamp) {
        match self.deadlines.take_nominated(boot.at) {
            None => return,
            Some(false) => {
                ctx.trace(Decision::DeadlineDropped, &["it does not hold any more"]);
                return;
            }
            Some(true) => {}
        }
        self.deadlines.ask();
        ctx.op(
            Op::ExpireDue {
                boot,
                limit: MAX_EXPIRED_PER_TURN,
            },
            Then::Expired,
        );
    }

    // -- end of turn and outcomes -------------------------------------------

    /// Looks what could be released or has to be read.
    pub(crate) fn close_turn(&mut self, ctx: &mut Ctx<'_>, boot: BootStamp) {
        self.act_on_deadline(ctx, boot);
        if !self.link_up {
            return;
        }
        for (own, sending) in &mut self.identities {
            sending.fill_on(ctx, *own);
            sending.release_candidates(ctx, *own);
            if sending.is_ready()
                && sending.backlog == Backlog::Some
                && sending.candidates.is_empty()
                && sending.window.room() > 0
            {
                sending.backlog = Backlog::Loading;
                ctx.op(
                    Op::LoadQueued {
                        number: *own,
                        limit: sending.window.room(),
                        max_bytes: sending.window.room_bytes().min(WINDOW_BYTES),
                    },
                    Then::Loaded { own: *own },
                );
            }
        }
    }

    pub(crate) fn stored(
        &mut self,
        ctx: &mut Ctx<'_>,
        proof: &Committed,
        then: Then,
        outcome: Outcome,
    ) -> Option<OutboxEvent> {
        let reply = |ctx: &mut Ctx<'_>, to, reply| ctx.clear(proof, Effect::Reply { to, reply });
        match (then, outcome) {
            (Then::Enqueued { to }, Outcome::Enqueued { id }) => {
                ctx.counters.enqueued += 1;
                self.open += 1;
                self.queued += 1;
                let repeated = false;
                reply(ctx, to, Reply::Sent { id, repeated });
            }
            (Then::Enqueued { to }, Outcome::Repeated { id }) => {
                reply(ctx, to, Reply::Sent { id, repeated: true });
            }
            (Then::Released { own, bytes }, Outcome::Released(released)) => {
                ctx.counters.released += 1;
                self.queued = self.queued.saturating_sub(1);
                let sending = self.identities.entry(own).or_default();
                sending.window.unreserve(bytes);
                return sending.submit(ctx, proof, released);
            }
            (Then::Released { own, bytes }, _) => {
                let sending = self.identities.entry(own).or_default();
                sending.window.unreserve(bytes);
            }
            (Then::Loaded { own }, Outcome::Queued { messages, more }) => {
                let sending = self.identities.entry(own).or_default();
                let grew = sending.backlog == Backlog::LoadingAndMore;
                sending.backlog = if more || grew {
                    Backlog::Some
                } else {
                    Backlog::Empty
                };
                if sending.is_ready() {
                    sending.candidates = messages.into();
                } else if !messages.is_empty() {
                    sending.backlog = Backlog::Some;
                }
            }
            (
                Then::Resumed { own, route },
                Outcome::Resume {
                    in_flight,
                    more,
                    taking_back,
                },
            ) => {
                let sending = self.identities.entry(own).or_default();
                let fills = match &mut sending.session {
                    Some(session) if session.route == route => session.page(in_flight, more),
                    // That session is gone; the next one reads again.
                    _ => return None,
                };
                if sending.backlog == Backlog::Empty && self.queued > 0 {
                    sending.backlog = Backlog::Some;
                }
                let mut expected = false;
                for fill in fills {
                    match fill {
                        Fill::Submit(released) => {
                            sending.submit(ctx, proof, released);
                        }
                        Fill::Revoke(seqs) => {
                            for chunk in seqs.chunks(MAX_SEQS_PER_FRAME) {
                                sending.revoke(ctx, proof, None, chunk.to_vec());
                            }
                        }
                    }
                    expected = true;
                }
                expected |= self.revoke_all(
                    ctx,
                    proof,
                    taking_back.into_iter().map(|(epoch, seq)| Unsettled {
                        number: own,
                        epoch,
                        seq,
                    }),
                );
                return expected.then_some(OutboxEvent::AnswerExpected);
            }
            (
                Then::Applied { own },
                Outcome::Applied {
                    settled,
                    requeued,
                    lowest_unsettled,
                },
            ) => {
                self.open = self.open.saturating_sub(settled);
                self.queued += requeued;
                let sending = self.identities.entry(own).or_default();
                if requeued > 0 {
                    sending.backlog.grew();
                }
                sending.lowest_unsettled = lowest_unsettled;
            }
            (Then::Cancelled { to }, outcome) => {
                let answer = match outcome {
                    Outcome::TakenBack => {
                        self.open = self.open.saturating_sub(1);
                        self.queued = self.queued.saturating_sub(1);
                        Reply::Done
                    }
                    Outcome::Done => Reply::Done,
                    Outcome::MustRevoke(unsettled) => {
                        reply(ctx, to, Reply::Done);
                        let asked = self.revoke_all(ctx, proof, std::iter::once(unsettled));
                        return asked.then_some(OutboxEvent::AnswerExpected);
                    }
                    outcome => too_late(&outcome),
                };
                reply(ctx, to, answer);
            }
            (Then::Retried { to, boot }, Outcome::Done) => {
                self.open += 1;
                self.queued += 1;
                for sending in self.identities.values_mut() {
                    sending.backlog.grew();
                }
                // Its validity started again: ask the store for the earliest.
                self.rearm(ctx, boot);
                reply(ctx, to, Reply::Done);
            }
            (Then::Retried { to, .. }, outcome) => reply(ctx, to, too_late(&outcome)),
            (Then::Unaccepted, _) => {}
            (Then::Rearmed, Outcome::Deadline(next)) => self.deadlines.answer(next),
            (
                Then::Expired,
                Outcome::Expired {
                    revoke,
                    dropped,
                    next,
                },
            ) => {
                self.deadlines.answer(next);
                let dropped = dropped as u64;
                self.open = self.open.saturating_sub(dropped);
                self.queued = self.queued.saturating_sub(dropped);
                let asked = self.revoke_all(ctx, proof, revoke.into_iter());
                return asked.then_some(OutboxEvent::AnswerExpected);
            }
            (then, outcome) => {
                debug_assert!(false, "store answered {outcome:?} to {then:?}");
            }
        }
        None
    }

    /// Asks the gateway for messages back, as far as it can be reached; the
    /// rest is asked at the next contact, because the store remembers it.
    fn revoke_all(
        &mut self,
        ctx: &mut Ctx<'_>,
        proof: &Committed,
        unsettled: impl Iterator<Item = Unsettled>,
    ) -> bool {
        let mut lists: BTreeMap<(E164, Epoch), Vec<Seq>> = BTreeMap::new();
        for item in unsettled {
            lists
                .entry((item.number, item.epoch))
                .or_default()
                .push(item.seq);
        }
        let mut asked = false;
        for ((own, epoch), mut seqs) in lists {
            let Some(sending) = self.identities.get_mut(&own) else {
                continue;
            };
            let Some(session) = sending.session else {
                continue;
            };
            seqs.sort_unstable();
            let closed = (session.epoch != epoch).then_some(epoch);
            ctx.trace(
                Decision::Revoke { count: seqs.len() },
                &["the user or its validity took it back"],
            );
            for chunk in seqs.chunks(MAX_SEQS_PER_FRAME) {
                sending.revoke(ctx, proof, closed, chunk.to_vec());
            }
            asked = true;
        }
        asked
    }
}

impl Sending {
    fn is_ready(&self) -> bool {
        self.session.is_some_and(|session| session.is_filled())
    }

    /// Reads the next page of what has to be filled in, once half the window is
    /// free.
    fn fill_on(&mut self, ctx: &mut Ctx<'_>, own: E164) {
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
    fn release(&mut self, ctx: &mut Ctx<'_>, own: E164, id: MessageId, bytes: usize) {
        self.window.reserve(bytes);
        ctx.op(Op::Release { id }, Then::Released { own, bytes });
    }

    fn release_candidates(&mut self, ctx: &mut Ctx<'_>, own: E164) {
        while let Some(candidate) = self.candidates.front() {
            let (id, bytes) = (candidate.id, candidate.content_bytes);
            let (choice, because) = channel::choose(Facts {
                link_up: true,
                session_ready: self.is_ready(),
                window_open: self.window.has_room(bytes),
            });
            if choice == Choice::Wait {
                return;
            }
            ctx.trace(Decision::ByIp(id), because);
            self.candidates.pop_front();
            self.release(ctx, own, id, bytes);
        }
    }

    /// A stored release leaves, if the session that wanted it still stands;
    /// otherwise the next resume finds it.
    fn submit(
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

    fn revoke(&self, ctx: &mut Ctx<'_>, proof: &Committed, epoch: Option<Epoch>, seqs: Vec<Seq>) {
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

fn load_resume(ctx: &mut Ctx<'_>, own: E164, route: Route, after: Seq) {
    ctx.op(
        Op::LoadResume {
            number: own,
            after,
            limit: WINDOW / 2,
        },
        Then::Resumed { own, route },
    );
}

fn too_late(outcome: &Outcome) -> Reply {
    Reply::Error(match outcome {
        Outcome::TooLate { shown } => CommandError::TooLate(match shown {
            Some(Shown::Queued) => "waiting",
            Some(Shown::Sending | Shown::Sent) => "on its way",
            Some(Shown::Delivered) => "delivered",
            Some(Shown::Read) => "read",
            Some(Shown::Cancelled) => "cancelled",
            Some(Shown::Failed(_)) => "failed",
            Some(Shown::Received | Shown::Unreadable | Shown::Conflicting) | None => "incoming",
        }),
        _ => CommandError::NotFound("message"),
    })
}

/// How long after a resume or reconnect no deadline acts (DELIVERY 23).
pub(crate) fn grace_after(rto: Duration) -> Duration {
    (rto * 2).max(Duration::from_secs(3))
}
