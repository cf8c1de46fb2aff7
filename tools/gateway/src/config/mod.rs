//! The configuration file.
//!
//! Owns its keys, their ranges and defaults, and what is said of a mistake. Knows
//! nothing of what the settings do.
//!
//! ```toml
//! data_dir    = "data"              # relative to this file
//! listen_quic = "0.0.0.0:4433"      # one of the two at least; port 0: any
//! listen_tls  = "0.0.0.0:4433"
//! cert        = "server.pem"
//! key         = "server.key"
//! log         = "info"              # error, warn, info, debug
//! drain_redirect = "gw2.example.net:4433"  # optional: told to handsets when this one stops
//!
//! [limits]                          # all optional
//! idle_limit_s = 1800
//! ```

mod keys;
mod source;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use log::LevelFilter;
use twine_gateway_core::Config;

pub use self::source::{ConfigError, Mistake};
use crate::net::NetConfig;

/// All settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayConfig {
    /// Where the database lives; created if missing.
    pub data_dir: PathBuf,
    /// Where to listen for QUIC; port 0: any free port.
    pub listen_quic: Option<SocketAddr>,
    /// Where to listen for TLS over TCP; port 0: any free port.
    pub listen_tls: Option<SocketAddr>,
    /// PEM file: the server's certificate and those that lead to the root.
    pub cert: PathBuf,
    /// PEM file: its private key.
    pub key: PathBuf,
    /// How much to log.
    pub log: LevelFilter,
    /// The core's settings.
    pub core: Config,
    /// The network's settings.
    pub net: NetConfig,
}

impl GatewayConfig {
    /// Reads and checks a file. All mistakes in it are reported at once.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        source::load(path)
    }

    /// Checks a text as if it were that file.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        source::parse(path, text)
    }

    /// The settings in effect, as a configuration file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        let path = |path: &Path| format!("{:?}", path.display().to_string());
        let _ = writeln!(text, "data_dir = {}", path(&self.data_dir));
        if let Some(address) = self.listen_quic {
            let _ = writeln!(text, "listen_quic = \"{address}\"");
        }
        if let Some(address) = self.listen_tls {
            let _ = writeln!(text, "listen_tls = \"{address}\"");
        }
        let _ = writeln!(text, "cert = {}", path(&self.cert));
        let _ = writeln!(text, "key = {}", path(&self.key));
        let _ = writeln!(text, "log = \"{}\"", self.log.as_str().to_ascii_lowercase());
        if !self.core.drain_redirect.is_empty() {
            let _ = writeln!(text, "drain_redirect = {:?}", self.core.drain_redirect);
        }
        let _ = writeln!(text, "\n[limits]");
        for limit in keys::LIMITS {
            let _ = writeln!(text, "{} = {}", limit.key, (limit.get)(self));
        }
        text
    }
}

/// Every key of the file, for `--help`.
#[must_use]
pub fn describe_limits() -> String {
    let defaults = GatewayConfig::defaults();
    let mut text = String::new();
    for limit in keys::LIMITS {
        let (default, says) = ((limit.get)(&defaults), limit.says);
        let _ = writeln!(text, "  {:<26} {says} (default {default})", limit.key);
    }
    text
}
