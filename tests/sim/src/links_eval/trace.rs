//! Recorded cellular traces (mahimahi's format: a line is the time in
//! milliseconds at which one packet of 1500 bytes can cross; at the end the
//! trace starts again), reduced to packets per tick. Read by path; none is part
//! of this project. Where its users keep some in [`beside_the_project`], they are read from there.

use std::path::{Path, PathBuf};

use super::world::TICK_MS;

/// Longest recording that is read: a day.
const MAX_MS: u64 = 24 * 3_600_000;
/// Largest file that is read.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// `../shared/traces` of the project's root, if that folder is there.
#[must_use]
pub fn beside_the_project() -> Option<PathBuf> {
    beside(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
}

fn beside(root: &Path) -> Option<PathBuf> {
    let folder = root.canonicalize().ok()?.parent()?.join("shared/traces");
    folder.is_dir().then_some(folder)
}

/// A recording of both directions: packets that could cross, by tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Its file name without the ending.
    pub name: String,
    /// Towards the phone.
    pub down: Vec<u32>,
    /// From the phone.
    pub up: Vec<u32>,
}

/// Why there is no recording.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// One direction alone.
    #[error("{path} is missing; a recording needs both FILE.up and FILE.down")]
    OneDirection {
        /// The one that is not there.
        path: String,
    },
    /// Nothing to read.
    #[error("no recording (FILE.up and FILE.down) in {path}")]
    None {
        /// Where.
        path: String,
    },
    /// Not a trace.
    #[error("{path}, line {line}: {what}")]
    Malformed {
        /// Which file.
        path: String,
        /// From 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// No time above 0.
    #[error("{path}: the trace lasts 0 ms; it needs at least one time above 0")]
    NoLength {
        /// Which file.
        path: String,
    },
    /// Larger than is read.
    #[error("{path} has {bytes} bytes; at most {MAX_BYTES} are read")]
    TooLarge {
        /// Which file.
        path: String,
        /// Its size.
        bytes: u64,
    },
}

/// All recordings in a folder, by name; or the one that a path names, with or
/// without its ending.
pub fn load(path: &Path) -> Result<Vec<Recording>, TraceError> {
    if !path.is_dir() {
        return Ok(vec![recording(path)?]);
    }
    let unreadable = |source| TraceError::Unreadable {
        path: path.display().to_string(),
        source,
    };
    let mut stems: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file
            .extension()
            .is_some_and(|ending| ending == "up" || ending == "down")
        {
            stems.push(file.with_extension(""));
        }
    }
    stems.sort();
    stems.dedup();
    if stems.is_empty() {
        return Err(TraceError::None {
            path: path.display().to_string(),
        });
    }
    stems.iter().map(|stem| recording(stem)).collect()
}

fn recording(path: &Path) -> Result<Recording, TraceError> {
    let stem = match path.extension().and_then(|ending| ending.to_str()) {
        Some("up" | "down") => path.with_extension(""),
        _ => path.to_owned(),
    };
    let direction = |ending: &str| {
        let mut file = stem.clone().into_os_string();
        file.push(ending);
        read(Path::new(&file))
    };
    Ok(Recording {
        name: stem
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        down: direction(".down")?,
        up: direction(".up")?,
    })
}

fn read(file: &Path) -> Result<Vec<u32>, TraceError> {
    let path = file.display().to_string();
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => TraceError::OneDirection { path: path.clone() },
        _ => TraceError::Unreadable {
            path: path.clone(),
            source,
        },
    };
    let bytes = std::fs::metadata(file).map_err(failed)?.len();
    if bytes > MAX_BYTES {
        return Err(TraceError::TooLarge { path, bytes });
    }
    parse(&std::fs::read_to_string(file).map_err(failed)?, &path)
}

fn parse(text: &str, path: &str) -> Result<Vec<u32>, TraceError> {
    let malformed = |line, what| TraceError::Malformed {
        path: path.to_owned(),
        line,
        what,
    };
    let mut ticks: Vec<u32> = Vec::new();
    let mut last = 0;
    for (index, text) in text.lines().enumerate() {
        let (line, text) = (index + 1, text.trim());
        if text.is_empty() {
            continue;
        }
        let at: u64 = text
            .parse()
            .map_err(|_| malformed(line, "not a time in whole milliseconds"))?;
        if at < last {
            return Err(malformed(line, "earlier than the line before it"));
        }
        if at > MAX_MS {
            return Err(malformed(line, "later than a day after the start"));
        }
        last = at;
        let tick = (at / TICK_MS) as usize;
        if ticks.len() <= tick {
            ticks.resize(tick + 1, 0);
        }
        ticks[tick] += 1;
    }
    if last == 0 {
        return Err(TraceError::NoLength {
            path: path.to_owned(),
        });
    }
    Ok(ticks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_counted_by_tick() {
        assert_eq!(parse("0\n0\n499\n500\n1600\n", "x").unwrap(), [3, 1, 0, 1]);
    }

    #[test]
    fn recordings_beside_the_project_are_found_if_they_are_there() {
        let outside = tempfile::tempdir().unwrap();
        let root = outside.path().join("project");
        assert_eq!(beside(&root), None);
        std::fs::create_dir(&root).unwrap();
        assert_eq!(beside(&root), None);
        let folder = outside.path().join("shared/traces");
        std::fs::create_dir_all(&folder).unwrap();
        assert_eq!(beside(&root), Some(folder.canonicalize().unwrap()));
    }

    #[test]
    fn errors_say_where_and_what() {
        let error = |text| parse(text, "x.up").unwrap_err().to_string();
        assert_eq!(
            error("1\nx\n"),
            "x.up, line 2: not a time in whole milliseconds"
        );
        assert_eq!(
            error("5\n4\n"),
            "x.up, line 2: earlier than the line before it"
        );
        assert!(error("0\n").contains("lasts 0 ms"));
        let missing = load(Path::new("/nowhere/trace")).unwrap_err().to_string();
        assert!(
            missing.contains("/nowhere/trace.down is missing"),
            "{missing}"
        );
    }
}
