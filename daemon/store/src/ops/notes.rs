//! Lane notes we send: what they list, and when they are due (DELIVERY 18).
//! What they say is [`twine_engine::notes`]'s to decide.

use twine_engine::message::{MessageId, SentAs, SmsAttempt};
use twine_engine::notes::{self, Note, Place};
use twine_engine::store_ops::{Outcome, Released};
use twine_proto::limits::MAX_NOTE_ENTRIES;
use twine_proto::{Content, E164, Epoch, LaneSeq, NoteEntry, OpaqueContent, Seq};

use super::{Result, Turn};
use crate::rows::{self, Attempts, Columns, PeerKey};
use crate::sql;

/// Above every place of a lane.
const END: LaneSeq = LaneSeq(i64::MAX.unsigned_abs());

/// What a message with these numbers is to list.
pub(super) struct Noted {
    pub(super) entries: Vec<NoteEntry>,
    ids: Vec<MessageId>,
}

impl Turn<'_> {
    /// The note about the places of a lane below one.
    pub(super) fn note_below(
        &self,
        own: E164,
        peer: PeerKey,
        epoch: Epoch,
        below: LaneSeq,
    ) -> Result<Noted> {
        let mut statement = self.statement(sql::NOTE_PLACES)?;
        let mut found =
            statement.query((rows::number(own), peer, epoch.get(), rows::int(below.get())))?;
        let mut note = Note::default();
        while !note.is_full()
            && let Some(row) = found.next()?
        {
            let attempts = Attempts::from_row(row)?;
            let Some((_, lane_seq)) = attempts.place else {
                continue;
            };
            let mut place = Place {
                lane_seq,
                ip: attempts.ip,
                sms: attempts.sms,
                left_before: attempts.left_before,
                left_now: attempts.parts.may_have_left(),
                hash: 0,
            };
            if notes::filled(&place).is_none() || notes::is_closed(&place) {
                continue;
            }
            let unsent = matches!(place.sms, SmsAttempt::None | SmsAttempt::NotUsed);
            if attempts.may_have_left() || !unsent {
                let text = row.text(Attempts::COLUMNS)?;
                place.hash = text.map_or(0, |text| twine_sms::fold::hash(text.expose()));
            }
            note.add(&place, attempts.id);
        }
        let (entries, ids) = note.into_entries().unzip();
        Ok(Noted { entries, ids })
    }

    /// Remembers which message listed these places last, and that their lane has
    /// nothing more to tell by itself.
    pub(super) fn noted_in(
        &self,
        noted: &Noted,
        own: E164,
        peer: PeerKey,
        (epoch, seq): (Epoch, Seq),
    ) -> Result<()> {
        for id in &noted.ids {
            self.execute(
                sql::NOTED,
                (rows::int(id.0), epoch.get(), rows::int(seq.get())),
            )?;
        }
        self.set_note_due(own, epoch, peer, false)
    }

    fn set_note_due(&self, own: E164, epoch: Epoch, peer: PeerKey, due: bool) -> Result<()> {
        self.execute(sql::NOTE_DUE, (rows::number(own), epoch.get(), peer, due))?;
        Ok(())
    }

    /// What a delivered message listed last is closed, as far as it is still so. A full
    /// note may have left places out: they are next.
    pub(super) fn close_noted(&mut self, carrier: &Attempts, sent: SentAs) -> Result<()> {
        self.execute(sql::NOTE_CLOSE, by_carrier(carrier, sent))?;
        let carried = self.one(sql::NOTE_CARRIED, (rows::int(carrier.id.0),), |row| {
            Ok(decode(row.get_ref(0)?.as_blob_or_null()?))
        })?;
        let entries = carried.flatten().unwrap_or_default();
        if entries.len() == MAX_NOTE_ENTRIES {
            self.note_is_due(carrier.own, sent.epoch, carrier.peer)?;
        }
        Ok(())
    }

    /// A message ended and did not arrive: what it was the last to list is to be told
    /// once more, at once.
    pub(super) fn lose_noted(&mut self, carrier: &Attempts, sent: SentAs) -> Result<()> {
        if self.told_last(carrier, sent)? {
            self.note_is_due(carrier.own, sent.epoch, carrier.peer)?;
        }
        Ok(())
    }

    /// The same, when the next session begins.
    pub(super) fn lose_noted_for_now(&self, carrier: &Attempts, sent: SentAs) -> Result<()> {
        if self.told_last(carrier, sent)? {
            self.set_note_due(carrier.own, sent.epoch, carrier.peer, true)?;
        }
        Ok(())
    }

    /// It was the last to list some place.
    fn told_last(&self, carrier: &Attempts, sent: SentAs) -> Result<bool> {
        let told = self.one(sql::NOTED_BY, by_carrier(carrier, sent), |_| Ok(()))?;
        Ok(told.is_some())
    }

    /// At once, by a note without a message if need be.
    pub(super) fn note_is_due(&mut self, own: E164, epoch: Epoch, peer: PeerKey) -> Result<()> {
        self.set_note_due(own, epoch, peer, true)?;
        self.follows.note_due = true;
        Ok(())
    }

    pub(super) fn release_note(&mut self, number: E164, id: MessageId) -> Result<Outcome> {
        loop {
            let next = self.one(sql::NOTE_NEXT, (rows::number(number),), |row| {
                Ok((row.number(0)?, row.epoch(1)?, Seq(row.unsigned(2)?)))
            })?;
            let Some((peer, epoch, seq)) = next else {
                return Ok(Outcome::Done);
            };
            let key = PeerKey::of(peer);
            let noted = self.note_below(number, key, epoch, END)?;
            if noted.entries.is_empty() {
                // Acknowledged meanwhile.
                self.set_note_due(number, epoch, key, false)?;
                continue;
            }
            self.execute(sql::SEQ_TAKE, (rows::number(number), epoch.get()))?;
            let content = encode(&noted.entries);
            self.execute(
                sql::NOTE_ADD,
                (
                    rows::int(id.0),
                    rows::number(number),
                    key,
                    rows::wall(self.wall),
                    epoch.get(),
                    rows::int(seq.get()),
                    content.as_bytes().as_ref(),
                ),
            )?;
            self.noted_in(&noted, number, key, (epoch, seq))?;
            return Ok(Outcome::Released(Released {
                id,
                own: number,
                peer,
                epoch,
                seq,
                lane_seq: LaneSeq(0),
                content,
            }));
        }
    }
}

fn by_carrier(carrier: &Attempts, sent: SentAs) -> (i64, u32, i64) {
    let (epoch, seq) = (sent.epoch.get(), rows::int(sent.seq.get()));
    (rows::number(carrier.own), epoch, seq)
}

/// As it is kept beside the message that carries it.
pub(super) fn encode(entries: &[NoteEntry]) -> OpaqueContent {
    Content {
        text: None,
        note: entries.to_vec(),
    }
    .encode()
}

/// From the column `note`.
pub(super) fn decode(note: Option<&[u8]>) -> Option<Vec<NoteEntry>> {
    let Some(note) = note else {
        return Some(Vec::new());
    };
    let content = OpaqueContent::new(note.to_vec().into()).ok()?;
    Some(Content::decode(&content).ok()?.note)
}
