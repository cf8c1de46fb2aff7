//! Why the store could not do something, sorted by what helps: waiting, salvage,
//! an update, or a programmer.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

/// Why an operation of the store failed. None of these leaves half a batch.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Nothing is wrong with the data; the same call may work later.
    #[error("store unavailable: {trouble}")]
    Unavailable {
        /// What stands in the way.
        trouble: Trouble,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The file is damaged: [`crate::salvage()`] copies what can be read.
    #[error("store damaged: {what}; salvage it")]
    Corrupt {
        /// What was found.
        what: String,
    },
    /// Written by a newer version of the daemon. Nothing was touched.
    #[error(
        "store has schema {found}, this version knows schemas up to {known}; install the newer \
         version again"
    )]
    Newer {
        /// Schema of the file.
        found: u32,
        /// The newest this version knows.
        known: u32,
    },
    /// A migration would have left fewer messages than there were; it was undone.
    #[error("migration to schema {version} would lose {lost} messages; this is a bug")]
    LossyMigration {
        /// The schema it would have made.
        version: u32,
        /// How many messages.
        lost: i64,
    },
    /// An operation that contradicts the stored state, or a broken statement: a
    /// programming error, which trying again does not mend.
    #[error("store refused the operation; this is a bug")]
    Refused(#[source] rusqlite::Error),
    /// A file could not be moved, copied or looked at.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// As many broken stores as may be kept lie beside the store.
    #[error("{kept} broken stores are kept beside {}; remove some of them", path.display())]
    TooManyBroken {
        /// How many.
        kept: u32,
        /// The store.
        path: PathBuf,
    },
    /// The system gave no thread.
    #[error("cannot start the store's thread")]
    NoThread(#[source] io::Error),
}

/// Passing troubles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// No space left.
    DiskFull,
    /// Another process has the store open.
    Locked,
    /// The disk answers with errors.
    Io,
    /// The file or its folder cannot be opened or made.
    CannotOpen,
    /// The file or its folder may not be written.
    ReadOnly,
    /// No memory.
    OutOfMemory,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DiskFull => "the disk is full; free some space",
            Self::Locked => "another process has it open; stop that one",
            Self::Io => "the disk reports errors",
            Self::CannotOpen => "the file cannot be opened; check that its folder exists",
            Self::ReadOnly => "the file may not be written; check its owner and mode",
            Self::OutOfMemory => "out of memory",
        })
    }
}

impl StoreError {
    /// The passing trouble, if it is one: the same call may work later.
    pub const fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Unavailable { trouble, .. } => Some(*trouble),
            _ => None,
        }
    }

    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(source: rusqlite::Error) -> Self {
        let trouble = match &source {
            rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                    return Self::corrupt(source.to_string());
                }
                ErrorCode::DiskFull => Trouble::DiskFull,
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed => Trouble::Locked,
                ErrorCode::SystemIoFailure => Trouble::Io,
                ErrorCode::CannotOpen => Trouble::CannotOpen,
                ErrorCode::ReadOnly | ErrorCode::PermissionDenied => Trouble::ReadOnly,
                ErrorCode::OutOfMemory => Trouble::OutOfMemory,
                _ => return Self::Refused(source),
            },
            // A value no version of this code has written.
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..) => return Self::corrupt(source.to_string()),
            _ => return Self::Refused(source),
        };
        Self::Unavailable { trouble, source }
    }
}
