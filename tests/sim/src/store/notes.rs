//! Lane notes as this sender writes them (DELIVERY 18).

use twine_engine::message::{IpAttempt, MessageId, SentAs};
use twine_engine::notes;
use twine_engine::store_ops::{BootStamp, Outcome};
use twine_engine::time::{BootId, Instant, WallTime};
use twine_proto::{E164, LaneSeq, NoteEntry, Peer};

use super::MemoryStore;
use super::records::{Noted, Outgoing};

impl MemoryStore {
    pub(super) fn has_note_due(&self, own: E164) -> bool {
        self.note_due(own).is_some()
    }

    /// A lane of this number whose receiver is to be told at once.
    fn note_due(&self, own: E164) -> Option<E164> {
        let from = E164::new(10u64.pow(E164::MIN_DIGITS - 1)).ok()?;
        self.notes_due
            .range((own, from)..)
            .next()
            .filter(|(of, _)| *of == own)
            .map(|(_, to)| *to)
    }

    /// The note of what is before a place, which leaves under this number.
    /// Remembers what it says, and that the lane is told.
    pub(super) fn write_note(
        &mut self,
        own: E164,
        to: E164,
        sent: SentAs,
        before: LaneSeq,
    ) -> Vec<NoteEntry> {
        self.notes_due.remove(&(own, to));
        let lane = (own, to, sent.epoch, LaneSeq(0))..(own, to, sent.epoch, before);
        if self.found.left_ip.range(lane.clone()).next().is_none() {
            return Vec::new();
        }
        let places = self.found.open_places.range(lane).filter_map(|place| {
            let id = self.places_out.get(place)?;
            Some(self.outgoing.get(id)?.as_place(place.3))
        });
        let note = notes::note(places);
        for entry in &note {
            let place = (own, to, sent.epoch, entry.lane_seq);
            if let Some(message) = self
                .places_out
                .get(&place)
                .and_then(|id| self.outgoing.get_mut(id))
            {
                message.noted = Some(Noted {
                    sent,
                    filled: entry.filled,
                });
            }
        }
        note
    }

    pub(super) fn release_note(&mut self, own: E164, id: MessageId, wall: WallTime) -> Outcome {
        let held = self
            .identity(own)
            .and_then(|identity| Some((identity.epoch?, identity.next_seq)));
        let Some((epoch, seq)) = held else {
            return Outcome::Done;
        };
        while let Some(to) = self.note_due(own) {
            let sent = SentAs { epoch, seq };
            let note = self.write_note(own, to, sent, LaneSeq(u64::MAX));
            if note.is_empty() {
                continue;
            }
            self.take_seq(own);
            self.released_as.insert((own, epoch, sent.seq), id);
            let born = BootStamp {
                boot: BootId(0),
                at: Instant(0),
            };
            self.add(
                id,
                Outgoing {
                    ip: IpAttempt::InFlight(sent),
                    note,
                    ..Outgoing::empty(own, Peer::Number(to), born, wall)
                },
            );
            return self.released(id).map_or(Outcome::Done, Outcome::Released);
        }
        Outcome::Done
    }

    /// The receiver has what travelled under this number: the places that its
    /// note named, if they still are what it said, need no note any more.
    pub(super) fn close_noted(&mut self, carrier: MessageId, sent: SentAs) {
        let Some(message) = self.outgoing.get(&carrier) else {
            return;
        };
        let Some(to) = message.peer.number() else {
            return;
        };
        let places: Vec<_> = message
            .note
            .iter()
            .map(|entry| (message.own, to, sent.epoch, entry.lane_seq))
            .collect();
        for place in places {
            let Some(id) = self.places_out.get(&place).copied() else {
                continue;
            };
            let told = self.outgoing.get(&id).and_then(|m| m.noted);
            if let Some(noted) = told.filter(|noted| noted.sent == sent) {
                self.change(id, WallTime(0), |m| {
                    if m.filled() == Some(noted.filled) {
                        m.closed_as = Some(noted.filled);
                    }
                });
            }
        }
    }
}
