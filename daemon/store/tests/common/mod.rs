//! Stores in folders of their own.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use twine_store::SqliteStore;
use twine_store::suite::Backend;

/// The SQLite store as the suite sees it.
pub(crate) struct Sqlite {
    folder: TempDir,
    crashes: u32,
}

impl Sqlite {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            crashes: 0,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder
            .path()
            .join(format!("store-{}.db", self.crashes))
    }
}

impl Backend for Sqlite {
    type Store = SqliteStore;

    fn open(&mut self) -> SqliteStore {
        SqliteStore::open(self.path()).unwrap()
    }

    /// The files as they lie there while the store is open, log and all, are what
    /// a crash leaves; closing would tidy up first.
    fn crash_and_reopen(&mut self, store: SqliteStore) -> SqliteStore {
        let before = self.path();
        self.crashes += 1;
        copy_with_log(&before, &self.path());
        drop(store);
        self.open()
    }
}

/// Copies a store and its log.
pub(crate) fn copy_with_log(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    fs::copy(with_suffix(from, "-wal"), with_suffix(to, "-wal")).unwrap();
}

/// `path` with something behind its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
