//! What a store tells of what it holds.

use std::collections::BTreeMap;

use twine_proto::frame::{EpochPosition, ReadMark};
use twine_proto::{Cursor, E164, Epoch, LaneSeq, OpaqueContent, Peer, Redacted, Seq, SessionNo};

use crate::message::{Channel, IpAttempt, LaneUse, MessageId, SmsAttempt, TakeBack, WaitsFor};
use crate::parts::AttemptId;
use crate::settings::{Reach, Settings};
use crate::time::Instant;

use super::*;

/// What a learned thing is about. The codes are stored; they keep their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Memo {
    /// How long networks keep an idle connection.
    Heartbeats = 0,
    /// How networks and cards fared.
    Links = 1,
    /// How transports raced on networks, and their round trips.
    Races = 2,
    /// Which sessions this store began.
    Sessions = 3,
}

impl Memo {
    /// From its code.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Heartbeats,
            1 => Self::Links,
            2 => Self::Races,
            3 => Self::Sessions,
            _ => return None,
        })
    }
}

/// A read mark the gateway is not known to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UntoldMark {
    /// What to tell.
    pub mark: ReadMark,
    /// Grows each time there is something to tell of this lane, also if the mark
    /// itself stays where it is.
    pub version: u64,
}

/// An unsettled message and its number at the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsettled {
    /// Whose.
    pub number: E164,
    /// Of which epoch.
    pub epoch: Epoch,
    /// Which.
    pub seq: Seq,
}

/// A message to be decided about, with all that counts.
#[derive(Debug, Clone)]
pub struct Considered {
    /// Which.
    pub id: MessageId,
    /// Whose.
    pub own: E164,
    /// For whom.
    pub peer: Peer,
    /// Its text.
    pub text: Redacted<String>,
    /// The attempt by IP.
    pub ip: IpAttempt,
    /// The attempt by SMS.
    pub sms: SmsAttempt,
    /// It is being asked back.
    pub take_back: Option<TakeBack>,
    /// The gateway answered that it cannot tell (`InDoubt`, `Forgotten`).
    pub in_doubt: bool,
    /// Accepted, and the recipient was away.
    pub away: bool,
    /// An SMS with it may have left before.
    pub sms_left_before: bool,
    /// The user's wish.
    pub wish: Option<Channel>,
    /// What it waits for.
    pub waits_for: Option<WaitsFor>,
    /// When it was stored, or this boot began.
    pub born: Instant,
    /// What is before it in its lane: the worst of it.
    pub before: LaneUse,
    /// The conversation.
    pub conversation: ConversationFacts,
}

/// What is known of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationFacts {
    /// The own number.
    pub own: E164,
    /// As set for it.
    pub settings: Settings,
    /// Whether the peer is believed to be on IP; what is too old is `Unknown`.
    pub reach: Reach,
    /// The own number holds an epoch.
    pub bound: bool,
    /// The user agreed to use IP with the own number.
    pub consented: bool,
    /// What stands at the end of the lane: the worst of its messages.
    pub before: LaneUse,
}

/// A message in the pacing queue.
#[derive(Debug, Clone)]
pub struct SmsJob {
    /// Which.
    pub id: MessageId,
    /// Whose.
    pub own: E164,
    /// For whom.
    pub peer: Peer,
    /// By this card.
    pub iccid: Redacted<String>,
    /// Its place, for the mark.
    pub lane_seq: Option<LaneSeq>,
    /// With the mark, if that adds no part.
    pub marked: bool,
    /// Its text.
    pub text: Redacted<String>,
    /// The attempt by IP.
    pub ip: IpAttempt,
    /// Since when it is to be sent; of an earlier boot: before this one.
    pub born: BootStamp,
}

/// An attempt for the agent.
#[derive(Debug, Clone)]
pub struct HandedSms {
    /// Its name.
    pub attempt: AttemptId,
    /// The message.
    pub job: SmsJob,
}

/// A message that has got its numbers.
#[derive(Debug, Clone)]
pub struct Released {
    /// Which.
    pub id: MessageId,
    /// Whose.
    pub own: E164,
    /// For whom.
    pub peer: E164,
    /// Its epoch.
    pub epoch: Epoch,
    /// Its seq.
    pub seq: Seq,
    /// Its place in the lane.
    pub lane_seq: LaneSeq,
    /// As it travels.
    pub content: OpaqueContent,
}

/// A message waiting for its channel.
#[derive(Debug, Clone)]
pub struct QueuedMessage {
    /// Which.
    pub id: MessageId,
    /// For whom.
    pub peer: Peer,
    /// Size of its content as it would travel.
    pub content_bytes: usize,
    /// When it gives up, in this boot.
    pub deadline: Option<Instant>,
}

/// An in-flight seq to be filled in again.
#[derive(Debug, Clone)]
pub struct ResumeItem {
    /// The message under its seq.
    pub released: Released,
    /// Fill it in by `Revoke` instead of `Submit`.
    pub take_back: bool,
}

/// Where an identity stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityPosition {
    /// The number.
    pub number: E164,
    /// Its SIM, if known.
    pub iccid: Option<Redacted<String>>,
    /// The user agreed to use IP with it. Without, it is here for SMS alone and
    /// never named to a gateway.
    pub consented: bool,
    /// The epoch it holds and where it stands in it; `None`: wants a new one.
    pub held: Option<EpochPosition>,
    /// The highest epoch it ever had; 0: none.
    pub last_epoch: Epoch,
    /// Last cursor committed, and its check.
    pub cursor: Cursor,
    /// See `cursor`.
    pub cursor_check: u32,
    /// Closed epochs with unsettled messages, the lowest
    /// `twine_proto::limits::MAX_OLD_EPOCHS` of them.
    pub old: Vec<EpochPosition>,
    /// How many messages wait for a channel.
    pub queued: u64,
    /// A lane of it has a note due.
    pub note_due: bool,
}

/// What the engine starts from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// In the order of registration.
    pub identities: Vec<IdentityPosition>,
    /// One above the highest message id ever given.
    pub next_message: u64,
    /// Last session number used.
    pub session_no: SessionNo,
    /// The newest event.
    pub latest_event: EventCursor,
    /// Queued and unsettled outgoing messages.
    pub outbox: u64,
    /// What holds globally.
    pub settings: Settings,
    /// When parts were handed to the agent lately, in their boot, oldest first:
    /// at most [`crate::limits::SMS_PARTS_PER_WINDOW`] parts.
    pub handed: Vec<(BootStamp, u8)>,
    /// SMS in the pacing queue.
    pub sms_waiting: u64,
    /// SMS with the agent.
    pub sms_handed: u64,
    /// What was learned.
    pub memos: BTreeMap<Memo, Vec<u8>>,
}
