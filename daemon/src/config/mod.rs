//! The daemon's settings: layers of TOML over built-in defaults.
//!
//! Owns the keys, their ranges, and where each value came from. A later file
//! wins over an earlier one, key by key; an unknown key is an error, because a
//! misspelt one would otherwise be a default that nobody expects. All errors
//! are collected, each with file, line and column, what was found, and what is
//! allowed.

mod error;
mod keys;
mod layer;
mod value;

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use log::LevelFilter;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::limits::{FLIGHT_RECORDER_RECORDS, MAX_CLIENTS};
use crate::transport::TransportConfig;

pub use self::error::{ConfigError, ConfigErrors};
use self::keys::{KEYS, Key};
use self::layer::Layer;

/// Where a device image puts the configuration.
pub const DEFAULT_FILE: &str = "/system_ext/etc/twine/twined.toml";

/// Settings of the daemon. The doc of each key is in `keys.rs`.
#[derive(Debug, Clone)]
pub struct Config {
    /// Store, device key and lock; created if missing, mode 0700.
    pub data_dir: PathBuf,
    /// Control socket. If init made one of this file name, that one is used.
    pub socket: PathBuf,
    /// What is logged.
    pub log_level: LevelFilter,
    /// Which UIDs may ask for which role.
    pub roles: RoleUids,
    /// The gateway.
    pub gateway: TransportConfig,
    /// Files with the roots, as configured; their content is in `gateway`.
    pub root_files: Vec<PathBuf>,
    /// The engine's settings.
    pub engine: twine_engine::Config,
    /// Connections on the control socket.
    pub max_clients: u16,
    /// Decisions kept by the flight recorder.
    pub flight_recorder_records: u16,
}

/// UIDs per role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleUids {
    /// May send, receive and read messages.
    pub app: Vec<u32>,
    /// May report as telephony agent.
    pub telephony: Vec<u32>,
    /// May look at the daemon's state, without numbers and texts.
    pub diagnostics: Vec<u32>,
}

/// Android's `AID_ROOT`, `AID_RADIO` (the phone process, in which the bridge
/// runs) and `AID_SHELL`.
const AID_ROOT: u32 = 0;
const AID_RADIO: u32 = 1001;
const AID_SHELL: u32 = 2000;

/// QUIC's and TLS's port where nothing else is said.
const GATEWAY_PORT: u16 = 4433;

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("/data/misc/twine"),
            socket: PathBuf::from("/dev/socket/twined"),
            log_level: LevelFilter::Info,
            roles: RoleUids {
                app: vec![AID_RADIO],
                telephony: vec![AID_RADIO],
                diagnostics: vec![AID_ROOT, AID_SHELL],
            },
            gateway: TransportConfig::new(
                String::new(),
                GATEWAY_PORT,
                GATEWAY_PORT,
                String::new(),
                Vec::new(),
            ),
            root_files: Vec::new(),
            engine: twine_engine::Config::default(),
            max_clients: MAX_CLIENTS,
            flight_recorder_records: FLIGHT_RECORDER_RECORDS,
        }
    }
}

/// Settings with the origin of each.
#[derive(Debug, Clone)]
pub struct Effective {
    /// The settings.
    pub config: Config,
    /// By key, in the order of `KEYS`.
    origins: Vec<Origin>,
}

/// Where `describe` puts the origins.
const ORIGIN_COLUMN: usize = 48;

/// Where a value came from.
#[derive(Debug, Clone, Default)]
enum Origin {
    #[default]
    BuiltIn,
    /// Follows another key that is set.
    Derived(&'static str),
    /// File and line.
    File(PathBuf, usize),
}

/// One file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where.
    pub file: PathBuf,
    /// Whether it may be missing. A file that is there has to be right.
    pub optional: bool,
}

/// Reads the files in the order given, later ones winning.
pub fn load(sources: &[Source]) -> Result<Effective, ConfigErrors> {
    let mut errors = Vec::new();
    let mut layers = Vec::new();
    for Source { file, optional } in sources {
        match std::fs::read_to_string(file) {
            Ok(text) => layers.push((file.clone(), text)),
            Err(error) if *optional && error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => errors.push(ConfigError::unreadable(file, &error)),
        }
    }
    let texts: Vec<_> = layers
        .iter()
        .map(|(file, text)| (&**file, &**text))
        .collect();
    match (merge(&texts), errors.is_empty()) {
        (Ok(effective), true) => Ok(effective),
        (Ok(_), false) => Err(ConfigErrors(errors)),
        (Err(more), true) => Err(more),
        (Err(more), false) => {
            // What is not set may be in the file that cannot be read.
            let told = more.0.into_iter();
            errors.extend(told.filter(|error| !matches!(error, ConfigError::Missing { .. })));
            Err(ConfigErrors(errors))
        }
    }
}

/// Merges layers, each with the name of its file.
pub fn merge(layers: &[(&Path, &str)]) -> Result<Effective, ConfigErrors> {
    let mut errors = Vec::new();
    let mut config = Config::default();
    let mut origins = vec![Origin::default(); KEYS.len()];
    let mut places = vec![None; KEYS.len()];
    for &(file, text) in layers {
        let layer = Layer::new(file, text);
        let table = match layer.parse() {
            Ok(table) => table,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        for found in layer.values(&table, &mut errors) {
            let Key { name, field, .. } = &KEYS[found.key];
            match field.set(&mut config, found.value, file) {
                Ok(()) => {
                    origins[found.key] = Origin::File(file.to_owned(), found.place.line);
                    places[found.key] = Some(found.place);
                }
                Err(wrong) => errors.push(ConfigError::Value {
                    place: found.place,
                    key: name,
                    found: wrong,
                    allowed: field.allowed(),
                }),
            }
        }
    }
    // What a file that is no TOML would have set is not known to be missing.
    if !errors
        .iter()
        .any(|error| matches!(error, ConfigError::Syntax { .. }))
    {
        complete(&mut config, &mut origins, &places, layers, &mut errors);
    }
    if errors.is_empty() {
        Ok(Effective { config, origins })
    } else {
        Err(ConfigErrors(errors))
    }
}

/// What follows from other values, and what only makes sense together.
fn complete(
    config: &mut Config,
    origins: &mut [Origin],
    places: &[Option<error::Place>],
    layers: &[(&Path, &str)],
    errors: &mut Vec<ConfigError>,
) {
    let place = |name| keys::index(name).and_then(|index| places[index].clone());
    for key in KEYS.iter().filter(|key| key.required) {
        let wrong_already = errors.iter().any(|error| error.key() == Some(key.name));
        if place(key.name).is_none() && !wrong_already {
            errors.push(ConfigError::Missing {
                key: key.name,
                allowed: key.field.allowed(),
                files: layers.iter().map(|&(file, _)| file.to_owned()).collect(),
            });
        }
    }
    if config.gateway.server_name.is_empty() {
        config.gateway.server_name = config.gateway.host.clone();
        if let Some(index) = keys::index("gateway.server_name") {
            origins[index] = Origin::Derived("gateway.host");
        }
    }
    if config.engine.backoff_first > config.engine.backoff_max
        && let Some(place) = place("engine.backoff_first_ms").or(place("engine.backoff_max_ms"))
    {
        errors.push(ConfigError::Value {
            place,
            key: "engine.backoff_first_ms",
            found: config.engine.backoff_first.as_millis().to_string(),
            allowed: format!(
                "at most engine.backoff_max_ms, which is {}",
                config.engine.backoff_max.as_millis()
            ),
        });
    }
    if let Some(place) = place("gateway.roots") {
        read_roots(config, place, errors);
    }
}

fn read_roots(config: &mut Config, place: error::Place, errors: &mut Vec<ConfigError>) {
    for file in &config.root_files {
        match roots_of(file) {
            Ok(roots) => config.gateway.roots.extend(roots),
            Err(wrong) => errors.push(ConfigError::Value {
                place: place.clone(),
                key: "gateway.roots",
                found: format!("{}: {wrong}", file.display()),
                allowed: "readable PEM files with certificates of authorities".to_owned(),
            }),
        }
    }
}

/// The certificates of one file, every one of which could be a root.
fn roots_of(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let roots: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| error.to_string())?;
    if roots.is_empty() {
        return Err("it holds no certificate".to_owned());
    }
    let mut store = RootCertStore::empty();
    for (index, root) in roots.iter().enumerate() {
        store
            .add(root.clone())
            .map_err(|error| format!("certificate number {}: {error}", index + 1))?;
    }
    Ok(roots)
}

impl Effective {
    /// The settings as TOML, each with its origin; the device's own words for
    /// "what does it really run with".
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = String::new();
        let mut section = "";
        let lines: Vec<_> = KEYS
            .iter()
            .zip(&self.origins)
            .map(|(key, origin)| {
                let (table, name) = key.name.split_once('.').unwrap_or(("", key.name));
                let value = key.field.show(&self.config);
                (table, format!("{name} = {value}"), origin)
            })
            .collect();
        for (table, line, origin) in lines {
            if table != section {
                section = table;
                // Writing to a string cannot fail, here and below.
                let _ = writeln!(text, "\n[{table}]");
            }
            let _ = match origin {
                Origin::BuiltIn => writeln!(text, "{line:ORIGIN_COLUMN$}  # built in"),
                Origin::Derived(key) => writeln!(text, "{line:ORIGIN_COLUMN$}  # from {key}"),
                Origin::File(file, at) => {
                    writeln!(text, "{line:ORIGIN_COLUMN$}  # {}:{at}", file.display())
                }
            };
        }
        text
    }
}

#[cfg(test)]
mod tests;
