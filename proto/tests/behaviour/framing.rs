//! Cutting a stream into frames: what is accepted, what is refused, and that
//! a refusal lasts.

use bytes::BytesMut;
use proptest::prelude::*;
use twine_proto::framing::{self, Decoder, FramingError, RawFrame};
use twine_proto::limits::{MAX_CONTROL_FRAME_BYTES, MAX_FRAME_BYTES, MAX_READ_CHUNK_BYTES};

use crate::config;

/// The first answer of a wire decoder to these bytes.
fn first(bytes: &[u8]) -> Result<Option<RawFrame>, FramingError> {
    let mut decoder = Decoder::wire();
    decoder.extend(bytes);
    decoder.next_frame()
}

/// A frame of type 3 whose length is `length`.
fn frame_of(length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(length as u64, &mut bytes);
    bytes.push(3);
    bytes.resize(bytes.len() + length - 1, 0);
    bytes
}

#[test]
fn a_type_byte_alone_is_a_frame() {
    let frame = first(&[1, 13]).unwrap().unwrap();
    assert_eq!((frame.type_byte, frame.body.len()), (13, 0));
}

#[test]
fn length_zero_is_refused() {
    assert_eq!(first(&[0]), Err(FramingError::Empty));
}

#[test]
fn a_length_must_be_in_its_shortest_form() {
    for prefix in [
        &[0x81, 0x00][..],
        &[0x81, 0x80, 0x00],
        &[0x80, 0x80, 0x80, 0x80, 0x00],
    ] {
        let bytes = prefix.len();
        assert_eq!(first(prefix), Err(FramingError::PrefixNotMinimal { bytes }));
    }
    assert_eq!(first(&[0x80; 5]), Err(FramingError::PrefixTooLong));
    assert_eq!(first(&[0x80; 4]), Ok(None), "the fifth byte is missing");
}

#[test]
fn the_limit_is_the_last_length_taken() {
    for (mut decoder, limit) in [
        (Decoder::wire(), MAX_FRAME_BYTES),
        (Decoder::control(), MAX_CONTROL_FRAME_BYTES),
    ] {
        for chunk in frame_of(limit).chunks(MAX_READ_CHUNK_BYTES) {
            assert_eq!(decoder.next_frame(), Ok(None));
            decoder.extend(chunk);
        }
        let frame = decoder.next_frame().unwrap().unwrap();
        assert_eq!(frame.body.len(), limit - 1);

        // One more is refused as soon as its length is known.
        decoder.extend(&frame_of(limit + 1)[..3]);
        let bytes = limit as u64 + 1;
        assert_eq!(
            decoder.next_frame(),
            Err(FramingError::TooLarge { bytes, limit })
        );
    }
}

#[test]
fn the_largest_length_a_prefix_can_hold_is_refused() {
    let error = FramingError::TooLarge {
        bytes: (1 << 35) - 1,
        limit: MAX_FRAME_BYTES,
    };
    assert_eq!(first(&[0xff, 0xff, 0xff, 0xff, 0x7f]), Err(error));
}

#[test]
fn an_error_stays() {
    let mut decoder = Decoder::wire();
    decoder.extend(&[1, 13, 0, 1, 13]);
    assert!(
        decoder.next_frame().unwrap().is_some(),
        "the frame before it is good"
    );
    for _ in 0..3 {
        assert_eq!(decoder.next_frame(), Err(FramingError::Empty));
        decoder.extend(&[1, 13]);
    }
}

#[test]
fn one_frame_and_one_read_may_wait_but_not_more() {
    let mut decoder = Decoder::wire();
    let whole = frame_of(MAX_FRAME_BYTES);
    let (last, most) = whole.split_last().unwrap();
    decoder.extend(most);
    assert_eq!(decoder.next_frame(), Ok(None));
    let mut chunk = vec![*last];
    while chunk.len() + 2 <= MAX_READ_CHUNK_BYTES {
        chunk.extend([1, 13]);
    }
    decoder.extend(&chunk);
    let mut frames = 0;
    while decoder.next_frame().unwrap().is_some() {
        frames += 1;
    }
    assert_eq!(frames, 1 + (MAX_READ_CHUNK_BYTES - 1) / 2);

    let mut careless = Decoder::wire();
    for _ in 0..3 {
        careless.extend(&[1; MAX_READ_CHUNK_BYTES]);
    }
    assert!(matches!(
        careless.next_frame(),
        Err(FramingError::Overrun { .. })
    ));
}

#[test]
fn errors_say_what_and_how_much() {
    let error = first(&frame_of(MAX_FRAME_BYTES + 1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a frame of 83969 bytes is over the limit of 83968 bytes"
    );
    assert_eq!(
        first(&[0x81, 0x00]).unwrap_err().to_string(),
        "the length prefix of a frame, 2 bytes, is not in its shortest form"
    );
}

#[test]
fn what_is_written_is_read() {
    let mut out = BytesMut::new();
    framing::write(13, &twine_proto::wire_pb::Ping { nonce: 300 }, &mut out);
    assert_eq!(&out[..], [4, 13, 0x08, 0xac, 0x02]);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn garbage_never_panics_and_cuts_do_not_matter(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let all = |chunk: usize| {
            let mut decoder = Decoder::wire();
            let mut got = Vec::new();
            for chunk in bytes.chunks(chunk) {
                decoder.extend(chunk);
                loop {
                    match decoder.next_frame() {
                        Ok(Some(frame)) => got.push(frame),
                        Ok(None) => break,
                        Err(error) => return (got, Some(error), 0),
                    }
                }
            }
            (got, None, decoder.buffered())
        };
        prop_assert_eq!(all(1), all(600));
    }
}
