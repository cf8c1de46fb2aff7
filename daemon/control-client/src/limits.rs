//! Every limit of the client, named once.

/// Requests that wait for their reply. Further ones wait for their turn (the
/// blocking client has one at a time). Half of what the daemon allows.
pub const MAX_OPEN_REQUESTS: usize = 32;
/// Requests and reports that wait to be written; further ones wait.
pub const WRITE_QUEUE: usize = 32;
/// Bytes of events and orders that wait to be taken. Beyond it the socket is read only
/// while a reply is awaited, so that the daemon sends no more of them.
pub const EVENT_QUEUE_BYTES: usize = 256 * 1024;
/// Bytes of events and orders read while waiting for a reply; beyond it the connection is
/// ended rather than the memory filled.
pub const MAX_EVENT_QUEUE_BYTES: usize = 8 * 1024 * 1024;
/// One read of the socket.
pub const READ_CHUNK_BYTES: usize = 16 * 1024;
/// The daemon takes no bytes for so long: the connection is ended (feature
/// `raw`).
pub const WRITE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);
/// The longest that a request waits for its reply (feature `raw`); more is
/// taken as this.
pub const LONGEST_WAIT: std::time::Duration = std::time::Duration::from_secs(24 * 3600);
