//! Writes the corpus of every target anew. Regressions stay.

use anyhow::Context as _;
use twine_fuzz::{TARGETS, seeds};

fn main() -> anyhow::Result<()> {
    for target in TARGETS {
        let folder = seeds::folder(target.name);
        let files = seeds::write(target.name, &(target.seeds)())
            .with_context(|| format!("cannot write the corpus in {}", folder.display()))?;
        println!("{}: {files} inputs", target.name);
    }
    Ok(())
}
