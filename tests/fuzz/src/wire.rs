//! The wire protocol: frames from a stream, and the content of messages.

use std::iter;

use bytes::Bytes;
use twine_proto::framing::{Decoder, FramingError, RawFrame};
use twine_proto::limits::MAX_READ_CHUNK_BYTES;
use twine_proto::{Content, Direction, Frame, OpaqueContent, codec};
use twine_sim::rng::Rng;

/// The first byte says how the rest, a stream, is cut: 0 not at all, otherwise
/// into pieces of at most so many bytes.
///
/// # Panics
///
/// If a promise is broken.
pub fn frames(input: &[u8]) {
    let Some((&most, stream)) = input.split_first() else {
        return;
    };
    let (raw, error) = read(Decoder::wire(), stream.chunks(MAX_READ_CHUNK_BYTES));
    let cut = read(Decoder::wire(), pieces(stream, most));
    assert_eq!(
        (&raw, error),
        (&cut.0, cut.1),
        "it matters where a stream is cut"
    );
    for raw in raw {
        match codec::decode(raw) {
            Ok(Some(frame)) => {
                // What is shown in logs must not fail either.
                let _ = format!("{frame:?}");
                let ways = [Direction::ToGateway, Direction::ToHandset];
                assert!(
                    ways.iter().any(|way| frame.allowed(*way)),
                    "a frame for nobody: {frame:?}"
                );
                assert_eq!(over_the_wire(&frame), frame);
            }
            Ok(None) => {}
            Err(error) => drop(error.to_string()),
        }
    }
}

/// The input is the content of a message.
///
/// # Panics
///
/// If a promise is broken.
pub fn content(input: &[u8]) {
    let Ok(opaque) = OpaqueContent::new(Bytes::copy_from_slice(input)) else {
        return;
    };
    match Content::decode(&opaque) {
        Ok(content) => {
            let _ = format!("{content:?}");
            assert!(
                content.text.is_some() || !content.note.is_empty(),
                "content without content"
            );
            assert_eq!(Content::decode(&content.encode()), Ok(content));
        }
        Err(error) => drop(error.to_string()),
    }
}

/// What the other side reads when this frame is sent.
pub(crate) fn over_the_wire(frame: &Frame) -> Frame {
    let bytes = codec::encode_to_bytes(frame);
    let (raw, error) = read(Decoder::wire(), bytes.chunks(MAX_READ_CHUNK_BYTES));
    assert_eq!((raw.len(), error), (1, None), "{frame:?} is not one frame");
    raw.into_iter()
        .next()
        .and_then(|raw| codec::decode(raw).ok().flatten())
        .unwrap_or_else(|| panic!("nobody can read {frame:?}"))
}

/// Every frame of a stream, up to the error that ends it.
pub(crate) fn read<'a>(
    mut decoder: Decoder,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (Vec<RawFrame>, Option<FramingError>) {
    let mut frames = Vec::new();
    for piece in pieces {
        decoder.extend(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.next_frame(), Err(error), "an error stays");
                    assert_eq!(decoder.buffered(), 0, "an error leaves nothing behind");
                    return (frames, Some(error));
                }
            }
        }
    }
    (frames, None)
}

/// Pieces of one to `most` bytes, in sizes that only `most` decides.
pub(crate) fn pieces(stream: &[u8], most: u8) -> impl Iterator<Item = &[u8]> {
    let mut rng = Rng::new(most.into());
    let mut left = stream;
    iter::from_fn(move || {
        let size = match most {
            0 => MAX_READ_CHUNK_BYTES,
            _ => rng.range(1, most.into()) as usize,
        };
        let (piece, rest) = left.split_at(size.min(left.len()));
        left = rest;
        (!piece.is_empty()).then_some(piece)
    })
}
