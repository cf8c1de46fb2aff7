//! Runs worlds by seed.
//!
//! Neither the engine nor the gateway's core writes a log (a test checks that
//! they cannot), so there are no error records to watch for here. In their place a
//! world fails when a gateway says `ProtocolError`, and when an engine gives a
//! reason that accuses somebody (`coverage::ACCUSATIONS`).

mod args;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use args::{Args, Mode};
use twine_sim::coverage::Coverage;
use twine_sim::minimise::minimise;
use twine_sim::setup::Setup;
use twine_sim::world::story::about;
use twine_sim::world::{Failure, Summary};

fn main() -> ExitCode {
    let args = match args::parse() {
        Ok(Some(args)) => args,
        Ok(None) => {
            print!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("twine-sim: {error}\nsee twine-sim --help");
            return ExitCode::from(2);
        }
    };
    let failures = match args.mode {
        Mode::Seeds => run_all(&args),
        Mode::Replay => replay(&args, &args.setup(args.seeds.start)),
        Mode::Minimise => smallest(&args),
    };
    let total = args.seeds.end - args.seeds.start;
    if args.first && failures > 0 {
        println!("stopped at the first failure");
        return ExitCode::FAILURE;
    }
    println!("{} passed, {failures} failed", total - failures);
    if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn replay(args: &Args, setup: &Setup) -> u64 {
    let mut world = setup.world(args.story);
    let result = world.run(setup.minutes);
    match &args.message {
        Some(message) => about(world.story(), message)
            .iter()
            .for_each(|line| println!("{line}")),
        None => world.story().iter().for_each(|line| println!("{line}")),
    }
    if args.coverage {
        print!("{}", world.coverage().table());
    }
    match result {
        Ok(summary) => {
            println!("{summary:?}");
            0
        }
        Err(failure) => {
            print_failure(&failure, setup);
            1
        }
    }
}

fn smallest(args: &Args) -> u64 {
    let Some((setup, failure)) = minimise(&args.setup(args.seeds.start)) else {
        println!("this world keeps every promise");
        return 0;
    };
    let mut world = setup.world(true);
    let _ = world.run(setup.minutes);
    for line in about(world.story(), &failure.what.text) {
        println!("{line}");
    }
    let mut faults = setup.faults.clone();
    for (name, value) in faults.dials() {
        if *value != 0 {
            println!("  {name} = {value}");
        }
    }
    print_failure(&failure, &setup);
    1
}

fn print_failure(failure: &Failure, setup: &Setup) {
    println!(
        "seed {} broke a promise after {:.3} s: {} ({})\n  replay: {} --message '{}'",
        failure.seed,
        Duration::from_millis(failure.at_ms).as_secs_f64(),
        failure.what.promise,
        failure.what.text,
        setup.command(),
        failure.what.text,
    );
}

#[derive(Default)]
struct Totals {
    summary: Summary,
    coverage: Coverage,
}

fn run_all(args: &Args) -> u64 {
    let started = Instant::now();
    let next = AtomicU64::new(args.seeds.start);
    let failed = AtomicU64::new(0);
    let totals = Mutex::new(Totals::default());
    std::thread::scope(|scope| {
        for _ in 0..args.jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let enough = args.first && failed.load(Ordering::Relaxed) > 0;
                    if enough || seed >= args.seeds.end {
                        return;
                    }
                    let setup = args.setup(seed);
                    let mut world = setup.world(false);
                    let result = world.run(setup.minutes);
                    let mut totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
                    totals.coverage.add(world.coverage());
                    match result {
                        Ok(summary) => totals.summary.add(&summary),
                        Err(failure) => {
                            failed.fetch_add(1, Ordering::Relaxed);
                            print_failure(&failure, &setup);
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
    let totals = totals.into_inner().unwrap_or_else(PoisonError::into_inner);
    let wall = started.elapsed().as_secs_f64();
    if args.coverage {
        print!("{}", totals.coverage.table());
    }
    let summary = totals.summary;
    println!(
        "{} messages fell back, {} SMS parts, {} wasted ({:.2} %); {} merged, {} parted again, \
         {} reordered",
        summary.fell_back,
        summary.sms_parts,
        summary.wasted,
        100.0 * summary.wasted as f64 / summary.fell_back.max(1) as f64,
        summary.merged,
        summary.unmerged,
        summary.reordered,
    );
    println!(
        "{} messages confirmed, {} received, {} daemon runs, {} connections, {} events; \
         {:.0} simulated hours in {wall:.1} s: {:.0} times real time",
        summary.confirmed,
        summary.received,
        summary.runs,
        summary.connections,
        summary.events,
        summary.world_ms as f64 / 3.6e6,
        summary.world_ms as f64 / 1000.0 / wall,
    );
    failed.into_inner()
}
