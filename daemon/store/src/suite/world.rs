//! A store in the hands of a test, and short words for what is done to it.

use std::time::Duration;

use twine_engine::message::{Channel, MessageId, MessageRecord, OrderKey, Shown, SmsAttempt};
use twine_engine::store_ops::{
    AcceptedLooks, Batch, BatchId, BootStamp, ClientName, EventCursor, EventRecord, Incoming,
    IncomingBody, Look, NewOutgoing, Op, Outcome, Released, Snapshot, StoreOps, Stored, Token,
};
use twine_engine::time::{BootId, Instant, WallTime};
use twine_proto::frame::{Disposition, ReadMark, RevokeOutcome, SentState};
use twine_proto::{
    Cursor, Digest, E164, Epoch, LaneSeq, MessageName, Peer, Redacted, Seq, SessionNo,
};

use super::Backend;

pub(super) const EPOCH: Epoch = Epoch(690);
/// The boot all stamps are of unless a case says otherwise.
pub(super) const BOOT: BootId = BootId(u64::MAX - 3);
/// Seqs in flight, and whether they are being taken back.
pub(super) type InFlight = Vec<(u64, bool)>;
/// Accepted seqs that are being taken back, with their epoch.
pub(super) type TakingBack = Vec<(u32, u64)>;

/// See [`accepted_looks`].
pub(super) const AWAY_MS: u64 = 500_000;
/// See [`accepted_looks`].
pub(super) const HERE_MS: u64 = 900_000;
/// When what was accepted in a closed epoch is looked at again.
pub(super) const CLOSED_MS: u64 = 800_000;
/// When a message of which the gateway cannot tell is looked at again.
pub(super) const DOUBT_MS: u64 = 700_000;

/// Larger than any page a case needs.
const PAGE: usize = 100;

/// This device.
pub(super) fn own() -> E164 {
    number(254_712_345_678)
}

/// Its second SIM.
pub(super) fn second_own() -> E164 {
    number(254_733_000_111)
}

/// The other side.
pub(super) fn peer() -> E164 {
    number(2_348_031_234_567)
}

/// Another one.
pub(super) fn other_peer() -> E164 {
    number(8_613_800_138_000)
}

fn number(number: u64) -> E164 {
    E164::new(number).expect("a number")
}

pub(super) const fn at(ms: u64) -> BootStamp {
    BootStamp {
        boot: BOOT,
        at: Instant(ms),
    }
}

/// So long after 0 of [`BOOT`].
pub(super) fn look(after_ms: u64) -> Look {
    Look {
        boot: at(0),
        after: Duration::from_millis(after_ms),
    }
}

/// When accepted messages are looked at again.
pub(super) fn accepted_looks() -> AcceptedLooks {
    AcceptedLooks {
        away: look(AWAY_MS),
        here: look(HERE_MS),
    }
}

pub(super) fn client(name: &str) -> ClientName {
    ClientName(name.to_owned())
}

/// What the gateway says of the seqs of an epoch.
pub(super) fn state(
    high_water: u64,
    delivered: &[u64],
    dispositions: &[(u64, Disposition)],
) -> SentState {
    SentState {
        high_water: Seq(high_water),
        delivered: delivered.iter().copied().map(Seq).collect(),
        dispositions: dispositions
            .iter()
            .map(|&(seq, disposition)| (Seq(seq), disposition))
            .collect(),
    }
}

pub(super) fn name(from: E164, epoch: Epoch, lane_seq: u64) -> MessageName {
    MessageName {
        from,
        epoch,
        to: own(),
        lane_seq: LaneSeq(lane_seq),
    }
}

pub(super) fn text_body(name: MessageName, text: &str) -> IncomingBody {
    IncomingBody::Text {
        name,
        digest: Digest::of(name.to, name.lane_seq, text.as_bytes()),
        text: Redacted::new(text.to_owned()),
    }
}

pub(super) fn key(message: &MessageRecord) -> (u64, u32, u64) {
    let OrderKey {
        position,
        epoch,
        lane_seq,
    } = message.order;
    (position, epoch.get(), lane_seq.get())
}

/// A release without a look.
pub(super) const fn release(id: MessageId) -> Op {
    Op::Release {
        id,
        look: None,
        boot: at(0),
    }
}

/// Another try by IP.
pub(super) const fn retry(id: MessageId, boot: BootStamp) -> Op {
    Op::Retry {
        id,
        by: Some(Channel::Ip),
        boot,
    }
}

/// Passes over a mailbox entry that holds no message: a note that says nothing.
pub(super) fn pass_cursor(cursor: u64, check: u32) -> Op {
    Op::ApplyNote {
        number: own(),
        from: peer(),
        epoch: Epoch(1),
        note: Vec::new(),
        cursor: Cursor(cursor),
        check,
        boot: at(0),
    }
}

/// A report about this device's first number; nobody is away.
pub(super) fn apply_sent(epoch: Epoch, state: SentState) -> Op {
    Op::ApplySent {
        number: own(),
        epoch,
        state,
        away: Vec::new(),
        looks: accepted_looks(),
    }
}

/// See the module.
pub(super) struct World<B: Backend> {
    backend: B,
    store: Option<B::Store>,
    batches: u64,
    pub(super) next_id: u64,
    pub(super) next_cursor: u64,
    next_token: u64,
    pub(super) wall: WallTime,
    latest: EventCursor,
}

impl<B: Backend> World<B> {
    /// An empty store.
    pub(super) fn empty(mut backend: B) -> Self {
        let store = backend.open();
        Self {
            backend,
            store: Some(store),
            batches: 0,
            next_id: 1,
            next_cursor: 1,
            next_token: 1,
            wall: WallTime(1_000),
            latest: EventCursor(0),
        }
    }

    /// One identity, bound in [`EPOCH`].
    pub(super) fn bound(backend: B) -> Self {
        let mut world = Self::empty(backend);
        world.register(own());
        world.bind(EPOCH);
        world
    }

    pub(super) fn store(&self) -> &B::Store {
        self.store.as_ref().expect("a store")
    }

    /// The daemon dies and starts again.
    pub(super) fn crash(&mut self) {
        let store = self.store.take().expect("a store");
        self.store = Some(self.backend.crash_and_reopen(store));
        assert_eq!(
            self.snapshot().latest_event,
            self.latest,
            "events survive a crash"
        );
    }

    /// Applies a batch; every batch is later than the one before.
    pub(super) fn batch(&mut self, ops: Vec<Op>) -> Stored {
        self.batches += 1;
        self.wall.0 += 1;
        let batch = Batch {
            id: BatchId(self.batches),
            wall: self.wall,
            ops,
        };
        let store = self.store.as_mut().expect("a store");
        let stored = store
            .apply(&batch)
            .unwrap_or_else(|error| panic!("batch {}: {error}", self.batches));
        assert_eq!(stored.id, batch.id);
        assert_eq!(
            stored.outcomes.len(),
            batch.ops.len(),
            "an outcome for each operation"
        );
        assert!(stored.latest_event >= self.latest, "events only grow");
        let open = self.snapshot().outbox;
        assert_eq!(stored.outbox, open, "the outbox is counted");
        self.latest = stored.latest_event;
        stored
    }

    /// Applies one operation.
    pub(super) fn op(&mut self, op: Op) -> Outcome {
        self.batch(vec![op])
            .outcomes
            .pop()
            .expect("an outcome for the operation")
    }

    /// Applies one operation that answers `Done`.
    pub(super) fn done(&mut self, op: Op) {
        let what = format!("{op:?}");
        let outcome = self.op(op);
        assert!(matches!(outcome, Outcome::Done), "{what}: {outcome:?}");
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        self.store()
            .snapshot()
            .unwrap_or_else(|error| panic!("snapshot: {error}"))
    }

    // -- identities -----------------------------------------------------------

    pub(super) fn register(&mut self, number: E164) {
        self.done(Op::Register {
            number,
            iccid: None,
        });
    }

    pub(super) fn bind(&mut self, epoch: Epoch) {
        self.done(Op::BindEpoch {
            number: own(),
            epoch,
        });
    }

    pub(super) fn close(&mut self, epoch: Epoch) {
        self.op(Op::CloseEpoch {
            number: own(),
            epoch,
            contested_from: None,
        });
    }

    /// Closes it because somebody else has its seqs from this one on.
    pub(super) fn contest(&mut self, epoch: Epoch, from: u64) {
        self.op(Op::CloseEpoch {
            number: own(),
            epoch,
            contested_from: Some(Seq(from)),
        });
    }

    pub(super) fn session(&mut self, at_least: u64) -> SessionNo {
        match self.op(Op::BeginSession {
            at_least: SessionNo(at_least),
        }) {
            Outcome::SessionBegun { session_no, .. } => session_no,
            outcome => panic!("{outcome:?}"),
        }
    }

    // -- sending --------------------------------------------------------------

    /// A new message with a token of its own, for IP alone and in its queue.
    pub(super) fn new_message(&mut self, text: &str) -> NewOutgoing {
        let id = MessageId(self.next_id);
        self.next_id += 1;
        self.next_token += 1;
        NewOutgoing {
            id,
            client: client("app"),
            token: Token(self.next_token.to_be_bytes().to_vec()),
            sender: own().into(),
            peer: Peer::Number(peer()),
            text: Redacted::new(text.to_owned()),
            valid_for: None,
            boot: at(0),
            wish: None,
            sms: SmsAttempt::NotUsed,
            queue_for_ip: true,
            look: None,
            because: &[],
        }
    }

    pub(super) fn enqueue_as(&mut self, message: NewOutgoing) -> MessageId {
        let id = message.id;
        match self.op(Op::Enqueue(message)) {
            Outcome::Enqueued { id: given } if given == id => id,
            outcome => panic!("{outcome:?}"),
        }
    }

    pub(super) fn enqueue(&mut self, text: &str) -> MessageId {
        let message = self.new_message(text);
        self.enqueue_as(message)
    }

    pub(super) fn enqueue_to(&mut self, peer: E164) -> MessageId {
        let mut message = self.new_message("hello");
        message.peer = peer.into();
        self.enqueue_as(message)
    }

    pub(super) fn enqueue_valid_for(&mut self, ms: u64) -> MessageId {
        let mut message = self.new_message("hello");
        message.valid_for = Some(Duration::from_millis(ms));
        self.enqueue_as(message)
    }

    pub(super) fn release(&mut self, id: MessageId) -> Released {
        match self.op(release(id)) {
            Outcome::Released(released) => {
                assert_eq!(released.id, id);
                released
            }
            outcome => panic!("{outcome:?}"),
        }
    }

    /// Enqueues and releases.
    pub(super) fn send(&mut self, text: &str) -> MessageId {
        let id = self.enqueue(text);
        self.release(id);
        id
    }

    /// Sends so many; seqs from 1.
    pub(super) fn send_many(&mut self, count: usize) -> Vec<MessageId> {
        (0..count)
            .map(|at| self.send(&format!("text {at}")))
            .collect()
    }

    /// Once more by IP, and into its queue.
    pub(super) fn retry(&mut self, id: MessageId) {
        let outcome = self.op(retry(id, at(0)));
        assert!(matches!(outcome, Outcome::Retried { .. }), "{outcome:?}");
        self.queue_for_ip(id);
    }

    pub(super) fn queue_for_ip(&mut self, id: MessageId) {
        let outcome = self.op(Op::QueueForIp { id, look: look(0) });
        assert!(matches!(outcome, Outcome::Looks { .. }), "{outcome:?}");
    }

    /// Settled and requeued by a report of the present epoch.
    pub(super) fn sent(&mut self, state: SentState) -> (u64, u64) {
        self.sent_in(EPOCH, state)
    }

    pub(super) fn sent_in(&mut self, epoch: Epoch, state: SentState) -> (u64, u64) {
        self.applied(apply_sent(epoch, state))
    }

    pub(super) fn closed(&mut self, epoch: Epoch, state: SentState) -> (u64, u64) {
        let op = Op::ApplyClosed {
            number: own(),
            epoch,
            state,
            look: look(CLOSED_MS),
        };
        self.applied(op)
    }

    pub(super) fn revoked(&mut self, epoch: Epoch, results: &[(u64, RevokeOutcome)]) -> u64 {
        let op = Op::ApplyRevoked {
            number: own(),
            epoch,
            results: results
                .iter()
                .map(|&(seq, outcome)| (Seq(seq), outcome))
                .collect(),
            look: look(DOUBT_MS),
        };
        self.applied(op).0
    }

    pub(super) fn applied(&mut self, op: Op) -> (u64, u64) {
        match self.op(op) {
            Outcome::Applied {
                settled, requeued, ..
            } => (settled, requeued),
            outcome => panic!("{outcome:?}"),
        }
    }

    /// What has to be filled in again.
    pub(super) fn resume(&mut self) -> (InFlight, TakingBack) {
        let (in_flight, more, taking_back) = self.resume_page(0, PAGE);
        assert!(!more);
        (in_flight, taking_back)
    }

    /// A page of the resume, and whether there are more.
    pub(super) fn resume_page(&mut self, after: u64, limit: usize) -> (InFlight, bool, TakingBack) {
        match self.op(Op::LoadResume {
            number: own(),
            after: Seq(after),
            limit,
        }) {
            Outcome::Resume {
                in_flight,
                more,
                taking_back,
            } => (
                in_flight
                    .iter()
                    .map(|item| (item.released.seq.get(), item.take_back))
                    .collect(),
                more,
                taking_back
                    .iter()
                    .map(|(epoch, seq)| (epoch.get(), seq.get()))
                    .collect(),
            ),
            outcome => panic!("{outcome:?}"),
        }
    }

    // -- receiving ------------------------------------------------------------

    /// A delivery at the next cursor.
    pub(super) fn incoming(&mut self, body: IncomingBody) -> Incoming {
        let cursor = Cursor(self.next_cursor);
        self.next_cursor += 1;
        let id = MessageId(self.next_id);
        self.next_id += 1;
        Incoming {
            id,
            own: own(),
            cursor,
            check: match &body {
                IncomingBody::Text { name, .. } | IncomingBody::Unreadable { name, .. } => {
                    name.cursor_check()
                }
                IncomingBody::Unnamed => 0,
            },
            body,
            age_s: 7,
            note: Vec::new(),
            maybe_by_sms: false,
            boot: at(0),
        }
    }

    pub(super) fn take(&mut self, body: IncomingBody) -> Outcome {
        let incoming = self.incoming(body);
        self.op(Op::InsertIncoming(incoming))
    }

    /// A new message of `from`.
    pub(super) fn receive_from(&mut self, from: E164, epoch: Epoch, lane_seq: u64) -> MessageId {
        let text = format!("text {lane_seq}");
        match self.take(text_body(name(from, epoch, lane_seq), &text)) {
            Outcome::Inserted { id } => id,
            outcome => panic!("{outcome:?}"),
        }
    }

    /// A new message of the peer.
    pub(super) fn receive(&mut self, lane_seq: u64) -> MessageId {
        self.receive_from(peer(), EPOCH, lane_seq)
    }

    // -- receipts -------------------------------------------------------------

    pub(super) fn read_by_peer(&mut self, upto: u64) {
        self.done(Op::ApplyReadBy {
            number: own(),
            mark: ReadMark {
                peer: peer(),
                epoch: EPOCH,
                upto: LaneSeq(upto),
            },
            cursor: Cursor(0),
            check: 0,
        });
    }

    // -- reading --------------------------------------------------------------

    pub(super) fn record(&self, id: MessageId) -> MessageRecord {
        self.store()
            .message(id)
            .unwrap_or_else(|error| panic!("message: {error}"))
            .unwrap_or_else(|| panic!("message {} is gone", id.0))
    }

    pub(super) fn shown(&self, id: MessageId) -> Shown {
        self.record(id).shown
    }

    /// A page of the conversation with the peer.
    pub(super) fn history(&self, before: Option<OrderKey>, limit: usize) -> Vec<MessageRecord> {
        self.store()
            .history(own(), peer().into(), before, limit)
            .unwrap_or_else(|error| panic!("history: {error}"))
    }

    /// Ids of the conversation with the peer as an app shows it, oldest first.
    pub(super) fn conversation(&self) -> Vec<MessageId> {
        let mut ids: Vec<_> = self.history(None, PAGE).iter().map(|m| m.id).collect();
        ids.reverse();
        ids
    }

    pub(super) fn outbox(&self) -> Vec<MessageId> {
        self.store()
            .outbox(MessageId(0), PAGE)
            .unwrap_or_else(|error| panic!("outbox: {error}"))
            .iter()
            .map(|message| message.id)
            .collect()
    }

    pub(super) fn events(&self, after: u64, limit: usize) -> (Option<u64>, Vec<EventRecord>) {
        let events = self
            .store()
            .events(EventCursor(after), limit)
            .unwrap_or_else(|error| panic!("events: {error}"));
        (events.resync_from.map(|from| from.0), events.events)
    }

    /// What was shown of a message, event by event.
    pub(super) fn story(&self, id: MessageId) -> Vec<Shown> {
        let (resync, events) = self.events(0, PAGE);
        assert_eq!(resync, None);
        events
            .iter()
            .filter(|event| event.message == id)
            .map(|event| event.shown)
            .collect()
    }
}
