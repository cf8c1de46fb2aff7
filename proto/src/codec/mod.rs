//! Frames to bytes and back.
//!
//! Owns the way between [`Frame`] and the protobuf messages, and every check
//! on the way in. Never keeps state: what a frame means in a session, and
//! whether a counter fits the one before it, is decided elsewhere.

mod check;
mod error;
mod from_pb;
mod to_pb;

use bytes::{Bytes, BytesMut};

pub use self::error::DecodeError;
pub use crate::frame::Direction;
use crate::frame::Frame;
use crate::framing::RawFrame;
use crate::limits::MAX_FRAME_BYTES;

/// Appends one frame, with its length and type byte.
///
/// The lists in a frame are public: whoever fills them keeps to `limits`, or
/// the other side refuses the frame.
pub fn encode(frame: &Frame, out: &mut BytesMut) {
    let before = out.len();
    to_pb::write(frame, out);
    debug_assert!(
        out.len() - before <= MAX_FRAME_BYTES,
        "a {} frame of {} bytes is over the limit: its lists are too long",
        frame.name(),
        out.len() - before,
    );
}

/// One frame as bytes, with its length and type byte.
#[must_use]
pub fn encode_to_bytes(frame: &Frame) -> Bytes {
    let mut out = BytesMut::new();
    encode(frame, &mut out);
    out.freeze()
}

/// Validates a frame. `None`: a frame of a newer version, to be ignored.
pub fn decode(raw: RawFrame) -> Result<Option<Frame>, DecodeError> {
    from_pb::read(raw)
}
