//! The server: storage, core and listeners, from start to drained.
//!
//! Owns the order of both. Starting: lock, database, sockets, then ready.
//! Stopping: no new connections, everybody is told and flushed, then the core,
//! then the database.

use std::fs::{File, TryLockError};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use thiserror::Error;
use tokio::time::timeout;
use twine_gateway_core::Counters;

use crate::config::GatewayConfig;
use crate::limits::DRAIN;
use crate::net::tls::{self, TlsError};
use crate::net::{QuicListener, Service, TcpListener};
use crate::sqlite::{Sessions, SqliteError, SqliteStorage};
use crate::worker;

/// Its lock is held by the one server that may use a data directory.
const LOCK_FILE: &str = "lock";

/// Why the server does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The data directory.
    #[error("cannot create or use data_dir {path}")]
    DataDir {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another server has it.
    #[error("another server is using data_dir {path}; stop it or use another directory")]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// The database.
    #[error(transparent)]
    Storage(#[from] SqliteError),
    /// Certificate or key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A socket.
    #[error("cannot listen on {key} = {address}")]
    Listen {
        /// The key in the configuration.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The core's thread.
    #[error("cannot start the core's thread")]
    Thread(#[source] io::Error),
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    service: Service,
    quic: Option<(QuicListener, SocketAddr)>,
    tls_address: Option<SocketAddr>,
    listeners: Vec<tokio::task::JoinHandle<()>>,
    core: JoinHandle<Counters>,
    /// Unlocked when it is dropped, last.
    _lock: File,
}

impl Server {
    /// Starts everything; when this returns, clients can connect.
    pub async fn start(config: &GatewayConfig) -> Result<Self, StartError> {
        let lock = lock(config)?;
        let storage = SqliteStorage::create(&config.data_dir)?;
        let mut tls = tls::server_tls(&config.cert, &config.key)?;
        let seal = tls.derive_key(b"twine gateway: TLS sessions");
        match Sessions::open(&config.data_dir, &seal) {
            Ok(sessions) => tls.keep_sessions(Arc::new(sessions)),
            // The same as ever, but for what a full handshake costs.
            Err(error) => log::warn!("event=no_tls_sessions error=\"{error}\""),
        }
        let listen = |key, address| {
            move |source| StartError::Listen {
                key,
                address,
                source,
            }
        };
        let idle_limit = Duration::from_secs(config.core.idle_limit_s.into());
        let mut quic = None;
        if let Some(address) = config.listen_quic {
            let failed = listen("listen_quic", address);
            let listener = QuicListener::bind(address, &tls, idle_limit).map_err(failed)?;
            let bound = listener.local_addr().map_err(failed)?;
            quic = Some((listener, bound));
        }
        let mut tcp = None;
        if let Some(address) = config.listen_tls {
            let failed = listen("listen_tls", address);
            let listener = TcpListener::bind(address, &tls).map_err(failed)?;
            let bound = listener.local_addr().map_err(failed)?;
            tcp = Some((listener, bound));
        }
        let (hub, core) =
            worker::spawn(config.core.clone(), storage).map_err(StartError::Thread)?;
        let service = Service::new(hub, config.net.clone(), config.core.max_connections);
        let tls_address = tcp.as_ref().map(|(_, address)| *address);
        let mut listeners = Vec::new();
        if let Some((listener, _)) = &quic {
            listeners.push(tokio::spawn(listener.clone().run(service.clone())));
        }
        if let Some((listener, _)) = tcp {
            listeners.push(tokio::spawn(listener.run(service.clone())));
        }
        Ok(Self {
            service,
            quic,
            tls_address,
            listeners,
            core,
            _lock: lock,
        })
    }

    /// Where QUIC listens.
    #[must_use]
    pub fn quic_address(&self) -> Option<SocketAddr> {
        self.quic.as_ref().map(|(_, address)| *address)
    }

    /// Where TLS over TCP listens.
    #[must_use]
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.tls_address
    }

    /// Resolves if the core's thread ends by itself: nothing can be served then.
    pub async fn failed(&self) {
        self.service.hub.stopped().await;
    }

    /// Tells everybody to come back after `retry_after_s`, flushes, and stops.
    /// Returns what was counted; `None` if the core had died.
    pub async fn drain(self, retry_after_s: u32) -> Option<Counters> {
        for listener in self.listeners {
            listener.abort();
            let _ = listener.await;
        }
        let _ = self.service.hub.drain(retry_after_s).await;
        if timeout(DRAIN, self.service.idle()).await.is_err() {
            log::warn!("event=drain_timeout left_behind=true");
        }
        if let Some((listener, _)) = &self.quic {
            listener.close().await;
        }
        drop(self.service);
        let core = self.core;
        // Its last commit is at most one disk write away.
        tokio::task::spawn_blocking(|| core.join().ok())
            .await
            .ok()
            .flatten()
    }
}

/// Held by whoever may use a data directory alone.
pub(crate) fn lock(config: &GatewayConfig) -> Result<File, StartError> {
    let path = &config.data_dir;
    let failed = |source| StartError::DataDir {
        path: path.clone(),
        source,
    };
    std::fs::create_dir_all(path).map_err(failed)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.join(LOCK_FILE))
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse { path: path.clone() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}
