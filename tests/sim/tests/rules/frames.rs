//! What the gateway says, and what a phone says first.

use twine_engine::{ChannelEvent, DownReason};
use twine_proto::frame::{Accepted, Hello, Receipt, ReceiptKind, RevokeOutcome, Revoked};
use twine_proto::{Frame, Seq, Slot};

use crate::desk::Desk;

pub(crate) fn accepted(upto: u64) -> Frame {
    Frame::Accepted(Accepted {
        upto: Seq(upto),
        ..Accepted::default()
    })
}

pub(crate) fn outcomes(delivered: &[u64]) -> Frame {
    Frame::Receipt(Receipt {
        slot: Slot(0),
        kind: ReceiptKind::Outcomes {
            epoch: None,
            delivered: delivered.iter().map(|seq| Seq(*seq)).collect(),
            dispositions: Vec::new(),
        },
    })
}

pub(crate) fn revoked(seq: u64, outcome: RevokeOutcome) -> Frame {
    Frame::Revoked(Revoked {
        slot: Slot(0),
        epoch: None,
        results: vec![(Seq(seq), outcome)],
    })
}

/// Breaks the connection and greets the gateway anew.
pub(crate) fn next_hello(desk: &mut Desk) -> Hello {
    desk.channel(ChannelEvent::Down(DownReason::Closed("gone".into())));
    desk.pass(2_000);
    desk.frames.clear();
    desk.up();
    match desk.frames.pop() {
        Some(Frame::Hello(hello)) => hello,
        other => panic!("{other:?}"),
    }
}
