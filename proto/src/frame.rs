//! The frames of `twine.wire.v1`, validated: what these types can hold is what
//! may be acted upon.
//!
//! Encoding and decoding live in `codec`; limits in `limits`.

use crate::content::OpaqueContent;
use crate::ids::{Cursor, E164, Epoch, LaneSeq, Seq, SessionNo, Slot};
use crate::wire_pb::FrameType;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is documented at its struct")]
pub enum Frame {
    Hello(Hello),
    Welcome(Welcome),
    Submit(Submit),
    Accepted(Accepted),
    Deliver(Deliver),
    UnreadableDeliver(UnreadableDeliver),
    Ack(Ack),
    Receipt(Receipt),
    Revoke(Revoke),
    Revoked(Revoked),
    Lookup(Lookup),
    Capabilities(Capabilities),
    Typing(Typing),
    Ping(u32),
    Pong(u32),
    Goodbye(Goodbye),
}

/// Which way a frame travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From a handset.
    ToGateway,
    /// From the gateway.
    ToHandset,
}

impl Frame {
    /// The frame's name in `wire.proto`, for logs and counters.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "Hello",
            Self::Welcome(_) => "Welcome",
            Self::Submit(_) => "Submit",
            Self::Accepted(_) => "Accepted",
            Self::Deliver(_) => "Deliver",
            Self::UnreadableDeliver(_) => "UnreadableDeliver",
            Self::Ack(_) => "Ack",
            Self::Receipt(_) => "Receipt",
            Self::Revoke(_) => "Revoke",
            Self::Revoked(_) => "Revoked",
            Self::Lookup(_) => "Lookup",
            Self::Capabilities(_) => "Capabilities",
            Self::Typing(_) => "Typing",
            Self::Ping(_) => "Ping",
            Self::Pong(_) => "Pong",
            Self::Goodbye(_) => "Goodbye",
        }
    }

    /// The type byte on the wire, `FrameType` in `wire.proto`.
    #[must_use]
    pub fn type_byte(&self) -> u8 {
        match self {
            Self::Hello(_) => FrameType::Hello as u8,
            Self::Welcome(_) => FrameType::Welcome as u8,
            Self::Submit(_) => FrameType::Submit as u8,
            Self::Accepted(_) => FrameType::Accepted as u8,
            Self::Deliver(_) | Self::UnreadableDeliver(_) => FrameType::Deliver as u8,
            Self::Ack(_) => FrameType::Ack as u8,
            Self::Receipt(_) => FrameType::Receipt as u8,
            Self::Revoke(_) => FrameType::Revoke as u8,
            Self::Revoked(_) => FrameType::Revoked as u8,
            Self::Lookup(_) => FrameType::Lookup as u8,
            Self::Capabilities(_) => FrameType::Capabilities as u8,
            Self::Typing(_) => FrameType::Typing as u8,
            Self::Ping(_) => FrameType::Ping as u8,
            Self::Pong(_) => FrameType::Pong as u8,
            Self::Goodbye(_) => FrameType::Goodbye as u8,
        }
    }

    /// Whether this frame may travel that way. One that may not is a protocol
    /// error of whoever sent it.
    #[must_use]
    pub fn allowed(&self, direction: Direction) -> bool {
        let to_gateway = direction == Direction::ToGateway;
        match self {
            Self::Hello(_) | Self::Submit(_) | Self::Ack(_) => to_gateway,
            Self::Revoke(_) | Self::Lookup(_) => to_gateway,
            Self::Welcome(_) | Self::Accepted(_) => !to_gateway,
            Self::Deliver(_) | Self::UnreadableDeliver(_) => !to_gateway,
            Self::Revoked(_) | Self::Capabilities(_) => !to_gateway,
            Self::Receipt(receipt) => match receipt.kind {
                ReceiptKind::Read(_) | ReceiptKind::Rejected { .. } => to_gateway,
                ReceiptKind::Outcomes { .. } | ReceiptKind::ReadBy { .. } => !to_gateway,
            },
            Self::Typing(_) | Self::Ping(_) | Self::Pong(_) | Self::Goodbye(_) => true,
        }
    }
}

/// First frame on a connection, handset to gateway (DELIVERY 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Grows with each connection.
    pub session_no: SessionNo,
    /// The last session that this device was welcomed in; 0: none.
    pub after: SessionNo,
    /// At most [`crate::limits::MAX_SLOTS`]; the position is the slot.
    pub slots: Vec<HelloSlot>,
}

/// One identity in a `Hello`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelloSlot {
    /// The number.
    pub number: E164,
    /// The binding this device holds, or the wish for a new one.
    pub binding: Binding,
    /// The last cursor acknowledged; 0: none.
    pub cursor: Cursor,
    /// Check of the entry at `cursor`, see `MessageName::cursor_check`.
    pub cursor_check: u32,
    /// Closed epochs with unsettled messages, at most
    /// [`crate::limits::MAX_OLD_EPOCHS`].
    pub old: Vec<EpochPosition>,
}

/// Whether the device holds an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// It does.
    Held(EpochPosition),
    /// It asks for a new one, above `last` (0 if it remembers none).
    Wanted {
        /// The highest epoch the device remembers.
        last: Epoch,
    },
}

/// Where the sender stands in one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochPosition {
    /// Which epoch; never 0.
    pub epoch: Epoch,
    /// The next seq it would give, from 1.
    pub next_seq: Seq,
    /// The lowest seq whose outcome it does not know, at most `next_seq`.
    pub lowest_unsettled: Seq,
}

/// Answer to `Hello`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The gateway's clock, unix seconds. For display.
    pub time_s: u64,
    /// In the order of the `Hello`.
    pub slots: Vec<WelcomeSlot>,
    /// How long the gateway keeps a silent connection, seconds; 0: no hint.
    pub idle_limit_s: u32,
    /// The sessions of this device that were served after the one it named, at most
    /// [`crate::limits::MAX_SESSIONS_SINCE`]. If the device has not begun them all, there
    /// are two with its key.
    pub since: Vec<SessionNo>,
}

/// What the gateway says of one identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WelcomeSlot {
    /// Whether the binding stands.
    pub status: SlotStatus,
    /// Seqs taken and outcomes known of the current epoch. With `Granted`: 0.
    pub state: SentState,
    /// The same of the closed epochs that `Hello` named.
    pub old: Vec<(Epoch, SentState)>,
}

/// Whether a binding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotStatus {
    /// It does.
    Ok,
    /// A new epoch was granted, seqs start at 1.
    Granted(Epoch),
    /// The number is not bound to this device key.
    NotBound,
    /// The epoch named is not the current one; ask for a new one.
    EpochClosed,
}

/// What the gateway knows of an epoch's messages, from the sender's lowest
/// unsettled seq on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SentState {
    /// The highest seq taken.
    pub high_water: Seq,
    /// Final outcomes other than delivered.
    pub dispositions: Vec<(Seq, Disposition)>,
    /// Delivered ones.
    pub delivered: Vec<Seq>,
}

/// A final outcome of a seq that is not "delivered".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Disposition {
    /// Refused at `Submit`; the seq is consumed (DELIVERY 5).
    Refused(Refusal),
    /// Taken back before it was handed over.
    Revoked,
    /// Lay in the mailbox until its time was over.
    Expired,
    /// Committed by the receiver as a placeholder (DELIVERY 12).
    Rejected(RejectReason),
}

/// Why the gateway did not take a message. Final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// No device is bound to that number.
    UnknownRecipient,
    /// The recipient's mailbox is full (DELIVERY 13).
    MailboxFull,
    /// The content is over the gateway's limit.
    TooLarge,
    /// The operator of the gateway does not allow it.
    Policy,
}

/// Why a receiver could not take a message as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RejectReason {
    /// Its content is of no version the device knows.
    Unreadable,
    /// Another message has the same name.
    Conflict,
}

/// One message, handset to gateway (DELIVERY 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submit {
    /// Which identity sends.
    pub slot: Slot,
    /// From 1.
    pub seq: Seq,
    /// The recipient.
    pub to: E164,
    /// Place in the lane; 0: a note without a message.
    pub lane_seq: LaneSeq,
    /// Opaque to the gateway.
    pub content: OpaqueContent,
}

/// Answer to `Submit`, cumulative.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accepted {
    /// Which identity.
    pub slot: Slot,
    /// All seqs up to this one are taken (or refused: see `refused`).
    pub upto: Seq,
    /// Refusals among them.
    pub refused: Vec<(Seq, Refusal)>,
    /// Seqs whose recipient has no live session (DELIVERY 25).
    pub away: Vec<Seq>,
    /// Receipt frames of this connection stored so far.
    pub receipts: u64,
    /// A seq in conflict: the sender needs a new epoch (DELIVERY 4).
    pub conflict: Option<Seq>,
}

/// One mailbox entry, gateway to handset (DELIVERY 9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deliver {
    /// Which identity's mailbox.
    pub slot: Slot,
    /// Acknowledgement token.
    pub cursor: Cursor,
    /// The sender.
    pub from: E164,
    /// The sender's epoch.
    pub epoch: Epoch,
    /// Place in the sender's lane; 0: a note without a message.
    pub lane_seq: LaneSeq,
    /// Seconds since the gateway took it.
    pub age_s: u32,
    /// Not yet validated: a receiver commits even what it cannot read.
    pub content: OpaqueContent,
    /// Treat like a marked copy (DELIVERY 7).
    pub maybe_by_sms: bool,
}

/// A `Deliver` of which only the entry is known, because another field is not
/// valid. Commit a placeholder, acknowledge, report `Rejected` (DELIVERY 12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnreadableDeliver {
    /// Which identity's mailbox.
    pub slot: Slot,
    /// Acknowledgement token.
    pub cursor: Cursor,
}

/// Cumulative acknowledgement (DELIVERY 9, 11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    /// Which identity's mailbox.
    pub slot: Slot,
    /// Everything delivered on this connection up to here is committed.
    pub cursor: Cursor,
    /// The sender's lowest unsettled seq, now and then.
    pub lowest_unsettled: Option<Seq>,
}

/// What became of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Which identity: the sender's towards the handset, the receiver's
    /// towards the gateway.
    pub slot: Slot,
    /// What it tells.
    pub kind: ReceiptKind,
}

/// The kinds of receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiptKind {
    /// Gateway to sender: outcomes by seq.
    Outcomes {
        /// A closed epoch, or `None` for the current one.
        epoch: Option<Epoch>,
        /// Delivered.
        delivered: Vec<Seq>,
        /// Any other final outcome.
        dispositions: Vec<(Seq, Disposition)>,
    },
    /// Gateway to sender: the peer has read. A mailbox entry of its own.
    ReadBy {
        /// To acknowledge like a delivery.
        cursor: Cursor,
        /// What was read.
        mark: ReadMark,
    },
    /// Receiver to gateway: the user has read.
    Read(ReadMark),
    /// Receiver to gateway, before the `Ack` that covers the cursor.
    Rejected {
        /// The entry.
        cursor: Cursor,
        /// Why.
        reason: RejectReason,
    },
}

/// All messages of a lane up to a place were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadMark {
    /// Towards the gateway: whose messages. Towards the handset: who read.
    pub peer: E164,
    /// The epoch of those messages' sender.
    pub epoch: Epoch,
    /// Up to and including.
    pub upto: LaneSeq,
}

/// Takes messages back (DELIVERY 14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoke {
    /// Which identity's messages.
    pub slot: Slot,
    /// A closed epoch, or `None` for the current one.
    pub epoch: Option<Epoch>,
    /// Which, ascending.
    pub seqs: Vec<Seq>,
}

/// Answer to `Revoke`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Which identity's messages.
    pub slot: Slot,
    /// A closed epoch, or `None` for the current one.
    pub epoch: Option<Epoch>,
    /// One for each seq asked.
    pub results: Vec<(Seq, RevokeOutcome)>,
}

/// What became of a revoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RevokeOutcome {
    /// It was never handed over and never will be.
    Revoked,
    /// The receiver has it.
    AlreadyDelivered,
    /// Handed over, not acknowledged: it stays deliverable.
    InDoubt,
    /// No record: treat as in doubt.
    Forgotten,
}

/// Asks whether numbers are reachable by IP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// Returned in the answer.
    pub id: u32,
    /// At most [`crate::limits::MAX_LOOKUP_NUMBERS`].
    pub numbers: Vec<E164>,
}

/// Answer to `Lookup`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Of the question.
    pub id: u32,
    /// One for each number asked.
    pub entries: Vec<Capability>,
}

/// What the gateway knows of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capability {
    /// The number.
    pub number: E164,
    /// Whether a device is bound to it.
    pub reachable: bool,
    /// Bit set; bit 0: text.
    pub features: u32,
    /// For how long to believe this, seconds.
    pub valid_s: u32,
}

/// Somebody writes, or stopped. Never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Typing {
    /// Own identity.
    pub slot: Slot,
    /// Towards the gateway: for whom. Towards the handset: who.
    pub peer: E164,
    /// Stopped.
    pub stopped: bool,
}

/// The other side ends the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goodbye {
    /// Why.
    pub reason: GoodbyeReason,
    /// Come back not earlier, seconds.
    pub retry_after_s: u32,
    /// "host:port" of another gateway to try first, with this port by UDP and by TCP;
    /// empty: none. It has to show a certificate of the same name.
    pub redirect: String,
    /// With `Superseded`: the highest session number seen of this device.
    pub session_no: SessionNo,
    /// Plain words for a log; never a number or a text of a user.
    pub detail: String,
}

/// Splits `"host:port"` in plain ASCII, as in [`Goodbye::redirect`]; an IPv6 address
/// stands in brackets, which are taken off. `None`: it is something else.
#[must_use]
pub fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let host = bare.unwrap_or(host);
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    (plain && !host.is_empty()).then_some((host, port))
}

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GoodbyeReason {
    /// The gateway stops or restarts.
    Draining,
    /// A newer connection of the same device is served.
    Superseded,
    /// A frame was not understood or not allowed here.
    ProtocolError,
    /// Too much to do.
    Overloaded,
    /// No number is bound to this device key.
    UnknownDevice,
    /// The handset is done, for example before a change of link.
    Closing,
}
