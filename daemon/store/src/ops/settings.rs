//! What the user chose, and what is believed of peers.

use rusqlite::{Connection, OptionalExtension};
use twine_engine::limits::{MAX_CONVERSATION_SETTINGS, REFUSED_REACH_TTL};
use twine_engine::message::{LaneUse, MessageId};
use twine_engine::settings::{Reach, Settings};
use twine_engine::store_ops::{BootStamp, ConversationFacts, Outcome};
use twine_engine::time::Instant;
use twine_proto::{E164, Peer, SmsName};

use super::{Result, Turn};
use crate::error::StoreError;
use crate::rows::{self, Columns};
use crate::{codes, sql};

impl Turn<'_> {
    /// How a peer stands in the tables. A name gets its number when it is first
    /// met.
    pub(super) fn peer_code(&self, peer: Peer) -> Result<i64> {
        let name = match peer {
            Peer::Number(number) => return Ok(rows::number(number)),
            Peer::Name(name) => name,
        };
        let find = || self.one(sql::PEER_NAME_FIND, (name.expose(),), |row| row.get(0));
        let id: Option<i64> = match find()? {
            Some(id) => Some(id),
            None => {
                self.execute(sql::PEER_NAME_ADD, (name.expose(),))?;
                find()?
            }
        };
        id.map(|id| -id)
            .ok_or_else(|| StoreError::corrupt("a peer's name vanished"))
    }

    pub(super) fn peer_of(&self, code: i64) -> Result<Peer> {
        if let Ok(number) = u64::try_from(code) {
            return E164::new(number)
                .map(Peer::Number)
                .map_err(|_| StoreError::corrupt("a peer is no number"));
        }
        let name = self
            .one(sql::PEER_NAME, (-code,), |row| row.get::<_, String>(0))?
            .ok_or_else(|| StoreError::corrupt("a peer has no name"))?;
        SmsName::new(&name)
            .map(Peer::Name)
            .map_err(|_| StoreError::corrupt("a peer's name is none"))
    }

    pub(super) fn set(
        &mut self,
        conversation: Option<(E164, Peer)>,
        settings: &Settings,
    ) -> Result<Outcome> {
        let (own, peer) = match conversation {
            Some((own, peer)) => (rows::number(own), self.peer_code(peer)?),
            None => (0, 0),
        };
        let count: i64 = self
            .one(sql::SETTING_COUNT, (), |row| row.get(0))?
            .unwrap_or(0);
        let known = self.one(sql::SETTING, (own, peer), |_| Ok(()))?.is_some();
        if !known && rows::int(MAX_CONVERSATION_SETTINGS) <= count {
            return Ok(Outcome::TooManySettings);
        }
        self.execute(
            sql::SETTING_SET,
            (
                own,
                peer,
                settings.mode.map(codes::mode_code),
                settings.fallback.map(codes::fallback_code),
                settings.iccid.as_ref().map(|iccid| iccid.expose()),
            ),
        )?;
        let (own, peer) = match conversation {
            Some(_) => (Some(own), Some(peer)),
            None => (None, None),
        };
        // What an earlier setting ruled out is open again; it is decided anew.
        self.execute(sql::RULE_IN, (own, peer))?;
        let woken = self.execute(sql::WAKE_ALL, (own, peer))?
            + self.execute(sql::WAKE_WAITING, (own, peer))?;
        if woken > 0 {
            self.look_at(Instant(0));
        }
        Ok(self.looks())
    }

    pub(super) fn set_reach(&self, peer: E164, reach: Reach, boot: BootStamp) -> Result<Outcome> {
        let number = rows::number(peer);
        if reach == Reach::Unknown {
            self.execute(sql::REACH_UNREFUSE, (number,))?;
        } else {
            self.execute(
                sql::REACH_SET,
                (
                    number,
                    codes::reach_code(reach),
                    rows::boot(boot.boot),
                    rows::instant(boot.at),
                ),
            )?;
        }
        Ok(Outcome::Done)
    }

    /// Believed from now on, in whatever boot that is read.
    pub(super) fn believe(&self, peer: i64, reach: Reach) -> Result<()> {
        if peer > 0 {
            self.execute(sql::REACH_SET, (peer, codes::reach_code(reach), 0, 0))?;
        }
        Ok(())
    }

    /// The peer gave a sign of life by IP.
    pub(super) fn alive(&self, peer: i64) -> Result<()> {
        if peer > 0 {
            self.execute(sql::REACH_ALIVE, (peer,))?;
        }
        Ok(())
    }

    pub(super) fn reach_of(&self, peer: i64, now: BootStamp) -> Result<Reach> {
        let known = self.one(sql::REACH, (peer,), |row| {
            Ok((
                row.code(0, codes::reach_from)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
            ))
        })?;
        let Some((reach, since_boot, since_ms)) = known else {
            return Ok(Reach::Unknown);
        };
        Ok(believed(reach, since_boot, since_ms, now))
    }

    pub(super) fn load_conversation(
        &self,
        own: E164,
        peer: Peer,
        boot: BootStamp,
    ) -> Result<Outcome> {
        let peer = self.peer_code(peer)?;
        let end = MessageId(u64::MAX);
        self.conversation(own, peer, end, boot)
            .map(Outcome::Conversation)
    }

    /// What is known of a conversation, and what is before a message in it.
    pub(super) fn conversation(
        &self,
        own: E164,
        peer: i64,
        before: MessageId,
        boot: BootStamp,
    ) -> Result<ConversationFacts> {
        let number = rows::number(own);
        let (bound, consented) = self
            .one(sql::BOUND, (number,), |row| Ok((row.get(0)?, row.get(1)?)))?
            .unwrap_or((false, false));
        Ok(ConversationFacts {
            settings: settings(self.db, number, peer)?,
            reach: self.reach_of(peer, boot)?,
            bound,
            consented,
            before: self.lane_before(number, peer, before)?,
        })
    }

    pub(super) fn lane_before(&self, own: i64, peer: i64, id: MessageId) -> Result<LaneUse> {
        let worst = self.one(sql::LANE_BEFORE, (own, peer, rows::int(id.0)), |row| {
            row.maybe_code(0, codes::lane_from)
        })?;
        Ok(worst.flatten().unwrap_or(LaneUse::Free))
    }
}

/// What is set for a conversation; own 0 and peer 0: globally.
pub(crate) fn settings(db: &Connection, own: i64, peer: i64) -> Result<Settings> {
    let mut statement = db.prepare_cached(sql::SETTING)?;
    let settings = statement
        .query_row((own, peer), |row| {
            Ok(Settings {
                mode: row.maybe_code(0, codes::mode_from)?,
                fallback: row.maybe_code(1, codes::fallback_from)?,
                iccid: row.text(2)?,
            })
        })
        .optional()?;
    Ok(settings.unwrap_or_default())
}

/// A refusal is forgotten after its time; of another boot no time is known to
/// have passed.
pub(super) fn believed(reach: Reach, since_boot: i64, since_ms: i64, now: BootStamp) -> Reach {
    let passed = rows::instant(now.at).saturating_sub(since_ms);
    let old = since_boot == rows::boot(now.boot) && passed > rows::duration(REFUSED_REACH_TTL);
    if reach == Reach::Refused && old {
        Reach::Unknown
    } else {
        reach
    }
}
