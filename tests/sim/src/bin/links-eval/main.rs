//! Compares who decides over two cards: Twine, Android, nobody.

use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::{Parser, ValueExt as _};
use twine_out::say;
use twine_sim::evaluation::{self, Outcome, number, only, seeds};
use twine_sim::links_eval::{check, evaluate, html, report, trace, worlds};

const HELP: &str = "\
links-eval: two cards, many networks: Twine's decisions against Android's own

  links-eval [--seeds A..B] [--minutes M] [--traces PATH]... [--only TEXT]
             [--json FILE] [--html FILE] [--check]

  --seeds A..B    worlds of these seeds (default 0..20)
  --minutes M     length of each, 10 to 1440 (default 120)
  --traces PATH   worlds of recorded traces, too: a folder, or one FILE of
                  FILE.up and FILE.down (mahimahi format); without this option
                  those in ../shared/traces of the project, if it is there
  --only TEXT     only worlds with this in their name
  --json FILE     write the figures
  --html FILE     write a page with plots
  --check         exit status 1 unless in every world Twine is without data no
                  longer than the best baseline, and in sum at most half as long
                  as the baseline that is best in sum, with no more switches

Exit status: 0 done, 1 the check failed, 2 usage or files.
";

/// Seeds in one run, at most.
const MAX_SEEDS: u64 = 1_000;

struct Args {
    seeds: Range<u64>,
    minutes: u64,
    traces: Vec<PathBuf>,
    only: Option<String>,
    outcome: Outcome,
}

fn main() -> ExitCode {
    let args = Args {
        seeds: 0..20,
        minutes: 120,
        traces: Vec::new(),
        only: None,
        outcome: Outcome::default(),
    };
    evaluation::main("links-eval", HELP, args, option, run)
}

fn option(args: &mut Args, name: &str, parser: &mut Parser) -> Result<(), lexopt::Error> {
    match name {
        "seeds" => args.seeds = seeds(parser, MAX_SEEDS)?,
        "minutes" => args.minutes = number(parser, name, 10..=1440)?,
        "traces" => args.traces.push(parser.value()?.into()),
        "only" => args.only = Some(parser.value()?.string()?),
        _ => args.outcome.option(name, parser)?,
    }
    Ok(())
}

fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut all = worlds::all(args.seeds.clone(), args.minutes * 60)?;
    let beside: Vec<_> = trace::beside_the_project().into_iter().collect();
    let folders = if args.traces.is_empty() {
        &beside
    } else {
        &args.traces
    };
    for path in folders {
        all.extend(worlds::recorded(&trace::load(path)?)?);
    }
    only(&mut all, args.only.as_deref(), |world| &world.name)?;
    let (rows, runs) = evaluate(&all);
    say!("{}", report::table(&rows));
    args.outcome.tell(
        "no world worse, at most half in sum, no more switches",
        &check::failures(&rows),
        || report::json(&rows),
        || html::page(&rows, &runs),
    )
}
