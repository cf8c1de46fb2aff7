//! What the engine wants done.

use std::time::Duration;

use twine_proto::frame::{Capability, Typing};
use twine_proto::{E164, Epoch, Frame, Peer, Redacted};
use twine_sms::{Segments, TooManyParts};

use crate::gate::Cleared;
use crate::input::{ConnId, ReplyTo};
use crate::link::LinkId;
use crate::links::Because;
use crate::message::{Channel, MessageId, WaitsFor};
use crate::parts::{AttemptId, PartState};
use crate::settings::{Effective, Reach, Settings};
use crate::store_ops::{Batch, EventCursor};
use crate::trace::TraceRecord;

/// One thing to be done by the driver.
///
/// What depends on stored state is wrapped in [`Cleared`], which only the gate
/// can make, and only after the batch it depends on is on disk.
#[derive(Debug)]
pub enum Output {
    /// Apply this batch and answer with `Input::Stored`. At most one is
    /// unanswered.
    Commit(Batch),
    /// Send this frame. A frame for a connection that is gone is dropped.
    Send {
        /// Where.
        conn: ConnId,
        /// What.
        frame: Cleared<Frame>,
    },
    /// Answer a control client.
    Reply {
        /// Whom.
        to: ReplyTo,
        /// What.
        reply: Cleared<Reply>,
    },
    /// The event log reaches up to here: push to subscribers.
    Events(Cleared<EventCursor>),
    /// Tell all connected apps; not kept.
    Notice(Notice),
    /// Open a connection.
    Connect {
        /// Its name from now on.
        conn: ConnId,
        /// Over which link.
        link: LinkId,
        /// By which transport.
        transport: TransportKind,
        /// "host:port" of a gateway that the configured one has named; `None`: the
        /// configured one. Whoever answers there has to show the certificate of
        /// the configured name.
        target: Option<String>,
        /// To be expected on this link, until it is measured.
        round_trip: Duration,
    },
    /// Move a live QUIC connection to another link's socket; answer `Moved` or
    /// `Down`.
    Move {
        /// Which.
        conn: ConnId,
        /// Where to.
        link: LinkId,
    },
    /// End a connection. No more input from it is wanted.
    Close {
        /// Which.
        conn: ConnId,
    },
    /// Ask the telephony agent for something. Given while an agent is connected;
    /// one that is lost with its agent is given again to the next.
    Order(Cleared<Order>),
    /// A decision and its reasons, for the flight recorder.
    Trace(TraceRecord),
}

/// What the telephony agent is asked to do (`control.proto`, `Order`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Send these parts as one message.
    SendSms {
        /// Names the attempt.
        attempt: AttemptId,
        /// By this card and no other.
        iccid: Redacted<String>,
        /// To.
        to: Peer,
        /// Joined they are the text.
        parts: Vec<Redacted<String>>,
    },
    /// A part's result is stored.
    SmsPartTaken {
        /// Which attempt.
        attempt: AttemptId,
        /// Which part.
        part: u8,
        /// What was told.
        state: PartState,
    },
    /// Move mobile data to the card in this slot, for a time and with validation.
    /// Lost with its agent.
    PreferDataSim {
        /// Which.
        slot: u8,
        /// Why.
        because: Because,
    },
    /// Have the system look whether this link still reaches the internet: our traffic is not
    /// answered over it. Lost with its agent; what is found comes as a report of the link.
    LookAgain {
        /// Which.
        link: LinkId,
    },
    /// An incoming SMS is stored.
    SmsTaken {
        /// The agent's name for it.
        spool_id: String,
    },
}

/// How frames travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TransportKind {
    /// QUIC over UDP.
    Quic,
    /// TLS 1.3 over TCP.
    Tls,
}

/// Answer to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Done, durably where it matters.
    Done,
    /// Stored.
    Sent {
        /// Which message.
        id: MessageId,
        /// The token was known.
        repeated: bool,
    },
    /// The number is known; the epoch comes when the gateway grants it.
    Registered {
        /// The number.
        number: E164,
        /// Its epoch, if it has one.
        epoch: Option<Epoch>,
    },
    /// Reachability.
    Peers(Vec<Capability>),
    /// See `Command::Preview`.
    Previewed(Preview),
    /// See `Command::GetSettings`.
    Settings {
        /// As set there.
        set: Settings,
        /// What holds.
        effective: Effective,
        /// Of a conversation.
        reach: Option<Reach>,
        /// As [`SmsPreview::sim_number`], of the card that is set.
        sim_number: Option<E164>,
    },
    /// A client's place.
    ClientOpen {
        /// Acknowledged.
        cursor: EventCursor,
        /// Newest.
        latest: EventCursor,
    },
    /// Not done.
    Error(CommandError),
}

/// What would happen to a message now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// From this number.
    pub from: E164,
    /// By this channel; `None`: it would wait, or fail.
    pub channel: Option<Channel>,
    /// What it would wait for.
    pub waits_for: Option<WaitsFor>,
    /// In plain words.
    pub reasons: Vec<&'static str>,
    /// Whether the peer is believed to be on IP.
    pub reach: Reach,
    /// How it would be sent by SMS; `None`: SMS is out of the question.
    pub sms: Option<SmsPreview>,
}

/// How a message would be sent by SMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmsPreview {
    /// Encoding, parts, units left; or too many parts.
    pub segments: Result<Segments, TooManyParts>,
    /// The card's slot; `None`: it is absent.
    pub slot: Option<u8>,
    /// The card, if one is known.
    pub iccid: Option<Redacted<String>>,
    /// It roams.
    pub roaming: bool,
    /// Its number, where it is another than the conversation's.
    pub sim_number: Option<E164>,
}

/// Why a command was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// A limit is reached for now.
    #[error("{0} is at its limit; try again later")]
    Busy(&'static str),
    /// Something has to be known first, and will be soon.
    #[error("{0}; try again later")]
    NotYet(&'static str),
    /// No such message, client or identity.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// No identity, or several and none was named.
    #[error("{0}")]
    NoIdentity(&'static str),
    /// The message's state does not allow it.
    #[error("the message is {0}: too late for that")]
    TooLate(&'static str),
    /// An argument is out of range.
    #[error("{0}")]
    Invalid(&'static str),
    /// There is no session now and this cannot wait for one.
    #[error("the gateway is not reachable now; try again later")]
    Offline,
}

/// A passing event for apps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A peer writes.
    PeerTyping {
        /// Own number.
        own: E164,
        /// Which peer, and whether it stopped.
        typing: Typing,
    },
    /// An identity's state changed.
    Identity {
        /// Which.
        number: E164,
        /// What it is now, as a stable word.
        state: &'static str,
    },
}
