//! Input that is damaged, forged or from the future: nothing panics, and it
//! does no more harm than it must.

use bytes::Bytes;
use proptest::prelude::*;
use prost::Message;
use twine_proto::codec::{self, DecodeError};
use twine_proto::frame::{Frame, GoodbyeReason, UnreadableDeliver};
use twine_proto::framing::RawFrame;
use twine_proto::limits::{MAX_BODY_WITHOUT_CONTENT_BYTES, MAX_CONTENT_BYTES, MAX_COUNTER};
use twine_proto::{Cursor, Slot, wire_pb as pb};

use crate::{config, decode, raw, strategies};

const NUMBER: u64 = 254_712_345_678;
const SUBMIT: u8 = 3;
const DELIVER: u8 = 5;
const GOODBYE: u8 = 15;

fn poisoned(deliver: &pb::Deliver) -> Result<Option<Frame>, DecodeError> {
    decode(DELIVER, deliver.encode_to_vec())
}

/// DELIVERY 12.
#[test]
fn a_poisoned_delivery_still_names_its_entry() {
    let good = || pb::Deliver {
        cursor: 9,
        from: NUMBER,
        epoch: 690,
        lane_seq: 1,
        slot: 2,
        ..pb::Deliver::default()
    };
    assert!(matches!(poisoned(&good()), Ok(Some(Frame::Deliver(_)))));
    let placeholder = Ok(Some(Frame::UnreadableDeliver(UnreadableDeliver {
        slot: Slot(2),
        cursor: Cursor(9),
    })));
    for bad in [
        pb::Deliver { from: 0, ..good() },
        pb::Deliver { epoch: 0, ..good() },
        pb::Deliver {
            lane_seq: MAX_COUNTER + 1,
            ..good()
        },
        pb::Deliver {
            content: vec![0; MAX_CONTENT_BYTES + 1].into(),
            ..good()
        },
    ] {
        assert_eq!(poisoned(&bad), placeholder);
    }
    // `from` and `epoch` as texts: other wire types than this version knows.
    let other_types = [0x08, 9, 0x12, 1, b'x', 0x1a, 1, b'y', 0x38, 2];
    assert_eq!(decode(DELIVER, other_types.to_vec()), placeholder);
}

#[test]
fn a_delivery_without_a_readable_entry_is_an_error() {
    let bad = pb::Deliver {
        cursor: 0,
        from: NUMBER,
        epoch: 1,
        ..pb::Deliver::default()
    };
    assert_eq!(
        poisoned(&bad).unwrap_err().to_string(),
        "Deliver.cursor is 0; allowed are 1 to 281474976710656"
    );
    let bad = pb::Deliver {
        cursor: 1,
        slot: 8,
        ..pb::Deliver::default()
    };
    assert_eq!(
        poisoned(&bad).unwrap_err().to_string(),
        "Deliver.slot is 8; allowed are 0 to 7"
    );
    // Content cut off: the slot, which comes after it, cannot be known.
    assert!(matches!(
        decode(DELIVER, vec![0x08, 9, 0x32, 50, b'x']),
        Err(DecodeError::Malformed {
            frame: "Deliver",
            ..
        })
    ));
}

#[test]
fn a_goodbye_ends_the_connection_whatever_its_reason() {
    for reason in [0, 99, -1] {
        let goodbye = pb::Goodbye {
            reason,
            retry_after_s: 30,
            ..pb::Goodbye::default()
        };
        let Ok(Some(Frame::Goodbye(got))) = decode(GOODBYE, goodbye.encode_to_vec()) else {
            panic!("refused: reason {reason}");
        };
        assert_eq!(
            (got.reason, got.retry_after_s),
            (GoodbyeReason::Closing, 30)
        );
    }
}

#[test]
fn a_large_body_without_content_is_refused_unread() {
    for type_byte in (1..=15).filter(|byte| ![SUBMIT, DELIVER].contains(byte)) {
        let body = Bytes::from(vec![0xff; MAX_BODY_WITHOUT_CONTENT_BYTES + 1]);
        assert!(matches!(
            decode(type_byte, body),
            Err(DecodeError::BodyTooLong {
                limit: MAX_BODY_WITHOUT_CONTENT_BYTES,
                ..
            })
        ));
    }
}

#[test]
fn fields_of_the_future_are_ignored() {
    // Ping of nonce 5, and a field 15 of text.
    let later = vec![0x08, 5, 0x7a, 2, b'h', b'i'];
    assert_eq!(decode(13, later), Ok(Some(Frame::Ping(5))));
}

/// What was taken once is taken again: a frame has one meaning.
fn check_stable(type_byte: u8, body: Bytes) -> Result<(), TestCaseError> {
    if let Ok(Some(frame)) = codec::decode(RawFrame { type_byte, body }) {
        let again = raw(&codec::encode_to_bytes(&frame));
        prop_assert_eq!(codec::decode(again), Ok(Some(frame)));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..config() })]

    #[test]
    fn garbage_never_panics(
        type_byte in 0..18u8,
        body in proptest::collection::vec(any::<u8>(), 0..120),
    ) {
        check_stable(type_byte, body.into())?;
    }

    #[test]
    fn a_damaged_frame_never_panics(
        frame in strategies::frame(),
        other_type in proptest::option::of(1..16u8),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let raw = raw(&codec::encode_to_bytes(&frame));
        let mut body = raw.body.to_vec();
        if !body.is_empty() {
            for (at, byte) in damage {
                let at = at.index(body.len());
                body[at] = byte;
            }
            if let Some(cut) = cut {
                body.truncate(cut.index(body.len()));
            }
        }
        check_stable(other_type.unwrap_or(raw.type_byte), body.into())?;
    }
}
