//! Taking deliveries once, and putting each in its place (DELIVERY 9, 10, 12, 19).

use rusqlite::Row;
use rusqlite::types::Type;
use twine_engine::dedup::{Seen, SeenPlaces};
use twine_engine::settings::Reach;
use twine_engine::store_ops::{EventKind, Incoming, IncomingBody, Outcome};
use twine_proto::frame::RejectReason;
use twine_proto::{Cursor, Digest, E164, MessageName};

use super::{Result, Turn};
use crate::codes::{self, Body};
use crate::error::StoreError;
use crate::rows::{self, Columns, PeerKey};
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
        let lane = self.lane_state(incoming.own, name)?;
        self.believe_on_ip(PeerKey::of(name.from), lane.reach)?;
        let mut seen = lane.seen;
        let answer = seen.take(name.lane_seq);
        if answer == Seen::New {
            self.keep_seen_places(incoming.own, name, &seen)?;
        } else {
            match self.known(incoming.own, name, digest)? {
                Known::Same { body, read } => {
                    if read {
                        self.tell_mark_again(incoming.own, name)?;
                    }
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
        if !incoming.note.is_empty() {
            let Incoming { own, boot, .. } = *incoming;
            self.read_note(own, name.from, name.epoch, &incoming.note, boot)?;
        }
        // Without an SMS of that peer there is nothing it could be a copy of.
        if lane.by_sms {
            self.pair_by_ip(incoming, name, text)?;
        }
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
            (
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
                incoming.maybe_by_sms,
                rows::boot(incoming.boot.boot),
                rows::instant(incoming.boot.at),
                text,
            ),
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
                return Ok(Known::Same {
                    body: row.code(0, Body::from_code)?,
                    read: row.get(2)?,
                });
            }
            known = Known::Other;
        }
        Ok(known)
    }

    /// The mark may have overtaken the acknowledgement (DELIVERY 11): it is told
    /// once more, behind the next one.
    fn tell_mark_again(&self, own: E164, name: MessageName) -> Result<()> {
        let key = (rows::number(own), rows::number(name.from), name.epoch.get());
        self.execute(sql::READ_AGAIN, key)?;
        Ok(())
    }

    fn lane_state(&self, own: E164, name: MessageName) -> Result<LaneState> {
        let key = (rows::number(own), rows::number(name.from), name.epoch.get());
        let state = self.one(sql::LANE_STATE, key, |row| {
            let seen = match row.maybe_unsigned(0)? {
                Some(_) => seen_places(row, 0)?,
                None => SeenPlaces::default(),
            };
            Ok(LaneState {
                seen,
                reach: row.maybe_code(3, codes::reach_from)?,
                by_sms: row.get(4)?,
            })
        })?;
        state.ok_or_else(|| StoreError::corrupt("a lane has no state"))
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

/// What is known of an incoming lane, and of its sender.
struct LaneState {
    seen: SeenPlaces,
    reach: Option<Reach>,
    /// It has written by SMS.
    by_sms: bool,
}

/// What the history holds under a name.
enum Known {
    Nothing,
    /// The same content, and whether the user has read it.
    Same {
        body: Body,
        read: bool,
    },
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
