//! From a broken store to a new one with everything that can still be read.
//!
//! The broken file is kept, never written to. Every identity of the new store
//! wants a new epoch (DELIVERY 4): what was lost may have been the newest seqs,
//! and a seq must never be used twice. Unsettled messages keep the seq they had
//! in the old epoch, so the gateway can still tell what became of them
//! (DELIVERY 8). The event log starts anew above every cursor that was given, so
//! that each client is told to read the history again (DELIVERY 29).
//!
//! ```text
//!   store            broken; read only
//!   store.salvaging  the new one while it is filled
//!   store.salvaged   the new one, complete: from here on the swap is finished,
//!                    whatever happens in between
//!   store.broken-1   the broken one, kept
//! ```

mod copy;
mod scan;
mod transplant;

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::error::StoreError;
use crate::files::{self, COMPANIONS, with_suffix};
use crate::limits::MAX_BROKEN_KEPT;
use crate::{connection, migrate};

/// What salvage could save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalvageReport {
    /// Where the broken file lies now.
    pub kept: PathBuf,
    /// Messages copied.
    pub messages: u64,
    /// Tokens copied.
    pub tokens: u64,
    /// Clients copied.
    pub clients: u64,
    /// Identities, from their table or from their messages.
    pub identities: u64,
    /// Holes in the tables, and rows that make no sense.
    pub unreadable: u64,
    /// The header or the schema was broken and stood in for by a blank store's.
    pub header_replaced: bool,
}

/// Copies what can be read of a broken store into a new one in its place.
///
/// The store must not be open. On an error nothing has changed. Reads the present
/// schema only: an older store is brought up to date when it is opened.
pub fn salvage(path: impl AsRef<Path>) -> Result<SalvageReport, StoreError> {
    let path = path.as_ref();
    finish(path)?;
    let kept = free_place(path)?;
    let (source, header_replaced) = open_source(path)?;
    let new = with_suffix(path, ".salvaging");
    files::remove(&new)?;
    let mut target = connection::open(&new)?;
    migrate::run(&mut target, migrate::MIGRATIONS)?;
    let transaction = target.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let copied = copy::everything(source.as_ref(), &transaction)?;
    transaction.commit()?;
    // Closing carries the log into the file, which then stands alone.
    target
        .close()
        .map_err(|(_, error)| StoreError::from(error))?;
    drop(source);
    files::remove(&source_copy(path))?;
    files::move_if_there(&new, &complete(path))?;
    files::sync_folder(path)?;
    swap(path, &kept)?;
    Ok(SalvageReport {
        kept,
        messages: copied.messages,
        tokens: copied.tokens,
        clients: copied.clients,
        identities: copied.identities,
        unreadable: copied.unreadable,
        header_replaced,
    })
}

/// Finishes a swap that was interrupted.
pub(crate) fn finish(path: &Path) -> Result<(), StoreError> {
    let complete = complete(path);
    match complete.try_exists() {
        Ok(false) => Ok(()),
        Ok(true) => swap(path, &free_place(path)?),
        Err(error) => Err(StoreError::file("look for", &complete)(error)),
    }
}

/// The broken file last: while it is there, its place is still the same one.
fn swap(path: &Path, kept: &Path) -> Result<(), StoreError> {
    for suffix in COMPANIONS {
        files::move_if_there(&with_suffix(path, suffix), &with_suffix(kept, suffix))?;
    }
    files::move_if_there(path, kept)?;
    files::sync_folder(path)?;
    files::move_if_there(&complete(path), path)?;
    files::sync_folder(path)
}

fn complete(path: &Path) -> PathBuf {
    with_suffix(path, ".salvaged")
}

fn source_copy(path: &Path) -> PathBuf {
    with_suffix(path, ".salvaging-source")
}

/// The first name at which no broken store is kept yet.
fn free_place(path: &Path) -> Result<PathBuf, StoreError> {
    for count in 1..=MAX_BROKEN_KEPT {
        let place = with_suffix(path, &format!(".broken-{count}"));
        match place.try_exists() {
            Ok(true) => {}
            Ok(false) => return Ok(place),
            Err(error) => return Err(StoreError::file("look for", &place)(error)),
        }
    }
    Err(StoreError::TooManyBroken {
        kept: MAX_BROKEN_KEPT,
        path: path.to_owned(),
    })
}

/// The broken store, readable as far as it goes; whether that took a new header.
/// `None`: not readable at all.
fn open_source(path: &Path) -> Result<(Option<Connection>, bool), StoreError> {
    match open_broken(path) {
        Ok(source) => return Ok((Some(source), false)),
        Err(StoreError::Corrupt { .. }) => {}
        Err(other) => return Err(other),
    }
    let copy = source_copy(path);
    files::remove(&copy)?;
    transplant::copy_with_blank_schema(path, &copy)?;
    match open_broken(&copy) {
        Ok(source) => Ok((Some(source), true)),
        Err(StoreError::Corrupt { .. }) => Ok((None, true)),
        Err(other) => Err(other),
    }
}

/// Opens without changing the file: its log is read, but not carried into it.
fn open_broken(path: &Path) -> Result<Connection, StoreError> {
    let source = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    source.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    source.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    source.pragma_update(None, "query_only", "ON")?;
    source.pragma_update(None, "cell_size_check", "ON")?;
    // What a newer version wrote, this one would copy in part. (A header without
    // the mark is broken, and its version means nothing.)
    if connection::is_marked(&source)? {
        migrate::not_newer(&source, migrate::MIGRATIONS)?;
    }
    for table in copy::TABLES {
        // Prepares only: reads the schema, not the table.
        source.prepare(&format!("SELECT * FROM {table}")).map_err(
            |error| match StoreError::from(error) {
                StoreError::Refused(_) => StoreError::corrupt(format!("no table {table}")),
                other => other,
            },
        )?;
    }
    Ok(source)
}
