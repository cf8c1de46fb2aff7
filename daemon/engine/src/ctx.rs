//! What a part of the engine is given to act with: it can record, and nothing
//! else.

use std::time::Duration;

use twine_proto::{E164, Seq};

use crate::engine::Then;
use crate::gate::{Committed, Effect, Fleeting, Gate};
use crate::limits::MAX_TRACE_RECORDS_PER_TURN;
use crate::store_ops::{BootStamp, Look, Op};
use crate::time::{BootId, Now};
use crate::trace::{Decision, TraceRecord};

/// Counters since start, for diagnostics.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) enqueued: u64,
    pub(crate) released: u64,
    pub(crate) received: u64,
    pub(crate) duplicates: u64,
    pub(crate) conflicts: u64,
    pub(crate) rejected: u64,
    pub(crate) connects: u64,
    pub(crate) sessions: u64,
    pub(crate) answers_missed: u64,
    pub(crate) heartbeats: u64,
    pub(crate) forgotten: u64,
    pub(crate) moves: u64,
    pub(crate) data_moves: u64,
    pub(crate) new_epochs: u64,
    pub(crate) sms_ordered: u64,
    pub(crate) sms_received: u64,
    pub(crate) fell_back: u64,
    pub(crate) merged: u64,
    pub(crate) busy: u64,
    pub(crate) traces_dropped: u64,
}

impl Counters {
    pub(crate) fn list(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("enqueued", self.enqueued),
            ("released", self.released),
            ("received", self.received),
            ("duplicates", self.duplicates),
            ("conflicts", self.conflicts),
            ("rejected", self.rejected),
            ("connects", self.connects),
            ("sessions", self.sessions),
            ("answers_missed", self.answers_missed),
            ("heartbeats", self.heartbeats),
            ("forgotten", self.forgotten),
            ("moves", self.moves),
            ("data_moves", self.data_moves),
            ("new_epochs", self.new_epochs),
            ("sms_ordered", self.sms_ordered),
            ("sms_received", self.sms_received),
            ("fell_back", self.fell_back),
            ("merged", self.merged),
            ("busy", self.busy),
            ("traces_dropped", self.traces_dropped),
        ]
    }
}

/// The means of one turn.
pub(crate) struct Ctx<'a> {
    pub(crate) now: Now,
    pub(crate) boot: BootId,
    pub(crate) gate: &'a mut Gate<Then>,
    pub(crate) counters: &'a mut Counters,
    pub(crate) traced: &'a mut usize,
}

impl Ctx<'_> {
    /// This moment, as the store keeps it.
    pub(crate) fn stamp(&self) -> BootStamp {
        BootStamp {
            boot: self.boot,
            at: self.now.instant,
        }
    }

    /// A look so long after now.
    pub(crate) fn look(&self, after: Duration) -> Look {
        Look {
            boot: self.stamp(),
            after,
        }
    }

    pub(crate) fn op(&mut self, op: Op, then: impl Into<Then>) {
        self.gate.op(op, then.into());
    }

    pub(crate) fn after_commit(&mut self, effect: Effect) {
        self.gate.after_commit(effect);
    }

    pub(crate) fn clear(&mut self, proof: &Committed, effect: Effect) {
        self.gate.clear(proof, effect);
    }

    pub(crate) fn at_once(&mut self, fleeting: Fleeting) {
        self.gate.at_once(fleeting);
    }

    /// Records a decision. Bounded per turn; what is over is counted.
    pub(crate) fn trace(&mut self, decision: Decision, because: &[&'static str]) {
        if *self.traced >= MAX_TRACE_RECORDS_PER_TURN {
            self.counters.traces_dropped += 1;
            return;
        }
        *self.traced += 1;
        self.gate.at_once(Fleeting::Trace(TraceRecord {
            at: self.now.instant,
            decision,
            because: because.to_vec(),
        }));
    }
}

/// A connection and the slot of an identity on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) conn: crate::input::ConnId,
    pub(crate) slot: twine_proto::Slot,
}

/// An identity's numbering is not its own any more (DELIVERY 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NumberingLost {
    pub(crate) number: E164,
    /// From here on the gateway holds other messages under this device's seqs.
    pub(crate) contested_from: Option<Seq>,
}
