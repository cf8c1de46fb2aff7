//! Columns to types and back. What cannot be a value of its type is reported as
//! damage, never guessed at.

use std::time::Duration;

use rusqlite::Row;
use rusqlite::types::Type;
use twine_engine::message::{
    Channel, Direction, IpAttempt, LaneUse, MessageId, MessageRecord, OrderKey, Shown, SmsAttempt,
    SmsRecord, TakeBack, WaitsFor, lane_use, shown,
};
use twine_engine::parts::PartStates;
use twine_engine::store_ops::Look;
use twine_engine::time::{BootId, Instant, WallTime};
use twine_proto::{E164, Epoch, LaneSeq, MessageName, Peer, Redacted, Seq, SmsName};

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
    /// The same, where there may be none.
    fn maybe_code<T>(
        &self,
        at: usize,
        decode: impl FnOnce(i64) -> Option<T>,
    ) -> rusqlite::Result<Option<T>>;
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

    fn maybe_code<T>(
        &self,
        at: usize,
        decode: impl FnOnce(i64) -> Option<T>,
    ) -> rusqlite::Result<Option<T>> {
        let code: Option<i64> = self.get(at)?;
        code.map(|code| decode(code).ok_or_else(|| bad(at)))
            .transpose()
    }

    fn take_back(&self, at: usize) -> rusqlite::Result<Option<TakeBack>> {
        self.maybe_code(at, codes::take_back_from)
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
    pub(crate) own: E164,
    /// As in the table: negative is a name.
    pub(crate) peer: i64,
    pub(crate) waits: Option<WaitsFor>,
    /// Queued, and not for IP.
    pub(crate) undecided: bool,
    /// As it stands in the row; [`Attempts::lane_use_now`] is what it ought to be.
    pub(crate) lane_use: LaneUse,
    pub(crate) in_doubt: bool,
    pub(crate) away: bool,
    /// An SMS with it may have left the phone.
    pub(crate) sms_left: bool,
    pub(crate) place: Option<(Epoch, LaneSeq)>,
    pub(crate) look: Option<LookAt>,
    /// Of the lane's notes; see the schema.
    pub(crate) closed: Option<bool>,
    /// A note without a message.
    pub(crate) is_note: bool,
}

/// When a message is looked at, as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LookAt {
    boot: i64,
    pub(crate) at_ms: i64,
    for_ms: i64,
}

impl LookAt {
    /// In any boot.
    pub(crate) const AT_ONCE: Self = Self {
        boot: 0,
        at_ms: 0,
        for_ms: 0,
    };

    pub(crate) fn of(look: Look) -> Self {
        let for_ms = duration(look.after);
        Self {
            boot: boot(look.boot.boot),
            at_ms: instant(look.boot.at) + for_ms,
            for_ms,
        }
    }

    pub(crate) const fn columns(look: Option<Self>) -> (Option<i64>, Option<i64>, Option<i64>) {
        match look {
            Some(look) => (Some(look.boot), Some(look.at_ms), Some(look.for_ms)),
            None => (None, None, None),
        }
    }
}

/// How many columns `sql::attempts!` names.
pub(crate) const ATTEMPTS: usize = 23;

/// How many columns `sql::message!` names.
pub(crate) const MESSAGE_COLUMNS: usize = ATTEMPTS + 17;

impl Attempts {
    /// From the columns named by `sql::attempts!`.
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let flag = |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)? == Some(1));
        Ok(Self {
            id: MessageId(row.unsigned(0)?),
            ip: row.ip(1)?,
            sms: row.code(5, codes::sms_from)?,
            take_back: row.take_back(6)?,
            read: row.get(7)?,
            own: row.number(8)?,
            peer: row.get(9)?,
            waits: row.maybe_code(10, codes::waits_from)?,
            undecided: flag(11)?,
            lane_use: row.code(12, codes::lane_from)?,
            in_doubt: flag(13)?,
            away: flag(14)?,
            sms_left: flag(15)?,
            place: match (row.maybe_epoch(16)?, row.maybe_unsigned(17)?) {
                (Some(epoch), Some(lane_seq)) => Some((epoch, LaneSeq(lane_seq))),
                _ => None,
            },
            look: match (row.get(18)?, row.get(19)?, row.get(20)?) {
                (Some(boot), Some(at_ms), Some(for_ms)) => Some(LookAt {
                    boot,
                    at_ms,
                    for_ms,
                }),
                _ => None,
            },
            closed: row.get(21)?,
            is_note: row.get(22)?,
        })
    }

    pub(crate) const fn shown(&self) -> Shown {
        shown(self.ip, self.sms, self.read)
    }

    pub(crate) const fn lane_use_now(&self) -> LaneUse {
        if self.is_note {
            return LaneUse::Free;
        }
        lane_use(self.ip, self.sms, self.waits, self.undecided)
    }

    /// Nothing will be decided about it any more.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(
            self.shown(),
            Shown::Delivered | Shown::Read | Shown::Failed(_) | Shown::Cancelled
        ) || matches!(
            self.sms,
            SmsAttempt::Sent | SmsAttempt::Delivered | SmsAttempt::Unconfirmed
        )
    }
}

/// A peer as `sql::message!` names it: the column, and the name if it is one.
fn peer(row: &Row<'_>, column: usize, name: usize) -> rusqlite::Result<Peer> {
    if row.get::<_, i64>(column)? > 0 {
        return row.number(column).map(Peer::Number);
    }
    let text: String = row.get(name)?;
    SmsName::new(&text).map(Peer::Name).map_err(|_| bad(name))
}

/// A message as the store keeps it, from the columns named by
/// `sql::message!`.
pub(crate) fn message(row: &Row<'_>) -> rusqlite::Result<MessageRecord> {
    const MORE: usize = ATTEMPTS;
    let id = MessageId(row.unsigned(0)?);
    let own = row.number(8)?;
    let peer = peer(row, 9, MORE + 6)?;
    let position = row.unsigned(MORE + 1)?;
    let place = match (row.maybe_epoch(16)?, row.maybe_unsigned(17)?) {
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
    let parts: Option<Vec<u8>> = row.get(MORE + 9)?;
    let parts = PartStates::from_codes(&parts.unwrap_or_default()).ok_or_else(|| bad(MORE + 9))?;
    let sms = SmsRecord {
        state: SmsAttempt::None,
        iccid: row.text(MORE + 7)?,
        marked: row.get::<_, Option<bool>>(MORE + 8)?.unwrap_or(false),
        parts,
        code: row.get(MORE + 10)?,
        scts_ms: row.maybe_unsigned(MORE + 11)?.unwrap_or(0),
    };
    let common = MessageRecord {
        id,
        direction: Direction::Outgoing,
        own,
        peer,
        text: row.text(MORE + 15)?,
        name: None,
        ip: IpAttempt::None,
        sms,
        take_back: None,
        shown: Shown::Queued,
        waits_for: None,
        came_by: Channel::Ip,
        copy_of: None,
        late: false,
        order: OrderKey {
            position,
            epoch: Epoch(0),
            lane_seq: LaneSeq(0),
        },
        created: WallTime(row.unsigned(MORE + 2)?),
        changed: WallTime(row.unsigned(MORE + 3)?),
        age_s: 0,
    };
    if row.get::<_, i64>(MORE)? == codes::OUTGOING {
        let attempts = Attempts::from_row(row)?;
        return Ok(MessageRecord {
            name: peer.number().and_then(|peer| name(own, peer)),
            ip: attempts.ip,
            sms: SmsRecord {
                state: attempts.sms,
                ..common.sms
            },
            take_back: attempts.take_back,
            shown: attempts.shown(),
            waits_for: attempts.waits,
            ..common
        });
    }
    let (epoch, lane_seq) = place.unwrap_or_default();
    Ok(MessageRecord {
        direction: Direction::Incoming,
        name: peer.number().and_then(|peer| name(peer, own)),
        sms: SmsRecord {
            marked: row.get::<_, Option<i64>>(MORE + 16)?.is_some(),
            ..common.sms
        },
        shown: row.code(MORE + 4, Body::from_code)?.shown(),
        came_by: row.code(MORE + 12, codes::channel_from)?,
        copy_of: row.maybe_unsigned(MORE + 13)?.map(MessageId),
        late: row.get::<_, Option<bool>>(MORE + 14)?.unwrap_or(false),
        order: OrderKey {
            position,
            epoch,
            lane_seq,
        },
        age_s: row.get(MORE + 5)?,
        ..common
    })
}
