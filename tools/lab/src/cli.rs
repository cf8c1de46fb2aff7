//! The command line of `twine-lab`, and its files.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use lexopt::{Arg, Parser};
use tempfile::TempDir;
use twine_lab::profile;
use twine_lab::scenario::{Scenario, What};
use twine_out::say;

const HELP: &str = "\
twine-lab runs the real daemon and gateway over shaped links and simulated mobile
networks, and keeps score.

Usage:
  twine-lab run SCENARIO.toml [OPTIONS]   run it, show a timeline and a score
  twine-lab check SCENARIO.toml           read it, and say what it would do
  twine-lab profiles                      the link profiles that are built in

Options of run:
  --json FILE      write the verdict as JSON; \"-\" is standard output, which
                   then carries nothing else
  --html FILE      write a page with plots
  --keep DIR       run in this folder (new or empty) and keep it: data, logs
  --trace FILE     use a recorded cellular trace (mahimahi format, FILE.up and
                   FILE.down) for every cellular link
  --seed N         other texts, losses and delays than those of the scenario's own
                   seed
  --twined PATH    the daemon [default: beside this program]
  --gateway PATH   the gateway [default: beside this program]
  --quiet          no timeline

  -h, --help       this help
  -V, --version    the version

NO_COLOR turns colours off; they are used on terminals only.

Exit codes:
  0  everything arrived, once and in order, and by the right card
  1  something was lost, duplicated, out of order, or not finished; or an SMS left
     as its user did not want it
  2  wrong usage, or a scenario that cannot be read
  3  no verdict: something could not be started, or broke
";

/// What the command line asks for.
pub(crate) enum Command {
    Say(String),
    Profiles,
    Check(PathBuf),
    Run(RunOptions),
}

/// Options of `run`.
#[derive(Debug, Default)]
pub(crate) struct RunOptions {
    pub(crate) scenario: PathBuf,
    pub(crate) json: Option<PathBuf>,
    pub(crate) html: Option<PathBuf>,
    pub(crate) keep: Option<PathBuf>,
    pub(crate) trace: Option<PathBuf>,
    pub(crate) twined: Option<PathBuf>,
    pub(crate) gateway: Option<PathBuf>,
    pub(crate) seed: Option<u64>,
    pub(crate) quiet: bool,
}

impl RunOptions {
    /// Standard output is for the verdict as JSON.
    pub(crate) fn json_to_stdout(&self) -> bool {
        self.json.as_deref() == Some(Path::new("-"))
    }
}

/// Reads the command line of this process.
pub(crate) fn parse() -> Result<Command> {
    let mut parser = Parser::from_env();
    let mut command = None;
    let mut options = RunOptions::default();
    let mut scenario = None;
    let mut run_only = None;
    while let Some(arg) = parser.next()? {
        let slot = match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Say(HELP.to_owned())),
            Arg::Short('V') | Arg::Long("version") => {
                let version = env!("CARGO_PKG_VERSION");
                return Ok(Command::Say(format!("twine-lab {version}\n")));
            }
            Arg::Value(value) if command.is_none() => {
                command = Some(value.to_string_lossy().into_owned());
                continue;
            }
            Arg::Value(value) if scenario.is_none() => {
                scenario = Some(PathBuf::from(value));
                continue;
            }
            Arg::Long("quiet") => {
                options.quiet = true;
                run_only = Some("quiet".to_owned());
                continue;
            }
            Arg::Long("seed") => {
                let text = parser.value()?;
                let seed = text.to_str().and_then(|text| text.parse().ok());
                options.seed = Some(seed.context("--seed takes a whole number")?);
                run_only = Some("seed".to_owned());
                continue;
            }
            Arg::Long(name) => {
                let slot = match name {
                    "json" => &mut options.json,
                    "html" => &mut options.html,
                    "keep" => &mut options.keep,
                    "trace" => &mut options.trace,
                    "twined" => &mut options.twined,
                    "gateway" => &mut options.gateway,
                    _ => bail!("no option --{name}; --help lists those there are"),
                };
                run_only = Some(name.to_owned());
                slot
            }
            other => return Err(other.unexpected().into()),
        };
        *slot = Some(parser.value()?.into());
    }
    let needed = || scenario.clone().context("which scenario? give a file");
    match command.as_deref() {
        Some("run") => {
            options.scenario = needed()?;
            Ok(Command::Run(options))
        }
        Some("check" | "profiles") if run_only.is_some() => {
            bail!("--{} belongs to run", run_only.unwrap_or_default())
        }
        Some("check") => Ok(Command::Check(needed()?)),
        Some("profiles") => match scenario {
            None => Ok(Command::Profiles),
            Some(extra) => bail!("profiles takes no argument, not {}", extra.display()),
        },
        Some(other) => bail!("there is no command \"{other}\"; allowed are run, check, profiles"),
        None => bail!("which command? one of run, check, profiles; --help explains them"),
    }
}

/// The built-in profiles as a table.
pub(crate) fn profiles() -> String {
    let mut out = format!(
        "{:<14} {:>10} {:>10} {:>8} {:>8} {:>6}  source\n",
        "profile", "kbit/s dn", "kbit/s up", "ms down", "ms up", "loss"
    );
    for name in profile::names() {
        // Built-in profiles are tested to be readable.
        let Ok(profile) = profile::load(name, Path::new(".")) else {
            continue;
        };
        let rate = |text: String| text.trim_end_matches(" kbit/s").to_owned();
        let _ = writeln!(
            out,
            "{:<14} {:>10} {:>10} {:>8} {:>8} {:>5}%  {}",
            name,
            rate(profile.down.bottleneck.to_string()),
            rate(profile.up.bottleneck.to_string()),
            profile.down.delay.as_millis(),
            profile.up.delay.as_millis(),
            profile.down.loss * 100.0,
            profile.source
        );
    }
    out
}

/// What a scenario would do, in brief.
pub(crate) fn describe(scenario: &Scenario) -> String {
    let mut out = format!(
        "{}: {} handsets, {} messages, {} actions; the plan lasts {:.1} s, and waits until {:.1} s\n",
        scenario.name,
        scenario.handsets.len(),
        scenario.messages(),
        scenario.actions.len(),
        scenario.planned_end().as_secs_f64(),
        scenario.give_up.as_secs_f64()
    );
    for handset in &scenario.handsets {
        let links: Vec<_> = handset
            .links
            .iter()
            .map(|link| format!("{} ({})", link.id, link.profile.id))
            .collect();
        let cards = handset.cards.iter().map(|card| {
            let operator = &scenario.operators[card.plan.operator].name;
            match card.plan.slot {
                Some(slot) => format!("card {} of {operator} in slot {slot}", card.id),
                None => format!("card {} of {operator} beside it", card.id),
            }
        });
        let has: Vec<_> = links.into_iter().chain(cards).collect();
        let _ = writeln!(out, "  {:<10} {}", handset.name, has.join(", "));
    }
    for plain in &scenario.plain {
        let operator = &scenario.operators[plain.card.operator].name;
        let _ = writeln!(out, "  {:<10} no Twine, card of {operator}", plain.name);
    }
    out
}

/// Puts a trace in the place of every cellular profile.
pub(crate) fn with_trace(scenario: &mut Scenario, trace: &Path) -> Result<()> {
    use twine_control::pb::LinkKind;
    let cellular: Vec<Vec<bool>> = scenario
        .handsets
        .iter()
        .map(|handset| {
            let links = handset.links.iter();
            links.map(|link| link.kind == LinkKind::Cellular).collect()
        })
        .collect();
    for handset in &mut scenario.handsets {
        for link in &mut handset.links {
            if link.kind == LinkKind::Cellular {
                link.profile = link.profile.clone().with_trace(trace)?;
            }
        }
    }
    for action in &mut scenario.actions {
        if let What::Profile {
            handset,
            link,
            profile,
        } = &mut action.what
            && cellular[*handset][*link]
        {
            **profile = profile.as_ref().clone().with_trace(trace)?;
        }
    }
    Ok(())
}

/// Where this program lies.
pub(crate) fn own_directory() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find where this program lies")?;
    Ok(own.parent().unwrap_or(Path::new(".")).to_owned())
}

/// Fails early where an output could not be written.
pub(crate) fn check_outputs(options: &RunOptions) -> Result<()> {
    for path in [&options.json, &options.html].into_iter().flatten() {
        if path.is_dir() {
            bail!("cannot write {}: it is a folder", path.display());
        }
        let directory = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        if let Some(directory) = directory
            && !directory.is_dir()
        {
            bail!(
                "cannot write {}: there is no folder {}",
                path.display(),
                directory.display()
            );
        }
    }
    Ok(())
}

/// Writes an output; "-" is standard output.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    if path == Path::new("-") {
        say!("{text}");
        return Ok(());
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Where a run lives: removed behind it, or kept.
#[derive(Debug)]
pub(crate) enum Directory {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Directory {
    pub(crate) fn make(keep: Option<&Path>) -> Result<Self> {
        let Some(path) = keep else {
            let temporary = tempfile::Builder::new()
                .prefix("twine-lab-")
                .tempdir()
                .context("cannot make a temporary folder")?;
            return Ok(Self::Temporary(temporary));
        };
        std::fs::create_dir_all(path)
            .with_context(|| format!("cannot make the folder {}", path.display()))?;
        let path = path
            .canonicalize()
            .with_context(|| format!("cannot use the folder {}", path.display()))?;
        if path
            .read_dir()
            .is_ok_and(|mut entries| entries.next().is_some())
        {
            bail!(
                "the folder {} is not empty; a run needs one of its own",
                path.display()
            );
        }
        Ok(Self::Kept(path))
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Temporary(temporary) => temporary.path(),
            Self::Kept(path) => path,
        }
    }

    pub(crate) fn kept(&self) -> Option<&Path> {
        match self {
            Self::Temporary(_) => None,
            Self::Kept(path) => Some(path),
        }
    }
}
