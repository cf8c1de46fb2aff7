//! The command line.

use std::ops::Range;
use std::path::PathBuf;

pub(crate) const HELP: &str = "\
links-eval: two cards, many networks: Twine's decisions against Android's own

  links-eval [--seeds A..B] [--minutes M] [--traces PATH]... [--only TEXT]
             [--json FILE] [--html FILE] [--check]

  --seeds A..B    worlds of these seeds (default 0..20)
  --minutes M     length of each, 10 to 1440 (default 120)
  --traces PATH   worlds of recorded traces, too: a folder, or one FILE of
                  FILE.up and FILE.down (mahimahi format)
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

#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) seeds: Range<u64>,
    pub(crate) minutes: u64,
    pub(crate) traces: Vec<PathBuf>,
    pub(crate) only: Option<String>,
    pub(crate) json: Option<PathBuf>,
    pub(crate) html: Option<PathBuf>,
    pub(crate) check: bool,
}

pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Option<Args>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut args = Args {
        seeds: 0..20,
        minutes: 120,
        traces: Vec::new(),
        only: None,
        json: None,
        html: None,
        check: false,
    };
    while let Some(arg) = parser.next()? {
        match arg {
            Long("seeds") => {
                let text = parser.value()?.string()?;
                args.seeds = range(&text).ok_or_else(|| {
                    usage(format!(
                        "--seeds {text}: expected A..B with A < B and at most {MAX_SEEDS} seeds, for example 0..20"
                    ))
                })?;
            }
            Long("minutes") => {
                let minutes: u64 = parser.value()?.parse()?;
                if !(10..=1440).contains(&minutes) {
                    return Err(usage(format!("--minutes {minutes}: expected 10 to 1440")));
                }
                args.minutes = minutes;
            }
            Long("traces") => args.traces.push(parser.value()?.into()),
            Long("only") => args.only = Some(parser.value()?.string()?),
            Long("json") => args.json = Some(parser.value()?.into()),
            Long("html") => args.html = Some(parser.value()?.into()),
            Long("check") => args.check = true,
            Long("help") | Short('h') => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(args))
}

fn usage(text: String) -> lexopt::Error {
    lexopt::Error::Custom(text.into())
}

fn range(text: &str) -> Option<Range<u64>> {
    let (from, to) = text.split_once("..")?;
    let range = from.parse().ok()?..to.parse().ok()?;
    (!range.is_empty() && range.end - range.start <= MAX_SEEDS).then_some(range)
}
