//! The command line.

use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};

use twine_sim::coverage::promises;
use twine_sim::dials::Dial;
use twine_sim::faults::Faults;
use twine_sim::report::TRIES;
use twine_sim::setup::{Setup, places_from};
use twine_sim::world::story::name_of;
use twine_sim::world::{Failure, MAX_HANDSETS, MAX_MINUTES};

/// Seeds of runs of many: their sums do not overflow.
const MAX_SEED: u64 = 1 << 62;

pub(crate) const HELP: &str = "\
twine-sim: a simulated country that tries to break every promise

  twine-sim --seeds A..B [--minutes M] [--jobs N]   run worlds A to B-1, M simulated
                                                    minutes each (default 10)
  twine-sim --replay SEED [--minutes M] [--story]   run one world; tell what happened
  twine-sim --minimise SEED [--minutes M]           find a small world that fails in
                                                    the same way; tell its story
  twine-sim --dials                                 what --set can turn

Without any of these: --seeds 0..100.

with --seeds:
  --first           stop at the first world that fails
  --first-of TEXT   stop at the first world that breaks this promise
  --complete        as --coverage; what is listed and not reached counts as failed, too
with --replay:
  --story           tell what happened, line by line
  --message NAME    with --story: only what concerns this message; h0m5 is the fifth
                    that the app of handset 0 sends
  --verbose         with --story: frames and decisions with all they hold
with --seeds or --replay:
  --coverage        what was reached, and what never was
with any:
  --tries N         worlds run to make a failing one small (default 1000; 0: none)
  --handsets N      instead of those drawn, 2 to 200
  --messages N      messages for each handset, instead of a pause that is drawn
  --set DIAL=VALUE  turn one dial of the mix; 0: off
  --leave-out A,B-C leave out faults and acts by their place
  --mix N           the dice of an older mix, for seeds of that time, from 1
  --calm            nothing goes wrong, but for dials that are set

A world that fails is told of with its seed, the promise it broke and the command that
replays it; of the first few, one for each promise, follow the smallest world found and
the story of the message concerned. What takes long says every five seconds how far it is,
on standard error.

The last line is 'N passed, N failed'. Exit status: 0 all passed, 1 some failed,
2 usage.
";

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Asked {
    Run(Args),
    Help,
    Dials,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Seeds,
    Replay,
    Minimise,
}

const SEEDS: &[Mode] = &[Mode::Seeds];
const REPLAY: &[Mode] = &[Mode::Replay];

impl Mode {
    const fn option(self) -> &'static str {
        match self {
            Self::Seeds => "--seeds",
            Self::Replay => "--replay",
            Self::Minimise => "--minimise",
        }
    }
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
    pub(crate) verbose: bool,
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

pub(crate) fn parse() -> Result<Asked, lexopt::Error> {
    use lexopt::prelude::*;
    // Which world or worlds, by the option that said so; and what is for some of these.
    let mut mode = None;
    let mut only_for = Vec::new();
    let mut args = Args {
        mode: Mode::Seeds,
        seeds: 0..100,
        minutes: 10,
        jobs: std::thread::available_parallelism().map_or(1, usize::from),
        story: false,
        verbose: false,
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
                        "--seeds {text}: expected A..B with A < B <= {MAX_SEED}, for example \
                         0..1000"
                    ))
                })?;
                choose(&mut mode, Mode::Seeds, "--seeds")?;
            }
            Long("replay") => {
                let seed = number(&mut parser, "--replay", 0..=u64::MAX - 1)?;
                args.seeds = seed..seed.saturating_add(1);
                choose(&mut mode, Mode::Replay, "--replay")?;
            }
            Long("minimise") => {
                let seed = number(&mut parser, "--minimise", 0..=u64::MAX - 1)?;
                args.seeds = seed..seed.saturating_add(1);
                choose(&mut mode, Mode::Minimise, "--minimise")?;
            }
            Long("minutes") => args.minutes = number(&mut parser, "--minutes", 1..=MAX_MINUTES)?,
            Long("jobs") => args.jobs = number(&mut parser, "--jobs", 1..=256)? as usize,
            Long("story") => {
                args.story = true;
                only_for.push(("--story", REPLAY));
            }
            Long("verbose") => {
                args.verbose = true;
                only_for.push(("--verbose", REPLAY));
            }
            Long("first") => {
                args.first = Some(First::Any);
                only_for.push(("--first", SEEDS));
            }
            Long("first-of") => {
                args.first = Some(First::Of(promise(parser.value()?.string()?)?));
                only_for.push(("--first-of", SEEDS));
            }
            Long("coverage") => {
                args.coverage = true;
                only_for.push(("--coverage", &[Mode::Seeds, Mode::Replay]));
            }
            Long("complete") => {
                args.complete = true;
                only_for.push(("--complete", SEEDS));
            }
            Long("tries") => {
                args.tries = number(&mut parser, "--tries", 0..=u32::MAX.into())? as u32
            }
            Long("calm") => args.calm = true,
            Long("mix") => {
                args.mix = number(&mut parser, "--mix", 1..=u64::from(Faults::MIX))? as u8;
            }
            Long("message") => {
                args.message = Some(message(&parser.value()?.string()?)?);
                only_for.push(("--message", REPLAY));
            }
            Long("messages") => {
                args.messages = Some(number(&mut parser, "--messages", 1..=u64::MAX)?);
            }
            Long("handsets") => {
                let handsets = number(&mut parser, "--handsets", 2..=MAX_HANDSETS)?;
                args.dials.push(("handsets".into(), handsets));
            }
            Long("set") => {
                let text = parser.value()?.string()?;
                args.dials.push(dial(&text)?);
            }
            Long("dials") => return Ok(Asked::Dials),
            Long("leave-out") => {
                for word in parser.value()?.string()?.split(',') {
                    let places = places_from(word).ok_or_else(|| {
                        let expected = "expected numbers and ranges, for example 3,7-12";
                        usage(format!("--leave-out {word}: {expected}"))
                    })?;
                    args.left_out.extend(places);
                }
            }
            Long("help") | Short('h') => return Ok(Asked::Help),
            _ => return Err(arg.unexpected()),
        }
    }
    args.mode = mode.map_or(Mode::Seeds, |(mode, _)| mode);
    for (option, modes) in only_for {
        if !modes.contains(&args.mode) {
            let with: Vec<&str> = modes.iter().map(|mode| mode.option()).collect();
            let with = with.join(" or ");
            let is = args.mode.option();
            return Err(usage(format!(
                "{option} goes with {with}, not with {is}: leave one of them out"
            )));
        }
    }
    if args.verbose && !args.story {
        return Err(usage(
            "--verbose is for the lines of a story: add --story".into(),
        ));
    }
    if args.message.is_some() && !args.story {
        return Err(usage(
            "--message picks lines of a story: add --story".into(),
        ));
    }
    Ok(Asked::Run(args))
}

/// One option says which worlds are run.
fn choose(
    chosen: &mut Option<(Mode, &'static str)>,
    mode: Mode,
    option: &'static str,
) -> Result<(), lexopt::Error> {
    match chosen.replace((mode, option)) {
        None => Ok(()),
        Some((_, before)) => Err(usage(format!(
            "{option} after {before}: give one of --seeds, --replay and --minimise, and that once"
        ))),
    }
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

fn usage(text: String) -> lexopt::Error {
    lexopt::Error::Custom(text.into())
}

fn range(text: &str) -> Option<Range<u64>> {
    let (from, to) = text.split_once("..")?;
    let range = from.parse().ok()?..to.parse().ok()?;
    (!range.is_empty() && range.end <= MAX_SEED).then_some(range)
}

/// A dial that exists, and a value that it can have.
fn dial(text: &str) -> Result<(String, u64), lexopt::Error> {
    let says = |what: String| usage(format!("--set {text}: {what}"));
    let Some((name, value)) = text.split_once('=') else {
        return Err(says("expected DIAL=VALUE, for example kill_ms=0".into()));
    };
    let Some(dial) = Dial::named(name) else {
        return Err(says(format!(
            "there is no dial {name:?}; --dials lists all"
        )));
    };
    let value = value.parse().ok().filter(|value| dial.allows(*value));
    value.map(|value| (name.to_owned(), value)).ok_or_else(|| {
        let (least, most) = dial.allowed().into_inner();
        let off = if dial.allows(0) { "0 (off) or " } else { "" };
        says(format!("expected {off}{least} to {most}"))
    })
}

/// A promise in the words in which its breach is told.
fn promise(text: String) -> Result<String, lexopt::Error> {
    if promises().any(|known| known == text) {
        return Ok(text);
    }
    let all: Vec<&str> = promises().collect();
    Err(usage(format!(
        "--first-of {text:?}: there is no such promise; there are\n  {}",
        all.join("\n  ")
    )))
}

/// A message's name; the text that begins with it will do.
fn message(text: &str) -> Result<String, lexopt::Error> {
    name_of(text).map(str::to_owned).ok_or_else(|| {
        usage(format!(
            "--message {text}: expected a name, for example h0m5: the fifth message that the app \
             of handset 0 sends"
        ))
    })
}
