//! Why a frame is refused. No message shows a number or a text of a user.

use thiserror::Error;

use crate::ids::E164Error;

/// Why a frame cannot be acted upon. Names the frame and the field as in
/// `wire.proto`, and what is allowed there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The body is no protobuf message of this type.
    #[error("{frame}: the body is not a readable protobuf message of this type")]
    Malformed {
        /// Which frame.
        frame: &'static str,
        /// What prost says; it names fields, never their values.
        #[source]
        source: prost::DecodeError,
    },
    /// The body is longer than all its lists together may be.
    #[error("{frame}: a body of {bytes} bytes is over the limit of {limit} bytes")]
    BodyTooLong {
        /// Which frame.
        frame: &'static str,
        /// Its size.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// Not a phone number. The value is not shown.
    #[error("{frame}.{field} is not a phone number in E.164")]
    Number {
        /// Which frame.
        frame: &'static str,
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        #[source]
        source: E164Error,
    },
    /// A counter, slot or epoch is out of its range.
    #[error("{frame}.{field} is {got}; allowed are {min} to {max}")]
    OutOfRange {
        /// Which frame.
        frame: &'static str,
        /// Which field.
        field: &'static str,
        /// Its value.
        got: u64,
        /// Lowest value allowed.
        min: u64,
        /// Highest value allowed.
        max: u64,
    },
    /// A list has too many entries.
    #[error("{frame}.{field} has {got} entries; at most {max} are allowed")]
    TooMany {
        /// Which frame.
        frame: &'static str,
        /// Which field, or fields together.
        field: &'static str,
        /// How many there are.
        got: usize,
        /// How many are allowed.
        max: usize,
    },
    /// A text or content is too long.
    #[error("{frame}.{field} has {got} bytes; at most {max} are allowed")]
    TooLong {
        /// Which frame.
        frame: &'static str,
        /// Which field.
        field: &'static str,
        /// Its size.
        got: usize,
        /// What is allowed.
        max: usize,
    },
    /// A code that this version does not know, or that is not allowed here,
    /// and that cannot be ignored safely.
    #[error("{frame}.{field} has code {got}; allowed are {allowed}")]
    Code {
        /// Which frame.
        frame: &'static str,
        /// Which field.
        field: &'static str,
        /// The code.
        got: i32,
        /// The names of those allowed.
        allowed: &'static str,
    },
    /// Something else is wrong with a field.
    #[error("{frame}.{field}: {allowed}")]
    Shape {
        /// Which frame.
        frame: &'static str,
        /// Which field.
        field: &'static str,
        /// What it must be.
        allowed: &'static str,
    },
}
