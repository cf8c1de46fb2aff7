//! Columns to types and back. What cannot be a value of its type is reported as
//! damage, never guessed at.

use std::time::Duration;

use rusqlite::types::{ToSqlOutput, Type};
use rusqlite::{Row, ToSql};
use twine_engine::message::{
    Channel, Direction, IpAttempt, LaneFacts, LaneUse, MessageId, MessageRecord, OrderKey, Shown,
    SmsAttempt, SmsRecord, TakeBack, WaitsFor, lane_use, shown,
};
use twine_engine::notes::{self, Place};
use twine_engine::parts::PartStates;
use twine_engine::store_ops::BootStamp;
use twine_engine::time::{BootId, Instant, WallTime};
use twine_proto::{E164, Epoch, Filled, LaneSeq, MessageName, Peer, Redacted, Seq, SmsName};

use crate::codes::{self, Body, Stage};

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
    /// The same, or NULL.
    fn maybe_code<T>(
        &self,
        at: usize,
        decode: impl FnOnce(i64) -> Option<T>,
    ) -> rusqlite::Result<Option<T>>;
    fn take_back(&self, at: usize) -> rusqlite::Result<Option<TakeBack>>;
    /// The columns `epoch` and `lane_seq`.
    fn place(&self, at: usize) -> rusqlite::Result<Option<(Epoch, LaneSeq)>>;
    fn parts(&self, at: usize) -> rusqlite::Result<PartStates>;
    /// A moment of a boot; one of no boot if it is not known.
    fn stamp(&self, at: usize) -> rusqlite::Result<BootStamp>;
    /// A peer from its key, and its name if the key is that of one.
    fn peer(&self, key: usize, name: usize) -> rusqlite::Result<Peer>;
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

    fn place(&self, at: usize) -> rusqlite::Result<Option<(Epoch, LaneSeq)>> {
        let lane_seq = self.maybe_unsigned(at + 1)?.map(LaneSeq);
        Ok(self.maybe_epoch(at)?.zip(lane_seq))
    }

    fn parts(&self, at: usize) -> rusqlite::Result<PartStates> {
        match self.get_ref(at)?.as_blob_or_null()? {
            Some(codes) => PartStates::from_codes(codes).ok_or_else(|| bad(at)),
            None => Ok(PartStates::default()),
        }
    }

    fn stamp(&self, at: usize) -> rusqlite::Result<BootStamp> {
        Ok(BootStamp {
            boot: BootId(
                self.get::<_, Option<i64>>(at)?
                    .map_or(0, i64::cast_unsigned),
            ),
            at: Instant(self.maybe_unsigned(at + 1)?.unwrap_or(0)),
        })
    }

    fn peer(&self, key: usize, name: usize) -> rusqlite::Result<Peer> {
        if self.get::<_, i64>(key)? > 0 {
            return Ok(Peer::Number(self.number(key)?));
        }
        SmsName::new(self.get_ref(name)?.as_str()?)
            .map(Peer::Name)
            .map_err(|_| bad(name))
    }

    fn ip(&self, at: usize) -> rusqlite::Result<IpAttempt> {
        let epoch = self.maybe_epoch(at + 2)?;
        let seq = self.maybe_unsigned(at + 3)?.map(Seq);
        codes::ip_from(self.get(at)?, self.get(at + 1)?, epoch, seq).ok_or_else(|| bad(at))
    }
}

/// A peer as it stands in the tables: a number, or minus the id of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PeerKey(pub(crate) i64);

impl PeerKey {
    pub(crate) fn of(peer: E164) -> Self {
        Self(number(peer))
    }

    /// The number, if it is one.
    pub(crate) fn number(self) -> Option<E164> {
        E164::new(u64::try_from(self.0).ok()?).ok()
    }
}

impl ToSql for PeerKey {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

/// What decides what the user sees of an outgoing message, and what may become
/// of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempts {
    pub(crate) id: MessageId,
    pub(crate) ip: IpAttempt,
    pub(crate) sms: SmsAttempt,
    pub(crate) take_back: Option<TakeBack>,
    pub(crate) read: bool,
    pub(crate) own: E164,
    pub(crate) peer: PeerKey,
    pub(crate) place: Option<(Epoch, LaneSeq)>,
    /// It is a note without a message.
    pub(crate) is_note: bool,
    /// In the queue of IP.
    pub(crate) queued: bool,
    pub(crate) wish: Option<Channel>,
    pub(crate) waits: Option<WaitsFor>,
    /// As it is stored.
    pub(crate) lane_use: LaneUse,
    pub(crate) held: bool,
    /// When it is looked at; 0: at once.
    pub(crate) look_ms: Option<i64>,
    /// An earlier attempt by SMS may have left the phone.
    pub(crate) left_before: bool,
    pub(crate) parts: PartStates,
    pub(crate) unclosed: bool,
    /// It carries a lane note.
    pub(crate) carries_note: bool,
    pub(crate) has_deadline: bool,
}

impl Attempts {
    /// How many columns `sql::attempts!` names.
    pub(crate) const COLUMNS: usize = 23;

    /// From the columns named by `sql::attempts!`.
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: MessageId(row.unsigned(0)?),
            ip: row.ip(1)?,
            sms: row.code(5, codes::sms_from)?,
            take_back: row.take_back(6)?,
            read: row.get(7)?,
            own: row.number(8)?,
            peer: PeerKey(row.get(9)?),
            place: row.place(10)?,
            is_note: row.get::<_, i64>(12)? == codes::NOTE,
            queued: row.get(13)?,
            wish: row.maybe_code(14, codes::channel_from)?,
            waits: row.maybe_code(15, codes::waits_from)?,
            lane_use: row.code(16, codes::lane_use_from)?,
            held: row.get(17)?,
            look_ms: row.get(18)?,
            left_before: row.get(19)?,
            parts: row.parts(20)?,
            unclosed: row.get(21)?,
            carries_note: row.get::<_, i64>(22)? & 1 == 1,
            has_deadline: row.get::<_, i64>(22)? & 2 == 2,
        })
    }

    pub(crate) const fn shown(&self) -> Shown {
        shown(self.ip, self.sms, self.read)
    }

    /// Another copy by SMS may be on its way or there.
    pub(crate) fn may_have_left(&self) -> bool {
        self.left_before || self.parts.may_have_left()
    }

    /// Another try is another copy: an SMS may have left, or the recipient may have taken
    /// what expired at the gateway, whose acknowledgement was lost (DELIVERY 9, 15).
    pub(crate) fn has_another_copy(&self) -> bool {
        self.left_before || self.parts.may_be_there() || self.ip == IpAttempt::Expired
    }

    /// The agent has not told what became of each part.
    pub(crate) fn is_with_agent(&self) -> bool {
        self.sms == SmsAttempt::Handed && !self.parts.all_told()
    }

    /// The gateway gave it back before its SMS left: nobody else has it, and it needs no
    /// mark (DELIVERY 17).
    pub(crate) fn is_the_only_copy(&self) -> bool {
        matches!(self.ip, IpAttempt::Revoked(_))
            && self.sms == SmsAttempt::Waiting
            && !self.may_have_left()
    }

    /// It has not ended for good: it is in the outbox.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.sms, SmsAttempt::Waiting | SmsAttempt::Handed)
            || self.ip.unsettled().is_some()
            || self.waits_for_a_channel()
    }

    /// On no channel, and not at its end: queued for IP or undecided.
    pub(crate) const fn waits_for_a_channel(&self) -> bool {
        match (self.ip, self.sms) {
            (IpAttempt::None, SmsAttempt::None | SmsAttempt::NotUsed) => true,
            (
                IpAttempt::Delivered(_)
                | IpAttempt::Revoked(TakeBack::Cancelled | TakeBack::Expired),
                _,
            ) => false,
            (ip, SmsAttempt::None) => ip.is_negative(),
            _ => false,
        }
    }

    /// See [`lane_use`].
    pub(crate) const fn lane_use_now(&self, lane_ended: bool) -> LaneUse {
        lane_use(LaneFacts {
            ip: self.ip,
            sms: self.sms,
            waits: self.waits,
            undecided: !self.queued,
            take_back: self.take_back,
            lane_ended,
        })
    }

    pub(crate) const fn stage(&self) -> Stage {
        match self.sms {
            SmsAttempt::Waiting => Stage::SmsWaiting,
            SmsAttempt::Handed => Stage::SmsHanded,
            _ if self.waits_for_a_channel() && !self.queued => Stage::Undecided,
            _ => Stage::Other,
        }
    }

    /// Its place, for a note. The hash is that of no text.
    pub(crate) fn noted(&self) -> Option<Filled> {
        let (_, lane_seq) = self.place?;
        notes::filled(&Place {
            lane_seq,
            ip: self.ip,
            sms: self.sms,
            left_before: self.left_before,
            left_now: self.parts.may_have_left(),
            hash: 0,
        })
    }
}

/// A message as the store keeps it, from the columns named by
/// `sql::message!`.
pub(crate) fn message(row: &Row<'_>) -> rusqlite::Result<MessageRecord> {
    message_of(row, row.peer(9, MESSAGE_COLUMNS)?)
}

/// Columns of `sql::message!` before the peer's name.
pub(crate) const MESSAGE_COLUMNS: usize = Attempts::COLUMNS + 14;

/// See [`message`]; the columns without the name.
pub(crate) fn message_of(row: &Row<'_>, peer: Peer) -> rusqlite::Result<MessageRecord> {
    const AT: usize = Attempts::COLUMNS;
    let own = row.number(8)?;
    let place = row.place(10)?;
    let name = |from: Option<E164>, to: Option<E164>| {
        let (epoch, lane_seq) = place?;
        Some(MessageName {
            from: from?,
            epoch,
            to: to?,
            lane_seq,
        })
    };
    let common = MessageRecord {
        id: MessageId(row.unsigned(0)?),
        direction: Direction::Outgoing,
        own,
        peer,
        text: row.text(AT + 13)?,
        name: None,
        ip: IpAttempt::None,
        sms: SmsRecord {
            state: SmsAttempt::None,
            iccid: row.text(AT + 12)?,
            marked: row.get(AT + 9)?,
            parts: row.parts(20)?,
            code: row.get(AT + 10)?,
            scts_ms: row.maybe_unsigned(AT + 11)?.unwrap_or(0),
        },
        waits_for: row.maybe_code(15, codes::waits_from)?,
        came_by: row.code(AT + 6, codes::channel_from)?,
        copy_of: row.maybe_unsigned(AT + 7)?.map(MessageId),
        late: row.get(AT + 8)?,
        take_back: None,
        shown: Shown::Queued,
        order: OrderKey {
            position: row.unsigned(AT + 1)?,
            epoch: Epoch(0),
            lane_seq: LaneSeq(0),
        },
        created: WallTime(row.unsigned(AT + 2)?),
        changed: WallTime(row.unsigned(AT + 3)?),
        age_s: 0,
    };
    if row.get::<_, i64>(AT)? == codes::OUTGOING {
        let attempts = Attempts::from_row(row)?;
        return Ok(MessageRecord {
            name: name(Some(own), peer.number()),
            ip: attempts.ip,
            sms: SmsRecord {
                state: attempts.sms,
                ..common.sms
            },
            take_back: attempts.take_back,
            shown: attempts.shown(),
            ..common
        });
    }
    let (epoch, lane_seq) = place.unwrap_or_default();
    Ok(MessageRecord {
        direction: Direction::Incoming,
        name: name(peer.number(), Some(own)),
        shown: row.code(AT + 4, Body::from_code)?.shown(),
        order: OrderKey {
            epoch,
            lane_seq,
            ..common.order
        },
        age_s: row.get(AT + 5)?,
        ..common
    })
}
