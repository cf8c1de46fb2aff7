//! Short words for what the SMS channel does to a store.

use twine_engine::message::{Channel, IpAttempt, MessageId, SmsAttempt, WaitsFor};
use twine_engine::parts::{AfterRefusal, AttemptId, PartState};
use twine_engine::settings::{Reach, Settings};
use twine_engine::store_ops::{
    BootStamp, Considered, ConversationFacts, EventKind, Incoming, IncomingSms, Look, NewOutgoing,
    Op, Outcome, Released, SmsJob, Unsettled,
};
use twine_engine::time::Instant;
use twine_proto::{Content, Cursor, E164, Epoch, Filled, LaneSeq, NoteEntry, Peer, Redacted};

use super::Backend;
use super::world::{EPOCH, World, apply_sent, at, look, name, own, peer, state, text_body};

/// Reasons as an engine would give.
pub(super) const BECAUSE: &[&str] = &["a test says so"];

pub(super) fn card() -> Redacted<String> {
    Redacted::new("8925402000000000001".to_owned())
}

/// What an operation that applies a report answered, apart from the counts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct After {
    pub(super) look: Option<u64>,
    pub(super) unblocked: bool,
    pub(super) note_due: bool,
}

pub(super) fn wait(
    id: MessageId,
    seen: (IpAttempt, SmsAttempt),
    waits: Option<WaitsFor>,
    look: Option<Look>,
) -> Op {
    Op::Wait {
        id,
        seen,
        waits,
        look,
        because: BECAUSE,
    }
}

pub(super) const fn entry(lane_seq: u64, filled: Filled) -> NoteEntry {
    NoteEntry {
        lane_seq: LaneSeq(lane_seq),
        filled,
    }
}

/// The note that a released message carries.
pub(super) fn note_of(released: &Released) -> Vec<NoteEntry> {
    Content::decode(&released.content)
        .expect("readable content")
        .note
}

pub(super) fn hash(text: &str) -> u16 {
    twine_sms::fold::hash(text)
}

impl<B: Backend> World<B> {
    // -- sending --------------------------------------------------------------

    /// A message that may go by SMS as well, and waits for a decision.
    pub(super) fn new_undecided(&mut self, text: &str) -> NewOutgoing {
        NewOutgoing {
            sms: SmsAttempt::None,
            queue_for_ip: false,
            ..self.new_message(text)
        }
    }

    pub(super) fn undecided(&mut self, text: &str) -> MessageId {
        let message = self.new_undecided(text);
        self.enqueue_as(message)
    }

    /// Undecided, and to be looked at once.
    pub(super) fn undecided_at_once(&mut self, text: &str) -> MessageId {
        let message = NewOutgoing {
            look: Some(look(0)),
            ..self.new_undecided(text)
        };
        self.enqueue_as(message)
    }

    /// In the queue of IP; it may go by SMS as well. Its look is far away.
    pub(super) fn open(&mut self, text: &str) -> MessageId {
        let message = NewOutgoing {
            queue_for_ip: true,
            look: Some(look(10_000_000)),
            ..self.new_undecided(text)
        };
        self.enqueue_as(message)
    }

    /// In flight; it may go by SMS as well. Its look is 1000 ms later.
    pub(super) fn open_on_ip(&mut self, text: &str) -> Released {
        let id = self.open(text);
        match self.op(Op::Release {
            id,
            look: Some(look(1000)),
            boot: at(0),
        }) {
            Outcome::Released(released) => released,
            outcome => panic!("{outcome:?}"),
        }
    }

    pub(super) fn queued_for_ip(&mut self) -> Vec<MessageId> {
        match self.op(Op::LoadQueued {
            number: own(),
            limit: 100,
            max_bytes: usize::MAX,
        }) {
            Outcome::Queued { messages, .. } => messages.iter().map(|it| it.id).collect(),
            outcome => panic!("{outcome:?}"),
        }
    }

    /// Look and unblocked of an operation that answers `Looks`.
    pub(super) fn looks(&mut self, op: Op) -> (Option<u64>, bool) {
        match self.op(op) {
            Outcome::Looks { look, unblocked } => (look.map(|at| at.0), unblocked),
            outcome => panic!("{outcome:?}"),
        }
    }

    /// What a report of the present epoch leaves to do.
    pub(super) fn after_sent(
        &mut self,
        high_water: u64,
        delivered: &[u64],
        dispositions: &[(u64, twine_proto::frame::Disposition)],
    ) -> After {
        self.after(apply_sent(
            EPOCH,
            state(high_water, delivered, dispositions),
        ))
    }

    pub(super) fn after(&mut self, op: Op) -> After {
        match self.op(op) {
            Outcome::Applied {
                look,
                unblocked,
                note_due,
                ..
            } => After {
                look: look.map(|at| at.0),
                unblocked,
                note_due,
            },
            outcome => panic!("{outcome:?}"),
        }
    }

    /// As a decision saw them.
    pub(super) fn attempts(&self, id: MessageId) -> (IpAttempt, SmsAttempt) {
        let record = self.record(id);
        (record.ip, record.sms.state)
    }

    pub(super) fn sms(&self, id: MessageId) -> SmsAttempt {
        self.attempts(id).1
    }

    /// What is due at this moment, in order.
    pub(super) fn due(&mut self, now: u64) -> Vec<Considered> {
        match self.op(Op::LoadDue {
            boot: at(now),
            limit: 100,
        }) {
            Outcome::Due { messages, .. } => messages,
            outcome => panic!("{outcome:?}"),
        }
    }

    pub(super) fn due_ids(&mut self, now: u64) -> Vec<MessageId> {
        self.due(now).iter().map(|it| it.id).collect()
    }

    /// A message that is due at once.
    pub(super) fn considered(&mut self, id: MessageId) -> Considered {
        let mut due = self.due(0);
        let place = due.iter().position(|it| it.id == id);
        due.swap_remove(place.unwrap_or_else(|| panic!("message {} is not due", id.0)))
    }

    // -- by SMS ---------------------------------------------------------------

    pub(super) fn release_sms_op(&self, id: MessageId, marked: bool) -> Op {
        Op::ReleaseSms {
            id,
            seen: self.attempts(id),
            iccid: card(),
            marked,
            settings: Settings::default(),
            because: BECAUSE,
        }
    }

    /// Into the pacing queue; its place.
    pub(super) fn release_sms(&mut self, id: MessageId, marked: bool) -> Option<u64> {
        match self.op(self.release_sms_op(id, marked)) {
            Outcome::SmsQueued { lane_seq } => lane_seq.map(|it| it.0),
            outcome => panic!("{outcome:?}"),
        }
    }

    pub(super) fn pacing_queue(&mut self) -> Vec<SmsJob> {
        match self.op(Op::LoadSms {
            after: MessageId(0),
            limit: 100,
        }) {
            Outcome::SmsQueue(jobs) => jobs,
            outcome => panic!("{outcome:?}"),
        }
    }

    pub(super) fn pacing_ids(&mut self) -> Vec<MessageId> {
        self.pacing_queue().iter().map(|job| job.id).collect()
    }

    /// To the agent; its result may stay unknown for 600 s.
    pub(super) fn hand(&mut self, id: MessageId, attempt: u64, parts: u8) {
        match self.op(hand(id, attempt, parts)) {
            Outcome::SmsHanded(handed) => {
                assert_eq!(handed.len(), 1);
                assert_eq!(handed[0].attempt, AttemptId(attempt));
                assert_eq!(handed[0].job.id, id);
            }
            outcome => panic!("{outcome:?}"),
        }
    }

    /// A result, of which a refusal is final.
    pub(super) fn part(&mut self, attempt: u64, part: u8, state: PartState) -> SmsAttempt {
        self.part_of(result(attempt, part, state)).0
    }

    /// State, look and unblocked of a part's result.
    pub(super) fn part_of(&mut self, op: Op) -> (SmsAttempt, Option<u64>, bool) {
        match self.op(op) {
            Outcome::SmsPart {
                id,
                state,
                look,
                unblocked,
                ..
            } => {
                let id = id.expect("a known attempt");
                assert_eq!(self.sms(id), state);
                (state, look.map(|at| at.0), unblocked)
            }
            outcome => panic!("{outcome:?}"),
        }
    }

    /// With the agent, by SMS alone, in one part.
    pub(super) fn handed(&mut self, text: &str, attempt: u64) -> MessageId {
        let id = self.undecided(text);
        self.release_sms(id, false);
        self.hand(id, attempt, 1);
        id
    }

    /// Sent by SMS alone, in one part.
    pub(super) fn sent_by_sms(&mut self, text: &str) -> MessageId {
        let attempt = 1_000 + self.next_id;
        let id = self.handed(text, attempt);
        assert_eq!(self.part(attempt, 0, PartState::Sent), SmsAttempt::Sent);
        id
    }

    // -- settings -------------------------------------------------------------

    pub(super) fn conversation_at(&mut self, peer: Peer, boot: BootStamp) -> ConversationFacts {
        match self.op(Op::LoadConversation {
            sender: own().into(),
            peer,
            boot,
        }) {
            Outcome::Conversation(facts) => facts,
            outcome => panic!("{outcome:?}"),
        }
    }

    pub(super) fn facts(&mut self) -> ConversationFacts {
        self.conversation_at(peer().into(), at(0))
    }

    pub(super) fn reach(&mut self) -> Reach {
        self.facts().reach
    }

    pub(super) fn set(
        &mut self,
        conversation: Option<(E164, Peer)>,
        settings: Settings,
    ) -> Option<u64> {
        self.looks(Op::Set {
            conversation,
            settings,
        })
        .0
    }

    // -- receiving ------------------------------------------------------------

    /// An SMS of the peer, with the mark of a place or without. Each at its own
    /// second.
    pub(super) fn new_sms(&mut self, text: &str, mark: Option<u64>) -> IncomingSms {
        let id = MessageId(self.next_id);
        self.next_id += 1;
        IncomingSms {
            id,
            spool_id: format!("spool-{}", id.0),
            own: own(),
            peer: peer().into(),
            iccid: card(),
            text: Redacted::new(text.to_owned()),
            residue: mark.map(|lane_seq| (lane_seq % 4) as u8),
            hash: hash(text),
            scts_ms: 1_700_000_000_000 + 1000 * id.0,
            boot: at(0),
        }
    }

    pub(super) fn take_sms(&mut self, sms: IncomingSms) -> (MessageId, Option<MessageId>) {
        let given = sms.id;
        match self.op(Op::InsertSms(sms)) {
            Outcome::SmsInserted { id, copy_of } => {
                assert_eq!(id, given);
                assert_eq!(self.record(id).copy_of, copy_of);
                (id, copy_of)
            }
            outcome => panic!("{outcome:?}"),
        }
    }

    /// Of the peer, and what it is a copy of.
    pub(super) fn sms_in(&mut self, text: &str, mark: Option<u64>) -> MessageId {
        let sms = self.new_sms(text, mark);
        self.take_sms(sms).0
    }

    /// A message of the peer with this text and note.
    pub(super) fn new_ip_in(
        &mut self,
        lane_seq: u64,
        text: &str,
        note: Vec<NoteEntry>,
    ) -> Incoming {
        Incoming {
            note,
            ..self.incoming(text_body(name(peer(), EPOCH, lane_seq), text))
        }
    }

    pub(super) fn take_ip(&mut self, incoming: Incoming) -> MessageId {
        match self.op(Op::InsertIncoming(incoming)) {
            Outcome::Inserted { id } => id,
            outcome => panic!("{outcome:?}"),
        }
    }

    pub(super) fn ip_in(&mut self, lane_seq: u64, text: &str) -> MessageId {
        let incoming = self.new_ip_in(lane_seq, text, Vec::new());
        self.take_ip(incoming)
    }

    /// A note of the peer without a message.
    pub(super) fn note_in(&mut self, note: Vec<NoteEntry>) {
        self.note_in_at(EPOCH, note, at(0));
    }

    pub(super) fn note_in_at(&mut self, epoch: Epoch, note: Vec<NoteEntry>, boot: BootStamp) {
        let cursor = Cursor(self.next_cursor);
        self.next_cursor += 1;
        self.done(Op::ApplyNote {
            number: own(),
            from: peer(),
            epoch,
            note,
            cursor,
            check: 7,
            boot,
        });
    }

    pub(super) fn copy_of(&self, id: MessageId) -> Option<MessageId> {
        self.record(id).copy_of
    }

    /// Kinds of the events of a message, and the other message of each.
    pub(super) fn kinds(&self, id: MessageId) -> Vec<(EventKind, Option<MessageId>)> {
        self.events(0, 400)
            .1
            .iter()
            .filter(|event| event.message == id)
            .map(|event| (event.kind, event.into))
            .collect()
    }
}

pub(super) fn hand(id: MessageId, attempt: u64, parts: u8) -> Op {
    Op::HandSms {
        id,
        attempt: AttemptId(attempt),
        parts,
        boot: at(500),
        look: look(600_000),
    }
}

pub(super) const fn result(attempt: u64, part: u8, state: PartState) -> Op {
    Op::ApplySmsPart {
        attempt: AttemptId(attempt),
        part,
        state,
        code: None,
        refusal: AfterRefusal::Fail,
        look: None,
        because: &[],
    }
}

pub(super) const fn ask_back(id: MessageId, answer_ms: u64) -> Op {
    Op::AskBack {
        id,
        look: Look {
            boot: at(0),
            after: std::time::Duration::from_millis(answer_ms),
        },
        because: BECAUSE,
    }
}

/// The seq to be asked for.
pub(super) fn must_revoke(outcome: Outcome) -> u64 {
    match outcome {
        Outcome::MustRevoke(Unsettled { seq, .. }) => seq.get(),
        outcome => panic!("{outcome:?}"),
    }
}

pub(super) fn by(id: MessageId, by: Option<Channel>) -> Op {
    Op::Retry {
        id,
        by,
        boot: at(0),
    }
}

/// "At once", in an outcome.
pub(super) const AT_ONCE: Option<u64> = Some(0);

/// Of an outcome.
pub(super) fn ms(look: Option<Instant>) -> Option<u64> {
    look.map(|at| at.0)
}
