//! Changing outgoing messages, and what is before what in a lane (DELIVERY 21).
//!
//! Everything a message is found by follows from the message itself
//! ([`Derived`]) and is brought up to date here, after each change. Here alone a
//! lane that becomes free nominates those behind.

use std::collections::BTreeSet;

use twine_engine::message::{IpAttempt, LaneUse, MessageId, WaitsFor};
use twine_engine::store_ops::{EventCursor, EventKind, EventRecord};
use twine_engine::time::{Instant, WallTime};
use twine_proto::{E164, Epoch, LaneSeq, Peer};

use super::MemoryStore;
use super::records::{Derived, Outgoing};

/// What changes did besides, since the operation began.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Aftermath {
    /// The earliest look that was set.
    pub(super) look: Option<Instant>,
    /// Something that blocked its lane does so no more.
    pub(super) unblocked: bool,
    /// The receiver of a lane is to be told at once.
    pub(super) note_due: bool,
}

fn keep<T: Ord>(set: &mut BTreeSet<T>, key: T, add: bool) {
    if add {
        set.insert(key);
    } else {
        set.remove(&key);
    }
}

impl MemoryStore {
    pub(super) fn event(
        &mut self,
        kind: EventKind,
        id: MessageId,
        into: Option<MessageId>,
        wall: WallTime,
    ) {
        let Some(shown) = self.shown(id) else {
            return;
        };
        self.latest_event = EventCursor(self.latest_event.0 + 1);
        self.events.push_back(EventRecord {
            cursor: self.latest_event,
            kind,
            message: id,
            shown,
            into,
            wall,
        });
    }

    pub(super) fn shown(&self, id: MessageId) -> Option<twine_engine::message::Shown> {
        match self.outgoing.get(&id) {
            Some(message) => (!message.is_note()).then_some(message.shown),
            None => self.incoming.get(&id).map(|message| message.shown),
        }
    }

    /// Adds an outgoing message.
    pub(super) fn add(&mut self, id: MessageId, message: Outgoing) {
        self.next_message = self.next_message.max(id.0 + 1);
        let (own, peer, derived) = (message.own, message.peer, message.derived());
        self.outgoing.insert(id, message);
        self.find(own, peer, id, &derived, true);
        self.nominated(derived.look);
    }

    /// Removes a note without a message.
    pub(super) fn remove_note(&mut self, id: MessageId) {
        if let Some(note) = self.outgoing.remove(&id) {
            self.find(note.own, note.peer, id, &note.derived(), false);
        }
    }

    /// Changes an outgoing message and everything that follows from it.
    pub(super) fn change(
        &mut self,
        id: MessageId,
        wall: WallTime,
        change: impl FnOnce(&mut Outgoing),
    ) {
        let own = self.outgoing.get(&id).map(|message| message.own);
        let held = own.and_then(|own| self.held_epoch(own));
        let Some(message) = self.outgoing.get_mut(&id) else {
            return;
        };
        let (own, peer) = (message.own, message.peer);
        let (before, ip_before) = (message.derived(), message.ip);
        change(message);
        message.lane_ended =
            matches!(message.ip, IpAttempt::Accepted(sent) if held != Some(sent.epoch));
        message.settle_what_follows();
        if message.ip != ip_before && message.is_the_only_copy() {
            message.marked = false;
        }
        let resolved = is_end_of_copy(ip_before, message);
        if resolved {
            message.noted = None;
        }
        let place = message.place;
        let after = message.derived();
        if before != after {
            self.find(own, peer, id, &before, false);
            self.find(own, peer, id, &after, true);
        }
        if (before.shown, before.waits_for) != (after.shown, after.waits_for) {
            if let Some(message) = self.outgoing.get_mut(&id)
                && before.shown != after.shown
            {
                message.changed = wall;
            }
            self.event(EventKind::StateChanged, id, None, wall);
        }
        if before.look != after.look {
            self.nominated(after.look);
        }
        if let (true, Some((epoch, _)), Some(to)) = (resolved, place, peer.number())
            && self.held_epoch(own) == Some(epoch)
        {
            self.notes_due.insert((own, to));
            self.after.note_due = true;
        }
        let freed = before.lane_use > after.lane_use
            && (before.lane_use == LaneUse::Blocks || after.lane_use == LaneUse::Free);
        if freed {
            self.after.unblocked |= before.lane_use == LaneUse::Blocks;
            self.nominate_behind(own, peer, id, wall);
        }
    }

    /// Those behind look whether they may go now: the first that is on no channel
    /// yet, and before it those on IP that nothing else would bring up.
    fn nominate_behind(&mut self, own: E164, peer: Peer, id: MessageId, wall: WallTime) {
        let mut at = id;
        loop {
            let next = self
                .found
                .next_in_lane
                .range((own, peer, MessageId(at.0 + 1))..=(own, peer, MessageId(u64::MAX)))
                .next()
                .map(|(.., id)| *id);
            let Some(next) = next else {
                return;
            };
            let last = self
                .outgoing
                .get(&next)
                .is_some_and(Outgoing::is_on_no_channel);
            self.change(next, wall, Outgoing::look_at_once);
            if last {
                return;
            }
            at = next;
        }
    }

    pub(super) fn nominated(&mut self, look: Option<Instant>) {
        if let Some(look) = look {
            self.after.look = Some(self.after.look.map_or(look, |earliest| earliest.min(look)));
        }
    }

    /// The worst of what is before a message in its lane.
    pub(super) fn before(&self, own: E164, peer: Peer, id: MessageId) -> LaneUse {
        [LaneUse::Blocks, LaneUse::QueuedForIp, LaneUse::OnIp]
            .into_iter()
            .find(|lane_use| {
                self.found
                    .lanes
                    .range((own, peer, *lane_use, MessageId(0))..(own, peer, *lane_use, id))
                    .next()
                    .is_some()
            })
            .unwrap_or(LaneUse::Free)
    }

    /// The lane's next place, unless the message has one of this epoch.
    pub(super) fn take_place(
        &mut self,
        own: E164,
        peer: Peer,
        epoch: Epoch,
        has: Option<(Epoch, LaneSeq)>,
    ) -> LaneSeq {
        if let Some((_, lane_seq)) = has.filter(|(placed, _)| *placed == epoch) {
            return lane_seq;
        }
        let lane = self
            .lanes_out
            .entry((own, peer))
            .or_insert((epoch, LaneSeq(0)));
        if lane.0 != epoch {
            *lane = (epoch, LaneSeq(0));
        }
        lane.1 = lane.1.next();
        lane.1
    }

    /// Makes a message found by what follows from it, or not any more.
    fn find(&mut self, own: E164, peer: Peer, id: MessageId, by: &Derived, add: bool) {
        let found = &mut self.found;
        if let Some(sent) = by.unsettled {
            let key = (own, sent.epoch, sent.seq);
            if add {
                found.unsettled.insert(key, id);
            } else {
                found.unsettled.remove(&key);
            }
        }
        if by.lane_use != LaneUse::Free {
            keep(&mut found.lanes, (own, peer, by.lane_use, id), add);
        }
        if by.for_ip {
            keep(&mut found.for_ip, (own, id), add);
        }
        if by.next_in_lane {
            keep(&mut found.next_in_lane, (own, peer, id), add);
        }
        if by.open {
            keep(&mut found.open, id, add);
            keep(&mut found.open_in, (own, peer, id), add);
        }
        if by.queued {
            count(found.queued.entry(own).or_default(), add);
        }
        if let Some(waits) = by.waits_for {
            let waits: WaitsFor = waits;
            keep(&mut found.waiting_for, (waits, own, id), add);
        }
        if by.pacing {
            keep(&mut found.pacing, id, add);
        }
        if by.sms_waiting {
            count(&mut found.sms_waiting, add);
        }
        if by.handed {
            keep(&mut found.handed, id, add);
        }
        if let Some(attempt) = by.attempt {
            if add {
                found.attempts.insert(attempt, id);
            } else {
                found.attempts.remove(&attempt);
            }
        }
        if let Some(at) = by.look {
            keep(&mut found.looks, (at, id), add);
        }
        if let Some(at) = by.deadline {
            keep(&mut found.deadlines, (at, id), add);
        }
        let Some(to) = peer.number() else {
            return;
        };
        if let Some((epoch, lane_seq)) = by.open_place {
            let key = (own, to, epoch, lane_seq);
            keep(&mut found.open_places, key, add);
            if by.left_ip {
                keep(&mut found.left_ip, key, add);
            }
        }
        if let Some((epoch, lane_seq)) = by.unread {
            keep(&mut found.unread, (own, to, epoch, lane_seq), add);
        }
    }
}

fn count(number: &mut u64, add: bool) {
    *number = if add {
        *number + 1
    } else {
        number.saturating_sub(1)
    };
}

/// The attempt by IP of a message came to its end (or to another one), and an
/// SMS with it may have left: now it is known which copies there are.
fn is_end_of_copy(before: IpAttempt, message: &Outgoing) -> bool {
    let ended = match message.ip {
        IpAttempt::Delivered(_) => !matches!(before, IpAttempt::Delivered(_)),
        ip => ip.is_negative() && before.unsettled().is_some(),
    };
    ended && message.sms_left()
}
