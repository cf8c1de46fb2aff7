//! What can happen to the engine.

use std::time::Duration;

use twine_proto::{E164, Frame, Redacted};

use crate::link::{Link, Sim};
use crate::message::MessageId;
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
        /// Sending number; `None`: the only identity, or else an error.
        from: Option<E164>,
        /// Recipient.
        to: E164,
        /// Validated: not empty, within the limit.
        text: Redacted<String>,
        /// Give up when not delivered within.
        valid_for: Option<Duration>,
    },
    /// Take a message back. → `Reply::Done`: it is out of the queue or marked;
    /// how it ends, an event tells.
    Cancel(MessageId),
    /// Send a failed message again. → `Reply::Done`
    Retry(MessageId),
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
    },
    /// One link came, changed, or (with `up: false`) went.
    Link(Link),
    /// The agent is gone; what it said last is kept, but nothing can be asked.
    AgentGone,
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
