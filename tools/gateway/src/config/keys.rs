//! The keys of `[limits]`: one line each, with range and place.

use std::ops::RangeInclusive;
use std::time::Duration;

use twine_proto::limits::MAX_CONTENT_BYTES;

use super::GatewayConfig;

/// A whole number under `[limits]`.
pub(super) struct Limit {
    pub(super) key: &'static str,
    pub(super) says: &'static str,
    pub(super) range: RangeInclusive<u64>,
    pub(super) get: fn(&GatewayConfig) -> u64,
    /// The value lies in the range, which fits the field.
    pub(super) set: fn(&mut GatewayConfig, u64),
}

macro_rules! limits {
    ($($key:literal, $range:expr, $field:ident.$name:ident: $kind:tt, $says:literal;)*) => {
        pub(super) const LIMITS: &[Limit] = &[$(Limit {
            key: $key,
            says: $says,
            range: $range,
            get: |config| limits!(@get $kind, config.$field.$name),
            set: |config, value| config.$field.$name = limits!(@set $kind, value),
        },)*];
    };
    (@get seconds, $value:expr) => { $value.as_secs() };
    (@set seconds, $value:expr) => { Duration::from_secs($value) };
    (@get u64, $value:expr) => { $value };
    (@set u64, $value:expr) => { $value };
    (@get u32, $value:expr) => { u64::from($value) };
    (@set u32, $value:expr) => { u32::try_from($value).unwrap_or(u32::MAX) };
    (@get usize, $value:expr) => { $value as u64 };
    (@set usize, $value:expr) => { usize::try_from($value).unwrap_or(usize::MAX) };
}

const DAY_S: u64 = 24 * 3600;

limits! {
    "idle_limit_s", 30..=7 * DAY_S, core.idle_limit_s: u32,
        "a connection silent for so long is closed";
    "hello_timeout_s", 1..=600, core.hello_timeout_s: u32,
        "a connection says Hello within this";
    "handshake_timeout_s", 1..=600, net.handshake_timeout: seconds,
        "a TLS or QUIC handshake is finished within this";
    "stall_timeout_s", 1..=3600, net.stall_timeout: seconds,
        "a client that takes nothing for so long is closed";
    "max_connections", 1..=1_000_000, core.max_connections: usize,
        "connections at a time";
    "overload_retry_s", 1..=DAY_S, core.overload_retry_s: u32,
        "when those above it may come back";
    "unknown_device_retry_s", 1..=DAY_S, core.unknown_device_retry_s: u32,
        "when a device without a number may come back";
    "mailbox_messages", 1..=10_000_000, core.mailbox_entries: u32,
        "messages waiting for one number";
    "mailbox_bytes", 1024..=1 << 40, core.mailbox_bytes: u64,
        "bytes waiting for one number";
    "max_content_bytes", 1..=MAX_CONTENT_BYTES as u64, core.max_content_bytes: usize,
        "longest content of a message";
    "max_unacked_entries", 1..=200, core.max_unacked_entries: usize,
        "entries delivered on a connection and not acknowledged";
    "max_unacked_bytes", 1024..=256 * 1024, core.max_unacked_bytes: u64,
        "bytes of those; one entry always may";
    "mail_ttl_s", 60..=3650 * DAY_S, core.mail_ttl_s: u64,
        "how long mail waits before it expires";
    "expiry_check_s", 1..=DAY_S, core.expiry_check_s: u32,
        "how often expired mail is looked for";
    "hold_unseen_s", 0..=DAY_S, core.hold_unseen_s: u64,
        "after a restore: how long mail is held whose sender was not seen since";
    "reachable_valid_s", 0..=365 * DAY_S, core.reachable_valid_s: u32,
        "for how long \"reachable\" may be believed";
    "unreachable_valid_s", 0..=365 * DAY_S, core.unreachable_valid_s: u32,
        "for how long \"not reachable\" may be believed";
}
