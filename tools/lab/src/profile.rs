//! How links are shaped: the built-in profiles, profile files, and recorded
//! traces in their place.
//!
//! Owns the profile format and its limits. Figures carry their source.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;
use twine_control::pb::Generation;

use crate::limits::MAX_FILE_BYTES;
use crate::source::{Located, Source};
use crate::trace::{Trace, TraceError};

/// What limits how fast a direction carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bottleneck {
    /// A constant rate.
    Rate {
        /// At least 1.
        bits_per_s: u64,
    },
    /// A recording.
    Trace(Arc<Trace>),
}

/// One direction of a link.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// How fast.
    pub bottleneck: Bottleneck,
    /// Behind the bottleneck.
    pub delay: Duration,
    /// Probability that a datagram is lost, 0 to 1.
    pub loss: f64,
    /// Datagrams that do not fit are dropped.
    pub queue_bytes: usize,
}

/// A link's shape in both directions.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// What scenarios call it.
    pub id: String,
    /// For people.
    pub name: String,
    /// Where the figures are from.
    pub source: String,
    /// What the telephony agent reports for a cellular link of this profile.
    pub generation: Generation,
    /// Towards the handset.
    pub down: Shape,
    /// Towards the gateway.
    pub up: Shape,
}

/// The built-in profiles, slowest first.
const BUILT_IN: [(&str, &str); 9] = [
    ("2g-rural", include_str!("../profiles/2g-rural.toml")),
    ("2g-urban", include_str!("../profiles/2g-urban.toml")),
    ("edge-lossy", include_str!("../profiles/edge-lossy.toml")),
    (
        "edge-average",
        include_str!("../profiles/edge-average.toml"),
    ),
    ("edge-good", include_str!("../profiles/edge-good.toml")),
    ("3g-average", include_str!("../profiles/3g-average.toml")),
    ("3g-good", include_str!("../profiles/3g-good.toml")),
    ("wifi", include_str!("../profiles/wifi.toml")),
    ("lte", include_str!("../profiles/lte.toml")),
];

/// Why there is no such profile.
#[derive(Debug, Error)]
pub enum ProfileError {
    /// Neither built in nor a path.
    #[error(
        "there is no profile \"{id}\"; allowed are {}, or the path of a profile (*.toml)",
        names().join(", ")
    )]
    Unknown {
        /// What was asked for.
        id: String,
    },
    /// The file cannot be read.
    #[error("cannot read the profile {path}")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no profile.
    #[error("{0}")]
    Malformed(#[from] Located),
    /// A trace is no trace.
    #[error("the trace {path}")]
    Trace {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: TraceError,
    },
}

/// The names of the built-in profiles, slowest first.
#[must_use]
pub fn names() -> Vec<&'static str> {
    BUILT_IN.iter().map(|(name, _)| *name).collect()
}

/// Finds a profile by name, or by path, relative to `base`.
pub fn load(id: &str, base: &Path) -> Result<Profile, ProfileError> {
    if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == id) {
        let source = Source::new(format!("profiles/{name}.toml"), (*text).to_owned());
        return parse(id, &source, base);
    }
    if !id.ends_with(".toml") {
        return Err(ProfileError::Unknown { id: id.to_owned() });
    }
    let path = base.join(id);
    let source =
        Source::read(&path, MAX_FILE_BYTES).map_err(|source| ProfileError::Unreadable {
            path: path.display().to_string(),
            source,
        })?;
    let directory = path.parent().unwrap_or(base);
    parse(id, &source, directory)
}

impl Profile {
    /// The same link with recorded traces as its bottlenecks: `path` is that of
    /// either direction (`….up`, `….down`), or without the ending; both must be
    /// there.
    pub fn with_trace(mut self, path: &Path) -> Result<Self, ProfileError> {
        let stem = match path.extension().and_then(|ending| ending.to_str()) {
            Some("up" | "down") => path.with_extension(""),
            _ => path.to_owned(),
        };
        let direction = |ending: &str| {
            let mut path = stem.clone().into_os_string();
            path.push(".");
            path.push(ending);
            let path = std::path::PathBuf::from(path);
            Trace::load(&path)
                .map(|trace| Bottleneck::Trace(Arc::new(trace)))
                .map_err(|source| ProfileError::Trace {
                    path: path.display().to_string(),
                    source,
                })
        };
        self.down.bottleneck = direction("down")?;
        self.up.bottleneck = direction("up")?;
        let stem = stem.file_name().unwrap_or_default().to_string_lossy();
        self.id = format!("{}@{}", stem, self.id);
        self.name = format!("{stem} (recorded), delay of {}", self.name);
        self.source = format!("recorded trace {stem}");
        Ok(self)
    }
}

impl fmt::Display for Bottleneck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate { bits_per_s } => write!(f, "{} kbit/s", bits_per_s / 1000),
            Self::Trace(trace) => write!(f, "trace, mean {} kbit/s", trace.mean_kbit_s()),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    source: String,
    generation: toml::Spanned<String>,
    down_kbit_s: toml::Spanned<u64>,
    up_kbit_s: toml::Spanned<u64>,
    delay_down_ms: toml::Spanned<u64>,
    delay_up_ms: toml::Spanned<u64>,
    loss_percent: toml::Spanned<f64>,
    queue_kib: toml::Spanned<usize>,
    /// Recorded traces in place of the rates.
    trace: Option<String>,
}

fn parse(id: &str, source: &Source, base: &Path) -> Result<Profile, ProfileError> {
    let file: File = source.parse()?;
    let rate = |key: &str, value: &toml::Spanned<u64>| {
        source
            .within(key, value, 1, 10_000_000, "kbit/s")
            .map(|kbit_s| Bottleneck::Rate {
                bits_per_s: kbit_s * 1000,
            })
    };
    let delay = |key: &str, value: &toml::Spanned<u64>| {
        source
            .within(key, value, 0, 60_000, "ms")
            .map(Duration::from_millis)
    };
    let loss = *file.loss_percent.get_ref();
    if !(0.0..=100.0).contains(&loss) {
        return Err(source
            .at(
                file.loss_percent.span(),
                format!("loss_percent = {loss} is not allowed: 0 to 100"),
            )
            .into());
    }
    let queue = source.within("queue_kib", &file.queue_kib, 2, 65_536, "KiB")?;
    let shape = |bottleneck, delay| Shape {
        bottleneck,
        delay,
        loss: loss / 100.0,
        queue_bytes: queue * 1024,
    };
    let profile = Profile {
        id: id.to_owned(),
        name: file.name,
        source: file.source,
        generation: generation(source, &file.generation)?,
        down: shape(
            rate("down_kbit_s", &file.down_kbit_s)?,
            delay("delay_down_ms", &file.delay_down_ms)?,
        ),
        up: shape(
            rate("up_kbit_s", &file.up_kbit_s)?,
            delay("delay_up_ms", &file.delay_up_ms)?,
        ),
    };
    match file.trace {
        Some(trace) => profile.with_trace(&base.join(trace)),
        None => Ok(profile),
    }
}

fn generation(source: &Source, word: &toml::Spanned<String>) -> Result<Generation, Located> {
    source.one_of(
        "generation",
        word,
        &[
            ("2g", Generation::G2),
            ("2.5g", Generation::G25),
            ("3g", Generation::G3),
            ("4g", Generation::G4),
            ("5g", Generation::G5),
            ("unknown", Generation::Unknown),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_built_in_profiles_are_well_formed_and_name_their_source() {
        for name in names() {
            let profile = load(name, Path::new("/")).unwrap();
            assert_eq!(profile.id, name);
            assert!(!profile.source.is_empty());
        }
    }

    #[test]
    fn an_unknown_profile_is_answered_with_those_there_are() {
        let error = load("lte-advanced", Path::new("/"))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("there is no profile \"lte-advanced\"; allowed are 2g-rural, "));
    }

    #[test]
    fn errors_point_at_the_line() {
        let text = BUILT_IN[0].1.replace("up_kbit_s = 18", "up_kbit_s = 0");
        let source = Source::new("x.toml".to_owned(), text);
        assert_eq!(
            parse("x", &source, Path::new("/")).unwrap_err().to_string(),
            "x.toml:8:13: up_kbit_s = 0 is not allowed: 1 to 10000000 kbit/s"
        );
    }
}
