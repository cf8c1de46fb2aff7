//! `twinectl`: what a technician asks the daemon, and how the answer reads.
//!
//! Owns options, text and JSON output, and exit codes. Keeps nothing between
//! runs, and never guesses: what the daemon did not say is shown as not known.
#![forbid(unsafe_code)]

mod cli;
mod clock;
mod command;
mod exit;
mod json;
mod link;
mod message;
mod output;
mod pdu;
mod redact;
mod sim;
mod table;
mod words;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::parse() {
        Ok(cli::Parsed::Say(text)) => match output::print(&text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.report(false),
        },
        Ok(cli::Parsed::Run(options, command)) => match command.run(&options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) if options.redact.wanted => failure.redacted().report(options.json),
            Err(failure) => failure.report(options.json),
        },
        Err(failure) => failure.report(cli::json_was_asked_for()),
    }
}
