//! `provision`, `unprovision`, `list`: which number is bound to which device.
//! They work beside a running server, which looks at each frame.

use std::fmt::Write as _;

use anyhow::Context;
use twine_gateway_core::{DeviceKey, Provisioned, Storage, Tx, provision, unprovision};
use twine_proto::E164;

use crate::config::GatewayConfig;
use crate::sqlite::SqliteStorage;
use twine_out::sayln;

/// Binds a number; creates the database if the server never ran.
pub(crate) fn bind(config: &GatewayConfig, number: E164, key: DeviceKey) -> anyhow::Result<()> {
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("cannot create data_dir {}", config.data_dir.display()))?;
    let mut storage = SqliteStorage::create(&config.data_dir)?;
    let mut tx = storage.begin()?;
    let done = provision(&mut tx, number, key)?;
    tx.commit()?;
    let number = number.expose();
    match done {
        Provisioned::Bound => sayln!("{number} is bound to device {}", hex(&key)),
        Provisioned::Unchanged => sayln!("{number} was bound to this device already"),
        Provisioned::Moved => sayln!(
            "{number} is bound to device {} now; the device before has lost it",
            hex(&key)
        ),
    }
    Ok(())
}

/// Unbinds a number; `false`: it was not bound.
pub(crate) fn unbind(config: &GatewayConfig, number: E164) -> anyhow::Result<bool> {
    let mut storage = SqliteStorage::open(&config.data_dir)?;
    let mut tx = storage.begin()?;
    let was_bound = unprovision(&mut tx, number)?;
    tx.commit()?;
    if was_bound {
        sayln!("{} is not bound any more; its mail waits", number.expose());
    }
    Ok(was_bound)
}

/// Prints every number with its device, epoch and waiting mail.
pub(crate) fn list(config: &GatewayConfig) -> anyhow::Result<()> {
    let storage = SqliteStorage::open(&config.data_dir)?;
    let mut statement = storage.connection().prepare(
        "SELECT number.number, device, epoch, coalesce(messages, 0), coalesce(bytes, 0)
         FROM number LEFT JOIN mailbox ON owner = number.number ORDER BY number.number",
    )?;
    let mut rows = statement.query([])?;
    sayln!(
        "{:<17} {:>6} {:>7} {:>9}  device",
        "number",
        "epoch",
        "waiting",
        "bytes"
    );
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let device: Option<[u8; 32]> = row.get(1)?;
        let device = device.map_or_else(|| "not bound".to_owned(), |key| hex(&DeviceKey(key)));
        let (epoch, waiting, bytes): (u32, u32, i64) = (row.get(2)?, row.get(3)?, row.get(4)?);
        sayln!("+{number:<16} {epoch:>6} {waiting:>7} {bytes:>9}  {device}");
    }
    Ok(())
}

fn hex(key: &DeviceKey) -> String {
    key.0.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A device key as `twinectl register` shows it.
pub(crate) fn parse_key(text: &str) -> Result<DeviceKey, String> {
    let wrong = || "a device key is 64 hexadecimal digits".to_owned();
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let mut key = [0; 32];
    for (index, byte) in key.iter_mut().enumerate() {
        let digits = text.get(2 * index..2 * index + 2).ok_or_else(wrong)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
    }
    Ok(DeviceKey(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_shown() {
        let key = DeviceKey(std::array::from_fn(|index| index as u8 * 7));
        assert_eq!(parse_key(&hex(&key)), Ok(key));
        for wrong in ["", "00", &"g".repeat(64), &"é".repeat(32)] {
            parse_key(wrong).unwrap_err();
        }
    }
}
