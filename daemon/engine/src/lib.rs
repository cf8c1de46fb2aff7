//! Twine's engine: every decision, and nothing else.
//!
//! A pure state machine. It does no I/O, reads no clock and draws no
//! randomness: time, seed and settings are arguments. Its dependencies cannot
//! do I/O either.
//!
//! # Contract
//!
//! ```text
//! engine.handle(now, input)                        one thing happened
//! engine.poll_output(now) -> Option<Output>        drain until None
//! engine.poll_timeout() -> Option<(Instant, TimerReason)>   when to hand in Timeout
//! engine.poll_wake() -> Option<(Instant, TimerReason)>      the same, in suspend
//! ```
//!
//! A driver's turn: hand in all input that is readable; if the deadline of
//! `poll_timeout` has passed, hand in `Input::Timeout`; then drain the outputs.
//! Draining closes the turn: nominated deadlines are looked at again, and what
//! has to be stored becomes one batch.
//!
//! # The law: nothing leaves before it is stored
//!
//! State changes of a turn are operations of one [`store_ops::Batch`]. What
//! depends on them (frames, replies) is held by the [`gate`] and comes out only
//! after `Input::Stored` for that batch came in. [`gate::Cleared`] marks it;
//! nothing else can make one. At most one batch is in flight; what happens
//! meanwhile forms the next. A driver whose store fails tries the same batch
//! again and says nothing: the engine holds everything back.
//!
//! # After a crash
//!
//! A new engine starts from the store's [`store_ops::Snapshot`]. Whatever was
//! not stored never happened, and nobody was told that it had.
#![forbid(unsafe_code)]

pub mod config;
pub mod dedup;
pub mod gate;
pub mod heartbeat;
pub mod input;
pub mod limits;
pub mod link;
pub mod memo;
pub mod merging;
pub mod message;
pub mod notes;
pub mod output;
pub mod parts;
pub mod settings;
pub mod status;
pub mod store_ops;
pub mod time;
pub mod trace;

mod channel;
mod ctx;
mod deadlines;
mod deciding;
mod engine;
mod fnv;
mod inbox;
pub mod links;
mod lookups;
mod outbox;
mod priors;
mod race;
mod receipts;
mod registration;
mod rng;
mod rtt;
mod session;
mod sims;
mod sms;
mod waking;

pub use config::{Config, VpnLockdown};
pub use engine::{Engine, TimerReason};
pub use input::{
    ChannelEvent, Command, ConnId, DownReason, Input, ReplyTo, SmsReceived, TelephonyEvent,
};
pub use output::{CommandError, Notice, Order, Output, Preview, Reply, SmsPreview, TransportKind};
pub use sms::stricter as stricter_refusal;
