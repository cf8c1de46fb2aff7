//! The engine itself: hands input to the parts, routes their events, closes
//! the turn. What the answer to a greeting means is in `welcome`; every other
//! rule is in the parts.

use twine_proto::frame::{Ack, Deliver, ReceiptKind, Typing, UnreadableDeliver};
use twine_proto::{E164, Frame};

use crate::config::Config;
use crate::ctx::{Counters, Ctx, NumberingLost, Route};
use crate::gate::{Committed, Effect, Fleeting, Gate};
use crate::inbox::{self, Inbox, InboxEvent};
use crate::input::{Command, Input, ReplyTo, TelephonyEvent};
use crate::link::{Link, LinkId};
use crate::links::{Links, LinksEvent};
use crate::lookups::Lookups;
use crate::message::{MessageId, SmsAttempt};
use crate::outbox::{self, NewMessage, Outbox, OutboxEvent};
use crate::output::{CommandError, Notice, Output, Reply};
use crate::receipts::{self, Receipts};
use crate::registration::Registration;
use crate::rng::Rng;
use crate::session::{self, Session, SessionEvent};
use crate::status::{StatusBrief, StatusView};
use crate::store_ops::{BootStamp, NewOutgoing, Op, Outcome, Snapshot, Stored};
use crate::time::{BootId, Instant, Now};

/// The gateway hears of the lowest unsettled seq after so many settled ones,
/// so that it may forget.
const TELL_UNSETTLED_EVERY: u64 = 16;

/// Upkeep of the store rides along with every so many batches: it follows use,
/// and never wakes a phone.
const PRUNE_EVERY_BATCHES: u64 = 2_000;

/// Why the engine wants to be called at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TimerReason {
    /// When to try to connect again.
    Reconnect,
    /// When connecting has taken too long.
    Connecting,
    /// When the answer to `Hello` has taken too long.
    Greeting,
    /// When to send a `Ping`, because nothing was heard.
    Heartbeat,
    /// When an answer has been missing for too long.
    AnswerMissing,
    /// When a message's validity may be over.
    Validity,
    /// When a look-up is given up.
    Lookup,
}

/// What follows an operation of a batch.
#[derive(Debug)]
pub(crate) enum Then {
    Nothing,
    Session(session::Then),
    Outbox(outbox::Then),
    Inbox(inbox::Then),
    Receipts(receipts::Then),
    Registered { to: ReplyTo, number: E164 },
    Client { to: ReplyTo, what: &'static str },
}

macro_rules! then_from {
    ($($part:ident => $variant:ident),*) => {
        $(impl From<$part::Then> for Then {
            fn from(then: $part::Then) -> Self {
                Self::$variant(then)
            }
        })*
    };
}
then_from!(session => Session, outbox => Outbox, inbox => Inbox, receipts => Receipts);

/// The engine. See the crate's documentation for its contract.
#[derive(Debug)]
pub struct Engine {
    boot: BootId,
    rng: Rng,
    gate: Gate<Then>,
    counters: Counters,
    traced: usize,
    next_prune: u64,
    next_message: u64,
    session: Session,
    links: Links,
    registration: Registration,
    outbox: Outbox,
    inbox: Inbox,
    receipts: Receipts,
    lookups: Lookups,
}

/// Splits the engine into the means of a turn and its parts.
macro_rules! ctx {
    ($engine:ident, $now:expr) => {
        Ctx {
            now: $now,
            boot: $engine.boot,
            gate: &mut $engine.gate,
            counters: &mut $engine.counters,
            traced: &mut $engine.traced,
        }
    };
}

mod welcome;

impl Engine {
    /// Starts from what the store holds. `seed` feeds jitter; give a random one
    /// in production.
    pub fn new(config: Config, seed: u64, boot: BootId, now: Now, snapshot: Snapshot) -> Self {
        let mut outbox = Outbox::new(snapshot.outbox);
        let mut queued = 0;
        for position in &snapshot.identities {
            outbox.identity(position.number, position.queued);
            queued += position.queued;
        }
        outbox.queued_total(queued);
        let mut registration = Registration::default();
        registration.refresh(snapshot.identities);
        let mut engine = Self {
            session: Session::new(config, snapshot.session_no, now.instant),
            boot,
            rng: Rng::new(seed),
            gate: Gate::new(snapshot.latest_event),
            counters: Counters::default(),
            traced: 0,
            next_prune: 0,
            next_message: snapshot.next_message.max(1),
            links: Links::default(),
            registration,
            outbox,
            inbox: Inbox::default(),
            receipts: Receipts::default(),
            lookups: Lookups::default(),
        };
        let boot = engine.stamp(now);
        let mut ctx = ctx!(engine, now);
        engine.outbox.rearm(&mut ctx, boot);
        engine
    }

    /// One thing happened.
    pub fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Command { to, command } => self.command(now, to, command),
            Input::Telephony(event) => self.telephony(now, event),
            Input::Channel { conn, event } => {
                let mut ctx = ctx!(self, now);
                let event = self.session.channel(&mut ctx, &mut self.rng, conn, event);
                self.session_event(now, event);
            }
            Input::Stored(stored) => self.stored(now, stored),
            Input::Timeout => {
                let mut ctx = ctx!(self, now);
                let event = self.session.timeout(&mut ctx, &mut self.rng);
                self.lookups.timeout(&mut ctx);
                self.outbox.nominate(now.instant);
                self.session_event(now, event);
            }
        }
    }

    /// The next thing to do. Returning `None` ends the turn: by then nominated
    /// deadlines were looked at again, and what has to be stored was handed out
    /// as a batch, unless one is still on its way.
    #[must_use]
    pub fn poll_output(&mut self, now: Now) -> Option<Output> {
        if let Some(output) = self.gate.pop() {
            return Some(output);
        }
        self.close_turn(now);
        let output = self.gate.pop();
        if output.is_none() {
            self.traced = 0;
        }
        output
    }

    /// When to hand in `Input::Timeout`, and why.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, TimerReason)> {
        let validity = self.outbox.next_deadline();
        let lookup = self.lookups.next_deadline();
        [
            self.session.poll_timeout(),
            validity.map(|at| (at, TimerReason::Validity)),
            lookup.map(|at| (at, TimerReason::Lookup)),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// No command should be handed in until a batch is stored: stop reading
    /// control sockets. Commands that come all the same are answered "busy".
    pub fn is_congested(&self) -> bool {
        self.gate.is_congested()
    }

    /// A link as last reported, while it is up: how to bind sockets to it.
    pub fn link(&self, id: &LinkId) -> Option<&Link> {
        self.links.get(id)
    }

    /// A view for diagnostics.
    pub fn status(&self) -> StatusView {
        let session = self.session.view();
        let mut counters = self.counters.list();
        counters.push(("batches", self.gate.batches()));
        StatusView {
            identities: self.registration.view(),
            queued: self.outbox.queued(),
            in_flight: self.outbox.in_flight() as u64,
            outbox: self.outbox.open(),
            links: self.links.view(session.link.as_ref()),
            session,
            counters,
        }
    }

    /// The little of [`Self::status`] that costs nothing to tell.
    pub fn status_brief(&self) -> StatusBrief {
        StatusBrief {
            live: self.session.live().is_some(),
            in_flight: self.outbox.in_flight() as u64,
            outbox: self.outbox.open(),
        }
    }

    fn stamp(&self, now: Now) -> BootStamp {
        BootStamp {
            boot: self.boot,
            at: now.instant,
        }
    }

    fn message_id(&mut self) -> MessageId {
        let id = self.next_message;
        self.next_message += 1;
        MessageId(id)
    }

    fn close_turn(&mut self, now: Now) {
        let boot = self.stamp(now);
        let mut ctx = ctx!(self, now);
        if ctx.gate.batches() >= self.next_prune && ctx.gate.has_work() {
            self.next_prune = ctx.gate.batches() + PRUNE_EVERY_BATCHES;
            ctx.op(Op::Prune, Then::Nothing);
        }
        self.outbox.close_turn(&mut ctx, boot);
        self.session.outstanding(
            now.instant,
            self.outbox.in_flight(),
            self.outbox.in_flight_bytes(),
        );
        self.gate.close_batch(now.wall);
    }

    // -- commands -------------------------------------------------------------

    fn command(&mut self, now: Now, to: ReplyTo, command: Command) {
        if self.gate.is_congested() {
            self.counters.busy += 1;
            return self.refuse(now, to, CommandError::Busy("the store"));
        }
        let boot = self.stamp(now);
        match command {
            Command::Send {
                client,
                token,
                from,
                to: peer,
                text,
                valid_for,
            } => {
                let own = match self.own(from) {
                    Ok(own) => own,
                    Err(error) => return self.refuse(now, to, error),
                };
                let outgoing = NewOutgoing {
                    id: self.message_id(),
                    client,
                    token,
                    own,
                    peer: peer.into(),
                    text,
                    valid_for,
                    boot,
                    wish: None,
                    sms: SmsAttempt::NotUsed,
                    queue_for_ip: true,
                    look: None,
                    because: &[],
                };
                let mut ctx = ctx!(self, now);
                self.outbox.send(&mut ctx, NewMessage { to, outgoing });
            }
            Command::Cancel(id) => self.outbox.cancel(&mut ctx!(self, now), to, id),
            Command::Retry(id) => self.outbox.retry(&mut ctx!(self, now), to, id, boot),
            Command::MarkRead(id) => self.receipts.mark_read(&mut ctx!(self, now), to, id),
            Command::Typing {
                from,
                to: peer,
                stopped,
            } => {
                let own = match self.own(from) {
                    Ok(own) => own,
                    Err(error) => return self.refuse(now, to, error),
                };
                let route = self.outbox.route(own);
                let mut ctx = ctx!(self, now);
                if let Some(Route { conn, slot }) = route {
                    let typing = Typing {
                        slot,
                        peer,
                        stopped,
                    };
                    ctx.at_once(Fleeting::Typing { conn, typing });
                }
                let reply = Reply::Done;
                ctx.after_commit(Effect::Reply { to, reply });
            }
            Command::Register { number, iccid } => {
                if !self.registration.has_room_for(number) {
                    let error = CommandError::Busy("the number of identities of this device");
                    return self.refuse(now, to, error);
                }
                self.registration.registered(number, iccid.clone());
                self.outbox.identity(number, 0);
                let mut ctx = ctx!(self, now);
                ctx.op(
                    Op::Register { number, iccid },
                    Then::Registered { to, number },
                );
            }
            Command::Lookup(numbers) => {
                let conn = self.session.live();
                let mut ctx = ctx!(self, now);
                if self.lookups.ask(&mut ctx, to, numbers, conn) {
                    self.session.answer_expected(now.instant);
                }
            }
            Command::OpenClient { client, from_now } => ctx!(self, now).op(
                Op::OpenClient { client, from_now },
                Then::Client { to, what: "client" },
            ),
            Command::AckEvents { client, cursor } => ctx!(self, now).op(
                Op::AckEvents { client, cursor },
                Then::Client {
                    to,
                    what: "client; subscribe first",
                },
            ),
        }
    }

    /// The sending identity: the one named, or the only one there is.
    fn own(&self, from: Option<E164>) -> Result<E164, CommandError> {
        match from {
            Some(own) if self.registration.get(own).is_some() => Ok(own),
            Some(_) => Err(CommandError::NoIdentity(
                "the sending number is not registered on this device",
            )),
            None => self
                .registration
                .only()
                .ok_or(if self.registration.is_empty() {
                    CommandError::NoIdentity("no number is registered on this device")
                } else {
                    CommandError::NoIdentity("several numbers are registered: name the sending one")
                }),
        }
    }

    fn refuse(&mut self, now: Now, to: ReplyTo, error: CommandError) {
        let reply = Reply::Error(error);
        ctx!(self, now).after_commit(Effect::Reply { to, reply });
    }

    // -- telephony --------------------------------------------------------------

    fn telephony(&mut self, now: Now, event: TelephonyEvent) {
        let event = match event {
            TelephonyEvent::State { links, .. } => self.links.replace(links, now.instant),
            TelephonyEvent::Link(link) => self.links.report(link, now.instant),
            TelephonyEvent::AgentGone => None,
        };
        let link = match event {
            None => return,
            Some(LinksEvent::Chosen(link)) => link,
            Some(LinksEvent::Renewed(link)) => Some(link),
        };
        self.outbox.link_up(link.is_some());
        let has_identity = !self.registration.is_empty();
        let mut ctx = ctx!(self, now);
        let event = self.session.use_link(&mut ctx, link, has_identity);
        self.outbox
            .grace(now.instant + outbox::grace_after(self.session.rto()));
        self.session_event(now, event);
    }

    // -- the session --------------------------------------------------------------

    fn session_event(&mut self, now: Now, event: Option<SessionEvent>) {
        match event {
            // `Begun` needs proof of its commit: see `stored`.
            None | Some(SessionEvent::Begun(_)) => {}
            Some(SessionEvent::Lost) => self.lost(now),
            Some(SessionEvent::StoreIsOld) => {
                self.lost(now);
                let held: Vec<_> = self
                    .registration
                    .iter()
                    .filter_map(|identity| {
                        Some((identity.position.number, identity.position.held?.epoch))
                    })
                    .collect();
                for (number, epoch) in held {
                    self.close_epoch(now, number, epoch, None, "the store is an old copy");
                }
            }
            Some(SessionEvent::Welcomed(welcome)) => self.welcomed(now, welcome),
            Some(SessionEvent::Frame(frame)) => self.frame(now, frame),
        }
    }

    fn lost(&mut self, now: Now) {
        self.outbox.session_lost();
        self.inbox.disconnected();
        self.lookups.session_lost(&mut ctx!(self, now));
    }

    /// Ends the session because the gateway or the numbering cannot be trusted.
    fn give_up(&mut self, now: Now, why: &'static str) {
        let mut ctx = ctx!(self, now);
        let event = self.session.fail(&mut ctx, &mut self.rng, why);
        self.session_event(now, event);
    }

    // -- frames -----------------------------------------------------------------------

    fn frame(&mut self, now: Now, frame: Frame) {
        match frame {
            Frame::Accepted(accepted) => {
                let Some((_, route)) = self.session.owner(accepted.slot) else {
                    return;
                };
                let mut ctx = ctx!(self, now);
                let rejections = self.receipts.confirmed(&mut ctx, accepted.receipts);
                let event = self.outbox.accepted(&mut ctx, route, accepted);
                match rejections {
                    Some(rejections) => {
                        self.inbox.rejections_stored(rejections);
                        self.outbox_event(now, event);
                    }
                    None => {
                        self.give_up(now, "the gateway confirms receipts that were not sent");
                    }
                }
            }
            Frame::Deliver(deliver) => self.deliver(now, deliver),
            Frame::UnreadableDeliver(deliver) => self.deliver_unreadable(now, deliver),
            Frame::Receipt(receipt) => {
                let Some((own, route)) = self.session.owner(receipt.slot) else {
                    return;
                };
                let mut ctx = ctx!(self, now);
                match receipt.kind {
                    ReceiptKind::Outcomes {
                        epoch,
                        delivered,
                        dispositions,
                    } => self
                        .outbox
                        .outcomes(&mut ctx, route, epoch, delivered, dispositions),
                    ReceiptKind::ReadBy { cursor, mark } => {
                        let event = self.inbox.read_by(&mut ctx, own, route, cursor, mark);
                        self.inbox_event(now, event);
                    }
                    // Not allowed in this direction; the decoder refuses them.
                    ReceiptKind::Read(_) | ReceiptKind::Rejected { .. } => {}
                }
            }
            Frame::Revoked(revoked) => {
                if let Some((_, route)) = self.session.owner(revoked.slot) {
                    self.outbox.revoked(&mut ctx!(self, now), route, revoked);
                }
            }
            Frame::Capabilities(capabilities) => {
                self.lookups.answered(&mut ctx!(self, now), capabilities);
            }
            Frame::Typing(typing) => {
                if let Some((own, _)) = self.session.owner(typing.slot) {
                    let notice = Notice::PeerTyping { own, typing };
                    ctx!(self, now).at_once(Fleeting::Notice(notice));
                }
            }
            // The session's own, or not allowed in this direction.
            Frame::Hello(_)
            | Frame::Welcome(_)
            | Frame::Submit(_)
            | Frame::Ack(_)
            | Frame::Revoke(_)
            | Frame::Lookup(_)
            | Frame::Ping(_)
            | Frame::Pong(_)
            | Frame::Goodbye(_) => {}
        }
    }

    fn deliver(&mut self, now: Now, deliver: Deliver) {
        let Some((own, route)) = self.session.owner(deliver.slot) else {
            return;
        };
        let id = self.message_id();
        let mut ctx = ctx!(self, now);
        let event = self.inbox.deliver(&mut ctx, own, route, id, deliver);
        self.inbox_event(now, event);
    }

    fn deliver_unreadable(&mut self, now: Now, deliver: UnreadableDeliver) {
        let Some((own, route)) = self.session.owner(deliver.slot) else {
            return;
        };
        let id = self.message_id();
        let mut ctx = ctx!(self, now);
        let event = self
            .inbox
            .deliver_unreadable(&mut ctx, own, route, id, deliver);
        self.inbox_event(now, event);
    }

    fn inbox_event(&mut self, now: Now, event: Option<InboxEvent>) {
        match event {
            None => {}
            Some(InboxEvent::Violation(why)) => self.give_up(now, why),
            Some(InboxEvent::RejectedSent) => self.receipts.rejected_sent(),
        }
    }

    fn outbox_event(&mut self, now: Now, event: Option<OutboxEvent>) {
        match event {
            None => {}
            Some(OutboxEvent::AnswerExpected) => self.session.answer_expected(now.instant),
            Some(OutboxEvent::NumberingLost(NumberingLost {
                number,
                contested_from,
            })) => {
                let held = self
                    .registration
                    .get(number)
                    .and_then(|identity| identity.position.held);
                if let Some(held) = held {
                    let why = "a seq is held with other content";
                    self.close_epoch(now, number, held.epoch, contested_from, why);
                }
                self.give_up(now, "an identity needs a new epoch");
            }
        }
    }

    // -- the store's answer ---------------------------------------------------------

    fn stored(&mut self, now: Now, stored: Stored) {
        let Some((proof, outcomes)) = self.gate.stored(stored) else {
            return;
        };
        for (then, outcome) in outcomes {
            self.outcome(now, &proof, then, outcome);
        }
        let due = self.inbox.due_acks();
        let mut ctx = ctx!(self, now);
        for (route, cursor) in due {
            let lowest_unsettled = self.outbox.unsettled_to_tell(route, TELL_UNSETTLED_EVERY);
            let ack = Ack {
                slot: route.slot,
                cursor,
                lowest_unsettled,
            };
            inbox::send_ack(&mut ctx, &proof, route, ack);
        }
    }

    fn outcome(&mut self, now: Now, proof: &Committed, then: Then, outcome: Outcome) {
        let mut ctx = ctx!(self, now);
        match then {
            Then::Nothing => {}
            Then::Outbox(then) => {
                let event = self.outbox.stored(&mut ctx, proof, then, outcome);
                self.outbox_event(now, event);
            }
            Then::Inbox(then) => {
                let event = self.inbox.stored(&mut ctx, proof, then, outcome);
                self.inbox_event(now, event);
            }
            Then::Receipts(then) => {
                let outbox = &self.outbox;
                let route = |own| outbox.route(own);
                if self.receipts.stored(&mut ctx, proof, then, outcome, route) {
                    self.session.answer_expected(now.instant);
                }
            }
            Then::Session(then) => {
                if let Some(SessionEvent::Begun(positions)) = self.session.stored(&then, outcome) {
                    let queued = positions.iter().map(|position| position.queued).sum();
                    self.outbox.queued_total(queued);
                    self.registration.refresh(positions);
                    let mut ctx = ctx!(self, now);
                    self.session
                        .hello(&mut ctx, proof, self.registration.iter());
                }
            }
            Then::Registered { to, number } => {
                let epoch = self
                    .registration
                    .get(number)
                    .and_then(|identity| identity.position.held)
                    .map(|held| held.epoch);
                let reply = Reply::Registered { number, epoch };
                ctx.clear(proof, Effect::Reply { to, reply });
                if epoch.is_none() {
                    let event = self.session.identities_changed(&mut ctx);
                    self.session_event(now, event);
                }
            }
            Then::Client { to, what } => {
                let reply = match outcome {
                    Outcome::ClientOpen { cursor, latest } => Reply::ClientOpen { cursor, latest },
                    Outcome::Done => Reply::Done,
                    Outcome::TooManyClients => Reply::Error(CommandError::Busy(
                        "the number of clients that subscribed to events",
                    )),
                    Outcome::TooLate { .. } => Reply::Error(CommandError::Invalid(
                        "the cursor lies beyond the newest event",
                    )),
                    _ => Reply::Error(CommandError::NotFound(what)),
                };
                ctx.clear(proof, Effect::Reply { to, reply });
            }
        }
    }
}
