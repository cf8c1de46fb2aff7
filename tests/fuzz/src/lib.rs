//! Fuzz targets: everything in Twine that reads what somebody else wrote.
//!
//! Each target is a function of bytes that returns, or panics because a promise
//! is broken. Nothing here knows how bytes are found: `cargo test` replays the
//! corpus, its mutations, and random bytes; `cargo bolero` searches by coverage.
//!
//! | target | reads | promise, beside "never panics" |
//! |---|---|---|
//! | [`wire::frames`] | a stream of the wire protocol, cut anywhere | where it is cut changes nothing; a frame encoded again decodes to itself |
//! | [`wire::content`] | the content of a message | encoded again it decodes to itself |
//! | [`control::messages`] | a stream of the control socket, cut anywhere | as with frames; no message travels both ways |
//! | [`config::daemon`] | `twined.toml`, up to three layers | every error names its line; what is printed as effective reads back, if the text is plain |
//! | [`config::gateway`] | `twine-gateway.toml` | the same |
//! | [`scenario::lab`] | a scenario of the lab | every error names its line; what is accepted keeps to its limits |
//! | [`engine::desk`] | a gateway, an app and a telephony agent gone mad | in flight is bounded; one batch at a time; no deadline stays due; all that leaves is valid |
//! | [`gateway::core`] | handsets gone mad, a failing disk | what was answered `Revoked` was and is never delivered; nothing follows `Close`; all that leaves is valid |
//! | [`sms::pdu`] | an SMS PDU, of which direction and framing may be known or not | every error names field and octet; encoded again it decodes to itself; its text can be cut and put together |
//!
//! # Running
//!
//! ```text
//! cargo test -p twine-fuzz                        the corpus, its mutations, random bytes
//! cargo run  -p twine-fuzz --bin seed-corpus      writes the corpus anew
//! cargo bolero test -p twine-fuzz wire_frames     coverage-guided, until stopped
//! ```
//!
//! The last needs `cargo install cargo-bolero`. It adds to the corpus what
//! reaches new code; take in what is small and says something new.
//!
//! Mutations come from a fixed seed, so they are the same in each run. Random
//! bytes are new each time: a failure prints `BOLERO_RANDOM_SEED`, with which it
//! can be repeated.
//!
//! # The corpus
//!
//! `tests/__fuzz__/<target>/corpus/`, small inputs that mean something, each
//! named after what it is: golden frames, truncations, hostile lengths, valid
//! configurations and scenarios, conversations. They are made by [`seeds`]; a
//! test compares. A file whose name starts with `regression-` was found by
//! fuzzing, and stays.
//!
//! Inputs of [`engine::desk`] and [`gateway::core`] are little programs: a byte
//! says what happens, the bytes behind it say how. Any bytes are a program.
#![forbid(unsafe_code)]

pub mod config;
pub mod control;
pub mod engine;
pub mod gateway;
pub mod mutate;
mod reader;
pub mod scenario;
pub mod seeds;
pub mod sms;
pub mod wire;

/// Longest random or mutated input, bytes.
pub const MAX_INPUT_BYTES: usize = 2048;
/// Random inputs of each target in `cargo test`.
pub const RANDOM_INPUTS: usize = 500;
/// Mutations of the corpus of each target in `cargo test`.
pub const MUTATED_INPUTS: usize = 5_000;

/// One target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// As its test and its corpus are called.
    pub name: &'static str,
    /// Returns, or panics.
    pub run: fn(&[u8]),
    /// Its corpus: names and inputs.
    pub seeds: fn() -> Vec<(&'static str, Vec<u8>)>,
}

/// All targets.
pub const TARGETS: [Target; 9] = [
    Target {
        name: "wire_frames",
        run: wire::frames,
        seeds: seeds::wire::frames,
    },
    Target {
        name: "wire_content",
        run: wire::content,
        seeds: seeds::wire::content,
    },
    Target {
        name: "control_messages",
        run: control::messages,
        seeds: seeds::control::messages,
    },
    Target {
        name: "daemon_config",
        run: config::daemon,
        seeds: seeds::text::daemon_config,
    },
    Target {
        name: "gateway_config",
        run: config::gateway,
        seeds: seeds::text::gateway_config,
    },
    Target {
        name: "lab_scenario",
        run: scenario::lab,
        seeds: seeds::text::lab_scenario,
    },
    Target {
        name: "engine_desk",
        run: engine::desk,
        seeds: seeds::engine::desk,
    },
    Target {
        name: "gateway_core",
        run: gateway::core,
        seeds: seeds::gateway::core,
    },
    Target {
        name: "sms_pdu",
        run: sms::pdu,
        seeds: seeds::sms::pdus,
    },
];
