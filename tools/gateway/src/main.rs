//! The gateway's binary. Everything is in the library.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    twine_gateway::cli::run()
}
