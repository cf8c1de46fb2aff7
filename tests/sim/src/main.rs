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
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use args::{Args, Asked, Mode};
use twine_out::{errln, say, sayln};
use twine_sim::coverage::{Coverage, LISTED};
use twine_sim::progress::{Progress, saying};
use twine_sim::setup::Setup;
use twine_sim::world::story::{Line, about};
use twine_sim::world::{Failure, Summary};
use twine_sim::{dials, report};

/// Worlds of a run that are made small and told of in full, each of another promise.
const TOLD_IN_FULL: usize = 3;

fn main() -> ExitCode {
    let args = match args::parse() {
        Ok(Asked::Run(args)) => args,
        Ok(Asked::Help) => {
            say!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Ok(Asked::Dials) => {
            say!("{}", dials::table());
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            errln!("twine-sim: {error}\nsee twine-sim --help");
            return ExitCode::from(2);
        }
    };
    let (total, failures) = match args.mode {
        Mode::Seeds => run_all(&args),
        Mode::Replay => match replay(&args, &args.setup(args.seeds.start)) {
            Ok(failures) => (1, failures),
            Err(error) => {
                errln!("twine-sim: {error}");
                return ExitCode::from(2);
            }
        },
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

/// Says how many failed; an error: there is nothing to tell of what was asked for.
fn replay(args: &Args, setup: &Setup) -> Result<u64, String> {
    let progress = Arc::<Progress>::default();
    let mut world = setup.world(args.story);
    world.watched_by(&progress);
    let far = || {
        format!(
            "seed {}: {} simulated minutes",
            setup.seed,
            progress.minutes()
        )
    };
    let result = saying(far, || world.run(setup.minutes));
    match &args.message {
        Some(message) => {
            let lines = about(world.story(), message);
            if lines.is_empty() {
                return Err(format!(
                    "--message {message}: there is no such message in this world; --story alone \
                     tells of all"
                ));
            }
            tell(args, &lines);
        }
        None => tell(args, world.story()),
    }
    if args.coverage {
        say!("{}", world.coverage().table());
    }
    match result {
        Ok(summary) => {
            let minutes = summary.world_ms as f64 / 60_000.0;
            sayln!("{summary}; {minutes:.1} simulated minutes");
            Ok(0)
        }
        Err(failure) if args.story => {
            say!("{}", report::in_short(&failure, setup));
            Ok(1)
        }
        Err(_) => {
            say!("{}", report::in_full(setup, args.tries));
            Ok(1)
        }
    }
}

fn tell(args: &Args, story: &[Line]) {
    for line in story {
        if args.verbose {
            sayln!("{}", line.in_full());
        } else {
            sayln!("{line}");
        }
    }
}

fn smallest(args: &Args) -> u64 {
    let setup = args.setup(args.seeds.start);
    let progress = Arc::<Progress>::default();
    let far = || {
        format!(
            "seed {}: {} simulated minutes",
            setup.seed,
            progress.minutes()
        )
    };
    if saying(far, || setup.run_watched(&progress)).is_ok() {
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

/// Says how many worlds were run, and how many failed. With `--complete` each name that
/// is listed counts like a world, and each finding like one that failed.
fn run_all(args: &Args) -> (u64, u64) {
    let started = Instant::now();
    let progress = Arc::<Progress>::default();
    let next = AtomicU64::new(args.seeds.start);
    let enough = AtomicBool::new(false);
    let totals = Mutex::new(Totals::default());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if enough.load(Ordering::Relaxed) || seed >= args.seeds.end {
                return;
            }
            let setup = args.setup(seed);
            let mut world = setup.world(false);
            world.watched_by(&progress);
            let result = world.run(setup.minutes);
            progress.ended(result.is_err());
            let mut totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
            totals.coverage.add(world.coverage());
            match result {
                Ok(summary) => totals.summary.add(&summary),
                Err(failure) => {
                    say!("{}", report::in_short(&failure, &setup));
                    if args.first.as_ref().is_some_and(|first| first.is(&failure)) {
                        enough.store(true, Ordering::Relaxed);
                    }
                    totals.broke(&failure, setup);
                }
            }
        }
    };
    let all = args.seeds.end - args.seeds.start;
    let far = || {
        let (worlds, failed) = (progress.done(), progress.failed());
        let minutes = progress.minutes();
        format!("{worlds} of {all} worlds, {failed} failed, {minutes} simulated minutes")
    };
    saying(far, || {
        std::thread::scope(|scope| {
            for _ in 0..args.jobs {
                scope.spawn(work);
            }
        });
    });
    let totals = totals.into_inner().unwrap_or_else(PoisonError::into_inner);
    let wall = started.elapsed().as_secs_f64();
    for setup in totals.to_be_told() {
        say!("{}", report::in_full(setup, args.tries));
    }
    let (worlds, failed) = (progress.done(), progress.failed());
    if args.coverage || args.complete {
        say!("{}", totals.coverage.table());
    }
    let summary = totals.summary;
    sayln!(
        "{summary}; {:.0} simulated hours in {wall:.1} s: {:.0} times real time",
        summary.world_ms as f64 / 3.6e6,
        summary.world_ms as f64 / 1000.0 / wall,
    );
    if args.complete {
        let (listed, findings) = complete(&totals.coverage);
        sayln!(
            "{failed} of {worlds} worlds broke a promise; {findings} of {listed} names are findings"
        );
        return (worlds + listed, failed + findings);
    }
    (worlds, failed)
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
