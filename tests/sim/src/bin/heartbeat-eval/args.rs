//! The command line.

use std::ops::Range;
use std::path::PathBuf;

pub(crate) const HELP: &str = "\
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

#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) seeds: Range<u64>,
    pub(crate) days: u64,
    pub(crate) only: Option<String>,
    pub(crate) json: Option<PathBuf>,
    pub(crate) html: Option<PathBuf>,
    pub(crate) check: bool,
}

pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Option<Args>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut args = Args {
        seeds: 0..4,
        days: 7,
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
                        "--seeds {text}: expected A..B with A < B and at most {MAX_SEEDS} seeds, for example 0..4"
                    ))
                })?;
            }
            Long("days") => {
                let days: u64 = parser.value()?.parse()?;
                if !(1..=60).contains(&days) {
                    return Err(usage(format!("--days {days}: expected 1 to 60")));
                }
                args.days = days;
            }
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
