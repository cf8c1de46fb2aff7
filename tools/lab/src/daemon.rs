//! The real daemon of one handset as a process of the lab.
//!
//! Owns its folder: configuration, data, socket, log.

use std::path::{Path, PathBuf};

use thiserror::Error;
use tokio::time::{Instant, sleep};
use twine_control::{Client, ConnectError, pb};

use crate::gateway::{SERVER_NAME, toml_text};
use crate::limits::{LOOK_AGAIN, MAX_SOCKET_PATH_BYTES, READY_TIMEOUT};
use crate::process::{Process, ProcessError, Spec};

/// What could not be done with a daemon.
#[derive(Debug, Error)]
pub enum DaemonError {
    /// Its folder cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The folder is too deep for a socket.
    #[error(
        "{} is too long for a unix socket (at most {MAX_SOCKET_PATH_BYTES} bytes): \
         choose a folder with a shorter path", path.display()
    )]
    PathTooLong {
        /// The socket's path.
        path: PathBuf,
    },
    /// The process failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It runs and refuses.
    #[error("the daemon of {name}")]
    Connect {
        /// Whose.
        name: String,
        /// Why.
        #[source]
        source: ConnectError,
    },
}

/// Where the daemon finds its gateway.
#[derive(Debug, Clone)]
pub struct GatewayAccess {
    /// Port of the relay for QUIC, on 127.0.0.1.
    pub port_quic: u16,
    /// Port of the relay for TLS, on 127.0.0.1.
    pub port_tls: u16,
    /// File with the root certificate.
    pub root: PathBuf,
}

/// A daemon.
#[derive(Debug)]
pub struct Daemon {
    name: String,
    directory: PathBuf,
    process: Process,
}

impl Daemon {
    /// Makes its folder and configuration. Not started yet. `further` is a
    /// second layer of configuration.
    pub fn prepare(
        program: &Path,
        name: &str,
        directory: &Path,
        access: &GatewayAccess,
        further: &toml::Table,
    ) -> Result<Self, DaemonError> {
        let write = |path: &Path, result: std::io::Result<()>| {
            result.map_err(|source| DaemonError::Write {
                path: path.to_owned(),
                source,
            })
        };
        write(directory, std::fs::create_dir_all(directory))?;
        let socket = directory.join("twined.sock");
        if socket.as_os_str().len() > MAX_SOCKET_PATH_BYTES {
            return Err(DaemonError::PathTooLong { path: socket });
        }
        let layers = [
            ("twined.toml", config_text(directory, access)),
            ("further.toml", further.to_string()),
        ];
        let mut arguments = Vec::new();
        for (file, text) in layers {
            let path = directory.join(file);
            write(&path, std::fs::write(&path, text))?;
            arguments.extend(["--config".to_owned(), path.display().to_string()]);
        }
        Ok(Self {
            name: name.to_owned(),
            directory: directory.to_owned(),
            process: Process::new(Spec {
                name: format!("twined of {name}"),
                program: program.to_owned(),
                arguments,
                log: directory.join("twined.log"),
            }),
        })
    }

    /// Its control socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.directory.join("twined.sock")
    }

    /// Its folder.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Its process.
    pub const fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Starts it. [`connect`](Self::connect) waits until it listens.
    pub async fn start(&mut self) -> Result<(), DaemonError> {
        Ok(self.process.start().await?)
    }

    /// Connects as soon as it listens.
    pub async fn connect(
        &mut self,
        client: &str,
        roles: &[pb::Role],
    ) -> Result<Client, DaemonError> {
        let give_up = Instant::now() + READY_TIMEOUT;
        loop {
            match Client::connect(self.socket(), client, roles).await {
                Ok(client) => return Ok(client),
                // Not there yet, or the socket of one that was killed.
                Err(ConnectError::Unreachable { .. } | ConnectError::Ended(_)) => {}
                Err(source) => {
                    return Err(DaemonError::Connect {
                        name: self.name.clone(),
                        source,
                    });
                }
            }
            self.process.check()?;
            if Instant::now() >= give_up {
                return Err(self.process.not_ready().into());
            }
            sleep(LOOK_AGAIN).await;
        }
    }
}

/// In the lab one UID has all roles.
fn config_text(directory: &Path, access: &GatewayAccess) -> String {
    let uid = nix::unistd::getuid();
    format!(
        "data_dir = {data}\nsocket = {socket}\n\n[log]\nlevel = \"info\"\n\n\
         [roles]\napp = [{uid}]\ntelephony = [{uid}]\ndiagnostics = [{uid}]\n\n\
         [gateway]\nhost = \"127.0.0.1\"\nport_quic = {quic}\nport_tls = {tls}\n\
         server_name = \"{SERVER_NAME}\"\nroots = [{root}]\n",
        data = toml_text(&directory.join("data")),
        socket = toml_text(&directory.join("twined.sock")),
        quic = access.port_quic,
        tls = access.port_tls,
        root = toml_text(&access.root),
    )
}
