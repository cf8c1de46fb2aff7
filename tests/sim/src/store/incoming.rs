//! Deliveries and SMS: each taken once (DELIVERY 10, 12, 28), and where it stands
//! among the others (DELIVERY 19).

use std::collections::{BTreeSet, VecDeque};

use twine_engine::dedup::Seen;
use twine_engine::limits::SMS_REMEMBERED;
use twine_engine::message::{Channel, MessageId, OrderKey, Shown};
use twine_engine::settings::Reach;
use twine_engine::store_ops::{
    BootStamp, EventKind, Incoming as Delivery, IncomingBody, IncomingSms, Outcome,
};
use twine_engine::time::WallTime;
use twine_proto::frame::RejectReason;
use twine_proto::{Digest, E164, Epoch, LaneSeq, MessageName, Peer, Redacted};

use super::MemoryStore;
use super::records::Incoming;

/// The last so many of something, to recognise repeats.
#[derive(Debug, Clone)]
pub(super) struct Remembered<T> {
    order: VecDeque<T>,
    known: BTreeSet<T>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self {
            order: VecDeque::new(),
            known: BTreeSet::new(),
        }
    }
}

impl<T: Ord + Clone> Remembered<T> {
    fn contains(&self, item: &T) -> bool {
        self.known.contains(item)
    }

    fn remember(&mut self, item: T) {
        if self.known.insert(item.clone()) {
            self.order.push_back(item);
        }
        while self.order.len() as u64 > SMS_REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }
}

impl MemoryStore {
    pub(super) fn insert_incoming(&mut self, delivery: &Delivery, wall: WallTime) -> Outcome {
        self.pass_cursor(delivery.own, delivery.cursor, delivery.check);
        let (name, digest, text) = match &delivery.body {
            IncomingBody::Unnamed => return self.take_unnamed(delivery, wall),
            IncomingBody::Text { name, digest, text } => (name, digest, Some(text.clone())),
            IncomingBody::Unreadable { name, digest } => (name, digest, None),
        };
        self.is_alive(name.from);
        let lane = (delivery.own, name.from, name.epoch);
        let place = (delivery.own, name.from, name.epoch, name.lane_seq);
        let known = self.places_in.get(&place).copied();
        let new = match self.lanes_in.entry(lane).or_default().take(name.lane_seq) {
            Seen::New => true,
            Seen::Before => false,
            Seen::Ask => known.is_none(),
        };
        if new {
            let shown = match text {
                Some(_) => Shown::Received,
                None => Shown::Unreadable,
            };
            let id = self.take_delivery(delivery, Some((*name, *digest)), text, shown, wall);
            if shown == Shown::Received {
                self.read_note(lane, &delivery.note, delivery.boot, wall);
            }
            self.find_copy_by_sms(id, wall);
            return Outcome::Inserted { id };
        }
        let Some(known) = known.and_then(|id| self.incoming.get(&id)) else {
            // Taken, and deleted from the history since.
            return Outcome::Duplicate { rejected: None };
        };
        if known.digest == Some(*digest) {
            let rejected = known.rejected;
            if known.read
                && let Some(mark) = self.marks.get_mut(&lane)
            {
                // It may have overtaken the acknowledgement: told once more.
                mark.tell_again();
            }
            return Outcome::Duplicate { rejected };
        }
        let rejected = Some(RejectReason::Conflict);
        if self.conflicts.contains_key(&(*name, digest.0)) {
            return Outcome::Duplicate { rejected };
        }
        self.conflicts.insert((*name, digest.0), delivery.id);
        let shown = Shown::Conflicting;
        let id = self.take_delivery(delivery, Some((*name, *digest)), text, shown, wall);
        Outcome::Conflict { id }
    }

    fn take_unnamed(&mut self, delivery: &Delivery, wall: WallTime) -> Outcome {
        if !self.unnamed.insert((delivery.own, delivery.cursor)) {
            return Outcome::Duplicate {
                rejected: Some(RejectReason::Unreadable),
            };
        }
        let id = self.take_delivery(delivery, None, None, Shown::Unreadable, wall);
        Outcome::Inserted { id }
    }

    /// It gave a sign of life by IP.
    pub(super) fn is_alive(&mut self, peer: E164) {
        self.reach.insert(peer, (Reach::OnIp, None));
    }

    fn take_delivery(
        &mut self,
        delivery: &Delivery,
        named: Option<(MessageName, Digest)>,
        text: Option<Redacted<String>>,
        shown: Shown,
        wall: WallTime,
    ) -> MessageId {
        let (id, own) = (delivery.id, delivery.own);
        // Nobody is known to have written what has no name: it is shown beside the
        // owner's own number.
        let from = named.map_or(own, |(name, _)| name.from);
        let place = named.map(|(name, _)| (name.epoch, name.lane_seq));
        let in_lane = place.filter(|_| shown != Shown::Conflicting);
        let position = in_lane.map_or(id.0, |place| {
            let (_, behind) = self.neighbours(own, from, place);
            behind.map_or(id.0, |behind| behind.min(id.0))
        });
        let (epoch, lane_seq) = place.unwrap_or((Epoch(0), LaneSeq(0)));
        if let Some((epoch, lane_seq)) = in_lane {
            let key = (own, from, epoch, lane_seq);
            self.places_in.insert(key, id);
            self.unread.insert((key, id));
        }
        let message = Incoming {
            text,
            shown,
            order: OrderKey {
                position,
                epoch,
                lane_seq,
            },
            age_s: delivery.age_s,
            place,
            digest: named.map(|(_, digest)| digest),
            rejected: match shown {
                Shown::Unreadable => Some(RejectReason::Unreadable),
                Shown::Conflicting => Some(RejectReason::Conflict),
                _ => None,
            },
            maybe_by_sms: delivery.maybe_by_sms,
            ..Incoming::empty(own, Peer::Number(from), id, delivery.boot, wall)
        };
        self.take(id, message, wall);
        id
    }

    fn take(&mut self, id: MessageId, message: Incoming, wall: WallTime) {
        self.next_message = self.next_message.max(id.0 + 1);
        let (own, peer, order) = (message.own, message.peer, message.order);
        self.incoming.insert(id, message);
        self.roots.insert((own, peer, id));
        self.show(own, peer, order, id);
        self.event(EventKind::Received, id, None, wall);
    }

    pub(super) fn insert_sms(&mut self, sms: &IncomingSms, wall: WallTime) -> Outcome {
        // Of the text as it came, with its mark: the network repeats it letter by
        // letter.
        let mark = LaneSeq(sms.residue.map_or(0, |residue| u64::from(residue) + 1));
        let text = Digest::of(sms.own, mark, sms.text.expose().as_bytes());
        let arrival = (sms.own, sms.peer, sms.scts_ms, text.0);
        // An SCTS that is not readable says nothing of when it was sent.
        let network_repeats = sms.scts_ms != 0 && self.arrivals.contains(&arrival);
        if self.spooled.contains(&sms.spool_id) || network_repeats {
            self.spooled.remember(sms.spool_id.clone());
            return Outcome::SmsRepeated;
        }
        self.spooled.remember(sms.spool_id.clone());
        self.arrivals.remember(arrival);
        let id = sms.id;
        let message = Incoming {
            text: Some(sms.text.clone()),
            came_by: Channel::Sms,
            iccid: Some(sms.iccid.clone()),
            residue: sms.residue,
            hash: sms.hash,
            scts_ms: sms.scts_ms,
            ..Incoming::empty(sms.own, sms.peer, id, sms.boot, wall)
        };
        self.take(id, message, wall);
        self.sms_in.insert((sms.own, sms.peer, id));
        self.find_place(id, wall);
        Outcome::SmsInserted {
            id,
            copy_of: self.incoming.get(&id).and_then(|sms| sms.copy_of),
        }
    }

    /// Positions of the next earlier and the next later place of a lane: positions
    /// rise along a lane, so these are the highest and the lowest. What came too
    /// late stays where it arrived and does not count.
    pub(super) fn neighbours(
        &self,
        own: E164,
        from: E164,
        (epoch, lane_seq): (Epoch, LaneSeq),
    ) -> (Option<u64>, Option<u64>) {
        let here = (own, from, epoch, lane_seq);
        let first = (own, from, Epoch(0), LaneSeq(0));
        let behind_here = (own, from, epoch, lane_seq.next());
        let last = (own, from, Epoch(u32::MAX), LaneSeq(u64::MAX));
        let position = |id: &MessageId| {
            self.incoming
                .get(id)
                .filter(|message| !message.late)
                .map(|message| message.order.position)
        };
        let mut before = None;
        let mut behind: Option<u64> = None;
        for places in [&self.places_in, &self.sms_places] {
            let lower = places.range(first..here).rev();
            before = before.max(lower.filter_map(|(_, id)| position(id)).next());
            let upper = places.range(behind_here..=last);
            if let Some(next) = upper.filter_map(|(_, id)| position(id)).next() {
                behind = Some(behind.map_or(next, |behind| behind.min(next)));
            }
        }
        (before, behind)
    }
}

impl Incoming {
    fn empty(own: E164, peer: Peer, id: MessageId, arrived: BootStamp, wall: WallTime) -> Self {
        Self {
            own,
            peer,
            text: None,
            created: wall,
            changed: wall,
            shown: Shown::Received,
            read: false,
            order: OrderKey {
                position: id.0,
                epoch: Epoch(0),
                lane_seq: LaneSeq(0),
            },
            age_s: 0,
            came_by: Channel::Ip,
            place: None,
            digest: None,
            rejected: None,
            maybe_by_sms: false,
            iccid: None,
            residue: None,
            hash: 0,
            scts_ms: 0,
            late: false,
            copy_of: None,
            by_note: false,
            arrived,
        }
    }
}
