//! Messages of `wire.proto` into frames. Everything a peer can send ends here
//! as a valid [`Frame`], as `None`, or as an error that names the field.

use bytes::Bytes;
use prost::Message;

use super::check::Check;
use super::error::DecodeError;
use crate::frame::{
    Accepted, Ack, Binding, Capabilities, Capability, Deliver, EpochPosition, Frame, Goodbye,
    GoodbyeReason, Hello, HelloSlot, Lookup, ReadMark, Receipt, ReceiptKind, Revoke, RevokeOutcome,
    Revoked, SentState, SlotStatus, Submit, Typing, UnreadableDeliver, Welcome, WelcomeSlot,
    host_and_port,
};
use crate::framing::RawFrame;
use crate::ids::{Cursor, Epoch, Seq, SessionNo};
use crate::limits::{
    MAX_BODY_WITHOUT_CONTENT_BYTES, MAX_COUNTER, MAX_GOODBYE_TEXT_BYTES, MAX_LOOKUP_NUMBERS,
    MAX_OLD_EPOCHS, MAX_SESSIONS_SINCE, MAX_SLOTS,
};
use crate::wire_pb::{self as pb, FrameType};

type Result<T> = std::result::Result<T, DecodeError>;

pub(super) fn read(raw: RawFrame) -> Result<Option<Frame>> {
    let Ok(frame_type) = FrameType::try_from(i32::from(raw.type_byte)) else {
        return Ok(None);
    };
    let body = raw.body;
    Ok(Some(match frame_type {
        FrameType::Unspecified => return Ok(None),
        FrameType::Hello => Frame::Hello(hello(small("Hello", body)?)?),
        FrameType::Welcome => Frame::Welcome(welcome(small("Welcome", body)?)?),
        FrameType::Submit => Frame::Submit(submit(message("Submit", body)?)?),
        FrameType::Accepted => Frame::Accepted(accepted(small("Accepted", body)?)?),
        FrameType::Deliver => deliver(body)?,
        FrameType::Ack => Frame::Ack(ack(small("Ack", body)?)?),
        FrameType::Receipt => {
            return Ok(receipt(small("Receipt", body)?)?.map(Frame::Receipt));
        }
        FrameType::Revoke => Frame::Revoke(revoke(small("Revoke", body)?)?),
        FrameType::Revoked => Frame::Revoked(revoked(small("Revoked", body)?)?),
        FrameType::Lookup => Frame::Lookup(lookup(small("Lookup", body)?)?),
        FrameType::Capabilities => Frame::Capabilities(capabilities(small("Capabilities", body)?)?),
        FrameType::Typing => Frame::Typing(typing(small("Typing", body)?)?),
        FrameType::Ping => Frame::Ping(small::<pb::Ping>("Ping", body)?.nonce),
        FrameType::Pong => Frame::Pong(small::<pb::Pong>("Pong", body)?.nonce),
        FrameType::Goodbye => Frame::Goodbye(goodbye(small("Goodbye", body)?)?),
    }))
}

fn message<M: Message + Default>(frame: &'static str, body: Bytes) -> Result<M> {
    M::decode(body).map_err(|source| DecodeError::Malformed { frame, source })
}

/// A message that carries no content.
fn small<M: Message + Default>(frame: &'static str, body: Bytes) -> Result<M> {
    if body.len() > MAX_BODY_WITHOUT_CONTENT_BYTES {
        return Err(DecodeError::BodyTooLong {
            frame,
            bytes: body.len(),
            limit: MAX_BODY_WITHOUT_CONTENT_BYTES,
        });
    }
    message(frame, body)
}

fn hello(hello: pb::Hello) -> Result<Hello> {
    let check = Check("Hello");
    check.count("slots", hello.slots.len(), MAX_SLOTS)?;
    for (index, slot) in hello.slots.iter().enumerate() {
        if hello.slots[..index]
            .iter()
            .any(|other| other.number == slot.number)
        {
            return Err(check.shape("slots.number", "each number may be named once"));
        }
    }
    Ok(Hello {
        session_no: SessionNo(check.counter("session_no", hello.session_no)?),
        after: SessionNo(check.range("after", hello.after, 0, MAX_COUNTER)?),
        slots: hello
            .slots
            .into_iter()
            .map(hello_slot)
            .collect::<Result<_>>()?,
    })
}

fn hello_slot(slot: pb::HelloSlot) -> Result<HelloSlot> {
    let check = Check("Hello");
    check.count("slots.old", slot.old.len(), MAX_OLD_EPOCHS)?;
    let binding = if slot.epoch == 0 {
        Binding::Wanted {
            last: Epoch(slot.last_epoch),
        }
    } else {
        Binding::Held(EpochPosition {
            epoch: Epoch(slot.epoch),
            next_seq: check.seq("slots.next_seq", slot.next_seq)?,
            lowest_unsettled: Seq(check.range(
                "slots.lowest_unsettled",
                slot.lowest_unsettled,
                1,
                slot.next_seq,
            )?),
        })
    };
    let old = |old: &pb::OldEpoch| {
        Ok(EpochPosition {
            epoch: check.epoch("slots.old.epoch", old.epoch)?,
            next_seq: check.seq("slots.old.next_seq", old.next_seq)?,
            lowest_unsettled: Seq(check.range(
                "slots.old.lowest_unsettled",
                old.lowest_unsettled,
                1,
                old.next_seq,
            )?),
        })
    };
    Ok(HelloSlot {
        number: check.number("slots.number", slot.number)?,
        binding,
        cursor: Cursor(check.counter("slots.cursor", slot.cursor)?),
        cursor_check: slot.cursor_check,
        old: slot.old.iter().map(old).collect::<Result<_>>()?,
    })
}

fn welcome(welcome: pb::Welcome) -> Result<Welcome> {
    let check = Check("Welcome");
    check.count("slots", welcome.slots.len(), MAX_SLOTS)?;
    let mut seqs = 0;
    for slot in &welcome.slots {
        check.count("slots.old", slot.old.len(), MAX_OLD_EPOCHS)?;
        seqs += slot.dispositions.len() + slot.delivered.len();
        for old in &slot.old {
            seqs += old.dispositions.len() + old.delivered.len();
        }
    }
    check.seq_count("slots (dispositions and delivered)", seqs)?;
    check.count("since", welcome.since.len(), MAX_SESSIONS_SINCE)?;
    let since = welcome.since.iter();
    let since = since.map(|no| Ok(SessionNo(check.counter("since", *no)?)));
    let slots = welcome.slots.iter().map(welcome_slot);
    Ok(Welcome {
        time_s: welcome.time_s,
        slots: slots.collect::<Result<_>>()?,
        idle_limit_s: welcome.idle_limit_s,
        since: since.collect::<Result<_>>()?,
    })
}

fn welcome_slot(slot: &pb::WelcomeSlot) -> Result<WelcomeSlot> {
    let check = Check("Welcome");
    let status = match pb::SlotStatus::try_from(slot.status) {
        Ok(pb::SlotStatus::Ok) => SlotStatus::Ok,
        Ok(pb::SlotStatus::Granted) => {
            // Seqs of a new epoch start at 1.
            check.range("slots.high_water", slot.high_water, 0, 0)?;
            SlotStatus::Granted(check.epoch("slots.epoch", slot.epoch)?)
        }
        Ok(pb::SlotStatus::NotBound) => SlotStatus::NotBound,
        Ok(pb::SlotStatus::EpochClosed) => SlotStatus::EpochClosed,
        Err(_) => {
            return Err(DecodeError::Code {
                frame: "Welcome",
                field: "slots.status",
                got: slot.status,
                allowed: "OK, GRANTED, NOT_BOUND, EPOCH_CLOSED",
            });
        }
    };
    let old = |old: &pb::OldEpochState| {
        let state = SentState {
            high_water: Seq(check.counter("slots.old.high_water", old.high_water)?),
            dispositions: check.dispositions("slots.old.dispositions", &old.dispositions)?,
            delivered: check.seqs("slots.old.delivered", &old.delivered)?,
        };
        Ok((check.epoch("slots.old.epoch", old.epoch)?, state))
    };
    Ok(WelcomeSlot {
        status,
        state: SentState {
            high_water: Seq(check.counter("slots.high_water", slot.high_water)?),
            dispositions: check.dispositions("slots.dispositions", &slot.dispositions)?,
            delivered: check.seqs("slots.delivered", &slot.delivered)?,
        },
        old: slot.old.iter().map(old).collect::<Result<_>>()?,
    })
}

fn submit(submit: pb::Submit) -> Result<Submit> {
    let check = Check("Submit");
    Ok(Submit {
        slot: check.slot("slot", submit.slot)?,
        seq: check.seq("seq", submit.seq)?,
        to: check.number("to", submit.to)?,
        lane_seq: check.lane_seq("lane_seq", submit.lane_seq)?,
        content: check.content("content", submit.content)?,
    })
}

fn accepted(accepted: pb::Accepted) -> Result<Accepted> {
    let check = Check("Accepted");
    check.seq_count(
        "refused and away",
        accepted.refused.len() + accepted.away.len(),
    )?;
    Ok(Accepted {
        slot: check.slot("slot", accepted.slot)?,
        upto: Seq(check.counter("upto", accepted.upto)?),
        refused: check.refusals("refused", &accepted.refused)?,
        away: check.seqs("away", &accepted.away)?,
        receipts: check.counter("receipts", accepted.receipts)?,
        conflict: check.optional_seq("conflict", accepted.conflict)?,
    })
}

/// The part of a `Deliver` that has to be readable: everything else is left
/// out as if it were unknown.
#[derive(Clone, PartialEq, Message)]
struct DeliverHead {
    #[prost(uint64, tag = "1")]
    cursor: u64,
    #[prost(uint32, tag = "7")]
    slot: u32,
}

/// A poisoned message must not stop the mailbox (DELIVERY 12): as long as it
/// is known which entry it is, it can be committed as a placeholder.
fn deliver(body: Bytes) -> Result<Frame> {
    let check = Check("Deliver");
    match readable_deliver(body.clone()) {
        Ok(deliver) => Ok(Frame::Deliver(deliver)),
        Err(error) => {
            let Ok(head) = DeliverHead::decode(body) else {
                return Err(error);
            };
            Ok(Frame::UnreadableDeliver(UnreadableDeliver {
                slot: check.slot("slot", head.slot)?,
                cursor: check.cursor("cursor", head.cursor)?,
            }))
        }
    }
}

fn readable_deliver(body: Bytes) -> Result<Deliver> {
    let check = Check("Deliver");
    let deliver: pb::Deliver = message("Deliver", body)?;
    Ok(Deliver {
        slot: check.slot("slot", deliver.slot)?,
        cursor: check.cursor("cursor", deliver.cursor)?,
        from: check.number("from", deliver.from)?,
        epoch: check.epoch("epoch", deliver.epoch)?,
        lane_seq: check.lane_seq("lane_seq", deliver.lane_seq)?,
        age_s: deliver.age_s,
        content: check.content("content", deliver.content)?,
        maybe_by_sms: deliver.maybe_by_sms,
    })
}

fn ack(ack: pb::Ack) -> Result<Ack> {
    let check = Check("Ack");
    Ok(Ack {
        slot: check.slot("slot", ack.slot)?,
        cursor: Cursor(check.counter("cursor", ack.cursor)?),
        lowest_unsettled: check.optional_seq("lowest_unsettled", ack.lowest_unsettled)?,
    })
}

/// `None`: of a kind this version does not know.
fn receipt(receipt: pb::Receipt) -> Result<Option<Receipt>> {
    let check = Check("Receipt");
    check.seq_count(
        "delivered and outcomes",
        receipt.delivered.len() + receipt.outcomes.len(),
    )?;
    let slot = check.slot("slot", receipt.slot)?;
    let has_outcomes = !receipt.delivered.is_empty() || !receipt.outcomes.is_empty();
    let kind = match (has_outcomes, receipt.read, receipt.rejected) {
        (false, None, None) => return Ok(None),
        (true, None, None) => ReceiptKind::Outcomes {
            epoch: optional_epoch(receipt.epoch),
            delivered: check.seqs("delivered", &receipt.delivered)?,
            dispositions: check.dispositions("outcomes", &receipt.outcomes)?,
        },
        (false, Some(mark), None) => {
            let mark = ReadMark {
                peer: check.number("read.peer", mark.peer)?,
                epoch: check.epoch("read.epoch", mark.epoch)?,
                upto: check.lane_seq("read.upto", mark.upto)?,
            };
            if receipt.cursor == 0 {
                ReceiptKind::Read(mark)
            } else {
                ReceiptKind::ReadBy {
                    cursor: check.cursor("cursor", receipt.cursor)?,
                    mark,
                }
            }
        }
        (false, None, Some(rejected)) => ReceiptKind::Rejected {
            cursor: check.cursor("rejected.cursor", rejected.cursor)?,
            reason: check.rejection("rejected.code", rejected.code)?,
        },
        _ => {
            return Err(check.shape(
                "delivered, outcomes, read, rejected",
                "a receipt holds outcomes, or a read mark, or a rejection; not two of them",
            ));
        }
    };
    Ok(Some(Receipt { slot, kind }))
}

fn optional_epoch(epoch: u32) -> Option<Epoch> {
    (epoch != 0).then_some(Epoch(epoch))
}

fn revoke(revoke: pb::Revoke) -> Result<Revoke> {
    let check = Check("Revoke");
    check.seq_count("seqs", revoke.seqs.len())?;
    if !revoke.seqs.is_sorted_by(|a, b| a < b) {
        return Err(check.shape("seqs", "must be ascending, each once"));
    }
    Ok(Revoke {
        slot: check.slot("slot", revoke.slot)?,
        epoch: optional_epoch(revoke.epoch),
        seqs: check.seqs("seqs", &revoke.seqs)?,
    })
}

fn revoked(revoked: pb::Revoked) -> Result<Revoked> {
    let check = Check("Revoked");
    check.seq_count("results", revoked.results.len())?;
    let result = |result: &pb::RevokeResult| {
        use pb::RevokeOutcome as Outcome;
        let outcome = match Outcome::try_from(result.outcome) {
            Ok(Outcome::RevokedNeverDelivered) => RevokeOutcome::Revoked,
            Ok(Outcome::AlreadyDelivered) => RevokeOutcome::AlreadyDelivered,
            Ok(Outcome::InDoubt) => RevokeOutcome::InDoubt,
            Ok(Outcome::Forgotten) => RevokeOutcome::Forgotten,
            Ok(Outcome::Unspecified) | Err(_) => {
                return Err(DecodeError::Code {
                    frame: "Revoked",
                    field: "results.outcome",
                    got: result.outcome,
                    allowed: "REVOKED_NEVER_DELIVERED, ALREADY_DELIVERED, IN_DOUBT, FORGOTTEN",
                });
            }
        };
        Ok((check.seq("results.seq", result.seq)?, outcome))
    };
    Ok(Revoked {
        slot: check.slot("slot", revoked.slot)?,
        epoch: optional_epoch(revoked.epoch),
        results: revoked.results.iter().map(result).collect::<Result<_>>()?,
    })
}

fn lookup(lookup: pb::Lookup) -> Result<Lookup> {
    let check = Check("Lookup");
    check.count("numbers", lookup.numbers.len(), MAX_LOOKUP_NUMBERS)?;
    let numbers = lookup.numbers.iter();
    Ok(Lookup {
        id: lookup.id,
        numbers: numbers
            .map(|number| check.number("numbers", *number))
            .collect::<Result<_>>()?,
    })
}

fn capabilities(capabilities: pb::Capabilities) -> Result<Capabilities> {
    let check = Check("Capabilities");
    check.count("entries", capabilities.entries.len(), MAX_LOOKUP_NUMBERS)?;
    let entry = |entry: &pb::Capability| {
        Ok(Capability {
            number: check.number("entries.number", entry.number)?,
            reachable: entry.reachable,
            features: entry.features,
            valid_s: entry.valid_s,
        })
    };
    Ok(Capabilities {
        id: capabilities.id,
        entries: capabilities
            .entries
            .iter()
            .map(entry)
            .collect::<Result<_>>()?,
    })
}

fn typing(typing: pb::Typing) -> Result<Typing> {
    let check = Check("Typing");
    Ok(Typing {
        slot: check.slot("slot", typing.slot)?,
        peer: check.number("peer", typing.peer)?,
        stopped: typing.stopped,
    })
}

fn goodbye(goodbye: pb::Goodbye) -> Result<Goodbye> {
    use pb::GoodbyeReason as Reason;
    let check = Check("Goodbye");
    check.bytes("redirect", goodbye.redirect.len(), MAX_GOODBYE_TEXT_BYTES)?;
    check.bytes("detail", goodbye.detail.len(), MAX_GOODBYE_TEXT_BYTES)?;
    if !goodbye.redirect.is_empty() && host_and_port(&goodbye.redirect).is_none() {
        return Err(check.shape("redirect", "must be empty or \"host:port\" in plain ASCII"));
    }
    let reason = match Reason::try_from(goodbye.reason) {
        Ok(Reason::Draining) => GoodbyeReason::Draining,
        Ok(Reason::Superseded) => GoodbyeReason::Superseded,
        Ok(Reason::ProtocolError) => GoodbyeReason::ProtocolError,
        Ok(Reason::Overloaded) => GoodbyeReason::Overloaded,
        Ok(Reason::UnknownDevice) => GoodbyeReason::UnknownDevice,
        // The connection ends whatever the reason is, and the other fields
        // say when to come back.
        Ok(Reason::Closing | Reason::GoodbyeUnspecified) | Err(_) => GoodbyeReason::Closing,
    };
    Ok(Goodbye {
        reason,
        retry_after_s: goodbye.retry_after_s,
        redirect: goodbye.redirect,
        session_no: SessionNo(check.range("session_no", goodbye.session_no, 0, MAX_COUNTER)?),
        // Goes to a log: nothing in it may start a line or move a cursor.
        detail: goodbye.detail.replace(char::is_control, " "),
    })
}
