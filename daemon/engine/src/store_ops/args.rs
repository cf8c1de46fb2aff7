//! What operations carry.

use std::time::Duration;

use twine_proto::{Cursor, Digest, E164, MessageName, NoteEntry, Peer, Redacted};

use crate::message::{Channel, MessageId, SmsAttempt};
use crate::time::{BootId, Instant};

use super::*;

/// When to look at a message again: so long after this moment, and after a
/// reboot so long after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Now.
    pub boot: BootStamp,
    /// So long after.
    pub after: Duration,
}

/// The looks of messages that become accepted (DELIVERY 25).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptedLooks {
    /// If the recipient is away.
    pub away: Look,
    /// If not, or not told.
    pub here: Look,
}

/// Reasons, for a message's story and the flight recorder: plain words.
pub type Because = &'static [&'static str];

/// A moment of one boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootStamp {
    /// Which boot.
    pub boot: BootId,
    /// When in it.
    pub at: Instant,
}

/// Whose message it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The own number that sends, unless one of the others goes on with a
    /// conversation.
    pub own: E164,
    /// If the newest message with the peer is in a conversation of one of these own
    /// numbers, that one sends: a conversation keeps its card (DESIGN §7). Empty: the
    /// app named the number.
    pub others: Vec<E164>,
}

impl From<E164> for Sender {
    fn from(own: E164) -> Self {
        Self {
            own,
            others: Vec::new(),
        }
    }
}

/// A message to be stored for sending.
#[derive(Debug, Clone)]
pub struct NewOutgoing {
    /// Given by the engine; unused if the token is known.
    pub id: MessageId,
    /// Whose token.
    pub client: ClientName,
    /// The client's name for this request.
    pub token: Token,
    /// The sending identity.
    pub sender: Sender,
    /// The recipient.
    pub peer: Peer,
    /// The text, never empty.
    pub text: Redacted<String>,
    /// Give up when not delivered within this time.
    pub valid_for: Option<Duration>,
    /// Validity and age start here.
    pub boot: BootStamp,
    /// The user's wish for this message.
    pub wish: Option<Channel>,
    /// `None` (open) or `NotUsed`.
    pub sms: SmsAttempt,
    /// In the queue of IP; otherwise undecided.
    pub queue_for_ip: bool,
    /// When to look at it again; `None`: never (SMS is out of the question).
    pub look: Option<Look>,
    /// Why it waits, for its story.
    pub because: Because,
}

/// A delivery to be taken.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Given by the engine; unused if it is a duplicate.
    pub id: MessageId,
    /// This device's number.
    pub own: E164,
    /// Mailbox entry it came as.
    pub cursor: Cursor,
    /// Check of that entry (`MessageName::cursor_check`, 0 if unnamed).
    pub check: u32,
    /// What it is.
    pub body: IncomingBody,
    /// Seconds it lay at the gateway.
    pub age_s: u32,
    /// The lane note it carries.
    pub note: Vec<NoteEntry>,
    /// A copy by SMS without a mark may exist (DELIVERY 7).
    pub maybe_by_sms: bool,
    /// When it came.
    pub boot: BootStamp,
}

/// An incoming SMS.
#[derive(Debug, Clone)]
pub struct IncomingSms {
    /// Given by the engine; unused if it is a repeat.
    pub id: MessageId,
    /// The agent's name for it.
    pub spool_id: String,
    /// This device's number.
    pub own: E164,
    /// Whose it is.
    pub peer: Peer,
    /// The card it came by.
    pub iccid: Redacted<String>,
    /// The text without the mark.
    pub text: Redacted<String>,
    /// The mark: `lane_seq mod 4` of the message it may be a copy of.
    pub residue: Option<u8>,
    /// Hash of the folded text ([`twine_sms::fold`]).
    pub hash: u16,
    /// SCTS, milliseconds since 1970.
    pub scts_ms: u64,
    /// When it came.
    pub boot: BootStamp,
}

/// What a delivery holds.
#[derive(Debug, Clone)]
pub enum IncomingBody {
    /// A message that can be read.
    Text {
        /// Universal name.
        name: MessageName,
        /// Of recipient, place and content.
        digest: Digest,
        /// The text.
        text: Redacted<String>,
    },
    /// A message of which only the envelope can be read (DELIVERY 12).
    Unreadable {
        /// Universal name.
        name: MessageName,
        /// Of recipient, place and content.
        digest: Digest,
    },
    /// Not even the envelope could be read; known by its cursor alone and
    /// committed once per cursor.
    Unnamed,
}
