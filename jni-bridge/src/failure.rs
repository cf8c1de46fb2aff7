//! What can go wrong, and the code under which Java learns of it.

use std::sync::Arc;

use thiserror::Error;
use twine_control::{ClientError, ConnectError, Disconnected, Ending, Refusal};

/// Why a call failed. Java gets the code and the message.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The daemon said no.
    #[error("{0}")]
    Daemon(Refusal),
    /// Never sent: there was no connection in the time given.
    #[error("not connected to the daemon: {why}")]
    NotConnected { why: String },
    /// Sent, then the connection broke: done or not.
    #[error("{0}; whether it was done is not known")]
    ResultUnknown(Arc<Disconnected>),
    /// Sent, and no reply in the time given: done or not.
    #[error("no reply in time; whether it was done is not known")]
    TimedOut,
    /// Never sent: too many wait for their reply.
    #[error("{0}")]
    NoRoom(ClientError),
    /// Never sent: longer than a frame may be.
    #[error("the message has {bytes} bytes, over the limit of {limit}")]
    TooLarge { bytes: usize, limit: usize },
    /// The caller's mistake.
    #[error("{0}")]
    BadArgument(String),
    /// The connection was closed by its owner.
    #[error("this connection was closed")]
    Closed,
    /// Another version of the protocol.
    #[error("{0}")]
    Version(String),
    /// A mistake in this library.
    #[error("the library panicked: {0}")]
    Panicked(String),
    /// The virtual machine said no.
    #[error("the virtual machine refused to {0}")]
    Vm(&'static str),
}

impl Failure {
    /// The code in `org.twine.jni.TwineException`. Below 100: the daemon's own,
    /// `ErrorCode` in control.proto.
    pub(crate) const fn code(&self) -> i32 {
        match self {
            Self::Daemon(refusal) => refusal.code as i32,
            Self::NotConnected { .. } => 100,
            Self::ResultUnknown(_) => 101,
            Self::TimedOut => 102,
            Self::NoRoom(_) => 103,
            Self::TooLarge { .. } => 104,
            Self::BadArgument(_) => 105,
            Self::Closed => 106,
            Self::Version(_) => 107,
            Self::Panicked(_) => 108,
            Self::Vm(_) => 109,
        }
    }

    /// Why there is no connection.
    pub(crate) fn of_attempt(error: &ConnectError) -> Self {
        match error {
            ConnectError::Refused(refusal) => Self::Daemon(refusal.clone()),
            ConnectError::Version { .. } => Self::Version(error.to_string()),
            ConnectError::Name(_) => Self::BadArgument(error.to_string()),
            _ => Self::NotConnected {
                why: error.to_string(),
            },
        }
    }

    /// Why there is no connection any more.
    pub(crate) fn of_end(ended: &Disconnected) -> Self {
        match &ended.ending {
            Ending::Closed(refusal) => Self::Daemon(refusal.clone()),
            ending => Self::NotConnected {
                why: ending.to_string(),
            },
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(refusal) => Self::Daemon(refusal),
            ClientError::ResultUnknown(ended) => Self::ResultUnknown(ended),
            ClientError::NotSent(ended) => Self::NotConnected {
                why: ended.to_string(),
            },
            ClientError::TimedOut => Self::TimedOut,
            ClientError::NoRoom => Self::NoRoom(error),
            ClientError::TooLarge { bytes, limit } => Self::TooLarge { bytes, limit },
            ClientError::NoRequest { .. } => Self::BadArgument(error.to_string()),
            // This library's client reads no kinds of replies.
            ClientError::Unfitting { .. } => Self::NotConnected {
                why: error.to_string(),
            },
        }
    }
}
