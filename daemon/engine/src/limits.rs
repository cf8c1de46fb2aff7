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
/// A look-up or refusal that says "not on IP" is believed so long; then IP is
/// tried again. Six hours: a new user is found the same day, a number without
/// Twine costs one extra exchange with the gateway now and then.
pub const REFUSED_REACH_TTL: Duration = Duration::from_secs(6 * 3600);
/// A peer that let a delivery deadline pass is believed to be off IP so long; then IP is
/// tried again. Two phones that were off IP at different times would otherwise write by
/// SMS for ever, each waiting for the other's sign of life. Six hours: one message of
/// that time waits for a deadline in vain if the peer is still off IP.
pub const SILENT_REACH_TTL: Duration = Duration::from_secs(6 * 3600);
/// SMS parts handed to the agent within [`SMS_WINDOW`]. Android asks the user
/// above 30 in 60 s (SmsUsageMonitor); the rest is left to what the user's other
/// apps send under the same package.
pub const SMS_PARTS_PER_WINDOW: usize = 25;
/// See [`SMS_PARTS_PER_WINDOW`].
pub const SMS_WINDOW: Duration = Duration::from_secs(60);
/// After a restart: what was handed over so long ago has left more than
/// [`SMS_WINDOW`] ago, however slow the disk was.
pub const SMS_LEFT_AFTER: Duration = Duration::from_secs(300);
/// Attempts at the agent at once: Android answers "limit exceeded" above 5
/// pending messages (SMSDispatcher).
pub const MAX_SMS_HANDED: u64 = 4;
/// Between equal texts to one peer by SMS (DELIVERY 22).
pub const EQUAL_SMS_GAP: Duration = Duration::from_secs(2);
/// A result that is unknown for so long is settled (DELIVERY 26).
pub const SMS_UNKNOWN_AFTER: Duration = Duration::from_secs(600);
/// Messages that one turn decides about; the rest follows in the next.
pub const MAX_CONSIDERED_PER_TURN: usize = 16;
/// Messages of the pacing queue that are read at once.
pub const SMS_PAGE: usize = 16;
/// Length of an agent's spool id, bytes.
pub const MAX_SPOOL_ID_BYTES: usize = 64;
/// Spool ids and arrivals of SMS that are remembered, to recognise repeats.
pub const SMS_REMEMBERED: u64 = 4_096;
/// Note entries of one incoming lane whose SMS has not come (yet); beyond it the
/// oldest are forgotten.
pub const MAX_PENDING_NOTES: usize = 256;
/// Lines of all messages' stories that are kept.
pub const STORY_LINES_KEPT: u64 = 20_000;
/// Settings that are kept, one for each conversation; more are refused.
pub const MAX_CONVERSATION_SETTINGS: u64 = 10_000;
/// SIM cards of one device.
pub const MAX_SIMS: usize = 4;
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

/// Networks and transports whose idle limit is remembered; the one used longest
/// ago is forgotten first.
pub const MAX_HEARTBEAT_RECORDS: usize = 64;

/// Networks of which is remembered how transports raced; the one used longest ago is
/// forgotten first.
pub const MAX_RACES: usize = 32;

/// Cards whose data the links' policy knows; more are ignored.
pub const MAX_DATA_CARDS: usize = 4;
/// Cards of which the links' policy remembers how they fared, be they in the phone or
/// not; of those that are not, the one of which nothing was noted for longest is forgotten
/// first.
pub const MAX_REMEMBERED_CARDS: usize = 8;
/// Networks of which the links' policy remembers how they answered; the one
/// that was quiet longest is forgotten first.
pub const MAX_REMEMBERED_NETWORKS: usize = 32;
