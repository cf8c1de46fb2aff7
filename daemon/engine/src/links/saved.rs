//! The memory as bytes, at most 2 KiB: networks, cards, and moves of data.
//!
//! Not kept: what is known only of this run of the session (whether an answer came, a
//! request that is under way), and what the agent tells anyway.

use std::time::Duration;

use super::health::Health;
use super::memory::{CardId, Key, Known, MAX_LOSSES, Memory, Record};
use super::mover::{Mover, TIRED_AFTER};
use super::{Links, Rules};
use crate::heartbeat::NetworkId;
use crate::limits::{MAX_REMEMBERED_CARDS, MAX_REMEMBERED_NETWORKS};
use crate::memo::{Reader, Unreadable, Writer};
use crate::time::{BootId, Instant};

const VERSION: u8 = 2;
const OF_CARD: u8 = 0;
const OF_NETWORK: u8 = 1;

/// By itself, without another batch to ride along with, it is written at most so often:
/// where nothing answers, every attempt is news.
const BY_ITSELF_EVERY: Duration = Duration::from_secs(60);

impl Links {
    /// With what was kept, and with no link and no card.
    pub fn read(
        rules: Rules,
        bytes: &[u8],
        boot: BootId,
        now: Instant,
    ) -> Result<Self, Unreadable> {
        let mut links = Self::new(rules);
        if let Some(mut reader) = Reader::new(bytes, VERSION, boot, now)? {
            for _ in 0..reader.count(MAX_REMEMBERED_NETWORKS)? {
                let (key, known) = read_network(&mut reader)?;
                links.memory.networks.insert(key, known);
            }
            for _ in 0..reader.count(MAX_REMEMBERED_CARDS)? {
                let card = CardId(reader.u64()?);
                let record = read_card(&mut reader)?;
                links.memory.cards.insert(card, record);
            }
            read_mover(&mut reader, &mut links.mover)?;
            reader.finish()?;
        }
        Ok(links)
    }

    /// What is to be kept, if anything is since the last call. `riding`: something
    /// else is written anyway.
    #[must_use]
    pub fn take_unsaved(&mut self, boot: BootId, now: Instant, riding: bool) -> Option<Vec<u8>> {
        let lately = self
            .saved
            .is_some_and(|saved| now.since(saved) < BY_ITSELF_EVERY);
        if !self.memory.unsaved || (lately && !riding) {
            return None;
        }
        self.memory.unsaved = false;
        self.saved = Some(now);
        let mut writer = Writer::new(VERSION, boot, now);
        write_memory(&mut writer, &self.memory);
        write_mover(&mut writer, &self.mover);
        Some(writer.finish())
    }
}

fn write_memory(writer: &mut Writer, memory: &Memory) {
    let kept = |key: &Key| match key {
        Key::Card(CardId(card)) => Some((OF_CARD, *card)),
        Key::Network(NetworkId(network)) => Some((OF_NETWORK, *network)),
        Key::Slot(_) => None,
    };
    let networks = memory.networks.iter();
    let networks: Vec<_> = networks
        .filter_map(|(key, known)| Some((kept(key)?, known)))
        .collect();
    writer.count(networks.len());
    for ((kind, id), known) in networks {
        writer.u8(kind);
        writer.u64(id);
        let Known {
            health,
            left,
            returns,
            bound,
        } = known;
        let Health {
            missing,
            late,
            silent_until,
            strikes,
            answered: _,
            unanswered: _,
            noted,
            usual_ms,
            troubled,
        } = health;
        writer.u8(*missing);
        writer.u16(*late);
        writer.until(*silent_until);
        writer.tally(*strikes);
        writer.past(Some(*noted));
        writer.duration((*usual_ms > 0).then(|| Duration::from_millis(*usual_ms)));
        writer.past(*troubled);
        writer.past(*left);
        writer.tally(*returns);
        writer.u64(*bound);
    }
    writer.count(memory.cards.len());
    for (CardId(card), record) in &memory.cards {
        writer.u64(*card);
        let Record {
            refused_until,
            failures,
            left,
            strikes,
            unanswered,
            losses,
            spent,
            noted,
        } = record;
        writer.until(*refused_until);
        writer.tally(*failures);
        writer.past(*left);
        writer.tally(*strikes);
        writer.u8(u8::from(*unanswered));
        writer.past(*spent);
        writer.past(Some(*noted));
        writer.count(losses.len());
        for loss in losses {
            writer.past(Some(*loss));
        }
    }
}

fn write_mover(writer: &mut Writer, mover: &Mover) {
    writer.tally(mover.futile);
    writer.u8(u8::from(mover.unproven));
    writer.count(mover.history.len());
    for moved in &mover.history {
        writer.past(Some(*moved));
    }
}

fn read_network(reader: &mut Reader<'_>) -> Result<(Key, Known), Unreadable> {
    let kind = reader.u8()?;
    let id = reader.u64()?;
    let key = match kind {
        OF_CARD => Key::Card(CardId(id)),
        OF_NETWORK => Key::Network(NetworkId(id)),
        _ => return Err(Unreadable::Value),
    };
    let health = Health {
        missing: reader.u8()?,
        late: reader.u16()?,
        silent_until: reader.until()?,
        strikes: reader.tally()?,
        answered: false,
        unanswered: None,
        noted: reader.past()?.ok_or(Unreadable::Value)?,
        usual_ms: reader
            .duration()?
            .map_or(0, |usual| u64::try_from(usual.as_millis()).unwrap_or(0)),
        troubled: reader.past()?,
    };
    let known = Known {
        health,
        left: reader.past()?,
        returns: reader.tally()?,
        bound: reader.u64()?,
    };
    Ok((key, known))
}

fn read_card(reader: &mut Reader<'_>) -> Result<Record, Unreadable> {
    let mut record = Record {
        refused_until: reader.until()?,
        failures: reader.tally()?,
        left: reader.past()?,
        strikes: reader.tally()?,
        unanswered: read_flag(reader)?,
        spent: reader.past()?,
        noted: reader.past()?.ok_or(Unreadable::Value)?,
        ..Record::default()
    };
    for _ in 0..reader.count(MAX_LOSSES)? {
        let loss = reader.past()?.ok_or(Unreadable::Value)?;
        record.losses.push_back(loss);
    }
    Ok(record)
}

fn read_mover(reader: &mut Reader<'_>, mover: &mut Mover) -> Result<(), Unreadable> {
    mover.futile = reader.tally()?;
    mover.unproven = read_flag(reader)?;
    for _ in 0..reader.count(TIRED_AFTER)? {
        let moved = reader.past()?.ok_or(Unreadable::Value)?;
        mover.history.push_back(moved);
    }
    Ok(())
}

fn read_flag(reader: &mut Reader<'_>) -> Result<bool, Unreadable> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Unreadable::Value),
    }
}
