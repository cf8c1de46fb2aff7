//! What one side encodes, the other side decodes.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use twine_proto::codec::{self, Direction};
use twine_proto::framing::{Decoder, RawFrame};
use twine_proto::limits::{
    MAX_CONTENT_BYTES, MAX_COUNTER, MAX_FRAME_BYTES, MAX_OLD_EPOCHS, MAX_SEQS_PER_FRAME,
    MAX_SESSIONS_SINCE, MAX_SLOTS,
};
use twine_proto::{
    Cursor, E164, Epoch, Frame, LaneSeq, OpaqueContent, Seq, SessionNo, Slot, frame,
};

use crate::{config, raw, strategies};

proptest! {
    #![proptest_config(Config { cases: 2000, ..config() })]

    #[test]
    fn every_frame_comes_back_as_it_was(frame in strategies::frame()) {
        let bytes = codec::encode_to_bytes(&frame);
        prop_assert!(bytes.len() <= MAX_FRAME_BYTES);
        let raw = raw(&bytes);
        prop_assert_eq!(raw.type_byte, frame.type_byte());
        prop_assert_eq!(codec::decode(raw), Ok(Some(frame)));
    }

    #[test]
    fn a_stream_may_be_cut_anywhere(
        frames in proptest::collection::vec(strategies::frame(), 1..5),
        cut in 1..50usize,
    ) {
        let mut stream = bytes::BytesMut::new();
        for frame in &frames {
            codec::encode(frame, &mut stream);
        }
        let mut decoder = Decoder::wire();
        let mut got = Vec::new();
        for chunk in stream.chunks(cut) {
            decoder.extend(chunk);
            while let Some(raw) = decoder.next_frame().unwrap() {
                got.extend(codec::decode(raw).unwrap());
            }
        }
        prop_assert_eq!(got, frames);
        prop_assert_eq!(decoder.buffered(), 0);
    }
}

/// The strategies above are worth something only if they make every frame.
#[test]
fn the_strategies_make_every_frame_and_receipt() {
    let mut runner = TestRunner::new(config());
    let strategy = strategies::frame();
    let mut names = BTreeSet::new();
    for _ in 0..2000 {
        let made = strategy.new_tree(&mut runner).unwrap().current();
        names.insert(match &made {
            Frame::Receipt(receipt) => match receipt.kind {
                frame::ReceiptKind::Outcomes { .. } => "Receipt outcomes",
                frame::ReceiptKind::ReadBy { .. } => "Receipt read-by",
                frame::ReceiptKind::Read(_) => "Receipt read",
                frame::ReceiptKind::Rejected { .. } => "Receipt rejected",
            },
            other => other.name(),
        });
    }
    assert_eq!(names.len(), 19, "{names:?}");
}

#[test]
fn each_frame_travels_its_way() {
    let mut runner = TestRunner::new(config());
    let strategy = strategies::frame();
    for _ in 0..1000 {
        let made = strategy.new_tree(&mut runner).unwrap().current();
        let (to_gateway, to_handset) = match &made {
            Frame::Receipt(receipt) => match receipt.kind {
                frame::ReceiptKind::Read(_) | frame::ReceiptKind::Rejected { .. } => (true, false),
                _ => (false, true),
            },
            other => match other.name() {
                "Hello" | "Submit" | "Ack" | "Revoke" | "Lookup" => (true, false),
                "Welcome" | "Accepted" | "Deliver" | "UnreadableDeliver" | "Revoked"
                | "Capabilities" => (false, true),
                _ => (true, true),
            },
        };
        let name = made.name();
        assert_eq!(made.allowed(Direction::ToGateway), to_gateway, "{name}");
        assert_eq!(made.allowed(Direction::ToHandset), to_handset, "{name}");
    }
}

/// The limits fit each other: what is full by one is not over another.
#[test]
fn the_fullest_frames_fit() {
    let most = Seq(MAX_COUNTER);
    let number = E164::new(10u64.pow(E164::MAX_DIGITS) - 1).unwrap();
    let state = |seqs| frame::SentState {
        high_water: most,
        dispositions: vec![(most, frame::Disposition::Expired); seqs],
        delivered: Vec::new(),
    };
    let slot = |seqs| frame::WelcomeSlot {
        status: frame::SlotStatus::Ok,
        state: state(seqs),
        old: vec![(Epoch(u32::MAX), state(0)); MAX_OLD_EPOCHS],
    };
    let mut slots = vec![slot(0); MAX_SLOTS - 1];
    slots.push(slot(MAX_SEQS_PER_FRAME));
    let welcome = frame::Welcome {
        time_s: u64::MAX,
        slots,
        idle_limit_s: u32::MAX,
        since: vec![SessionNo(MAX_COUNTER); MAX_SESSIONS_SINCE],
    };
    let deliver = frame::Deliver {
        slot: Slot(MAX_SLOTS as u32 - 1),
        cursor: Cursor(MAX_COUNTER),
        from: number,
        epoch: Epoch(u32::MAX),
        lane_seq: LaneSeq(MAX_COUNTER),
        age_s: u32::MAX,
        content: OpaqueContent::new(vec![0; MAX_CONTENT_BYTES].into()).unwrap(),
        maybe_by_sms: true,
    };
    let revoked = frame::Revoked {
        slot: Slot(MAX_SLOTS as u32 - 1),
        epoch: Some(Epoch(u32::MAX)),
        results: vec![(most, frame::RevokeOutcome::Forgotten); MAX_SEQS_PER_FRAME],
    };
    for full in [
        Frame::Welcome(welcome),
        Frame::Deliver(deliver),
        Frame::Revoked(revoked),
    ] {
        let raw = raw(&codec::encode_to_bytes(&full));
        assert_eq!(codec::decode(raw), Ok(Some(full)));
    }
}

#[test]
fn a_frame_type_of_the_future_is_ignored() {
    for type_byte in [0, 16, 17, 127, 128, 255] {
        let raw = RawFrame {
            type_byte,
            body: bytes::Bytes::from_static(b"\xff\xff anything"),
        };
        assert_eq!(codec::decode(raw), Ok(None), "type {type_byte}");
    }
}
