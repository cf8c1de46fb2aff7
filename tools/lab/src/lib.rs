//! Runs the real daemon and the real gateway over shaped links, with simulated
//! handsets, and keeps score.
//!
//! | module | owns |
//! |---|---|
//! | [`scenario`] | what is run, read from TOML |
//! | [`profile`], [`trace`] | how links are shaped |
//! | [`relay`] | the shaped network between handsets and gateway |
//! | [`process`], [`gateway`], [`daemon`] | the programs under test |
//! | [`mobile`] | operators, cards, SMS centres, and phones as Android makes them |
//! | [`agent`] | the telephony agent of a handset |
//! | [`handset`] | daemon, agent, links and radio of one handset |
//! | [`plain`] | a phone without Twine |
//! | [`world`] | all of these together |
//! | [`app`], [`texts`] | the messaging app of a handset, and what people write |
//! | [`ledger`], [`verdict`], [`sms_score`] | what the apps saw, and what it means |
//! | [`journal`], [`observer`] | the live timeline |
//! | [`stage`] | what happens when, in a run |
//! | [`run`] | a scenario from its first message to its verdict |
//! | [`report`] | scoreboard, JSON, and a page with plots |

pub mod agent;
pub mod app;
pub mod binaries;
pub mod daemon;
pub mod gateway;
pub mod handset;
pub mod journal;
pub mod ledger;
pub mod limits;
pub mod mobile;
pub mod observer;
pub mod plain;
pub mod process;
pub mod profile;
pub mod radio;
pub mod relay;
pub mod report;
pub mod rng;
pub mod run;
pub mod scenario;
pub mod sms_score;
pub mod source;
pub mod stage;
pub mod texts;
pub mod trace;
pub mod verdict;
pub mod world;
