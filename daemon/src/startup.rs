//! From settings to a running daemon: folder, lock, device key, store,
//! transports, control socket, in this order.
//!
//! Whatever is missing or broken here ends the start with an error that names
//! it; only a damaged store is mended, because a phone without messages is no
//! better than one without a daemon.

use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File};
use std::future::Future;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};
use thiserror::Error;
use twine_engine::Engine;
use twine_engine::store_ops::Snapshot;
use twine_store::{StoreError, salvage};

use crate::clock;
use crate::config::Config;
use crate::control::{About, Control, ListenError, listen};
use crate::driver::{Driver, Fault};
use crate::recorder::Recorder;
use crate::sqlite_log;
use crate::store_link::StoreLink;
use crate::transport::{DeviceKey, DeviceKeyError, SetupError, Transports};

/// Version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

const LOCK_FILE: &str = "lock";
const KEY_FILE: &str = "device.key";
const STORE_FILE: &str = "twine.db";
/// Only the daemon's own user.
const FOLDER_MODE: u32 = 0o700;

/// Why the daemon cannot start, or had to end.
#[derive(Debug, Error)]
pub enum RunError {
    /// The data folder cannot be made or used.
    #[error("cannot use the data folder {}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Somebody has it.
    #[error("{} is in use: another daemon runs on this data folder", path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
    },
    /// See there.
    #[error(transparent)]
    DeviceKey(#[from] DeviceKeyError),
    /// The store cannot be opened, and not mended either.
    #[error("cannot open the store {}", path.display())]
    Store {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The transports do not take the gateway's settings.
    #[error("the gateway's settings cannot be used")]
    Gateway(#[from] SetupError),
    /// See there.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// No runtime, no random numbers: the system is out of something.
    #[error("the system does not give {what}")]
    System {
        /// What is missing.
        what: &'static str,
        /// What it says.
        #[source]
        source: io::Error,
    },
    /// It ran, and could not go on.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Runs the daemon until told to stop. Call it within a tokio runtime with I/O
/// and time.
pub async fn run(config: Config, stop: impl Future<Output = ()>) -> Result<(), RunError> {
    let _lock = lock(&config.data_dir)?;
    let store_file = config.data_dir.join(STORE_FILE);
    let driver = assemble(config, &store_file)?;
    log::info!("twined {VERSION} is ready");
    let ended = driver.run(stop).await;
    if let Err(Fault::StoreDamaged(what)) = &ended {
        // Closed by now. Mending it here leaves the next start as fast as any.
        log::error!("the store is damaged, salvaging it: {what}");
        mend(&store_file)?;
    }
    Ok(ended?)
}

fn assemble(config: Config, store_file: &Path) -> Result<Driver, RunError> {
    let started = clock::now();
    let key = DeviceKey::load_or_create(config.data_dir.join(KEY_FILE))?;
    let device_key = hex(&key.public());
    let transports = Transports::new(config.gateway, &key)?;
    let (store, snapshot) = open_store(store_file)?;
    let latest = snapshot.latest_event;
    log::info!(
        "device key {device_key}, {} identities, {} messages under way",
        snapshot.identities.len(),
        snapshot.outbox
    );
    let seed = random()?;
    let engine = Engine::new(config.engine, seed, clock::boot_id(), started, snapshot);
    let about = About {
        version: VERSION,
        started,
        device_key,
    };
    // Last, so that whoever can connect is served.
    let listener = listen(&config.socket)?;
    let control = Control::new(listener, config.max_clients, config.roles, about, latest).map_err(
        |source| RunError::System {
            what: "a place for the control socket",
            source,
        },
    )?;
    let recorder = Recorder::new(config.flight_recorder_records);
    Ok(Driver::new(engine, store, transports, control, recorder)?)
}

/// Makes the folder if needed, and takes it for this process.
fn lock(folder: &Path) -> Result<File, RunError> {
    let wrong = |source| RunError::Folder {
        path: folder.to_owned(),
        source,
    };
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(folder)
        .map_err(wrong)?;
    let path = folder.join(LOCK_FILE);
    let lock = File::create(&path).map_err(wrong)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => Err(RunError::Locked { path }),
        Err(fs::TryLockError::Error(source)) => Err(wrong(source)),
    }
}

fn open_store(path: &Path) -> Result<(StoreLink, Snapshot), RunError> {
    sqlite_log::install();
    let wrong = |source| RunError::Store {
        path: path.to_owned(),
        source,
    };
    match StoreLink::open(path) {
        Err(StoreError::Corrupt { what }) => {
            log::error!("the store is damaged, salvaging it: {what}");
            mend(path)?;
            StoreLink::open(path).map_err(wrong)
        }
        opened => opened.map_err(wrong),
    }
}

fn mend(path: &Path) -> Result<(), RunError> {
    let report = salvage(path).map_err(|source| RunError::Store {
        path: path.to_owned(),
        source,
    })?;
    log::warn!(
        "salvaged {} messages, {} identities, {} tokens and {} clients; {} rows or ranges were \
         unreadable; the damaged file is kept as {}",
        report.messages,
        report.identities,
        report.tokens,
        report.clients,
        report.unreadable,
        report.kept.display()
    );
    Ok(())
}

fn random() -> Result<u64, RunError> {
    let mut seed = [0; size_of::<u64>()];
    SystemRandom::new()
        .fill(&mut seed)
        .map_err(|_| RunError::System {
            what: "random numbers",
            source: io::ErrorKind::Other.into(),
        })?;
    Ok(u64::from_ne_bytes(seed))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// An error with its causes on one line.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_folder_is_for_one_daemon() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        let first = lock(&folder).unwrap();
        assert!(matches!(lock(&folder), Err(RunError::Locked { .. })));
        drop(first);
        lock(&folder).unwrap();
    }

    #[test]
    fn an_error_tells_its_causes() {
        let error = RunError::Folder {
            path: "/data".into(),
            source: io::Error::other("no space"),
        };
        assert_eq!(chain(&error), "cannot use the data folder /data: no space");
    }
}
