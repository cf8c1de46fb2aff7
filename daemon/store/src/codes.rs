//! How enumerations stand in the tables. A code keeps its meaning for ever; new
//! ones are added at the end.

use twine_engine::message::{Failure, IpAttempt, SentAs, Shown, SmsAttempt, TakeBack};
use twine_engine::store_ops::EventKind;
use twine_proto::frame::{Refusal, RejectReason};
use twine_proto::{Epoch, Seq};

/// `message.direction`; 1 is incoming.
pub(crate) const OUTGOING: i64 = 0;

/// `message.body` of incoming messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    Text = 0,
    Unreadable = 1,
    Conflicting = 2,
}

impl Body {
    pub(crate) const fn from_code(code: i64) -> Option<Self> {
        Some(match code {
            0 => Self::Text,
            1 => Self::Unreadable,
            2 => Self::Conflicting,
            _ => return None,
        })
    }

    pub(crate) const fn shown(self) -> Shown {
        match self {
            Self::Text => Shown::Received,
            Self::Unreadable => Shown::Unreadable,
            Self::Conflicting => Shown::Conflicting,
        }
    }

    /// What the gateway was told of it.
    pub(crate) const fn rejected(self) -> Option<RejectReason> {
        match self {
            Self::Text => None,
            Self::Unreadable => Some(RejectReason::Unreadable),
            Self::Conflicting => Some(RejectReason::Conflict),
        }
    }
}

/// `message.ip` and `message.ip_detail`. 0 to 2 are open, 3 to 6 negative, 7 is
/// delivered: the indexes of the schema rely on it.
pub(crate) const fn ip_code(ip: IpAttempt) -> (i64, Option<i64>) {
    match ip {
        IpAttempt::None => (0, None),
        IpAttempt::InFlight(_) => (1, None),
        IpAttempt::Accepted(_) => (2, None),
        IpAttempt::Refused(refusal) => (3, Some(refusal_code(refusal))),
        IpAttempt::Revoked(reason) => (4, Some(take_back_code(reason))),
        IpAttempt::Expired => (5, None),
        IpAttempt::Rejected(reason) => (6, Some(reject_code(reason))),
        IpAttempt::Delivered(_) => (7, None),
    }
}

/// From the columns `ip`, `ip_detail`, `sent_epoch`, `sent_seq`.
pub(crate) fn ip_from(
    code: i64,
    detail: Option<i64>,
    epoch: Option<Epoch>,
    seq: Option<Seq>,
) -> Option<IpAttempt> {
    let sent = || {
        Some(SentAs {
            epoch: epoch?,
            seq: seq?,
        })
    };
    Some(match code {
        0 => IpAttempt::None,
        1 => IpAttempt::InFlight(sent()?),
        2 => IpAttempt::Accepted(sent()?),
        3 => IpAttempt::Refused(refusal_from(detail?)?),
        4 => IpAttempt::Revoked(take_back_from(detail?)?),
        5 => IpAttempt::Expired,
        6 => IpAttempt::Rejected(reject_from(detail?)?),
        7 => IpAttempt::Delivered(sent()?),
        _ => return None,
    })
}

/// `message.sms`.
pub(crate) const fn sms_from(code: i64) -> Option<SmsAttempt> {
    Some(match code {
        0 => SmsAttempt::None,
        1 => SmsAttempt::Waiting,
        2 => SmsAttempt::Sent,
        3 => SmsAttempt::Delivered,
        4 => SmsAttempt::Unconfirmed,
        5 => SmsAttempt::Failed,
        _ => return None,
    })
}

/// `message.take_back`.
pub(crate) const fn take_back_code(reason: TakeBack) -> i64 {
    match reason {
        TakeBack::Cancelled => 0,
        TakeBack::Expired => 1,
    }
}

/// See [`take_back_code`].
pub(crate) const fn take_back_from(code: i64) -> Option<TakeBack> {
    Some(match code {
        0 => TakeBack::Cancelled,
        1 => TakeBack::Expired,
        _ => return None,
    })
}

const fn refusal_code(refusal: Refusal) -> i64 {
    match refusal {
        Refusal::UnknownRecipient => 0,
        Refusal::MailboxFull => 1,
        Refusal::TooLarge => 2,
        Refusal::Policy => 3,
    }
}

const fn refusal_from(code: i64) -> Option<Refusal> {
    Some(match code {
        0 => Refusal::UnknownRecipient,
        1 => Refusal::MailboxFull,
        2 => Refusal::TooLarge,
        3 => Refusal::Policy,
        _ => return None,
    })
}

const fn reject_code(reason: RejectReason) -> i64 {
    match reason {
        RejectReason::Unreadable => 0,
        RejectReason::Conflict => 1,
    }
}

const fn reject_from(code: i64) -> Option<RejectReason> {
    Some(match code {
        0 => RejectReason::Unreadable,
        1 => RejectReason::Conflict,
        _ => return None,
    })
}

/// `event.kind`.
pub(crate) const fn event_code(kind: EventKind) -> i64 {
    match kind {
        EventKind::Received => 0,
        EventKind::StateChanged => 1,
    }
}

/// See [`event_code`].
pub(crate) const fn event_from(code: i64) -> Option<EventKind> {
    Some(match code {
        0 => EventKind::Received,
        1 => EventKind::StateChanged,
        _ => return None,
    })
}

const REFUSED: i64 = 32;
const REJECTED: i64 = 48;

/// `event.shown`.
pub(crate) const fn shown_code(shown: Shown) -> i64 {
    match shown {
        Shown::Queued => 0,
        Shown::Sending => 1,
        Shown::Sent => 2,
        Shown::Delivered => 3,
        Shown::Read => 4,
        Shown::Cancelled => 5,
        Shown::Received => 6,
        Shown::Unreadable => 7,
        Shown::Conflicting => 8,
        Shown::Failed(Failure::ValidityOver) => 16,
        Shown::Failed(Failure::ExpiredAtGateway) => 17,
        Shown::Failed(Failure::SmsFailed) => 18,
        Shown::Failed(Failure::Refused(refusal)) => REFUSED + refusal_code(refusal),
        Shown::Failed(Failure::Rejected(reason)) => REJECTED + reject_code(reason),
    }
}

/// See [`shown_code`].
pub(crate) fn shown_from(code: i64) -> Option<Shown> {
    Some(match code {
        0 => Shown::Queued,
        1 => Shown::Sending,
        2 => Shown::Sent,
        3 => Shown::Delivered,
        4 => Shown::Read,
        5 => Shown::Cancelled,
        6 => Shown::Received,
        7 => Shown::Unreadable,
        8 => Shown::Conflicting,
        16 => Shown::Failed(Failure::ValidityOver),
        17 => Shown::Failed(Failure::ExpiredAtGateway),
        18 => Shown::Failed(Failure::SmsFailed),
        REFUSED..REJECTED => Shown::Failed(Failure::Refused(refusal_from(code - REFUSED)?)),
        _ => Shown::Failed(Failure::Rejected(reject_from(code - REJECTED)?)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: SentAs = SentAs {
        epoch: Epoch(7),
        seq: Seq(9),
    };

    #[test]
    fn every_attempt_survives_its_code() {
        let mut attempts = vec![
            IpAttempt::None,
            IpAttempt::InFlight(SENT),
            IpAttempt::Accepted(SENT),
            IpAttempt::Delivered(SENT),
            IpAttempt::Expired,
            IpAttempt::Revoked(TakeBack::Cancelled),
            IpAttempt::Revoked(TakeBack::Expired),
            IpAttempt::Rejected(RejectReason::Unreadable),
            IpAttempt::Rejected(RejectReason::Conflict),
        ];
        attempts.extend((0..4).filter_map(refusal_from).map(IpAttempt::Refused));
        assert_eq!(attempts.len(), 13);
        for ip in attempts {
            let (code, detail) = ip_code(ip);
            assert_eq!(
                ip_from(code, detail, Some(SENT.epoch), Some(SENT.seq)),
                Some(ip)
            );
        }
        assert_eq!(
            ip_from(1, None, None, None),
            None,
            "in flight without a seq"
        );
    }

    #[test]
    fn every_shown_state_survives_its_code() {
        let states: Vec<_> = (-1..100).filter_map(shown_from).collect();
        assert_eq!(states.len(), 9 + 3 + 4 + 2);
        for shown in states {
            assert_eq!(shown_from(shown_code(shown)), Some(shown));
        }
    }
}
