//! Rust's types to SQLite's integers and back. A value that does not fit is a
//! damaged database, never a panic.

use twine_gateway_core::DeviceKey;
use twine_gateway_core::storage::Fate;
use twine_proto::frame::{Disposition, Refusal, RejectReason};
use twine_proto::{Cursor, E164, Epoch, SessionNo};

use super::SqliteError;

type Result<T> = std::result::Result<T, SqliteError>;

fn corrupt(column: &'static str) -> SqliteError {
    SqliteError::Corrupt { column }
}

pub(super) fn unsigned(column: &'static str, value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| corrupt(column))
}

pub(super) fn small(column: &'static str, value: i64) -> Result<u32> {
    u32::try_from(value).map_err(|_| corrupt(column))
}

pub(super) fn number(column: &'static str, value: i64) -> Result<E164> {
    E164::new(unsigned(column, value)?).map_err(|_| corrupt(column))
}

pub(super) fn epoch(column: &'static str, value: i64) -> Result<Epoch> {
    small(column, value).map(Epoch)
}

pub(super) fn cursor(column: &'static str, value: i64) -> Result<Cursor> {
    unsigned(column, value).map(Cursor)
}

/// Ascending, and at least one.
pub(super) fn sessions(column: &'static str, value: &[u8]) -> Result<Vec<SessionNo>> {
    let (numbers, rest) = value.as_chunks::<8>();
    let sessions: Vec<_> = numbers
        .iter()
        .map(|bytes| SessionNo(u64::from_le_bytes(*bytes)))
        .collect();
    let sound = rest.is_empty() && !sessions.is_empty() && sessions.is_sorted_by(|a, b| a < b);
    sound.then_some(sessions).ok_or_else(|| corrupt(column))
}

pub(super) fn device(column: &'static str, value: &[u8]) -> Result<DeviceKey> {
    value.try_into().map(DeviceKey).map_err(|_| corrupt(column))
}

/// Counters stay below 2^48; what lies above is cut to what SQLite holds and
/// compares as "everything".
pub(super) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The columns `fate`, `handed`, `recipient`, `cursor`.
pub(super) struct FateColumns {
    pub(super) code: i64,
    pub(super) handed: bool,
    pub(super) recipient: Option<i64>,
    pub(super) cursor: Option<i64>,
}

const WAITING: i64 = 0;
const DELIVERED: i64 = 1;

/// Never change a number: they are in databases.
const ENDS: [(i64, Disposition); 8] = [
    (16, Disposition::Refused(Refusal::UnknownRecipient)),
    (17, Disposition::Refused(Refusal::MailboxFull)),
    (18, Disposition::Refused(Refusal::TooLarge)),
    (19, Disposition::Refused(Refusal::Policy)),
    (32, Disposition::Revoked),
    (33, Disposition::Expired),
    (48, Disposition::Rejected(RejectReason::Unreadable)),
    (49, Disposition::Rejected(RejectReason::Conflict)),
];

fn end_code(how: Disposition) -> i64 {
    match how {
        Disposition::Refused(Refusal::UnknownRecipient) => 16,
        Disposition::Refused(Refusal::MailboxFull) => 17,
        Disposition::Refused(Refusal::TooLarge) => 18,
        Disposition::Refused(Refusal::Policy) => 19,
        Disposition::Revoked => 32,
        Disposition::Expired => 33,
        Disposition::Rejected(RejectReason::Unreadable) => 48,
        Disposition::Rejected(RejectReason::Conflict) => 49,
    }
}

pub(super) fn from_fate(fate: Fate) -> FateColumns {
    let ended = |code, handed| FateColumns {
        code,
        handed,
        recipient: None,
        cursor: None,
    };
    match fate {
        Fate::Waiting { to, cursor } => FateColumns {
            code: WAITING,
            handed: false,
            recipient: Some(integer(to.get())),
            cursor: Some(integer(cursor.get())),
        },
        Fate::Delivered => ended(DELIVERED, true),
        Fate::Ended { how, handed } => ended(end_code(how), handed),
    }
}

pub(super) fn to_fate(columns: &FateColumns) -> Result<Fate> {
    match (columns.code, columns.recipient, columns.cursor) {
        (WAITING, Some(to), Some(at)) => Ok(Fate::Waiting {
            to: number("sent.recipient", to)?,
            cursor: cursor("sent.cursor", at)?,
        }),
        (DELIVERED, ..) => Ok(Fate::Delivered),
        (code, ..) => {
            let end = ENDS.iter().find(|(known, _)| *known == code);
            let (_, how) = end.ok_or_else(|| corrupt("sent.fate"))?;
            Ok(Fate::Ended {
                how: *how,
                handed: columns.handed,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_tables_of_codes_agree() {
        for (code, how) in ENDS {
            assert_eq!(end_code(how), code);
        }
    }

    #[test]
    fn damaged_values_are_errors() {
        let columns = |code, recipient| FateColumns {
            code,
            handed: false,
            recipient,
            cursor: Some(1),
        };
        assert!(to_fate(&columns(99, None)).is_err());
        assert!(to_fate(&columns(WAITING, None)).is_err());
        assert!(to_fate(&columns(WAITING, Some(-5))).is_err());
        assert!(device("x", &[1, 2, 3]).is_err());
        assert!(epoch("x", i64::MAX).is_err());
    }
}
