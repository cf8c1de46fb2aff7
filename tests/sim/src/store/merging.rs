//! Hands what is held of a conversation to `twine_engine::merging`, and does what
//! comes out: places of SMS, and links between copies (DELIVERY 17, 18, 20).

use std::collections::BTreeSet;

use twine_engine::limits::MAX_PENDING_NOTES;
use twine_engine::merging::{
    self, Change, Copy, HasCopy, HeardByIp, MARK_CANDIDATES, NOTE_CANDIDATES, SameText,
};
use twine_engine::message::{Channel, MessageId, OrderKey, Shown};
use twine_engine::store_ops::{BootStamp, EventKind};
use twine_engine::time::WallTime;
use twine_proto::{E164, Epoch, Filled, LaneSeq, NoteEntry, Peer};
use twine_sms::{fold, mark};

use super::MemoryStore;

type Lane = (E164, E164, Epoch);

impl MemoryStore {
    fn copy(&self, id: MessageId) -> Option<Copy> {
        let message = self.incoming.get(&id)?;
        Some(Copy {
            id,
            came_by: message.came_by,
            // What contradicts another of its name has no place of its own.
            place: message
                .place
                .filter(|_| message.shown != Shown::Conflicting),
            residue: message.residue,
            digest: (message.text.as_ref()).map_or(0, |text| fold::digest(text.expose())),
            maybe_by_sms: message.maybe_by_sms && message.shown == Shown::Received,
            readable: message.text.is_some(),
            copy_of: message.copy_of,
            by_note: message.by_note,
            arrived: message.arrived,
        })
    }

    /// Reads note entries of a lane.
    pub(super) fn read_note(
        &mut self,
        lane: Lane,
        entries: &[NoteEntry],
        now: BootStamp,
        wall: WallTime,
    ) {
        if entries.is_empty() {
            return;
        }
        let copies = self.copies_for(lane, entries);
        let reading = merging::read_note(entries, lane.2, copies, now);
        let pending = self.pending.entry(lane).or_default();
        for entry in entries {
            pending.remove(&entry.lane_seq);
        }
        for entry in &reading.pending {
            pending.insert(entry.lane_seq, entry.filled);
        }
        while pending.len() > MAX_PENDING_NOTES {
            pending.pop_first();
        }
        if pending.is_empty() {
            self.pending.remove(&lane);
        }
        for change in reading.changes {
            self.apply_change(change, wall);
        }
    }

    /// The last SMS of the hashes named, all in the places named, and what these refer
    /// to or are referred to by; oldest first.
    fn copies_for(&self, (own, from, epoch): Lane, entries: &[NoteEntry]) -> Vec<Copy> {
        let peer = Peer::Number(from);
        let mut ids: BTreeSet<MessageId> = BTreeSet::new();
        for hash in merging::hashes_of(entries) {
            let sms = self
                .sms_in
                .range((own, peer, MessageId(0))..=(own, peer, MessageId(u64::MAX)))
                .rev()
                .map(|(.., id)| *id)
                .filter(|id| self.incoming.get(id).is_some_and(|sms| sms.hash == hash));
            ids.extend(sms.take(NOTE_CANDIDATES));
        }
        for entry in entries {
            let key = (own, from, epoch, entry.lane_seq);
            ids.extend(self.places_in.get(&key));
            ids.extend(self.sms_places.get(&key));
        }
        let roots: BTreeSet<MessageId> = ids
            .iter()
            .map(|id| {
                let copy_of = self.incoming.get(id).and_then(|message| message.copy_of);
                copy_of.unwrap_or(*id)
            })
            .collect();
        for root in roots {
            ids.insert(root);
            ids.extend(self.copies_of.get(&root).into_iter().flatten());
        }
        ids.into_iter().filter_map(|id| self.copy(id)).collect()
    }

    /// A message by IP that was just taken: an SMS that has its place is another
    /// copy; otherwise the mark may tell.
    pub(super) fn find_copy_by_sms(&mut self, id: MessageId, wall: WallTime) {
        let Some(message) = self.incoming.get(&id) else {
            return;
        };
        if message.copy_of.is_some() || self.copies_of.contains_key(&id) {
            return;
        }
        let place = message
            .place
            .zip(message.peer.number())
            .map(|((epoch, lane_seq), from)| (message.own, from, epoch, lane_seq));
        let digest = message
            .text
            .as_ref()
            .map(|text| fold::digest(text.expose()));
        let arrived = message.arrived;
        let in_place = place.and_then(|place| {
            let sms = *self.sms_places.get(&place)?;
            let text = self.incoming.get(&sms)?.text.as_ref()?;
            Some((place, sms, fold::digest(text.expose())))
        });
        let Some((place, sms, of_sms)) = in_place else {
            return self.pair_on_mark(id, wall);
        };
        if digest.is_none_or(|digest| digest == of_sms) {
            let change = Change::Link {
                copy: id,
                root: self.root_of(sms),
                by_note: true,
            };
            self.apply_change(change, wall);
        } else if digest.is_some_and(|digest| fold::hash_of(digest) == fold::hash_of(of_sms)) {
            // An SMS of another text got the place by its hash.
            let (own, from, epoch, lane_seq) = place;
            let filled = Filled::Both(fold::hash_of(of_sms));
            let mut entries = self.waiting_for((own, from, epoch), fold::hash_of(of_sms));
            entries.retain(|entry| entry.lane_seq != lane_seq);
            entries.push(NoteEntry { lane_seq, filled });
            self.read_note((own, from, epoch), &entries, arrived, wall);
        } else {
            // A name given twice: the SMS is the other message.
            self.pair_on_mark(id, wall);
        }
    }

    /// Entries of a lane whose SMS is not here, and is to have this hash.
    fn waiting_for(&self, lane: Lane, hash: u16) -> Vec<NoteEntry> {
        let waiting = self.pending.get(&lane).into_iter().flatten();
        waiting
            .filter(|(_, filled)| filled.hash() == Some(hash))
            .map(|(&lane_seq, &filled)| NoteEntry { lane_seq, filled })
            .collect()
    }

    /// An SMS that was just taken: entries that wait for it, the lowest place
    /// first; otherwise the mark may tell. A name writes no notes, and is never
    /// merged (DELIVERY 27).
    pub(super) fn find_place(&mut self, id: MessageId, wall: WallTime) {
        let Some(message) = self.incoming.get(&id) else {
            return;
        };
        let Some(from) = message.peer.number() else {
            return;
        };
        let (own, hash, arrived) = (message.own, message.hash, message.arrived);
        let lanes: Vec<Lane> = self
            .pending
            .range((own, from, Epoch(0))..=(own, from, Epoch(u32::MAX)))
            .map(|(lane, _)| *lane)
            .collect();
        for lane in lanes {
            let waiting = self.waiting_for(lane, hash);
            self.read_note(lane, &waiting, arrived, wall);
            let found = self
                .incoming
                .get(&id)
                .is_some_and(|sms| sms.place.is_some() || sms.copy_of.is_some());
            if found {
                return;
            }
        }
        self.pair_on_mark(id, wall);
    }

    fn pair_on_mark(&mut self, id: MessageId, wall: WallTime) {
        let (Some(arrival), Some(message)) = (self.copy(id), self.incoming.get(&id)) else {
            return;
        };
        let (own, peer) = (message.own, message.peer);
        let text = |id: MessageId| {
            let text = self.incoming.get(&id)?.text.as_ref()?;
            Some(mark::plain(text.expose()))
        };
        let here = text(id);
        let recent = self
            .roots
            .range((own, peer, MessageId(0))..=(own, peer, MessageId(u64::MAX)))
            .rev()
            .map(|(.., other)| *other)
            .filter(|other| *other != id)
            .take(MARK_CANDIDATES)
            .filter_map(|other| {
                let same_text = SameText(here.is_some() && text(other) == here);
                let has_copy = HasCopy(self.copies_of.contains_key(&other));
                Some((self.copy(other)?, same_text, has_copy))
            });
        let heard = peer.number().is_some_and(|peer| {
            let lanes = (own, peer, Epoch(0))..=(own, peer, Epoch(u32::MAX));
            self.lanes_in.range(lanes).next().is_some()
        });
        if let Some(root) = merging::pair_on_mark(&arrival, HeardByIp(heard), recent) {
            let link = Change::Link {
                copy: id,
                root,
                by_note: false,
            };
            self.apply_change(link, wall);
        }
    }

    pub(super) fn root_of(&self, id: MessageId) -> MessageId {
        self.incoming
            .get(&id)
            .and_then(|message| message.copy_of)
            .unwrap_or(id)
    }

    fn apply_change(&mut self, change: Change, wall: WallTime) {
        match change {
            Change::Link {
                copy,
                root,
                by_note,
            } => {
                let followers = self.copies_of.remove(&copy).unwrap_or_default();
                for follower in followers {
                    self.link(follower, root, by_note, wall);
                }
                self.link(copy, root, by_note, wall);
            }
            Change::Unlink { copy, root } => self.unlink(copy, root, wall),
            Change::Place { sms, place, late } => self.place(sms, place, late, wall),
        }
    }

    fn link(&mut self, copy: MessageId, root: MessageId, by_note: bool, wall: WallTime) {
        let Some(message) = self.incoming.get_mut(&copy) else {
            return;
        };
        let (own, peer, order) = (message.own, message.peer, message.order);
        let confirmed = message.copy_of == Some(root);
        message.copy_of = Some(root);
        message.by_note = by_note;
        if !confirmed {
            message.changed = wall;
        }
        self.copies_of.entry(root).or_default().insert(copy);
        if self.roots.remove(&(own, peer, copy)) {
            self.hide(own, peer, order, copy);
        }
        if !confirmed {
            self.event(EventKind::Merged, copy, Some(root), wall);
        }
    }

    fn unlink(&mut self, copy: MessageId, root: MessageId, wall: WallTime) {
        let Some(message) = self.incoming.get_mut(&copy) else {
            return;
        };
        let (own, peer, order) = (message.own, message.peer, message.order);
        message.copy_of = None;
        message.by_note = false;
        message.changed = wall;
        if let Some(copies) = self.copies_of.get_mut(&root) {
            copies.remove(&copy);
            if copies.is_empty() {
                self.copies_of.remove(&root);
            }
        }
        self.roots.insert((own, peer, copy));
        self.show(own, peer, order, copy);
        self.event(EventKind::Unmerged, copy, Some(root), wall);
    }

    /// An SMS gets a place, or loses the one it had.
    fn place(
        &mut self,
        id: MessageId,
        place: Option<(Epoch, LaneSeq)>,
        late: bool,
        wall: WallTime,
    ) {
        let Some(sms) = self.incoming.get(&id) else {
            return;
        };
        let Some(from) = sms.peer.number() else {
            return;
        };
        let (own, peer, was, lost) = (sms.own, sms.peer, sms.order, sms.place);
        let (is_read, is_root) = (sms.read, sms.copy_of.is_none());
        let key = |(epoch, lane_seq)| (own, from, epoch, lane_seq);
        if let Some(lost) = lost {
            self.sms_places.remove(&key(lost));
            self.unread.remove(&(key(lost), id));
        }
        let position = match place {
            Some(place) if !late => {
                let (before, behind) = self.neighbours(own, from, place);
                merging::position(id.0, before, behind)
            }
            _ => id.0,
        };
        if let Some(place) = place {
            self.sms_places.insert(key(place), id);
            if !is_read {
                self.unread.insert((key(place), id));
            }
        }
        let (epoch, lane_seq) = place.unwrap_or((Epoch(0), LaneSeq(0)));
        let order = OrderKey {
            position,
            epoch,
            lane_seq,
        };
        if let Some(sms) = self.incoming.get_mut(&id) {
            sms.place = place;
            sms.late = late;
            sms.order = order;
        }
        if is_root {
            self.hide(own, peer, was, id);
            self.show(own, peer, order, id);
        }
        if position != was.position {
            if let Some(sms) = self.incoming.get_mut(&id) {
                sms.changed = wall;
            }
            self.event(EventKind::Reordered, id, None, wall);
        }
    }

    /// The copies of one message: a root and all that refer to it.
    pub(super) fn all_copies(&self, id: MessageId) -> Vec<MessageId> {
        let root = self.root_of(id);
        std::iter::once(root)
            .chain(self.copies_of.get(&root).into_iter().flatten().copied())
            .collect()
    }

    /// The place of a message by IP, whichever of its copies came so; otherwise
    /// what a note gave.
    pub(super) fn place_to_read(&self, id: MessageId) -> Option<(Epoch, LaneSeq)> {
        let placed = |by: Channel| {
            self.all_copies(id)
                .into_iter()
                .filter_map(|id| self.incoming.get(&id))
                .filter(|message| message.came_by == by)
                .find_map(|message| message.place)
        };
        placed(Channel::Ip).or_else(|| placed(Channel::Sms))
    }
}
