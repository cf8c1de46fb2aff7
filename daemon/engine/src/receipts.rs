//! What this device tells of messages it received: read marks and typing.
//!
//! Owns the read marks sent on the present connection and not yet confirmed.
//! "Delivered" is not told here: the gateway makes it of the acknowledgement
//! (DELIVERY 11).

use std::collections::VecDeque;

use twine_proto::frame::{Receipt, ReceiptKind};
use twine_proto::{E164, Frame};

use crate::ctx::{Ctx, Route};
use crate::gate::{Committed, Effect};
use crate::input::ReplyTo;
use crate::limits::MAX_READ_MARKS_IN_FLIGHT;
use crate::message::MessageId;
use crate::output::{CommandError, Reply};
use crate::store_ops::{Op, Outcome, UntoldMark};

/// Receipt frames of the present connection.
#[derive(Debug, Default)]
pub(crate) struct Receipts {
    /// In the order they went out; the gateway confirms by count.
    sent: VecDeque<Sent>,
    /// How many of this connection are confirmed.
    confirmed: u64,
    /// Marks may wait in the store because `sent` was full.
    more: Vec<E164>,
}

#[derive(Debug)]
enum Sent {
    Read { own: E164, mark: UntoldMark },
    Rejected,
}

/// What follows an operation of this part.
#[derive(Debug)]
pub(crate) enum Then {
    Marked { to: ReplyTo },
    Loaded { own: E164 },
    Confirmed,
}

impl Receipts {
    pub(crate) fn connected(&mut self) {
        self.sent.clear();
        self.confirmed = 0;
        self.more.clear();
    }

    /// The identity's session is ready: tell what is not confirmed.
    pub(crate) fn ready(&mut self, ctx: &mut Ctx<'_>, own: E164) {
        ctx.op(
            Op::LoadReadMarks {
                number: own,
                limit: MAX_READ_MARKS_IN_FLIGHT,
            },
            Then::Loaded { own },
        );
    }

    pub(crate) fn mark_read(&mut self, ctx: &mut Ctx<'_>, to: ReplyTo, id: MessageId) {
        ctx.op(Op::MarkRead { id }, Then::Marked { to });
    }

    pub(crate) fn rejected_sent(&mut self) {
        self.sent.push_back(Sent::Rejected);
    }

    /// The gateway has stored so many receipt frames of this connection. Returns
    /// how many rejections are among them; `None`: more than were sent.
    pub(crate) fn confirmed(&mut self, ctx: &mut Ctx<'_>, count: u64) -> Option<usize> {
        let mut rejections = 0;
        while self.confirmed < count {
            self.confirmed += 1;
            match self.sent.pop_front()? {
                Sent::Read { own, mark } => {
                    ctx.op(Op::ReadConfirmed { number: own, mark }, Then::Confirmed);
                }
                Sent::Rejected => rejections += 1,
            }
        }
        self.load_more(ctx);
        Some(rejections)
    }

    /// What was acknowledged a moment ago had come before, and may have been read
    /// then: its mark has to follow the acknowledgement (DELIVERY 11).
    pub(crate) fn acknowledged_again(&mut self, ctx: &mut Ctx<'_>, own: E164) {
        if !self.more.contains(&own) {
            self.more.push(own);
        }
        self.load_more(ctx);
    }

    fn load_more(&mut self, ctx: &mut Ctx<'_>) {
        if self.sent.is_empty() {
            for own in std::mem::take(&mut self.more) {
                self.ready(ctx, own);
            }
        }
    }

    pub(crate) fn stored(
        &mut self,
        ctx: &mut Ctx<'_>,
        proof: &Committed,
        then: Then,
        outcome: Outcome,
        route: impl Fn(E164) -> Option<Route>,
    ) -> bool {
        match (then, outcome) {
            (Then::Marked { to }, Outcome::ReadTo { number, mark }) => {
                ctx.clear(
                    proof,
                    Effect::Reply {
                        to,
                        reply: Reply::Done,
                    },
                );
                self.tell(ctx, proof, number, mark, route(number))
            }
            (Then::Marked { to }, outcome) => {
                let reply = match outcome {
                    Outcome::Done => Reply::Done,
                    _ => Reply::Error(CommandError::NotFound("incoming message")),
                };
                ctx.clear(proof, Effect::Reply { to, reply });
                false
            }
            (Then::Loaded { own }, Outcome::ReadMarks(marks)) => {
                if marks.len() == MAX_READ_MARKS_IN_FLIGHT && !self.more.contains(&own) {
                    self.more.push(own);
                }
                let mut told = false;
                for mark in marks {
                    told |= self.tell(ctx, proof, own, mark, route(own));
                }
                told
            }
            _ => false,
        }
    }

    /// Sends a mark if there is a session; the store keeps it until confirmed.
    fn tell(
        &mut self,
        ctx: &mut Ctx<'_>,
        proof: &Committed,
        own: E164,
        mark: UntoldMark,
        route: Option<Route>,
    ) -> bool {
        let Some(route) = route else {
            return false;
        };
        if self.sent.len() >= MAX_READ_MARKS_IN_FLIGHT {
            if !self.more.contains(&own) {
                self.more.push(own);
            }
            return false;
        }
        self.sent.push_back(Sent::Read { own, mark });
        ctx.clear(
            proof,
            Effect::Send {
                conn: route.conn,
                frame: Frame::Receipt(Receipt {
                    slot: route.slot,
                    kind: ReceiptKind::Read(mark.mark),
                }),
            },
        );
        true
    }
}
