//! `twine-lab`: runs scenarios from the command line.

mod cli;

use std::process::ExitCode;

use cli::{Command, RunOptions};
use twine_lab::report;
use twine_lab::run::{self, RunPlan};
use twine_lab::{binaries::Binaries, scenario};
use twine_out::{errln, say};

/// Everything ran, and not everything arrived once and in order.
const NOT_GOOD: u8 = 1;
/// Wrong usage, or a scenario that cannot be read.
const USAGE: u8 = 2;
/// There is no verdict.
const NOT_RUN: u8 = 3;

fn main() -> ExitCode {
    let result = match cli::parse() {
        Ok(Command::Say(text)) => {
            say!("{text}");
            Ok(ExitCode::SUCCESS)
        }
        Ok(Command::Profiles) => {
            say!("{}", cli::profiles());
            Ok(ExitCode::SUCCESS)
        }
        Ok(Command::Check(path)) => match scenario::load(&path) {
            Ok(scenario) => {
                say!("{}", cli::describe(&scenario));
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => Err((USAGE, error.into())),
        },
        Ok(Command::Run(options)) => run_scenario(&options),
        Err(error) => Err((USAGE, error)),
    };
    result.unwrap_or_else(|(exit, error): (u8, anyhow::Error)| {
        errln!("twine-lab: {error:#}");
        ExitCode::from(exit)
    })
}

fn run_scenario(options: &RunOptions) -> Result<ExitCode, (u8, anyhow::Error)> {
    let usage = |error| (USAGE, error);
    let not_run = |error| (NOT_RUN, error);
    let mut scenario = scenario::load(&options.scenario).map_err(|error| usage(error.into()))?;
    if let Some(trace) = &options.trace {
        cli::with_trace(&mut scenario, trace).map_err(usage)?;
    }
    scenario.seed = options.seed.unwrap_or(scenario.seed);
    let beside = cli::own_directory().map_err(not_run)?;
    let (twined, gateway) = (options.twined.clone(), options.gateway.clone());
    let binaries = Binaries::find(&beside, twined, gateway).map_err(|error| usage(error.into()))?;
    // Outputs that cannot be written are better known before two minutes than
    // after.
    cli::check_outputs(options).map_err(usage)?;
    let directory = cli::Directory::make(options.keep.as_deref()).map_err(usage)?;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| not_run(error.into()))?;
    let outcome = runtime.block_on(run::run(RunPlan {
        scenario: &scenario,
        binaries: &binaries,
        directory: directory.path(),
        quiet: options.quiet || options.json_to_stdout(),
    }));
    // Children are gone before their folder is.
    drop(runtime);
    let outcome = outcome.map_err(|error| not_run(error.into()))?;

    let score = report::scoreboard(&scenario, &outcome);
    if options.json_to_stdout() {
        twine_out::write_error(format_args!("{score}"));
    } else {
        say!("{score}");
    }
    if let Some(path) = &options.json {
        let json = format!("{:#}\n", report::json(&scenario, &outcome));
        cli::write(path, &json).map_err(not_run)?;
    }
    if let Some(path) = &options.html {
        cli::write(path, &report::html(&scenario, &outcome)).map_err(not_run)?;
        errln!("report: {}", path.display());
    }
    if let Some(kept) = directory.kept() {
        errln!("kept: {}", kept.display());
    }
    Ok(if outcome.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_GOOD)
    })
}
