//! Finds the programs under test.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// The programs under test.
#[derive(Debug, Clone)]
pub struct Binaries {
    /// The daemon.
    pub twined: PathBuf,
    /// The gateway.
    pub gateway: PathBuf,
}

/// A program is missing.
#[derive(Debug, Error)]
#[error(
    "there is no {name} at {}: build it with `cargo build -p twined -p twine-gateway`, \
     with the same profile as this program, or say where it is with {option}", path.display()
)]
pub struct MissingBinary {
    name: &'static str,
    option: &'static str,
    path: PathBuf,
}

impl Binaries {
    /// Those in this folder.
    pub fn in_directory(directory: &Path) -> Result<Self, MissingBinary> {
        Self::find(directory, None, None)
    }

    /// Those beside this program, or where the user says.
    pub fn find(
        directory: &Path,
        twined: Option<PathBuf>,
        gateway: Option<PathBuf>,
    ) -> Result<Self, MissingBinary> {
        let find = |given: Option<PathBuf>, name: &'static str, option| {
            let path = given.unwrap_or_else(|| directory.join(name));
            // Absolute: a name without a folder would be looked for in PATH.
            match path.canonicalize() {
                Ok(found) if found.is_file() => Ok(found),
                _ => Err(MissingBinary { name, option, path }),
            }
        };
        Ok(Self {
            twined: find(twined, "twined", "--twined PATH")?,
            gateway: find(gateway, "twine-gateway", "--gateway PATH")?,
        })
    }
}
