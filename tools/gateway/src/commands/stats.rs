//! `stats`: what is in the database. Read beside a running server.

use std::fs;

use crate::config::GatewayConfig;
use crate::sqlite::{FILE_NAME, SCHEMA_VERSION, SqliteStorage};
use twine_out::sayln;

/// Prints one `name value` line for each fact.
pub(crate) fn print(config: &GatewayConfig) -> anyhow::Result<()> {
    let storage = SqliteStorage::open(&config.data_dir)?;
    let facts = [
        ("numbers", "SELECT count(*) FROM number"),
        (
            "numbers_bound",
            "SELECT count(*) FROM number WHERE device IS NOT NULL",
        ),
        ("devices_seen", "SELECT count(*) FROM device"),
        ("epochs_kept", "SELECT count(*) FROM stream"),
        ("outcomes_kept", "SELECT count(*) FROM sent"),
        (
            "messages_waiting",
            "SELECT coalesce(sum(messages), 0) FROM mailbox",
        ),
        (
            "read_marks_waiting",
            "SELECT coalesce(sum(marks), 0) FROM mailbox",
        ),
        (
            "mailbox_bytes",
            "SELECT coalesce(sum(bytes), 0) FROM mailbox",
        ),
        (
            "largest_mailbox",
            "SELECT coalesce(max(messages), 0) FROM mailbox",
        ),
    ];
    for (name, sql) in facts {
        let value: i64 = storage.connection().query_row(sql, [], |row| row.get(0))?;
        sayln!("{name:<19} {value}");
    }
    sayln!("{:<19} {SCHEMA_VERSION}", "schema_version");
    for (name, suffix) in [("database_bytes", ""), ("wal_bytes", "-wal")] {
        let file = config.data_dir.join(format!("{FILE_NAME}{suffix}"));
        match fs::metadata(&file) {
            Ok(metadata) => sayln!("{name:<19} {}", metadata.len()),
            Err(error) => sayln!("{name:<19} cannot be read: {error}"),
        }
    }
    Ok(())
}
