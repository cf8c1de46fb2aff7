//! The operator's channel: our own pacing queue, what the telephony agent is
//! asked to send, what became of it, and what came in (DELIVERY 22, 26 to 28).
//!
//! Owns the pace and what is read of the queue. The queue itself, the attempts
//! and their parts are in the store. Never decides that a message goes by SMS.
//!
//! ```text
//!            released          handed, stored first        results, part by part
//!  channel ───────────▶ queue ──────────────────────▶ agent ──────────────────▶ store
//!                         ▲    pace, card, 4 at once            │ was never tried
//!                         └─────────────────────────────────────┘
//! ```

mod leaving;
mod pacing;
mod refusals;

use std::collections::VecDeque;

use twine_proto::Redacted;
use twine_sms::mark;

use crate::channel::{ASK_AFTER, Card};
use crate::ctx::Ctx;
use crate::deciding;
use crate::gate::{Committed, Effect};
use crate::input::SmsReceived;
use crate::limits::{MAX_SMS_HANDED, SMS_PAGE, SMS_UNKNOWN_AFTER};
use crate::message::{IpAttempt, MessageId, SmsAttempt, WaitsFor};
use crate::output::Order;
use crate::parts::{AfterRefusal, AttemptId, PartState};
use crate::rng::Rng;
use crate::sims::Sims;
use crate::store_ops::{BootStamp, HandedSms, IncomingSms, Op, Outcome, SmsJob, Snapshot};
use crate::time::{BootId, Instant};
use crate::trace::Decision;
use leaving::{leaving, order, parts_of};
use pacing::{Pacing, Text};
pub use refusals::stricter;

/// See the module.
#[derive(Debug)]
pub(crate) struct Sms {
    /// Of this run of the daemon.
    began: Instant,
    agent: bool,
    /// With the agent: handed to it, and a part is without a result.
    handed: u64,
    /// Read from the queue, by id.
    jobs: VecDeque<SmsJob>,
    queue: Queue,
    pacing: Pacing,
    /// The first of `jobs` may not leave before this.
    not_before: Option<Instant>,
    /// Orders are to be given once more from this time on, above this message.
    repeat: Option<(Instant, MessageId)>,
}

/// Whether messages wait in the store's queue, not among `jobs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Queue {
    Empty,
    Some,
    /// A read is on its way; whether more came since.
    Loading {
        more: bool,
    },
}

/// What follows an operation of this part.
#[derive(Debug)]
pub(crate) enum Then {
    Loaded,
    Handed(Text),
    HandedBefore,
    Unknown,
    Part {
        attempt: AttemptId,
        part: u8,
        /// As the agent told it: so it is confirmed.
        state: PartState,
    },
    Taken {
        spool_id: String,
    },
}

/// What the rest of the engine has to know.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    /// Messages of the queue of IP may be free.
    pub(crate) unblocked: bool,
    /// Messages that IP never had left the queues (or came back to them).
    pub(crate) left: i64,
}

impl Sms {
    pub(crate) fn new(snapshot: &Snapshot, boot: BootId, now: Instant) -> Self {
        let handed = snapshot
            .handed
            .iter()
            .filter(|(stamp, _)| stamp.boot == boot)
            .map(|&(stamp, parts)| (stamp.at, parts));
        Self {
            began: now,
            agent: false,
            handed: snapshot.sms_handed,
            jobs: VecDeque::new(),
            queue: if snapshot.sms_waiting > 0 {
                Queue::Some
            } else {
                Queue::Empty
            },
            pacing: Pacing::restored(handed, now),
            not_before: None,
            repeat: None,
        }
    }

    pub(crate) fn agent(&self) -> bool {
        self.agent
    }

    pub(crate) fn handed(&self) -> u64 {
        self.handed
    }

    // -- the agent -----------------------------------------------------------

    /// An agent told its full state. A new one hears again what has no result: its
    /// journal knows what was done already.
    pub(crate) fn agent_is_here(&mut self, ctx: &mut Ctx<'_>) {
        if self.agent {
            return;
        }
        self.agent = true;
        self.repeat = None;
        if self.handed > 0 {
            load_handed(ctx, MessageId(0));
        }
    }

    pub(crate) fn agent_is_gone(&mut self) {
        self.agent = false;
    }

    /// A card began to roam: what its messages were released on may hold no more, so
    /// they are looked at before they leave.
    pub(crate) fn hold(&mut self, ctx: &mut Ctx<'_>, iccid: Redacted<String>) {
        ctx.op(Op::HoldSms { iccid }, deciding::Then::Looks);
        self.read_anew();
    }

    /// What was read of the queue may not be so any more.
    pub(crate) fn read_anew(&mut self) {
        self.jobs.clear();
        self.queue_grew();
    }

    /// What became of one part.
    pub(crate) fn part(
        &mut self,
        ctx: &mut Ctx<'_>,
        attempt: AttemptId,
        part: u8,
        state: PartState,
        code: Option<i32>,
    ) {
        let refusal = code.map(refusals::refusal);
        if let Some(refusal) = &refusal {
            ctx.trace(Decision::SmsRefused, refusal.because);
        }
        let told = state;
        let (state, code) = match code {
            Some(code) if refusals::may_have_left(code) => (PartState::Unknown, None),
            Some(code) if refusals::was_tried(code) => (PartState::Doubtful, Some(code)),
            code => (state, code),
        };
        let again_after = refusal.and_then(|refusal| refusal.again_after);
        let because = refusal.map_or(&[][..], |refusal| refusal.because);
        ctx.op(
            Op::ApplySmsPart {
                attempt,
                part,
                state,
                code,
                refusal: refusal.map_or(AfterRefusal::Fail, |refusal| refusal.then),
                look: again_after.map(|after| ctx.look(after)),
                because,
            },
            Then::Part {
                attempt,
                part,
                state: told,
            },
        );
    }

    /// A message came. `own` belongs to the card it came by.
    pub(crate) fn received(
        &mut self,
        ctx: &mut Ctx<'_>,
        own: twine_proto::E164,
        id: MessageId,
        received: SmsReceived,
    ) {
        let (body, residue) = mark::read_mark(received.text.expose());
        let sms = IncomingSms {
            id,
            spool_id: received.spool_id.clone(),
            own,
            peer: received.from,
            iccid: received.iccid,
            hash: twine_sms::fold::hash(body),
            text: Redacted::new(body.to_owned()),
            residue,
            scts_ms: received.scts_ms,
            boot: ctx.stamp(),
        };
        let spool_id = received.spool_id;
        ctx.op(Op::InsertSms(sms), Then::Taken { spool_id });
    }

    // -- the queue -----------------------------------------------------------

    /// A message went into the queue, or stopped waiting for something in it.
    pub(crate) fn queue_grew(&mut self) {
        self.queue = match self.queue {
            Queue::Empty | Queue::Some => Queue::Some,
            Queue::Loading { .. } => Queue::Loading { more: true },
        };
    }

    /// The time of an unknown result is over (DELIVERY 26). Without an agent it is
    /// not: the next one's journal may know.
    pub(crate) fn unknown(&mut self, ctx: &mut Ctx<'_>, id: MessageId) {
        ctx.op(Op::SettleUnknown { id }, Then::Unknown);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let repeat = self.repeat.map(|(at, _)| at);
        let next = [self.not_before, repeat].into_iter().flatten().min();
        next.filter(|_| self.agent)
    }

    /// End of the turn: hands over what may leave now.
    pub(crate) fn close_turn(
        &mut self,
        ctx: &mut Ctx<'_>,
        rng: &mut Rng,
        sims: &Sims,
        grace_until: Instant,
    ) {
        self.not_before = None;
        if !self.agent {
            return;
        }
        let now = ctx.now.instant;
        if let Some((at, after)) = self.repeat
            && at <= now
        {
            self.repeat = None;
            load_handed(ctx, after);
        }
        if now < grace_until {
            let any = !self.jobs.is_empty() || self.queue != Queue::Empty;
            self.not_before = any.then_some(grace_until);
            return;
        }
        while self.handed < MAX_SMS_HANDED {
            let Some(job) = self.jobs.front() else {
                break;
            };
            let age = now.since(self.born(ctx.stamp(), job));
            let (waits, because): (_, &'static [&'static str]) =
                match sims.card(Some(job.iccid.expose())) {
                    // Kept back by an agent that was away, or by the pace.
                    _ if age > ASK_AFTER => (Some(WaitsFor::User), deciding::TOO_OLD),
                    Card::Ready { .. } => (None, &[]),
                    Card::Absent => (
                        Some(WaitsFor::Sim),
                        &["the card of the conversation is not in the phone"],
                    ),
                    Card::RadioOff => (Some(WaitsFor::Radio), &["the radio is off"]),
                    Card::NoService => (Some(WaitsFor::Service), &["no network carries SMS now"]),
                };
            if waits.is_some() {
                // The user is asked once.
                let look =
                    (waits != Some(WaitsFor::User)).then(|| ctx.look(refusals::CONDITION_AGAIN));
                ctx.op(
                    Op::Wait {
                        id: job.id,
                        seen: (job.ip, SmsAttempt::Waiting),
                        waits,
                        look,
                        because,
                    },
                    deciding::Then::Looks,
                );
                self.jobs.pop_front();
                // If something happened to it since it was read, it is still there.
                self.queue_grew();
                continue;
            }
            let text = leaving(job, sims);
            let parts = parts_of(&text, sims);
            let key = Text::of(job, &text);
            match self.pacing.may_leave_at(now, parts, key) {
                Some(at) if at <= now => {}
                // Without a time: the store's answer is the occasion.
                later => {
                    self.not_before = later;
                    return;
                }
            }
            self.pacing.stores(now, parts, key);
            let attempt = AttemptId(rng.next());
            ctx.trace(Decision::SmsHanded(job.id), &["the pace allows it"]);
            ctx.op(
                Op::HandSms {
                    id: job.id,
                    attempt,
                    parts,
                    boot: ctx.stamp(),
                    look: ctx.look(SMS_UNKNOWN_AFTER),
                },
                Then::Handed(key),
            );
            self.handed += 1;
            self.jobs.pop_front();
        }
        if self.jobs.is_empty() && self.queue == Queue::Some && self.handed < MAX_SMS_HANDED {
            self.queue = Queue::Loading { more: false };
            ctx.op(
                Op::LoadSms {
                    after: MessageId(0),
                    limit: SMS_PAGE,
                },
                Then::Loaded,
            );
        }
    }

    /// By this boot's clock: of what is older not before this run (DELIVERY 24).
    fn born(&self, now: BootStamp, job: &SmsJob) -> Instant {
        if job.born.boot == now.boot {
            job.born.at
        } else {
            self.began
        }
    }

    // -- outcomes ------------------------------------------------------------

    pub(crate) fn stored(
        &mut self,
        ctx: &mut Ctx<'_>,
        proof: &Committed,
        sims: &Sims,
        then: Then,
        outcome: Outcome,
    ) -> Settled {
        match (then, outcome) {
            (Then::Loaded, Outcome::SmsQueue(jobs)) => {
                let full = jobs.len() == SMS_PAGE;
                let more = self.queue == (Queue::Loading { more: true });
                self.queue = if full || more {
                    Queue::Some
                } else {
                    Queue::Empty
                };
                self.jobs = jobs.into();
            }
            (Then::Handed(text), Outcome::SmsHanded(handed)) => {
                self.pacing.leaves(ctx.now.instant, text);
                if handed.is_empty() {
                    // Recalled meanwhile.
                    self.handed = self.handed.saturating_sub(1);
                }
                let left = handed.iter().filter(|sms| sms.job.ip == IpAttempt::None);
                let left = left.count() as i64;
                for sms in handed {
                    ctx.counters.sms_ordered += 1;
                    ctx.clear(proof, Effect::Order(order(sms, sims)));
                }
                return Settled {
                    left,
                    ..Settled::default()
                };
            }
            (Then::HandedBefore, Outcome::SmsHanded(handed)) => {
                self.order_again(ctx, proof, sims, handed);
            }
            (
                Then::Part {
                    attempt,
                    part,
                    state,
                },
                Outcome::SmsPart {
                    state: now,
                    ip,
                    left_agent,
                    unblocked,
                    ..
                },
            ) => {
                let order = Order::SmsPartTaken {
                    attempt,
                    part,
                    state,
                };
                ctx.clear(proof, Effect::Order(order));
                self.left_agent(left_agent, now);
                let back = now == SmsAttempt::Waiting && ip == IpAttempt::None;
                return Settled {
                    unblocked,
                    left: -i64::from(back),
                };
            }
            (
                Then::Unknown,
                Outcome::SmsPart {
                    state: now,
                    left_agent,
                    unblocked,
                    ..
                },
            ) => {
                self.left_agent(left_agent, now);
                return Settled { unblocked, left: 0 };
            }
            (Then::Taken { spool_id }, outcome) => {
                match outcome {
                    Outcome::SmsInserted { copy_of, .. } => {
                        ctx.counters.sms_received += 1;
                        ctx.counters.merged += u64::from(copy_of.is_some());
                    }
                    Outcome::SmsRepeated => ctx.counters.duplicates += 1,
                    outcome => {
                        debug_assert!(false, "store answered {outcome:?} to an SMS");
                    }
                }
                ctx.clear(proof, Effect::Order(Order::SmsTaken { spool_id }));
            }
            (then, outcome) => {
                debug_assert!(false, "store answered {outcome:?} to {then:?}");
            }
        }
        Settled::default()
    }

    /// The agent may send them only now: they count for the pace again, and equal texts
    /// keep their distance (DELIVERY 22). What has to wait for that is read again then,
    /// as far as no result came meanwhile.
    fn order_again(
        &mut self,
        ctx: &mut Ctx<'_>,
        proof: &Committed,
        sims: &Sims,
        handed: Vec<HandedSms>,
    ) {
        let now = ctx.now.instant;
        let full = handed.len() == SMS_PAGE;
        let mut after = None;
        for sms in handed {
            let text = leaving(&sms.job, sims);
            let key = Text::of(&sms.job, &text);
            let at = self.pacing.equal_may_leave_at(now, key);
            if at > now {
                let before = MessageId(sms.job.id.0 - 1);
                self.repeat = Some((at, before));
                return;
            }
            self.pacing.left(now, parts_of(&text, sims), key);
            after = Some(sms.job.id);
            ctx.counters.sms_ordered += 1;
            ctx.clear(proof, Effect::Order(order(sms, sims)));
        }
        if let Some(last) = after.filter(|_| full) {
            load_handed(ctx, last);
        }
    }

    fn left_agent(&mut self, left: bool, now: SmsAttempt) {
        if left {
            self.handed = self.handed.saturating_sub(1);
        }
        if now == SmsAttempt::Waiting {
            self.queue_grew();
        }
    }
}

fn load_handed(ctx: &mut Ctx<'_>, after: MessageId) {
    let limit = SMS_PAGE;
    ctx.op(Op::LoadHanded { after, limit }, Then::HandedBefore);
}
