//! The table as bytes: a version, then 19 bytes a record. Not kept: a failure that is
//! doubted still.

use std::time::Duration;

use super::record::Record;
use super::{Heartbeats, LADDER, NetworkId};
use crate::limits::MAX_HEARTBEAT_RECORDS;
use crate::memo::Unreadable;
use crate::output::TransportKind;

const VERSION: u8 = 2;
const RECORD_BYTES: usize = 19;

/// What is not kept yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Unsaved {
    #[default]
    Nothing,
    /// How long a rung was held: not worth being written for by itself.
    Held,
    Limit,
}

impl Heartbeats {
    /// From what was kept; nothing was: an empty table.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let Some((version, records)) = bytes.split_first() else {
            return Ok(Self::default());
        };
        if *version != VERSION {
            return Err(Unreadable::Version);
        }
        let (records, rest) = records.as_chunks::<RECORD_BYTES>();
        if !rest.is_empty() || records.len() > MAX_HEARTBEAT_RECORDS {
            return Err(Unreadable::Length);
        }
        let mut table = Self::default();
        for bytes in records {
            let (key, mut record) = read_record(bytes)?;
            table.uses += 1;
            record.used = table.uses;
            table.records.insert(key, record);
        }
        Ok(table)
    }

    /// What is to be kept, if anything is worth it since the last call. `riding`: something
    /// else is written anyway.
    #[must_use]
    pub fn take_unsaved(&mut self, riding: bool) -> Option<Vec<u8>> {
        match self.unsaved {
            Unsaved::Nothing => return None,
            Unsaved::Held if !riding => return None,
            Unsaved::Held | Unsaved::Limit => self.unsaved = Unsaved::Nothing,
        }
        // The order says which was used last.
        let mut records: Vec<_> = self.records.iter().collect();
        records.sort_by_key(|(_, record)| record.used);
        let mut bytes = vec![VERSION];
        for ((network, transport), record) in records {
            bytes.extend(network.0.to_le_bytes());
            bytes.push(match transport {
                TransportKind::Quic => 0,
                TransportKind::Tls => 1,
            });
            bytes.extend(seconds(record.safe).to_le_bytes());
            bytes.extend(seconds(record.limit).to_le_bytes());
            bytes.push(record.doublings);
            let minutes = record.held.as_secs() / 60;
            bytes.extend(u16::try_from(minutes).unwrap_or(u16::MAX).to_le_bytes());
            bytes.extend(seconds(record.best).to_le_bytes());
            bytes.push(record.falls);
        }
        Some(bytes)
    }
}

fn seconds(rung: Option<Duration>) -> u16 {
    rung.map_or(0, |rung| u16::try_from(rung.as_secs()).unwrap_or(0))
}

fn read_record(
    bytes: &[u8; RECORD_BYTES],
) -> Result<((NetworkId, TransportKind), Record), Unreadable> {
    let [
        network @ ..,
        t,
        s0,
        s1,
        l0,
        l1,
        doublings,
        m0,
        m1,
        b0,
        b1,
        falls,
    ] = *bytes;
    let network = NetworkId(u64::from_le_bytes(network));
    let transport = match t {
        0 => TransportKind::Quic,
        1 => TransportKind::Tls,
        _ => return Err(Unreadable::Value),
    };
    let safe = rung(u16::from_le_bytes([s0, s1]))?;
    let limit = rung(u16::from_le_bytes([l0, l1]))?;
    if limit.is_some() && safe >= limit {
        return Err(Unreadable::Value);
    }
    let record = Record {
        safe,
        limit,
        doublings,
        held: Duration::from_secs(60 * u64::from(u16::from_le_bytes([m0, m1]))),
        best: rung(u16::from_le_bytes([b0, b1]))?,
        falls,
        ..Record::default()
    };
    Ok(((network, transport), record.bounded()))
}

fn rung(seconds: u16) -> Result<Option<Duration>, Unreadable> {
    if seconds == 0 {
        return Ok(None);
    }
    let rung = Duration::from_secs(seconds.into());
    LADDER
        .contains(&rung)
        .then_some(Some(rung))
        .ok_or(Unreadable::Value)
}
