//! Runs worlds by seed.
//!
//! Neither the engine nor the gateway's core writes a log (a test checks that
//! they cannot), so there are no error records to watch for here. In their place a
//! world fails when a gateway says `ProtocolError`, and when an engine gives a
//! reason that accuses somebody (`coverage::ACCUSATIONS`).

mod args;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use args::{Args, Mode};
use twine_out::{say, sayln};
use twine_sim::coverage::{Coverage, LISTED};
use twine_sim::report;
use twine_sim::setup::Setup;
use twine_sim::world::story::about;
use twine_sim::world::{Failure, Summary};

/// Worlds of a run that are made small and told of in full, each of another promise.
const TOLD_IN_FULL: usize = 3;

fn main() -> ExitCode {
    let args = match args::parse() {
        Ok(Some(args)) => args,
        Ok(None) => {
            say!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("twine-sim: {error}\nsee twine-sim --help");
            return ExitCode::from(2);
        }
    };
    let (total, failures) = match args.mode {
        Mode::Seeds => run_all(&args),
        Mode::Replay => (1, replay(&args, &args.setup(args.seeds.start))),
        Mode::Minimise => (1, smallest(&args)),
    };
    sayln!(
        "{} passed, {failures} failed",
        total.saturating_sub(failures)
    );
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
            .for_each(|line| sayln!("{line}")),
        None => world.story().iter().for_each(|line| sayln!("{line}")),
    }
    if args.coverage {
        say!("{}", world.coverage().table());
    }
    match result {
        Ok(summary) => {
            sayln!("{summary:?}");
            0
        }
        Err(failure) if args.story => {
            say!("{}", report::in_short(&failure, setup));
            1
        }
        Err(_) => {
            say!("{}", report::in_full(setup, args.tries));
            1
        }
    }
}

fn smallest(args: &Args) -> u64 {
    let setup = args.setup(args.seeds.start);
    if setup.run().is_ok() {
        sayln!("this world keeps every promise");
        return 0;
    }
    say!("{}", report::in_full(&setup, args.tries));
    1
}

#[derive(Default)]
struct Totals {
    summary: Summary,
    coverage: Coverage,
    worlds: u64,
    /// Of each promise that was broken, the world with the lowest seed.
    broken: BTreeMap<&'static str, Setup>,
}

impl Totals {
    fn broke(&mut self, failure: &Failure, setup: Setup) {
        let known = self.broken.entry(failure.what.promise);
        let first = known.or_insert_with(|| setup.clone());
        if setup.seed < first.seed {
            *first = setup;
        }
    }

    /// The first few, one for each promise.
    fn to_be_told(&self) -> Vec<&Setup> {
        let mut first: Vec<&Setup> = self.broken.values().collect();
        first.sort_by_key(|setup| setup.seed);
        first.truncate(TOLD_IN_FULL);
        first
    }
}

/// Says how many worlds were run, and how many failed; or the same of listed names.
fn run_all(args: &Args) -> (u64, u64) {
    let started = Instant::now();
    let next = AtomicU64::new(args.seeds.start);
    let failed = AtomicU64::new(0);
    let enough = AtomicBool::new(false);
    let totals = Mutex::new(Totals::default());
    std::thread::scope(|scope| {
        for _ in 0..args.jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if enough.load(Ordering::Relaxed) || seed >= args.seeds.end {
                        return;
                    }
                    let setup = args.setup(seed);
                    let mut world = setup.world(false);
                    let result = world.run(setup.minutes);
                    let mut totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
                    totals.coverage.add(world.coverage());
                    totals.worlds += 1;
                    match result {
                        Ok(summary) => totals.summary.add(&summary),
                        Err(failure) => {
                            failed.fetch_add(1, Ordering::Relaxed);
                            say!("{}", report::in_short(&failure, &setup));
                            if args.first.as_ref().is_some_and(|first| first.is(&failure)) {
                                enough.store(true, Ordering::Relaxed);
                            }
                            totals.broke(&failure, setup);
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
    for setup in totals.to_be_told() {
        say!("{}", report::in_full(setup, args.tries));
    }
    let failed = failed.into_inner();
    if args.coverage || args.complete {
        say!("{}", totals.coverage.table());
    }
    let summary = totals.summary;
    sayln!(
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
    sayln!(
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
    if args.complete {
        sayln!("of {} worlds {failed} broke a promise", totals.worlds);
        return complete(&totals.coverage);
    }
    (totals.worlds, failed)
}

/// Says how many names are listed, and how many of them were not reached, or were though
/// they cannot be.
fn complete(coverage: &Coverage) -> (u64, u64) {
    let findings = coverage.findings();
    for finding in &findings {
        sayln!("{finding}");
    }
    let listed: usize = LISTED.iter().map(|(_, names)| names.len()).sum();
    (listed as u64, findings.len() as u64)
}
