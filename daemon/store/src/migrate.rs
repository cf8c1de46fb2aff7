//! From any released schema to the present one.
//!
//! A migration is an immutable SQL file; `user_version` counts those applied.
//! Each runs in a transaction of its own, and one that would lose a message is
//! undone and refused.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::connection;
use crate::error::StoreError;

/// In order; the first makes schema 1.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_sms.sql"),
    include_str!("../migrations/0003_memo.sql"),
    include_str!("../migrations/0004_sms_hash.sql"),
    include_str!("../migrations/0005_resent.sql"),
];

/// Brings the file to the newest schema of `migrations`.
pub(crate) fn run(connection: &mut Connection, migrations: &[&str]) -> Result<(), StoreError> {
    let found = not_newer(connection, migrations)?;
    let mut version = found;
    for sql in migrations.iter().skip(found as usize) {
        version += 1;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let before = messages(&transaction)?;
        transaction.execute_batch(sql)?;
        let after = messages(&transaction)?;
        if after < before {
            return Err(StoreError::LossyMigration {
                version,
                lost: before - after,
            });
        }
        connection::mark(&transaction)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

/// How many of these migrations the file has seen, unless it has seen more.
pub(crate) fn not_newer(connection: &Connection, migrations: &[&str]) -> Result<u32, StoreError> {
    let found = version(connection)?;
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    Ok(found)
}

fn version(connection: &Connection) -> Result<u32, StoreError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn messages(connection: &Connection) -> Result<i64, StoreError> {
    let table = connection
        .query_row(
            "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'message'",
            (),
            |_| Ok(()),
        )
        .optional()?;
    match table {
        Some(()) => Ok(connection.query_row("SELECT count(*) FROM message", (), |row| row.get(0))?),
        None => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use twine_engine::message::{Channel, Failure, MessageId, Shown, SmsAttempt};
    use twine_engine::store_ops::{EventCursor, StoreOps};

    use super::*;
    use crate::SqliteStore;

    /// Rows as the daemon of each released schema left them: one message, 41.
    const FIXTURES: &[&str] = &[
        include_str!("../migrations/fixtures/0001.sql"),
        include_str!("../migrations/fixtures/0002.sql"),
        include_str!("../migrations/fixtures/0003.sql"),
        include_str!("../migrations/fixtures/0004.sql"),
        include_str!("../migrations/fixtures/0005.sql"),
    ];

    fn memory() -> Connection {
        Connection::open_in_memory().unwrap()
    }

    /// The same on every platform and for every version of Rust.
    fn fnv1a(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    fn text(connection: &Connection) -> String {
        connection
            .query_row("SELECT text FROM message WHERE id = 41", (), |row| {
                row.get(0)
            })
            .unwrap()
    }

    #[test]
    fn every_released_schema_keeps_its_messages() {
        assert_eq!(
            FIXTURES.len(),
            MIGRATIONS.len(),
            "a fixture for each schema"
        );
        for (at, fixture) in FIXTURES.iter().enumerate() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("store.db");
            let mut old = connection::open(&path).unwrap();
            run(&mut old, &MIGRATIONS[..=at]).unwrap();
            old.execute_batch(fixture).unwrap();
            assert_eq!(text(&old), "kept", "schema {}", at + 1);
            drop(old);

            let store = SqliteStore::open(&path).unwrap();
            let snapshot = store.snapshot().unwrap();
            assert_eq!(snapshot.identities.len(), 1);
            assert_eq!(snapshot.outbox, 1);
            assert_eq!(snapshot.next_message, 42);
            drop(store);
            assert_eq!(text(&connection::open(&path).unwrap()), "kept");
        }
    }

    #[test]
    fn what_knew_ip_alone_stays_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let mut old = connection::open(&path).unwrap();
        run(&mut old, &MIGRATIONS[..1]).unwrap();
        old.execute_batch(FIXTURES[0]).unwrap();
        old.execute_batch(
            "INSERT INTO message (id, direction, own, peer, position, created_ms, changed_ms, ip,
                                  ip_detail, sms, read, text)
             VALUES (38, 0, 254712345678, 2348031234567, 38, 1, 1, 0, NULL, 0, 0, 'queued'),
                    (39, 0, 254712345678, 2348031234567, 39, 1, 1, 5, NULL, 0, 0, 'expired');
             INSERT INTO message (id, direction, own, peer, position, created_ms, changed_ms,
                                  epoch, lane_seq, read, body, digest, age_s, text)
             VALUES (40, 1, 254712345678, 2348031234567, 40, 1, 1, 700, 3, 1, 0, 7, 0, 'taken')",
        )
        .unwrap();
        drop(old);
        let store = SqliteStore::open(&path).unwrap();
        let record = |id| store.message(MessageId(id)).unwrap().unwrap();
        for (id, shown) in [
            (38, Shown::Queued),
            (39, Shown::Failed(Failure::ExpiredAtGateway)),
            (41, Shown::Sending),
        ] {
            let record = record(id);
            assert_eq!(record.sms.state, SmsAttempt::NotUsed);
            assert_eq!(record.shown, shown);
        }
        assert_eq!(record(40).came_by, Channel::Ip);
        let snapshot = store.snapshot().unwrap();
        assert_eq!((snapshot.outbox, snapshot.identities[0].queued), (2, 1));
        assert!(snapshot.identities[0].consented);
        let outbox = store.outbox(MessageId(0), 10).unwrap();
        assert_eq!(outbox.len(), 2);
        let lanes: Vec<i64> = store
            .connection
            .prepare("SELECT lane_use FROM message ORDER BY id")
            .unwrap()
            .query_map((), |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(lanes, [2, 0, 0, 1]);
        assert_eq!(store.events(EventCursor(0), 10).unwrap().events.len(), 2);
    }

    #[test]
    fn a_released_migration_is_never_edited() {
        // Add a line for a new file; never change one that has been released.
        let released = [
            898258508249559930_u64,
            11139165725396018906,
            8736413856268321938,
            597364884961433726,
            4425203654981392439,
        ];
        let found: Vec<u64> = MIGRATIONS.iter().map(|sql| fnv1a(sql.as_bytes())).collect();
        assert_eq!(found, released);
    }

    #[test]
    fn runs_what_is_missing_and_only_that() {
        let mut db = memory();
        let first = "CREATE TABLE message (id INTEGER); INSERT INTO message VALUES (1);";
        let second = "ALTER TABLE message ADD COLUMN more INTEGER NOT NULL DEFAULT 7;";
        run(&mut db, &[first]).unwrap();
        run(&mut db, &[first, second]).unwrap();
        run(&mut db, &[first, second]).unwrap();
        assert_eq!(version(&db).unwrap(), 2);
        let more: i64 = db
            .query_row("SELECT more FROM message", (), |row| row.get(0))
            .unwrap();
        assert_eq!(more, 7);
    }

    #[test]
    fn a_newer_schema_is_refused_untouched() {
        let mut db = memory();
        run(
            &mut db,
            &["CREATE TABLE message (id INTEGER);", "SELECT 1;"],
        )
        .unwrap();
        let refused = run(&mut db, &["CREATE TABLE message (id INTEGER);"]);
        assert!(matches!(
            refused,
            Err(StoreError::Newer { found: 2, known: 1 })
        ));
        assert_eq!(version(&db).unwrap(), 2);
    }

    #[test]
    fn a_migration_that_loses_a_message_is_undone() {
        let mut db = memory();
        let first = "CREATE TABLE message (id INTEGER); INSERT INTO message VALUES (1), (2);";
        let refused = run(&mut db, &[first, "DELETE FROM message WHERE id = 1;"]);
        assert!(matches!(
            refused,
            Err(StoreError::LossyMigration {
                version: 2,
                lost: 1
            })
        ));
        assert_eq!(version(&db).unwrap(), 1);
        assert_eq!(messages(&db).unwrap(), 2);
    }
}
