//! The gateway's decisions, and nothing else.
//!
//! Takes messages from senders, keeps them in mailboxes, hands them over, and
//! tells senders what became of them. Synchronous and pure: no I/O, no clock, no
//! randomness; time is an argument, and records are kept by a [`Storage`]. So the
//! simulator runs the code that serves.
//!
//! # Contract
//!
//! ```text
//! core.turn(storage, now, inputs) -> Result<Vec<Output>, _>    one turn
//! core.poll_timeout() -> Option<u64>                           when to hand in Tick
//! core.take_lost_connections() -> Vec<ConnId>                  after a turn that failed
//! ```
//!
//! # The law: nothing leaves before it is stored
//!
//! A turn is one transaction. What it has to say is gathered, and returned only
//! after the commit. If the commit fails, nothing leaves, and every connection the
//! turn touched is forgotten: its handset comes back and learns from `Welcome`
//! what is on disk. So memory never knows more than the disk, whether or not a
//! commit that failed reached it.
//!
//! Memory holds only what a reconnect rebuilds: which connection serves which
//! device and number, how far delivery is on it, and what it has not acknowledged.
//!
//! # The rules
//!
//! Numbers are those of DELIVERY.
//!
//! | rule | where |
//! |---|---|
//! | 3, 7: after a restore: mail that is held, `maybe_by_sms`, a gap of epochs | `restore` |
//! | 3, 6, 7, 8: epochs, sessions, lost history, closed epochs | `hello` |
//! | 4, 5, 13, 25: the next seq, resends, refusals, "away" | `submit` |
//! | 9, 11, 13: hand over, acknowledge, expire | `mailbox` |
//! | 12: rejections; read marks | `receipts` |
//! | 14, 15: taking back | `revoke` |
//! | 30: device key to number, checked at each frame | `turn` |
//! | 5, 13: how long outcomes are kept | `records` |
//!
//! A restored gateway does not know by itself that it is one: whoever restores says
//! so with [`restored`].
#![forbid(unsafe_code)]

pub mod config;
pub mod counters;
pub mod limits;
pub mod memory;
pub mod storage;
#[cfg(any(test, feature = "suite"))]
pub mod suite;
pub mod types;

mod core;
mod directory;
mod hello;
mod mailbox;
mod outbox;
mod receipts;
mod records;
mod restore;
mod revoke;
mod session;
mod submit;
mod turn;

pub use crate::config::Config;
pub use crate::core::Core;
pub use crate::counters::Counters;
pub use crate::directory::{Provisioned, provision, unprovision};
pub use crate::memory::MemoryStorage;
pub use crate::restore::restored;
pub use crate::storage::{Storage, Tx};
pub use crate::types::{ConnId, DeviceKey, Input, Now, Output};
