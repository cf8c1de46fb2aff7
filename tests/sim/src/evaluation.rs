//! What the programs that evaluate have in common: how they begin and end, the seeds,
//! and `--json`, `--html` and `--check`.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::Context as _;
use lexopt::{Error, Parser, ValueExt as _};
use twine_out::{errln, say, sayln};

/// Where the figures go, and whether they are judged.
#[derive(Debug, Default)]
pub struct Outcome {
    json: Option<PathBuf>,
    html: Option<PathBuf>,
    check: bool,
}

impl Outcome {
    /// Takes an option that every evaluation has; any other is an error.
    pub fn option(&mut self, name: &str, parser: &mut Parser) -> Result<(), Error> {
        match name {
            "json" => self.json = Some(file(parser, name)?),
            "html" => self.html = Some(file(parser, name)?),
            "check" => self.check = true,
            _ => return Err(Error::UnexpectedOption(format!("--{name}"))),
        }
        Ok(())
    }

    /// Writes the files, says whether `holds` does, and is what the program exits with.
    pub fn tell(
        &self,
        holds: &str,
        failures: &[String],
        json: impl FnOnce() -> serde_json::Value,
        html: impl FnOnce() -> String,
    ) -> anyhow::Result<ExitCode> {
        if let Some(path) = &self.json {
            write(path, &(serde_json::to_string_pretty(&json())? + "\n"))?;
        }
        if let Some(path) = &self.html {
            write(path, &html())?;
        }
        if failures.is_empty() {
            sayln!("holds: {holds}");
        }
        for failure in failures {
            sayln!("does not hold: {failure}");
        }
        Ok(if self.check && !failures.is_empty() {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}

/// The value of an option that names a file to write. Said before the run, which may take
/// minutes, not after it.
fn file(parser: &mut Parser, name: &str) -> Result<PathBuf, Error> {
    let path = PathBuf::from(parser.value()?);
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    match folder.filter(|folder| !folder.is_dir()) {
        Some(folder) => Err(wrong(format!(
            "--{name} {}: there is no folder {}",
            path.display(),
            folder.display()
        ))),
        None => Ok(path),
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The program: `option` takes each option by its name into `args`, then `run` has them. Exit
/// status 2: a wrong command line, or files.
pub fn main<A>(
    name: &str,
    help: &str,
    mut args: A,
    option: impl Fn(&mut A, &str, &mut Parser) -> Result<(), Error>,
    run: impl FnOnce(&A) -> anyhow::Result<ExitCode>,
) -> ExitCode {
    match parse(&mut args, option) {
        Ok(true) => {}
        Ok(false) => {
            say!("{help}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            errln!("{name}: {error}\nsee {name} --help");
            return ExitCode::from(2);
        }
    }
    run(&args).unwrap_or_else(|error| {
        errln!("{name}: {error:#}");
        ExitCode::from(2)
    })
}

/// `false`: help is wanted.
fn parse<A>(
    args: &mut A,
    option: impl Fn(&mut A, &str, &mut Parser) -> Result<(), Error>,
) -> Result<bool, Error> {
    use lexopt::Arg::{Long, Short};
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return Ok(false),
            Long(name) => {
                let name = name.to_owned();
                option(args, &name, &mut parser)?;
            }
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(true)
}

/// The value of `--seeds`: `A..B`, at most so many.
pub fn seeds(parser: &mut Parser, most: u64) -> Result<Range<u64>, Error> {
    let text = parser.value()?.string()?;
    let range = || {
        let (from, to) = text.split_once("..")?;
        let range = from.parse().ok()?..to.parse().ok()?;
        (!range.is_empty() && range.end - range.start <= most).then_some(range)
    };
    range().ok_or_else(|| {
        wrong(format!(
            "--seeds {text}: expected A..B with A < B and at most {most} seeds, for example 0..4"
        ))
    })
}

/// The value of an option that is a number.
pub fn number<T: FromStr + PartialOrd + Display>(
    parser: &mut Parser,
    name: &str,
    allowed: RangeInclusive<T>,
) -> Result<T, Error> {
    let text = parser.value()?.string()?;
    let number = text.parse().ok().filter(|number| allowed.contains(number));
    number.ok_or_else(|| {
        let (from, to) = (allowed.start(), allowed.end());
        wrong(format!("--{name} {text}: expected {from} to {to}"))
    })
}

fn wrong(text: String) -> Error {
    Error::Custom(text.into())
}

/// Keeps what has `part` in its name.
pub fn only<T>(
    all: &mut Vec<T>,
    part: Option<&str>,
    name: impl Fn(&T) -> &str,
) -> anyhow::Result<()> {
    if let Some(part) = part {
        all.retain(|one| name(one).contains(part));
        anyhow::ensure!(
            !all.is_empty(),
            "--only {part}: no world has that in its name"
        );
    }
    Ok(())
}
