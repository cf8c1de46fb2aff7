//! Runs worlds and scenarios against each mutant, and tells what was found.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::list::Mutant;
use crate::scratch::Programs;
use twine_out::sayln;
use twine_sim::progress::{Progress, saying};

/// Long enough for a message's whole life and a restore of its gateway.
const MINUTES: &str = "5";

/// What became of one mutant.
enum Found {
    /// In the world of this place, counted from 1, by the promise it was to break.
    InWorld(u64),
    ByScenario,
    Not(String),
}

/// Tells of each; says how many were not found, or broke a promise without a bug.
/// Names the promises that no mutant of the whole list breaks.
pub(crate) fn all(programs: &Programs, mutants: &[&Mutant], unbroken: &[&str]) -> usize {
    let started = Instant::now();
    let worlds = mutants.iter().filter_map(|mutant| mutant.worlds).max();
    let worlds = worlds.unwrap_or(1);
    let mut failed = 0;
    let line =
        || format!("no mutant is on: {worlds} worlds by IP, as many with SMS, all scenarios");
    match saying(line, || none(programs, worlds)) {
        Ok(()) => sayln!(
            "{:<46} {worlds} worlds by IP, as many with SMS and all scenarios kept",
            "0 (none)"
        ),
        Err(what) => {
            failed += 1;
            sayln!("{:<46} FAILED without any bug: {what}", "0 (none)");
        }
    }
    for (mutant, found) in mutants.iter().zip(search(programs, mutants)) {
        let what = match found {
            Found::InWorld(place) => {
                let promise = mutant.promise.as_deref().unwrap_or("");
                format!("world {place:>4}: {promise}")
            }
            Found::ByScenario => format!("scenario {}", mutant.scenario.as_deref().unwrap_or("")),
            Found::Not(why) => {
                failed += 1;
                format!("NOT CAUGHT {why}: it {}", mutant.breaks)
            }
        };
        sayln!("{:<46} rule {:<4} {what}", mutant.name, mutant.rule);
    }
    if !unbroken.is_empty() {
        sayln!("promises that no mutant of the list breaks in worlds:");
    }
    for promise in unbroken {
        sayln!("  {promise}");
    }
    sayln!("{:.0} s", started.elapsed().as_secs_f64());
    sayln!("{} passed, {failed} failed", mutants.len() + 1 - failed);
    failed
}

/// No mutant is on: every promise is kept, and every scenario.
fn none(programs: &Programs, worlds: u64) -> Result<(), String> {
    for sms in [false, true] {
        let output = sim(programs, 0, sms, worlds, None);
        if !output.status.success() {
            return Err(last_words(&output));
        }
    }
    for program in programs.scenarios.values() {
        let output = scenarios(program, 0, None);
        if !output.status.success() {
            return Err(last_words(&output));
        }
    }
    Ok(())
}

/// As many at a time as there are processors; in the order of the list.
fn search(programs: &Programs, mutants: &[&Mutant]) -> Vec<Found> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    let progress = Progress::default();
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        while let Some(mutant) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
            let one = look_for(programs, mutant);
            progress.ended(matches!(one, Found::Not(_)));
            if let Ok(mut found) = found.lock() {
                found.push((mutant.number, one));
            }
        }
    };
    let line = || {
        let (tried, all, not) = (progress.done(), mutants.len(), progress.failed());
        format!("{tried} of {all} mutants tried, {not} not found")
    };
    saying(line, || {
        std::thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(work);
            }
        });
    });
    let mut found = found.into_inner().unwrap_or_default();
    found.sort_by_key(|(number, _)| *number);
    found.into_iter().map(|(_, one)| one).collect()
}

fn look_for(programs: &Programs, mutant: &Mutant) -> Found {
    if let Some(scenario) = &mutant.scenario {
        let program = scenario.split_once("::").and_then(|(file, name)| {
            let program = programs.scenarios.get(file)?;
            Some((program, name))
        });
        let Some((program, name)) = program else {
            return Found::Not(format!("by {scenario}, which is not built"));
        };
        let output = scenarios(program, mutant.number, Some(name));
        let told = String::from_utf8_lossy(&output.stdout);
        return match (output.status.success(), told.contains("1 failed")) {
            (false, true) => Found::ByScenario,
            _ => Found::Not(format!("by {scenario}")),
        };
    }
    let worlds = mutant.worlds.unwrap_or(1);
    let promise = mutant.promise.as_deref().unwrap_or("");
    let output = sim(programs, mutant.number, mutant.sms, worlds, Some(promise));
    if output.status.success() {
        return Found::Not(format!("in {worlds} worlds"));
    }
    let told = String::from_utf8_lossy(&output.stdout);
    let mut others = BTreeSet::new();
    for line in told.lines().filter_map(|line| line.strip_prefix("seed ")) {
        let parts = line.split_once(' ').and_then(|(seed, rest)| {
            let (_, broken) = rest.split_once(": ")?;
            let (broken, _) = broken.split_once(" (")?;
            Some((seed.parse::<u64>().ok()?, broken))
        });
        match parts {
            Some((seed, broken)) if broken == promise => return Found::InWorld(seed + 1),
            Some((_, broken)) => others.extend([broken]),
            None => {}
        }
    }
    if others.is_empty() {
        return Found::Not(format!("cleanly: {}", last_words(&output)));
    }
    Found::Not(format!(
        "in {worlds} worlds by {promise:?}, but by {others:?}"
    ))
}

/// Worlds up to the first that breaks a promise, or this one.
fn sim(programs: &Programs, number: u32, sms: bool, worlds: u64, promise: Option<&str>) -> Output {
    let mut command = Command::new(&programs.sim);
    let seeds = format!("0..{worlds}");
    command.args([
        "--tries",
        "0",
        "--jobs",
        "1",
        "--minutes",
        MINUTES,
        "--seeds",
        &seeds,
    ]);
    if !sms {
        // What breaks a rule of IP shows itself sooner where nothing falls back.
        command.args(["--set", "sms=0"]);
    }
    match promise {
        Some(promise) => command.args(["--first-of", promise]),
        None => command.arg("--first"),
    };
    run(command, number)
}

fn scenarios(program: &Path, number: u32, only: Option<&str>) -> Output {
    let mut command = Command::new(program);
    command.arg("--test-threads=1");
    if let Some(name) = only {
        command.args(["--exact", name]);
    }
    run(command, number)
}

#[expect(
    clippy::expect_used,
    reason = "a program that was built a moment ago starts"
)]
fn run(mut command: Command, number: u32) -> Output {
    command
        .env("TWINE_MUTANT", number.to_string())
        .output()
        .expect("the program that was built starts")
}

fn last_words(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    let all = if out.is_empty() { err } else { out };
    all.lines().rev().take(3).collect::<Vec<_>>().join(" / ")
}
