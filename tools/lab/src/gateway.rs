//! The real gateway as a process of the lab.
//!
//! Owns its folder: certificate, configuration, data, log.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use thiserror::Error;
use tokio::process::Command;
use tokio::time::{Instant, sleep};
use twine_proto::E164;

use crate::limits::{LOOK_AGAIN, READY_TIMEOUT};
use crate::process::{Process, ProcessError, Spec};
use crate::relay::Upstream;

/// The name in the lab gateway's certificate.
pub const SERVER_NAME: &str = "gateway.lab";

/// What could not be done with the gateway.
#[derive(Debug, Error)]
pub enum GatewayError {
    /// Its folder cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A command of it failed.
    #[error("`twine-gateway {command}` failed: {said}")]
    Command {
        /// Which.
        command: &'static str,
        /// What it said.
        said: String,
    },
    /// The process failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// The gateway.
#[derive(Debug)]
pub struct Gateway {
    program: PathBuf,
    directory: PathBuf,
    process: Process,
}

impl Gateway {
    /// Makes its folder, certificate and configuration. Not started yet.
    pub async fn prepare(program: &Path, directory: &Path) -> Result<Self, GatewayError> {
        let write = |path: &Path, result: std::io::Result<()>| {
            result.map_err(|source| GatewayError::Write {
                path: path.to_owned(),
                source,
            })
        };
        write(directory, std::fs::create_dir_all(directory))?;
        let gateway = Self {
            program: program.to_owned(),
            directory: directory.to_owned(),
            process: Process::new(Spec {
                name: "gateway".to_owned(),
                program: program.to_owned(),
                arguments: vec![
                    "serve".to_owned(),
                    "--config".to_owned(),
                    directory.join("gateway.toml").display().to_string(),
                    "--ready-file".to_owned(),
                    directory.join("ready").display().to_string(),
                ],
                log: directory.join("gateway.log"),
            }),
        };
        let certificates = directory.join("certificates").display().to_string();
        gateway
            .command("dev-cert", &["--out", &certificates, "--name", SERVER_NAME])
            .await?;
        let config = gateway.config();
        write(&config, std::fs::write(&config, gateway.config_text()))?;
        Ok(gateway)
    }

    /// The root that handsets have to trust.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.directory.join("certificates/root.pem")
    }

    /// Its configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.directory.join("gateway.toml")
    }

    /// Starts it and waits until it listens; returns where.
    pub async fn start(&mut self) -> Result<Upstream, GatewayError> {
        let ready = self.directory.join("ready");
        match std::fs::remove_file(&ready) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(GatewayError::Write {
                    path: ready,
                    source,
                });
            }
            _ => {}
        }
        self.process.start().await?;
        let give_up = Instant::now() + READY_TIMEOUT;
        loop {
            let text = std::fs::read_to_string(&ready).unwrap_or_default();
            if let Some(upstream) = addresses(&text) {
                return Ok(upstream);
            }
            self.process.check()?;
            if Instant::now() >= give_up {
                return Err(self.process.not_ready().into());
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Its process.
    pub const fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Lets this number be bound by the device with this key.
    pub async fn provision(&self, number: E164, key_hex: &str) -> Result<(), GatewayError> {
        let (config, number) = (self.config().display().to_string(), number.expose());
        let arguments = ["--config", &config, "--number", &number, "--key", key_hex];
        self.command("provision", &arguments).await
    }

    async fn command(&self, command: &'static str, arguments: &[&str]) -> Result<(), GatewayError> {
        let output = Command::new(&self.program)
            .arg(command)
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|source| ProcessError::Start {
                name: format!("twine-gateway {command}"),
                program: self.program.clone(),
                source,
            })?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(GatewayError::Command {
            command,
            said: format!("{} ({})", said.trim(), output.status),
        })
    }

    fn config_text(&self) -> String {
        let path = |name: &str| toml_text(&self.directory.join(name));
        format!(
            "data_dir = {}\nlisten_quic = \"127.0.0.1:0\"\nlisten_tls = \"127.0.0.1:0\"\n\
             cert = {}\nkey = {}\n",
            path("data"),
            path("certificates/server.pem"),
            path("certificates/server.key"),
        )
    }
}

/// A path as a TOML string.
pub(crate) fn toml_text(path: &Path) -> String {
    toml::Value::String(path.display().to_string()).to_string()
}

/// Reads "… quic=ADDRESS tls=ADDRESS …".
fn addresses(text: &str) -> Option<Upstream> {
    let after = |key: &str| -> Option<SocketAddr> {
        text.split_whitespace()
            .find_map(|word| word.strip_prefix(key))?
            .parse()
            .ok()
    };
    Some(Upstream {
        quic: Some(after("quic=")?),
        tls: Some(after("tls=")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ready_file_counts_when_it_is_whole() {
        assert_eq!(addresses(""), None);
        assert_eq!(addresses("quic=127.0.0.1:1"), None);
        assert_eq!(
            addresses("listening quic=127.0.0.1:1 tls=127.0.0.1:2\n"),
            Some(Upstream {
                quic: Some(([127, 0, 0, 1], 1).into()),
                tls: Some(([127, 0, 0, 1], 2).into()),
            })
        );
    }
}
