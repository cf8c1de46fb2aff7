//! Every limit of the daemon outside engine, store and transports, named
//! once, with what happens at it.

use std::time::Duration;

// -- main loop ----------------------------------------------------------------

/// Inputs taken from one source in one turn, so that a flood from one cannot
/// keep the others and the timer waiting. The rest comes in the next turn.
pub const MAX_INPUTS_PER_TURN: usize = 64;
/// Before a deadline is handed to the engine all input that is readable has to
/// be (DELIVERY 23): so often other tasks get their turn to read their sockets.
/// A datagram takes four steps to become a frame (socket, QUIC endpoint, QUIC
/// connection, stream); twice that is granted.
pub const SETTLE_ROUNDS: usize = 8;
/// Turns in a row in which a due deadline gives way to a flood of input.
pub const MAX_TIMEOUT_DEFERRALS: usize = 16;
/// Reads at the store at the same time, of all clients. More wait in their
/// client's queue.
pub const MAX_READS: usize = 8;
/// The batch that is being stored may take so long when the daemon stops; then
/// it stops anyway, which is as safe as being killed.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(3);
/// Decisions kept in memory for diagnostics; the oldest are overwritten and
/// counted. 96 bytes each, more or less.
pub const FLIGHT_RECORDER_RECORDS: u16 = 512;
/// The most a maker may ask for.
pub const FLIGHT_RECORDER_RECORDS_MOST: u16 = u16::MAX;

// -- control socket -----------------------------------------------------------

/// Connections at the same time; one more is told "busy" and closed.
pub const MAX_CLIENTS: u16 = 16;
/// The most a maker may ask for.
pub const MAX_CLIENTS_MOST: u16 = 256;
/// Messages of all clients that wait for the loop. At the limit no more is
/// read from their sockets.
pub const CONTROL_QUEUE: usize = 16;
/// Read from a client's socket at once.
pub const CONTROL_READ_BYTES: usize = 4 * 1024;
/// Requests of one client without reply; further ones are answered "busy".
/// Twice what our own client library opens.
pub const MAX_OPEN_REQUESTS: usize = 64;
/// Bytes waiting to be written to one client. At the limit it is disconnected:
/// it does not read what it asked for.
pub const MAX_SEND_QUEUE_BYTES: usize = 2 * 1024 * 1024;
/// A page or the next events are read from the store for a client only while
/// less than this waits for it.
pub const READ_AHEAD_BYTES: usize = 64 * 1024;
/// A client that takes nothing for so long while something waits for it is
/// disconnected when there is more to tell. A frozen app loses nothing by it:
/// it goes on from its event cursor.
pub const SLOW_AFTER: Duration = Duration::from_secs(30);
/// A client must greet within this.
pub const GREETING_TIMEOUT: Duration = Duration::from_secs(5);
/// A client that is disconnected has so long to read why.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Pause after the system refused to accept a connection (out of files).
pub const ACCEPT_RETRY: Duration = Duration::from_secs(1);
/// Items of a page: most and default.
pub const MAX_PAGE: usize = 200;
/// See [`MAX_PAGE`].
pub const DEFAULT_PAGE: usize = 50;
/// Bytes of a page; it is cut behind the message that reaches this, with
/// `more` set.
pub const MAX_PAGE_BYTES: usize = 256 * 1024;
/// Events read from the log at once for one client.
pub const EVENTS_PER_READ: usize = 32;
/// Numbers in one look-up: what fits one frame to the gateway.
pub const MAX_LOOKUP_NUMBERS: usize = twine_proto::limits::MAX_LOOKUP_NUMBERS;
/// Length of a card number (ICCID): ITU-T E.118 has at most 22 digits.
pub const MAX_ICCID_BYTES: usize = 32;
/// Name of an operator, bytes; what is longer is cut off.
pub const MAX_OPERATOR_BYTES: usize = 64;
/// Longest interface name, as in Linux (`IFNAMSIZ` without its zero).
pub const MAX_INTERFACE_BYTES: usize = 15;

// -- configuration ------------------------------------------------------------

/// Length of a name or path in the configuration.
pub const MAX_CONFIG_TEXT_BYTES: usize = 4096;
/// Root files.
pub const MAX_ROOT_FILES: usize = 16;
/// UIDs of one role.
pub const MAX_ROLE_UIDS: usize = 64;

// A page is queued only below the read-ahead mark, so it always fits.
const _: () = assert!(READ_AHEAD_BYTES + 4 * MAX_PAGE_BYTES <= MAX_SEND_QUEUE_BYTES);
const _: () = assert!(MAX_PAGE_BYTES * 2 <= twine_proto::limits::MAX_CONTROL_FRAME_BYTES);
