//! The copy of the sources with all mutants in it, and its build.
//!
//! Owns `target/mutants`: `tree` is the copy, beside it are the build's own
//! files, kept so that the next build is quick.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::list::Mutant;

/// What the simulator is made of, and how each names the switch in its manifest.
const CRATES: &[&str] = &[
    "proto",
    "daemon/sms",
    "daemon/engine",
    "daemon/store",
    "tools/gateway/core",
    "tools/out",
    "tests/sim",
];

/// What they read at build time, from folders of no crate of the list.
const READ_ALONG: &[&str] = &["tools/lab/profiles"];

/// The crate that the copies get beside them: which mutant is on.
const SWITCH: &str = r#"//! Which mutant is on: the number in TWINE_MUTANT.
use std::sync::OnceLock;

/// Whether it is this one.
pub fn on(number: u32) -> bool {
    static ON: OnceLock<u32> = OnceLock::new();
    let on = ON.get_or_init(|| std::env::var("TWINE_MUTANT").ok().and_then(|n| n.parse().ok()).unwrap_or(0));
    *on == number
}
"#;
const SWITCH_MANIFEST: &str =
    "[package]\nname = \"twine-mutants\"\nversion = \"0.0.0\"\nedition = \"2024\"\n";
/// Built for the sake of a few thousand worlds, not for speed.
const PROFILE: &str =
    "[profile.release]\nopt-level = 2\nlto = false\ncodegen-units = 16\ndebug = false\n";

/// The programs with directed scenarios, by crate: `tests/NAME.rs`. No two have one name.
const SCENARIOS: &[(&str, &[&str])] = &[
    ("twine-sim", &["rules"]),
    ("twine-store", &["suite"]),
    (
        "twine-gateway-core",
        &[
            "failures", "hello", "mailbox", "restore", "revoke", "submit",
        ],
    ),
];

/// The programs that were built.
pub(crate) struct Programs {
    pub(crate) sim: PathBuf,
    /// By the name of the file in `tests`.
    pub(crate) scenarios: BTreeMap<&'static str, PathBuf>,
}

/// What is replaced where, by file: no two overlap.
pub(crate) type Edits = BTreeMap<String, Vec<(Range<usize>, String)>>;

/// Finds the source text of each mutant; an error names the one that does not fit
/// any more.
pub(crate) fn edits(top: &Path, mutants: &[Mutant]) -> Result<Edits> {
    let mut places: BTreeMap<&str, BTreeMap<(usize, usize), Vec<&Mutant>>> = BTreeMap::new();
    for mutant in mutants {
        let text = fs::read_to_string(top.join(&mutant.file))
            .with_context(|| format!("{}: cannot read {}", mutant.name, mutant.file))?;
        let source = only_place(&text, &mutant.source)
            .with_context(|| format!("{}: the source text in {}", mutant.name, mutant.file))?;
        let part = only_place(&mutant.source, mutant.part())
            .with_context(|| format!("{}: the part in the source text", mutant.name))?;
        let start = source + part;
        let place = (start, start + mutant.part().len());
        let of_file = places.entry(&mutant.file).or_default();
        of_file.entry(place).or_default().push(mutant);
    }
    let mut edits = Edits::new();
    for (file, of_file) in places {
        let mut last = 0;
        for ((start, end), mutants) in of_file {
            ensure!(
                start >= last,
                "{}: overlaps with another mutant in {file}",
                mutants[0].name
            );
            last = end;
            let of_file = edits.entry(file.to_owned()).or_default();
            of_file.push((start..end, switched(&mutants)));
        }
    }
    Ok(edits)
}

fn only_place(text: &str, part: &str) -> Result<usize> {
    let mut places = text.match_indices(part);
    match (places.next(), places.count()) {
        (Some((at, _)), 0) => Ok(at),
        (None, _) => bail!("does not stand there any more: has it been rewritten?"),
        (Some(_), more) => bail!("stands there {} times; quote more of it", more + 1),
    }
}

/// One place, all its mutants, and what stands there.
fn switched(mutants: &[&Mutant]) -> String {
    let original = mutants[0].part();
    let mut code = String::new();
    for mutant in mutants {
        let (number, becomes) = (mutant.number, &mutant.becomes);
        code.push_str(&format!(
            "if twine_mutants::on({number}) {{ {becomes} }} else "
        ));
    }
    code.push_str(&format!("{{ {original} }}"));
    let is_statement = original.ends_with(';') || original.ends_with('}');
    if is_statement {
        code
    } else {
        format!("({code})")
    }
}

/// Copies, applies, builds.
pub(crate) fn build(top: &Path, edits: Edits) -> Result<Programs> {
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => top.join("target"),
    }
    .join("mutants");
    let tree = target.join("tree");
    for folder in CRATES {
        remove_stale(top, &tree, Path::new(folder))?;
        copy(top, &tree, Path::new(folder), &edits)?;
        write(
            &tree.join(folder).join("Cargo.toml"),
            &manifest(
                folder,
                &fs::read_to_string(top.join(folder).join("Cargo.toml"))?,
            ),
        )?;
    }
    for folder in READ_ALONG {
        copy(top, &tree, Path::new(folder), &edits)?;
    }
    let workspace = fs::read_to_string(top.join("Cargo.toml"))?;
    write(&tree.join("Cargo.toml"), &workspace_manifest(&workspace)?)?;
    write(
        &tree.join("Cargo.lock"),
        &fs::read_to_string(top.join("Cargo.lock"))?,
    )?;
    write(&tree.join("mutants/Cargo.toml"), SWITCH_MANIFEST)?;
    write(&tree.join("mutants/src/lib.rs"), SWITCH)?;
    let built = target.join("build");
    let cargo = |arguments: &[&str]| -> Result<String> {
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(arguments)
            .args(["--release", "--quiet", "--offline"])
            .current_dir(&tree)
            .env("CARGO_TARGET_DIR", &built)
            // Unused names and needless brackets are what mutants are made of.
            .env("RUSTFLAGS", "--cap-lints=allow")
            .stderr(Stdio::inherit())
            .output()
            .context("cannot run cargo")?;
        ensure!(
            output.status.success(),
            "the copy with the mutants does not build; its sources are in {tree:?}"
        );
        Ok(String::from_utf8(output.stdout)?)
    };
    cargo(&["build", "--package", "twine-sim", "--bin", "twine-sim"])?;
    let mut scenarios = BTreeMap::new();
    for (package, names) in SCENARIOS {
        // One at a time: several crates have a file of one name.
        let mut arguments = vec!["test", "--no-run", "--message-format=json"];
        arguments.extend(["--package", package]);
        arguments.extend(names.iter().flat_map(|name| ["--test", name]));
        let told = cargo(&arguments)?;
        for name in *names {
            let start = format!("/deps/{name}-");
            let path = told
                .split('"')
                .map(Path::new)
                .find(|path| path.to_string_lossy().contains(&start) && path.extension().is_none())
                .with_context(|| format!("cargo does not name the program of tests/{name}.rs"))?;
            scenarios.insert(*name, path.to_owned());
        }
    }
    Ok(Programs {
        sim: built.join("release/twine-sim"),
        scenarios,
    })
}

/// Copies the sources of a crate; `Cargo.toml` is written by itself.
fn copy(top: &Path, tree: &Path, folder: &Path, edits: &Edits) -> Result<()> {
    for entry in
        fs::read_dir(top.join(folder)).with_context(|| format!("cannot read {folder:?}"))?
    {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            // Crates inside a crate's folder stand in the list themselves.
            let is_crate = top.join(&path).join("Cargo.toml").exists();
            if !is_crate && entry.file_name() != "target" {
                copy(top, tree, &path, edits)?;
            }
            continue;
        }
        let (from, to) = (top.join(&path), tree.join(&path));
        let Ok(mut text) = fs::read_to_string(&from) else {
            continue;
        };
        if entry.file_name() == "Cargo.toml" {
            continue;
        }
        for (place, code) in edits
            .get(path.to_string_lossy().as_ref())
            .into_iter()
            .flatten()
            .rev()
        {
            text.replace_range(place.clone(), code);
        }
        write(&to, &text)?;
    }
    Ok(())
}

/// Removes from the copy what the sources no longer have.
fn remove_stale(top: &Path, tree: &Path, folder: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(tree.join(folder)) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        let is_folder = entry.file_type()?.is_dir();
        if is_folder && top.join(&path).is_dir() {
            remove_stale(top, tree, &path)?;
        } else if is_folder {
            fs::remove_dir_all(entry.path())?;
        } else if !top.join(&path).exists() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Leaves what is as it should be untouched, so that it is not built again.
fn write(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|known| known == text) {
        return Ok(());
    }
    let folder = path.parent().context("a file lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {folder:?}"))?;
    fs::write(path, text).with_context(|| format!("cannot write {path:?}"))
}

/// A crate's manifest with the switch, and without what only its own tests need: but for
/// the store, whose suite is built.
fn manifest(folder: &str, text: &str) -> String {
    let mut lines = Vec::new();
    let mut leave_out = false;
    for line in text.lines() {
        if line.starts_with('[') {
            leave_out = line == "[dev-dependencies]" && folder != "daemon/store";
        }
        if !leave_out {
            lines.push(line);
            if line == "[dependencies]" {
                lines.push("twine-mutants.workspace = true");
            }
        }
    }
    lines.join("\n") + "\n"
}

/// The workspace's manifest with other members.
fn workspace_manifest(text: &str) -> Result<String> {
    let start = text
        .find("members = [")
        .context("no members in Cargo.toml")?;
    let end = start + text[start..].find(']').context("no end of members")? + 1;
    let members: Vec<String> = CRATES.iter().map(|name| format!("{name:?}")).collect();
    let mut manifest = text.to_owned();
    let members = format!("members = [{}, \"mutants\"]", members.join(", "));
    manifest.replace_range(start..end, &members);
    let manifest = manifest.replace(
        "[workspace.dependencies]\n",
        "[workspace.dependencies]\ntwine-mutants = { path = \"mutants\" }\n",
    );
    let profiles = manifest.find("[profile.").unwrap_or(manifest.len());
    // Lints are for what people wrote.
    let lints = "[workspace.lints.rust]";
    let lints_at = manifest.find(lints).unwrap_or(profiles);
    Ok(format!(
        "{}{lints}\n\n{PROFILE}",
        &manifest[..lints_at.min(profiles)]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_gone_or_stands_twice_is_an_error() {
        assert_eq!(only_place("a b c", "b").unwrap(), 2);
        assert!(
            only_place("a b c", "d")
                .unwrap_err()
                .to_string()
                .contains("rewritten")
        );
        assert!(
            only_place("a b b", "b")
                .unwrap_err()
                .to_string()
                .contains("2 times")
        );
    }
}
