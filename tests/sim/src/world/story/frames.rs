//! Frames in a few words, for stories.

use std::fmt::Debug;

use twine_proto::frame::{
    Accepted, Binding, Deliver, EpochPosition, Hello, ReceiptKind, SentState, SlotStatus, Submit,
    Welcome, WelcomeSlot,
};
use twine_proto::{Content, E164, Epoch, Frame, OpaqueContent, Seq, Slot};

use crate::poison;

/// All of a frame, and the text it carries, which a frame does not show by itself.
pub(super) fn full(frame: &Frame) -> String {
    match content(frame) {
        Some(content) => format!("{frame:?} = {}", carried(content)),
        None => format!("{frame:?}"),
    }
}

/// What of it matters for a message.
pub(super) fn brief(frame: &Frame) -> String {
    let mut out = vec![frame.name().to_owned()];
    match frame {
        Frame::Hello(hello) => of_hello(hello, &mut out),
        Frame::Welcome(welcome) => of_welcome(welcome, &mut out),
        Frame::Submit(Submit {
            slot,
            seq,
            to,
            lane_seq,
            content,
        }) => {
            let place = match lane_seq.get() {
                0 => "a note".to_owned(),
                place => format!("place {place}"),
            };
            let (seq, to) = (seq.get(), digits(*to));
            let carried = carried(content);
            out.push(format!(
                "seq {seq} to {to}{}, {place}, {carried}",
                of(*slot)
            ));
        }
        Frame::Accepted(accepted) => of_accepted(accepted, &mut out),
        Frame::Deliver(Deliver {
            slot,
            cursor,
            from,
            epoch,
            lane_seq,
            content,
            maybe_by_sms,
            ..
        }) => {
            let (cursor, from, place) = (cursor.get(), digits(*from), lane_seq.get());
            let by_sms = if *maybe_by_sms {
                ", maybe by SMS too"
            } else {
                ""
            };
            out.push(format!(
                "cursor {cursor}{} from {from}, epoch {} place {place}{by_sms}, {}",
                of(*slot),
                epoch.get(),
                carried(content)
            ));
        }
        Frame::UnreadableDeliver(deliver) => {
            out.push(format!(
                "cursor {}{}",
                deliver.cursor.get(),
                of(deliver.slot)
            ));
        }
        Frame::Ack(ack) => {
            out.push(format!("upto cursor {}{}", ack.cursor.get(), of(ack.slot)));
            let open = ack.lowest_unsettled;
            out.extend(open.map(|open| format!(", open from {}", open.get())));
        }
        Frame::Receipt(receipt) => {
            of_receipt(&receipt.kind, &mut out);
            out.push(of(receipt.slot));
        }
        Frame::Revoke(revoke) => {
            out.push(seqs(&revoke.seqs));
            out.push(of_epoch(revoke.epoch) + &of(revoke.slot));
        }
        Frame::Revoked(revoked) => {
            out.push(told(&revoked.results));
            out.push(of_epoch(revoked.epoch) + &of(revoked.slot));
        }
        Frame::Lookup(lookup) => out.extend(lookup.numbers.iter().map(|number| digits(*number))),
        Frame::Capabilities(answer) => {
            let entries = answer.entries.iter();
            out.extend(entries.map(|entry| {
                let here = if entry.reachable { "yes" } else { "no" };
                format!("{} {here}", digits(entry.number))
            }));
        }
        Frame::Typing(typing) => {
            let stopped = if typing.stopped { "stopped" } else { "writes" };
            out.push(format!("{} {stopped}", digits(typing.peer)));
        }
        Frame::Ping(number) | Frame::Pong(number) => out.push(number.to_string()),
        Frame::Goodbye(goodbye) => out.push(format!("{:?} {:?}", goodbye.reason, goodbye.detail)),
    }
    let mut text = String::new();
    for word in out.iter().filter(|word| !word.is_empty()) {
        if !text.is_empty() && !word.starts_with([',', ';']) {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

const fn content(frame: &Frame) -> Option<&OpaqueContent> {
    match frame {
        Frame::Submit(submit) => Some(&submit.content),
        Frame::Deliver(deliver) => Some(&deliver.content),
        _ => None,
    }
}

/// Its text, and its lane note.
fn carried(content: &OpaqueContent) -> String {
    let text = poison::text_of(content).unwrap_or_default();
    let note = Content::decode(content).map_or_else(|_| Vec::new(), |content| content.note);
    let note = note.iter().fold(String::new(), |told, entry| {
        format!("{told} {}:{:?}", entry.lane_seq, entry.filled)
    });
    format!("{text:?}{note}")
}

fn of_hello(hello: &Hello, out: &mut Vec<String>) {
    let (no, after) = (hello.session_no.get(), hello.after.get());
    out.push(format!("session {no} after {after}"));
    for slot in &hello.slots {
        let stands = |held: &EpochPosition| {
            let (next, open) = (held.next_seq.get(), held.lowest_unsettled.get());
            format!("epoch {} next {next} open from {open}", held.epoch.get())
        };
        let binding = match &slot.binding {
            Binding::Held(held) => stands(held),
            Binding::Wanted { last } => format!("wants an epoch above {}", last.get()),
        };
        let (number, cursor) = (digits(slot.number), slot.cursor.get());
        out.push(format!("; {number} {binding}, cursor {cursor}"));
        out.extend(
            slot.old
                .iter()
                .map(|old| format!(", closed {}", stands(old))),
        );
    }
}

fn of_welcome(welcome: &Welcome, out: &mut Vec<String>) {
    for WelcomeSlot { status, state, old } in &welcome.slots {
        out.push(match status {
            SlotStatus::Ok => format!("; {}", of_state(state)),
            SlotStatus::Granted(epoch) => format!("; granted epoch {}", epoch.get()),
            SlotStatus::NotBound => "; not bound".to_owned(),
            SlotStatus::EpochClosed => "; that epoch is closed".to_owned(),
        });
        for (epoch, state) in old {
            out.push(format!(", of epoch {} {}", epoch.get(), of_state(state)));
        }
    }
}

fn of_state(state: &SentState) -> String {
    let taken = format!("taken upto {}", state.high_water.get());
    let outcomes = outcomes(&state.delivered, &state.dispositions);
    let parts = [taken, outcomes];
    let parts = parts.iter().filter(|part| !part.is_empty());
    parts.cloned().collect::<Vec<_>>().join(", ")
}

fn of_accepted(accepted: &Accepted, out: &mut Vec<String>) {
    out.push(format!("upto {}{}", accepted.upto.get(), of(accepted.slot)));
    if !accepted.refused.is_empty() {
        out.push(format!(", refused {}", told(&accepted.refused)));
    }
    if !accepted.away.is_empty() {
        out.push(format!(", away {}", seqs(&accepted.away)));
    }
    if accepted.receipts > 0 {
        out.push(format!(", {} receipts", accepted.receipts));
    }
    let conflict = accepted.conflict;
    out.extend(conflict.map(|seq| format!(", conflict {}", seq.get())));
}

fn of_receipt(kind: &ReceiptKind, out: &mut Vec<String>) {
    match kind {
        ReceiptKind::Outcomes {
            epoch,
            delivered,
            dispositions,
        } => {
            out.push(outcomes(delivered, dispositions));
            out.push(of_epoch(*epoch));
        }
        ReceiptKind::ReadBy { cursor, mark } => {
            let (cursor, reader) = (cursor.get(), digits(mark.peer));
            let (epoch, place) = (mark.epoch.get(), mark.upto.get());
            out.push(format!(
                "cursor {cursor}, {reader} has read epoch {epoch} upto place {place}"
            ));
        }
        ReceiptKind::Read(mark) => {
            let (from, epoch, place) = (digits(mark.peer), mark.epoch.get(), mark.upto.get());
            out.push(format!("read of {from} epoch {epoch} upto place {place}"));
        }
        ReceiptKind::Rejected { cursor, reason } => {
            out.push(format!("cursor {} rejected, {reason:?}", cursor.get()));
        }
    }
}

fn outcomes(delivered: &[Seq], others: &[(Seq, impl Debug)]) -> String {
    let delivered = match delivered {
        [] => String::new(),
        delivered => format!("delivered {}", seqs(delivered)),
    };
    let parts = [delivered, told(others)];
    let parts = parts.iter().filter(|part| !part.is_empty());
    parts.cloned().collect::<Vec<_>>().join(", ")
}

fn told(outcomes: &[(Seq, impl Debug)]) -> String {
    let each = outcomes
        .iter()
        .map(|(seq, what)| format!("{} {what:?}", seq.get()));
    each.collect::<Vec<_>>().join(", ")
}

fn seqs(seqs: &[Seq]) -> String {
    let each = seqs.iter().map(|seq| seq.get().to_string());
    each.collect::<Vec<_>>().join(", ")
}

/// A closed one; nothing is said of the current one.
fn of_epoch(epoch: Option<Epoch>) -> String {
    epoch.map_or_else(String::new, |epoch| format!("of epoch {}", epoch.get()))
}

/// Nothing is said of the first.
fn of(slot: Slot) -> String {
    match slot.get() {
        0 => String::new(),
        slot => format!(" (slot {slot})"),
    }
}

/// A number by its last digits, which are enough in a world.
fn digits(number: E164) -> String {
    format!("…{:03}", number.get() % 1000)
}
