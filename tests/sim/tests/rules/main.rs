//! Directed scenarios: one engine, and one rule of delivery at a time. Each
//! fails when its rule is broken.
#![expect(clippy::unwrap_used, reason = "tests")]

mod by_sms;
mod deadlines;
mod desk;
mod ending;
mod frames;
mod heartbeat;
mod links;
mod racing;
mod receiving;
mod resuming;
mod sending;
mod sms_queue;
