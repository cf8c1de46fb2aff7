//! How enumerations stand in the tables. A code keeps its meaning for ever; new
//! ones are added at the end.

use twine_engine::message::{
    Channel, Failure, IpAttempt, LaneUse, SentAs, Shown, SmsAttempt, TakeBack, WaitsFor,
};
use twine_engine::settings::{Fallback, Mode, Reach};
use twine_engine::store_ops::EventKind;
use twine_proto::frame::{Refusal, RejectReason};
use twine_proto::{Epoch, Filled, Seq};

/// `message.direction`; 1 is incoming.
pub(crate) const OUTGOING: i64 = 0;

/// `message.hidden`: a note without a message; 1 is a copy.
pub(crate) const NOTE: i64 = 2;

/// `message.stage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// None of the others: settled, on IP, or in its queue.
    Other = 0,
    Undecided = 1,
    SmsWaiting = 2,
    SmsHanded = 3,
}

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
pub(crate) const fn sms_code(sms: SmsAttempt) -> i64 {
    match sms {
        SmsAttempt::None => 0,
        SmsAttempt::Waiting => 1,
        SmsAttempt::Sent => 2,
        SmsAttempt::Delivered => 3,
        SmsAttempt::Unconfirmed => 4,
        SmsAttempt::Failed => 5,
        SmsAttempt::NotUsed => 6,
        SmsAttempt::Handed => 7,
    }
}

/// See [`sms_code`].
pub(crate) const fn sms_from(code: i64) -> Option<SmsAttempt> {
    Some(match code {
        0 => SmsAttempt::None,
        1 => SmsAttempt::Waiting,
        2 => SmsAttempt::Sent,
        3 => SmsAttempt::Delivered,
        4 => SmsAttempt::Unconfirmed,
        5 => SmsAttempt::Failed,
        6 => SmsAttempt::NotUsed,
        7 => SmsAttempt::Handed,
        _ => return None,
    })
}

/// `message.take_back`.
pub(crate) const fn take_back_code(reason: TakeBack) -> i64 {
    match reason {
        TakeBack::Cancelled => 0,
        TakeBack::Expired => 1,
        TakeBack::BySms => 2,
    }
}

/// See [`take_back_code`].
pub(crate) const fn take_back_from(code: i64) -> Option<TakeBack> {
    Some(match code {
        0 => TakeBack::Cancelled,
        1 => TakeBack::Expired,
        2 => TakeBack::BySms,
        _ => return None,
    })
}

/// `message.wish` and `message.came_by`.
pub(crate) const fn channel_code(channel: Channel) -> i64 {
    match channel {
        Channel::Ip => 0,
        Channel::Sms => 1,
    }
}

/// See [`channel_code`].
pub(crate) const fn channel_from(code: i64) -> Option<Channel> {
    Some(match code {
        0 => Channel::Ip,
        1 => Channel::Sms,
        _ => return None,
    })
}

/// `message.waits_for`.
pub(crate) const fn waits_code(waits: WaitsFor) -> i64 {
    match waits {
        WaitsFor::User => 0,
        WaitsFor::Sim => 1,
        WaitsFor::Radio => 2,
        WaitsFor::Service => 3,
        WaitsFor::Limit => 4,
        WaitsFor::Home => 5,
    }
}

/// See [`waits_code`].
pub(crate) const fn waits_from(code: i64) -> Option<WaitsFor> {
    Some(match code {
        0 => WaitsFor::User,
        1 => WaitsFor::Sim,
        2 => WaitsFor::Radio,
        3 => WaitsFor::Service,
        4 => WaitsFor::Limit,
        5 => WaitsFor::Home,
        _ => return None,
    })
}

/// `message.lane_use`.
pub(crate) const fn lane_use_from(code: i64) -> Option<LaneUse> {
    Some(match code {
        0 => LaneUse::Free,
        1 => LaneUse::OnIp,
        2 => LaneUse::QueuedForIp,
        3 => LaneUse::Blocks,
        _ => return None,
    })
}

/// See [`lane_use_from`].
pub(crate) const fn lane_use_code(lane_use: LaneUse) -> i64 {
    match lane_use {
        LaneUse::Free => 0,
        LaneUse::OnIp => 1,
        LaneUse::QueuedForIp => 2,
        LaneUse::Blocks => 3,
    }
}

/// `setting.mode`.
pub(crate) const fn mode_code(mode: Mode) -> i64 {
    match mode {
        Mode::Auto => 0,
        Mode::IpOnly => 1,
        Mode::SmsOnly => 2,
    }
}

/// See [`mode_code`].
pub(crate) const fn mode_from(code: i64) -> Option<Mode> {
    Some(match code {
        0 => Mode::Auto,
        1 => Mode::IpOnly,
        2 => Mode::SmsOnly,
        _ => return None,
    })
}

/// `setting.fallback`.
pub(crate) const fn fallback_code(fallback: Fallback) -> i64 {
    match fallback {
        Fallback::Always => 0,
        Fallback::NotWhenRoaming => 1,
        Fallback::Ask => 2,
        Fallback::Never => 3,
    }
}

/// See [`fallback_code`].
pub(crate) const fn fallback_from(code: i64) -> Option<Fallback> {
    Some(match code {
        0 => Fallback::Always,
        1 => Fallback::NotWhenRoaming,
        2 => Fallback::Ask,
        3 => Fallback::Never,
        _ => return None,
    })
}

/// `reach.reach`.
pub(crate) const fn reach_code(reach: Reach) -> i64 {
    match reach {
        Reach::Unknown => 0,
        Reach::OnIp => 1,
        Reach::Refused => 2,
        Reach::Silent => 3,
    }
}

/// See [`reach_code`].
pub(crate) const fn reach_from(code: i64) -> Option<Reach> {
    Some(match code {
        0 => Reach::Unknown,
        1 => Reach::OnIp,
        2 => Reach::Refused,
        3 => Reach::Silent,
        _ => return None,
    })
}

/// `note_pending.filled`; beside it are the hash, and whether it was resent.
pub(crate) const fn filled_code(filled: Filled) -> i64 {
    match filled {
        Filled::Ip => 0,
        Filled::Sms(_) | Filled::SmsAgain(_) => 1,
        Filled::Both(_) | Filled::BothAgain(_) => 2,
        Filled::Void => 3,
    }
}

/// See [`filled_code`].
pub(crate) const fn filled_from(code: i64, hash: u16, resent: bool) -> Option<Filled> {
    Some(match (code, resent) {
        (0, _) => Filled::Ip,
        (1, false) => Filled::Sms(hash),
        (1, true) => Filled::SmsAgain(hash),
        (2, false) => Filled::Both(hash),
        (2, true) => Filled::BothAgain(hash),
        (3, _) => Filled::Void,
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
        EventKind::Merged => 2,
        EventKind::Unmerged => 3,
        EventKind::Reordered => 4,
    }
}

/// See [`event_code`].
pub(crate) const fn event_from(code: i64) -> Option<EventKind> {
    Some(match code {
        0 => EventKind::Received,
        1 => EventKind::StateChanged,
        2 => EventKind::Merged,
        3 => EventKind::Unmerged,
        4 => EventKind::Reordered,
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
            IpAttempt::Revoked(TakeBack::BySms),
            IpAttempt::Rejected(RejectReason::Unreadable),
            IpAttempt::Rejected(RejectReason::Conflict),
        ];
        attempts.extend((0..4).filter_map(refusal_from).map(IpAttempt::Refused));
        assert_eq!(attempts.len(), 14);
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

    /// Every code that means something means itself.
    fn survives<T: Copy>(count: usize, from: impl Fn(i64) -> Option<T>, code: impl Fn(T) -> i64) {
        let known: Vec<_> = (-1..20)
            .filter_map(|at| from(at).map(|it| (at, it)))
            .collect();
        assert_eq!(known.len(), count);
        for (at, it) in known {
            assert_eq!(code(it), at);
        }
    }

    #[test]
    fn every_code_means_one_thing() {
        survives(8, sms_from, sms_code);
        survives(3, take_back_from, take_back_code);
        survives(2, channel_from, channel_code);
        survives(6, waits_from, waits_code);
        survives(4, lane_use_from, lane_use_code);
        survives(3, mode_from, mode_code);
        survives(4, fallback_from, fallback_code);
        survives(4, reach_from, reach_code);
        survives(5, event_from, event_code);
        survives(4, |at| filled_from(at, 9, false), filled_code);
        for resent in [1, 2].map(|code| filled_from(code, 9, true).unwrap()) {
            let (code, hash) = (filled_code(resent), resent.hash().unwrap());
            assert_eq!(filled_from(code, hash, resent.is_resent()), Some(resent));
        }
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
