//! Client of `twined`'s control socket.
//!
//! Owns the client's side of one connection: greeting, request ids, matching
//! of replies, bounded queues of events and orders. Never reconnects and never repeats a
//! request by itself: whether that is right, only the caller knows.
//!
//! Three clients share the messages and the errors:
//!
//! - [`Client`] (feature `async`): for tokio; requests and events at the same
//!   time, from as many tasks as wanted.
//! - [`blocking::Client`] (feature `blocking`): one thread, no tokio; what
//!   `twinectl` uses on the phone.
//! - [`raw`] (feature `raw`): from many threads, no tokio, bodies as bytes; what
//!   the Java side's library uses.
//!
//! # After a break
//!
//! A request that fails with [`ClientError::ResultUnknown`] may or may not have
//! been carried out: connect again and repeat a `send` with the same token, it
//! returns the same message (DELIVERY 1). All other requests are safe to repeat.
//! [`ClientError::NotSent`] never reached the daemon.
//!
//! # The telephony agent
//!
//! It reports its full state first, then takes orders with `next_order` and
//! reports what becomes of them. An agent that does not take its orders is
//! disconnected by the daemon, like any slow client.
//!
//! # Example
//!
//! ```no_run
//! use twine_control::{Client, pb};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect("/dev/socket/twined", "com.example.app", &[pb::Role::App]).await?;
//! let sent = client
//!     .ask(pb::Send {
//!         to: "+254712345678".to_owned(),
//!         text: "habari".to_owned(),
//!         token: "draft-17".to_owned(),
//!         ..Default::default()
//!     })
//!     .await?;
//! client.ask(pb::Subscribe { from_now: false }).await?;
//! let event = client.next_event().await?;
//! client.ask(pb::AckEvents { cursor: event.cursor }).await?;
//! # let _ = sent; Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

#[cfg(any(feature = "async", feature = "blocking"))]
mod ask;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "async")]
mod client;
mod error;
mod greeting;
pub mod limits;
#[cfg(any(feature = "async", feature = "blocking"))]
mod order;
#[cfg(feature = "raw")]
pub mod raw;

#[cfg(any(feature = "async", feature = "blocking"))]
pub use ask::Ask;
#[cfg(feature = "async")]
pub use client::Client;
pub use error::{ClientError, ConnectError, Disconnected, Ending, Refusal, RequestId};
#[cfg(any(feature = "async", feature = "blocking"))]
pub use order::Order;
pub use twine_proto::control_pb as pb;
