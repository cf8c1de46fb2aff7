//! The schema's history. Each version is an immutable file; a database of any
//! version is brought to the newest, one file a transaction. No migration
//! removes a message.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::SqliteError;

const MIGRATIONS: [&str; 4] = [
    include_str!("../../migrations/0001_records.sql"),
    include_str!("../../migrations/0002_doubted_seqs.sql"),
    include_str!("../../migrations/0003_last_restore.sql"),
    include_str!("../../migrations/0004_sessions.sql"),
];

/// The schema this program writes.
pub const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

pub(super) fn migrate(db: &mut Connection, path: &Path) -> Result<(), SqliteError> {
    apply(db, path, &MIGRATIONS)
}

fn apply(db: &mut Connection, path: &Path, migrations: &[&str]) -> Result<(), SqliteError> {
    let failed = |source| SqliteError::Failed {
        doing: "bring the schema up to date",
        source,
    };
    loop {
        // Asked again under the lock: another process may do the same now.
        let tx = db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let found: i64 = tx
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(failed)?;
        let done = usize::try_from(found)
            .ok()
            .filter(|done| *done <= migrations.len());
        let Some(done) = done else {
            return Err(SqliteError::Newer {
                path: path.to_owned(),
                found,
            });
        };
        let Some(next) = migrations.get(done) else {
            return Ok(());
        };
        tx.execute_batch(next).map_err(failed)?;
        tx.pragma_update(None, "user_version", found + 1)
            .map_err(failed)?;
        tx.commit().map_err(failed)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(db: &Connection) -> i64 {
        db.query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn every_version_is_brought_to_the_newest() {
        for from in 0..=MIGRATIONS.len() {
            let mut db = Connection::open_in_memory().unwrap();
            apply(&mut db, Path::new("test"), &MIGRATIONS[..from]).unwrap();
            assert_eq!(version(&db), from as i64);
            migrate(&mut db, Path::new("test")).unwrap();
            assert_eq!(version(&db), SCHEMA_VERSION);
        }
    }

    #[test]
    fn a_failing_migration_changes_nothing() {
        let mut db = Connection::open_in_memory().unwrap();
        let broken = [MIGRATIONS[0], "CREATE TABLE extra (x) STRICT; nonsense;"];
        apply(&mut db, Path::new("test"), &broken).unwrap_err();
        assert_eq!(version(&db), 1);
        migrate(&mut db, Path::new("test")).unwrap();
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let mut db = Connection::open_in_memory().unwrap();
        db.pragma_update(None, "user_version", SCHEMA_VERSION + 1)
            .unwrap();
        let error = migrate(&mut db, Path::new("x.db")).unwrap_err();
        assert!(error.to_string().contains("use a newer one"), "{error}");
    }
}
