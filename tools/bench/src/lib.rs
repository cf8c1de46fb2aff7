//! Benchmarks of what has a budget. One file in `benches/` for each crate that is
//! measured; its documentation names the budget.
//!
//! ```text
//! cargo bench -p twine-bench                     all
//! cargo bench -p twine-bench --bench sms -- tr   of SMS coding, those with "tr"
//! ```
//!
//! Benchmarks only print: a machine's load decides too much for a test to pass or
//! fail by them. `cargo test` runs each once, so that they cannot rot.
