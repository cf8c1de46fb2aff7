//! The core's settings. Each has a default and a unit in its doc; the gateway
//! reads them from TOML.

use twine_proto::limits::MAX_CONTENT_BYTES;

/// Settings of the core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How long a connection may take to say `Hello`. Default 30 s: a slow
    /// uplink may need several round trips for the frame after the handshake.
    pub hello_timeout_s: u32,
    /// How long a silent connection is kept; told to the handset. Default
    /// 30 min: longer than any heartbeat a handset settles on by UDP.
    pub idle_limit_s: u32,
    /// Connections at a time. More are told `Overloaded`. Default 100,000.
    pub max_connections: usize,
    /// When a handset that was told `Overloaded` may come back. Default 60 s.
    pub overload_retry_s: u32,
    /// "host:port" of another gateway, told to handsets when this one drains;
    /// empty: none. Its certificate has to carry the same name. Default: none.
    pub drain_redirect: String,
    /// When a device without a number may come back. Default 30 s.
    pub unknown_device_retry_s: u32,
    /// Messages waiting in one mailbox; more are refused. Default 10,000.
    pub mailbox_entries: u32,
    /// Bytes waiting in one mailbox; more are refused. Default 16 MiB.
    pub mailbox_bytes: u64,
    /// Longest content; longer is refused. Default: what a frame may hold.
    pub max_content_bytes: usize,
    /// Entries delivered on one connection and not acknowledged. Default 64.
    pub max_unacked_entries: usize,
    /// Bytes of such entries; one entry always may. Default 128 KiB.
    pub max_unacked_bytes: u64,
    /// How long mail is kept, seconds of wall clock. Default 30 days.
    pub mail_ttl_s: u64,
    /// How often old mail is looked for. Default 60 s.
    pub expiry_check_s: u32,
    /// How long after a restore from a backup the mail of senders is held that were
    /// not seen since, seconds (DELIVERY 7). Default 1 h.
    pub hold_unseen_s: u64,
    /// For how long a handset may believe that a number is reachable.
    /// Default 24 h.
    pub reachable_valid_s: u32,
    /// For how long a handset may believe that it is not. Default 1 h.
    pub unreachable_valid_s: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hello_timeout_s: 30,
            idle_limit_s: 30 * 60,
            max_connections: 100_000,
            overload_retry_s: 60,
            drain_redirect: String::new(),
            unknown_device_retry_s: 30,
            mailbox_entries: 10_000,
            mailbox_bytes: 16 << 20,
            max_content_bytes: MAX_CONTENT_BYTES,
            max_unacked_entries: 64,
            max_unacked_bytes: 128 << 10,
            mail_ttl_s: 30 * 24 * 3600,
            expiry_check_s: 60,
            hold_unseen_s: 3600,
            reachable_valid_s: 24 * 3600,
            unreachable_valid_s: 3600,
        }
    }
}
