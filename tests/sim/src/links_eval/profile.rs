//! The lab's link profiles, as far as a policy's worlds need them.

use serde::Deserialize;

use super::world::Rat;

/// Figures of one network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// Technology.
    pub rat: Rat,
    /// Round trip, milliseconds.
    pub rtt_ms: u32,
    /// The slower direction, bytes per second.
    pub bytes_per_s: u32,
    /// Lost packets, in a thousand.
    pub loss_permille: u16,
}

#[derive(Deserialize)]
struct File {
    generation: String,
    down_kbit_s: u32,
    up_kbit_s: u32,
    delay_down_ms: u32,
    delay_up_ms: u32,
    loss_percent: f64,
}

/// The built-in profiles of cellular networks, slowest first.
pub const NAMES: [&str; 8] = [
    "2g-rural",
    "2g-urban",
    "edge-lossy",
    "edge-average",
    "edge-good",
    "3g-average",
    "3g-good",
    "lte",
];

const TEXTS: [&str; 8] = [
    include_str!("../../../../tools/lab/profiles/2g-rural.toml"),
    include_str!("../../../../tools/lab/profiles/2g-urban.toml"),
    include_str!("../../../../tools/lab/profiles/edge-lossy.toml"),
    include_str!("../../../../tools/lab/profiles/edge-average.toml"),
    include_str!("../../../../tools/lab/profiles/edge-good.toml"),
    include_str!("../../../../tools/lab/profiles/3g-average.toml"),
    include_str!("../../../../tools/lab/profiles/3g-good.toml"),
    include_str!("../../../../tools/lab/profiles/lte.toml"),
];

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// No such name.
    #[error("there is no profile \"{0}\"; there are {list}", list = NAMES.join(", "))]
    Unknown(String),
    /// A built-in file is not well formed.
    #[error("the built-in profile \"{name}\" is not well formed")]
    Malformed {
        /// Which.
        name: String,
        /// Why.
        #[source]
        source: toml::de::Error,
    },
}

/// A built-in profile.
pub fn load(name: &str) -> Result<Profile, ProfileError> {
    let text = NAMES
        .iter()
        .position(|known| *known == name)
        .and_then(|at| TEXTS.get(at))
        .ok_or_else(|| ProfileError::Unknown(name.to_owned()))?;
    let file: File = toml::from_str(text).map_err(|source| ProfileError::Malformed {
        name: name.to_owned(),
        source,
    })?;
    Ok(Profile {
        rat: match file.generation.as_str() {
            "2g" => Rat::Gsm,
            "2.5g" => Rat::Edge,
            "3g" if file.down_kbit_s < 800 => Rat::Umts,
            "3g" => Rat::Hspa,
            _ => Rat::Lte,
        },
        rtt_ms: file.delay_down_ms + file.delay_up_ms,
        bytes_per_s: file.down_kbit_s.min(file.up_kbit_s) * 125,
        loss_permille: (file.loss_percent * 10.0) as u16,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_is_well_formed() {
        for name in NAMES {
            assert!(load(name).unwrap().bytes_per_s > 1_000, "{name}");
        }
        assert!(load("6g").unwrap_err().to_string().contains("2g-rural"));
    }
}
