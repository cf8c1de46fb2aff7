//! What can go wrong, each with what it means for requests that were open.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use twine_proto::control::{ClientNameError, ControlError};
use twine_proto::framing::FramingError;

use crate::pb;

/// Names one request of this connection.
pub type RequestId = u64;

/// The daemon says no.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Refusal {
    /// Why, for programs.
    pub code: pb::ErrorCode,
    /// What failed, where, and what to do, for people.
    pub message: String,
}

impl From<pb::Error> for Refusal {
    fn from(error: pb::Error) -> Self {
        Self {
            code: error.code(),
            message: error.message,
        }
    }
}

fn hint(source: &io::Error) -> &'static str {
    if source.kind() == io::ErrorKind::PermissionDenied {
        "this user may not open its socket"
    } else {
        "is it running?"
    }
}

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The client's own name is not allowed.
    #[error("{0}")]
    Name(#[from] ClientNameError),
    /// No socket there, or nobody listens.
    #[error("cannot reach the daemon at {}: {}", path.display(), hint(source))]
    Unreachable {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The daemon does not take this client.
    #[error("the daemon refused the connection: {0}")]
    Refused(Refusal),
    /// It ended before the daemon's answer.
    #[error("the connection ended before the daemon's greeting")]
    Ended(#[source] Ending),
    /// The daemon did not answer in time.
    #[error("the daemon did not greet in time")]
    TimedOut,
    /// The daemon speaks another version.
    #[error(
        "the daemon speaks version {theirs} of the control protocol, this client version {ours}"
    )]
    Version {
        /// The daemon's.
        theirs: u32,
        /// This client's.
        ours: u32,
    },
}

/// Why a request has no good reply.
#[derive(Debug, Clone, Error)]
pub enum ClientError {
    /// The daemon answered no.
    #[error("{0}")]
    Refused(Refusal),
    /// The connection ended after the request was handed to it: it may or may
    /// not have been carried out.
    #[error("the connection ended before the reply; whether it was done is not known")]
    ResultUnknown(#[source] Arc<Disconnected>),
    /// The connection had ended before: the request never reached the daemon.
    #[error("the connection to the daemon has ended")]
    NotSent(#[source] Arc<Disconnected>),
    /// No reply in the time the caller gave; it may or may not have been
    /// carried out. The connection goes on.
    #[error("no reply in time; whether it was done is not known")]
    TimedOut,
    /// The request is longer than a frame may be.
    #[error("the request has {bytes} bytes, over the limit of {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// Too many requests were open for all of the caller's time: this one never
    /// reached the daemon.
    #[error("too many requests wait for their reply; this one was not sent")]
    NoRoom,
    /// What should be sent is no request.
    #[error("the request {why}")]
    NoRequest {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The daemon answered something that is no answer to this request.
    #[error("the daemon answered {request} with an unfitting {reply}")]
    Unfitting {
        /// What was asked.
        request: &'static str,
        /// What came.
        reply: &'static str,
    },
}

impl ClientError {
    /// The daemon's code, if it was the daemon that said no.
    #[must_use]
    pub fn code(&self) -> Option<pb::ErrorCode> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            _ => None,
        }
    }

    /// Whether the request may have been carried out without us knowing.
    #[must_use]
    pub const fn result_unknown(&self) -> bool {
        matches!(self, Self::ResultUnknown(_) | Self::TimedOut)
    }
}

/// A connection that has ended.
#[derive(Debug, Error)]
#[error("{ending}")]
pub struct Disconnected {
    /// How.
    pub ending: Ending,
    /// Requests whose result is not known, by the id in their frame.
    pub unknown: Vec<RequestId>,
}

/// How a connection ended.
#[derive(Debug)]
pub enum Ending {
    /// The daemon closed it and said why.
    Closed(Refusal),
    /// The daemon closed it without a word, or died.
    Eof,
    /// The socket failed.
    Io(io::Error),
    /// What came is no frame.
    Framing(FramingError),
    /// A frame that cannot be read.
    Frame(ControlError),
    /// Events were not taken while a reply was awaited.
    EventsNotTaken,
    /// The daemon sent something that is not allowed at this point.
    Unexpected(&'static str),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(refusal) => write!(f, "the daemon closed the connection: {refusal}"),
            Self::Eof => f.write_str("the daemon closed the connection, or died"),
            Self::Io(error) => write!(f, "the control socket failed: {error}"),
            Self::Framing(error) => write!(f, "the daemon sent what is no frame: {error}"),
            Self::Frame(error) => write!(f, "the daemon sent an unreadable frame: {error}"),
            Self::EventsNotTaken => f.write_str("too many events wait to be taken"),
            Self::Unexpected(what) => {
                write!(f, "the daemon sent {what}, which is not allowed here")
            }
        }
    }
}

impl std::error::Error for Ending {}
