//! What a turn wants to say, gathered until its end.
//!
//! Owns the coalescing: one `Accepted` and few `Receipt` frames for each
//! identity and turn. Knows nothing of rules. The driver gets it only after the
//! commit.

use std::collections::{BTreeMap, BTreeSet};

use twine_proto::frame::{Accepted, Disposition, Receipt, ReceiptKind, Refusal};
use twine_proto::limits::MAX_SEQS_PER_FRAME;
use twine_proto::{Epoch, Frame, Seq, Slot};

use crate::limits::MAX_OUTCOMES_PER_FRAME;
use crate::types::{ConnId, Output};

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    outputs: Vec<Output>,
    accepted: BTreeMap<(ConnId, Slot), Draft>,
    outcomes: BTreeMap<(ConnId, Slot, Option<Epoch>), Outcomes>,
}

/// The `Accepted` of one identity.
#[derive(Debug, Default)]
struct Draft {
    upto: Seq,
    refused: BTreeMap<Seq, Refusal>,
    away: BTreeSet<Seq>,
    conflict: Option<Seq>,
}

#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    pub(crate) delivered: Vec<Seq>,
    pub(crate) dispositions: Vec<(Seq, Disposition)>,
}

/// What one submission adds to the `Accepted` of its identity.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Note {
    /// Nothing beyond the mark.
    Plain,
    Away(Seq),
    Refused(Seq, Refusal),
    Conflict(Seq),
}

impl Outbox {
    pub(crate) fn send(&mut self, conn: ConnId, frame: Frame) {
        self.outputs.push(Output::Send { conn, frame });
    }

    pub(crate) fn close(&mut self, conn: ConnId) {
        self.outputs.push(Output::Close { conn });
    }

    /// All seqs of an identity up to `upto` are taken.
    pub(crate) fn accepted(
        &mut self,
        conn: ConnId,
        slot: Slot,
        upto: Seq,
        note: Note,
        receipts: u64,
    ) {
        let draft = self.accepted.entry((conn, slot)).or_default();
        draft.upto = draft.upto.max(upto);
        match note {
            Note::Plain => {}
            Note::Away(seq) => {
                draft.away.insert(seq);
            }
            Note::Refused(seq, refusal) => {
                draft.refused.insert(seq, refusal);
            }
            Note::Conflict(seq) => {
                draft.conflict = Some(draft.conflict.map_or(seq, |first| first.min(seq)));
            }
        }
        if draft.away.len() + draft.refused.len() >= MAX_SEQS_PER_FRAME {
            self.flush_accepted(conn, slot, receipts);
        }
    }

    /// A seq is not "away" any more.
    pub(crate) fn not_away(&mut self, conn: ConnId, slot: Slot, seq: Seq) {
        if let Some(draft) = self.accepted.get_mut(&(conn, slot)) {
            draft.away.remove(&seq);
        }
    }

    /// Where outcomes for a sender are gathered.
    pub(crate) fn outcomes(
        &mut self,
        conn: ConnId,
        slot: Slot,
        epoch: Option<Epoch>,
    ) -> &mut Outcomes {
        self.outcomes.entry((conn, slot, epoch)).or_default()
    }

    /// Puts the outcomes gathered for an identity before what comes next.
    pub(crate) fn flush_outcomes(&mut self, conn: ConnId, slot: Slot, epoch: Option<Epoch>) {
        let Some(outcomes) = self.outcomes.remove(&(conn, slot, epoch)) else {
            return;
        };
        let Outcomes {
            mut delivered,
            mut dispositions,
        } = outcomes;
        while !delivered.is_empty() || !dispositions.is_empty() {
            let some = delivered.len().min(MAX_OUTCOMES_PER_FRAME);
            let rest = dispositions.len().min(MAX_OUTCOMES_PER_FRAME - some);
            let kind = ReceiptKind::Outcomes {
                epoch,
                delivered: delivered.drain(..some).collect(),
                dispositions: dispositions.drain(..rest).collect(),
            };
            self.send(conn, Frame::Receipt(Receipt { slot, kind }));
        }
    }

    fn flush_accepted(&mut self, conn: ConnId, slot: Slot, receipts: u64) {
        let Some(draft) = self.accepted.remove(&(conn, slot)) else {
            return;
        };
        let accepted = Accepted {
            slot,
            upto: draft.upto,
            refused: draft.refused.into_iter().collect(),
            away: draft.away.into_iter().collect(),
            receipts,
            conflict: draft.conflict,
        };
        self.send(conn, Frame::Accepted(accepted));
    }

    /// Puts all that was gathered for a connection into frames.
    pub(crate) fn flush(&mut self, conn: ConnId, receipts: u64) {
        let slots: Vec<Slot> = self
            .accepted
            .range((conn, Slot(0))..=(conn, Slot(u32::MAX)))
            .map(|((_, slot), _)| *slot)
            .collect();
        for slot in slots {
            self.flush_accepted(conn, slot, receipts);
        }
        let keys: Vec<_> = self
            .outcomes
            .range((conn, Slot(0), None)..=(conn, Slot(u32::MAX), Some(Epoch(u32::MAX))))
            .map(|(key, _)| *key)
            .collect();
        for (conn, slot, epoch) in keys {
            self.flush_outcomes(conn, slot, epoch);
        }
    }

    /// The connections for which something is gathered.
    pub(crate) fn gathered(&self) -> BTreeSet<ConnId> {
        let accepted = self.accepted.keys().map(|key| key.0);
        accepted
            .chain(self.outcomes.keys().map(|key| key.0))
            .collect()
    }

    pub(crate) fn into_outputs(self) -> Vec<Output> {
        self.outputs
    }
}
