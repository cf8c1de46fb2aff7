//! The numbers that name things on the wire, each a type of its own.
//!
//! Owns their ranges and their text forms. Knows nothing of frames.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A phone number in E.164 (ITU-T E.164, at most 15 digits), as an integer.
///
/// `Debug` shows only the first three and last two digits, so that a number
/// cannot slip into a log; use [`E164::expose`] where a person asked for it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct E164(u64);

/// Why a text or integer is no E.164 number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum E164Error {
    /// Fewer digits than the shortest number in use.
    #[error(
        "a phone number needs at least {} digits after the plus sign",
        E164::MIN_DIGITS
    )]
    TooShort,
    /// More than E.164 allows.
    #[error("a phone number has at most {} digits", E164::MAX_DIGITS)]
    TooLong,
    /// The international form starts with a plus sign.
    #[error("a phone number must be in international form and start with '+'")]
    NoPlus,
    /// Something other than a digit after the plus sign.
    #[error("a phone number may contain only digits after the plus sign")]
    NotADigit,
    /// Country codes start with 1 to 9.
    #[error("a phone number in international form cannot start with 0")]
    LeadingZero,
}

impl E164 {
    /// ITU-T E.164 sets no minimum; the shortest international numbers in use
    /// (Saint Helena, Niue) have seven digits with the country code.
    pub const MIN_DIGITS: u32 = 7;
    /// ITU-T E.164, section 6.
    pub const MAX_DIGITS: u32 = 15;

    /// Takes the integer form, for example `254712345678`.
    pub const fn new(number: u64) -> Result<Self, E164Error> {
        if number < 10u64.pow(Self::MIN_DIGITS - 1) {
            Err(E164Error::TooShort)
        } else if number >= 10u64.pow(Self::MAX_DIGITS) {
            Err(E164Error::TooLong)
        } else {
            Ok(Self(number))
        }
    }

    /// The integer form.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The full number with plus sign, for the user's own eyes.
    pub fn expose(self) -> String {
        format!("+{}", self.0)
    }
}

impl FromStr for E164 {
    type Err = E164Error;

    fn from_str(text: &str) -> Result<Self, E164Error> {
        let digits = text.strip_prefix('+').ok_or(E164Error::NoPlus)?;
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(E164Error::NotADigit);
        }
        if digits.starts_with('0') {
            return Err(E164Error::LeadingZero);
        }
        if digits.len() > Self::MAX_DIGITS as usize {
            return Err(E164Error::TooLong);
        }
        Self::new(digits.parse().map_err(|_| E164Error::TooShort)?)
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        write!(f, "+{}…{}", &digits[..3], &digits[digits.len() - 2..])
    }
}

/// The other side of a conversation: a number, or a name that only SMS reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Peer {
    /// A number in international form.
    Number(E164),
    /// A short code ("40404") or an alphanumeric sender ("MPESA").
    Name(SmsName),
}

/// An SMS address that is no number in international form, at most
/// [`SmsName::MAX_BYTES`] bytes of visible characters. TS 23.040, 9.1.2.5:
/// eleven characters or twenty digits at most; the limit leaves room for
/// characters of three bytes.
///
/// `Debug` shows its length only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SmsName {
    len: u8,
    bytes: [u8; Self::MAX_BYTES],
}

/// Why a text is no peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PeerError {
    /// Starts with a plus sign and is no number.
    #[error(transparent)]
    Number(#[from] E164Error),
    /// Empty, or only spaces.
    #[error("a peer needs a number, a short code or a name")]
    Empty,
    /// Longer than any SMS address.
    #[error("a name or short code has at most {} bytes", SmsName::MAX_BYTES)]
    TooLong,
    /// A control character.
    #[error("a name or short code has only visible characters")]
    NotVisible,
}

impl SmsName {
    /// See the type.
    pub const MAX_BYTES: usize = 33;

    /// "?": of a message whose originator is nothing that can be shown.
    pub const UNKNOWN: Self = {
        let mut bytes = [0; Self::MAX_BYTES];
        bytes[0] = b'?';
        Self { len: 1, bytes }
    };

    /// Takes a name as it came, without spaces around it.
    pub fn new(text: &str) -> Result<Self, PeerError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(PeerError::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(PeerError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(PeerError::NotVisible);
        }
        let mut bytes = [0; Self::MAX_BYTES];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self {
            len: text.len() as u8,
            bytes,
        })
    }

    /// The name, for the user's own eyes.
    pub fn expose(&self) -> &str {
        // Made from a text of this length; nothing else makes one.
        std::str::from_utf8(&self.bytes[..self.len.into()]).unwrap_or_default()
    }
}

impl fmt::Debug for SmsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[name of {} bytes]", self.len)
    }
}

impl Peer {
    /// The number, if it is one.
    pub const fn number(self) -> Option<E164> {
        match self {
            Self::Number(number) => Some(number),
            Self::Name(_) => None,
        }
    }

    /// As a user writes it, for the user's own eyes.
    pub fn expose(&self) -> String {
        match self {
            Self::Number(number) => number.expose(),
            Self::Name(name) => name.expose().to_owned(),
        }
    }
}

impl From<E164> for Peer {
    fn from(number: E164) -> Self {
        Self::Number(number)
    }
}

impl FromStr for Peer {
    type Err = PeerError;

    fn from_str(text: &str) -> Result<Self, PeerError> {
        // Spaces around it must not make a name of a number.
        let text = text.trim();
        if text.starts_with('+') {
            return Ok(Self::Number(text.parse()?));
        }
        SmsName::new(text).map(Self::Name)
    }
}

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub $inner);

        impl $name {
            /// The one after this.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
            /// The plain integer.
            #[must_use]
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter!(
    /// Counts an identity's bindings to devices. 0 means "none yet".
    Epoch(u32)
);
counter!(
    /// Counts the hop from sender to gateway, per identity and epoch, from 1.
    /// As a high-water mark 0 means "none taken".
    Seq(u64)
);
counter!(
    /// Counts one sender's messages to one number, end to end, per epoch, from
    /// 1. 0 on the wire means "a note without a message".
    LaneSeq(u64)
);
counter!(
    /// Counts the hop from gateway to receiver, per mailbox, with holes. An
    /// acknowledgement token, never a test for duplicates. 0: none.
    Cursor(u64)
);
counter!(
    /// Counts a device's connections; the gateway serves only the highest.
    SessionNo(u64)
);
counter!(
    /// The index of an identity in this connection's `Hello`.
    Slot(u32)
);

/// A message's universal name: sender, epoch, recipient, place in the lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageName {
    /// Who wrote it.
    pub from: E164,
    /// The sender's binding at that time.
    pub epoch: Epoch,
    /// For whom.
    pub to: E164,
    /// Place in the lane.
    pub lane_seq: LaneSeq,
}

impl MessageName {
    /// For example `254712345678.690>2348031234567#57`, for the user's own eyes.
    pub fn expose(&self) -> String {
        format!(
            "{}.{}>{}#{}",
            self.from.get(),
            self.epoch,
            self.to.get(),
            self.lane_seq
        )
    }

    /// The 4-byte check that goes with a cursor (DELIVERY 6): whether both
    /// sides mean the same mailbox entry by it.
    pub fn cursor_check(&self) -> u32 {
        use siphasher::sip::SipHasher24;
        use std::hash::Hasher;
        let mut hasher = SipHasher24::new();
        hasher.write_u64(self.from.get());
        hasher.write_u32(self.epoch.0);
        hasher.write_u64(self.to.get());
        hasher.write_u64(self.lane_seq.0);
        (hasher.finish() & 0xffff_ffff) as u32
    }
}

/// Tells two messages of the same name apart (DELIVERY 4 and 10): the first
/// eight bytes of SipHash-2-4 with a zero key. Not a defence against forgery:
/// only the sender himself could collide his own messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub u64);

impl Digest {
    /// Over everything that makes a submission what it is.
    pub fn of(to: E164, lane_seq: LaneSeq, content: &[u8]) -> Self {
        use siphasher::sip::SipHasher24;
        use std::hash::Hasher;
        let mut hasher = SipHasher24::new();
        hasher.write_u64(to.get());
        hasher.write_u64(lane_seq.0);
        hasher.write(content);
        Self(hasher.finish())
    }
}
