//! What the user chose, what is believed of peers, and how peers stand in the
//! tables.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};
use twine_engine::limits::MAX_CONVERSATION_SETTINGS;
use twine_engine::message::LaneUse;
use twine_engine::settings::{Reach, Settings};
use twine_engine::store_ops::{BootStamp, ConversationFacts, Outcome, Sender};
use twine_engine::time::{BootId, Instant};
use twine_proto::{E164, Peer, Redacted};

use super::{Result, Turn};
use crate::rows::{self, Columns, PeerKey};
use crate::{codes, sql};

/// Above every message.
const END: i64 = i64::MAX;

impl Turn<'_> {
    /// How a peer stands in the tables; a new name is added.
    pub(super) fn key(&self, peer: Peer) -> Result<PeerKey> {
        if let Some(key) = peer_key(self.db, peer)? {
            return Ok(key);
        }
        let name = peer.expose();
        let mut add = self.statement(sql::PEER_NAME_ADD)?;
        Ok(PeerKey(
            -add.query_row((name,), |row| row.get::<_, i64>(0))?,
        ))
    }

    pub(super) fn set(
        &mut self,
        conversation: Option<(E164, Peer)>,
        settings: &Settings,
    ) -> Result<Outcome> {
        let key = match conversation {
            Some((own, peer)) => (rows::number(own), self.key(peer)?),
            None => (0, PeerKey(0)),
        };
        if *settings == Settings::default() {
            self.execute(sql::SETTING_FORGET, key)?;
        } else {
            if conversation.is_some() && self.is_full_for(key)? {
                return Ok(Outcome::TooManySettings);
            }
            self.execute(
                sql::SETTING_SET,
                (
                    key.0,
                    key.1,
                    settings.mode.map(codes::mode_code),
                    settings.fallback.map(codes::fallback_code),
                    settings.iccid.as_ref().map(Redacted::expose),
                ),
            )?;
        }
        if let (Some((own, _)), Some(iccid)) = (conversation, &settings.iccid) {
            self.repin_sms(own, key.1, iccid.expose())?;
        }
        // What an earlier setting ruled out is open again, and decided anew.
        let looked_at = match conversation {
            Some(_) => {
                self.execute(sql::SMS_REOPEN_CONVERSATION, key)?
                    + self.execute(sql::LOOK_AT_CONVERSATION, key)?
            }
            None => self.execute(sql::SMS_REOPEN_ALL, ())? + self.execute(sql::LOOK_AT_ALL, ())?,
        };
        if looked_at > 0 {
            self.follows.look(Instant(0));
        }
        Ok(self.looks())
    }

    fn is_full_for(&self, key: (i64, PeerKey)) -> Result<bool> {
        if self.one(sql::SETTING, key, |_| Ok(()))?.is_some() {
            return Ok(false);
        }
        let kept = self.one(sql::SETTING_COUNT, (), |row| row.unsigned(0))?;
        Ok(kept.unwrap_or(0) >= MAX_CONVERSATION_SETTINGS)
    }

    pub(super) fn set_reach(&self, peer: E164, reach: Reach, boot: BootStamp) -> Result<Outcome> {
        let peer = PeerKey::of(peer);
        if reach == Reach::Unknown {
            self.execute(sql::REACH_UNREFUSE, (peer,))?;
        } else {
            self.believe(peer, reach, boot)?;
        }
        Ok(Outcome::Done)
    }

    fn believe(&self, peer: PeerKey, reach: Reach, since: BootStamp) -> Result<()> {
        self.execute(
            sql::REACH_SET,
            (
                peer,
                codes::reach_code(reach),
                rows::boot(since.boot),
                rows::instant(since.at),
            ),
        )?;
        Ok(())
    }

    /// A peer gave a sign of life: believed until something else is seen, so since
    /// when does not matter.
    pub(super) fn believe_on_ip(&self, peer: PeerKey, known: Option<Reach>) -> Result<()> {
        if known == Some(Reach::OnIp) {
            return Ok(());
        }
        let since = BootStamp {
            boot: BootId(0),
            at: Instant(0),
        };
        self.believe(peer, Reach::OnIp, since)
    }

    /// The gateway does not know the number; believed for a while.
    pub(super) fn believe_refused(&self, peer: PeerKey, since: BootStamp) -> Result<()> {
        self.believe(peer, Reach::Refused, since)
    }

    /// It let a deadline pass; believed for a while.
    pub(super) fn believe_silent(&self, peer: PeerKey, since: BootStamp) -> Result<()> {
        self.believe(peer, Reach::Silent, since)
    }

    /// What a stored belief is worth now.
    pub(super) fn still_believed(
        &self,
        reach: Option<Reach>,
        since: BootStamp,
        now: BootStamp,
    ) -> Result<Reach> {
        let reach = reach.unwrap_or_default();
        let Some(ttl) = reach.believed_for() else {
            return Ok(reach);
        };
        let since = self.in_this_boot(since, now)?;
        let age: Duration = now.at.since(since);
        Ok(if age < ttl { reach } else { Reach::Unknown })
    }

    /// When that was in this boot: what belongs to another one counts from the
    /// moment the daemon began in this (DELIVERY 24).
    pub(super) fn in_this_boot(&self, stamp: BootStamp, now: BootStamp) -> Result<Instant> {
        if stamp.boot == now.boot {
            return Ok(stamp.at);
        }
        let began = self.one(sql::BOOT, (), |row| row.stamp(0))?;
        Ok(match began {
            Some(began) if began.boot == now.boot => began.at,
            _ => now.at,
        })
    }

    pub(super) fn load_conversation(
        &self,
        sender: &Sender,
        peer: Peer,
        boot: BootStamp,
    ) -> Result<Outcome> {
        // A name nobody has written to has a key of its own: none.
        let key = peer_key(self.db, peer)?.unwrap_or(PeerKey(i64::MIN));
        let own = self.own(sender, key)?;
        Ok(Outcome::Conversation(self.facts(own, key, boot)?))
    }

    /// Whose message it is.
    pub(super) fn own(&self, sender: &Sender, peer: PeerKey) -> Result<E164> {
        let mut found = (None, sender.own);
        if sender.others.is_empty() {
            return Ok(sender.own);
        }
        for own in std::iter::once(&sender.own).chain(&sender.others) {
            let newest: Option<i64> = self
                .one(sql::NEWEST_WITH, (rows::number(*own), peer), |row| {
                    row.get(0)
                })?
                .flatten();
            if newest > found.0 {
                found = (newest, *own);
            }
        }
        Ok(found.1)
    }

    pub(super) fn facts(
        &self,
        own: E164,
        peer: PeerKey,
        boot: BootStamp,
    ) -> Result<ConversationFacts> {
        let known = self.one(sql::REACH, (peer,), |row| {
            Ok((row.code(0, codes::reach_from)?, row.stamp(1)?))
        })?;
        let reach = match known {
            Some((reach, since)) => self.still_believed(Some(reach), since, boot)?,
            None => Reach::Unknown,
        };
        let identity = self.one(sql::IDENTITY_FACTS, (rows::number(own),), |row| {
            Ok((row.maybe_epoch(0)?.is_some(), row.get(1)?))
        })?;
        let (bound, consented) = identity.unwrap_or((false, false));
        Ok(ConversationFacts {
            own,
            settings: setting(self.db, rows::number(own), peer)?,
            reach,
            bound,
            consented,
            before: self.worst_before(own, peer, END)?,
        })
    }

    pub(super) fn worst_before(&self, own: E164, peer: PeerKey, id: i64) -> Result<LaneUse> {
        let key = (rows::number(own), peer, id);
        let worst = self.one(sql::WORST_BEFORE, key, |row| {
            row.code(0, codes::lane_use_from)
        })?;
        Ok(worst.unwrap_or(LaneUse::Free))
    }

    pub(super) fn note_sim(&self, number: E164, iccid: &Redacted<String>) -> Result<Outcome> {
        self.execute(sql::NOTE_SIM, (rows::number(number), iccid.expose()))?;
        Ok(Outcome::Done)
    }
}

/// How a peer stands in the tables. A name that is not there yet: `None`.
pub(crate) fn peer_key(db: &Connection, peer: Peer) -> Result<Option<PeerKey>> {
    match peer {
        Peer::Number(number) => Ok(Some(PeerKey::of(number))),
        Peer::Name(name) => Ok(db
            .prepare_cached(sql::PEER_NAME_FIND)?
            .query_row((name.expose(),), |row| row.get::<_, i64>(0))
            .optional()?
            .map(|id| PeerKey(-id))),
    }
}

/// What is set for a conversation; (0, 0): globally.
pub(crate) fn setting(db: &Connection, own: i64, peer: PeerKey) -> Result<Settings> {
    let set = db
        .prepare_cached(sql::SETTING)?
        .query_row((own, peer), |row| {
            Ok(Settings {
                mode: row.maybe_code(0, codes::mode_from)?,
                fallback: row.maybe_code(1, codes::fallback_from)?,
                iccid: row.text(2)?,
            })
        })
        .optional()?;
    Ok(set.unwrap_or_default())
}
