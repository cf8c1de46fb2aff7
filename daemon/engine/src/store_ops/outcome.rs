//! What operations answer.

use twine_proto::frame::RejectReason;
use twine_proto::{E164, Epoch, LaneSeq, Seq, SessionNo};

use crate::message::{IpAttempt, MessageId, Shown, SmsAttempt};
use crate::time::Instant;

use super::*;

/// Answer to one operation; which ones are possible is said at [`Op`].
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Nothing to tell.
    Done,
    /// What the gateway said is applied.
    Applied {
        /// Messages whose attempt by IP was unsettled before and is settled now.
        settled: u64,
        /// Messages that went back to the queue.
        requeued: u64,
        /// The lowest unsettled seq of the identity's present epoch; its next
        /// seq if all are settled.
        lowest_unsettled: Seq,
        /// The earliest of the looks that were set; 0: at once.
        look: Option<Instant>,
        /// Messages of the queue of IP may be free to go: one that blocked its lane
        /// does so no more.
        unblocked: bool,
        /// A lane of the identity has a note due.
        note_due: bool,
    },
    /// Done; these follow.
    Looks {
        /// As in `Applied`.
        look: Option<Instant>,
        /// As in `Applied`.
        unblocked: bool,
    },
    /// See [`Op::BeginSession`].
    SessionBegun {
        /// Durable now.
        session_no: SessionNo,
        /// Where each identity stands, in the order of registration.
        identities: Vec<IdentityPosition>,
    },
    /// Stored. It has this place.
    Enqueued {
        /// Which.
        id: MessageId,
    },
    /// The token was known: this is its message.
    Repeated {
        /// Which.
        id: MessageId,
    },
    /// Released to IP.
    Released(Released),
    /// It is not in the queue (any more).
    NotQueued,
    /// Something speaks against IP: it is undecided now. Without a look: something
    /// is before it, and it is still in the queue.
    NotByIp {
        /// As in `Applied`.
        look: Option<Instant>,
    },
    /// Messages to be decided about.
    Due {
        /// By look, then id.
        messages: Vec<Considered>,
        /// The earliest look behind these.
        next: Option<Instant>,
    },
    /// See [`Op::LoadConversation`].
    Conversation(ConversationFacts),
    /// In the pacing queue.
    SmsQueued {
        /// Its place; `None`: the identity holds no epoch.
        lane_seq: Option<LaneSeq>,
    },
    /// A page of the pacing queue.
    SmsQueue(Vec<SmsJob>),
    /// Attempts for the agent.
    SmsHanded(Vec<HandedSms>),
    /// A part's result is stored.
    SmsPart {
        /// The message; `None`: no such attempt is known.
        id: Option<MessageId>,
        /// How the message stands now.
        state: SmsAttempt,
        /// The attempt by IP (`None` if no such attempt is known).
        ip: IpAttempt,
        /// The agent has nothing more to tell of it: it was `Handed` and is not.
        left_agent: bool,
        /// As in `Applied`.
        look: Option<Instant>,
        /// As in `Applied`.
        unblocked: bool,
    },
    /// The message is back where Twine decides.
    Retried {
        /// It had come to its end: the queues have one more.
        had_ended: bool,
        /// As in `Applied`.
        look: Option<Instant>,
    },
    /// An SMS, in the history.
    SmsInserted {
        /// Which.
        id: MessageId,
        /// It is a copy of this one.
        copy_of: Option<MessageId>,
    },
    /// It was taken before.
    SmsRepeated,
    /// The oldest queued ones.
    Queued {
        /// By id.
        messages: Vec<QueuedMessage>,
        /// Whether there are more behind these.
        more: bool,
    },
    /// What has to be filled in again.
    Resume {
        /// In-flight seqs, ascending.
        in_flight: Vec<ResumeItem>,
        /// Whether more follow behind these.
        more: bool,
        /// Accepted seqs (of the present and of closed epochs) being taken back.
        taking_back: Vec<(Epoch, Seq)>,
    },
    /// It was queued and is out of the queue.
    TakenBack,
    /// It is marked; the gateway has to be asked.
    MustRevoke(Unsettled),
    /// Its state does not allow it any more.
    TooLate {
        /// Its state.
        shown: Option<Shown>,
    },
    /// No such message, client or identity.
    NotFound,
    /// The earliest validity and the earliest look of this boot.
    Deadline {
        /// Validity.
        validity: Option<Instant>,
        /// Look.
        look: Option<Instant>,
    },
    /// See [`Op::ExpireDue`].
    Expired {
        /// Those for which the gateway has to be asked.
        revoke: Vec<Unsettled>,
        /// How many were given up without asking.
        dropped: usize,
        /// The earliest deadline that remains.
        next: Option<Instant>,
    },
    /// A new message, in the history.
    Inserted {
        /// Which.
        id: MessageId,
    },
    /// Taken before. If it was taken as a placeholder or conflict, the
    /// rejection has to be told again. If the user has read it, the lane's mark is
    /// untold again: it may have overtaken the acknowledgement, and the sender does
    /// not show as read what it does not know to be delivered.
    Duplicate {
        /// What was told of it.
        rejected: Option<RejectReason>,
    },
    /// Stored and shown beside the other of its name.
    Conflict {
        /// Which.
        id: MessageId,
    },
    /// A read mark, stored, to be told to the gateway.
    ReadTo {
        /// Whose reading.
        number: E164,
        /// Up to where.
        mark: UntoldMark,
    },
    /// Unconfirmed read marks.
    ReadMarks(Vec<UntoldMark>),
    /// A client's place.
    ClientOpen {
        /// Acknowledged up to here.
        cursor: EventCursor,
        /// The newest event.
        latest: EventCursor,
    },
    /// The number of durable clients is at its limit.
    TooManyClients,
    /// The number of conversations with settings is at its limit.
    TooManySettings,
}
