//! Frames into the messages of `wire.proto`. Cannot fail: whatever a type can
//! hold has a form on the wire.

use bytes::BytesMut;

use crate::frame::{
    Accepted, Ack, Binding, Capabilities, Deliver, Disposition, EpochPosition, Frame, Goodbye,
    GoodbyeReason, Hello, HelloSlot, Lookup, ReadMark, Receipt, ReceiptKind, Refusal, RejectReason,
    Revoke, RevokeOutcome, Revoked, SentState, SlotStatus, Submit, Typing, UnreadableDeliver,
    Welcome, WelcomeSlot,
};
use crate::framing;
use crate::ids::{Epoch, Seq};
use crate::wire_pb as pb;

pub(super) fn write(frame: &Frame, out: &mut BytesMut) {
    let type_byte = frame.type_byte();
    match frame {
        Frame::Hello(hello) => framing::write(type_byte, &pb::Hello::from(hello), out),
        Frame::Welcome(welcome) => framing::write(type_byte, &pb::Welcome::from(welcome), out),
        Frame::Submit(submit) => framing::write(type_byte, &pb::Submit::from(submit), out),
        Frame::Accepted(accepted) => framing::write(type_byte, &pb::Accepted::from(accepted), out),
        Frame::Deliver(deliver) => framing::write(type_byte, &pb::Deliver::from(deliver), out),
        Frame::UnreadableDeliver(head) => framing::write(type_byte, &pb::Deliver::from(head), out),
        Frame::Ack(ack) => framing::write(type_byte, &pb::Ack::from(ack), out),
        Frame::Receipt(receipt) => framing::write(type_byte, &pb::Receipt::from(receipt), out),
        Frame::Revoke(revoke) => framing::write(type_byte, &pb::Revoke::from(revoke), out),
        Frame::Revoked(revoked) => framing::write(type_byte, &pb::Revoked::from(revoked), out),
        Frame::Lookup(lookup) => framing::write(type_byte, &pb::Lookup::from(lookup), out),
        Frame::Capabilities(capabilities) => {
            framing::write(type_byte, &pb::Capabilities::from(capabilities), out);
        }
        Frame::Typing(typing) => framing::write(type_byte, &pb::Typing::from(typing), out),
        Frame::Ping(nonce) => framing::write(type_byte, &pb::Ping { nonce: *nonce }, out),
        Frame::Pong(nonce) => framing::write(type_byte, &pb::Pong { nonce: *nonce }, out),
        Frame::Goodbye(goodbye) => framing::write(type_byte, &pb::Goodbye::from(goodbye), out),
    }
}

impl From<&Hello> for pb::Hello {
    fn from(hello: &Hello) -> Self {
        Self {
            session_no: hello.session_no.get(),
            after: hello.after.get(),
            slots: hello.slots.iter().map(Into::into).collect(),
        }
    }
}

impl From<&HelloSlot> for pb::HelloSlot {
    fn from(slot: &HelloSlot) -> Self {
        let mut message = Self {
            number: slot.number.get(),
            cursor: slot.cursor.get(),
            cursor_check: slot.cursor_check,
            old: slot.old.iter().map(Into::into).collect(),
            ..Self::default()
        };
        match slot.binding {
            Binding::Held(position) => {
                message.epoch = position.epoch.get();
                message.next_seq = position.next_seq.get();
                message.lowest_unsettled = position.lowest_unsettled.get();
            }
            Binding::Wanted { last } => message.last_epoch = last.get(),
        }
        message
    }
}

impl From<&EpochPosition> for pb::OldEpoch {
    fn from(position: &EpochPosition) -> Self {
        Self {
            epoch: position.epoch.get(),
            next_seq: position.next_seq.get(),
            lowest_unsettled: position.lowest_unsettled.get(),
        }
    }
}

impl From<&Welcome> for pb::Welcome {
    fn from(welcome: &Welcome) -> Self {
        Self {
            time_s: welcome.time_s,
            slots: welcome.slots.iter().map(Into::into).collect(),
            idle_limit_s: welcome.idle_limit_s,
            since: welcome.since.iter().map(|no| no.get()).collect(),
        }
    }
}

impl From<&WelcomeSlot> for pb::WelcomeSlot {
    fn from(slot: &WelcomeSlot) -> Self {
        let (status, epoch) = match slot.status {
            SlotStatus::Ok => (pb::SlotStatus::Ok, Epoch(0)),
            SlotStatus::Granted(epoch) => (pb::SlotStatus::Granted, epoch),
            SlotStatus::NotBound => (pb::SlotStatus::NotBound, Epoch(0)),
            SlotStatus::EpochClosed => (pb::SlotStatus::EpochClosed, Epoch(0)),
        };
        Self {
            status: status.into(),
            epoch: epoch.get(),
            high_water: slot.state.high_water.get(),
            dispositions: dispositions(&slot.state.dispositions),
            delivered: seqs(&slot.state.delivered),
            old: slot.old.iter().map(old_state).collect(),
        }
    }
}

fn old_state((epoch, state): &(Epoch, SentState)) -> pb::OldEpochState {
    pb::OldEpochState {
        epoch: epoch.get(),
        high_water: state.high_water.get(),
        dispositions: dispositions(&state.dispositions),
        delivered: seqs(&state.delivered),
    }
}

impl From<&Submit> for pb::Submit {
    fn from(submit: &Submit) -> Self {
        Self {
            seq: submit.seq.get(),
            to: submit.to.get(),
            lane_seq: submit.lane_seq.get(),
            content: submit.content.as_bytes().clone(),
            slot: submit.slot.get(),
        }
    }
}

impl From<&Accepted> for pb::Accepted {
    fn from(accepted: &Accepted) -> Self {
        Self {
            upto: accepted.upto.get(),
            refused: accepted
                .refused
                .iter()
                .map(|(seq, refusal)| disposition(*seq, Disposition::Refused(*refusal)))
                .collect(),
            away: seqs(&accepted.away),
            slot: accepted.slot.get(),
            receipts: accepted.receipts,
            conflict: accepted.conflict.map_or(0, Seq::get),
        }
    }
}

impl From<&Deliver> for pb::Deliver {
    fn from(deliver: &Deliver) -> Self {
        Self {
            cursor: deliver.cursor.get(),
            from: deliver.from.get(),
            epoch: deliver.epoch.get(),
            lane_seq: deliver.lane_seq.get(),
            age_s: deliver.age_s,
            content: deliver.content.as_bytes().clone(),
            slot: deliver.slot.get(),
            maybe_by_sms: deliver.maybe_by_sms,
        }
    }
}

/// Without a sender: unreadable to whoever reads it again.
impl From<&UnreadableDeliver> for pb::Deliver {
    fn from(head: &UnreadableDeliver) -> Self {
        Self {
            cursor: head.cursor.get(),
            slot: head.slot.get(),
            ..Self::default()
        }
    }
}

impl From<&Ack> for pb::Ack {
    fn from(ack: &Ack) -> Self {
        Self {
            cursor: ack.cursor.get(),
            slot: ack.slot.get(),
            lowest_unsettled: ack.lowest_unsettled.map_or(0, Seq::get),
        }
    }
}

impl From<&Receipt> for pb::Receipt {
    fn from(receipt: &Receipt) -> Self {
        let mut message = Self {
            slot: receipt.slot.get(),
            ..Self::default()
        };
        match &receipt.kind {
            ReceiptKind::Outcomes {
                epoch,
                delivered,
                dispositions: outcomes,
            } => {
                message.epoch = epoch.map_or(0, Epoch::get);
                message.delivered = seqs(delivered);
                message.outcomes = dispositions(outcomes);
            }
            ReceiptKind::ReadBy { cursor, mark } => {
                message.cursor = cursor.get();
                message.read = Some(mark.into());
            }
            ReceiptKind::Read(mark) => message.read = Some(mark.into()),
            ReceiptKind::Rejected { cursor, reason } => {
                message.rejected = Some(pb::Rejected {
                    cursor: cursor.get(),
                    code: disposition_code(Disposition::Rejected(*reason)).into(),
                });
            }
        }
        message
    }
}

impl From<&ReadMark> for pb::ReadMark {
    fn from(mark: &ReadMark) -> Self {
        Self {
            peer: mark.peer.get(),
            epoch: mark.epoch.get(),
            upto: mark.upto.get(),
        }
    }
}

impl From<&Revoke> for pb::Revoke {
    fn from(revoke: &Revoke) -> Self {
        Self {
            seqs: seqs(&revoke.seqs),
            slot: revoke.slot.get(),
            epoch: revoke.epoch.map_or(0, Epoch::get),
        }
    }
}

impl From<&Revoked> for pb::Revoked {
    fn from(revoked: &Revoked) -> Self {
        let result = |(seq, outcome): &(Seq, RevokeOutcome)| pb::RevokeResult {
            seq: seq.get(),
            outcome: match outcome {
                RevokeOutcome::Revoked => pb::RevokeOutcome::RevokedNeverDelivered,
                RevokeOutcome::AlreadyDelivered => pb::RevokeOutcome::AlreadyDelivered,
                RevokeOutcome::InDoubt => pb::RevokeOutcome::InDoubt,
                RevokeOutcome::Forgotten => pb::RevokeOutcome::Forgotten,
            }
            .into(),
        };
        Self {
            slot: revoked.slot.get(),
            epoch: revoked.epoch.map_or(0, Epoch::get),
            results: revoked.results.iter().map(result).collect(),
        }
    }
}

impl From<&Lookup> for pb::Lookup {
    fn from(lookup: &Lookup) -> Self {
        Self {
            id: lookup.id,
            numbers: lookup.numbers.iter().map(|number| number.get()).collect(),
        }
    }
}

impl From<&Capabilities> for pb::Capabilities {
    fn from(capabilities: &Capabilities) -> Self {
        let entry = |capability: &crate::frame::Capability| pb::Capability {
            number: capability.number.get(),
            reachable: capability.reachable,
            features: capability.features,
            valid_s: capability.valid_s,
        };
        Self {
            id: capabilities.id,
            entries: capabilities.entries.iter().map(entry).collect(),
        }
    }
}

impl From<&Typing> for pb::Typing {
    fn from(typing: &Typing) -> Self {
        Self {
            peer: typing.peer.get(),
            slot: typing.slot.get(),
            stopped: typing.stopped,
        }
    }
}

impl From<&Goodbye> for pb::Goodbye {
    fn from(goodbye: &Goodbye) -> Self {
        let reason = match goodbye.reason {
            GoodbyeReason::Draining => pb::GoodbyeReason::Draining,
            GoodbyeReason::Superseded => pb::GoodbyeReason::Superseded,
            GoodbyeReason::ProtocolError => pb::GoodbyeReason::ProtocolError,
            GoodbyeReason::Overloaded => pb::GoodbyeReason::Overloaded,
            GoodbyeReason::UnknownDevice => pb::GoodbyeReason::UnknownDevice,
            GoodbyeReason::Closing => pb::GoodbyeReason::Closing,
        };
        Self {
            reason: reason.into(),
            retry_after_s: goodbye.retry_after_s,
            redirect: goodbye.redirect.clone(),
            session_no: goodbye.session_no.get(),
            detail: goodbye.detail.clone(),
        }
    }
}

fn seqs(seqs: &[Seq]) -> Vec<u64> {
    seqs.iter().map(|seq| seq.get()).collect()
}

fn dispositions(entries: &[(Seq, Disposition)]) -> Vec<pb::Disposition> {
    let entry = |(seq, outcome): &(Seq, Disposition)| disposition(*seq, *outcome);
    entries.iter().map(entry).collect()
}

fn disposition(seq: Seq, outcome: Disposition) -> pb::Disposition {
    pb::Disposition {
        seq: seq.get(),
        code: disposition_code(outcome).into(),
    }
}

fn disposition_code(outcome: Disposition) -> pb::DispositionCode {
    use pb::DispositionCode as Code;
    match outcome {
        Disposition::Refused(Refusal::UnknownRecipient) => Code::RefusedUnknownRecipient,
        Disposition::Refused(Refusal::MailboxFull) => Code::RefusedMailboxFull,
        Disposition::Refused(Refusal::TooLarge) => Code::RefusedTooLarge,
        Disposition::Refused(Refusal::Policy) => Code::RefusedByPolicy,
        Disposition::Revoked => Code::WasRevoked,
        Disposition::Expired => Code::Expired,
        Disposition::Rejected(RejectReason::Unreadable) => Code::RejectedUnreadable,
        Disposition::Rejected(RejectReason::Conflict) => Code::RejectedConflict,
    }
}
