//! What the user chose: which channel, and what may be done when IP fails.
//! Kept per conversation and globally; a conversation's choice comes first.

use std::time::Duration;

use twine_proto::Redacted;

use crate::limits::{REFUSED_REACH_TTL, SILENT_REACH_TTL};

/// Which channels a conversation may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// IP where it can, SMS where it must.
    #[default]
    Auto,
    /// Never an SMS.
    IpOnly,
    /// Never IP.
    SmsOnly,
}

/// When a message that was meant for IP may go by SMS (RCS Universal Profile,
/// "fallback to SMS"). Does not apply where the gateway says that the peer is not on IP
/// ([`Reach::Refused`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Fallback {
    /// When IP does not deliver in time.
    #[default]
    Always,
    /// The same, but not while the card roams.
    NotWhenRoaming,
    /// The user is asked each time.
    Ask,
    /// Never.
    Never,
}

/// What is set at one place; `None`: as set above it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// See [`Mode`].
    pub mode: Option<Mode>,
    /// See [`Fallback`].
    pub fallback: Option<Fallback>,
    /// SMS of this conversation leave by this card and no other; `None`: by the
    /// card of the own number. Has no meaning globally.
    pub iccid: Option<Redacted<String>>,
}

/// What holds for a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effective {
    /// See [`Mode`].
    pub mode: Mode,
    /// See [`Fallback`].
    pub fallback: Fallback,
    /// See [`Settings::iccid`].
    pub iccid: Option<Redacted<String>>,
}

impl Settings {
    /// A conversation's settings over the global ones over the defaults.
    #[must_use]
    pub fn over(&self, global: &Self) -> Effective {
        Effective {
            mode: self.mode.or(global.mode).unwrap_or_default(),
            fallback: self.fallback.or(global.fallback).unwrap_or_default(),
            iccid: self.iccid.clone(),
        }
    }
}

/// Whether a peer is believed to be reachable by IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reach {
    /// Not known: IP is tried, and the gateway's answer tells.
    #[default]
    Unknown,
    /// It gave a sign of life by IP.
    OnIp,
    /// The gateway does not know the number. Believed for
    /// [`crate::limits::REFUSED_REACH_TTL`].
    Refused,
    /// It let a message's delivery deadline pass (DELIVERY 15). Believed until a
    /// sign of life, or for [`crate::limits::SILENT_REACH_TTL`].
    Silent,
}

impl Reach {
    /// How long that is believed; `None`: until something else is seen.
    #[must_use]
    pub const fn believed_for(self) -> Option<Duration> {
        match self {
            Self::Refused => Some(REFUSED_REACH_TTL),
            Self::Silent => Some(SILENT_REACH_TTL),
            Self::Unknown | Self::OnIp => None,
        }
    }
}
