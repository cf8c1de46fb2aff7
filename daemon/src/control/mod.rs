//! The control socket: apps (through the bridge), the telephony agent and
//! diagnostic tools.
//!
//! Owns connections, roles, the checking of every field, the matching of
//! replies, the pushing of events. Decides nothing about messages: commands go
//! to the engine, reads to the store, and the driver carries them.
//!
//! ```text
//!   socket ─► read task ─┐                       ┌─► Wish ─► driver
//!                        ├─► Raw ─► [`Control`] ─┤
//!   socket ◄─ write task ┘◄─ SendQueue ◄─────────┴── replies, pages, events
//! ```
//!
//! # Rules
//!
//! - The client speaks first, with `Connect`. Its UID must be allowed every
//!   role it asks for, else it is told which ones it may have, and closed.
//! - Replies come in any order; at most [`MAX_OPEN_REQUESTS`] are open.
//! - Events are pulled from the durable log, a page at a time, while less than
//!   [`READ_AHEAD_BYTES`] wait for the client: what a client does not take
//!   stays in the log. Passing events (typing) go to all subscribers.
//! - One connection for each client name gets its events: the one that
//!   subscribed last; the one before is closed and told so. A client that lost
//!   track of an old connection is not locked out by it. Connections that do
//!   not subscribe may share a name.
//! - A slow client is disconnected, not waited for: when [`MAX_SEND_QUEUE_BYTES`]
//!   wait for it, or when there is something to tell and it has taken nothing
//!   for [`SLOW_AFTER`].
//! - One telephony agent at a time: the one that reported its full state last.
//!   The one before is closed and told so. Orders go to it alone; without one
//!   they are dropped, because the engine gives them again to the next.
//!
//! [`MAX_OPEN_REQUESTS`]: crate::limits::MAX_OPEN_REQUESTS
//! [`READ_AHEAD_BYTES`]: crate::limits::READ_AHEAD_BYTES
//! [`MAX_SEND_QUEUE_BYTES`]: crate::limits::MAX_SEND_QUEUE_BYTES
//! [`SLOW_AFTER`]: crate::limits::SLOW_AFTER

mod client;
mod connection;
mod listen;
mod present;
mod queue;
mod reports;
mod requests;
mod roles;
mod server;
mod story;

pub use self::listen::{ListenError, listen};
pub use self::server::{About, Control, ControlCounters, DaemonStatus, ReadTicket, Wish};
