//! What can be wrong with a configuration, each error on one line:
//! `file:line:column: key: what was found; what is allowed`.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// No such file, or no right to read it.
    #[error("{}: cannot be read: {reason}; allowed: a readable TOML file in UTF-8", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// Not TOML.
    #[error("{place}: this is no TOML: {reason}")]
    Syntax {
        /// Where.
        place: Place,
        /// What the parser says.
        reason: String,
    },
    /// A key that does not exist.
    #[error("{place}: {key}: unknown key; allowed here: {allowed}")]
    UnknownKey {
        /// Where.
        place: Place,
        /// As written, with its table.
        key: String,
        /// The keys of that table.
        allowed: String,
    },
    /// A value that the key does not take.
    #[error("{place}: {key}: found {found}; allowed: {allowed}")]
    Value {
        /// Where.
        place: Place,
        /// Which key.
        key: &'static str,
        /// What is there.
        found: String,
        /// What may be there.
        allowed: String,
    },
    /// A key without a default that no file sets.
    #[error("{}: {key}: not set; allowed: {allowed}", list(files))]
    Missing {
        /// Which key.
        key: &'static str,
        /// What may be there.
        allowed: String,
        /// Where it was looked for.
        files: Vec<PathBuf>,
    },
}

impl ConfigError {
    pub(super) fn unreadable(file: &Path, error: &io::Error) -> Self {
        Self::Unreadable {
            file: file.to_owned(),
            reason: error.to_string(),
        }
    }

    /// The key it is about, if it is one that exists.
    pub(super) fn key(&self) -> Option<&'static str> {
        match self {
            Self::Value { key, .. } | Self::Missing { key, .. } => Some(key),
            _ => None,
        }
    }
}

fn list(files: &[PathBuf]) -> String {
    let files: Vec<_> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    files.join(", ")
}

/// Everything that is wrong, one line each.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}
