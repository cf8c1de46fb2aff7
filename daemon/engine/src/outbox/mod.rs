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

mod outcomes;
mod resume;
mod sending;
mod window;

use std::collections::BTreeMap;
use std::time::Duration;

use twine_proto::frame::{Accepted, Disposition, RevokeOutcome, Revoked, SentState};
use twine_proto::{E164, Epoch, Seq};

use crate::channel::Patience;
use crate::channel::by_ip::{self, Choice, Facts};
use crate::ctx::{Ctx, NumberingLost, Route};
use crate::deadlines::Deadlines;
use crate::gate::Effect;
use crate::input::ReplyTo;
use crate::limits::{MAX_EXPIRED_PER_TURN, MAX_OUTBOX};
use crate::message::{Channel, MessageId, content_of};
use crate::output::{CommandError, Reply};
use crate::store_ops::{AcceptedLooks, BootStamp, Look, NewOutgoing, Op};
use crate::time::Instant;
use crate::trace::Decision;
use resume::Resume;
use sending::{Backlog, Sending, load_resume};

/// The outgoing side of all identities.
#[derive(Debug)]
pub(crate) struct Outbox {
    identities: BTreeMap<E164, Sending>,
    /// Messages not settled: queued, in flight or accepted.
    open: u64,
    /// Messages in the queue.
    queued: u64,
    link_up: bool,
    /// Of the present link; `None`: messages never fall back on this device.
    patience: Option<Patience>,
    deadlines: Deadlines,
}

/// What follows an operation of this part.
#[derive(Debug)]
pub(crate) enum Then {
    Enqueued { to: ReplyTo },
    Released { own: E164, bytes: usize },
    NoteReleased { own: E164 },
    Loaded { own: E164 },
    Resumed { own: E164, route: Route },
    Applied { own: E164 },
    Unaccepted,
    Cancelled { to: ReplyTo },
    Retried { to: ReplyTo },
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
            patience: None,
            deadlines: Deadlines::default(),
        }
    }

    /// How long what is released from now on may take.
    pub(crate) fn set_patience(&mut self, patience: Option<Patience>) {
        self.patience = patience;
    }

    /// How many bytes of each identity the present network takes at once.
    pub(crate) fn set_window(&mut self, bytes: usize) {
        for sending in self.identities.values_mut() {
            sending.window.limit(bytes);
        }
    }

    /// An identity's lane has a note due, or may have.
    pub(crate) fn note_due(&mut self, own: E164) {
        self.identities.entry(own).or_default().note_due = true;
    }

    /// Messages in the queue of IP may be free to go.
    pub(crate) fn unblocked(&mut self) {
        for sending in self.identities.values_mut() {
            sending.backlog.grew();
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

    /// What the store counts as open.
    pub(crate) fn open_total(&mut self, open: u64) {
        self.open = open;
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
        let (id, own) = (outgoing.id, outgoing.sender.own);
        let bytes = content_of(outgoing.text.expose(), Vec::new())
            .encode()
            .as_bytes()
            .len();
        let sending = self.identities.entry(own).or_default();
        let first_in_queue = sending.backlog == Backlog::Empty && sending.candidates.is_empty();
        let (choice, because) = by_ip::choose(Facts {
            link_up: self.link_up,
            session_ready: sending.is_ready(),
            window_open: sending.window.has_room(bytes),
        });
        let for_ip = outgoing.queue_for_ip;
        let may_go = outgoing.wish != Some(Channel::Sms) && outgoing.peer.number().is_some();
        let releasing = for_ip && first_in_queue && choice == Choice::Ip;
        let outgoing = NewOutgoing {
            // How IP stands says nothing of what it is not to carry.
            because: if releasing || !may_go { &[] } else { because },
            ..outgoing
        };
        ctx.op(Op::Enqueue(outgoing), Then::Enqueued { to });
        if releasing {
            ctx.trace(Decision::ByIp(id), because);
            sending.release(ctx, own, id, bytes, self.patience);
        } else if for_ip {
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

    pub(crate) fn retry(
        &mut self,
        ctx: &mut Ctx<'_>,
        to: ReplyTo,
        id: MessageId,
        by: Option<Channel>,
    ) {
        let boot = ctx.stamp();
        ctx.op(Op::Retry { id, by, boot }, Then::Retried { to });
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
        self.apply(ctx, own, epoch, state, Vec::new());
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
        let look = self.delivery_look(ctx);
        ctx.op(
            Op::ApplyClosed {
                number: own,
                epoch,
                state,
                look,
            },
            Then::Applied { own },
        );
    }

    /// Whether any link is up.
    pub(crate) fn is_link_up(&self) -> bool {
        self.link_up
    }

    /// Whether new messages of this identity may leave on the present session.
    pub(crate) fn is_ready(&self, own: E164) -> bool {
        self.link_up && self.identities.get(&own).is_some_and(Sending::is_ready)
    }

    /// Messages left the queues otherwise (or, negative, came back).
    pub(crate) fn left(&mut self, count: i64) {
        self.queued = self.queued.saturating_add_signed(-count);
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
        self.apply(ctx, own, epoch, state, accepted.away);
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
        self.apply(ctx, own, epoch, state, Vec::new());
    }

    /// `doubt`: how long what was handed over gets until its recipient says that it arrived.
    pub(crate) fn revoked(
        &mut self,
        ctx: &mut Ctx<'_>,
        route: Route,
        revoked: Revoked,
        doubt: Duration,
    ) {
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
        let look = ctx.look(doubt);
        ctx.op(
            Op::ApplyRevoked {
                number: own,
                epoch,
                results: revoked.results,
                look,
            },
            Then::Applied { own },
        );
    }

    fn apply(
        &mut self,
        ctx: &mut Ctx<'_>,
        own: E164,
        epoch: Epoch,
        state: SentState,
        away: Vec<Seq>,
    ) {
        let look = self.delivery_look(ctx);
        ctx.op(
            Op::ApplySent {
                number: own,
                epoch,
                state,
                away,
                looks: AcceptedLooks {
                    away: look,
                    here: look,
                },
            },
            Then::Applied { own },
        );
    }

    /// When what the gateway has should have been delivered. Where nothing falls back it is
    /// never used.
    fn delivery_look(&self, ctx: &Ctx<'_>) -> Look {
        let delivery = self
            .patience
            .map_or(Duration::ZERO, |patience| patience.delivery);
        ctx.look(delivery)
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

    /// The earliest validity after a batch.
    pub(crate) fn next_validity_is(&mut self, validity: Option<Instant>) {
        self.deadlines.known(validity);
    }

    /// Deadlines of another boot start again (DELIVERY 24).
    pub(crate) fn rearm(&self, ctx: &mut Ctx<'_>, boot: BootStamp) {
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

    /// Own numbers that may say a note now.
    pub(crate) fn notes_wanted(&self) -> Vec<E164> {
        if !self.link_up {
            return Vec::new();
        }
        self.identities
            .iter()
            .filter(|(_, sending)| {
                sending.note_due && sending.is_ready() && sending.window.room() > 0
            })
            .map(|(own, _)| *own)
            .collect()
    }

    /// Makes a note without a message, if one is due.
    pub(crate) fn release_note(&mut self, ctx: &mut Ctx<'_>, own: E164, id: MessageId) {
        let sending = self.identities.entry(own).or_default();
        sending.note_due = false;
        // Another may become due before this one is stored.
        sending.window.reserve(0);
        ctx.op(
            Op::ReleaseNote { number: own, id },
            Then::NoteReleased { own },
        );
    }

    /// Looks what could be released or has to be read.
    pub(crate) fn close_turn(&mut self, ctx: &mut Ctx<'_>, boot: BootStamp) {
        self.act_on_deadline(ctx, boot);
        if !self.link_up {
            return;
        }
        for (own, sending) in &mut self.identities {
            sending.fill_on(ctx, *own);
            sending.release_candidates(ctx, *own, self.patience);
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
                        max_bytes: sending.window.room_bytes(),
                    },
                    Then::Loaded { own: *own },
                );
            }
        }
    }
}

/// How long after a resume or reconnect no deadline acts (DELIVERY 23).
pub(crate) fn grace_after(rto: Duration) -> Duration {
    (rto * 2).max(Duration::from_secs(3))
}
