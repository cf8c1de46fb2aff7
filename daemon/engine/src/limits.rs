//! Every limit of the engine and its store, named once. What happens at each
//! is said beside it; reaching one is counted, never silent.

use std::time::Duration;

/// Operations in the batch that is being filled. At the limit further commands
/// are answered "busy", and the driver stops reading sockets.
pub const MAX_OPEN_OPS: usize = 512;
/// Outputs waiting to be drained; the driver drains after each turn, so this is
/// what one turn may produce.
pub const MAX_TRACE_RECORDS_PER_TURN: usize = 256;
/// Messages of one identity in flight to the gateway (W of DELIVERY 4).
pub const WINDOW: usize = twine_proto::limits::WINDOW as usize;
/// Bytes of content of one identity in flight; one message always may.
pub const WINDOW_BYTES: usize = 64 * 1024;
/// Undelivered messages a device keeps; more are refused with "busy".
pub const MAX_OUTBOX: u64 = 10_000;
/// Identities of one device.
pub const MAX_IDENTITIES: usize = twine_proto::limits::MAX_SLOTS;
/// Links an agent may report. More are ignored and logged.
pub const MAX_LINKS: usize = 16;
/// Length of a link's id or network name, bytes.
pub const MAX_LINK_NAME_BYTES: usize = 64;
/// Capability look-ups that wait for the gateway; more are answered "busy".
pub const MAX_OPEN_LOOKUPS: usize = 32;
/// A look-up not answered by then is answered "try again".
pub const LOOKUP_TIMEOUT: Duration = Duration::from_secs(30);
/// Gaps remembered per incoming lane (DELIVERY 10). Beyond it the oldest gap is
/// forgotten and the history's index decides.
pub const MAX_GAPS_PER_LANE: usize = 64;
/// Durable clients (event cursors and tokens are kept for each).
pub const MAX_CLIENTS: u64 = 32;
/// Events kept for clients that do not acknowledge; behind it: `Resync`.
pub const EVENTS_KEPT: u64 = 50_000;
/// Tokens are kept at least this long by the wall clock and never fewer than
/// [`TOKENS_KEPT`]: a clock that jumps cannot make a repeat a new message.
pub const TOKEN_AGE: Duration = Duration::from_secs(30 * 24 * 3600);
/// See [`TOKEN_AGE`].
pub const TOKENS_KEPT: u64 = 20_000;
/// Read marks sent and not confirmed on one connection.
pub const MAX_READ_MARKS_IN_FLIGHT: usize = 64;
/// Messages that one `ExpireDue` settles; the rest follows in the next turn.
pub const MAX_EXPIRED_PER_TURN: usize = 64;
/// Delivered frames not yet committed, per connection; beyond it the gateway
/// broke its own bound and the connection ends.
pub const MAX_UNCOMMITTED_DELIVERIES: usize = 256;

/// Gateways named by `Goodbye` that are tried one after the other, without a
/// session that lasted in between. Beyond it the configured one is tried: two
/// gateways that name each other must not keep a handset busy.
pub const MAX_REDIRECTS: u32 = 3;
