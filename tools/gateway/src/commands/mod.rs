//! The commands: one file each. They say what they did on stdout, what went
//! wrong on stderr.

pub(crate) mod numbers;
pub(crate) mod restored;
pub(crate) mod serve;
pub(crate) mod stats;
