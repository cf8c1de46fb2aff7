//! The life of a message: two attempt records, and what the user sees as a
//! pure function of both (DELIVERY 16).

use twine_proto::frame::{Disposition, Refusal, RejectReason};
use twine_proto::{Content, E164, Epoch, LaneSeq, MessageName, NoteEntry, Peer, Redacted, Seq};

use crate::parts::PartStates;
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
    /// It goes by SMS instead.
    BySms,
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
                // Neither its user nor its validity took it back: it was asked back
                // to go by SMS, and an acceptance or an old copy of the store took
                // the mark away.
                None => TakeBack::BySms,
            }),
            Disposition::Expired => Self::Expired,
            Disposition::Rejected(reason) => Self::Rejected(reason),
        }
    }
}

/// The attempt by SMS.
///
/// ```text
///              ReleaseSms        HandSms          parts resulted
///  None ──────────────▶ Waiting ─────────▶ Handed ──────────────▶ Sent ──▶ Delivered
///   │ RuleOutSms           │ ▲ recalled     │ │ 10 min unknown      │
///   ▼                      ▼ │ not sent,    │ └───▶ Unconfirmed ───▶│ undeliverable
///  NotUsed ◀───────────────┘ └─ for now ────┘                       ▼
///                                           └───────────────────▶ Failed
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SmsAttempt {
    /// Not released to SMS; it may be yet.
    None,
    /// Will not be used for this message: by the user's wish, a setting, or
    /// because IP has it.
    NotUsed,
    /// Released, waiting in our own queue for pacing, the SIM, or the radio.
    Waiting,
    /// The agent was asked to send it; parts are without a result.
    Handed,
    /// All parts left the phone.
    Sent,
    /// The operator reported delivery of all parts.
    Delivered,
    /// Result unknown and timed out: sent, unconfirmed (DELIVERY 26).
    Unconfirmed,
    /// Finally not sent, not sent whole, or reported as undeliverable.
    Failed,
}

impl SmsAttempt {
    /// Whether this attempt can never deliver the message any more.
    pub const fn is_negative(self) -> bool {
        matches!(self, Self::NotUsed | Self::Failed)
    }
}

/// A way to travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// Through the gateway.
    Ip,
    /// Through the operator.
    Sms,
}

/// What a message waits for that neither time nor the gateway brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WaitsFor {
    /// The user decides: send by SMS, wait on, or cancel. It blocks nobody.
    User,
    /// The card of its conversation.
    Sim,
    /// The radio is off.
    Radio,
    /// A network that carries SMS.
    Service,
    /// Android's or the operator's limit.
    Limit,
    /// The card roams, and the setting says not then.
    Home,
}

impl WaitsFor {
    /// Conditions of cards and networks of operators. IP may be there before them.
    pub const CONDITIONS: [Self; 5] = [
        Self::Sim,
        Self::Radio,
        Self::Service,
        Self::Limit,
        Self::Home,
    ];

    /// A stable word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Sim => "sim",
            Self::Radio => "radio",
            Self::Service => "service",
            Self::Limit => "limit",
            Self::Home => "home",
        }
    }
}

/// What a message means for those behind it in its lane (DELIVERY 21).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LaneUse {
    /// Settled, or the user has to decide: it is in nobody's way.
    Free,
    /// Unsettled on IP: others may follow by IP.
    OnIp,
    /// In the queue of IP: those behind it follow when it left.
    QueuedForIp,
    /// Not decided, or on its way by SMS: nothing passes it.
    Blocks,
}

/// What [`lane_use`] follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneFacts {
    /// The attempt by IP.
    pub ip: IpAttempt,
    /// The attempt by SMS.
    pub sms: SmsAttempt,
    /// What it waits for.
    pub waits: Option<WaitsFor>,
    /// Of a queued message: it is not in the queue of IP.
    pub undecided: bool,
    /// It is being taken back.
    pub take_back: Option<TakeBack>,
    /// Accepted in an epoch that is closed: a lane ends with its epoch, and what
    /// stays in it may never be told of.
    pub lane_ended: bool,
}

/// See [`LaneUse`]. What nobody wants any more holds nobody up, even if the
/// gateway cannot tell for days whether it was in time to take it back.
pub const fn lane_use(facts: LaneFacts) -> LaneUse {
    let LaneFacts {
        ip,
        sms,
        waits,
        undecided,
        take_back,
        lane_ended,
    } = facts;
    if matches!(waits, Some(WaitsFor::User)) {
        return LaneUse::Free;
    }
    match sms {
        SmsAttempt::Waiting | SmsAttempt::Handed => LaneUse::Blocks,
        SmsAttempt::Sent | SmsAttempt::Delivered | SmsAttempt::Unconfirmed => LaneUse::Free,
        SmsAttempt::None | SmsAttempt::NotUsed | SmsAttempt::Failed => match ip {
            IpAttempt::Delivered(_) => LaneUse::Free,
            IpAttempt::InFlight(_) | IpAttempt::Accepted(_) => match take_back {
                Some(TakeBack::Cancelled | TakeBack::Expired) => LaneUse::Free,
                // While SMS is open for it, it may yet move into the present lane.
                _ if lane_ended && !matches!(sms, SmsAttempt::None) => LaneUse::Free,
                Some(TakeBack::BySms) | None => LaneUse::OnIp,
            },
            IpAttempt::None if matches!(sms, SmsAttempt::Failed) => LaneUse::Free,
            IpAttempt::None if undecided => LaneUse::Blocks,
            IpAttempt::None => LaneUse::QueuedForIp,
            IpAttempt::Revoked(TakeBack::Cancelled | TakeBack::Expired) => LaneUse::Free,
            // Negative, and SMS is still open: it is about to go that way.
            _ if matches!(sms, SmsAttempt::None) => LaneUse::Blocks,
            _ => LaneUse::Free,
        },
    }
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
/// attempt is; failed only if both are finally negative. An attempt by SMS that
/// never was, but may be yet, is not negative.
pub const fn shown(ip: IpAttempt, sms: SmsAttempt, read: bool) -> Shown {
    if read {
        return Shown::Read;
    }
    match (ip, sms) {
        (IpAttempt::Delivered(_), _) | (_, SmsAttempt::Delivered) => Shown::Delivered,
        (IpAttempt::Accepted(_), _) | (_, SmsAttempt::Sent | SmsAttempt::Unconfirmed) => {
            Shown::Sent
        }
        (IpAttempt::InFlight(_), _) | (_, SmsAttempt::Waiting | SmsAttempt::Handed) => {
            Shown::Sending
        }
        (IpAttempt::None, SmsAttempt::None | SmsAttempt::NotUsed) => Shown::Queued,
        (IpAttempt::Revoked(TakeBack::Cancelled), _) => Shown::Cancelled,
        (IpAttempt::Revoked(TakeBack::Expired), _) => Shown::Failed(Failure::ValidityOver),
        (_, SmsAttempt::None) => Shown::Sending,
        (IpAttempt::None | IpAttempt::Revoked(TakeBack::BySms), _) => {
            Shown::Failed(Failure::SmsFailed)
        }
        (IpAttempt::Refused(refusal), _) => Shown::Failed(Failure::Refused(refusal)),
        (IpAttempt::Expired, _) => Shown::Failed(Failure::ExpiredAtGateway),
        (IpAttempt::Rejected(reason), _) => Shown::Failed(Failure::Rejected(reason)),
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
    pub peer: Peer,
    /// The text; `None` for a placeholder.
    pub text: Option<Redacted<String>>,
    /// Universal name, once it has a place in its lane.
    pub name: Option<MessageName>,
    /// The attempt by IP (outgoing).
    pub ip: IpAttempt,
    /// The attempt by SMS (outgoing).
    pub sms: SmsRecord,
    /// What it waits for (outgoing).
    pub waits_for: Option<WaitsFor>,
    /// By which channel it came (incoming).
    pub came_by: Channel,
    /// It is a copy of this message (incoming): not shown by itself.
    pub copy_of: Option<MessageId>,
    /// Came by SMS, and found its place more than a day late: it stays where it
    /// arrived (DELIVERY 20).
    pub late: bool,
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

/// What is known of the attempt by SMS, and of an SMS that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmsRecord {
    /// How it stands.
    pub state: SmsAttempt,
    /// The card it leaves by, or came by.
    pub iccid: Option<Redacted<String>>,
    /// It carries the mark of an uncertain copy.
    pub marked: bool,
    /// What became of each part; empty while it was not handed to the agent.
    pub parts: PartStates,
    /// The last result code of a part that was not sent, as in SmsManager.
    pub code: Option<i32>,
    /// When the operator took it, milliseconds since 1970 (incoming).
    pub scts_ms: u64,
}

impl Default for SmsRecord {
    fn default() -> Self {
        Self {
            state: SmsAttempt::None,
            iccid: None,
            marked: false,
            parts: PartStates::default(),
            code: None,
            scts_ms: 0,
        }
    }
}

/// The content of a message with this text and note.
pub fn content_of(text: &str, note: Vec<NoteEntry>) -> Content {
    Content {
        text: (!text.is_empty()).then(|| Redacted::new(text.to_owned())),
        note,
    }
}
