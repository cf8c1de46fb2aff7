//! The committed corpus, made: small inputs that mean something.
//!
//! Owns where it lies and what its files are called. What they hold is beside
//! each other in one module for each kind of input.

pub mod control;
pub mod engine;
pub mod gateway;
pub mod sms;
pub mod text;
pub mod wire;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Found by fuzzing, made by nobody: kept.
const REGRESSION: &str = "regression-";

/// An input and the name of its file.
pub type Seed = (&'static str, Vec<u8>);

/// Where the corpus of a target lies.
#[must_use]
pub fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/__fuzz__")
        .join(target)
        .join("corpus")
}

/// Writes the corpus of a target, and removes what is neither made here nor a
/// regression. Returns how many files there are.
pub fn write(target: &str, seeds: &[Seed]) -> io::Result<usize> {
    let folder = folder(target);
    fs::create_dir_all(&folder)?;
    for name in committed(target)?.keys() {
        if !name.starts_with(REGRESSION) {
            fs::remove_file(folder.join(name))?;
        }
    }
    for (name, input) in seeds {
        fs::write(folder.join(name), input)?;
    }
    Ok(committed(target)?.len())
}

/// The corpus of a target as it lies on disk, by the names of its files.
pub fn committed(target: &str) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut inputs = BTreeMap::new();
    for entry in fs::read_dir(folder(target))? {
        let path = entry?.path();
        if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
            inputs.insert(name.to_owned(), fs::read(&path)?);
        }
    }
    Ok(inputs)
}

/// What the corpus on disk lacks, has too much, or has otherwise.
pub fn differences(target: &str, seeds: &[Seed]) -> io::Result<Vec<String>> {
    let mut on_disk = committed(target)?;
    let mut wrong = Vec::new();
    for (name, input) in seeds {
        match on_disk.remove(*name) {
            Some(found) if found == *input => {}
            Some(_) => wrong.push(format!("{target}/{name} is another")),
            None => wrong.push(format!("{target}/{name} is missing")),
        }
    }
    let unknown = on_disk.keys().filter(|name| !name.starts_with(REGRESSION));
    wrong.extend(unknown.map(|name| format!("{target}/{name} comes from nowhere")));
    Ok(wrong)
}
