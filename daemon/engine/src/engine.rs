//! The engine itself: hands input to the parts, routes their events, closes
//! the turn. What the answer to a greeting means is in `welcome`; every other
//! rule is in the parts.

use std::time::Duration;

use twine_proto::frame::{Ack, Deliver, ReceiptKind, Typing, UnreadableDeliver};
use twine_proto::{E164, Frame, Peer, Redacted};

use crate::channel::Patience;
use crate::config::Config;
use crate::ctx::{Counters, Ctx, NumberingLost, Route};
use crate::deciding::{self, Deciding, Followed, OwnNumber, Surroundings};
use crate::gate::{Committed, Effect, Fleeting, Gate};
use crate::heartbeat::{Heartbeats, Network};
use crate::inbox::{self, Inbox, InboxEvent};
use crate::input::{Command, Input, ReplyTo, SmsReceived, TelephonyEvent};
use crate::link::{Link, LinkId};
use crate::links::{Links, LinksEvent, Rules};
use crate::lookups::Lookups;
use crate::message::{Channel, MessageId, SmsAttempt};
use crate::outbox::{self, NewMessage, Outbox, OutboxEvent};
use crate::output::{CommandError, Notice, Output, Reply};
use crate::priors::Class;
use crate::race::Races;
use crate::receipts::{self, Receipts};
use crate::registration::Registration;
use crate::rng::Rng;
use crate::session::{self, Learned, Numbers, Session, SessionEvent};
use crate::settings::{Mode, Reach, Settings};
use crate::sims::{self, Gained, Sims};
use crate::sms::{self, Sms};
use crate::status::{StatusBrief, StatusView};
use crate::store_ops::{BootStamp, Memo, NewOutgoing, Op, Outcome, Snapshot, Stored};
use crate::time::{BootId, Instant, Now};
use crate::trace::Decision;
use crate::waking::{Deadline, WakeUps};

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
    /// When to look again at a message: by which channel it goes on.
    Look,
    /// When the next SMS may leave.
    SmsPace,
    /// When a link or a card is looked at again.
    Links,
}

/// What follows an operation of a batch.
#[derive(Debug)]
pub(crate) enum Then {
    Nothing,
    Session(session::Then),
    Outbox(outbox::Then),
    Inbox(inbox::Then),
    Receipts(receipts::Then),
    Deciding(deciding::Then),
    Sms(sms::Then),
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
then_from!(session => Session, outbox => Outbox, inbox => Inbox, receipts => Receipts,
    deciding => Deciding, sms => Sms);

/// The engine. See the crate's documentation for its contract.
#[derive(Debug)]
pub struct Engine {
    boot: BootId,
    rng: Rng,
    gate: Gate<Then>,
    counters: Counters,
    wake_ups: WakeUps,
    /// What a phone in suspend is woken for, as of the end of the last turn.
    armed: Option<(Instant, TimerReason)>,
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
    deciding: Deciding,
    sms: Sms,
    sims: Sims,
    settings: Settings,
    /// Since when there has been no session over a link.
    offline_since: Option<Instant>,
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

mod commands;
mod frames;
mod outcomes;
mod telephony;
mod welcome;

impl Engine {
    /// Starts from what the store holds. `seed` feeds jitter; give a random one
    /// in production.
    pub fn new(config: Config, seed: u64, boot: BootId, now: Now, snapshot: Snapshot) -> Self {
        let sms = Sms::new(&snapshot, boot, now.instant);
        let mut outbox = Outbox::new(snapshot.outbox);
        let mut queued = 0;
        for position in &snapshot.identities {
            outbox.identity(position.number, position.queued);
            if position.note_due {
                outbox.note_due(position.number);
            }
            queued += position.queued;
        }
        outbox.queued_total(queued);
        let mut registration = Registration::default();
        registration.refresh(snapshot.identities);
        let rules = Rules {
            vpn_lockdown: config.vpn_lockdown,
            spent_bundle: config.spent_bundle,
        };
        let kept = |memo| snapshot.memos.get(&memo).map_or(&[][..], Vec::as_slice);
        let links = Links::read(rules, kept(Memo::Links), boot, now.instant);
        let heartbeats = Heartbeats::read(kept(Memo::Heartbeats));
        let races = Races::read(kept(Memo::Races), boot, now.instant);
        let last = snapshot.session_no;
        let numbers = Numbers::read(last, kept(Memo::Sessions));
        let unreadable = [
            links.as_ref().err().copied(),
            heartbeats.as_ref().err().copied(),
            races.as_ref().err().copied(),
            numbers.as_ref().err().copied(),
        ];
        let learned = Learned {
            numbers: numbers.unwrap_or_else(|_| Numbers::all_up_to(last)),
            heartbeats: heartbeats.unwrap_or_default(),
            races: races.unwrap_or_default(),
        };
        let mut engine = Self {
            session: Session::new(config, last, learned, now.instant),
            boot,
            rng: Rng::new(seed),
            gate: Gate::new(snapshot.latest_event),
            counters: Counters::default(),
            wake_ups: WakeUps::default(),
            armed: None,
            traced: 0,
            next_prune: 0,
            next_message: snapshot.next_message.max(1),
            links: links.unwrap_or_else(|_| Links::new(rules)),
            registration,
            outbox,
            inbox: Inbox::default(),
            receipts: Receipts::default(),
            lookups: Lookups::default(),
            deciding: Deciding::default(),
            sms,
            sims: Sims::default(),
            settings: snapshot.settings,
            offline_since: Some(now.instant),
        };
        engine.refresh_patience();
        let boot = engine.stamp(now);
        let mut ctx = ctx!(engine, now);
        for error in unreadable.into_iter().flatten() {
            ctx.trace(Decision::Unlearned, &[error.as_str()]);
        }
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
                // What came due only within this turn woke nobody.
                let fired = self.armed.take_if(|(at, _)| *at <= now.instant);
                if let Some((_, reason)) = fired {
                    self.wake_ups.count(reason);
                }
                let mut ctx = ctx!(self, now);
                let event = self.session.timeout(&mut ctx, &mut self.rng);
                self.lookups.timeout(&mut ctx);
                self.outbox.nominate(now.instant);
                self.deciding.nominate(now.instant);
                self.session_event(now, event);
                let event = self.links.timeout(now.instant);
                self.links_changed(now, event);
            }
        }
        self.links_told(now);
        self.refresh_patience();
        let online = self.session.live().is_some() && self.outbox.is_link_up();
        if online {
            self.offline_since = None;
        } else {
            self.offline_since.get_or_insert(now.instant);
        }
    }

    /// What is released from now on is given the time the present link needs.
    fn refresh_patience(&mut self) {
        let config = self.session.config();
        let patience = config.sms.then(|| self.patience());
        self.outbox.set_patience(patience);
        if let Some(link) = self.links.chosen() {
            self.outbox
                .set_window(Class::of(link).priors().in_flight_bytes);
        }
    }

    fn patience(&self) -> Patience {
        let class = self.links.chosen().map(Class::of);
        Patience::of(self.session.config(), class, self.session.rto())
    }

    /// Hands a closure what counts when a channel is chosen.
    fn with_surroundings<T>(
        &mut self,
        now: Now,
        act: impl FnOnce(&mut Deciding, &mut Ctx<'_>, &Surroundings<'_>) -> T,
    ) -> T {
        let patience = self.patience();
        let (outbox, registration) = (&self.outbox, &self.registration);
        let own = |number| OwnNumber {
            ready: outbox.is_ready(number),
            iccid: registration
                .get(number)
                .and_then(|identity| identity.position.iccid.clone()),
        };
        let sims = &self.sims;
        let number_of = |iccid: &Redacted<String>| {
            let told = sims.get(iccid.expose()).and_then(|sim| sim.number);
            let bound = || registration.number_of(iccid);
            told.or_else(|| bound().filter(|number| !sims::is_placeholder(*number)))
        };
        let around = Surroundings {
            config: self.session.config(),
            global: &self.settings,
            sims: &self.sims,
            agent: self.sms.agent(),
            link_up: outbox.is_link_up(),
            offline_since: self.offline_since,
            patience,
            own: &own,
            number_of: &number_of,
        };
        let mut ctx = Ctx {
            now,
            boot: self.boot,
            gate: &mut self.gate,
            counters: &mut self.counters,
            traced: &mut self.traced,
        };
        act(&mut self.deciding, &mut ctx, &around)
    }

    /// The next thing to do. Returning `None` ends the turn: by then nominated
    /// deadlines were looked at again, and what has to be stored was handed out
    /// as a batch, unless one is still on its way.
    #[must_use]
    pub fn poll_output(&mut self, now: Now) -> Option<Output> {
        let output = self.gate.pop().or_else(|| {
            self.close_turn(now);
            self.gate.pop()
        });
        match &output {
            Some(Output::Send { conn, .. }) => self.session.sent(*conn, now.instant),
            Some(_) => {}
            None => {
                self.traced = 0;
                self.armed = self.next_waking(|deadline| deadline.by);
            }
        }
        output
    }

    /// When to hand in `Input::Timeout`, and why. What may be early shares the call of
    /// what is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, TimerReason)> {
        self.deadlines()
            .map(|deadline| (deadline.by, deadline.reason))
            .min()
    }

    /// The same of those deadlines for which a phone in suspend is to be woken, some of them
    /// later, together; the others can wait until it is awake.
    #[must_use]
    pub fn poll_wake(&self) -> Option<(Instant, TimerReason)> {
        self.next_waking(Deadline::wakes_at)
    }

    fn next_waking(&self, at: impl Fn(Deadline) -> Instant) -> Option<(Instant, TimerReason)> {
        let live = self.session.live().is_some();
        self.deadlines()
            .filter(|deadline| deadline.reason.wakes(live))
            .map(|deadline| (at(deadline), deadline.reason))
            .min()
    }

    fn deadlines(&self) -> impl Iterator<Item = Deadline> {
        let validity = self.outbox.next_deadline();
        let lookup = self.lookups.next_deadline();
        let look = self.deciding.next_look();
        let pace = self.sms.poll_timeout();
        let exact = [
            validity.map(|at| (at, TimerReason::Validity)),
            lookup.map(|at| (at, TimerReason::Lookup)),
            look.map(|at| (at, TimerReason::Look)),
            pace.map(|at| (at, TimerReason::SmsPace)),
            self.links.poll_timeout().map(|at| (at, TimerReason::Links)),
        ];
        let exact = exact.into_iter().flatten().map(Deadline::exact);
        self.session.deadline().into_iter().chain(exact)
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
        counters.extend(self.wake_ups.list());
        StatusView {
            identities: self.registration.view(),
            queued: self.outbox.queued(),
            in_flight: self.outbox.in_flight() as u64,
            outbox: self.outbox.open(),
            links: self.links.view(session.link.as_ref()),
            session,
            sims: self.sims.view(),
            agent: self.sms.agent(),
            sms_handed: self.sms.handed(),
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
        self.ask_for_data(now);
        let boot = self.stamp(now);
        let mut ctx = ctx!(self, now);
        if ctx.gate.batches() >= self.next_prune && ctx.gate.has_work() {
            self.next_prune = ctx.gate.batches() + PRUNE_EVERY_BATCHES;
            ctx.op(Op::Prune, Then::Nothing);
        }
        if let Some(bytes) = self.session.take_numbers() {
            let memo = Memo::Sessions;
            ctx.op(Op::Remember { memo, bytes }, Then::Nothing);
        }
        self.outbox.close_turn(&mut ctx, boot);
        self.deciding.close_turn(&mut ctx);
        let grace_until = self.deciding.grace_until();
        self.sms
            .close_turn(&mut ctx, &mut self.rng, &self.sims, grace_until);
        for own in self.outbox.notes_wanted() {
            let id = self.message_id();
            self.outbox.release_note(&mut ctx!(self, now), own, id);
        }
        if self.outbox.in_flight() > 0 || self.outbox.queued() > 0 {
            self.session.hurry();
        }
        self.session.outstanding(
            now.instant,
            self.outbox.in_flight(),
            self.outbox.in_flight_bytes(),
        );
        self.remember(now);
        self.gate.close_batch(now.wall);
    }

    /// What was learned goes with what is written anyway, and else by itself if it is
    /// worth that.
    fn remember(&mut self, now: Now) {
        let riding = self.gate.has_work();
        let links = self.links.take_unsaved(self.boot, now.instant, riding);
        let links = links.map(|bytes| (Memo::Links, bytes));
        let riding = riding || links.is_some();
        let learned = self.session.take_learned(self.boot, now.instant, riding);
        let mut ctx = ctx!(self, now);
        for (memo, bytes) in links.into_iter().chain(learned) {
            ctx.op(Op::Remember { memo, bytes }, Then::Nothing);
        }
    }
}
