//! Opening the file: whose it is, how SQLite is to treat it, and a first look at
//! whether it is whole.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::error::StoreError;
use crate::limits::{
    LOCK_WAIT, MAX_STATEMENTS, PAGE_CACHE_KIB, WAL_CHECKPOINT_PAGES, WAL_KEPT_BYTES,
};

/// "twin", in the header of every store.
const APPLICATION_ID: i32 = i32::from_be_bytes(*b"twin");

/// Opens or creates the file. Looks before it changes anything.
pub(crate) fn open(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(LOCK_WAIT)?;
    connection.set_prepared_statement_cache_capacity(MAX_STATEMENTS);
    // One daemon owns the file: no lock calls for each batch, and the log's index
    // lives in memory instead of a shared file. Has to come before the first read.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    identify(&connection)?;
    configure(&connection)?;
    Ok(connection)
}

/// Whether the file is a store, or empty. Reading the header and the schema
/// finds most damage of a cut or overwritten file.
fn identify(connection: &Connection) -> Result<(), StoreError> {
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    let application = application_id(connection)?;
    match (application, objects) {
        (APPLICATION_ID, _) | (0, 0) => Ok(()),
        _ => Err(StoreError::corrupt(format!(
            "the file's application id is {application:#x}, not that of a store"
        ))),
    }
}

/// Whether the header says that the file is a store.
pub(crate) fn is_marked(connection: &Connection) -> Result<bool, StoreError> {
    Ok(application_id(connection)? == APPLICATION_ID)
}

fn application_id(connection: &Connection) -> Result<i32, StoreError> {
    Ok(connection.pragma_query_value(None, "application_id", |row| row.get(0))?)
}

/// Marks a file as a store; inside the transaction of its first schema.
pub(crate) fn mark(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    Ok(())
}

fn configure(connection: &Connection) -> Result<(), StoreError> {
    let set = |name: &str, value: i64| connection.pragma_update(None, name, value);
    let choose = |name: &str, value: &str| connection.pragma_update(None, name, value);

    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::corrupt(format!(
            "the file keeps journal mode {mode}, not wal"
        )));
    }
    // A commit is on the disk when it is answered: the law of the engine rests
    // on it. With a write-ahead log that is one sync for each batch.
    choose("synchronous", "FULL")?;
    choose("foreign_keys", "ON")?;
    // Negative: KiB. Memory mapping is compiled out: pages of the file would
    // count as resident, and an I/O error would come as a signal.
    set("cache_size", -PAGE_CACHE_KIB)?;
    // No temporary files: a phone has no folder for them, and what is sorted is
    // one page of results.
    choose("temp_store", "MEMORY")?;
    set("wal_autocheckpoint", WAL_CHECKPOINT_PAGES)?;
    set("journal_size_limit", WAL_KEPT_BYTES)?;
    // A garbled page is noticed when it is read, not when it has been believed.
    choose("cell_size_check", "ON")?;
    // The schema is data, too: it may not call functions or change itself.
    choose("trusted_schema", "OFF")?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    Ok(())
}

/// Reads a first row of every table: cheap, whatever the size.
pub(crate) fn look(connection: &Connection) -> Result<(), StoreError> {
    let mut tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let mut names = tables.query(())?;
    while let Some(row) = names.next()? {
        // The name comes from the file: quoted, it cannot be anything else.
        let name = row.get::<_, String>(0)?.replace('"', "\"\"");
        connection
            .prepare(&format!("SELECT 1 FROM \"{name}\" NOT INDEXED LIMIT 1"))?
            .query(())?
            .next()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_treated_as_said() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&folder.path().join("store.db")).unwrap();
        let number = |name: &str| -> i64 {
            connection
                .pragma_query_value(None, name, |row| row.get(0))
                .unwrap()
        };
        assert_eq!(number("synchronous"), 2, "full");
        assert_eq!(number("foreign_keys"), 1);
        assert_eq!(number("cache_size"), -PAGE_CACHE_KIB);
        assert_eq!(number("temp_store"), 2, "memory");
        assert_eq!(number("wal_autocheckpoint"), WAL_CHECKPOINT_PAGES);
        assert_eq!(number("journal_size_limit"), WAL_KEPT_BYTES);
        assert_eq!(number("cell_size_check"), 1);
        assert_eq!(number("trusted_schema"), 0);
        let word = |name: &str| -> String {
            connection
                .pragma_query_value(None, name, |row| row.get(0))
                .unwrap()
        };
        assert_eq!(word("journal_mode"), "wal");
        assert_eq!(word("locking_mode"), "exclusive");
    }
}
