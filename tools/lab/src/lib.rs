//! Runs the real daemon and the real gateway over shaped links, with simulated
//! handsets, and keeps score.
//!
//! | module | owns |
//! |---|---|
//! | [`scenario`] | what is run, read from TOML |
//! | [`profile`], [`trace`] | how links are shaped |
//! | [`relay`] | the shaped network between handsets and gateway |
//! | [`process`], [`gateway`], [`daemon`] | the programs under test |
//! | [`agent`] | the telephony agent of a handset |
//! | [`world`] | all of these together |
//! | [`app`], [`texts`] | the messaging app of a handset, and what people write |
//! | [`ledger`], [`verdict`] | what the apps saw, and what it means |
//! | [`journal`], [`observer`] | the live timeline |
//! | [`run`] | a scenario from its first message to its verdict |
//! | [`report`] | scoreboard, JSON, and a page with plots |

pub mod agent;
pub mod app;
pub mod binaries;
pub mod daemon;
pub mod gateway;
pub mod journal;
pub mod ledger;
pub mod limits;
pub mod mobile;
pub mod observer;
pub mod process;
pub mod profile;
pub mod relay;
pub mod report;
pub mod rng;
pub mod run;
pub mod scenario;
pub mod source;
pub mod texts;
pub mod trace;
pub mod verdict;
pub mod world;
