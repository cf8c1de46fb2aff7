//! The reference gateway: a server around `twine-gateway-core`.
//!
//! ```text
//!   QUIC ─┐                        ┌──────────── worker thread ───────────┐
//!         ├─ connection tasks ───▶ │ inputs → Core::turn → SQLite commit  │
//!   TLS ──┘   (frames, queues) ◀── │ outputs, only after the commit       │
//!                                  └──────────────────────────────────────┘
//! ```
//!
//! The library is the server and its storage, so that tests and tools run the
//! same code; the binary is `cli`. Rules about messages are in the core.
#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
pub mod dev_cert;
pub mod limits;
pub mod logging;
pub mod net;
pub mod server;
pub mod sqlite;

mod commands;

mod worker;

pub use config::GatewayConfig;
pub use server::Server;
pub use sqlite::SqliteStorage;
