//! Runs the real daemon and the real gateway over shaped links, with simulated
//! handsets, and keeps score.
//!
//! | module | owns |
//! |---|---|
//! | [`profile`], [`trace`] | how links are shaped |
//! | [`scenario`] | what is run |
//! | [`relay`] | the shaped network between handsets and gateway |

pub mod limits;
pub mod profile;
pub mod relay;
pub mod rng;
pub mod scenario;
pub mod source;
pub mod texts;
pub mod trace;
