//! The framing that both protocols share: varint length, one type byte, body.
//!
//! Owns lengths and buffers. Never looks into a body, and never waits or reads
//! by itself: bytes come in through [`Decoder::extend`].

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;
use prost::encoding::{encode_varint, encoded_len_varint};
use thiserror::Error;

use crate::limits::{
    IDLE_BUFFER_BYTES, MAX_CONTROL_FRAME_BYTES, MAX_FRAME_BYTES, MAX_READ_CHUNK_BYTES,
};

/// Longest length prefix. Five bytes hold 35 bits, far above either limit.
const MAX_PREFIX_BYTES: usize = 5;

/// One frame as it came: known to be whole, not known to make sense.
#[derive(Clone, PartialEq, Eq)]
pub struct RawFrame {
    /// Which frame.
    pub type_byte: u8,
    /// Its protobuf message, in memory of its own.
    pub body: Bytes,
}

impl fmt::Debug for RawFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The body holds numbers and texts.
        write!(
            f,
            "RawFrame({}, [{} bytes])",
            self.type_byte,
            self.body.len()
        )
    }
}

/// Why a byte stream cannot be cut into frames. There is no way to find the
/// next frame after any of these: close the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FramingError {
    /// The length prefix goes on after its longest form.
    #[error("the length prefix of a frame is longer than {MAX_PREFIX_BYTES} bytes")]
    PrefixTooLong,
    /// The length could have been written in fewer bytes.
    #[error("the length prefix of a frame, {bytes} bytes, is not in its shortest form")]
    PrefixNotMinimal {
        /// Size of the prefix.
        bytes: usize,
    },
    /// Not even a type byte.
    #[error("a frame has length 0; it needs at least its type byte")]
    Empty,
    /// Over the limit of this protocol.
    #[error("a frame of {bytes} bytes is over the limit of {limit} bytes")]
    TooLarge {
        /// The length announced: type byte and body.
        bytes: u64,
        /// What is allowed.
        limit: usize,
    },
    /// The caller reads without taking frames out.
    #[error(
        "{bytes} bytes wait in the decoder, over the limit of {limit}; \
         take all frames out after each read"
    )]
    Overrun {
        /// What would be waiting.
        bytes: usize,
        /// What is allowed: one frame and one read.
        limit: usize,
    },
}

/// Cuts a byte stream into frames.
///
/// After each [`extend`](Self::extend) call [`next_frame`](Self::next_frame)
/// until it returns `None`. Holds at most one frame of the protocol's limit
/// and one read of [`MAX_READ_CHUNK_BYTES`]; between frames it keeps at most
/// [`IDLE_BUFFER_BYTES`], because a phone's connection is idle for hours.
pub struct Decoder {
    buffer: Vec<u8>,
    /// What lies before this index was returned as frames already.
    start: usize,
    limit: usize,
    failed: Option<FramingError>,
}

impl Decoder {
    /// For the wire: frames up to [`MAX_FRAME_BYTES`].
    #[must_use]
    pub const fn wire() -> Self {
        Self::with_limit(MAX_FRAME_BYTES)
    }

    /// For the control socket: frames up to [`MAX_CONTROL_FRAME_BYTES`].
    #[must_use]
    pub const fn control() -> Self {
        Self::with_limit(MAX_CONTROL_FRAME_BYTES)
    }

    const fn with_limit(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            limit,
            failed: None,
        }
    }

    /// Adds bytes in the order they came. More than one frame and one read
    /// waiting is an error, which the next [`next_frame`](Self::next_frame)
    /// returns.
    pub fn extend(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        let limit = MAX_PREFIX_BYTES + self.limit + MAX_READ_CHUNK_BYTES;
        let waiting = self.buffered().saturating_add(bytes.len());
        if waiting > limit {
            self.fail(FramingError::Overrun {
                bytes: waiting,
                limit,
            });
            return;
        }
        self.compact();
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame; `None`: more bytes are needed. An error stays:
    /// every later call returns it again.
    pub fn next_frame(&mut self) -> Result<Option<RawFrame>, FramingError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        match self.take() {
            Ok(Some(frame)) => Ok(Some(frame)),
            Ok(None) => {
                self.compact();
                self.release();
                Ok(None)
            }
            Err(error) => {
                self.fail(error);
                Err(error)
            }
        }
    }

    /// Bytes that wait for the rest of their frame.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.start
    }

    fn take(&mut self) -> Result<Option<RawFrame>, FramingError> {
        let waiting = &self.buffer[self.start..];
        let Some((prefix, length)) = read_prefix(waiting)? else {
            return Ok(None);
        };
        if length == 0 {
            return Err(FramingError::Empty);
        }
        // Refused by its announced length, before any of it is kept.
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= self.limit)
            .ok_or(FramingError::TooLarge {
                bytes: length,
                limit: self.limit,
            })?;
        let Some(frame) = waiting.get(prefix..prefix + length) else {
            return Ok(None);
        };
        let Some((&type_byte, body)) = frame.split_first() else {
            return Err(FramingError::Empty);
        };
        // A copy, so that a small message kept for long does not keep the
        // whole read buffer alive with it.
        let body = Bytes::copy_from_slice(body);
        self.start += prefix + length;
        Ok(Some(RawFrame { type_byte, body }))
    }

    fn fail(&mut self, error: FramingError) {
        self.failed = Some(error);
        self.buffer = Vec::new();
        self.start = 0;
    }

    /// Moves what waits to the front. It is less than one frame, and it moves
    /// at most once for each frame returned.
    fn compact(&mut self) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
    }

    fn release(&mut self) {
        if self.buffer.len() <= IDLE_BUFFER_BYTES && self.buffer.capacity() > IDLE_BUFFER_BYTES {
            self.buffer.shrink_to(IDLE_BUFFER_BYTES);
        }
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("buffered", &self.buffered())
            .field("limit", &self.limit)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// Size and value of the length prefix; `None`: not all of it is here.
fn read_prefix(bytes: &[u8]) -> Result<Option<(usize, u64)>, FramingError> {
    let mut length = 0u64;
    for (index, byte) in bytes.iter().take(MAX_PREFIX_BYTES).enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let size = index + 1;
            return if encoded_len_varint(length) == size {
                Ok(Some((size, length)))
            } else {
                Err(FramingError::PrefixNotMinimal { bytes: size })
            };
        }
    }
    if bytes.len() < MAX_PREFIX_BYTES {
        Ok(None)
    } else {
        Err(FramingError::PrefixTooLong)
    }
}

/// Appends one frame. Its size is not checked here, because this does not know
/// which limit applies: [`codec::encode`](crate::codec::encode) does for the
/// wire, and the daemon cuts its answers to fit the control socket.
pub fn write(type_byte: u8, body: &impl Message, out: &mut BytesMut) {
    let length = 1 + body.encoded_len();
    out.reserve(MAX_PREFIX_BYTES + length);
    encode_varint(length as u64, out);
    out.put_u8(type_byte);
    body.encode(out)
        .expect("BytesMut grows as needed, and nothing else can fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_frame_leaves_no_large_buffer_behind() {
        let mut large = BytesMut::new();
        write(3, &vec![7u8; MAX_FRAME_BYTES - 8], &mut large);
        write(13, &(), &mut large);
        let mut decoder = Decoder::wire();
        for chunk in large.chunks(1400) {
            decoder.extend(chunk);
            while decoder.next_frame().unwrap().is_some() {}
        }
        assert_eq!(decoder.buffered(), 0);
        assert!(decoder.buffer.capacity() <= IDLE_BUFFER_BYTES);
    }

    #[test]
    fn an_announced_length_reserves_nothing() {
        let mut decoder = Decoder::control();
        // 1 MiB announced, one byte sent.
        decoder.extend(&[0x80, 0x80, 0x40, 1]);
        assert_eq!(decoder.next_frame(), Ok(None));
        assert!(decoder.buffer.capacity() <= IDLE_BUFFER_BYTES);
    }

    #[test]
    fn an_error_drops_what_was_buffered() {
        let mut decoder = Decoder::wire();
        decoder.extend(&[0; 1000]);
        assert_eq!(decoder.next_frame(), Err(FramingError::Empty));
        assert_eq!(decoder.buffer.capacity(), 0);
        decoder.extend(&[1, 13]);
        assert_eq!(decoder.next_frame(), Err(FramingError::Empty));
        assert_eq!(decoder.buffered(), 0);
    }
}
