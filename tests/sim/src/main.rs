//! Runs worlds by seed.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use twine_sim::world::{Failure, Summary, World};

const HELP: &str = "\
twine-sim: a simulated country that tries to break every promise

  twine-sim --seeds A..B [--minutes M] [--jobs N]   run worlds A to B-1, M simulated
                                                    minutes each (default 10)
  twine-sim --replay SEED [--minutes M] [--story]   run one world; tell what happened

The last line is 'N passed, N failed'. Exit status: 0 all passed, 1 some failed,
2 usage.
";

#[derive(Debug)]
struct Args {
    seeds: std::ops::Range<u64>,
    minutes: u64,
    jobs: usize,
    replay: bool,
    story: bool,
}

fn parse() -> Result<Option<Args>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut args = Args {
        seeds: 0..100,
        minutes: 10,
        jobs: std::thread::available_parallelism().map_or(1, usize::from),
        replay: false,
        story: false,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("seeds") => {
                let text = parser.value()?.string()?;
                args.seeds = range(&text).ok_or_else(|| {
                    lexopt::Error::Custom(
                        format!("--seeds {text}: expected A..B with A < B, for example 0..1000")
                            .into(),
                    )
                })?;
            }
            Long("replay") => {
                let seed: u64 = parser.value()?.parse()?;
                args.seeds = seed..seed + 1;
                args.replay = true;
            }
            Long("minutes") => args.minutes = parser.value()?.parse()?,
            Long("jobs") => args.jobs = parser.value()?.parse::<usize>()?.clamp(1, 256),
            Long("story") => args.story = true,
            Long("help") | Short('h') => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(args))
}

fn range(text: &str) -> Option<std::ops::Range<u64>> {
    let (from, to) = text.split_once("..")?;
    let range = from.parse().ok()?..to.parse().ok()?;
    (!range.is_empty()).then_some(range)
}

fn main() -> ExitCode {
    let args = match parse() {
        Ok(Some(args)) => args,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("twine-sim: {error}\nsee twine-sim --help");
            return ExitCode::from(2);
        }
    };
    let started = Instant::now();
    let failures = if args.replay {
        replay(&args)
    } else {
        run_all(&args, started)
    };
    let total = args.seeds.end - args.seeds.start;
    println!("{} passed, {failures} failed", total - failures);
    if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn replay(args: &Args) -> u64 {
    let mut world = World::new(args.seeds.start, args.story);
    let result = world.run(args.minutes);
    for line in world.story() {
        println!("{line}");
    }
    match result {
        Ok(summary) => {
            println!("{summary:?}");
            0
        }
        Err(failure) => {
            print_failure(&failure, args.minutes);
            1
        }
    }
}

fn print_failure(failure: &Failure, minutes: u64) {
    println!(
        "seed {} broke a promise after {:.3} s: {} ({})\n  replay: twine-sim --replay {} --minutes {minutes} --story",
        failure.seed,
        Duration::from_millis(failure.at_ms).as_secs_f64(),
        failure.what.promise,
        failure.what.text,
        failure.seed,
    );
}

fn run_all(args: &Args, started: Instant) -> u64 {
    let next = AtomicU64::new(args.seeds.start);
    let failed = AtomicU64::new(0);
    let totals = Mutex::new(Summary::default());
    std::thread::scope(|scope| {
        for _ in 0..args.jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= args.seeds.end {
                        return;
                    }
                    match World::new(seed, false).run(args.minutes) {
                        Ok(summary) => add(
                            &mut totals.lock().unwrap_or_else(PoisonError::into_inner),
                            &summary,
                        ),
                        Err(failure) => {
                            failed.fetch_add(1, Ordering::Relaxed);
                            print_failure(&failure, args.minutes);
                        }
                    }
                    let done = seed + 1 - args.seeds.start;
                    if done.is_multiple_of(1000) {
                        eprintln!("{done} worlds, {:.0} s", started.elapsed().as_secs_f64());
                    }
                }
            });
        }
    });
    let totals = *totals.lock().unwrap_or_else(PoisonError::into_inner);
    let wall = started.elapsed().as_secs_f64();
    println!(
        "{} messages confirmed, {} received, {} daemon runs, {} connections, {} events; \
         {:.0} simulated hours in {wall:.1} s: {:.0} times real time",
        totals.confirmed,
        totals.received,
        totals.runs,
        totals.connections,
        totals.events,
        totals.world_ms as f64 / 3.6e6,
        totals.world_ms as f64 / 1000.0 / wall,
    );
    failed.into_inner()
}

fn add(totals: &mut Summary, one: &Summary) {
    totals.confirmed += one.confirmed;
    totals.received += one.received;
    totals.runs += one.runs;
    totals.connections += one.connections;
    totals.events += one.events;
    totals.world_ms += one.world_ms;
}
