//! The real `twinectl` against a daemon that gives prepared answers.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod channels;
mod common;
mod failures;
mod output;
mod sms;
