//! Columns to types and back. What cannot be a value of its type is reported as
//! damage, never guessed at.

use std::time::Duration;

use rusqlite::Row;
use rusqlite::types::Type;
use twine_engine::message::{
    Direction, IpAttempt, MessageId, MessageRecord, OrderKey, Shown, SmsAttempt, TakeBack, shown,
};
use twine_engine::time::{BootId, Instant, WallTime};
use twine_proto::{E164, Epoch, LaneSeq, MessageName, Redacted, Seq};

use crate::codes::{self, Body};

/// The longest time in milliseconds that is stored; what is longer counts as
/// this. Two of them still add up without overflow.
const MAX_MS: i64 = i64::MAX / 2;

/// An integer as SQLite keeps it. Beyond its range (never met: counters end at
/// 2^48) the largest one.
pub(crate) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A size or limit as SQLite takes it.
pub(crate) fn size(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// All 64 bits, for digests and boot ids.
pub(crate) const fn bits(value: u64) -> i64 {
    value.cast_signed()
}

pub(crate) fn number(number: E164) -> i64 {
    int(number.get())
}

pub(crate) fn boot(boot: BootId) -> i64 {
    bits(boot.0)
}

pub(crate) fn instant(at: Instant) -> i64 {
    int(at.0).min(MAX_MS)
}

pub(crate) fn duration(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).map_or(MAX_MS, |ms| ms.min(MAX_MS))
}

pub(crate) fn wall(wall: WallTime) -> i64 {
    int(wall.0)
}

/// Reading columns by position.
pub(crate) trait Columns {
    fn unsigned(&self, at: usize) -> rusqlite::Result<u64>;
    fn maybe_unsigned(&self, at: usize) -> rusqlite::Result<Option<u64>>;
    fn number(&self, at: usize) -> rusqlite::Result<E164>;
    fn epoch(&self, at: usize) -> rusqlite::Result<Epoch>;
    fn maybe_epoch(&self, at: usize) -> rusqlite::Result<Option<Epoch>>;
    fn text(&self, at: usize) -> rusqlite::Result<Option<Redacted<String>>>;
    /// A code turned into what it stands for.
    fn code<T>(&self, at: usize, decode: impl FnOnce(i64) -> Option<T>) -> rusqlite::Result<T>;
    fn take_back(&self, at: usize) -> rusqlite::Result<Option<TakeBack>>;
    /// The four columns `ip`, `ip_detail`, `sent_epoch`, `sent_seq` from `at` on.
    fn ip(&self, at: usize) -> rusqlite::Result<IpAttempt>;
}

fn bad(at: usize) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, Type::Integer, "value out of range".into())
}

impl Columns for Row<'_> {
    fn unsigned(&self, at: usize) -> rusqlite::Result<u64> {
        u64::try_from(self.get::<_, i64>(at)?).map_err(|_| bad(at))
    }

    fn maybe_unsigned(&self, at: usize) -> rusqlite::Result<Option<u64>> {
        let value: Option<i64> = self.get(at)?;
        value
            .map(|value| u64::try_from(value).map_err(|_| bad(at)))
            .transpose()
    }

    fn number(&self, at: usize) -> rusqlite::Result<E164> {
        E164::new(self.unsigned(at)?).map_err(|_| bad(at))
    }

    fn epoch(&self, at: usize) -> rusqlite::Result<Epoch> {
        self.get::<_, u32>(at).map(Epoch)
    }

    fn maybe_epoch(&self, at: usize) -> rusqlite::Result<Option<Epoch>> {
        Ok(self.get::<_, Option<u32>>(at)?.map(Epoch))
    }

    fn text(&self, at: usize) -> rusqlite::Result<Option<Redacted<String>>> {
        Ok(self.get::<_, Option<String>>(at)?.map(Redacted::new))
    }

    fn code<T>(&self, at: usize, decode: impl FnOnce(i64) -> Option<T>) -> rusqlite::Result<T> {
        decode(self.get(at)?).ok_or_else(|| bad(at))
    }

    fn take_back(&self, at: usize) -> rusqlite::Result<Option<TakeBack>> {
        let code: Option<i64> = self.get(at)?;
        code.map(|code| codes::take_back_from(code).ok_or_else(|| bad(at)))
            .transpose()
    }

    fn ip(&self, at: usize) -> rusqlite::Result<IpAttempt> {
        let epoch = self.maybe_epoch(at + 2)?;
        let seq = self.maybe_unsigned(at + 3)?.map(Seq);
        codes::ip_from(self.get(at)?, self.get(at + 1)?, epoch, seq).ok_or_else(|| bad(at))
    }
}

/// What decides what the user sees of an outgoing message, and what may become
/// of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempts {
    pub(crate) id: MessageId,
    pub(crate) ip: IpAttempt,
    pub(crate) sms: SmsAttempt,
    pub(crate) take_back: Option<TakeBack>,
    pub(crate) read: bool,
}

impl Attempts {
    /// From the columns named by `sql::attempts!`.
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: MessageId(row.unsigned(0)?),
            ip: row.ip(1)?,
            sms: row.code(5, codes::sms_from)?,
            take_back: row.take_back(6)?,
            read: row.get(7)?,
        })
    }

    pub(crate) const fn shown(&self) -> Shown {
        shown(self.ip, self.sms, self.read)
    }
}

/// A message as the store keeps it, from the columns named by
/// `sql::message!`.
pub(crate) fn message(row: &Row<'_>) -> rusqlite::Result<MessageRecord> {
    let id = MessageId(row.unsigned(0)?);
    let own = row.number(9)?;
    let peer = row.number(10)?;
    let position = row.unsigned(11)?;
    let place = match (row.maybe_epoch(14)?, row.maybe_unsigned(15)?) {
        (Some(epoch), Some(lane_seq)) => Some((epoch, LaneSeq(lane_seq))),
        _ => None,
    };
    let name = |from, to| {
        place.map(|(epoch, lane_seq)| MessageName {
            from,
            epoch,
            to,
            lane_seq,
        })
    };
    let common = MessageRecord {
        id,
        direction: Direction::Outgoing,
        own,
        peer,
        text: row.text(18)?,
        name: None,
        ip: IpAttempt::None,
        sms: SmsAttempt::None,
        take_back: None,
        shown: Shown::Queued,
        order: OrderKey {
            position,
            epoch: Epoch(0),
            lane_seq: LaneSeq(0),
        },
        created: WallTime(row.unsigned(12)?),
        changed: WallTime(row.unsigned(13)?),
        age_s: 0,
    };
    if row.get::<_, i64>(8)? == codes::OUTGOING {
        let attempts = Attempts::from_row(row)?;
        return Ok(MessageRecord {
            name: name(own, peer),
            ip: attempts.ip,
            sms: attempts.sms,
            take_back: attempts.take_back,
            shown: attempts.shown(),
            ..common
        });
    }
    let (epoch, lane_seq) = place.unwrap_or_default();
    Ok(MessageRecord {
        direction: Direction::Incoming,
        name: name(peer, own),
        shown: row.code(16, Body::from_code)?.shown(),
        order: OrderKey {
            position,
            epoch,
            lane_seq,
        },
        age_s: row.get(17)?,
        ..common
    })
}
