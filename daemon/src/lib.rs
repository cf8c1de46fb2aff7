//! `twined`: the daemon around the engine.
//!
//! Owns everything that the engine must not: clocks, sockets, threads, files.
//! Decides nothing about messages, links or sessions.
//!
//! ```text
//!   control clients ──► control ─┐            ┌─► store thread ─┐
//!                                ├─► driver ──┤                 ├─► driver
//!   gateway ─► transport ────────┤   engine   ├─► transport     │
//!   clock ───────────────────────┘            └─► control ◄─────┘
//! ```
//!
//! One thread runs the loop of [`driver`] and all sockets; the store has its
//! own.

#[cfg(target_os = "android")]
mod android;
pub mod clock;
pub mod config;
pub mod control;
pub mod driver;
pub mod limits;
pub mod logging;
pub mod reads;
pub mod recorder;
mod sqlite_log;
pub mod startup;
mod store_link;
pub mod transport;
