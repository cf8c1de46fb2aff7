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

pub mod agent;
pub mod binaries;
pub mod daemon;
pub mod gateway;
pub mod limits;
pub mod process;
pub mod profile;
pub mod relay;
pub mod rng;
pub mod scenario;
pub mod source;
pub mod texts;
pub mod trace;
pub mod world;
