//! Taking deliveries once, and putting each in its place (DELIVERY 9, 10, 12, 19).

use rusqlite::types::Type;
use rusqlite::{Row, params};
use twine_engine::dedup::{Seen, SeenPlaces};
use twine_engine::message::Shown;
use twine_engine::store_ops::{EventKind, Incoming, IncomingBody, IncomingSms, Outcome};
use twine_proto::frame::RejectReason;
use twine_proto::{Cursor, Digest, E164, MessageName};

use super::merging::Pair;
use super::{Result, Turn};
use crate::codes::Body;
use crate::limits::REPEAT_CANDIDATES;
use crate::rows::{self, Columns};
use crate::sql;

/// Bytes of a gap in `lane_in.gaps`.
const GAP_BYTES: usize = 16;

impl Turn<'_> {
    pub(super) fn insert_incoming(&mut self, incoming: &Incoming) -> Result<Outcome> {
        self.move_cursor(incoming.own, incoming.cursor, incoming.check)?;
        match &incoming.body {
            IncomingBody::Text { name, digest, text } => {
                let text = Some(text.expose().as_str());
                self.take(incoming, *name, *digest, Body::Text, text)
            }
            IncomingBody::Unreadable { name, digest } => {
                self.take(incoming, *name, *digest, Body::Unreadable, None)
            }
            IncomingBody::Unnamed => self.take_unnamed(incoming),
        }
    }

    pub(super) fn insert_sms(&mut self, sms: &IncomingSms) -> Result<Outcome> {
        if self.execute(sql::SPOOL_ADD, (&sms.spool_id,))? == 0 {
            return Ok(Outcome::SmsRepeated);
        }
        let peer = self.peer_code(sms.peer)?;
        let (own, text) = (rows::number(sms.own), sms.text.expose());
        let twins = self.all(
            sql::SMS_TWIN,
            (
                own,
                peer,
                rows::int(sms.scts_ms),
                rows::size(REPEAT_CANDIDATES),
            ),
            |row| row.get::<_, Option<String>>(0),
        )?;
        // The network's own repeat: nobody sends the same text twice within the
        // second of SCTS (DELIVERY 22).
        if twins.iter().flatten().any(|twin| twin == text) {
            return Ok(Outcome::SmsRepeated);
        }
        self.execute(
            sql::SMS_ADD,
            (
                rows::int(sms.id.0),
                own,
                peer,
                rows::wall(self.wall),
                sms.iccid.expose(),
                sms.hash,
                sms.residue,
                rows::int(sms.scts_ms),
                rows::boot(sms.boot.boot),
                rows::instant(sms.boot.at),
                text,
            ),
        )?;
        self.log(EventKind::Received, sms.id, Shown::Received)?;
        let pair = Pair { own: sms.own, peer };
        if peer > 0 {
            self.read_pending(pair, sms.hash, sms.boot)?;
            if !self.has_place(sms.id)? {
                self.merge_on_mark(pair, sms.id, text)?;
            }
        }
        Ok(Outcome::SmsInserted {
            id: sms.id,
            copy_of: self.copy_of(sms.id)?,
        })
    }

    /// Without a check the gateway could not tell that both mean the same entry:
    /// then the cursor stays, and the entry may come once more.
    pub(super) fn move_cursor(&self, number: E164, cursor: Cursor, check: u32) -> Result<()> {
        if check != 0 {
            self.execute(
                sql::CURSOR_MOVE,
                (rows::number(number), rows::int(cursor.get()), check),
            )?;
        }
        Ok(())
    }

    fn take(
        &mut self,
        incoming: &Incoming,
        name: MessageName,
        digest: Digest,
        body: Body,
        text: Option<&str>,
    ) -> Result<Outcome> {
        let mut seen = self.seen_places(incoming.own, name)?;
        let answer = seen.take(name.lane_seq);
        if answer == Seen::New {
            self.keep_seen_places(incoming.own, name, &seen)?;
        } else {
            match self.known(incoming.own, name, digest)? {
                Known::Same(body) => {
                    return Ok(Outcome::Duplicate {
                        rejected: body.rejected(),
                    });
                }
                Known::Other => {
                    self.insert(incoming, Some((name, digest)), Body::Conflicting, text)?;
                    return Ok(Outcome::Conflict { id: incoming.id });
                }
                // Taken, and its message is gone from the history.
                Known::Nothing if answer == Seen::Before => {
                    return Ok(Outcome::Duplicate { rejected: None });
                }
                // In a forgotten gap, where only the history knows: new.
                Known::Nothing => {}
            }
        }
        self.insert(incoming, Some((name, digest)), body, text)?;
        let pair = Pair {
            own: incoming.own,
            peer: rows::number(name.from),
        };
        self.alive(pair.peer)?;
        if let Some(text) = text {
            let in_place = self.merge_in_place(pair, incoming.id, name.epoch, name.lane_seq)?;
            if in_place.is_none()
                && self
                    .one(
                        sql::ANY_SMS,
                        (rows::number(pair.own), pair.peer),
                        |_| Ok(()),
                    )?
                    .is_some()
            {
                self.merge_on_mark(pair, incoming.id, text)?;
            }
        }
        self.read_note(pair, name.epoch, &incoming.note, incoming.boot)?;
        Ok(Outcome::Inserted { id: incoming.id })
    }

    fn take_unnamed(&mut self, incoming: &Incoming) -> Result<Outcome> {
        let key = (rows::number(incoming.own), rows::int(incoming.cursor.get()));
        if self.one(sql::UNNAMED_FIND, key, |_| Ok(()))?.is_some() {
            return Ok(Outcome::Duplicate {
                rejected: Some(RejectReason::Unreadable),
            });
        }
        self.insert(incoming, None, Body::Unreadable, None)?;
        Ok(Outcome::Inserted { id: incoming.id })
    }

    fn insert(
        &mut self,
        incoming: &Incoming,
        named: Option<(MessageName, Digest)>,
        body: Body,
        text: Option<&str>,
    ) -> Result<()> {
        let id = rows::int(incoming.id.0);
        let position = match named {
            Some((name, _)) if body != Body::Conflicting => {
                self.position_of(incoming, name)?.unwrap_or(id)
            }
            _ => id,
        };
        self.execute(
            sql::INCOMING_ADD,
            params![
                id,
                rows::number(incoming.own),
                // Whoever wrote a message without a name is not known: it stands
                // in the conversation of the number with itself.
                rows::number(named.map_or(incoming.own, |(name, _)| name.from)),
                position,
                rows::wall(self.wall),
                named.map(|(name, _)| name.epoch.get()),
                named.map(|(name, _)| rows::int(name.lane_seq.get())),
                // Nor does reading it move the lane's mark.
                body == Body::Conflicting,
                body as i64,
                named.map(|(_, digest)| rows::bits(digest.0)),
                incoming.age_s,
                named.is_none().then(|| rows::int(incoming.cursor.get())),
                text,
                incoming.maybe_by_sms,
                rows::boot(incoming.boot.boot),
                rows::instant(incoming.boot.at),
            ],
        )?;
        self.log(EventKind::Received, incoming.id, body.shown())
    }

    /// A late message takes the position of the next later one of its lane, and
    /// its place sorts it before that. A conflict is none of the lane: it stands
    /// where it arrived, so that no two messages have the same order key.
    fn position_of(&self, incoming: &Incoming, name: MessageName) -> Result<Option<i64>> {
        self.one(
            sql::NEXT_LATER,
            (
                rows::number(incoming.own),
                rows::number(name.from),
                name.epoch.get(),
                rows::int(name.lane_seq.get()),
            ),
            |row| row.get(0),
        )
    }

    fn known(&self, own: E164, name: MessageName, digest: Digest) -> Result<Known> {
        let mut statement = self.statement(sql::SAME_NAME)?;
        let mut same_name = statement.query((
            rows::number(own),
            rows::number(name.from),
            name.epoch.get(),
            rows::int(name.lane_seq.get()),
        ))?;
        let mut known = Known::Nothing;
        while let Some(row) = same_name.next()? {
            if row.get::<_, Option<i64>>(1)? == Some(rows::bits(digest.0)) {
                return Ok(Known::Same(row.code(0, Body::from_code)?));
            }
            known = Known::Other;
        }
        Ok(known)
    }

    fn seen_places(&self, own: E164, name: MessageName) -> Result<SeenPlaces> {
        let key = (rows::number(own), rows::number(name.from), name.epoch.get());
        let seen = self.one(sql::LANE_READ, key, |row| seen_places(row, 0))?;
        Ok(seen.unwrap_or_default())
    }

    fn keep_seen_places(&self, own: E164, name: MessageName, seen: &SeenPlaces) -> Result<()> {
        let (high_water, forgotten, gaps) = seen_columns(seen);
        self.execute(
            sql::LANE_WRITE,
            (
                rows::number(own),
                rows::number(name.from),
                name.epoch.get(),
                high_water,
                forgotten,
                gaps,
            ),
        )?;
        Ok(())
    }
}

/// What the history holds under a name.
enum Known {
    Nothing,
    /// The same content.
    Same(Body),
    /// Other content only.
    Other,
}

/// The columns `high_water`, `forgotten` and `gaps`.
pub(crate) fn seen_columns(seen: &SeenPlaces) -> (i64, i64, Vec<u8>) {
    let (high_water, forgotten, gaps) = seen.parts();
    let gaps = gaps
        .iter()
        .flat_map(|(first, last)| [first.to_le_bytes(), last.to_le_bytes()])
        .flatten()
        .collect();
    (rows::int(high_water), rows::int(forgotten), gaps)
}

/// From the columns `high_water`, `forgotten` and `gaps`, from `at` on.
pub(crate) fn seen_places(row: &Row<'_>, at: usize) -> rusqlite::Result<SeenPlaces> {
    let blob = row.get_ref(at + 2)?.as_blob()?;
    let half = |gap: &[u8], at: usize| {
        let bytes = gap.get(at..at + 8)?.try_into().ok()?;
        Some(u64::from_le_bytes(bytes))
    };
    blob.chunks(GAP_BYTES)
        .map(|gap| Some((half(gap, 0)?, half(gap, 8)?)))
        .collect::<Option<Vec<_>>>()
        .zip(Some((row.unsigned(at)?, row.unsigned(at + 1)?)))
        .and_then(|(gaps, (high_water, forgotten))| {
            SeenPlaces::from_parts(high_water, forgotten, gaps)
        })
        .ok_or_else(|| {
            let what = "the gaps of a lane contradict each other";
            rusqlite::Error::FromSqlConversionFailure(at + 2, Type::Blob, what.into())
        })
}
