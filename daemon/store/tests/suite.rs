//! The suite on the SQLite store.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

twine_store::behaves_like_a_store!(crate::common::Sqlite::new());
