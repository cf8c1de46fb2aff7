//! `restored`: the operator says that the database came back from a backup.

use std::time::{SystemTime, UNIX_EPOCH};

use twine_gateway_core::{Storage, Tx, restored};

use crate::config::GatewayConfig;
use crate::server;
use crate::sqlite::SqliteStorage;
use twine_out::sayln;

/// Refused while a server runs: its core must not have served from the old
/// records meanwhile.
pub(crate) fn mark(config: &GatewayConfig) -> anyhow::Result<()> {
    let mut storage = SqliteStorage::open(&config.data_dir)?;
    let _lock = server::lock(config)?;
    let unix_s = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let mut tx = storage.begin()?;
    restored(&mut tx, unix_s)?;
    tx.commit()?;
    sayln!(
        "all mail that waits counts as handed over; of senders not seen from now on it is held {} s",
        config.core.hold_unseen_s
    );
    Ok(())
}
