//! Twine's two protocols: `twine.wire.v1` between handset and gateway, and
//! `twine.control.v1` on the daemon's control socket.
#![forbid(unsafe_code)]

pub mod codec;
pub mod content;
pub mod control;
mod debug;
pub mod frame;
pub mod framing;
pub mod ids;
pub mod limits;
pub mod redacted;

pub use content::{Content, ContentError, Filled, NoteEntry, OpaqueContent};
pub use frame::{Direction, Frame};
pub use ids::{
    Cursor, Digest, E164, E164Error, Epoch, LaneSeq, MessageName, Seq, SessionNo, Slot,
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
