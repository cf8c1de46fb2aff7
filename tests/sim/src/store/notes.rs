//! Lane notes as this sender writes them (DELIVERY 18).

use twine_engine::message::{IpAttempt, MessageId, SentAs};
use twine_engine::notes::Note;
use twine_engine::store_ops::{BootStamp, Outcome};
use twine_engine::time::{BootId, Instant, WallTime};
use twine_proto::limits::MAX_NOTE_ENTRIES;
use twine_proto::{E164, Filled, LaneSeq, NoteEntry, Peer};

use super::MemoryStore;
use super::records::{Noted, Outgoing};

impl MemoryStore {
    pub(super) fn has_note_due(&self, own: E164) -> bool {
        self.note_due(own).is_some()
    }

    /// Under which number a note left that named this message last; no later one did.
    pub fn noted_last(&self, id: MessageId) -> Option<SentAs> {
        let message = self.outgoing.get(&id)?;
        message.noted.map(|noted| noted.sent)
    }

    /// Something left by SMS that no note has told this peer of (yet): it rides along with
    /// the next message by IP (DELIVERY 18).
    pub fn has_untold_sms(&self, own: E164, to: E164) -> bool {
        self.outgoing.values().any(|m| {
            m.own == own
                && m.peer.number() == Some(to)
                && m.sms_left()
                && (m.place.is_none() || m.closed_as != m.filled())
        })
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
        let mut note = Note::default();
        for place in self.found.open_places.range(lane) {
            if let Some(id) = self.places_out.get(place)
                && let Some(message) = self.outgoing.get(id)
            {
                note.add(&message.as_place(place.3), *id);
            }
        }
        let mut entries = Vec::new();
        for (entry, id) in note.into_entries() {
            if let Some(message) = self.outgoing.get_mut(&id) {
                let filled = entry.filled;
                message.noted = Some(Noted { sent, filled });
            }
            entries.push(entry);
        }
        entries
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
    /// note named last, if they still are what it said, need no note any more. A full
    /// note may have left some out: they are next.
    pub(super) fn close_noted(&mut self, carrier: MessageId, sent: SentAs) {
        let told = self.told_by(carrier, sent);
        for &(id, filled) in &told {
            self.change(id, WallTime(0), |m| {
                if m.filled() == Some(filled) {
                    m.closed_as = Some(filled);
                }
            });
        }
        let carried = self
            .outgoing
            .get(&carrier)
            .map(|message| message.note.len());
        if carried == Some(MAX_NOTE_ENTRIES) {
            self.note_is_due(carrier, sent);
            self.after.note_due = true;
        }
    }

    /// What travelled under this number will not arrive: what its note named last is
    /// to be told once more.
    pub(super) fn lose_noted(&mut self, carrier: MessageId, sent: SentAs) {
        let told = !self.told_by(carrier, sent).is_empty();
        self.lose_noted_for_now(carrier, sent);
        self.after.note_due |= told;
    }

    /// The same, with the next session.
    pub(super) fn lose_noted_for_now(&mut self, carrier: MessageId, sent: SentAs) {
        if !self.told_by(carrier, sent).is_empty() {
            self.note_is_due(carrier, sent);
        }
    }

    /// The messages that this carrier's note was the last to name, and as what.
    fn told_by(&self, carrier: MessageId, sent: SentAs) -> Vec<(MessageId, Filled)> {
        let Some((message, to)) = self
            .outgoing
            .get(&carrier)
            .and_then(|message| Some((message, message.peer.number()?)))
        else {
            return Vec::new();
        };
        let told = message.note.iter().filter_map(|entry| {
            let place = (message.own, to, sent.epoch, entry.lane_seq);
            let id = *self.places_out.get(&place)?;
            let noted = self.outgoing.get(&id)?.noted?;
            (noted.sent == sent).then_some((id, noted.filled))
        });
        told.collect()
    }

    fn note_is_due(&mut self, carrier: MessageId, sent: SentAs) {
        if let Some(message) = self.outgoing.get(&carrier)
            && let Some(to) = message.peer.number()
            && self.held_epoch(message.own) == Some(sent.epoch)
        {
            self.notes_due.insert((message.own, to));
        }
    }
}
