//! Compares who decides over two cards: Twine, Android, nobody.

mod args;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use args::Args;
use twine_out::{say, sayln};
use twine_sim::links_eval::{check, evaluate, html, report, trace, worlds};

fn main() -> ExitCode {
    let args = match args::parse(lexopt::Parser::from_env()) {
        Ok(Some(args)) => args,
        Ok(None) => {
            say!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("links-eval: {error}\nsee links-eval --help");
            return ExitCode::from(2);
        }
    };
    match run(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("links-eval: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut all = worlds::all(args.seeds.clone(), args.minutes * 60)?;
    for path in &args.traces {
        all.extend(worlds::recorded(&trace::load(path)?)?);
    }
    if let Some(part) = &args.only {
        all.retain(|world| world.name.contains(part.as_str()));
        anyhow::ensure!(
            !all.is_empty(),
            "--only {part}: no world has that in its name"
        );
    }
    let (rows, runs) = evaluate(&all);
    say!("{}", report::table(&rows));
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&report::json(&rows))?;
        write(path, &(text + "\n"))?;
    }
    if let Some(path) = &args.html {
        write(path, &html::page(&rows, &runs))?;
    }
    let failures = check::failures(&rows);
    if failures.is_empty() {
        sayln!("holds: no world worse, at most half in sum, no more switches");
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
