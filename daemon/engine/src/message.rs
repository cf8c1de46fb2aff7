//! The life of a message: two attempt records, and what the user sees as a
//! pure function of both (DELIVERY 16).

use twine_proto::frame::{Disposition, Refusal, RejectReason};
use twine_proto::{Content, E164, Epoch, LaneSeq, MessageName, Redacted, Seq};

use crate::time::WallTime;

/// A message on this device, given at commit, never reused (DELIVERY 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub u64);

/// Why a message is being taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TakeBack {
    /// The user cancelled it.
    Cancelled,
    /// Its validity is over.
    Expired,
}

/// The attempt by IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IpAttempt {
    /// Not released to IP (yet).
    None,
    /// Has a seq; the gateway's answer is not known. Unsettled.
    InFlight(SentAs),
    /// The gateway has it. Unsettled.
    Accepted(SentAs),
    /// The receiver has it.
    Delivered(SentAs),
    /// Refused by the gateway: wedged until the user retries.
    Refused(Refusal),
    /// Taken back before it was handed over.
    Revoked(TakeBack),
    /// Lay in the mailbox until its time was over: wedged.
    Expired,
    /// The receiver could not read it, or holds another of that name: wedged.
    Rejected(RejectReason),
}

/// Under which number a message went to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SentAs {
    /// The sender's binding.
    pub epoch: Epoch,
    /// The hop's count.
    pub seq: Seq,
}

impl IpAttempt {
    /// Whether this attempt can never deliver the message any more.
    pub const fn is_negative(self) -> bool {
        matches!(
            self,
            Self::Refused(_) | Self::Revoked(_) | Self::Expired | Self::Rejected(_)
        )
    }

    /// The seq and epoch while the outcome is open.
    pub const fn unsettled(self) -> Option<SentAs> {
        match self {
            Self::InFlight(sent) | Self::Accepted(sent) => Some(sent),
            _ => None,
        }
    }

    /// The attempt after the gateway told a final outcome.
    #[must_use]
    pub const fn after(disposition: Disposition, take_back: Option<TakeBack>) -> Self {
        match disposition {
            Disposition::Refused(refusal) => Self::Refused(refusal),
            Disposition::Revoked => Self::Revoked(match take_back {
                Some(reason) => reason,
                None => TakeBack::Cancelled,
            }),
            Disposition::Expired => Self::Expired,
            Disposition::Rejected(reason) => Self::Rejected(reason),
        }
    }
}

/// The attempt by SMS. The SMS channel fills it; the shown state already
/// takes it into account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SmsAttempt {
    /// Not released to SMS.
    None,
    /// Released, waiting for pacing, a SIM, or the radio.
    Waiting,
    /// All parts left the phone.
    Sent,
    /// The operator reported delivery of all parts.
    Delivered,
    /// Result unknown and timed out: sent, unconfirmed (DELIVERY 26).
    Unconfirmed,
    /// Finally not sent.
    Failed,
}

/// What the user sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shown {
    /// Stored, not yet on any channel.
    Queued,
    /// On its way to the gateway or the operator.
    Sending,
    /// The gateway or the operator has it.
    Sent,
    /// The receiver's device has it.
    Delivered,
    /// The peer has read it.
    Read,
    /// Finally not delivered: the user can retry.
    Failed(Failure),
    /// Taken back by the user.
    Cancelled,
    /// Incoming.
    Received,
    /// Incoming, of no version this device knows.
    Unreadable,
    /// Incoming, same name as another message, other content.
    Conflicting,
}

/// Why a message failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// Refused by the gateway.
    Refused(Refusal),
    /// Not delivered within its validity.
    ValidityOver,
    /// Lay at the gateway until its time was over.
    ExpiredAtGateway,
    /// The receiver's device cannot take it.
    Rejected(RejectReason),
    /// The SMS could not be sent.
    SmsFailed,
}

impl Failure {
    /// A stable word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Refused(Refusal::UnknownRecipient) => "unknown_recipient",
            Self::Refused(Refusal::MailboxFull) => "mailbox_full",
            Self::Refused(Refusal::TooLarge) => "too_large",
            Self::Refused(Refusal::Policy) => "policy",
            Self::ValidityOver => "validity_over",
            Self::ExpiredAtGateway => "expired_at_gateway",
            Self::Rejected(RejectReason::Unreadable) => "rejected_unreadable",
            Self::Rejected(RejectReason::Conflict) => "rejected_conflict",
            Self::SmsFailed => "sms_failed",
        }
    }
}

/// What the user sees of an outgoing message (DELIVERY 16): delivered if either
/// attempt is; failed only if both are finally negative, where an attempt that
/// never was counts as negative beside one that failed.
pub const fn shown(ip: IpAttempt, sms: SmsAttempt, read: bool) -> Shown {
    if read {
        return Shown::Read;
    }
    match (ip, sms) {
        (IpAttempt::Delivered(_), _) | (_, SmsAttempt::Delivered) => Shown::Delivered,
        (IpAttempt::Accepted(_), _) | (_, SmsAttempt::Sent | SmsAttempt::Unconfirmed) => {
            Shown::Sent
        }
        (IpAttempt::InFlight(_), _) | (_, SmsAttempt::Waiting) => Shown::Sending,
        (IpAttempt::None, SmsAttempt::None) => Shown::Queued,
        (IpAttempt::None, SmsAttempt::Failed) => Shown::Failed(Failure::SmsFailed),
        (IpAttempt::Refused(refusal), _) => Shown::Failed(Failure::Refused(refusal)),
        (IpAttempt::Expired, _) => Shown::Failed(Failure::ExpiredAtGateway),
        (IpAttempt::Rejected(reason), _) => Shown::Failed(Failure::Rejected(reason)),
        (IpAttempt::Revoked(TakeBack::Cancelled), _) => Shown::Cancelled,
        (IpAttempt::Revoked(TakeBack::Expired), _) => Shown::Failed(Failure::ValidityOver),
    }
}

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Written here.
    Outgoing,
    /// Written by the peer.
    Incoming,
}

/// Where a message belongs in its conversation; apps sort by it (DELIVERY 19).
///
/// `position` is the message's own id, or, for one that came after a later one
/// of its lane, the position of that later one: the lane's order then decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderKey {
    /// Place among all messages of the device.
    pub position: u64,
    /// The sender's epoch; 0 for outgoing messages.
    pub epoch: Epoch,
    /// Place in the lane; 0 for outgoing messages.
    pub lane_seq: LaneSeq,
}

/// A message as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRecord {
    /// On this device.
    pub id: MessageId,
    /// Which way.
    pub direction: Direction,
    /// This device's number.
    pub own: E164,
    /// The other side.
    pub peer: E164,
    /// The text; `None` for a placeholder.
    pub text: Option<Redacted<String>>,
    /// Universal name, once it has a place in its lane.
    pub name: Option<MessageName>,
    /// The attempt by IP (outgoing).
    pub ip: IpAttempt,
    /// The attempt by SMS (outgoing).
    pub sms: SmsAttempt,
    /// It is being taken back, for this reason.
    pub take_back: Option<TakeBack>,
    /// What the user sees.
    pub shown: Shown,
    /// Place in the conversation.
    pub order: OrderKey,
    /// When it was stored first; display only.
    pub created: WallTime,
    /// When what the user sees changed last; display only.
    pub changed: WallTime,
    /// Seconds it lay at the gateway (incoming).
    pub age_s: u32,
}

/// What can go into the content of a message with this text.
pub fn content_of(text: &str) -> Content {
    Content {
        text: (!text.is_empty()).then(|| Redacted::new(text.to_owned())),
        note: Vec::new(),
    }
}
