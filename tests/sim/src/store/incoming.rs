//! The incoming side of the simulated store.

use twine_engine::dedup::Seen;
use twine_engine::message::{Direction, IpAttempt, MessageId, MessageRecord, OrderKey, Shown};
use twine_engine::store_ops::{EventKind, Incoming, IncomingBody, Outcome, UntoldMark};
use twine_engine::time::WallTime;
use twine_proto::frame::{ReadMark, RejectReason};
use twine_proto::{Cursor, Digest, E164, Epoch, LaneSeq, MessageName, Redacted};

use super::{MemoryStore, Message};

impl MemoryStore {
    pub(super) fn pass_cursor(&mut self, number: E164, cursor: Cursor, check: u32) {
        if let Some(identity) = self.identity(number)
            && cursor > identity.cursor
            && check != 0
        {
            identity.cursor = cursor;
            identity.check = check;
        }
    }

    pub(super) fn insert_incoming(&mut self, incoming: &Incoming, wall: WallTime) -> Outcome {
        self.pass_cursor(incoming.own, incoming.cursor, incoming.check);
        let (name, digest, text) = match &incoming.body {
            IncomingBody::Unnamed => {
                let rejected = Some(RejectReason::Unreadable);
                if !self.unnamed.insert((incoming.own, incoming.cursor)) {
                    return Outcome::Duplicate { rejected };
                }
                // Nobody is known to have written it: it is shown beside the
                // owner's own number.
                return self.insert(incoming, incoming.own, None, None, Shown::Unreadable, wall);
            }
            IncomingBody::Text { name, digest, text } => (name, digest, Some(text.clone())),
            IncomingBody::Unreadable { name, digest } => (name, digest, None),
        };
        let lane = (incoming.own, name.from, name.epoch);
        let place = (incoming.own, name.from, name.epoch, name.lane_seq);
        let known = self.places_in.get(&place).copied();
        let new = match self.lanes_in.entry(lane).or_default().take(name.lane_seq) {
            Seen::New => true,
            Seen::Before => false,
            Seen::Ask => known.is_none(),
        };
        if new {
            let shown = if text.is_some() {
                Shown::Received
            } else {
                Shown::Unreadable
            };
            return self.insert(
                incoming,
                name.from,
                Some((*name, *digest)),
                text,
                shown,
                wall,
            );
        }
        let Some(known) = known.and_then(|id| self.messages.get(&id)) else {
            // Taken, and deleted from the history since.
            return Outcome::Duplicate { rejected: None };
        };
        if known.digest == Some(*digest) {
            let rejected = known.rejected;
            if known.read
                && let Some(mark) = self.marks.get_mut(&lane)
            {
                // It may have overtaken the acknowledgement: told once more.
                mark.version += 1;
                mark.untold = true;
            }
            return Outcome::Duplicate { rejected };
        }
        let rejected = Some(RejectReason::Conflict);
        if self.conflicts.contains_key(&(*name, digest.0)) {
            return Outcome::Duplicate { rejected };
        }
        self.conflicts.insert((*name, digest.0), incoming.id);
        self.insert(
            incoming,
            name.from,
            Some((*name, *digest)),
            text,
            Shown::Conflicting,
            wall,
        )
    }

    fn insert(
        &mut self,
        incoming: &Incoming,
        peer: E164,
        named: Option<(MessageName, Digest)>,
        text: Option<Redacted<String>>,
        shown: Shown,
        wall: WallTime,
    ) -> Outcome {
        let (id, own) = (incoming.id, incoming.own);
        self.next_message = self.next_message.max(id.0 + 1);
        let place = named.map(|(name, _)| (name.epoch, name.lane_seq));
        let order = OrderKey {
            position: self.position_in_lane(id, own, peer, place),
            epoch: place.map_or(Epoch(0), |(epoch, _)| epoch),
            lane_seq: place.map_or(LaneSeq(0), |(_, lane_seq)| lane_seq),
        };
        let order = if shown == Shown::Conflicting {
            OrderKey {
                position: id.0,
                ..order
            }
        } else {
            order
        };
        if let (Some((epoch, lane_seq)), true) = (place, shown != Shown::Conflicting) {
            self.places_in.insert((own, peer, epoch, lane_seq), id);
        }
        self.messages.insert(
            id,
            Message {
                direction: Direction::Incoming,
                own,
                peer,
                text,
                place,
                digest: named.map(|(_, digest)| digest),
                ip: IpAttempt::None,
                take_back: None,
                read: false,
                shown,
                order,
                created: wall,
                changed: wall,
                age_s: incoming.age_s,
                valid_for: None,
                deadline: None,
                rejected: match shown {
                    Shown::Unreadable => Some(RejectReason::Unreadable),
                    Shown::Conflicting => Some(RejectReason::Conflict),
                    _ => None,
                },
            },
        );
        self.conversations
            .entry((own, peer))
            .or_default()
            .insert(order, id);
        self.event(EventKind::Received, id, shown, wall);
        if shown == Shown::Conflicting {
            Outcome::Conflict { id }
        } else {
            Outcome::Inserted { id }
        }
    }

    /// A late one takes the position of the next later one of its lane.
    fn position_in_lane(
        &self,
        id: MessageId,
        own: E164,
        peer: E164,
        place: Option<(Epoch, LaneSeq)>,
    ) -> u64 {
        let Some((epoch, lane_seq)) = place else {
            return id.0;
        };
        self.places_in
            .range(
                (own, peer, epoch, lane_seq.next())
                    ..=(own, peer, Epoch(u32::MAX), LaneSeq(u64::MAX)),
            )
            .next()
            .and_then(|(_, later)| self.messages.get(later))
            .map_or(id.0, |later| later.order.position.min(id.0))
    }

    pub(super) fn mark_read(&mut self, id: MessageId) -> Outcome {
        let Some(message) = self.messages.get(&id) else {
            return Outcome::NotFound;
        };
        if message.direction != Direction::Incoming {
            return Outcome::NotFound;
        }
        let (own, peer) = (message.own, message.peer);
        let Some((epoch, place)) = message.place else {
            return Outcome::Done;
        };
        let up_to_here: Vec<MessageId> = self
            .places_in
            .range((own, peer, epoch, LaneSeq(0))..=(own, peer, epoch, place))
            .map(|(_, id)| *id)
            .collect();
        let mut news = false;
        for id in up_to_here {
            if let Some(message) = self.messages.get_mut(&id) {
                news |= !std::mem::replace(&mut message.read, true);
            }
        }
        let mark = self.marks.entry((own, peer, epoch)).or_default();
        if !news {
            return Outcome::Done;
        }
        mark.upto = mark.upto.max(place);
        mark.version += 1;
        mark.untold = true;
        Outcome::ReadTo {
            number: own,
            mark: UntoldMark {
                mark: ReadMark {
                    peer,
                    epoch,
                    upto: mark.upto,
                },
                version: mark.version,
            },
        }
    }

    pub(super) fn load_read_marks(&self, number: E164, limit: usize) -> Outcome {
        Outcome::ReadMarks(
            self.marks
                .iter()
                .filter(|((own, ..), mark)| *own == number && mark.untold)
                .take(limit)
                .map(|((_, peer, epoch), mark)| UntoldMark {
                    mark: ReadMark {
                        peer: *peer,
                        epoch: *epoch,
                        upto: mark.upto,
                    },
                    version: mark.version,
                })
                .collect(),
        )
    }

    /// For the world's checks: all incoming messages.
    pub fn incoming(&self) -> impl Iterator<Item = MessageRecord> {
        self.messages
            .iter()
            .filter(|(_, message)| message.direction == Direction::Incoming)
            .map(|(id, message)| self.record(*id, message))
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
}
