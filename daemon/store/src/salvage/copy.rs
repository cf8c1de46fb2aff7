//! What is copied, and what the copy needs to be a store again.

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, Row, params_from_iter};
use twine_engine::dedup::{Seen, SeenPlaces};
use twine_proto::{LaneSeq, Peer, SmsName};

use super::scan::{self, Keyed};
use crate::error::StoreError;
use crate::limits::SALVAGE_GAP;
use crate::ops;
use crate::rows::{self, Columns};
use crate::sql;

type Result<T> = std::result::Result<T, StoreError>;

/// The tables that are read here.
pub(super) const TABLES: [&str; 14] = [
    "device",
    "identity",
    "epoch",
    "lane_in",
    "peer_name",
    "message",
    "client",
    "token",
    "event",
    "setting",
    "reach",
    "sms_seen",
    "note_pending",
    "story",
];

/// A message's row. It is read twice: as a message, to see that it is one, and
/// as it is.
const MESSAGE_ROW: &str = "id, direction, own, peer, hidden, position, created_ms, changed_ms, epoch, lane_seq, \
     ip, ip_detail, sent_epoch, sent_seq, sms, take_back, valid_for_ms, deadline_boot, \
     deadline_ms, queued, lane_use, stage, held, wish, waits_for, look_boot, look_ms, \
     look_after_ms, born_boot, born_ms, in_doubt, away, sms_marked, sms_attempt, sms_parts, \
     sms_code, sms_left, unclosed, closed, noted_epoch, noted_seq, note, read, body, digest, \
     age_s, cursor, came_by, residue, hash, scts_ms, copy_of, by_note, late, maybe_by_sms, \
     arrived_boot, arrived_ms, iccid, text";

/// What was copied.
#[derive(Debug, Default)]
pub(super) struct Copied {
    pub(super) messages: u64,
    pub(super) tokens: u64,
    pub(super) clients: u64,
    pub(super) identities: u64,
    pub(super) unreadable: u64,
}

/// Counters that must not go back.
#[derive(Debug, Default)]
struct Highest {
    session_no: u64,
    message: u64,
    event: u64,
}

/// Fills an empty store from a broken one; `None`: nothing of it can be read.
pub(super) fn everything(source: Option<&Connection>, target: &Connection) -> Result<Copied> {
    let mut copied = Copied::default();
    let mut highest = Highest::default();
    if let Some(source) = source {
        tables(source, target, &mut copied)?;
        highest = counters(source, &mut copied)?;
    } else {
        copied.unreadable += 1;
    }
    complete_epochs(target)?;
    complete_lanes(target)?;
    set_counters(target, &highest)?;
    copied.identities = count(target, "SELECT count(*) FROM identity")?;
    Ok(copied)
}

fn tables(source: &Connection, target: &Connection, copied: &mut Copied) -> Result<()> {
    keyed(
        source,
        target,
        ("peer_name", "id", "id, name"),
        |_| Ok(()),
        &mut copied.unreadable,
    )?;
    copied.messages = messages(source, target, &mut copied.unreadable)?;
    keyed(
        source,
        target,
        (
            "identity",
            "id",
            "id, number, iccid, last_epoch, cursor, cursor_check, consented",
        ),
        |row| {
            row.number(1)?;
            row.epoch(3)?;
            row.unsigned(4)?;
            row.get::<_, u32>(5).map(drop)
        },
        &mut copied.unreadable,
    )?;
    // Of an identity that cannot be read the messages still tell the number.
    target.execute(
        "INSERT INTO identity (number, consented)
             SELECT own, max(coalesce(ip > 0, came_by = 0)) FROM message GROUP BY own
             ON CONFLICT (number) DO NOTHING",
        (),
    )?;
    // Of a name that cannot be read its messages still tell that it was one.
    target.execute(
        "INSERT INTO peer_name (id, name)
             SELECT DISTINCT -peer, 'unreadable name ' || -peer FROM message WHERE peer < 0
             ON CONFLICT DO NOTHING",
        (),
    )?;
    copied.clients = keyed(
        source,
        target,
        ("client", "id", "id, name, cursor"),
        |row| row.maybe_unsigned(2).map(drop),
        &mut copied.unreadable,
    )?;
    copied.tokens = keyed(
        source,
        target,
        ("token", "message", "message, client, wall_ms, token"),
        |_| Ok(()),
        &mut copied.unreadable,
    )?;
    ordered(
        source,
        target,
        (
            "setting",
            &["own", "peer"],
            "own, peer, mode, fallback, iccid",
        ),
        |_| Ok(()),
        &mut copied.unreadable,
    )?;
    beside_messages(source, target, &mut copied.unreadable)?;
    ordered(
        source,
        target,
        ("epoch", &["own", "epoch"], "own, epoch, next_seq"),
        |row| {
            row.number(0)?;
            row.epoch(1)?;
            row.unsigned(2).map(drop)
        },
        &mut copied.unreadable,
    )?;
    ordered(
        source,
        target,
        (
            "lane_in",
            &["own", "peer", "epoch"],
            "own, peer, epoch, high_water, forgotten, gaps, read_upto, read_version, read_told",
        ),
        |row| {
            row.number(0)?;
            row.number(1)?;
            row.epoch(2)?;
            for mark in 6..=8 {
                row.unsigned(mark)?;
            }
            ops::seen_places(row, 3).map(drop)
        },
        &mut copied.unreadable,
    )
}

/// Copies what helps messages along: beliefs, repeats, pending notes, stories.
fn beside_messages(source: &Connection, target: &Connection, unreadable: &mut u64) -> Result<()> {
    let keyed_tables = [
        ("reach", "peer", "peer, reach, boot, since_ms"),
        ("sms_seen", "id", "id, own, peer, scts_ms, digest, spool_id"),
        ("story", "no", "no, message, wall_ms, step, detail, because"),
    ];
    for table in keyed_tables {
        keyed(source, target, table, |_| Ok(()), unreadable)?;
    }
    ordered(
        source,
        target,
        (
            "note_pending",
            &["own", "peer", "epoch", "lane_seq"],
            "own, peer, epoch, lane_seq, filled, hash, resent",
        ),
        |row| {
            row.epoch(2)?;
            row.unsigned(3).map(drop)
        },
        unreadable,
    )
}

/// Copies what is a message; how many.
fn messages(source: &Connection, target: &Connection, unreadable: &mut u64) -> Result<u64> {
    let mut copied = 0;
    let columns = format!("{}, {MESSAGE_ROW}", sql::MESSAGE_COLUMNS);
    let insert = insert_into("message", MESSAGE_ROW);
    let nobody = Peer::Name(SmsName::new("?").map_err(|error| {
        StoreError::corrupt(format!("no name stands for one that is lost: {error}"))
    })?);
    let table = Keyed {
        table: "message",
        key: "id",
        columns: &columns,
    };
    *unreadable += scan::keyed(source, &table, |row| {
        // Its peer's name lies elsewhere, and may be lost alone.
        let taken = rows::message_of(row, nobody).is_ok()
            && copy_columns(row, rows::MESSAGE_COLUMNS, target, &insert)? == 1;
        copied += u64::from(taken);
        Ok(taken)
    })?;
    Ok(copied)
}

/// Copies a table with an integer key; how many rows.
fn keyed(
    source: &Connection,
    target: &Connection,
    (table, key, columns): (&str, &str, &str),
    check: impl Fn(&Row<'_>) -> rusqlite::Result<()>,
    unreadable: &mut u64,
) -> Result<u64> {
    let mut copied = 0;
    let insert = insert_into(table, columns);
    *unreadable += scan::keyed(
        source,
        &Keyed {
            table,
            key,
            columns,
        },
        |row| {
            let taken = check(row).is_ok() && copy_row(row, target, &insert)? == 1;
            copied += u64::from(taken);
            Ok(taken)
        },
    )?;
    Ok(copied)
}

/// Copies a table ordered by its primary key.
fn ordered(
    source: &Connection,
    target: &Connection,
    (table, key, columns): (&str, &[&str], &str),
    check: impl Fn(&Row<'_>) -> rusqlite::Result<()>,
    unreadable: &mut u64,
) -> Result<()> {
    let insert = insert_into(table, columns);
    let up = format!("SELECT {columns} FROM {table} ORDER BY {}", key.join(", "));
    let down = format!(
        "SELECT {columns} FROM {table} ORDER BY {} DESC",
        key.join(" DESC, ")
    );
    *unreadable += scan::both_ends(source, &up, &down, |row| {
        let good = check(row).is_ok();
        if good {
            copy_row(row, target, &insert)?;
        }
        Ok(good)
    })?;
    Ok(())
}

fn insert_into(table: &str, columns: &str) -> String {
    let places = vec!["?"; columns.split(',').count()].join(", ");
    format!("INSERT OR IGNORE INTO {table} ({columns}) VALUES ({places})")
}

/// How many rows were added: one, or none if the schema refuses it.
fn copy_row(row: &Row<'_>, target: &Connection, insert: &str) -> Result<usize> {
    copy_columns(row, 0, target, insert)
}

/// The same, with the columns from `first` on.
fn copy_columns(row: &Row<'_>, first: usize, target: &Connection, insert: &str) -> Result<usize> {
    let mut statement = target.prepare_cached(insert)?;
    let values: rusqlite::Result<Vec<Value>> = (0..statement.parameter_count())
        .map(|at| row.get(first + at))
        .collect();
    let Ok(values) = values else {
        return Ok(0);
    };
    match statement.execute(params_from_iter(values)) {
        Err(rusqlite::Error::SqliteFailure(failure, _))
            if failure.code == ErrorCode::ConstraintViolation =>
        {
            Ok(0)
        }
        other => Ok(other?),
    }
}

/// The counters of the broken store, as far as they can be read. The log itself
/// is not copied: with holes in it, it would be no log.
fn counters(source: &Connection, copied: &mut Copied) -> Result<Highest> {
    let mut highest = Highest::default();
    let device = Keyed {
        table: "device",
        key: "id",
        columns: "id, session_no, message_floor, event_floor",
    };
    copied.unreadable += scan::keyed(source, &device, |row| {
        let (Ok(session_no), Ok(message), Ok(event)) =
            (row.unsigned(1), row.unsigned(2), row.unsigned(3))
        else {
            return Ok(false);
        };
        highest = Highest {
            session_no,
            message,
            event,
        };
        Ok(true)
    })?;
    let event = Keyed {
        table: "event",
        key: "cursor",
        columns: "cursor, message",
    };
    copied.unreadable += scan::keyed(source, &event, |row| {
        let (Ok(cursor), Ok(message)) = (row.unsigned(0), row.unsigned(1)) else {
            return Ok(false);
        };
        highest.event = highest.event.max(cursor);
        highest.message = highest.message.max(message);
        Ok(true)
    })?;
    Ok(highest)
}

/// No identity holds an epoch; those with unsettled messages can be asked about.
fn complete_epochs(target: &Connection) -> Result<()> {
    target.execute_batch(
        "INSERT INTO epoch (own, epoch, next_seq)
             SELECT own, sent_epoch, max(sent_seq) + 1 FROM message
             WHERE ip IN (1, 2) AND ip > 0 AND ip < 7 GROUP BY own, sent_epoch
             ON CONFLICT (own, epoch) DO UPDATE SET next_seq = max(next_seq, excluded.next_seq);
         UPDATE identity SET epoch = NULL, last_epoch = max(last_epoch,
             coalesce((SELECT max(e.epoch) FROM epoch e WHERE e.own = number), 0),
             coalesce((SELECT max(max(coalesce(m.epoch, 0), coalesce(m.sent_epoch, 0)))
                       FROM message m WHERE m.own = number AND m.direction = 0), 0));",
    )?;
    Ok(())
}

/// Every message in the history is taken, whatever became of its lane's row.
fn complete_lanes(target: &Connection) -> Result<()> {
    let mut places = target.prepare(
        "SELECT own, peer, epoch, lane_seq FROM message
         WHERE direction = 1 AND lane_seq IS NOT NULL AND came_by = 0
         ORDER BY own, peer, epoch, lane_seq",
    )?;
    let mut places = places.query(())?;
    let mut lane: Option<((i64, i64, u32), SeenPlaces)> = None;
    while let Some(row) = places.next()? {
        let key = (row.get(0)?, row.get(1)?, row.get(2)?);
        let mut seen = match lane.take() {
            Some((same, seen)) if same == key => seen,
            _ => target
                .prepare_cached(sql::LANE_READ)?
                .query_map(key, |row| ops::seen_places(row, 0))?
                .next()
                .transpose()?
                .unwrap_or_default(),
        };
        if seen.take(LaneSeq(row.unsigned(3)?)) == Seen::New {
            let (own, peer, epoch) = key;
            let (high_water, forgotten, gaps) = ops::seen_columns(&seen);
            target
                .prepare_cached(sql::LANE_WRITE)?
                .execute((own, peer, epoch, high_water, forgotten, gaps))?;
        }
        lane = Some((key, seen));
    }
    Ok(())
}

fn set_counters(target: &Connection, highest: &Highest) -> Result<()> {
    let event = highest.event.max(count(
        target,
        "SELECT coalesce(max(cursor), 0) FROM client",
    )?);
    let message = highest
        .message
        .max(count(target, "SELECT coalesce(max(id), 0) FROM message")?)
        .max(count(
            target,
            "SELECT coalesce(max(message), 0) FROM token",
        )?);
    target.execute(
        "UPDATE device SET session_no = ?1, message_floor = ?2, event_floor = ?3",
        (
            rows::int(highest.session_no),
            rows::int(message.saturating_add(SALVAGE_GAP)),
            rows::int(event.saturating_add(SALVAGE_GAP)),
        ),
    )?;
    Ok(())
}

fn count(target: &Connection, sql: &str) -> Result<u64> {
    Ok(target.query_row(sql, (), |row| row.unsigned(0))?)
}
