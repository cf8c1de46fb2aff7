//! Benchmarks of what has a budget. One file in `benches/` for each crate, in `src/bin/` for what takes
//! whole programs; its documentation names the budget.
//!
//! ```text
//! cargo bench -p twine-bench                     all
//! cargo bench -p twine-bench --bench sms -- tr   of SMS coding, those with "tr"
//! target/release/handover                        how soon a session is back after a
//!                                                change of link, with real programs
//! ```
//!
//! Benchmarks only print: a machine's load decides too much for a test to pass or
//! fail by them, but for `handover --check`, whose times are those of the links. `cargo test`
//! runs each once, so that they cannot rot.
