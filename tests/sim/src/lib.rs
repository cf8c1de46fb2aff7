//! A deterministic world around the real engine and the real gateway core.
//!
//! Handsets, links, stores and apps are simulated; every decision is made by
//! the code that ships. A [`world::World`] lives in virtual time, breaks what it
//! can, and checks after every event what was promised ([`model`]). A seed
//! replays exactly, on any machine.
//!
//! | module | owns |
//! |---|---|
//! | [`world`] | time, the queue of events, the turns of daemons and gateway |
//! | [`handset`] | one phone: engine, flash, links, app |
//! | [`net`] | connections as ordered streams over links that come and go |
//! | [`store`] | the simulated store; passes the suite of `twine-store` |
//! | [`faults`] | what goes wrong, drawn anew by each seed |
//! | [`model`] | what was promised to apps, and the checks |
#![forbid(unsafe_code)]

pub mod coverage;
pub mod faults;
pub mod handset;
pub mod minimise;
pub mod model;
pub mod net;
pub mod poison;
pub mod rng;
pub mod setup;
pub mod store;
pub mod world;
