//! The records in SQLite, on one connection and one thread.
//!
//! Owns the file, its settings and its schema. The operations are in `tx`; what
//! they mean is said by `twine_gateway_core::storage`. Decides no rule.

mod codes;
mod schema;
mod sessions;
mod tx;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use thiserror::Error;
use twine_gateway_core::Storage;

pub use self::schema::SCHEMA_VERSION;
pub(crate) use self::sessions::Sessions;
pub use self::tx::SqliteTx;

/// The database's name in the data directory.
pub const FILE_NAME: &str = "gateway.db";

/// How long a transaction waits for that of another process: `provision` beside a
/// running server takes milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Prepared statements kept; there are fewer.
const STATEMENTS: usize = 64;
/// Pages in memory, KiB.
const CACHE_KIB: i64 = 16 * 1024;

/// Why the database cannot be used.
#[derive(Debug, Error)]
pub enum SqliteError {
    /// It cannot be opened or created.
    #[error("cannot open the database {path}")]
    Open {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// There is none.
    #[error(
        "there is no database at {path}; start the server once, or check data_dir in the config"
    )]
    Missing {
        /// Where.
        path: PathBuf,
    },
    /// A newer gateway wrote it.
    #[error(
        "the database {path} has schema version {found}; this gateway knows {SCHEMA_VERSION}: \
         use a newer one"
    )]
    Newer {
        /// Where.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// A value is out of its range: the file was changed by something else.
    #[error("the database holds a value out of range in {column}; restore a backup")]
    Corrupt {
        /// Table and column.
        column: &'static str,
    },
    /// Anything else that SQLite reports.
    #[error("the database failed while it was to {doing}")]
    Failed {
        /// What was to be done.
        doing: &'static str,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
}

/// The records in SQLite.
#[derive(Debug)]
pub struct SqliteStorage {
    db: Connection,
}

impl SqliteStorage {
    /// Opens the database of a data directory, and creates it if there is none.
    pub fn create(data_dir: &Path) -> Result<Self, SqliteError> {
        Self::open_with(data_dir, OpenFlags::SQLITE_OPEN_CREATE)
    }

    /// Opens an existing one.
    pub fn open(data_dir: &Path) -> Result<Self, SqliteError> {
        let path = data_dir.join(FILE_NAME);
        if !path.exists() {
            return Err(SqliteError::Missing { path });
        }
        Self::open_with(data_dir, OpenFlags::empty())
    }

    fn open_with(data_dir: &Path, more: OpenFlags) -> Result<Self, SqliteError> {
        let path = data_dir.join(FILE_NAME);
        // One thread uses it at a time: no mutex of SQLite's own.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
        let open = || {
            let db = Connection::open_with_flags(&path, flags)?;
            configure(&db)?;
            Ok(db)
        };
        let mut db = open().map_err(|source| SqliteError::Open {
            path: path.clone(),
            source,
        })?;
        schema::migrate(&mut db, &path)?;
        Ok(Self { db })
    }

    /// The connection, for reading what no rule needs.
    pub(crate) fn connection(&self) -> &Connection {
        &self.db
    }
}

/// All settings in one place.
fn configure(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY_TIMEOUT)?;
    // Readers beside the writer, and one fsync a commit.
    db.pragma_update(None, "journal_mode", "WAL")?;
    // The law: a commit returns after it reached the disk. WAL with NORMAL would
    // lose the last commits with the power.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "cache_size", -CACHE_KIB)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

impl Storage for SqliteStorage {
    type Error = SqliteError;
    type Tx<'a> = SqliteTx<'a>;

    fn begin(&mut self) -> Result<SqliteTx<'_>, SqliteError> {
        SqliteTx::begin(&self.db)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_reach_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let storage = SqliteStorage::create(dir.path()).unwrap();
        let setting = |name| {
            let value: String = storage
                .db
                .query_row(
                    &format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"),
                    [],
                    |row| row.get(0),
                )
                .unwrap();
            value
        };
        assert_eq!(setting("journal_mode"), "wal");
        assert_eq!(setting("synchronous"), "2", "FULL");
    }

    #[test]
    fn a_schema_of_a_newer_gateway_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let storage = SqliteStorage::create(dir.path()).unwrap();
        storage.db.pragma_update(None, "user_version", 99).unwrap();
        drop(storage);
        let error = SqliteStorage::open(dir.path()).unwrap_err();
        assert!(
            matches!(error, SqliteError::Newer { found: 99, .. }),
            "{error}"
        );
    }
}
