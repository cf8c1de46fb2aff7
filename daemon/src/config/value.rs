//! The kinds of values: how each is read from TOML, what it allows, and how
//! it is written back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use log::LevelFilter;
use rustls::pki_types::ServerName;
use toml::de::DeValue;
use twine_engine::links::SpentBundle;
use twine_engine::{TransportKind, VpnLockdown};

use super::Config;
use crate::limits::{MAX_CONFIG_TEXT_BYTES, MAX_ROLE_UIDS, MAX_ROOT_FILES};

/// A kind of value, its range, and the setting it goes to.
pub(super) enum Field {
    /// A file or folder; relative ones start at the file that names them.
    Path(fn(&mut Config) -> &mut PathBuf),
    /// Several files.
    Files(fn(&mut Config) -> &mut Vec<PathBuf>),
    Text(fn(&mut Config) -> &mut String),
    ServerName(fn(&mut Config) -> &mut String),
    Port(fn(&mut Config) -> &mut u16),
    Uids(fn(&mut Config) -> &mut Vec<u32>),
    Level(fn(&mut Config) -> &mut LevelFilter),
    Transports(fn(&mut Config) -> &mut Vec<TransportKind>),
    VpnLockdown(fn(&mut Config) -> &mut VpnLockdown),
    SpentBundle(fn(&mut Config) -> &mut SpentBundle),
    Millis {
        least_ms: u64,
        most_ms: u64,
        at: fn(&mut Config) -> &mut Duration,
    },
    Seconds {
        least_s: u64,
        most_s: u64,
        at: fn(&mut Config) -> &mut Duration,
    },
    Count {
        least: u16,
        most: u16,
        at: fn(&mut Config) -> &mut u16,
    },
    /// A count that fits a byte, any of them.
    Byte(fn(&mut Config) -> &mut u8),
    Flag(fn(&mut Config) -> &mut bool),
}

const TRANSPORTS: [(&str, TransportKind); 2] =
    [("quic", TransportKind::Quic), ("tls", TransportKind::Tls)];

const VPN_LOCKDOWN: [(&str, VpnLockdown); 2] = [
    ("respect", VpnLockdown::Respect),
    ("bypass", VpnLockdown::Bypass),
];

const SPENT_BUNDLE: [(&str, SpentBundle); 2] =
    [("avoid", SpentBundle::Avoid), ("allow", SpentBundle::Allow)];

impl Field {
    /// Takes the value, or says what was found instead.
    pub(super) fn set(
        &self,
        config: &mut Config,
        value: &DeValue<'_>,
        file: &Path,
    ) -> Result<(), String> {
        let refuse = || describe(value);
        match self {
            Self::Path(at) => *at(config) = path(value, file).ok_or_else(refuse)?,
            Self::Files(at) => {
                let files = list(value, MAX_ROOT_FILES, |item| path(item, file))?;
                *at(config) = files;
            }
            Self::Text(at) => text(value).ok_or_else(refuse)?.clone_into(at(config)),
            Self::ServerName(at) => {
                let name = text(value).ok_or_else(refuse)?;
                if ServerName::try_from(name).is_err() {
                    return Err(refuse());
                }
                name.clone_into(at(config));
            }
            Self::Port(at) => {
                let port = integer(value).and_then(|port| u16::try_from(port).ok());
                *at(config) = port.filter(|&port| port != 0).ok_or_else(refuse)?;
            }
            Self::Uids(at) => {
                let uid = |item: &DeValue<'_>| u32::try_from(integer(item)?).ok();
                let uids = list(value, MAX_ROLE_UIDS, uid)?;
                *at(config) = uids;
            }
            Self::Level(at) => {
                let level = text(value)
                    .and_then(|name| LevelFilter::iter().find(|level| level_name(*level) == name));
                *at(config) = level.ok_or_else(refuse)?;
            }
            Self::Transports(at) => {
                let kinds = list(value, TRANSPORTS.len(), |item| {
                    let name = text(item)?;
                    TRANSPORTS
                        .iter()
                        .find(|(known, _)| *known == name)
                        .map(|&(_, kind)| kind)
                })?;
                if kinds.is_empty() || has_repeats(&kinds) {
                    return Err(refuse());
                }
                *at(config) = kinds;
            }
            Self::VpnLockdown(at) => {
                let known = |name| VPN_LOCKDOWN.iter().find(|(known, _)| *known == name);
                *at(config) = text(value).and_then(known).ok_or_else(refuse)?.1;
            }
            Self::SpentBundle(at) => {
                let known = |name| SPENT_BUNDLE.iter().find(|(known, _)| *known == name);
                *at(config) = text(value).and_then(known).ok_or_else(refuse)?.1;
            }
            Self::Millis {
                least_ms,
                most_ms,
                at,
            } => {
                let time_ms = integer(value).and_then(|time_ms| u64::try_from(time_ms).ok());
                let time_ms = time_ms.filter(|time_ms| (*least_ms..=*most_ms).contains(time_ms));
                *at(config) = Duration::from_millis(time_ms.ok_or_else(refuse)?);
            }
            Self::Seconds {
                least_s,
                most_s,
                at,
            } => {
                let time_s = integer(value).and_then(|time_s| u64::try_from(time_s).ok());
                let time_s = time_s.filter(|time_s| (*least_s..=*most_s).contains(time_s));
                *at(config) = Duration::from_secs(time_s.ok_or_else(refuse)?);
            }
            Self::Byte(at) => {
                let count = integer(value).and_then(|count| u8::try_from(count).ok());
                *at(config) = count.ok_or_else(refuse)?;
            }
            Self::Flag(at) => match value {
                DeValue::Boolean(flag) => *at(config) = *flag,
                _ => return Err(refuse()),
            },
            Self::Count { least, most, at } => {
                let count = integer(value).and_then(|count| u16::try_from(count).ok());
                let count = count.filter(|count| (*least..=*most).contains(count));
                *at(config) = count.ok_or_else(refuse)?;
            }
        }
        Ok(())
    }

    /// What the key takes, for a person.
    pub(super) fn allowed(&self) -> String {
        match self {
            Self::Path(_) => format!("a path of 1 to {MAX_CONFIG_TEXT_BYTES} bytes"),
            Self::Files(_) => format!("a list of 1 to {MAX_ROOT_FILES} paths"),
            Self::Text(_) => format!("a text of 1 to {MAX_CONFIG_TEXT_BYTES} bytes"),
            Self::ServerName(_) => "a DNS name or an IP address".to_owned(),
            Self::Port(_) => "a port from 1 to 65535".to_owned(),
            Self::Uids(_) => format!("a list of at most {MAX_ROLE_UIDS} numeric user ids"),
            Self::Level(_) => {
                let names: Vec<_> = LevelFilter::iter().map(level_name).collect();
                format!("one of \"{}\"", names.join("\", \""))
            }
            Self::Transports(_) => {
                "a list of \"quic\" and \"tls\" in the order of preference, each at most once"
                    .to_owned()
            }
            Self::VpnLockdown(_) => "\"respect\" or \"bypass\"".to_owned(),
            Self::SpentBundle(_) => "\"avoid\" or \"allow\"".to_owned(),
            Self::Millis {
                least_ms, most_ms, ..
            } => format!("{least_ms} to {most_ms} (milliseconds)"),
            Self::Seconds {
                least_s, most_s, ..
            } => format!("{least_s} to {most_s} (seconds)"),
            Self::Count { least, most, .. } => format!("{least} to {most}"),
            Self::Byte(_) => format!("0 to {}", u8::MAX),
            Self::Flag(_) => "true or false".to_owned(),
        }
    }

    /// The present value as TOML.
    pub(super) fn show(&self, config: &Config) -> String {
        // The accessors are for writing; describing is rare enough for a copy.
        let config = &mut config.clone();
        match self {
            Self::Path(at) => quoted(&at(config).display().to_string()),
            Self::Files(at) => bracketed(
                at(config)
                    .iter()
                    .map(|file| quoted(&file.display().to_string())),
            ),
            Self::Text(at) | Self::ServerName(at) => quoted(at(config)),
            Self::Port(at) => at(config).to_string(),
            Self::Uids(at) => bracketed(at(config).iter().map(u32::to_string)),
            Self::Level(at) => quoted(&level_name(*at(config))),
            Self::Transports(at) => bracketed(at(config).iter().map(|kind| {
                let name = TRANSPORTS.iter().find(|(_, known)| known == kind);
                quoted(name.map_or("", |&(name, _)| name))
            })),
            Self::VpnLockdown(at) => {
                let name = VPN_LOCKDOWN.iter().find(|(_, known)| known == at(config));
                quoted(name.map_or("", |&(name, _)| name))
            }
            Self::SpentBundle(at) => {
                let name = SPENT_BUNDLE.iter().find(|(_, known)| known == at(config));
                quoted(name.map_or("", |&(name, _)| name))
            }
            Self::Millis { at, .. } => at(config).as_millis().to_string(),
            Self::Seconds { at, .. } => at(config).as_secs().to_string(),
            Self::Count { at, .. } => at(config).to_string(),
            Self::Byte(at) => at(config).to_string(),
            Self::Flag(at) => at(config).to_string(),
        }
    }
}

fn text<'v>(value: &'v DeValue<'_>) -> Option<&'v str> {
    match value {
        DeValue::String(text) if !text.is_empty() && text.len() <= MAX_CONFIG_TEXT_BYTES => {
            Some(text)
        }
        _ => None,
    }
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    match value {
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix()).ok(),
        _ => None,
    }
}

fn path(value: &DeValue<'_>, file: &Path) -> Option<PathBuf> {
    let path = text(value)?;
    // `join` takes an absolute path as it is.
    Some(file.parent().unwrap_or(Path::new("")).join(path))
}

/// All items, or what is wrong with the first that is none.
fn list<T>(
    value: &DeValue<'_>,
    most: usize,
    item: impl Fn(&DeValue<'_>) -> Option<T>,
) -> Result<Vec<T>, String> {
    let DeValue::Array(items) = value else {
        return Err(describe(value));
    };
    if items.len() > most {
        return Err(format!("a list of {} items", items.len()));
    }
    items
        .iter()
        .map(|spanned| {
            let value = spanned.get_ref();
            item(value).ok_or_else(|| format!("{} in the list", describe(value)))
        })
        .collect()
}

fn has_repeats(kinds: &[TransportKind]) -> bool {
    kinds
        .iter()
        .enumerate()
        .any(|(at, kind)| kinds[..at].contains(kind))
}

/// What is there, short.
fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.is_empty() => "an empty text".to_owned(),
        DeValue::String(text) if text.len() > MAX_CONFIG_TEXT_BYTES => {
            format!("a text of {} bytes", text.len())
        }
        DeValue::String(text) => quoted(text),
        DeValue::Integer(integer) => integer.as_str().to_owned(),
        DeValue::Float(float) => float.as_str().to_owned(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(items) if items.is_empty() => "an empty list".to_owned(),
        DeValue::Array(items) => bracketed(items.iter().map(|item| describe(item.get_ref()))),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// A TOML basic string; `Debug` escapes what TOML wants escaped.
fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn bracketed(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn level_name(level: LevelFilter) -> String {
    level.as_str().to_ascii_lowercase()
}
