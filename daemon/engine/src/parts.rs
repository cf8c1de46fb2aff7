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
    /// It did not: it was never tried, or turned away before it could leave.
    Refused = 2,
    /// SmsManager was called, and no result ever came.
    Unknown = 3,
    /// The operator reported delivery.
    Delivered = 4,
    /// The operator gave up.
    Undeliverable = 5,
    /// Told as not sent, by an error after which it may have left all the same: the
    /// network's acknowledgement (RP-ACK, 3GPP TS 24.011 section 7.3.2) may have been
    /// lost on its way.
    Doubtful = 6,
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
            6 => Self::Doubtful,
            _ => return None,
        })
    }

    /// Results only ever become more certain.
    const fn certainty(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Unknown => 1,
            Self::Sent | Self::Refused | Self::Doubtful => 2,
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

    /// Whether any part may have left the phone, as far as anyone can tell: so a note
    /// says (DELIVERY 18). What failed when it was tried has not, most likely: a note of it
    /// would give its place to another SMS of the same text.
    pub fn may_have_left(&self) -> bool {
        self.sent() > 0 || self.count(|part| part == PartState::Unknown) > 0
    }

    /// Whether another try is another copy, to be on the safe side.
    pub fn may_be_there(&self) -> bool {
        self.may_have_left() || self.count(|part| part == PartState::Doubtful) > 0
    }

    /// How many were told as not sent.
    fn refused(&self) -> usize {
        self.count(|part| matches!(part, PartState::Refused | PartState::Doubtful))
    }

    /// What the attempt is now, as far as its parts tell; `None`: it is still on
    /// its way. `was` is what it was before, `refusal` what follows if nothing
    /// of it left the phone.
    ///
    /// What was given up once never waits again: what is behind it in its lane has
    /// left since (DELIVERY 21).
    pub fn attempt(&self, was: SmsAttempt, refusal: AfterRefusal) -> Option<SmsAttempt> {
        let all = self.len();
        let refused = self.refused();
        if self.count(|part| part == PartState::Undeliverable) > 0 {
            return Some(SmsAttempt::Failed);
        }
        if self.delivered() == all {
            return Some(SmsAttempt::Delivered);
        }
        if self.sent() == all {
            return Some(SmsAttempt::Sent);
        }
        let told = self.all_told();
        let failed = refused > 0 && refusal == AfterRefusal::Fail && told;
        if self.sent() + refused < all && !failed {
            // Not before their time is over, see `overdue` (DELIVERY 26).
            return match was {
                SmsAttempt::Handed => None,
                _ => Some(self.overdue()),
            };
        }
        match refusal {
            AfterRefusal::Wait(_) if refused == all && was == SmsAttempt::Handed => {
                Some(SmsAttempt::Waiting)
            }
            // Some of it left: sending it again is the user's choice.
            _ => Some(SmsAttempt::Failed),
        }
    }

    /// What the attempt is when the time for its results is over (DELIVERY 26): a text
    /// of which a part is missing cannot be read.
    pub fn overdue(&self) -> SmsAttempt {
        if self.refused() > 0 {
            SmsAttempt::Failed
        } else {
            SmsAttempt::Unconfirmed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PartState::{Doubtful, Open, Refused, Sent, Undeliverable, Unknown};
    use SmsAttempt::{Failed, Handed, Unconfirmed, Waiting};

    const RADIO: AfterRefusal = AfterRefusal::Wait(WaitsFor::Radio);

    fn parts(states: &[PartState]) -> PartStates {
        PartStates(states.to_vec())
    }

    #[test]
    fn what_was_never_tried_waits_only_if_that_is_known_of_each_part() {
        for (states, then) in [
            (&[Refused, Refused][..], Some(Waiting)),
            (&[Refused, Unknown], None),
            (&[Refused, Open], None),
            (&[Refused, Sent], Some(Failed)),
        ] {
            assert_eq!(parts(states).attempt(Handed, RADIO), then, "{states:?}");
        }
        let failed = parts(&[Refused, Unknown]).attempt(Handed, AfterRefusal::Fail);
        assert_eq!(failed, Some(Failed), "whatever becomes of the other part");
    }

    /// What is behind it has left since: a late result does not send it after all. Found
    /// by the simulator (seed 775369 of one minute).
    #[test]
    fn what_was_given_up_never_waits_again() {
        for was in [Failed, Unconfirmed] {
            let late = parts(&[Refused, Refused]).attempt(was, RADIO);
            assert_eq!(late, Some(Failed), "{was:?}");
        }
        let gone = parts(&[Undeliverable, Refused]).attempt(Failed, RADIO);
        assert_eq!(gone, Some(Failed));
    }

    #[test]
    fn what_is_overdue_failed_if_a_part_is_missing() {
        assert_eq!(parts(&[Sent, Unknown]).overdue(), Unconfirmed);
        assert_eq!(parts(&[Sent, Open]).overdue(), Unconfirmed);
        assert_eq!(parts(&[Refused, Unknown]).overdue(), Failed);
    }

    #[test]
    fn a_part_that_failed_when_it_was_tried_may_have_left() {
        let tried = parts(&[Doubtful]);
        assert!(tried.may_be_there());
        assert!(!tried.may_have_left(), "so a note says nothing of it");
        assert_eq!(tried.attempt(Handed, AfterRefusal::Fail), Some(Failed));
        assert!(!parts(&[Refused]).may_be_there());
    }

    #[test]
    fn codes_read_back() {
        for code in 0..=6 {
            assert_eq!(
                PartState::from_code(code).map(|state| state as u8),
                Some(code)
            );
        }
        assert_eq!(PartState::from_code(7), None);
    }
}
