//! What became of the parts of one SMS attempt, counted one by one, and what
//! that makes of the attempt. Pure data; both stores keep it with the message.

use crate::message::{SmsAttempt, WaitsFor};

/// Names one hand-over of a message to the agent, for ever and in every store:
/// drawn at random, so that a journal never takes one for another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttemptId(pub u64);

/// One part. The codes are stored; they keep their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PartState {
    /// No result.
    Open = 0,
    /// It left the phone.
    Sent = 1,
    /// It did not.
    Refused = 2,
    /// SmsManager was called, and no result ever came.
    Unknown = 3,
    /// The operator reported delivery.
    Delivered = 4,
    /// The operator gave up.
    Undeliverable = 5,
}

impl PartState {
    /// From its code.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Open,
            1 => Self::Sent,
            2 => Self::Refused,
            3 => Self::Unknown,
            4 => Self::Delivered,
            5 => Self::Undeliverable,
            _ => return None,
        })
    }

    /// Results only ever become more certain.
    const fn certainty(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Unknown => 1,
            Self::Sent | Self::Refused => 2,
            Self::Delivered | Self::Undeliverable => 3,
        }
    }
}

/// All parts of one attempt, at most 255.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartStates(Vec<PartState>);

/// What follows when the agent refuses a message that did not leave at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AfterRefusal {
    /// It waits for this and is tried again.
    Wait(WaitsFor),
    /// It failed: the user decides.
    Fail,
}

impl PartStates {
    /// So many without a result.
    pub fn open(count: u8) -> Self {
        Self(vec![PartState::Open; count.into()])
    }

    /// From codes; `None` if one is unknown or there are too many.
    pub fn from_codes(codes: &[u8]) -> Option<Self> {
        if codes.len() > 255 {
            return None;
        }
        codes
            .iter()
            .map(|&code| PartState::from_code(code))
            .collect::<Option<_>>()
            .map(Self)
    }

    /// As codes.
    pub fn codes(&self) -> Vec<u8> {
        self.0.iter().map(|&part| part as u8).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Not handed to the agent.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many left the phone.
    pub fn sent(&self) -> usize {
        self.count(|part| {
            matches!(
                part,
                PartState::Sent | PartState::Delivered | PartState::Undeliverable
            )
        })
    }

    /// How many were delivered.
    pub fn delivered(&self) -> usize {
        self.count(|part| part == PartState::Delivered)
    }

    fn count(&self, what: impl Fn(PartState) -> bool) -> usize {
        self.0.iter().filter(|&&part| what(part)).count()
    }

    /// Takes a result; `false` if it tells nothing new, or of no part there is.
    pub fn take(&mut self, part: u8, state: PartState) -> bool {
        let Some(known) = self.0.get_mut(usize::from(part)) else {
            return false;
        };
        let news = state.certainty() > known.certainty();
        if news {
            *known = state;
        }
        news
    }

    /// Whether every part has a result, be it that it is unknown.
    pub fn all_told(&self) -> bool {
        self.count(|part| part == PartState::Open) == 0
    }

    /// Whether any part may have left the phone: another try is then another
    /// copy.
    pub fn may_have_left(&self) -> bool {
        self.sent() > 0 || self.count(|part| part == PartState::Unknown) > 0
    }

    /// What the attempt is now, as far as its parts tell; `None`: it is still on
    /// its way. `was` is what it was before, `refusal` what follows if nothing
    /// of it left the phone.
    pub fn attempt(&self, was: SmsAttempt, refusal: AfterRefusal) -> Option<SmsAttempt> {
        let all = self.len();
        let open = self.count(|part| part == PartState::Open);
        let unknown = self.count(|part| part == PartState::Unknown);
        let refused = self.count(|part| part == PartState::Refused);
        let undeliverable = self.count(|part| part == PartState::Undeliverable);
        if undeliverable > 0 {
            return Some(SmsAttempt::Failed);
        }
        if self.delivered() == all {
            return Some(SmsAttempt::Delivered);
        }
        if open > 0 {
            return None;
        }
        if refused == 0 && unknown == 0 {
            return Some(SmsAttempt::Sent);
        }
        if refused == 0 {
            // Unknown: not before its time is over (DELIVERY 26).
            return (was == SmsAttempt::Unconfirmed).then_some(SmsAttempt::Unconfirmed);
        }
        match refusal {
            AfterRefusal::Wait(_) if refused == all => Some(SmsAttempt::Waiting),
            // Some of it left: sending it again is the user's choice.
            _ => Some(SmsAttempt::Failed),
        }
    }
}
