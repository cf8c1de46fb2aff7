//! What the protocols promise, seen from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod content;
mod control;
mod fields;
mod framing;
mod golden;
mod hostile;
mod numbers;
mod redaction;
mod roundtrip;
mod strategies;

use bytes::Bytes;
use proptest::test_runner::{Config, RngSeed};
use twine_proto::Frame;
use twine_proto::codec::{self, DecodeError};
use twine_proto::framing::{Decoder, RawFrame};

/// The same cases on every run, unless PROPTEST_RNG_SEED asks for others.
fn config() -> Config {
    let mut config = Config::default();
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(0x7e57);
    }
    config
}

/// Bytes of exactly one frame, cut out by a decoder.
fn raw(bytes: &[u8]) -> RawFrame {
    let mut decoder = Decoder::wire();
    decoder.extend(bytes);
    let frame = decoder.next_frame().unwrap().expect("a whole frame");
    assert_eq!(decoder.buffered(), 0, "bytes behind the frame");
    frame
}

/// Decodes a body as the frame with this type byte.
fn decode(type_byte: u8, body: impl Into<Bytes>) -> Result<Option<Frame>, DecodeError> {
    codec::decode(RawFrame {
        type_byte,
        body: body.into(),
    })
}
