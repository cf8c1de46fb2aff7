//! Every limit of the server around the core that is no setting. What happens at
//! each is said beside it.

use std::time::Duration;

/// Inputs waiting for the core. Beyond it connections stop reading their
/// sockets.
pub const MAX_WAITING_INPUTS: usize = 4096;
/// Inputs of one turn, and so of one commit.
pub const MAX_INPUTS_PER_TURN: usize = 512;
/// Frames waiting to be sent on one connection. Above what a turn's answers to
/// the largest `Hello` can be; beyond it the client is too slow and is closed.
pub const MAX_QUEUED_FRAMES: usize = 1024;
/// Bytes of those frames, roughly. Above what may be unacknowledged (128 KiB) and
/// one more of the largest.
pub const MAX_QUEUED_BYTES: usize = 512 * 1024;
/// What one write may gather.
pub const WRITE_BATCH_BYTES: usize = 32 * 1024;
/// What one read may bring.
pub const READ_CHUNK_BYTES: usize = 8 * 1024;
/// Handshakes at a time, for each transport. Beyond it QUIC asks clients to prove
/// their address and then refuses; TCP lets them wait in the kernel's queue.
pub const MAX_HANDSHAKES: usize = 512;
/// QUIC handshakes from which on clients have to prove their address first.
pub const RETRY_FROM_HANDSHAKES: usize = MAX_HANDSHAKES / 4;
/// Connections above `max_connections` that may stay for as long as it takes to
/// tell them so. Beyond it they are dropped.
pub const OVERLOAD_HEADROOM: usize = 256;
/// TLS sessions kept for resumption, two for each connection that was made; beyond it
/// the oldest are forgotten. Some 300 bytes of disk each.
pub const MAX_TLS_SESSIONS: usize = 32_768;
/// A session is resumed no later: what rustls tells clients.
pub const TLS_SESSION_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// How long closing may take: what was sent has to be acknowledged.
pub const LINGER: Duration = Duration::from_secs(5);
/// How long draining may take in all.
pub const DRAIN: Duration = Duration::from_secs(10);
/// A handset told to come back after the gateway drained.
pub const DRAIN_RETRY_S: u32 = 2;
/// Wait after a failed `accept`, for example for lack of file descriptors.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Longest configuration file, bytes.
pub const MAX_CONFIG_BYTES: u64 = 64 * 1024;
