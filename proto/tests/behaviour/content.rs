//! What travels inside `content`.

use bytes::Bytes;
use proptest::prelude::*;
use prost::Message;
use twine_proto::limits::{MAX_CONTENT_BYTES, MAX_COUNTER, MAX_NOTE_ENTRIES, MAX_TEXT_BYTES};
use twine_proto::{
    Content, ContentError, Filled, LaneSeq, NoteEntry, OpaqueContent, Redacted, wire_pb as pb,
};

use crate::config;

fn decode(message: &pb::Content) -> Result<Content, ContentError> {
    Content::decode(&OpaqueContent::new(message.encode_to_vec().into()).unwrap())
}

fn note(entries: Vec<pb::NoteEntry>) -> pb::Content {
    pb::Content {
        text: String::new(),
        note: Some(pb::LaneNote { entries }),
    }
}

fn entry(lane_seq: u64, channel: i32, text_hash: u32) -> pb::NoteEntry {
    pb::NoteEntry {
        lane_seq,
        channel,
        text_hash,
        resent: false,
    }
}

#[test]
fn a_text_is_neither_empty_nor_over_the_limit() {
    assert_eq!(Content::text(String::new()), Err(ContentError::Empty));
    let longest = "x".repeat(MAX_TEXT_BYTES);
    let content = Content::text(longest.clone()).unwrap();
    assert_eq!(Content::decode(&content.encode()), Ok(content));
    assert_eq!(
        Content::text(longest + "x"),
        Err(ContentError::TextTooLong {
            bytes: MAX_TEXT_BYTES + 1
        })
    );
}

#[test]
fn the_longest_text_and_a_full_note_fit() {
    let content = Content {
        text: Some(Redacted::new("x".repeat(MAX_TEXT_BYTES))),
        note: vec![
            NoteEntry {
                lane_seq: LaneSeq(MAX_COUNTER),
                filled: Filled::BothAgain(u16::MAX),
            };
            MAX_NOTE_ENTRIES
        ],
    };
    assert!(content.encode().as_bytes().len() <= MAX_CONTENT_BYTES);
    assert_eq!(Content::decode(&content.encode()), Ok(content));
}

#[test]
fn a_note_travels_without_a_text() {
    let content = Content {
        text: None,
        note: vec![NoteEntry {
            lane_seq: LaneSeq(57),
            filled: Filled::Sms(0xbeef),
        }],
    };
    assert_eq!(Content::decode(&content.encode()), Ok(content));
}

#[test]
fn a_note_tells_what_left_by_sms_more_than_once() {
    for (channel, filled) in [(1, Filled::SmsAgain(7)), (2, Filled::BothAgain(7))] {
        let entry = pb::NoteEntry {
            resent: true,
            ..entry(5, channel, 7)
        };
        let content = decode(&note(vec![entry])).unwrap();
        assert_eq!(content.note[0].filled, filled);
        assert_eq!(Content::decode(&content.encode()), Ok(content));
    }
}

#[test]
fn invalid_utf8_is_malformed() {
    // Field 1, two bytes that are no UTF-8.
    let content = OpaqueContent::new(Bytes::from_static(&[0x0a, 2, 0xc3, 0x28])).unwrap();
    assert_eq!(Content::decode(&content), Err(ContentError::Malformed));
    let cut = OpaqueContent::new(Bytes::from_static(&[0x0a, 9, b'x'])).unwrap();
    assert_eq!(Content::decode(&cut), Err(ContentError::Malformed));
}

#[test]
fn content_that_says_nothing_known_is_empty() {
    assert_eq!(decode(&pb::Content::default()), Err(ContentError::Empty));
    assert_eq!(decode(&note(Vec::new())), Err(ContentError::Empty));
    // Field 15, as a later version may have it.
    let later = OpaqueContent::new(Bytes::from_static(&[0x7a, 1, b'x'])).unwrap();
    assert_eq!(Content::decode(&later), Err(ContentError::Empty));
}

#[test]
fn fields_of_the_future_are_left_out() {
    let bytes = Bytes::from_static(&[0x0a, 2, b'h', b'i', 0x7a, 1, b'x']);
    let content = Content::decode(&OpaqueContent::new(bytes).unwrap());
    assert_eq!(content, Content::text("hi".to_owned()));
}

#[test]
fn an_unknown_channel_leaves_a_hole_in_the_note() {
    let content = decode(&note(vec![entry(5, 1, 7), entry(6, 99, 0), entry(7, 3, 0)])).unwrap();
    let places: Vec<_> = content
        .note
        .iter()
        .map(|entry| entry.lane_seq.get())
        .collect();
    assert_eq!(places, [5, 7]);
}

#[test]
fn notes_out_of_range_are_refused() {
    let bad = [
        vec![entry(0, 0, 0)],
        vec![entry(MAX_COUNTER + 1, 0, 0)],
        vec![entry(1, 1, 0x1_0000)],
        vec![entry(1, 2, u32::MAX)],
        vec![entry(1, 0, 0); MAX_NOTE_ENTRIES + 1],
    ];
    for entries in bad {
        assert!(matches!(
            decode(&note(entries)),
            Err(ContentError::BadNote(_))
        ));
    }
}

#[test]
fn opaque_content_has_its_limit() {
    assert!(OpaqueContent::new(vec![0; MAX_CONTENT_BYTES].into()).is_ok());
    assert_eq!(
        OpaqueContent::new(vec![0; MAX_CONTENT_BYTES + 1].into()),
        Err(ContentError::TooLong {
            bytes: MAX_CONTENT_BYTES + 1
        })
    );
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_text_comes_back(text in "\\PC{1,200}") {
        let content = Content::text(text).unwrap();
        prop_assert_eq!(Content::decode(&content.encode()), Ok(content));
    }

    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let opaque = OpaqueContent::new(bytes.into()).unwrap();
        if let Ok(content) = Content::decode(&opaque) {
            prop_assert_eq!(Content::decode(&content.encode()), Ok(content));
        }
    }
}
