//! The list of mutants.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use twine_sim::coverage::promises;

/// Mutants that need no more worlds than this are checked in every run of all tests.
const SOON_WORLDS: u64 = 200;

/// One deliberate bug.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mutant {
    /// Its switch: its place in the list, from 1.
    #[serde(skip)]
    pub(crate) number: u32,
    pub(crate) name: String,
    /// Of DELIVERY; `law`: nothing leaves before it is stored.
    pub(crate) rule: String,
    /// In plain words.
    pub(crate) breaks: String,
    /// From the top of the repository.
    pub(crate) file: String,
    /// The source text, which stands there exactly once.
    pub(crate) source: String,
    /// The expression or statement in it that is replaced; the whole, if left out.
    part: Option<String>,
    /// By what.
    pub(crate) becomes: String,
    /// Its worlds have SMS where their seeds draw it; otherwise IP alone.
    #[serde(default)]
    pub(crate) sms: bool,
    /// Found within so many worlds,
    pub(crate) worlds: Option<u64>,
    /// because this promise breaks, in the model's words; or
    pub(crate) promise: Option<String>,
    /// by this directed scenario: the file in `tests` and the name, `rules::rule_…`.
    pub(crate) scenario: Option<String>,
}

#[derive(Deserialize)]
struct File {
    mutant: Vec<Mutant>,
}

impl Mutant {
    pub(crate) fn part(&self) -> &str {
        self.part.as_ref().unwrap_or(&self.source)
    }

    pub(crate) fn is_found_soon(&self) -> bool {
        self.worlds.is_none_or(|worlds| worlds <= SOON_WORLDS)
    }
}

/// The promises that no mutant of the list breaks in worlds: whether their checks find
/// anything, nothing shows.
pub(crate) fn unbroken(all: &[Mutant]) -> Vec<&'static str> {
    let broken: BTreeSet<&str> = all.iter().filter_map(|m| m.promise.as_deref()).collect();
    promises()
        .filter(|promise| !broken.contains(promise))
        .collect()
}

/// All lists of a folder, by the names of their files.
pub(crate) fn read(folder: &Path) -> Result<Vec<Mutant>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {folder:?}"))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.sort();
    let mut all: Vec<Mutant> = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path:?}"))?;
        let file: File = toml::from_str(&text).with_context(|| format!("{path:?}"))?;
        all.extend(file.mutant);
    }
    let mut names = BTreeSet::new();
    for (index, mutant) in all.iter_mut().enumerate() {
        mutant.number = u32::try_from(index + 1)?;
        let name = &mutant.name;
        ensure!(names.insert(name.clone()), "two mutants are named {name}");
        ensure!(
            mutant.worlds.is_some() != mutant.scenario.is_some(),
            "{name}: say either in how many worlds or by which scenario it is found"
        );
        ensure!(
            mutant.worlds.is_some() == mutant.promise.is_some(),
            "{name}: say of worlds which promise breaks in them, and of nothing else"
        );
        let known = |promise: &str| promises().any(|known| known == promise);
        ensure!(
            mutant.promise.as_deref().is_none_or(known),
            "{name}: there is no promise {:?}",
            mutant.promise
        );
    }
    for mutant in &all {
        // What a store gets wrong, both must be caught at.
        let twin = format!("{} (SQLite)", mutant.name);
        let is_simulated = mutant.file.starts_with("tests/sim/src/store/");
        let name = &mutant.name;
        ensure!(
            !is_simulated || names.contains(&twin),
            "{name}: the same bug in the store that ships is missing, {twin:?}"
        );
    }
    Ok(all)
}
