//! Deliberate bugs, and whether the simulator finds them.
//!
//! `tests/sim/mutants/*.toml` lists them, each with the rule of delivery it breaks
//! and the number of worlds within which it must be found. The sources that ship
//! know nothing of them: all are applied to a copy under `target/mutants`, each
//! behind a switch, and the copy is built once. Then worlds are run for one mutant
//! after the other until a promise breaks. Mutant 0 is none: it must keep every
//! promise, or the rest means nothing.

mod list;
mod run;
mod scratch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use list::Mutant;
use twine_out::{errln, say, sayln};
use twine_sim::progress::saying;

const HELP: &str = "\
mutants: deliberate bugs, and whether the simulator finds them

  mutants                all of the list in tests/sim/mutants
  mutants --slice        those that are found soon: for every run of all tests
  mutants --only NAME    one of them
  mutants --list         what they are; builds nothing

Says every five seconds how far it is, on standard error. The last line is
'N passed, N failed'. Exit status: 0 all were found, 1 some were
not, 2 the list does not fit the sources, or usage.
";

#[derive(Default)]
struct Args {
    slice: bool,
    list: bool,
    only: Option<String>,
}

fn main() -> ExitCode {
    match parse().map_err(anyhow::Error::from).and_then(|args| {
        let Some(args) = args else {
            say!("{HELP}");
            return Ok(0);
        };
        check(&args)
    }) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            errln!("mutants: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn parse() -> Result<Option<Args>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut args = Args::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("slice") => args.slice = true,
            Long("list") => args.list = true,
            Long("only") => args.only = Some(parser.value()?.string()?),
            Long("help") | Short('h') => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(args))
}

/// The repository this was built from.
fn repository() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let top = here.ancestors().nth(2).context("tests/sim has moved")?;
    Ok(top.to_owned())
}

/// Says how many mutants were not found, the empty one among them.
fn check(args: &Args) -> Result<usize> {
    let top = repository()?;
    let all = list::read(&top.join("tests/sim/mutants"))?;
    let edits = scratch::edits(&top, &all)?;
    let chosen: Vec<&Mutant> = all.iter().filter(|mutant| args.chooses(mutant)).collect();
    if chosen.is_empty() {
        bail!("there is no such mutant; see mutants --list");
    }
    if args.list {
        for mutant in chosen {
            sayln!(
                "{:<46} rule {:<4} {}",
                mutant.name,
                mutant.rule,
                mutant.breaks
            );
        }
        return Ok(0);
    }
    let line = || "building the copy with the mutants".to_owned();
    let programs = saying(line, || scratch::build(&top, edits))?;
    let unbroken = list::unbroken(&all);
    Ok(run::all(&programs, &chosen, &unbroken))
}

impl Args {
    fn chooses(&self, mutant: &Mutant) -> bool {
        match &self.only {
            Some(name) => *name == mutant.name,
            None => !self.slice || mutant.is_found_soon(),
        }
    }
}
