//! The law of the engine, in types: nothing leaves before it is stored.
//!
//! Parts record operations and effects here and can do nothing else. An effect
//! comes out as an [`Output`] only
//!
//! - after the batch it was recorded with is on disk (`Gate::after_commit`),
//! - as the consequence of an outcome, with `Committed` in hand
//!   (`Gate::clear`), or
//! - because it depends on nothing stored and is of a kind that never does
//!   (`Gate::at_once`).
//!
//! [`Cleared`] has no other constructor than this module's.

use std::collections::VecDeque;
use std::time::Duration;

use twine_proto::Frame;
use twine_proto::frame::{Lookup, Typing};

use crate::input::{ConnId, ReplyTo};
use crate::limits::MAX_OPEN_OPS;
use crate::link::LinkId;
use crate::links::Because;
use crate::output::{Notice, Order, Output, Reply, TransportKind};
use crate::store_ops::{Batch, BatchId, EventCursor, Op, Outcome, Stored};
use crate::time::WallTime;
use crate::trace::TraceRecord;

/// A value whose batch is on disk: it may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleared<T>(T);

impl<T> Cleared<T> {
    /// The value.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// The value.
    pub const fn get(&self) -> &T {
        &self.0
    }
}

/// Proof that the outcome at hand comes from a batch on disk.
#[derive(Debug)]
pub(crate) struct Committed(());

/// What may leave once its batch is stored.
#[derive(Debug)]
pub(crate) enum Effect {
    Send { conn: ConnId, frame: Frame },
    Reply { to: ReplyTo, reply: Reply },
    Order(Order),
}

/// What depends on nothing stored: it is lost with the connection or the
/// process, and nobody misses it.
#[derive(Debug)]
pub(crate) enum Fleeting {
    Ping {
        conn: ConnId,
        nonce: u32,
    },
    Pong {
        conn: ConnId,
        nonce: u32,
    },
    Typing {
        conn: ConnId,
        typing: Typing,
    },
    Lookup {
        conn: ConnId,
        lookup: Lookup,
    },
    Notice(Notice),
    Connect {
        conn: ConnId,
        link: LinkId,
        transport: TransportKind,
        target: Option<String>,
        round_trip: Duration,
    },
    Move {
        conn: ConnId,
        link: LinkId,
    },
    Close {
        conn: ConnId,
    },
    PreferDataSim {
        slot: u8,
        because: Because,
    },
    LookAgain {
        link: LinkId,
    },
    Trace(TraceRecord),
}

/// Operations and effects on their way; `T` says what follows an operation.
#[derive(Debug)]
pub(crate) struct Gate<T> {
    open: Pending<T>,
    in_flight: Option<(BatchId, Pending<T>)>,
    out: VecDeque<Output>,
    last_batch: BatchId,
    announced: EventCursor,
}

#[derive(Debug)]
struct Pending<T> {
    ops: Vec<Op>,
    thens: Vec<T>,
    held: Vec<Effect>,
}

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self {
            ops: Vec::new(),
            thens: Vec::new(),
            held: Vec::new(),
        }
    }
}

impl<T> Gate<T> {
    pub(crate) fn new(announced: EventCursor) -> Self {
        Self {
            open: Pending::default(),
            in_flight: None,
            out: VecDeque::new(),
            last_batch: BatchId(0),
            announced,
        }
    }

    /// Adds an operation to the batch being filled.
    pub(crate) fn op(&mut self, op: Op, then: T) {
        self.open.ops.push(op);
        self.open.thens.push(then);
    }

    /// Lets an effect out when everything recorded so far is on disk.
    pub(crate) fn after_commit(&mut self, effect: Effect) {
        if !self.open.ops.is_empty() {
            self.open.held.push(effect);
        } else if let Some((_, pending)) = &mut self.in_flight {
            pending.held.push(effect);
        } else {
            self.out.push_back(cleared(effect));
        }
    }

    /// Lets out the consequence of an outcome.
    pub(crate) fn clear(&mut self, _proof: &Committed, effect: Effect) {
        self.out.push_back(cleared(effect));
    }

    /// Lets out what depends on nothing stored.
    pub(crate) fn at_once(&mut self, fleeting: Fleeting) {
        let send = |conn, frame| Output::Send {
            conn,
            frame: Cleared(frame),
        };
        self.out.push_back(match fleeting {
            Fleeting::Ping { conn, nonce } => send(conn, Frame::Ping(nonce)),
            Fleeting::Pong { conn, nonce } => send(conn, Frame::Pong(nonce)),
            Fleeting::Typing { conn, typing } => send(conn, Frame::Typing(typing)),
            Fleeting::Lookup { conn, lookup } => send(conn, Frame::Lookup(lookup)),
            Fleeting::Notice(notice) => Output::Notice(notice),
            Fleeting::Connect {
                conn,
                link,
                transport,
                target,
                round_trip,
            } => Output::Connect {
                conn,
                link,
                transport,
                target,
                round_trip,
            },
            Fleeting::Move { conn, link } => Output::Move { conn, link },
            Fleeting::Close { conn } => Output::Close { conn },
            Fleeting::LookAgain { link } => Output::Order(Cleared(Order::LookAgain { link })),
            Fleeting::PreferDataSim { slot, because } => {
                Output::Order(Cleared(Order::PreferDataSim { slot, because }))
            }
            Fleeting::Trace(record) => Output::Trace(record),
        });
    }

    /// The batch in flight is on disk: lets out what was held for it and
    /// returns what follows each operation. `None` for any other batch, and for
    /// one with the wrong number of outcomes: a driver's error, which must not
    /// open the gate.
    pub(crate) fn stored(&mut self, stored: Stored) -> Option<(Committed, Vec<(T, Outcome)>)> {
        let (id, pending) = self.in_flight.take()?;
        if id != stored.id || pending.thens.len() != stored.outcomes.len() {
            self.in_flight = Some((id, pending));
            return None;
        }
        self.out.extend(pending.held.into_iter().map(cleared));
        if stored.latest_event > self.announced {
            self.announced = stored.latest_event;
            self.out
                .push_back(Output::Events(Cleared(stored.latest_event)));
        }
        Some((
            Committed(()),
            pending.thens.into_iter().zip(stored.outcomes).collect(),
        ))
    }

    /// Sends the batch being filled on its way, if none is in flight.
    pub(crate) fn close_batch(&mut self, wall: WallTime) {
        if self.in_flight.is_some() || self.open.ops.is_empty() {
            return;
        }
        let mut pending = std::mem::take(&mut self.open);
        self.last_batch = BatchId(self.last_batch.0 + 1);
        self.out.push_back(Output::Commit(Batch {
            id: self.last_batch,
            wall,
            ops: std::mem::take(&mut pending.ops),
        }));
        self.in_flight = Some((self.last_batch, pending));
    }

    pub(crate) fn pop(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// No more commands should be taken before a batch is stored.
    pub(crate) fn is_congested(&self) -> bool {
        self.open.ops.len() >= MAX_OPEN_OPS
    }

    /// A batch will go out anyway.
    pub(crate) fn has_work(&self) -> bool {
        !self.open.ops.is_empty()
    }

    pub(crate) fn batches(&self) -> u64 {
        self.last_batch.0
    }
}

fn cleared(effect: Effect) -> Output {
    match effect {
        Effect::Send { conn, frame } => Output::Send {
            conn,
            frame: Cleared(frame),
        },
        Effect::Reply { to, reply } => Output::Reply {
            to,
            reply: Cleared(reply),
        },
        Effect::Order(order) => Output::Order(Cleared(order)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(request: u64) -> Effect {
        Effect::Reply {
            to: ReplyTo { client: 1, request },
            reply: Reply::Done,
        }
    }

    fn drained(gate: &mut Gate<()>) -> Vec<String> {
        std::iter::from_fn(|| gate.pop())
            .map(|output| match output {
                Output::Commit(batch) => format!("commit {}", batch.id.0),
                Output::Reply { to, .. } => format!("reply {}", to.request),
                other => format!("{other:?}"),
            })
            .collect()
    }

    fn answer(id: u64, outcomes: usize) -> Stored {
        Stored {
            id: BatchId(id),
            outcomes: (0..outcomes).map(|_| Outcome::Done).collect(),
            latest_event: EventCursor(0),
            outbox: 0,
            due: crate::store_ops::NextDue::default(),
        }
    }

    #[test]
    fn an_effect_waits_for_its_batch_and_for_those_before() {
        let mut gate = Gate::new(EventCursor(0));
        gate.after_commit(reply(0));
        gate.op(Op::Prune, ());
        gate.after_commit(reply(1));
        gate.close_batch(WallTime(0));
        gate.after_commit(reply(2));
        gate.op(Op::Prune, ());
        gate.after_commit(reply(3));
        gate.close_batch(WallTime(0));
        assert_eq!(drained(&mut gate), ["reply 0", "commit 1"]);

        assert!(gate.stored(answer(1, 1)).is_some());
        gate.close_batch(WallTime(0));
        assert_eq!(drained(&mut gate), ["reply 1", "reply 2", "commit 2"]);

        assert!(gate.stored(answer(2, 1)).is_some());
        assert_eq!(drained(&mut gate), ["reply 3"]);
    }

    #[test]
    fn a_wrong_answer_does_not_open_the_gate() {
        let mut gate = Gate::new(EventCursor(0));
        gate.op(Op::Prune, ());
        gate.after_commit(reply(1));
        gate.close_batch(WallTime(0));
        assert_eq!(drained(&mut gate), ["commit 1"]);
        assert!(gate.stored(answer(7, 1)).is_none());
        assert!(gate.stored(answer(1, 2)).is_none());
        assert_eq!(drained(&mut gate), Vec::<String>::new());
        assert!(gate.stored(answer(1, 1)).is_some());
        assert_eq!(drained(&mut gate), ["reply 1"]);
    }
}
