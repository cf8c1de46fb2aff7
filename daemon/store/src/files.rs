//! The files of a store and their names. Moves them, never deletes one that it
//! did not make.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::StoreError;

/// What SQLite keeps beside a database, to be moved before it: a log that lies
/// beside another database would be taken for that one's.
pub(crate) const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// `path` with something behind its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Moves a file; one that does not exist is none to move.
pub(crate) fn move_if_there(from: &Path, to: &Path) -> Result<(), StoreError> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::file("move", from)(error))
        }
        _ => Ok(()),
    }
}

/// Removes a file and its companions, if they are there.
pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    let companions = COMPANIONS.map(|suffix| with_suffix(path, suffix));
    for file in companions.iter().map(PathBuf::as_path).chain([path]) {
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::file("remove", file)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Makes what was moved in the folder of `path` last over a power cut.
pub(crate) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(StoreError::file("sync", folder))
}
