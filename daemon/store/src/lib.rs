//! Twine's store: messages, lanes and the event log in one SQLite file.
//!
//! Owns what lasts. It decides nothing: the engine says in batches what is to
//! change ([`twine_engine::store_ops`]), each operation is conditional on what
//! is stored, and its outcome tells the engine what happened. It never sends,
//! never looks at a clock, and forgets only what the limits let it.
//!
//! | part | owns |
//! |---|---|
//! | [`SqliteStore`] | the file; one batch is one durable transaction |
//! | [`StoreThread`] | the thread it lives on, patience with a failing disk |
//! | [`salvage()`] | a new store from what a broken one still shows |
//! | `suite` | the behaviour every store has to show (feature `suite`) |
//!
//! The schema lies in `migrations/`, every statement in `sql.rs`.
#![forbid(unsafe_code)]

mod codes;
mod connection;
mod error;
mod files;
pub mod limits;
mod migrate;
mod ops;
mod reads;
mod rows;
mod salvage;
#[doc(hidden)]
pub mod sql;
mod store;
mod story;
#[cfg(feature = "suite")]
pub mod suite;
mod thread;

pub use error::{StoreError, Trouble};
pub use reads::{Conversation, Counts, MessagePage};
pub use salvage::{SalvageReport, salvage};
pub use store::SqliteStore;
pub use story::{Step, StoryLine};
pub use thread::{Busy, InFlight, Patience, StoreHealth, StoreThread};
