//! Every limit of the lab, named once.

use std::time::Duration;

/// Handsets in a scenario: each is a process.
pub const MAX_HANDSETS: usize = 16;
/// Links of one handset.
pub const MAX_LINKS: usize = 8;
/// Actions in a timeline.
pub const MAX_ACTIONS: usize = 1_000;
/// Messages of one scenario: verdicts are kept in memory.
pub const MAX_MESSAGES: u64 = 100_000;
/// Longest run, and longest point in time a scenario may name.
pub const MAX_RUN_S: f64 = 86_400.0;
/// Size of a scenario or profile file.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// Size of a trace file: an hour at 12 Mbit/s is 25 MB.
pub const MAX_TRACE_BYTES: u64 = 64 * 1024 * 1024;
/// UDP flows (source address and port) kept for one link; the one idle for
/// longest makes room, as in a carrier's NAT.
pub const MAX_FLOWS_PER_LINK: usize = 64;
/// TCP connections through the relay at one time.
pub const MAX_TCP_CONNECTIONS: usize = 256;
/// Inputs that wait for one direction of a link; more datagrams are dropped.
pub const PIPE_INPUTS: usize = 1024;
/// Bytes of one TCP connection and direction inside the relay: its window.
pub const TCP_WINDOW_BYTES: u32 = 64 * 1024;
/// A chunk counts for at least this much of the window, so that its number of
/// chunks is bounded, too.
pub const TCP_CHUNK_MIN_BYTES: u32 = 256;
/// Chunks of one TCP connection that wait to be written.
pub const TCP_CHUNKS: usize = (TCP_WINDOW_BYTES / TCP_CHUNK_MIN_BYTES) as usize + 1;
/// Payload of one TCP segment on a 1500-byte link with IPv4 and timestamps.
pub const TCP_SEGMENT_BYTES: usize = 1448;
/// Largest UDP datagram read.
pub const MAX_DATAGRAM_BYTES: usize = 64 * 1024;
/// Counted for each datagram above its payload: IPv4 and UDP headers.
pub const UDP_HEADER_BYTES: usize = 28;
/// Counted for each TCP segment above its payload: IPv4 and TCP headers with
/// timestamps.
pub const TCP_HEADER_BYTES: usize = 52;
/// A cut longer than this resets the TCP connections of the link, as a NAT or
/// a peer's user time-out does in the end; shorter, they are only held.
pub const TCP_CUT_RESET: Duration = Duration::from_secs(30);
/// Longest wait for a child process to become ready.
pub const READY_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest wait for a child process to end after SIGTERM; then SIGKILL.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// Wait between two looks at something that has no event (a file, a socket
/// that is not there yet).
pub const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Wait between two attempts of an app to reach its daemon.
pub const APP_RECONNECT: Duration = Duration::from_millis(50);
/// Longest wait for a reply before the app takes the result for unknown and
/// repeats the request with the same token.
pub const REPLY_TIMEOUT: Duration = Duration::from_secs(10);
/// Messages on a page of history.
pub const HISTORY_PAGE: u32 = 100;
/// Longest path of a unix socket: `sun_path` holds 108 bytes with its NUL.
pub const MAX_SOCKET_PATH_BYTES: usize = 107;
/// Bytes read from the end of a log for them.
pub const LOG_TAIL_BYTES: u64 = 16 * 1024;
/// Lines of a child's log shown when something failed.
pub const LOG_TAIL_LINES: usize = 20;
/// Messages that wait for an app to send them.
pub const OUTGOING_QUEUE: usize = 1024;
/// How often sessions and active links are looked at.
pub const OBSERVE: Duration = Duration::from_millis(200);
/// After the last arrival, how long the senders may take to be told.
pub const TOLD_GRACE: Duration = Duration::from_secs(10);
/// Lines of a run's journal; more are counted, not kept.
pub const MAX_JOURNAL: usize = 10_000;
/// Error lines shown of one process's log.
pub const MAX_LOG_ERRORS: usize = 8;
/// Operators of a scenario.
pub const MAX_OPERATORS: usize = 8;
/// Cards of one handset.
pub const MAX_CARDS: usize = 4;
/// Phones without Twine.
pub const MAX_PLAIN: usize = 16;
/// Calls of SmsManager with open results; one more is refused ("limit exceeded",
/// Android's `SMSDispatcher.MO_MSG_QUEUE_LIMIT`).
pub const FRAMEWORK_MAX_PENDING: usize = 5;
/// Parts that an app may send in [`FRAMEWORK_WINDOW`] before Android asks the
/// user (`SmsUsageMonitor`).
pub const FRAMEWORK_PARTS_PER_WINDOW: usize = 30;
/// See [`FRAMEWORK_PARTS_PER_WINDOW`].
pub const FRAMEWORK_WINDOW: Duration = Duration::from_secs(60);
/// How often the framework itself tries a part again (`SMSDispatcher.MAX_SEND_RETRIES`).
pub const FRAMEWORK_RETRIES: u32 = 3;
/// Before each of these (`SMSDispatcher.SEND_RETRY_DELAY`).
pub const FRAMEWORK_RETRY_DELAY: Duration = Duration::from_secs(2);
/// Parts whose status report is awaited; the oldest are forgotten
/// (`GsmSMSDispatcher.deliveryPendingList` has no limit; TP-MR has 256 values).
pub const MAX_AWAITED_REPORTS: usize = 256;
/// Parts that a phone remembers to recognise duplicates; the oldest are forgotten.
pub const MAX_RAW_SMS: usize = 1_024;
/// What a framework keeps for an app that is not there; more is dropped and
/// counted.
pub const MAX_BROADCASTS: usize = 10_000;
/// Length of a line in an agent's journal or spool: an SMS of 255 parts in JSON.
pub const MAX_SPOOL_BYTES: u64 = 512 * 1024;
