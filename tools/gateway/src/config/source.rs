//! From text to settings; every mistake with its place, what was found, and what
//! is allowed.

use std::fmt;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use log::LevelFilter;
use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use twine_gateway_core::Config;
use twine_proto::frame::host_and_port;
use twine_proto::limits::MAX_GOODBYE_TEXT_BYTES;

use super::{GatewayConfig, keys};
use crate::limits::MAX_CONFIG_BYTES;
use crate::net::NetConfig;

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file.
    #[error("cannot read the configuration {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Larger than any sensible one.
    #[error("the configuration {path} is longer than {MAX_CONFIG_BYTES} bytes")]
    TooLong {
        /// Which.
        path: PathBuf,
    },
    /// What it says.
    #[error("{}", lines(.0))]
    Mistakes(Vec<Mistake>),
}

/// One mistake in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The file.
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong, and what is allowed.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        write!(f, "{file}:{}:{}: {}", self.line, self.column, self.what)
    }
}

fn lines(mistakes: &[Mistake]) -> String {
    let lines: Vec<String> = mistakes.iter().map(Mistake::to_string).collect();
    lines.join("\n")
}

const KEYS: &str = "data_dir, listen_quic, listen_tls, cert, key, log, drain_redirect, limits";
const LEVELS: [(&str, LevelFilter); 4] = [
    ("error", LevelFilter::Error),
    ("warn", LevelFilter::Warn),
    ("info", LevelFilter::Info),
    ("debug", LevelFilter::Debug),
];

pub(super) fn load(path: &Path) -> Result<GatewayConfig, ConfigError> {
    let failed = |source| ConfigError::Read {
        path: path.to_owned(),
        source,
    };
    let mut text = String::new();
    std::fs::File::open(path)
        .map_err(failed)?
        .take(MAX_CONFIG_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > MAX_CONFIG_BYTES {
        return Err(ConfigError::TooLong {
            path: path.to_owned(),
        });
    }
    parse(path, &text)
}

pub(super) fn parse(path: &Path, text: &str) -> Result<GatewayConfig, ConfigError> {
    let mut reader = Reader {
        path,
        text,
        mistakes: Vec::new(),
    };
    let config = match DeTable::parse(text) {
        Ok(table) => reader.root(table.get_ref()),
        Err(error) => {
            let span = error.span().unwrap_or_default();
            reader.mistake(span, format!("this is not TOML: {}", error.message()));
            GatewayConfig::defaults()
        }
    };
    if reader.mistakes.is_empty() {
        Ok(config)
    } else {
        reader
            .mistakes
            .sort_by_key(|mistake| (mistake.line, mistake.column));
        Err(ConfigError::Mistakes(reader.mistakes))
    }
}

impl GatewayConfig {
    pub(super) fn defaults() -> Self {
        Self {
            data_dir: PathBuf::new(),
            listen_quic: None,
            listen_tls: None,
            cert: PathBuf::new(),
            key: PathBuf::new(),
            log: LevelFilter::Info,
            core: Config::default(),
            net: NetConfig::default(),
        }
    }
}

struct Reader<'t> {
    path: &'t Path,
    text: &'t str,
    mistakes: Vec<Mistake>,
}

type Value<'t> = Spanned<DeValue<'t>>;

impl Reader<'_> {
    fn mistake(&mut self, span: Range<usize>, what: String) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        self.mistakes.push(Mistake {
            file: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            what,
        });
    }

    fn root(&mut self, table: &DeTable<'_>) -> GatewayConfig {
        let mut config = GatewayConfig::defaults();
        let mut seen = [("data_dir", false), ("cert", false), ("key", false)];
        for (key, value) in table {
            for (name, given) in &mut seen {
                *given |= *name == key.get_ref().as_ref();
            }
            match key.get_ref().as_ref() {
                "data_dir" => config.data_dir = self.file("data_dir", value),
                "cert" => config.cert = self.file("cert", value),
                "key" => config.key = self.file("key", value),
                "listen_quic" => config.listen_quic = self.address("listen_quic", value),
                "listen_tls" => config.listen_tls = self.address("listen_tls", value),
                "log" => config.log = self.level(value),
                "drain_redirect" => config.core.drain_redirect = self.target(value),
                "limits" => self.limits(value, &mut config),
                unknown => {
                    let what = format!("unknown key `{unknown}`; allowed here are {KEYS}");
                    self.mistake(key.span(), what);
                }
            }
        }
        for (name, given) in seen {
            if !given {
                let what = format!("`{name}` is missing; it must be a path in quotes");
                self.mistake(0..0, what);
            }
        }
        let listens = ["listen_quic", "listen_tls"];
        if !listens.iter().any(|key| table.contains_key(*key)) {
            let what = "`listen_quic` and `listen_tls` are missing; at least one must be an \
                        address with port, such as \"0.0.0.0:4433\"";
            self.mistake(0..0, what.to_owned());
        }
        config
    }

    fn wrong(&mut self, key: &str, value: &Value<'_>, allowed: &str) {
        let found = self.text.get(value.span()).unwrap_or("this");
        let found = found.lines().next().unwrap_or_default();
        let found: String = found.chars().take(60).collect();
        self.mistake(
            value.span(),
            format!("`{key}` is {found}; allowed is {allowed}"),
        );
    }

    fn target(&mut self, value: &Value<'_>) -> String {
        let text = value.get_ref().as_str().unwrap_or_default();
        if host_and_port(text).is_none() || text.len() > MAX_GOODBYE_TEXT_BYTES {
            let allowed = "the name or address of a gateway with its port, such as \
                           \"gw2.example.net:4433\"";
            self.wrong("drain_redirect", value, allowed);
        }
        text.to_owned()
    }

    /// Relative to the configuration file.
    fn file(&mut self, key: &str, value: &Value<'_>) -> PathBuf {
        match value.get_ref() {
            DeValue::String(text) if !text.is_empty() => {
                let base = self.path.parent().unwrap_or(Path::new(""));
                base.join(text.as_ref())
            }
            _ => {
                self.wrong(key, value, "a path in quotes");
                PathBuf::new()
            }
        }
    }

    fn address(&mut self, key: &str, value: &Value<'_>) -> Option<SocketAddr> {
        let address = match value.get_ref() {
            DeValue::String(text) => text.parse().ok(),
            _ => None,
        };
        if address.is_none() {
            let allowed = "an IP address with port, such as \"0.0.0.0:4433\" or \"[::]:4433\"";
            self.wrong(key, value, allowed);
        }
        address
    }

    fn level(&mut self, value: &Value<'_>) -> LevelFilter {
        let level = match value.get_ref() {
            DeValue::String(text) => LEVELS.iter().find(|(name, _)| *name == text.as_ref()),
            _ => None,
        };
        match level {
            Some((_, level)) => *level,
            None => {
                self.wrong("log", value, "\"error\", \"warn\", \"info\" or \"debug\"");
                LevelFilter::Info
            }
        }
    }

    fn limits(&mut self, value: &Value<'_>, config: &mut GatewayConfig) {
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong(
                "limits",
                value,
                "a table: a line [limits] and keys below it",
            );
            return;
        };
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let Some(limit) = keys::LIMITS.iter().find(|limit| limit.key == name) else {
                let known: Vec<&str> = keys::LIMITS.iter().map(|limit| limit.key).collect();
                let known = known.join(", ");
                let what = format!("unknown key `limits.{name}`; allowed here are {known}");
                self.mistake(key.span(), what);
                continue;
            };
            match integer(value).filter(|value| limit.range.contains(value)) {
                Some(value) => (limit.set)(config, value),
                None => {
                    let (low, high) = (limit.range.start(), limit.range.end());
                    let allowed = format!("a whole number from {low} to {high}");
                    self.wrong(&format!("limits.{name}"), value, &allowed);
                }
            }
        }
    }
}

fn integer(value: &Value<'_>) -> Option<u64> {
    match value.get_ref() {
        DeValue::Integer(integer) => u64::from_str_radix(integer.as_str(), integer.radix()).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
data_dir = \"data\"
listen_quic = \"127.0.0.1:0\"
cert = \"/abs/server.pem\"
key = \"server.key\"
log = \"debug\"

[limits]
idle_limit_s = 0x3c
mailbox_messages = 5
handshake_timeout_s = 7
";

    fn parse(text: &str) -> Result<GatewayConfig, String> {
        super::parse(Path::new("/etc/gw.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_good_file_is_taken_and_its_effect_can_be_read_again() {
        let config = parse(GOOD).unwrap();
        assert_eq!(config.data_dir, Path::new("/etc/data"));
        assert_eq!(config.cert, Path::new("/abs/server.pem"));
        assert_eq!(config.log, LevelFilter::Debug);
        assert_eq!(config.core.idle_limit_s, 60);
        assert_eq!(config.core.mailbox_entries, 5);
        assert_eq!(config.net.handshake_timeout.as_secs(), 7);
        assert_eq!(parse(&config.to_toml()).unwrap(), config);
    }

    #[test]
    fn defaults_lie_in_their_ranges() {
        let defaults = GatewayConfig::defaults();
        for limit in keys::LIMITS {
            assert!(
                limit.range.contains(&(limit.get)(&defaults)),
                "{}",
                limit.key
            );
        }
    }

    #[test]
    fn mistakes_name_file_line_key_and_what_is_allowed() {
        let cases = [
            (
                "listen_quic = \"127.0.0.1:0\"\nlisten_tls = \"nowhere\"",
                "/etc/gw.toml:5:14: `listen_tls` is \"nowhere\"; allowed is an IP address with \
                 port, such as \"0.0.0.0:4433\" or \"[::]:4433\"",
            ),
            (
                "listen_tls = \"127.0.0.1:0\"\nlisten = 5",
                "/etc/gw.toml:5:1: unknown key `listen`; allowed here are data_dir, listen_quic, \
                 listen_tls, cert, key, log, drain_redirect, limits",
            ),
            (
                "listen_tls = \"127.0.0.1:0\"\nlog = 'loud'",
                "/etc/gw.toml:5:7: `log` is 'loud'; allowed is \"error\", \"warn\", \"info\" or \
                 \"debug\"",
            ),
            (
                "listen_tls = \"127.0.0.1:0\"\nlimits.idle_limit_s = 5",
                "/etc/gw.toml:5:23: `limits.idle_limit_s` is 5; allowed is a whole number from 30 \
                 to 604800",
            ),
            (
                "listen_tls = \"127.0.0.1:0\"\nlimits = 3",
                "/etc/gw.toml:5:10: `limits` is 3; allowed is a table: a line [limits] and keys \
                 below it",
            ),
            (
                "",
                "/etc/gw.toml:1:1: `listen_quic` and `listen_tls` are missing; at least one must \
                 be an address with port, such as \"0.0.0.0:4433\"",
            ),
        ];
        for (rest, expected) in cases {
            let text = format!("data_dir = \"d\"\ncert = \"c\"\nkey = \"k\"\n{rest}\n");
            assert_eq!(parse(&text).unwrap_err(), expected);
        }
    }

    #[test]
    fn all_mistakes_come_at_once() {
        let error = parse("data_dir = 5\nwhat = 1\nlisten_tls = \"[::1]:1\"\n").unwrap_err();
        let lines: Vec<&str> = error.lines().collect();
        assert_eq!(lines.len(), 4, "{error}");
        assert!(lines[0].contains("`cert` is missing"));
        assert!(lines[2].starts_with("/etc/gw.toml:1:12: `data_dir` is 5"));
    }

    #[test]
    fn broken_toml_has_its_place() {
        let error = parse("data_dir = \"d\"\ncert = = 5\n").unwrap_err();
        assert!(
            error.starts_with("/etc/gw.toml:2:8: this is not TOML"),
            "{error}"
        );
    }

    #[test]
    fn unknown_limits_are_answered_with_the_known() {
        let error = parse("[limits]\nidle = 5\n").unwrap_err();
        assert!(error.contains("unknown key `limits.idle`; allowed here are idle_limit_s"));
    }
}
