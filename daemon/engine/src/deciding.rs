//! The looks of outgoing messages: when one is due, everything that counts is
//! gathered, [`crate::channel::choose`] chooses, and the choice becomes an
//! operation of the store.
//!
//! Owns when to look next and the answers to previews. A look nominates, it does
//! not act (DELIVERY 23): due messages are read at the end of a turn, when all
//! that was readable is handled and if the look still holds; and each operation
//! that follows is void if the message is not as it was when it was read.

use std::time::Duration;

use twine_proto::{E164, Peer, Redacted};
use twine_sms::mark;
use twine_sms::segments;

use crate::channel::{self, Choice, Facts, Length, Patience, Stage, Taken};
use crate::config::Config;
use crate::ctx::Ctx;
use crate::deadlines::Deadlines;
use crate::engine;
use crate::gate::{Committed, Effect};
use crate::input::ReplyTo;
use crate::limits::MAX_CONSIDERED_PER_TURN;
use crate::message::{Channel, IpAttempt, LaneUse, MessageId, SmsAttempt, TakeBack, WaitsFor};
use crate::output::{CommandError, Preview, Reply, SmsPreview};
use crate::settings::Settings;
use crate::sims::Sims;
use crate::store_ops::{Because, Considered, ConversationFacts, Op, Outcome};
use crate::time::Instant;
use crate::trace::Decision;

/// What the rest of the engine knows at the moment of choosing.
pub(crate) struct Surroundings<'a> {
    pub(crate) config: &'a Config,
    pub(crate) global: &'a Settings,
    pub(crate) sims: &'a Sims,
    pub(crate) agent: bool,
    pub(crate) link_up: bool,
    /// Since when there has been no session.
    pub(crate) offline_since: Option<Instant>,
    pub(crate) patience: Patience,
    /// Whether the own number is ready on a session, and its card.
    pub(crate) own: &'a dyn Fn(E164) -> OwnNumber,
    /// The number of a card, as far as it is known.
    pub(crate) number_of: &'a dyn Fn(&Redacted<String>) -> Option<E164>,
}

impl Surroundings<'_> {
    /// The number of the card that SMS of a conversation leave by, where it is another
    /// than the conversation's.
    fn other_number(&self, own: E164, iccid: &Redacted<String>) -> Option<E164> {
        let its_own = (self.own)(own).iccid;
        if its_own.as_ref() == Some(iccid) {
            return None;
        }
        (self.number_of)(iccid).filter(|number| *number != own)
    }
}

/// An own number now.
#[derive(Debug, Clone, Default)]
pub(crate) struct OwnNumber {
    pub(crate) ready: bool,
    pub(crate) iccid: Option<Redacted<String>>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Deciding {
    looks: Deadlines,
}

/// What follows an operation of this part.
#[derive(Debug)]
pub(crate) enum Then {
    Due,
    /// An operation that answers `Looks`.
    Looks,
    /// The same, of one that put a message into the queue of IP.
    QueuedForIp,
    Released(MessageId),
    AskedBack,
    Previewed {
        to: ReplyTo,
        peer: Peer,
        text: Redacted<String>,
        by: Option<Channel>,
    },
    Settings {
        to: ReplyTo,
    },
    Set {
        to: ReplyTo,
    },
}

/// What the rest of the engine has to know.
#[derive(Debug, Default)]
pub(crate) struct Followed {
    /// Messages of the queue of IP may be free.
    pub(crate) unblocked: bool,
    /// A message went into the pacing queue, or is free in it.
    pub(crate) sms_queued: bool,
    /// This message of an own number is to be asked back.
    pub(crate) revoke: Option<crate::store_ops::Unsettled>,
    /// The result of this attempt has been unknown for its time.
    pub(crate) unknown: Vec<MessageId>,
}

impl Deciding {
    // -- looks ---------------------------------------------------------------

    /// The earliest look after a batch; 0: at once.
    pub(crate) fn next_look_is(&mut self, look: Option<Instant>) {
        self.looks.known(look);
    }

    /// Nothing is looked at before this.
    pub(crate) fn grace(&mut self, until: Instant) {
        self.looks.grace(until);
    }

    pub(crate) fn grace_until(&self) -> Instant {
        self.looks.grace_until()
    }

    pub(crate) fn next_look(&self) -> Option<Instant> {
        self.looks.due()
    }

    pub(crate) fn nominate(&mut self, now: Instant) {
        self.looks.nominate(now);
    }

    /// End of the turn: reads what is due.
    pub(crate) fn close_turn(&mut self, ctx: &mut Ctx<'_>) {
        // "At once" needs no timer: it was nominated by what happened.
        self.looks.nominate_if_at_once(ctx.now.instant);
        match self.looks.take_nominated(ctx.now.instant) {
            None => {}
            Some(false) => {
                ctx.trace(Decision::DeadlineDropped, &["it does not hold any more"]);
            }
            Some(true) => {
                self.looks.ask();
                ctx.op(
                    Op::LoadDue {
                        boot: ctx.stamp(),
                        limit: MAX_CONSIDERED_PER_TURN,
                    },
                    Then::Due,
                );
            }
        }
    }

    // -- outcomes ------------------------------------------------------------

    pub(crate) fn stored(
        &mut self,
        ctx: &mut Ctx<'_>,
        proof: &Committed,
        around: &Surroundings<'_>,
        then: Then,
        outcome: Outcome,
    ) -> Followed {
        let mut followed = Followed::default();
        match (then, outcome) {
            (Then::Due, Outcome::Due { messages, .. }) => {
                self.looks.answered(!messages.is_empty());
                for message in messages {
                    self.decide(ctx, around, &message, &mut followed);
                }
            }
            (
                Then::Looks | Then::AskedBack | Then::Released(_),
                Outcome::Looks { unblocked, .. },
            ) => {
                followed.unblocked = unblocked;
            }
            (Then::QueuedForIp, Outcome::Looks { .. }) => followed.unblocked = true,
            (Then::Released(id), Outcome::SmsQueued { .. }) => {
                ctx.trace(Decision::BySms(id), &["it is in the queue for SMS"]);
                ctx.counters.fell_back += 1;
                followed.sms_queued = true;
            }
            (Then::AskedBack, Outcome::MustRevoke(unsettled)) => {
                followed.revoke = Some(unsettled);
            }
            (Then::Previewed { to, peer, text, by }, Outcome::Conversation(facts)) => {
                let preview = preview(ctx, around, peer, text.expose(), by, &facts);
                let reply = Reply::Previewed(preview);
                ctx.clear(proof, Effect::Reply { to, reply });
            }
            (Then::Settings { to }, Outcome::Conversation(facts)) => {
                let card = facts.settings.iccid.as_ref();
                let reply = Reply::Settings {
                    sim_number: card.and_then(|card| around.other_number(facts.own, card)),
                    effective: facts.settings.over(around.global),
                    set: facts.settings,
                    reach: Some(facts.reach),
                };
                ctx.clear(proof, Effect::Reply { to, reply });
            }
            (Then::Set { to }, Outcome::Looks { unblocked, .. }) => {
                followed.unblocked = unblocked;
                let reply = Reply::Done;
                ctx.clear(proof, Effect::Reply { to, reply });
            }
            (Then::Set { to }, Outcome::TooManySettings) => {
                let error = CommandError::Busy("the number of conversations with settings");
                let reply = Reply::Error(error);
                ctx.clear(proof, Effect::Reply { to, reply });
            }
            (then, outcome) => {
                debug_assert!(false, "store answered {outcome:?} to {then:?}");
            }
        }
        followed
    }

    fn decide(
        &mut self,
        ctx: &mut Ctx<'_>,
        around: &Surroundings<'_>,
        message: &Considered,
        followed: &mut Followed,
    ) {
        let id = message.id;
        let seen = (message.ip, message.sms);
        match message.sms {
            SmsAttempt::None
                if matches!(
                    message.take_back,
                    Some(TakeBack::Cancelled | TakeBack::Expired)
                ) =>
            {
                let because = &["it is being taken back"];
                ctx.op(Op::RuleOutSms { id, because }, Then::Looks);
                return;
            }
            SmsAttempt::None => {}
            SmsAttempt::Handed if around.agent => {
                followed.unknown.push(id);
                return;
            }
            // The next agent's journal may know what became of it.
            SmsAttempt::Handed => {
                let look = Some(ctx.look(crate::limits::SMS_UNKNOWN_AFTER));
                wait(
                    ctx,
                    id,
                    seen,
                    message.waits_for,
                    look,
                    &["no agent is there to tell what became of the SMS"],
                );
                return;
            }
            SmsAttempt::Waiting => {
                followed.sms_queued |= in_queue(ctx, around, message);
                return;
            }
            SmsAttempt::NotUsed if message.ip == IpAttempt::None && is_in_vain(message) => {
                let because = match message.peer {
                    Peer::Number(_) => channel::WISHED_AND_UNREGISTERED,
                    Peer::Name(_) => channel::WISHED_AND_A_NAME,
                };
                wait(ctx, id, seen, Some(WaitsFor::User), None, because);
                return;
            }
            _ => {
                wait(ctx, id, seen, None, None, &["it needs nothing more"]);
                return;
            }
        }
        let (facts, iccid) = facts(ctx, around, message);
        let (choice, because) = channel::choose(&facts);
        match choice {
            // As long as SMS were open, the store would not release it to a peer that
            // is believed not to be on IP, and it would be decided again and again.
            Choice::Ip(_) if facts.no_sms().is_some() => {
                ctx.trace(Decision::NoSms(id), because);
                ctx.op(Op::RuleOutSms { id, because }, Then::QueuedForIp);
            }
            Choice::Ip(after) => {
                let look = ctx.look(after);
                ctx.op(Op::QueueForIp { id, look }, Then::QueuedForIp);
            }
            Choice::Wait { waits, look } => {
                ctx.trace(Decision::Wait, because);
                let look = look.map(|after| ctx.look(after));
                wait(ctx, id, seen, waits, look, because);
            }
            Choice::AskBack => {
                ctx.trace(Decision::AskBack(id), because);
                let look = ctx.look(facts.patience.answer);
                ctx.op(Op::AskBack { id, look, because }, Then::AskedBack);
            }
            Choice::Sms { marked } => {
                ctx.trace(Decision::BySms(id), because);
                // A card that is there has a number.
                let Some(iccid) = iccid else {
                    return;
                };
                ctx.op(
                    Op::ReleaseSms {
                        id,
                        seen,
                        iccid,
                        marked,
                        settings: message.conversation.settings.clone(),
                        because,
                    },
                    Then::Released(id),
                );
            }
            Choice::NoSms => {
                ctx.trace(Decision::NoSms(id), because);
                // What waited for its user is in the queue of IP now.
                ctx.op(Op::RuleOutSms { id, because }, Then::QueuedForIp);
            }
        }
    }
}

/// Of what waited in the queue of SMS (DELIVERY 25).
pub(crate) const TOO_OLD: Because = &["it has waited for more than an hour: the user decides"];

/// A message in the pacing queue whose look is due: what it waited for is there,
/// or IP is, or something else is set, or it has been long enough in coming. `true`: it is
/// free to leave.
fn in_queue(ctx: &mut Ctx<'_>, around: &Surroundings<'_>, message: &Considered) -> bool {
    let (id, seen) = (message.id, (message.ip, message.sms));
    let (facts, _) = facts(ctx, around, message);
    let for_ip = match channel::choose(&facts) {
        (Choice::Ip(after), because) if message.ip == IpAttempt::None => Some((after, because)),
        // What was set since rules SMS out: it is decided in the queue of IP.
        (Choice::NoSms, because) if message.ip == IpAttempt::None => {
            Some((facts.patience.accept, because))
        }
        (
            Choice::Wait {
                waits: Some(waits @ (WaitsFor::User | WaitsFor::Home)),
                look,
            },
            because,
        ) => {
            let look = look.map(|after| ctx.look(after));
            wait(ctx, id, seen, Some(waits), look, because);
            return false;
        }
        // Its copy is on IP.
        (Choice::NoSms, because) => {
            wait(ctx, id, seen, Some(WaitsFor::User), None, because);
            return false;
        }
        _ => None,
    };
    if let Some((after, because)) = for_ip {
        ctx.trace(Decision::ByIp(id), because);
        let look = ctx.look(after);
        ctx.op(
            Op::QueueForIp { id, look },
            engine::Then::Deciding(Then::QueuedForIp),
        );
        return false;
    }
    if ctx.now.instant.since(message.born) > channel::ASK_AFTER {
        // Nothing is sent a day later without asking.
        wait(ctx, id, seen, Some(WaitsFor::User), None, TOO_OLD);
        return false;
    }
    wait(ctx, id, seen, None, None, &["it is tried again"]);
    true
}

/// It is left to IP, where its own number is not, or which reaches no names.
const fn is_in_vain(message: &Considered) -> bool {
    message.peer.number().is_none() || !message.conversation.consented
}

fn wait(
    ctx: &mut Ctx<'_>,
    id: MessageId,
    seen: (IpAttempt, SmsAttempt),
    waits: Option<WaitsFor>,
    look: Option<crate::store_ops::Look>,
    because: &'static [&'static str],
) {
    ctx.op(
        Op::Wait {
            id,
            seen,
            waits,
            look,
            because,
        },
        engine::Then::Deciding(Then::Looks),
    );
}

fn stage(message: &Considered) -> Stage {
    match message.ip {
        IpAttempt::None => Stage::Queued,
        IpAttempt::InFlight(_) | IpAttempt::Accepted(_) if message.in_doubt => Stage::InDoubt,
        IpAttempt::InFlight(_) | IpAttempt::Accepted(_)
            if message.take_back == Some(TakeBack::BySms) =>
        {
            Stage::AskedBack
        }
        IpAttempt::InFlight(_) => Stage::InFlight,
        IpAttempt::Accepted(_) => Stage::Accepted,
        IpAttempt::Expired => Stage::Expired,
        _ => Stage::Over,
    }
}

const fn taken(message: &Considered) -> Taken {
    match message.ip {
        IpAttempt::Accepted(_) if message.away => Taken::ForOneAway,
        IpAttempt::Accepted(_) => Taken::ForOneThere,
        _ => Taken::Unknown,
    }
}

fn length(sims: &Sims, text: &str) -> Length {
    let plain = mark::plain(text);
    if plain.is_empty() {
        return Length::Empty;
    }
    match segments(plain, &sims.tables()) {
        Ok(segments) => Length::Parts(segments.count),
        Err(_) => Length::TooLong,
    }
}

/// What counts for a message, and the card it would leave by.
fn facts(
    ctx: &Ctx<'_>,
    around: &Surroundings<'_>,
    message: &Considered,
) -> (Facts, Option<Redacted<String>>) {
    let now = ctx.now.instant;
    let settings = message.conversation.settings.over(around.global);
    let own = (around.own)(message.own);
    let iccid = settings.iccid.clone().or(own.iccid);
    let other_number = |card| around.other_number(message.own, card);
    let facts = Facts {
        stage: stage(message),
        taken: taken(message),
        wish: message.wish,
        mode: settings.mode,
        fallback: settings.fallback,
        numbered: message.peer.number().is_some(),
        consented: message.conversation.consented,
        reach: message.conversation.reach,
        before: message.before,
        age: now.since(message.born),
        link_up: around.link_up,
        session: own.ready,
        offline_for: around
            .offline_since
            .map_or(Duration::ZERO, |since| now.since(since)),
        patience: around.patience,
        sms: around.config.sms,
        card: around
            .sims
            .card(iccid.as_ref().map(|iccid| iccid.expose().as_str())),
        length: length(around.sims, message.text.expose()),
        max_parts_unasked: around.config.max_parts_unasked,
        left_before: message.sms_left_before,
        of_another_number: iccid.as_ref().and_then(other_number).is_some(),
    };
    (facts, iccid)
}

/// What would happen to a message now, if everything stayed as it is.
fn preview(
    ctx: &Ctx<'_>,
    around: &Surroundings<'_>,
    peer: Peer,
    text: &str,
    wish: Option<Channel>,
    conversation: &ConversationFacts,
) -> Preview {
    let as_if = Considered {
        id: MessageId(0),
        own: conversation.own,
        peer,
        text: Redacted::new(if text.is_empty() { "?" } else { text }.to_owned()),
        ip: IpAttempt::None,
        sms: SmsAttempt::None,
        take_back: None,
        in_doubt: false,
        away: false,
        sms_left_before: false,
        wish,
        waits_for: None,
        born: ctx.now.instant,
        before: conversation.before,
        conversation: conversation.clone(),
    };
    let (facts, iccid) = facts(ctx, around, &as_if);
    let (choice, because) = channel::choose(&facts);
    let (channel, waits_for) = match choice {
        // What SMS cannot carry is left to IP.
        Choice::Ip(_) | Choice::NoSms if facts.session && facts.before <= LaneUse::QueuedForIp => {
            (Some(Channel::Ip), None)
        }
        Choice::Sms { .. } => (Some(Channel::Sms), None),
        Choice::Wait { waits, .. } => (None, waits),
        Choice::Ip(_) | Choice::AskBack | Choice::NoSms => (None, None),
    };
    let mut reasons = because.to_vec();
    if matches!(choice, Choice::Ip(_) | Choice::NoSms) && channel.is_none() {
        reasons.push(match (facts.session, facts.link_up) {
            (false, false) => "no link is up",
            (false, true) => "there is a link, and no session on it",
            (true, _) => "a message before it in its conversation is not settled",
        });
    }
    let sim = iccid
        .as_ref()
        .and_then(|iccid| around.sims.get(iccid.expose()));
    Preview {
        from: conversation.own,
        channel,
        waits_for,
        reasons,
        reach: conversation.reach,
        sms: facts.sms.then(|| SmsPreview {
            segments: segments(mark::plain(text), &around.sims.tables()),
            slot: sim.map(|sim| sim.slot),
            roaming: sim.is_some_and(|sim| sim.roaming),
            sim_number: iccid
                .as_ref()
                .and_then(|card| around.other_number(conversation.own, card)),
            iccid,
        }),
    }
}
