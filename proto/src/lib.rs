//! Twine's two protocols: `twine.wire.v1` between handset and gateway, and
//! `twine.control.v1` on the daemon's control socket.
//!
//! Owns the bytes: framing, limits, and the way from bytes to types that can
//! be acted upon. Never does I/O, keeps no session, and decides nothing that
//! depends on what came before: that a seq is the next one is the gateway's
//! business, that it is a seq at all is this crate's.
//!
//! # Framing
//!
//! Both protocols are a stream of frames in each direction:
//!
//! ```text
//! ┌────────────────┬───────────┬──────────────────┐
//! │ length: varint │ type byte │ body: protobuf   │
//! └────────────────┴───────────┴──────────────────┘
//!   1 to 5 bytes     1 byte      length − 1 bytes
//! ```
//!
//! The length counts the type byte and the body, so it is at least 1; it is
//! written in its shortest form. A stream that breaks these rules has lost its
//! frame boundaries: the connection is closed ([`framing::FramingError`]).
//!
//! A frame goes out through [`codec::encode`]; it comes in through
//! [`framing::Decoder`] and [`codec::decode`], then [`Frame::allowed`] tells
//! whether the other side may send it at all. The control socket has
//! [`control::ClientMessage`] and [`control::ServerMessage`] instead.
//!
//! # Limits
//!
//! All are in [`limits`], each with its reason. Lists of seqs are counted over
//! the whole frame, not one by one. What is over a limit, out of its range, or
//! of a code that cannot be ignored safely is a [`codec::DecodeError`], which
//! names frame, field and what is allowed, and never shows a number or a text.
//!
//! Two exceptions keep a bad frame from doing more harm than it must:
//!
//! - A `Deliver` of which only slot and cursor are readable becomes a
//!   [`frame::UnreadableDeliver`], so that the mailbox goes on (DELIVERY 12).
//! - A `Goodbye` with an unknown reason still ends the connection, as
//!   [`frame::GoodbyeReason::Closing`], and its delay is honoured.
//!
//! # Evolution
//!
//! Handsets are in the field for years and are not updated together. Hence:
//!
//! - **Fields** are added with new numbers. A number is never reused and a
//!   field never changes its type or meaning; one that is given up becomes
//!   `reserved`. Unknown fields are ignored, so a new field must be one that
//!   an old peer may overlook; 0 or empty must mean "as before".
//! - **Frame types** that are unknown are ignored ([`codec::decode`] returns
//!   `None`), and so are a `Receipt` of no known kind, a `Content` field and a
//!   lane note's channel. Content in which nothing is known is rejected as
//!   unreadable, and the sender may fall back.
//! - **Codes**: an unknown `DispositionCode`, `SlotStatus` or `RevokeOutcome`
//!   is an error, because ignoring it would make a refused message look
//!   accepted or leave one open for ever. A new code is therefore sent only to
//!   a peer that said, in a field of its `Hello` or `Welcome`, that it knows it.
//! - **Control messages** keep unknown codes and kinds; the daemon answers a
//!   request of unknown kind with `UNSUPPORTED`, by its id. Breaking changes
//!   there raise [`control::CONTROL_VERSION`].
//! - **A new ALPN name** (after [`ALPN`]) is needed for: another framing or
//!   lower limits; a change of what seq, cursor, lane_seq, epoch or slot count;
//!   another digest or cursor check; a frame that must not be ignored; a new
//!   order at the start of a connection. The gateway speaks both names as long
//!   as handsets with the old one live.
//!
//! # Size of each frame
//!
//! In bytes, all included, with seq and cursor 16,383, lane_seq 127, slot 0,
//! epoch 690, age below 128 s, and the numbers +254712345678 and
//! +2348031234567. `tests/sizes.rs` keeps this table true.
//!
//! | frame | carries | bytes |
//! |---|---|--:|
//! | `Hello` | one identity | 38 |
//! | `Hello` | one identity, asks for an epoch | 29 |
//! | `Welcome` | one identity, nothing settled since | 16 |
//! | `Submit` | a text of 41 bytes | 59 |
//! | `Accepted` | up to a seq | 5 |
//! | `Accepted` | up to a seq, its recipient is away | 9 |
//! | `Deliver` | a text of 41 bytes | 64 |
//! | `Ack` | up to a cursor | 5 |
//! | `Receipt` | one delivered | 6 |
//! | `Receipt` | read, to the gateway | 16 |
//! | `Receipt` | read, to the sender | 19 |
//! | `Receipt` | rejected | 9 |
//! | `Revoke` | one seq | 6 |
//! | `Revoked` | one seq | 9 |
//! | `Lookup` | one number | 12 |
//! | `Capabilities` | one number, valid for a day | 21 |
//! | `Typing` | started | 9 |
//! | `Ping` | a nonce below 128 | 4 |
//! | `Pong` | a nonce below 128 | 4 |
//! | `Goodbye` | a reason and a delay | 6 |
//!
//! Above its text a `Submit` takes 18 bytes and a `Deliver` 23.
#![forbid(unsafe_code)]

pub mod codec;
pub mod content;
pub mod control;
mod debug;
pub mod frame;
pub mod framing;
pub mod ids;
pub mod limits;
pub mod originator;
pub mod redacted;

pub use content::{Content, ContentError, Filled, NoteEntry, OpaqueContent};
pub use frame::{Direction, Frame};
pub use ids::{
    Cursor, Digest, E164, E164Error, Epoch, LaneSeq, MessageName, Peer, PeerError, Seq, SessionNo,
    Slot, SmsName,
};
pub use redacted::Redacted;

/// The messages prost makes of `wire.proto`. Unvalidated: only `codec` and
/// `content` touch them.
pub mod wire_pb {
    #![allow(missing_docs, clippy::all, reason = "generated")]
    include!(concat!(env!("OUT_DIR"), "/twine.wire.v1.rs"));
}

/// The messages prost makes of `control.proto`. Unvalidated.
pub mod control_pb {
    #![allow(missing_docs, clippy::all, reason = "generated")]
    include!(concat!(env!("OUT_DIR"), "/twine.control.v1.rs"));
}

/// ALPN protocol name of the wire protocol, on QUIC and on TLS over TCP.
pub const ALPN: &[u8] = b"twine/1";
