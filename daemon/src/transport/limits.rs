//! Every limit of the transports, named once, with what happens at it.

use std::time::Duration;

use twine_proto::limits::{MAX_FRAME_BYTES, MAX_SLOTS};

/// Connections open at once: the session, its successor, and a few attempts.
/// One more is answered with `Down(Local)`.
pub const MAX_CONNECTIONS: usize = 8;
/// Closed connections that still flush. At the limit the oldest is cut.
pub const MAX_CLOSING: usize = 4;
/// Events waiting for the main loop, of all connections together. At the limit
/// sockets are not read.
pub const EVENT_QUEUE: usize = 64;
/// Bytes of frames waiting for the main loop, as they were on the wire, of all
/// connections together. At the limit sockets are not read.
pub const EVENT_QUEUE_BYTES: usize = 128 * 1024;
/// Bytes waiting to be written on one connection. At the limit the connection
/// ends with `Down(Local)`. Holds the longest message of every identity and as
/// much again as one frame for the small ones: the engine's own window
/// ends before this does.
pub const SEND_QUEUE_BYTES: usize = (MAX_SLOTS + 1) * MAX_FRAME_BYTES;
/// Read from a socket at once; also what an idle connection keeps for it.
pub const READ_CHUNK_BYTES: usize = 4 * 1024;
/// What the gateway may have under way to us on QUIC, for the one stream and
/// for the connection. One frame fits, and at 1.3 s of round trip it is
/// still 800 kbit/s.
pub const QUIC_RECEIVE_WINDOW: u32 = 128 * 1024;
/// Written to QUIC and not yet acknowledged. Beyond it bytes wait in our queue.
pub const QUIC_SEND_WINDOW: u64 = 64 * 1024;
/// Largest UDP payload either way: the least that QUIC allows. Makes probing
/// for more pointless for the gateway, too, and a receive buffer 38 KiB.
pub const QUIC_PAYLOAD_BYTES: u16 = 1200;
/// Plain and sealed bytes that rustls may hold on the way out.
pub const TLS_BUFFER_BYTES: usize = 16 * 1024;
/// Largest TLS record sent: a receiver can open it only when all of it is
/// there. Costs 22 bytes a record.
pub const TLS_RECORD_BYTES: usize = 4 * 1024;
/// Gateways (names) whose session tickets are kept in memory; rustls keeps at
/// most eight for each.
pub const TLS_SESSIONS: usize = 1;
/// Moves of one connection not carried out yet. One more ends it with
/// `Down(Local)`.
pub const MAX_MOVES: usize = 4;
/// Name look-ups under way; each holds a thread, and one that hangs cannot be
/// stopped. One more is answered with `Down(Unreachable)`.
pub const MAX_LOOKUPS: usize = 2;
/// Addresses of the gateway that one attempt tries; the rest is ignored.
pub const MAX_ADDRESSES: usize = 4;
/// A closed connection may flush that long, then it is cut.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// After a write failed, what the gateway said before is read for that long.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection closed while the daemon stops may flush that long.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);
/// A round trip is reported when it moved by more than this since last time.
pub const RTT_CHANGE_PERCENT: u32 = 25;
/// Size of a device key file; what is longer is none.
pub const MAX_KEY_FILE_BYTES: u64 = 1024;
/// Characters of a reason in `DownReason`; the rest is cut.
pub const MAX_REASON_CHARS: usize = 160;

// A frame that does not fit the queue could never be delivered.
const _: () = assert!(EVENT_QUEUE_BYTES >= MAX_FRAME_BYTES);
const _: () = assert!(QUIC_RECEIVE_WINDOW as usize >= MAX_FRAME_BYTES);
