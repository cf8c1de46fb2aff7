//! Why octets are no PDU.

use std::fmt;

use thiserror::Error;

use super::Direction;
use crate::limits::{MAX_ADDRESS_DIGITS, MAX_USER_DATA_OCTETS};

/// Octets that are no PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{field}, octet {offset}: {problem}")]
pub struct DecodeError {
    /// The field, named as in the standard.
    pub field: &'static str,
    /// Where it is wrong, octets from 0.
    pub offset: usize,
    /// What is wrong.
    pub problem: Problem,
}

/// Octets that are no PDU, whether the address of a service centre comes first or not.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DetectError {
    /// There are none.
    #[error("no PDU given")]
    Empty,
    /// Nothing comes behind the address.
    #[error("a service centre's address alone: the PDU behind it is missing")]
    SmscAlone,
    /// No address comes first.
    #[error("{0}")]
    Bare(Box<Misread>),
    /// One may come first.
    #[error("with service centre, {framed}; without, {bare}")]
    Neither {
        /// Behind the address.
        framed: Box<Misread>,
        /// From the first octet on.
        bare: Box<Misread>,
    },
}

/// One way to read octets, which failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misread {
    /// What the MTI says they are, if that can be read.
    pub kind: Option<&'static str>,
    /// Where it failed.
    pub error: DecodeError,
}

impl Misread {
    pub(super) fn new(error: DecodeError, mti: Option<u8>, direction: Direction) -> Self {
        let kind = match error.problem {
            // It says so itself.
            Problem::MessageType { .. } => None,
            _ => mti.map(|mti| type_name(mti, direction)),
        };
        Self { kind, error }
    }
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(kind) = self.kind {
            write!(f, "as {kind}: ")?;
        }
        self.error.fmt(f)
    }
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Problem {
    /// The octets end within it.
    #[error("expected {expected} octet(s), {left} left")]
    Truncated {
        /// Octets that it needs.
        expected: usize,
        /// Octets that there are.
        left: usize,
    },
    /// A message type that is not read: reports and commands.
    #[error(
        "type {mti:02b} {direction} is {}; expected SMS-DELIVER (00) or SMS-STATUS-REPORT (10) to \
         the phone, or SMS-SUBMIT (01) from it",
        type_name(*mti, *direction)
    )]
    MessageType {
        /// The two bits.
        mti: u8,
        /// The way that it goes.
        direction: Direction,
    },
    /// An address with too many digits.
    #[error("{digits} semi-octets, at most {MAX_ADDRESS_DIGITS} are possible")]
    AddressLength {
        /// Its length.
        digits: usize,
    },
    /// A type-of-address octet without its highest bit.
    #[error("type of address {octet:02X}, expected 80 to FF")]
    TypeOfAddress {
        /// The octet.
        octet: u8,
    },
    /// A semi-octet that is no digit.
    #[error("end mark F between digits, expected 0 to 9, *, #, a, b or c")]
    Digit,
    /// A service centre's address that is too long to be one.
    #[error("{octets} octets, expected 0 or 2 to 11")]
    SmscLength {
        /// Its length.
        octets: usize,
    },
    /// A length of user data above the limit.
    #[error("{length} {unit}, at most {limit} are possible in {MAX_USER_DATA_OCTETS} octets")]
    UserDataLength {
        /// As given.
        length: usize,
        /// Septets or octets.
        unit: &'static str,
        /// The limit in that unit.
        limit: usize,
    },
    /// A header that is longer than the user data.
    #[error("{header} octet(s) of header, {room} in the user data")]
    HeaderLength {
        /// Octets of the header, its length included.
        header: usize,
        /// Octets that there are.
        room: usize,
    },
    /// An element that is longer than its header.
    #[error("expected {expected} octet(s), {left} left in the header")]
    ElementLength {
        /// Octets that the element needs.
        expected: usize,
        /// Octets that there are.
        left: usize,
    },
    /// Something behind the PDU.
    #[error("{octets} octet(s) behind the end")]
    Trailing {
        /// How many.
        octets: usize,
    },
}

const fn type_name(mti: u8, direction: Direction) -> &'static str {
    match (mti, direction) {
        (0b00, Direction::ToPhone) => "SMS-DELIVER",
        (0b00, Direction::FromPhone) => "SMS-DELIVER-REPORT",
        (0b01, Direction::ToPhone) => "SMS-SUBMIT-REPORT",
        (0b01, Direction::FromPhone) => "SMS-SUBMIT",
        (0b10, Direction::ToPhone) => "SMS-STATUS-REPORT",
        (0b10, Direction::FromPhone) => "SMS-COMMAND",
        _ => "reserved",
    }
}
