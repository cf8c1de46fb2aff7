//! The command line.

use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};

use twine_sim::faults::Faults;
use twine_sim::report::TRIES;
use twine_sim::setup::{Setup, places_from};
use twine_sim::world::{Failure, MAX_HANDSETS};

/// Of one world: about two years.
const MAX_MINUTES: u64 = 1_000_000;

pub(crate) const HELP: &str = "\
twine-sim: a simulated country that tries to break every promise

  twine-sim --seeds A..B [--minutes M] [--jobs N]   run worlds A to B-1, M simulated
                                                    minutes each (default 10)
  twine-sim --replay SEED [--minutes M] [--story]   run one world; tell what happened
  twine-sim --minimise SEED [--minutes M]           find a small world that fails in
                                                    the same way; tell its story

  --first           stop at the first world that fails
  --first-of TEXT   stop at the first world that breaks this promise
  --tries N         worlds run to make a failing one small (default 1000; 0: none)
  --coverage        what was reached, and what never was
  --complete        the same; what is judged is whether the run reached all that is
                    listed, not whether its worlds kept their promises
  --message TEXT    with --story: only what concerns this message
  --handsets N      instead of those drawn, 2 to 200
  --messages N      messages for each handset, instead of a pause that is drawn
  --set DIAL=VALUE  turn one dial of the mix; 0: off
  --leave-out A,B-C leave out faults and acts by their place
  --mix N           the dice of an older mix, for seeds of that time: 1 to 4; 5 is today's
  --calm            nothing goes wrong, but for dials that are set

A world that fails is told of with its seed, the promise it broke and the command that
replays it; of the first few, one for each promise, follow the smallest world found and
the story of the message concerned.

The last line is 'N passed, N failed'. Exit status: 0 all passed, 1 some failed,
2 usage.
";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Seeds,
    Replay,
    Minimise,
}

/// Which failure ends a run.
#[derive(Debug)]
pub(crate) enum First {
    Any,
    /// Of this promise.
    Of(String),
}

impl First {
    pub(crate) fn is(&self, failure: &Failure) -> bool {
        match self {
            Self::Any => true,
            Self::Of(promise) => failure.what.promise == promise,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) mode: Mode,
    pub(crate) seeds: Range<u64>,
    pub(crate) jobs: usize,
    pub(crate) story: bool,
    pub(crate) coverage: bool,
    pub(crate) complete: bool,
    pub(crate) tries: u32,
    /// The run ends at the first world that fails by this judgement.
    pub(crate) first: Option<First>,
    pub(crate) message: Option<String>,
    minutes: u64,
    mix: u8,
    calm: bool,
    messages: Option<u64>,
    dials: Vec<(String, u64)>,
    left_out: BTreeSet<u64>,
}

impl Args {
    /// The world of a seed, as far as the command line leaves it to the seed.
    pub(crate) fn setup(&self, seed: u64) -> Setup {
        let mut setup = Setup::drawn_by(self.mix, seed, self.minutes);
        if self.calm {
            setup.faults = Faults::none(2, 5_000);
        }
        if let Some(messages) = self.messages {
            setup.faults.send_every_ms = (self.minutes * 60_000 / messages.max(1)).max(1);
        }
        for (name, value) in &self.dials {
            setup.faults.set(name, *value);
        }
        setup.left_out.clone_from(&self.left_out);
        setup
    }
}

pub(crate) fn parse() -> Result<Option<Args>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut args = Args {
        mode: Mode::Seeds,
        seeds: 0..100,
        minutes: 10,
        jobs: std::thread::available_parallelism().map_or(1, usize::from),
        story: false,
        coverage: false,
        complete: false,
        tries: TRIES,
        first: None,
        message: None,
        mix: Faults::MIX,
        calm: false,
        messages: None,
        dials: Vec::new(),
        left_out: BTreeSet::new(),
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("seeds") => {
                let text = parser.value()?.string()?;
                args.seeds = range(&text).ok_or_else(|| {
                    usage(format!(
                        "--seeds {text}: expected A..B with A < B, for example 0..1000"
                    ))
                })?;
            }
            Long("replay") => {
                let seed = number(&mut parser, "--replay", 0..=u64::MAX - 1)?;
                one(&mut args, Mode::Replay, seed);
            }
            Long("minimise") => {
                let seed = number(&mut parser, "--minimise", 0..=u64::MAX - 1)?;
                one(&mut args, Mode::Minimise, seed);
            }
            Long("minutes") => args.minutes = number(&mut parser, "--minutes", 1..=MAX_MINUTES)?,
            Long("jobs") => args.jobs = number(&mut parser, "--jobs", 1..=256)? as usize,
            Long("story") => args.story = true,
            Long("first") => args.first = Some(First::Any),
            Long("first-of") => args.first = Some(First::Of(parser.value()?.string()?)),
            Long("coverage") => args.coverage = true,
            Long("complete") => args.complete = true,
            Long("tries") => {
                args.tries = number(&mut parser, "--tries", 0..=u32::MAX.into())? as u32
            }
            Long("calm") => args.calm = true,
            Long("mix") => {
                args.mix = number(&mut parser, "--mix", 1..=u64::from(Faults::MIX))? as u8;
            }
            Long("message") => args.message = Some(parser.value()?.string()?),
            Long("messages") => {
                args.messages = Some(number(&mut parser, "--messages", 1..=u64::MAX)?);
            }
            Long("handsets") => {
                let handsets = number(&mut parser, "--handsets", 2..=MAX_HANDSETS)?;
                args.dials.push(("handsets".into(), handsets));
            }
            Long("set") => {
                let text = parser.value()?.string()?;
                let dial = dial(&text).ok_or_else(|| {
                    usage(format!(
                        "--set {text}: expected DIAL=VALUE, for example kill_ms=0"
                    ))
                })?;
                args.dials.push(dial);
            }
            Long("leave-out") => {
                for word in parser.value()?.string()?.split(',') {
                    let places = places_from(word).ok_or_else(|| {
                        let expected = "expected numbers and ranges, for example 3,7-12";
                        usage(format!("--leave-out {word}: {expected}"))
                    })?;
                    args.left_out.extend(places);
                }
            }
            Long("help") | Short('h') => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(args))
}

/// A whole number within bounds.
fn number(
    parser: &mut lexopt::Parser,
    option: &str,
    allowed: RangeInclusive<u64>,
) -> Result<u64, lexopt::Error> {
    let text = parser.value()?;
    let number = text.to_str().and_then(|text| text.parse().ok());
    number
        .filter(|number| allowed.contains(number))
        .ok_or_else(|| {
            usage(format!(
                "{option} {}: expected {} to {}",
                text.display(),
                allowed.start(),
                allowed.end()
            ))
        })
}

fn one(args: &mut Args, mode: Mode, seed: u64) {
    args.mode = mode;
    args.seeds = seed..seed.saturating_add(1);
}

fn usage(text: String) -> lexopt::Error {
    lexopt::Error::Custom(text.into())
}

fn range(text: &str) -> Option<Range<u64>> {
    let (from, to) = text.split_once("..")?;
    let range = from.parse().ok()?..to.parse().ok()?;
    (!range.is_empty()).then_some(range)
}

/// A dial that exists, and its value.
fn dial(text: &str) -> Option<(String, u64)> {
    let (name, value) = text.split_once('=')?;
    let value = value.parse().ok()?;
    Faults::default()
        .set(name, value)
        .then(|| (name.to_owned(), value))
}
