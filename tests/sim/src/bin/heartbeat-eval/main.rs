//! Compares how an idle session is kept: Twine, Mars, a fixed 60 s.

use std::ops::Range;
use std::process::ExitCode;

use lexopt::{Parser, ValueExt as _};
use twine_out::say;
use twine_sim::evaluation::{self, Outcome, number, only, seeds};
use twine_sim::heartbeat_eval::{check, evaluate, html, report, world};

const HELP: &str = "\
heartbeat-eval: an idle session behind NATs that forget: Twine, Mars, and 60 s

  heartbeat-eval [--seeds A..B] [--days N] [--only TEXT]
                 [--json FILE] [--html FILE] [--check]

  --seeds A..B    worlds of these seeds (default 0..4)
  --days N        length of each, 1 to 60 (default 7)
  --only TEXT     only worlds with this in their name
  --json FILE     write the figures
  --html FILE     write a page with plots
  --check         exit status 1 unless behind every NAT Twine is unreachable for
                  less time than Mars, or both never are, with no more
                  heartbeats in sum

Exit status: 0 done, 1 the check failed, 2 usage or files.
";

/// Seeds in one run, at most.
const MAX_SEEDS: u64 = 100;

struct Args {
    seeds: Range<u64>,
    days: u64,
    only: Option<String>,
    outcome: Outcome,
}

fn main() -> ExitCode {
    let args = Args {
        seeds: 0..4,
        days: 7,
        only: None,
        outcome: Outcome::default(),
    };
    evaluation::main("heartbeat-eval", HELP, args, option, run)
}

fn option(args: &mut Args, name: &str, parser: &mut Parser) -> Result<(), lexopt::Error> {
    match name {
        "seeds" => args.seeds = seeds(parser, MAX_SEEDS)?,
        "days" => args.days = number(parser, name, 1..=60)?,
        "only" => args.only = Some(parser.value()?.string()?),
        _ => args.outcome.option(name, parser)?,
    }
    Ok(())
}

fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut worlds = world::all(args.seeds.clone(), args.days);
    only(&mut worlds, args.only.as_deref(), |world| &world.name)?;
    let rows = evaluate(&worlds);
    say!("{}", report::table(&rows));
    args.outcome.tell(
        "unreachable for less time than Mars behind every NAT, no more heartbeats",
        &check::failures(&rows),
        || report::json(&rows),
        || html::page(&rows),
    )
}
