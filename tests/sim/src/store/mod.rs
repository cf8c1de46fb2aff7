//! The simulated store: every operation of `twine_engine::store_ops`, in
//! memory.
//!
//! Passes the same suite as the SQLite store. What survives a crash is decided
//! by the world: it applies a batch or it does not, never half. That a real store
//! keeps to that, wherever its last write is torn, shows `tests/torn.rs` of `twine-store`.

mod incoming;
mod outgoing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use twine_engine::dedup::SeenPlaces;
use twine_engine::limits::{EVENTS_KEPT, MAX_CLIENTS};
use twine_engine::message::{
    Direction, IpAttempt, MessageId, MessageRecord, OrderKey, SentAs, Shown, SmsAttempt, TakeBack,
    shown,
};
use twine_engine::store_ops::{
    Batch, ClientName, EventCursor, EventKind, EventRecord, Events, IdentityPosition, Op, Outcome,
    Snapshot, StoreOps, Stored, Token,
};
use twine_engine::time::{BootId, Instant, WallTime};
use twine_proto::frame::{EpochPosition, RejectReason};
use twine_proto::limits::MAX_OLD_EPOCHS;
use twine_proto::{Cursor, Digest, E164, Epoch, LaneSeq, MessageName, Redacted, Seq, SessionNo};

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    session_no: SessionNo,
    next_message: u64,
    identities: Vec<Identity>,
    messages: BTreeMap<MessageId, Message>,
    queued: BTreeSet<(E164, MessageId)>,
    unsettled: BTreeMap<(E164, Epoch, Seq), MessageId>,
    /// Every number ever given.
    released_as: BTreeMap<(E164, Epoch, Seq), MessageId>,
    deadlines: BTreeSet<(Instant, MessageId)>,
    tokens: BTreeMap<(ClientName, Token), MessageId>,
    lanes_out: BTreeMap<(E164, E164), (Epoch, LaneSeq)>,
    places_out: BTreeMap<(E164, E164, Epoch, LaneSeq), MessageId>,
    lanes_in: BTreeMap<(E164, E164, Epoch), SeenPlaces>,
    places_in: BTreeMap<(E164, E164, Epoch, LaneSeq), MessageId>,
    conflicts: BTreeMap<(MessageName, u64), MessageId>,
    unnamed: BTreeSet<(E164, Cursor)>,
    marks: BTreeMap<(E164, E164, Epoch), Mark>,
    conversations: BTreeMap<(E164, E164), BTreeMap<OrderKey, MessageId>>,
    clients: BTreeMap<ClientName, EventCursor>,
    events: VecDeque<EventRecord>,
    latest_event: EventCursor,
}

#[derive(Debug, Clone)]
struct Identity {
    number: E164,
    iccid: Option<Redacted<String>>,
    epoch: Option<Epoch>,
    last_epoch: Epoch,
    next_seq: Seq,
    cursor: Cursor,
    check: u32,
}

/// How far the user has read in an incoming lane, and how far the gateway
/// knows.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    upto: LaneSeq,
    version: u64,
    untold: bool,
}

#[derive(Debug, Clone)]
struct Message {
    direction: Direction,
    own: E164,
    peer: E164,
    text: Option<Redacted<String>>,
    place: Option<(Epoch, LaneSeq)>,
    digest: Option<Digest>,
    ip: IpAttempt,
    take_back: Option<TakeBack>,
    read: bool,
    shown: Shown,
    order: OrderKey,
    created: WallTime,
    changed: WallTime,
    age_s: u32,
    valid_for: Option<std::time::Duration>,
    deadline: Option<(BootId, Instant)>,
    rejected: Option<RejectReason>,
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
    pub fn conversation_list(&self) -> Vec<(E164, E164)> {
        self.conversations.keys().copied().collect()
    }

    /// What is left of a store that broke: it may have lost its newest seqs, so no
    /// identity holds its epoch any longer (DELIVERY 4). The world takes the rows away.
    pub fn salvaged(&mut self) {
        for identity in &mut self.identities {
            identity.epoch = None;
        }
    }

    fn identity(&mut self, number: E164) -> Option<&mut Identity> {
        self.identities
            .iter_mut()
            .find(|identity| identity.number == number)
    }

    fn event(&mut self, kind: EventKind, id: MessageId, shown: Shown, wall: WallTime) {
        self.latest_event = EventCursor(self.latest_event.0 + 1);
        self.events.push_back(EventRecord {
            cursor: self.latest_event,
            kind,
            message: id,
            shown,
            wall,
        });
    }

    /// Changes an outgoing message and everything that is derived from it.
    fn change(&mut self, id: MessageId, wall: WallTime, change: impl FnOnce(&mut Message)) {
        let Some(message) = self.messages.get_mut(&id) else {
            return;
        };
        let own = message.own;
        let before = (message.ip, message.shown, message.deadline);
        change(message);
        message.shown = shown(message.ip, SmsAttempt::None, message.read);
        let after = (message.ip, message.shown, message.deadline);
        if before.1 != after.1 {
            message.changed = wall;
            self.event(EventKind::StateChanged, id, after.1, wall);
        }
        if let Some(sent) = before.0.unsettled() {
            self.unsettled.remove(&(own, sent.epoch, sent.seq));
        }
        if let Some(sent) = after.0.unsettled() {
            self.unsettled.insert((own, sent.epoch, sent.seq), id);
        }
        if after.0 == IpAttempt::None {
            self.queued.insert((own, id));
        } else {
            self.queued.remove(&(own, id));
        }
        if let Some((_, at)) = before.2 {
            self.deadlines.remove(&(at, id));
        }
        let open = after.0 == IpAttempt::None || after.0.unsettled().is_some();
        let taken_back = self
            .messages
            .get(&id)
            .is_some_and(|m| m.take_back.is_some());
        if let Some((_, at)) = after.2
            && open
            && !taken_back
        {
            self.deadlines.insert((at, id));
        }
    }

    fn position(&self, identity: &Identity) -> IdentityPosition {
        let lowest = |epoch: Epoch| {
            self.unsettled
                .range((identity.number, epoch, Seq(0))..=(identity.number, epoch, Seq(u64::MAX)))
                .map(|((_, _, seq), _)| *seq)
                .next()
        };
        let held = identity.epoch.map(|epoch| EpochPosition {
            epoch,
            next_seq: identity.next_seq,
            lowest_unsettled: lowest(epoch).unwrap_or(identity.next_seq),
        });
        let mut old: Vec<EpochPosition> = Vec::new();
        for &(_, epoch, seq) in self
            .unsettled
            .range(
                (identity.number, Epoch(0), Seq(0))
                    ..=(identity.number, Epoch(u32::MAX), Seq(u64::MAX)),
            )
            .map(|(key, _)| key)
        {
            if identity.epoch == Some(epoch) {
                continue;
            }
            let named = old.len();
            match old.last_mut() {
                Some(last) if last.epoch == epoch => last.next_seq = seq.next(),
                _ if named < MAX_OLD_EPOCHS => old.push(EpochPosition {
                    epoch,
                    next_seq: seq.next(),
                    lowest_unsettled: seq,
                }),
                _ => break,
            }
        }
        let queued = self
            .queued
            .range((identity.number, MessageId(0))..=(identity.number, MessageId(u64::MAX)))
            .count() as u64;
        IdentityPosition {
            number: identity.number,
            iccid: identity.iccid.clone(),
            held,
            last_epoch: identity.last_epoch,
            cursor: identity.cursor,
            cursor_check: identity.check,
            old,
            queued,
        }
    }

    fn record(&self, id: MessageId, message: &Message) -> MessageRecord {
        let (from, to) = match message.direction {
            Direction::Outgoing => (message.own, message.peer),
            Direction::Incoming => (message.peer, message.own),
        };
        MessageRecord {
            id,
            direction: message.direction,
            own: message.own,
            peer: message.peer,
            text: message.text.clone(),
            name: message.place.map(|(epoch, lane_seq)| MessageName {
                from,
                epoch,
                to,
                lane_seq,
            }),
            ip: message.ip,
            sms: SmsAttempt::None,
            take_back: message.take_back,
            shown: message.shown,
            order: message.order,
            created: message.created,
            changed: message.changed,
            age_s: message.age_s,
        }
    }

    fn apply_op(&mut self, op: &Op, wall: WallTime) -> Outcome {
        match op {
            Op::Register { number, iccid } => {
                match self.identity(*number) {
                    Some(known) => {
                        if iccid.is_some() {
                            known.iccid.clone_from(iccid);
                        }
                    }
                    None => self.identities.push(Identity {
                        number: *number,
                        iccid: iccid.clone(),
                        epoch: None,
                        last_epoch: Epoch(0),
                        next_seq: Seq(1),
                        cursor: Cursor(0),
                        check: 0,
                    }),
                }
                Outcome::Done
            }
            Op::BeginSession { at_least } => {
                self.session_no = self.session_no.max(*at_least).next();
                Outcome::SessionBegun {
                    session_no: self.session_no,
                    identities: self.identities.iter().map(|i| self.position(i)).collect(),
                }
            }
            Op::CloseEpoch {
                number,
                epoch,
                contested_from,
            } => self.close_epoch(*number, *epoch, *contested_from, wall),
            Op::BindEpoch { number, epoch } => {
                if let Some(identity) = self.identity(*number)
                    && *epoch > identity.last_epoch
                {
                    identity.epoch = Some(*epoch);
                    identity.last_epoch = *epoch;
                    identity.next_seq = Seq(1);
                }
                Outcome::Done
            }
            Op::Enqueue(new) => self.enqueue(new, wall),
            Op::Release { id } => self.release(*id, wall),
            Op::LoadQueued {
                number,
                limit,
                max_bytes,
            } => self.load_queued(*number, *limit, *max_bytes),
            Op::LoadResume {
                number,
                after,
                limit,
            } => self.load_resume(*number, *after, *limit),
            Op::Unaccept {
                number,
                epoch,
                high_water,
            } => self.unaccept(*number, *epoch, *high_water, wall),
            Op::ApplySent {
                number,
                epoch,
                state,
            } => self.apply_sent(*number, *epoch, state, false, wall),
            Op::ApplyClosed {
                number,
                epoch,
                state,
            } => self.apply_sent(*number, *epoch, state, true, wall),
            Op::ApplyRevoked {
                number,
                epoch,
                results,
            } => self.apply_revoked(*number, *epoch, results, wall),
            Op::Cancel { id } => self.cancel(*id, wall),
            Op::Retry { id, boot } => self.retry(*id, *boot, wall),
            Op::RearmDeadlines { boot } => self.rearm(*boot),
            Op::ExpireDue { boot, limit } => self.expire(*boot, *limit, wall),
            Op::InsertIncoming(incoming) => self.insert_incoming(incoming, wall),
            Op::PassCursor {
                number,
                cursor,
                check,
            } => {
                self.pass_cursor(*number, *cursor, *check);
                Outcome::Done
            }
            Op::MarkRead { id } => self.mark_read(*id),
            Op::LoadReadMarks { number, limit } => self.load_read_marks(*number, *limit),
            Op::ReadConfirmed { number, mark } => {
                let key = (*number, mark.mark.peer, mark.mark.epoch);
                if let Some(known) = self.marks.get_mut(&key)
                    && known.version == mark.version
                {
                    known.untold = false;
                }
                Outcome::Done
            }
            Op::ApplyReadBy {
                number,
                mark,
                cursor,
                check,
            } => {
                self.apply_read_by(*number, *mark, wall);
                self.pass_cursor(*number, *cursor, *check);
                Outcome::Done
            }
            Op::OpenClient { client, from_now } => self.open_client(client, *from_now),
            Op::AckEvents { client, cursor } => {
                let latest = self.latest_event;
                match self.clients.get_mut(client) {
                    None => Outcome::NotFound,
                    Some(_) if *cursor > latest => Outcome::TooLate { shown: None },
                    Some(known) => {
                        *known = (*known).max(*cursor);
                        Outcome::Done
                    }
                }
            }
            Op::Prune => {
                while self.events.len() as u64 > EVENTS_KEPT {
                    self.events.pop_front();
                }
                Outcome::Done
            }
        }
    }

    fn open_client(&mut self, client: &ClientName, from_now: bool) -> Outcome {
        if !self.clients.contains_key(client) {
            if self.clients.len() as u64 >= MAX_CLIENTS {
                return Outcome::TooManyClients;
            }
            let start = if from_now {
                self.latest_event
            } else {
                EventCursor(0)
            };
            self.clients.insert(client.clone(), start);
        }
        Outcome::ClientOpen {
            cursor: self.clients[client],
            latest: self.latest_event,
        }
    }
}

impl StoreOps for MemoryStore {
    type Error = Never;

    fn snapshot(&self) -> Result<Snapshot, Never> {
        Ok(Snapshot {
            identities: self.identities.iter().map(|i| self.position(i)).collect(),
            next_message: self.next_message.max(1),
            session_no: self.session_no,
            latest_event: self.latest_event,
            outbox: (self.queued.len() + self.unsettled.len()) as u64,
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
        })
    }

    fn message(&self, id: MessageId) -> Result<Option<MessageRecord>, Never> {
        Ok(self.messages.get(&id).map(|m| self.record(id, m)))
    }

    fn history(
        &self,
        own: E164,
        peer: E164,
        before: Option<OrderKey>,
        limit: usize,
    ) -> Result<Vec<MessageRecord>, Never> {
        let Some(conversation) = self.conversations.get(&(own, peer)) else {
            return Ok(Vec::new());
        };
        let records = |ids: &mut dyn Iterator<Item = &MessageId>| {
            ids.take(limit)
                .filter_map(|id| Some(self.record(*id, self.messages.get(id)?)))
                .collect()
        };
        Ok(match before {
            None => records(&mut conversation.values().rev()),
            Some(key) => records(&mut conversation.range(..key).rev().map(|(_, id)| id)),
        })
    }

    fn outbox(&self, after: MessageId, limit: usize) -> Result<Vec<MessageRecord>, Never> {
        let mut open: Vec<MessageId> = self
            .queued
            .iter()
            .map(|(_, id)| *id)
            .chain(self.unsettled.values().copied())
            .filter(|id| *id > after)
            .collect();
        open.sort_unstable();
        open.truncate(limit);
        Ok(open
            .into_iter()
            .filter_map(|id| Some(self.record(id, self.messages.get(&id)?)))
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

impl Message {
    fn sent_as(&self) -> Option<SentAs> {
        self.ip.unsettled()
    }
}
