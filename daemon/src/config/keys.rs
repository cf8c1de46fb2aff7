//! Every key of the configuration: its name, its kind with the range, and
//! where its value goes. What is printed as "allowed" is made from the same
//! entry that checks it.

use std::time::Duration;

use super::Config;
use super::value::Field;
use crate::limits::{FLIGHT_RECORDER_RECORDS_MOST, MAX_CLIENTS_MOST};

/// One key.
pub(super) struct Key {
    /// With its table.
    pub(super) name: &'static str,
    /// Whether a file must set it.
    pub(super) required: bool,
    pub(super) field: Field,
}

const fn key(name: &'static str, field: Field) -> Key {
    Key {
        name,
        required: false,
        field,
    }
}

const fn required(name: &'static str, field: Field) -> Key {
    Key {
        name,
        required: true,
        field,
    }
}

/// A time in milliseconds; the range keeps typing errors from draining the
/// battery or silencing the session.
const fn time(least_ms: u64, most_ms: u64, at: fn(&mut Config) -> &mut Duration) -> Field {
    Field::Millis {
        least_ms,
        most_ms,
        at,
    }
}

/// A time that a person waits, in seconds.
const fn patience(least_s: u64, most_s: u64, at: fn(&mut Config) -> &mut Duration) -> Field {
    Field::Seconds {
        least_s,
        most_s,
        at,
    }
}

const HOUR_S: u64 = 3600;
const DAY_S: u64 = 24 * HOUR_S;
const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// All of them, in the order of `--check-config`.
pub(super) static KEYS: [Key; 32] = [
    // Where store, device key and lock live.
    key("data_dir", Field::Path(|c| &mut c.data_dir)),
    // Control socket; the one that init made of this file name, if it did.
    key("socket", Field::Path(|c| &mut c.socket)),
    key("log.level", Field::Level(|c| &mut c.log_level)),
    // UIDs that may ask for each role on the control socket.
    key("roles.app", Field::Uids(|c| &mut c.roles.app)),
    key("roles.telephony", Field::Uids(|c| &mut c.roles.telephony)),
    key(
        "roles.diagnostics",
        Field::Uids(|c| &mut c.roles.diagnostics),
    ),
    // Whether the user's "block connections without VPN" holds for the daemon.
    key(
        "network.vpn_lockdown",
        Field::VpnLockdown(|c| &mut c.engine.vpn_lockdown),
    ),
    // Whether mobile data may be moved to a card whose bundle is spent.
    key(
        "network.spent_bundle",
        Field::SpentBundle(|c| &mut c.engine.spent_bundle),
    ),
    // Name or address of the gateway.
    required("gateway.host", Field::Text(|c| &mut c.gateway.host)),
    key(
        "gateway.port_quic",
        Field::Port(|c| &mut c.gateway.port_quic),
    ),
    key("gateway.port_tls", Field::Port(|c| &mut c.gateway.port_tls)),
    // The name in the gateway's certificate; the host, if not set.
    key(
        "gateway.server_name",
        Field::ServerName(|c| &mut c.gateway.server_name),
    ),
    // The only certificates trusted; relative to the file that names them.
    required("gateway.roots", Field::Files(|c| &mut c.root_files)),
    // What each time means, and its default's reason: `engine/src/config.rs`.
    key(
        "engine.transports",
        Field::Transports(|c| &mut c.engine.transports),
    ),
    key(
        "engine.connect_timeout_ms",
        time(100, HOUR_MS, |c| &mut c.engine.connect_timeout),
    ),
    key(
        "engine.welcome_timeout_ms",
        time(100, HOUR_MS, |c| &mut c.engine.welcome_timeout),
    ),
    key(
        "engine.heartbeat_ms",
        // Zero: learned.
        time(0, DAY_MS, |c| &mut c.engine.heartbeat),
    ),
    key(
        "engine.answer_timeout_ms",
        time(100, HOUR_MS, |c| &mut c.engine.answer_timeout),
    ),
    key(
        "engine.backoff_first_ms",
        time(10, HOUR_MS, |c| &mut c.engine.backoff_first),
    ),
    key(
        "engine.backoff_max_ms",
        time(10, DAY_MS, |c| &mut c.engine.backoff_max),
    ),
    key(
        "engine.not_bound_retry_ms",
        time(1000, 7 * DAY_MS, |c| &mut c.engine.not_bound_retry),
    ),
    // Whether this device sends SMS at all.
    key("engine.sms", Field::Flag(|c| &mut c.engine.sms)),
    // How long IP may take before a message falls back to SMS.
    key(
        "engine.no_link_patience_s",
        patience(0, HOUR_S, |c| &mut c.engine.no_link_patience),
    ),
    key(
        "engine.accept_patience_s",
        patience(1, HOUR_S, |c| &mut c.engine.accept_patience),
    ),
    key(
        "engine.delivery_patience_s",
        patience(1, DAY_S, |c| &mut c.engine.delivery_patience),
    ),
    key(
        "engine.doubt_patience_s",
        patience(1, DAY_S, |c| &mut c.engine.doubt_patience),
    ),
    // Longer ones wait for the user's word; 0: each one does.
    key(
        "engine.max_parts_unasked",
        Field::Byte(|c| &mut c.engine.max_parts_unasked),
    ),
    // `transport/config.rs`. Zero: only the gateway's idle time-out holds.
    key(
        "transport.connect_timeout_ms",
        time(100, HOUR_MS, |c| &mut c.gateway.connect_timeout),
    ),
    key(
        "transport.idle_timeout_ms",
        time(0, DAY_MS, |c| &mut c.gateway.idle_timeout),
    ),
    key(
        "transport.unacked_timeout_ms",
        time(1000, HOUR_MS, |c| &mut c.gateway.unacked_timeout),
    ),
    key(
        "limits.control_clients",
        Field::Count {
            least: 2,
            most: MAX_CLIENTS_MOST,
            at: |c| &mut c.max_clients,
        },
    ),
    key(
        "limits.flight_recorder_records",
        Field::Count {
            least: 0,
            most: FLIGHT_RECORDER_RECORDS_MOST,
            at: |c| &mut c.flight_recorder_records,
        },
    ),
];

/// Which key has this name.
pub(super) fn index(name: &str) -> Option<usize> {
    KEYS.iter().position(|key| key.name == name)
}

/// Whether there are keys in a table of this name.
pub(super) fn is_table(name: &str) -> bool {
    KEYS.iter().any(|key| {
        key.name
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('.'))
    })
}
