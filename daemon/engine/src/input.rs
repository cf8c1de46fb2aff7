//! What can happen to the engine.

use std::time::Duration;

use twine_proto::{E164, Frame, Peer, Redacted};
use twine_sms::TableSet;

use crate::link::{Link, Sim};
use crate::message::{Channel, MessageId};
use crate::parts::{AttemptId, PartState};
use crate::settings::Settings;
use crate::store_ops::{ClientName, EventCursor, Stored, Token};

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// A control client asks for something.
    Command {
        /// Where the answer goes.
        to: ReplyTo,
        /// What.
        command: Command,
    },
    /// The telephony agent reports.
    Telephony(TelephonyEvent),
    /// A connection reports.
    Channel {
        /// Which, as named by the engine in `Output::Connect`.
        conn: ConnId,
        /// What.
        event: ChannelEvent,
    },
    /// A batch is on disk.
    Stored(Stored),
    /// A deadline of `poll_timeout` has passed. Hand it in after all input that
    /// is readable (DELIVERY 23).
    Timeout,
}

/// Names one request of one control connection; opaque to the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplyTo {
    /// Which control connection, in this run of the daemon.
    pub client: u64,
    /// The client's request id.
    pub request: u64,
}

/// Names a connection to the gateway, in this run of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId(pub u64);

/// What a control client may ask the engine. Reading (history, events, one
/// message) goes past the engine to the store.
#[derive(Debug, Clone)]
pub enum Command {
    /// Store a message for sending. → `Reply::Sent`
    Send {
        /// Durable name of the client.
        client: ClientName,
        /// Idempotence token.
        token: Token,
        /// Sending number; `None`: the only identity, or that of the card the
        /// user made the default for SMS, or else an error.
        from: Option<E164>,
        /// Recipient.
        to: Peer,
        /// Validated: not empty, within the limit.
        text: Redacted<String>,
        /// Give up when not delivered within.
        valid_for: Option<Duration>,
        /// The user's wish for this message.
        by: Option<Channel>,
    },
    /// Take a message back. → `Reply::Done`: it is out of the queue or marked;
    /// how it ends, an event tells.
    Cancel(MessageId),
    /// Send a failed or unconfirmed message again, or decide about one that waits for the
    /// user.
    /// → `Reply::Done`
    Retry {
        /// Which.
        id: MessageId,
        /// The user's wish; `None`: Twine chooses.
        by: Option<Channel>,
    },
    /// What would happen to a message now. → `Reply::Previewed`
    Preview {
        /// As with `Send`.
        from: Option<E164>,
        /// Recipient.
        to: Peer,
        /// May be empty.
        text: Redacted<String>,
        /// The user's wish.
        by: Option<Channel>,
    },
    /// What is set, and what holds. → `Reply::Settings`
    GetSettings(Option<(E164, Peer)>),
    /// Set what the user chose, as a whole. → `Reply::Done`
    Set {
        /// For one conversation; `None`: globally.
        conversation: Option<(E164, Peer)>,
        /// What holds there from now on.
        settings: Settings,
    },
    /// The user has read up to this message. → `Reply::Done`
    MarkRead(MessageId),
    /// The user writes, or stopped. → `Reply::Done`, whether or not it could be
    /// told to anybody.
    Typing {
        /// Own number.
        from: Option<E164>,
        /// Peer.
        to: E164,
        /// Stopped.
        stopped: bool,
    },
    /// Bind a number to this device. → `Reply::Registered`
    Register {
        /// The number.
        number: E164,
        /// Its SIM.
        iccid: Option<Redacted<String>>,
    },
    /// Are these reachable by IP? → `Reply::Peers`
    Lookup(Vec<E164>),
    /// Make sure this client has an event cursor. → `Reply::ClientOpen`
    OpenClient {
        /// Who.
        client: ClientName,
        /// If new: start at the end.
        from_now: bool,
    },
    /// Done with all events up to here. → `Reply::Done`
    AckEvents {
        /// Who.
        client: ClientName,
        /// Up to here.
        cursor: EventCursor,
    },
}

/// What the telephony agent reports.
#[derive(Debug, Clone)]
pub enum TelephonyEvent {
    /// Everything there is; what is not listed is gone. Sent by an agent when it
    /// connects.
    State {
        /// Cards.
        sims: Vec<Sim>,
        /// Links.
        links: Vec<Link>,
        /// The national language tables the framework uses when it sends.
        tables: TableSet,
    },
    /// One link came, changed, or (with `up: false`) went.
    Link(Link),
    /// One card came, changed, or (with `ready: false`) went.
    Sim(Sim),
    /// What became of one part of an attempt. Told again until
    /// `Order::SmsPartTaken`.
    SmsPart {
        /// Which attempt.
        attempt: AttemptId,
        /// Which part, from 0.
        part: u8,
        /// What became of it.
        state: PartState,
        /// With `Refused`: the code, as in SmsManager.
        code: Option<i32>,
    },
    /// A whole message came. Told again until `Order::SmsTaken`.
    SmsReceived(SmsReceived),
    /// Mobile data are on this card now (confirmed), or could not be moved to it.
    DataSim {
        /// Which slot.
        slot: u8,
        /// They are there.
        confirmed: bool,
    },
    /// The agent is gone; what it said last is kept, but nothing can be asked.
    AgentGone,
}

/// An incoming SMS as the agent has it.
#[derive(Debug, Clone)]
pub struct SmsReceived {
    /// The agent's name for it: 1 to [`crate::limits::MAX_SPOOL_ID_BYTES`]
    /// characters of `[a-zA-Z0-9._-]`.
    pub spool_id: String,
    /// The card it came by.
    pub iccid: Redacted<String>,
    /// That card's number, if it told one when the message came: it may be in
    /// another phone by now.
    pub own: Option<E164>,
    /// Whose it is: a number only if the receiving card's home plan makes it one
    /// (DELIVERY 27).
    pub from: Peer,
    /// As it came, mark included.
    pub text: Redacted<String>,
    /// SCTS, milliseconds since 1970; 0: not readable (Android's
    /// `SmsMessage.getTimestampMillis`).
    pub scts_ms: u64,
}

/// What a connection reports.
#[derive(Debug, Clone)]
pub enum ChannelEvent {
    /// Handshake finished: frames may be sent.
    Up {
        /// Round trip measured by the transport, if it did.
        rtt: Option<Duration>,
    },
    /// A frame came, allowed in this direction.
    Frame(Frame),
    /// The transport has a new estimate of the round trip.
    Rtt(Duration),
    /// After `Output::Move`: the connection now uses the new link's socket.
    /// Whether the path works is not known yet.
    Moved,
    /// QUIC: the gateway validates our path anew: it sees us at another address,
    /// after a move of ours or because a NAT forgot the old one. Comes before the
    /// frames that came with it.
    PathValidated,
    /// It is over; nothing more comes from it.
    Down(DownReason),
}

/// Why a connection ended or never came up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DownReason {
    /// No socket on that link, no address, no route.
    Unreachable(String),
    /// The connect time-out of the transport itself passed.
    TimedOut,
    /// Handshake or certificate trouble.
    Handshake(String),
    /// The other side closed or reset it.
    Closed(String),
    /// Bytes that are no frame, or a frame that is not allowed.
    Protocol(String),
    /// A local queue was full or a local error happened.
    Local(String),
}
