//! Reads the entries of a note against the copies that are here (DELIVERY 18, 20).

use twine_proto::{Epoch, Filled, LaneSeq, NoteEntry};

use super::{Change, Copy, Reading, residue, too_late};
use crate::message::{Channel, MessageId};
use crate::store_ops::BootStamp;

/// Reads note entries of one lane. `copies`: of the same own number and peer,
/// oldest first: the last [`NOTE_CANDIDATES`](super::NOTE_CANDIDATES) SMS of each of [`hashes_of`](super::hashes_of) the entries,
/// everything in the places that they name, and what any of these refers to or is referred to by.
#[must_use]
pub fn read_note(
    entries: &[NoteEntry],
    epoch: Epoch,
    copies: Vec<Copy>,
    now: BootStamp,
) -> Reading {
    let mut lane = Lane {
        epoch,
        copies,
        now,
        reading: Reading::default(),
    };
    let mut entries = entries.to_vec();
    entries.sort_by_key(|entry| entry.lane_seq);
    for entry in &entries {
        lane.read(*entry);
    }
    // One entry may have freed what another waits for.
    loop {
        let waiting = std::mem::take(&mut lane.reading.pending);
        let before = (waiting.len(), lane.reading.changes.len());
        for entry in waiting {
            lane.read(entry);
        }
        if (lane.reading.pending.len(), lane.reading.changes.len()) == before {
            break;
        }
    }
    // Each place has its own: what is left may be a copy of one.
    for entry in entries {
        lane.gather(entry);
    }
    lane.reading
}

/// An SMS that an entry of this place may speak of.
fn fits(copy: &Copy, hash: u16, lane_seq: LaneSeq) -> bool {
    copy.came_by == Channel::Sms
        && copy.hash() == hash
        && copy.residue.is_none_or(|mark| mark == residue(lane_seq))
}

struct Lane {
    epoch: Epoch,
    copies: Vec<Copy>,
    now: BootStamp,
    reading: Reading,
}

impl Lane {
    fn get(&self, id: MessageId) -> Option<&Copy> {
        self.copies.iter().find(|copy| copy.id == id)
    }

    fn root_of(&self, copy: &Copy) -> MessageId {
        copy.copy_of.unwrap_or(copy.id)
    }

    /// The message by IP in this place.
    fn by_ip(&self, lane_seq: LaneSeq) -> Option<Copy> {
        self.copies
            .iter()
            .find(|copy| copy.came_by == Channel::Ip && copy.place == Some((self.epoch, lane_seq)))
            .copied()
    }

    /// SMS that have this place.
    fn sms_in(&self, lane_seq: LaneSeq) -> Option<Copy> {
        self.copies
            .iter()
            .find(|copy| copy.came_by == Channel::Sms && copy.place == Some((self.epoch, lane_seq)))
            .copied()
    }

    /// SMS linked with this message, whichever is the root; among them itself.
    fn linked(&self, message: &Copy) -> Vec<Copy> {
        let message = self.get(message.id).unwrap_or(message);
        let root = self.root_of(message);
        self.copies
            .iter()
            .filter(|copy| copy.came_by == Channel::Sms && self.root_of(copy) == root)
            .copied()
            .collect()
    }

    fn read(&mut self, entry: NoteEntry) {
        match entry.filled.hash() {
            None => self.no_sms(entry.lane_seq),
            Some(hash) => self.by_sms(entry, hash),
        }
    }

    /// The place was not filled by SMS: an SMS merged into it on the mark is
    /// another message. What a note proved stands: of a place that was filled by SMS
    /// only an older note, which a restored gateway brings once more, says otherwise.
    fn no_sms(&mut self, lane_seq: LaneSeq) {
        let Some(ip) = self.by_ip(lane_seq) else {
            return;
        };
        for sms in self.linked(&ip) {
            let proved = if sms.copy_of.is_some() {
                sms.by_note
            } else {
                ip.by_note
            };
            if !proved {
                self.part(&ip, &sms);
            }
        }
    }

    fn by_sms(&mut self, entry: NoteEntry, hash: u16) {
        let lane_seq = entry.lane_seq;
        let ip = self.by_ip(lane_seq);
        if let Some(ip) = ip {
            if ip.readable && ip.hash() != hash {
                // A name given twice, because sender and gateway forgot the same time:
                // the entry speaks of the other message.
                return;
            }
            self.displace(&ip, lane_seq);
            let mut confirmed = self.sms_in(lane_seq).is_some();
            for sms in self.linked(&ip) {
                if sms.hash() != hash {
                    self.part(&ip, &sms);
                } else if !confirmed {
                    self.confirm(&ip, &sms, lane_seq);
                    confirmed = true;
                }
            }
            if confirmed {
                return;
            }
        } else if self.sms_in(lane_seq).is_some() {
            return;
        }
        // A copy of what came by IP as well was marked, if that added no part; what
        // went by SMS alone was not. An operator may have trimmed the mark.
        let filled = entry.filled;
        let free = self
            .copies
            .iter()
            .filter(|copy| fits(copy, hash, lane_seq) && copy.has_text_of(ip.as_ref()))
            .filter(|copy| copy.place.is_none() && copy.copy_of.is_none())
            .filter(|copy| !self.is_referred_to_by_ip(copy.id))
            .min_by_key(|copy| {
                let unlikely = !filled.is_resent() && copy.residue.is_some() != filled.is_both();
                (unlikely, copy.id)
            })
            .copied();
        let free = free.or_else(|| self.swap(hash, lane_seq, false));
        let free = match free {
            None if !entry.filled.is_both() && ip.is_none() => self.take(hash, lane_seq),
            free => free,
        };
        let Some(sms) = free else {
            self.reading.pending.push(entry);
            return;
        };
        self.place(sms.id, lane_seq, sms.arrived);
        // As it is now: what was parted above may have been its.
        if let Some(ip) = self.by_ip(lane_seq) {
            self.link(&ip, sms.id, true);
        }
    }

    /// An SMS that left more than once: what no place needs joins the copies of this one,
    /// if it bears the mark; without a mark was only the first. The mark alone would not
    /// do, as one of them is paired (DELIVERY 17): a retry after an unknown result stayed
    /// there twice.
    fn gather(&mut self, entry: NoteEntry) {
        let NoteEntry { lane_seq, filled } = entry;
        let (Some(hash), true) = (filled.hash(), filled.is_resent()) else {
            return;
        };
        let Some(placed) = self.sms_in(lane_seq) else {
            // The entry waits for it.
            return;
        };
        let free: Vec<Copy> = self
            .copies
            .iter()
            .filter(|copy| fits(copy, hash, lane_seq) && copy.has_text_of(Some(&placed)))
            .filter(|copy| copy.place.is_none())
            .filter(|copy| copy.copy_of.is_none() && copy.id != self.root_of(&placed))
            .filter(|copy| !self.is_referred_to_by_ip(copy.id))
            .copied()
            .collect();
        for sms in free {
            if sms.residue.is_some() || self.is_marked_throughout(&placed) {
                self.join(sms.id, self.root_of(&placed), true);
            }
        }
        if self.is_marked_throughout(&placed)
            && let Some(first) = self.swap(hash, lane_seq, false)
        {
            self.lose_place(first.id);
            self.join(first.id, self.root_of(&placed), true);
        }
        if self.linked(&placed).len() < 2 {
            self.reading.pending.push(entry);
        }
    }

    /// A place that has nothing else: an SMS that was taken for a copy of another SMS,
    /// or of a message that is here by IP as well, must be it.
    fn take(&mut self, hash: u16, wanted: LaneSeq) -> Option<Copy> {
        let fitting = self.copies.iter().filter(|copy| fits(copy, hash, wanted));
        let surplus = fitting.clone().find(|copy| self.is_surplus(copy)).copied();
        if let Some(surplus) = surplus {
            self.unlink(surplus.id, self.root_of(&surplus));
            return Some(surplus);
        }
        let taken = fitting
            .filter(|copy| copy.place != Some((self.epoch, wanted)))
            .find(|copy| self.has_ip_twin(copy));
        if let Some(taken) = taken.copied() {
            self.take_from_twin(&taken, hash);
            return Some(taken);
        }
        self.swap(hash, wanted, true)
    }

    /// An SMS that bears the mark of a place which an unmarked one holds takes that
    /// place: the unmarked one is free for any other. Without this, what an operator
    /// trimmed would keep a marked copy from its message for ever. Only an SMS that no
    /// place needs; as a last resort also one that was taken for a copy by IP.
    fn swap(&mut self, hash: u16, wanted: LaneSeq, last_resort: bool) -> Option<Copy> {
        let of_hash = |copy: &&Copy| copy.came_by == Channel::Sms && copy.hash() == hash;
        let like = self.by_ip(wanted).or_else(|| self.sms_in(wanted));
        let (free, held, place) = self
            .copies
            .iter()
            .filter(of_hash)
            .filter(|free| match last_resort {
                true => self.has_ip_twin(free),
                false if free.place.is_some() => false,
                false if free.copy_of.is_some() => self.is_surplus(free),
                false => !self.is_referred_to_by_ip(free.id),
            })
            .find_map(|free| {
                let held = self.copies.iter().filter(of_hash).find(|held| {
                    held.residue.is_none()
                        && held.has_text_of(like.as_ref())
                        && held.place.is_some_and(|(epoch, place)| {
                            epoch == self.epoch
                                && place != wanted
                                && free.residue == Some(residue(place))
                                && free.has_text_of(self.by_ip(place).as_ref())
                        })
                })?;
                let (_, place) = held.place?;
                Some((*free, *held, place))
            })?;
        if last_resort {
            self.take_from_twin(&free, hash);
        } else if let Some(root) = free.copy_of {
            self.unlink(free.id, root);
        }
        if let Some(ip) = self.twin(&held) {
            self.part(&ip, &held);
        }
        self.set_place(held.id, None);
        self.place(free.id, place, free.arrived);
        if let Some(ip) = self.by_ip(place) {
            self.link(&ip, free.id, true);
        }
        self.get(held.id).copied()
    }

    /// All SMS linked with this one bear the mark.
    fn is_marked_throughout(&self, sms: &Copy) -> bool {
        self.linked(sms).iter().all(|copy| copy.residue.is_some())
    }

    fn is_referred_to_by_ip(&self, id: MessageId) -> bool {
        self.copies
            .iter()
            .any(|copy| copy.copy_of == Some(id) && copy.came_by == Channel::Ip)
    }

    fn twin(&self, sms: &Copy) -> Option<Copy> {
        let root = self.root_of(sms);
        self.copies
            .iter()
            .find(|copy| copy.came_by == Channel::Ip && self.root_of(copy) == root)
            .copied()
    }

    fn has_ip_twin(&self, sms: &Copy) -> bool {
        self.twin(sms).is_some()
    }

    /// Linked with an SMS that has a place: that place is filled without it.
    fn is_surplus(&self, sms: &Copy) -> bool {
        let root = self.root_of(sms);
        let mut linked = self.copies.iter().filter(|copy| self.root_of(copy) == root);
        sms.place.is_none()
            && sms.copy_of.is_some()
            && linked.any(|copy| copy.came_by == Channel::Sms && copy.place.is_some())
    }

    /// An SMS of another text got this place by its hash, before the message came.
    fn displace(&mut self, ip: &Copy, lane_seq: LaneSeq) {
        let in_place = self.sms_in(lane_seq);
        if let Some(other) = in_place.filter(|sms| !sms.has_text_of(Some(ip))) {
            self.lose_place(other.id);
        }
    }

    fn lose_place(&mut self, sms: MessageId) {
        self.set_place(sms, None);
        self.reading.changes.push(Change::Place {
            sms,
            place: None,
            late: false,
        });
    }

    /// Frees an SMS that was linked with a message by IP; that place waits for
    /// its own SMS again.
    fn take_from_twin(&mut self, sms: &Copy, hash: u16) {
        if let Some(ip) = self.twin(sms) {
            self.part(&ip, sms);
        }
        if let Some((epoch, lane_seq)) = sms.place {
            self.lose_place(sms.id);
            if epoch == self.epoch {
                self.reading.pending.push(NoteEntry {
                    lane_seq,
                    filled: Filled::Both(hash),
                });
            }
        }
    }

    /// Ends the link between these two.
    fn part(&mut self, ip: &Copy, sms: &Copy) {
        let (copy, root) = if sms.copy_of.is_some() {
            (sms.id, self.root_of(sms))
        } else {
            (ip.id, sms.id)
        };
        self.unlink(copy, root);
    }

    fn unlink(&mut self, copy: MessageId, root: MessageId) {
        self.set_link(copy, None, false);
        self.reading.changes.push(Change::Unlink { copy, root });
    }

    fn confirm(&mut self, ip: &Copy, sms: &Copy, lane_seq: LaneSeq) {
        if sms.place.is_none() {
            self.place(sms.id, lane_seq, sms.arrived);
        }
        let (copy, root) = if sms.copy_of.is_some() {
            (sms.id, self.root_of(sms))
        } else {
            (ip.id, sms.id)
        };
        if self.get(copy).is_some_and(|copy| !copy.by_note) {
            self.set_link(copy, Some(root), true);
            self.reading.changes.push(Change::Link {
                copy,
                root,
                by_note: true,
            });
        }
    }

    /// Links two roots: the one that came first stays. What cannot be read never
    /// stands for what can.
    fn link(&mut self, ip: &Copy, sms: MessageId, by_note: bool) {
        let ip_root = self.root_of(ip);
        let readable = self.get(ip_root).is_none_or(|root| root.readable);
        let (copy, root) = if ip_root < sms && readable {
            (sms, ip_root)
        } else {
            (ip_root, sms)
        };
        self.join(copy, root, by_note);
    }

    fn join(&mut self, copy: MessageId, root: MessageId, by_note: bool) {
        for id in self
            .copies
            .iter()
            .filter(|other| other.copy_of == Some(copy))
            .map(|other| other.id)
            .collect::<Vec<_>>()
        {
            self.set_link(id, Some(root), by_note);
        }
        self.set_link(copy, Some(root), by_note);
        self.reading.changes.push(Change::Link {
            copy,
            root,
            by_note,
        });
    }

    fn place(&mut self, sms: MessageId, lane_seq: LaneSeq, arrived: BootStamp) {
        let place = Some((self.epoch, lane_seq));
        self.set_place(sms, place);
        self.reading.changes.push(Change::Place {
            sms,
            place,
            late: too_late(arrived, self.now),
        });
    }

    fn set_place(&mut self, id: MessageId, place: Option<(Epoch, LaneSeq)>) {
        if let Some(copy) = self.copies.iter_mut().find(|copy| copy.id == id) {
            copy.place = place;
        }
    }

    fn set_link(&mut self, id: MessageId, root: Option<MessageId>, by_note: bool) {
        if let Some(copy) = self.copies.iter_mut().find(|copy| copy.id == id) {
            copy.copy_of = root;
            copy.by_note = by_note && root.is_some();
        }
    }
}
