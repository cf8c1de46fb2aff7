//! The messages of the control socket, and the names in them.
//!
//! Owns type bytes and the checks that daemon and tools share. The messages
//! stay as prost made them: the daemon validates their fields where it acts on
//! them, because an answer has to name the request.

use std::fmt;

use bytes::{Bytes, BytesMut};
use prost::Message;
use thiserror::Error;

use crate::control_pb::{self as pb, ControlType};
use crate::framing::{self, RawFrame};
use crate::limits::{MAX_CLIENT_NAME_BYTES, MAX_TOKEN_BYTES};

/// The version this code speaks, in `Connect` and `Connected`.
pub const CONTROL_VERSION: u32 = 1;

/// Why a control frame cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ControlError {
    /// The body is no protobuf message of this type.
    #[error("{message}: the body is not a readable protobuf message of this type")]
    Malformed {
        /// Which message.
        message: &'static str,
        /// What prost says; it names fields, never their values.
        #[source]
        source: prost::DecodeError,
    },
    /// A message that only the other side sends.
    #[error("{message} travels only {travels}")]
    WrongDirection {
        /// Which message.
        message: &'static str,
        /// The way it may take.
        travels: &'static str,
    },
}

macro_rules! messages {
    ($(#[$doc:meta])* $name:ident, $travels:literal: $($kind:ident = $type:ident,)*;
     not $other_travels:literal: $($other:ident = $other_name:literal,)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        #[expect(missing_docs, reason = "each is documented in control.proto")]
        pub enum $name {
            $($kind(pb::$kind),)*
        }

        impl $name {
            #[doc = concat!("Which messages: those that travel ", $travels, ".")]
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$kind(_) => stringify!($kind),)*
                }
            }

            /// The type byte, `ControlType` in `control.proto`.
            #[must_use]
            pub fn type_byte(&self) -> u8 {
                match self {
                    $(Self::$kind(_) => ControlType::$type as u8,)*
                }
            }

            /// Appends the frame, with its length and type byte.
            pub fn encode(&self, out: &mut BytesMut) {
                match self {
                    $(Self::$kind(message) => framing::write(self.type_byte(), message, out),)*
                }
            }

            /// The frame as bytes, with its length and type byte.
            #[must_use]
            pub fn encode_to_bytes(&self) -> Bytes {
                let mut out = BytesMut::new();
                self.encode(&mut out);
                out.freeze()
            }

            /// Reads a frame. `None`: a message of a newer version, to be
            /// ignored.
            pub fn decode(raw: RawFrame) -> Result<Option<Self>, ControlError> {
                match ControlType::try_from(i32::from(raw.type_byte)) {
                    $(Ok(ControlType::$type) => pb::$kind::decode(raw.body)
                        .map(|message| Some(Self::$kind(message)))
                        .map_err(|source| ControlError::Malformed {
                            message: stringify!($kind),
                            source,
                        }),)*
                    $(Ok(ControlType::$other) => Err(ControlError::WrongDirection {
                        message: $other_name,
                        travels: $other_travels,
                    }),)*
                    Ok(ControlType::Unspecified) | Err(_) => Ok(None),
                }
            }
        }
    };
}

messages!(
    /// From a client or the agent to the daemon.
    ClientMessage, "to the daemon":
    Connect = Connect, Request = Request, Report = Report, OrderResult = OrderResult,;
    not "from the daemon": Connected = "Connected", Reply = "Reply", Event = "Event",
    Order = "Order", Closed = "Closed",
);

messages!(
    /// From the daemon to a client or the agent.
    ServerMessage, "from the daemon":
    Connected = Connected, Reply = Reply, Event = Event, Order = Order, Closed = Closed,;
    not "to the daemon": Connect = "Connect", Request = "Request", Report = "Report",
    OrderResult = "OrderResult",
);

/// The durable name of a client: tokens and event cursors are kept under it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientName(String);

/// Why a text is no client name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ClientNameError {
    /// Nothing.
    #[error("a client needs a name, for example its package name")]
    Empty,
    /// Over the limit.
    #[error("a client name of {bytes} bytes is over the limit of {MAX_CLIENT_NAME_BYTES}")]
    TooLong {
        /// Its size.
        bytes: usize,
    },
    /// Something that is not allowed.
    #[error("a client name may contain only ASCII letters, digits, '.', '_' and '-'")]
    BadCharacter,
}

/// Takes 1 to [`MAX_CLIENT_NAME_BYTES`] characters of `[a-zA-Z0-9._-]`.
pub fn parse_client_name(text: &str) -> Result<ClientName, ClientNameError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if text.is_empty() {
        Err(ClientNameError::Empty)
    } else if text.len() > MAX_CLIENT_NAME_BYTES {
        Err(ClientNameError::TooLong { bytes: text.len() })
    } else if !text.bytes().all(allowed) {
        Err(ClientNameError::BadCharacter)
    } else {
        Ok(ClientName(text.to_owned()))
    }
}

impl ClientName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names one `send` of a client (DELIVERY 1). Not shown by `Debug`: an app may
/// make it of whatever it likes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(String);

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Nothing: a `send` that cannot be repeated safely.
    #[error("a send needs a token, so that repeating it cannot send twice")]
    Empty,
    /// Over the limit.
    #[error("a token of {bytes} bytes is over the limit of {MAX_TOKEN_BYTES}")]
    TooLong {
        /// Its size.
        bytes: usize,
    },
}

/// Takes 1 to [`MAX_TOKEN_BYTES`] bytes.
pub fn parse_token(text: &str) -> Result<Token, TokenError> {
    if text.is_empty() {
        Err(TokenError::Empty)
    } else if text.len() > MAX_TOKEN_BYTES {
        Err(TokenError::TooLong { bytes: text.len() })
    } else {
        Ok(Token(text.to_owned()))
    }
}

impl Token {
    /// The token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([redacted])")
    }
}
