//! The simulated store: every operation of `twine_engine::store_ops`, in
//! memory.
//!
//! Passes the same suite as the SQLite store. What survives a crash is decided
//! by the world: it applies a batch or it does not, never half. That a real store
//! keeps to that, wherever its last write is torn, shows `tests/torn.rs` of
//! `twine-store`. Keeps no stories.
//!
//! | module | owns |
//! |---|---|
//! | `records` | what is kept of a message, and what follows from it |
//! | `lanes` | changing an outgoing message and all it is found by; what is before what |
//! | `identities` | numbers, cards, epochs, cursors |
//! | `settings` | the user's choices, and who is believed to be on IP |
//! | `outgoing` | from the queue to the gateway |
//! | `outcomes` | what the gateway says |
//! | `taking_back` | cancel, retry, validity |
//! | `looks` | what is to be decided, and decisions that are no attempt |
//! | `sms` | from the pacing queue to the agent, and its results |
//! | `notes` | lane notes, written |
//! | `incoming` | deliveries and SMS, taken once |
//! | `merging` | lane notes read, copies linked |
//! | `receipts` | read marks |
//! | `clients` | the event log and its readers |

mod apply;
mod clients;
mod identities;
mod incoming;
mod lanes;
mod looks;
mod merging;
mod notes;
mod outcomes;
mod outgoing;
mod receipts;
mod records;
mod settings;
mod sms;
mod taking_back;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use twine_engine::dedup::SeenPlaces;
use twine_engine::message::{LaneUse, MessageId, MessageRecord, OrderKey, WaitsFor};
use twine_engine::parts::AttemptId;
use twine_engine::settings::{Reach, Settings};
use twine_engine::store_ops::{
    Batch, BootStamp, ClientName, EventCursor, EventRecord, Events, Memo, NextDue, Snapshot,
    StoreOps, Stored, Token,
};
use twine_engine::time::Instant;
use twine_proto::{Cursor, E164, Epoch, Filled, LaneSeq, MessageName, Peer, Seq, SessionNo};

use identities::Identity;
use lanes::Aftermath;
use receipts::Mark;
use records::{Incoming, Outgoing};

/// A place in a lane: own number, the other side, epoch, lane_seq.
type PlaceKey = (E164, E164, Epoch, LaneSeq);

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    session_no: SessionNo,
    memos: BTreeMap<Memo, Vec<u8>>,
    next_message: u64,
    identities: Vec<Identity>,
    global: Settings,
    settings: BTreeMap<(E164, Peer), Settings>,
    reach: BTreeMap<E164, (Reach, Option<BootStamp>)>,
    tokens: BTreeMap<(ClientName, Token), MessageId>,

    outgoing: BTreeMap<MessageId, Outgoing>,
    /// Of a present epoch: the last place that was given.
    lanes_out: BTreeMap<(E164, Peer), (Epoch, LaneSeq)>,
    places_out: BTreeMap<PlaceKey, MessageId>,
    /// Every number ever given.
    released_as: BTreeMap<(E164, Epoch, Seq), MessageId>,
    /// Lanes whose receiver is to be told at once.
    notes_due: BTreeSet<(E164, E164)>,
    /// Parts handed to the agent lately, oldest first.
    handed_lately: VecDeque<(BootStamp, u8)>,
    found: Found,
    after: Aftermath,

    incoming: BTreeMap<MessageId, Incoming>,
    lanes_in: BTreeMap<(E164, E164, Epoch), SeenPlaces>,
    places_in: BTreeMap<PlaceKey, MessageId>,
    /// Places of SMS, given by notes.
    sms_places: BTreeMap<PlaceKey, MessageId>,
    unread: BTreeSet<(PlaceKey, MessageId)>,
    conflicts: BTreeMap<(MessageName, u64), MessageId>,
    unnamed: BTreeSet<(E164, Cursor)>,
    marks: BTreeMap<(E164, E164, Epoch), Mark>,
    /// Incoming messages that are no copy of another.
    roots: BTreeSet<(E164, Peer, MessageId)>,
    sms_in: BTreeSet<(E164, Peer, MessageId)>,
    copies_of: BTreeMap<MessageId, BTreeSet<MessageId>>,
    /// Entries of notes whose SMS is not here (yet).
    pending: BTreeMap<(E164, E164, Epoch), BTreeMap<LaneSeq, Filled>>,
    spooled: incoming::Remembered<String>,
    arrivals: incoming::Remembered<(E164, Peer, u64, u64)>,

    /// What a person sees, in its order.
    conversations: BTreeMap<(E164, Peer), BTreeSet<(OrderKey, MessageId)>>,
    clients: BTreeMap<ClientName, EventCursor>,
    events: VecDeque<EventRecord>,
    latest_event: EventCursor,
}

/// By what outgoing messages are found; kept by `lanes` alone.
#[derive(Debug, Clone, Default)]
struct Found {
    unsettled: BTreeMap<(E164, Epoch, Seq), MessageId>,
    /// In somebody's way.
    lanes: BTreeSet<(E164, Peer, LaneUse, MessageId)>,
    /// May get a look when their lane is free.
    next_in_lane: BTreeSet<(E164, Peer, MessageId)>,
    open: BTreeSet<MessageId>,
    open_in: BTreeSet<(E164, Peer, MessageId)>,
    /// Waiting for a channel, how many of each number.
    queued: BTreeMap<E164, u64>,
    /// In the queue of IP.
    for_ip: BTreeSet<(E164, MessageId)>,
    waiting_for: BTreeSet<(WaitsFor, E164, MessageId)>,
    pacing: BTreeSet<MessageId>,
    sms_waiting: u64,
    handed: BTreeSet<MessageId>,
    attempts: BTreeMap<AttemptId, MessageId>,
    looks: BTreeSet<(Instant, MessageId)>,
    deadlines: BTreeSet<(Instant, MessageId)>,
    open_places: BTreeSet<PlaceKey>,
    left_ip: BTreeSet<PlaceKey>,
    unread: BTreeSet<PlaceKey>,
}

/// A batch is always applied.
#[derive(Debug, thiserror::Error)]
pub enum Never {}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self {
            next_message: 1,
            ..Self::default()
        }
    }

    /// All conversations: own number and peer.
    pub fn conversation_list(&self) -> Vec<(E164, Peer)> {
        self.conversations.keys().copied().collect()
    }

    /// For the world's checks: the message that this attempt was made for.
    pub fn attempted(&self, attempt: AttemptId) -> Option<MessageId> {
        self.found.attempts.get(&attempt).copied()
    }

    /// For the world's checks: all incoming messages.
    pub fn incoming(&self) -> impl Iterator<Item = MessageRecord> {
        self.incoming
            .iter()
            .map(|(id, message)| message.record(*id))
    }

    /// What is left of a store that broke: it may have lost its newest seqs, so no
    /// identity holds its epoch any longer (DELIVERY 4). The world takes the rows away.
    pub fn salvaged(&mut self) {
        for identity in &mut self.identities {
            identity.epoch = None;
        }
    }

    /// For the world's checks: the message that was given this place, if any.
    pub fn sent_at(&self, name: &MessageName) -> Option<MessageId> {
        self.places_out
            .get(&(name.from, name.to, name.epoch, name.lane_seq))
            .copied()
    }

    /// For the world's checks: the message that fills a place, if any.
    pub fn at_place(&self, name: &MessageName) -> Option<MessageId> {
        self.places_in
            .get(&(name.to, name.from, name.epoch, name.lane_seq))
            .copied()
    }

    fn record(&self, id: MessageId) -> Option<MessageRecord> {
        match self.outgoing.get(&id) {
            Some(message) => (!message.is_note()).then(|| message.record(id)),
            None => self.incoming.get(&id).map(|message| message.record(id)),
        }
    }

    fn show(&mut self, own: E164, peer: Peer, order: OrderKey, id: MessageId) {
        self.conversations
            .entry((own, peer))
            .or_default()
            .insert((order, id));
    }

    fn hide(&mut self, own: E164, peer: Peer, order: OrderKey, id: MessageId) {
        if let Some(conversation) = self.conversations.get_mut(&(own, peer)) {
            conversation.remove(&(order, id));
        }
    }
}

impl StoreOps for MemoryStore {
    type Error = Never;

    fn snapshot(&self) -> Result<Snapshot, Never> {
        Ok(Snapshot {
            identities: self.positions(),
            next_message: self.next_message.max(1),
            session_no: self.session_no,
            latest_event: self.latest_event,
            outbox: self.found.open.len() as u64,
            settings: self.global.clone(),
            handed: self.handed_lately.iter().copied().collect(),
            sms_waiting: self.found.sms_waiting,
            sms_handed: self
                .found
                .handed
                .iter()
                .filter(|id| self.is_with_agent(**id))
                .count() as u64,
            memos: self.memos.clone(),
        })
    }

    fn apply(&mut self, batch: &Batch) -> Result<Stored, Never> {
        let outcomes = batch
            .ops
            .iter()
            .map(|op| self.apply_op(op, batch.wall))
            .collect();
        Ok(Stored {
            id: batch.id,
            outcomes,
            latest_event: self.latest_event,
            outbox: self.found.open.len() as u64,
            due: NextDue {
                look: self.next_look(),
                validity: self.next_deadline(),
            },
        })
    }

    fn message(&self, id: MessageId) -> Result<Option<MessageRecord>, Never> {
        Ok(self.record(id))
    }

    fn history(
        &self,
        own: E164,
        peer: Peer,
        before: Option<OrderKey>,
        limit: usize,
    ) -> Result<Vec<MessageRecord>, Never> {
        let Some(conversation) = self.conversations.get(&(own, peer)) else {
            return Ok(Vec::new());
        };
        let records = |ids: &mut dyn Iterator<Item = &(OrderKey, MessageId)>| {
            ids.take(limit)
                .filter_map(|(_, id)| self.record(*id))
                .collect()
        };
        Ok(match before {
            None => records(&mut conversation.iter().rev()),
            Some(key) => records(&mut conversation.range(..(key, MessageId(0))).rev()),
        })
    }

    fn outbox(&self, after: MessageId, limit: usize) -> Result<Vec<MessageRecord>, Never> {
        Ok(self
            .found
            .open
            .range(MessageId(after.0.saturating_add(1))..)
            .take(limit)
            .filter_map(|id| self.record(*id))
            .collect())
    }

    fn events(&self, after: EventCursor, limit: usize) -> Result<Events, Never> {
        let oldest = self
            .events
            .front()
            .map_or(self.latest_event.0 + 1, |e| e.cursor.0);
        let start = after.0 + 1;
        let resync_from = (start < oldest).then_some(EventCursor(oldest - 1));
        let skip = usize::try_from(start.saturating_sub(oldest)).unwrap_or(usize::MAX);
        Ok(Events {
            resync_from,
            events: self.events.iter().skip(skip).take(limit).cloned().collect(),
        })
    }
}
