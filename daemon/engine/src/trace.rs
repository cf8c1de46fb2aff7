//! Decisions with their reasons, for the flight recorder. Carries no number
//! and no text.

use crate::input::ConnId;
use crate::link::LinkId;
use crate::message::MessageId;
use crate::output::TransportKind;
use crate::time::Instant;

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceRecord {
    /// When.
    pub at: Instant,
    /// What was decided.
    pub decision: Decision,
    /// Why: stable words.
    pub because: Vec<&'static str>,
}

/// What the engine decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// A message goes by IP.
    ByIp(MessageId),
    /// Messages wait.
    Wait,
    /// A message goes by SMS.
    BySms(MessageId),
    /// A message is asked back, to go by SMS.
    AskBack(MessageId),
    /// A message will not go by SMS.
    NoSms(MessageId),
    /// An SMS is handed to the telephony agent.
    SmsHanded(MessageId),
    /// The agent could not send a part.
    SmsRefused,
    /// Messages are asked back from the gateway.
    Revoke {
        /// How many.
        count: usize,
    },
    /// A connection is opened.
    Connect {
        /// Its name.
        conn: ConnId,
        /// Over this link.
        link: LinkId,
        /// By this transport.
        transport: TransportKind,
    },
    /// The session moves to another link.
    Move {
        /// Which connection.
        conn: ConnId,
        /// The new link.
        link: LinkId,
    },
    /// Another link should carry the session, or none.
    UseLink {
        /// Which.
        link: Option<LinkId>,
    },
    /// The agent is asked to move mobile data.
    MoveData {
        /// To the card in this slot.
        slot: u8,
    },
    /// The agent is asked to have the system look whether this link reaches the internet.
    LookAgain {
        /// Which.
        link: LinkId,
    },
    /// A connection is given up.
    GiveUp {
        /// Its name.
        conn: ConnId,
    },
    /// The next attempt waits.
    BackOff {
        /// So long.
        delay_ms: u64,
    },
    /// The session is live.
    Live {
        /// Its connection.
        conn: ConnId,
    },
    /// A network was found to forget a connection.
    Forgotten {
        /// That was idle for so long.
        idle_ms: u64,
    },
    /// What an earlier run has learned cannot be read.
    Unlearned,
    /// An identity's numbering is given up; a new epoch is asked for.
    NewEpoch,
    /// A delivery was not taken as a message.
    Rejected,
    /// A deadline was nominated and did not hold.
    DeadlineDropped,
}
