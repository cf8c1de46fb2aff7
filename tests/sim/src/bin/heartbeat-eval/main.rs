//! Compares how an idle session is kept: Twine, Mars, a fixed 60 s.

mod args;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use args::Args;
use twine_out::{say, sayln};
use twine_sim::heartbeat_eval::{check, evaluate, html, report, world};

fn main() -> ExitCode {
    let args = match args::parse(lexopt::Parser::from_env()) {
        Ok(Some(args)) => args,
        Ok(None) => {
            say!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("heartbeat-eval: {error}\nsee heartbeat-eval --help");
            return ExitCode::from(2);
        }
    };
    match run(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("heartbeat-eval: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut worlds = world::all(args.seeds.clone(), args.days);
    if let Some(part) = &args.only {
        worlds.retain(|world| world.name.contains(part.as_str()));
        anyhow::ensure!(
            !worlds.is_empty(),
            "--only {part}: no world has that in its name"
        );
    }
    let rows = evaluate(&worlds);
    say!("{}", report::table(&rows));
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&report::json(&rows))?;
        write(path, &(text + "\n"))?;
    }
    if let Some(path) = &args.html {
        write(path, &html::page(&rows))?;
    }
    let failures = check::failures(&rows);
    if failures.is_empty() {
        sayln!("holds: unreachable for less time than Mars behind every NAT, no more heartbeats");
    }
    for failure in &failures {
        sayln!("does not hold: {failure}");
    }
    Ok(if args.check && !failures.is_empty() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
