//! The suite on the SQLite store.

mod common;

twine_store::behaves_like_a_store!(crate::common::Sqlite::new());
