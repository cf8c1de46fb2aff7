//! What is printed of a world that fails: its seed, the promise, the smallest world
//! found that breaks it, the story of the message concerned, and how to see it again.

use std::fmt::Write;
use std::sync::Arc;

use crate::coverage::Group;
use crate::minimise::{Smaller, minimise_by};
use crate::progress::{Progress, saying};
use crate::setup::Setup;
use crate::world::Failure;
use crate::world::story::{Line, about, name_of, short};

/// Worlds that are run to make one failing world small, unless the caller says
/// otherwise.
pub const TRIES: u32 = 1_000;
/// Minutes of handsets that are spent on it: of large worlds fewer are tried.
const HANDSET_MINUTES: u64 = 50_000;
/// Longer stories are cut in the middle.
const STORY_LINES: usize = 120;

/// The two lines that every failing world gets.
pub fn in_short(failure: &Failure, setup: &Setup) -> String {
    format!("{failure}\n  replay: {}\n", replay(failure, setup))
}

/// All of it, after at most `tries` smaller worlds; for a world that was found to fail.
/// Says meanwhile how far it is.
pub fn in_full(setup: &Setup, tries: u32) -> String {
    let cost = (setup.minutes * setup.faults.handsets).max(1);
    let affordable = u32::try_from(HANDSET_MINUTES / cost).unwrap_or(u32::MAX);
    let tries = tries.min(affordable);
    let (seed, progress) = (setup.seed, Arc::<Progress>::default());
    let line = || {
        let tried = progress.done();
        format!("seed {seed}: {tried} of at most {tries} smaller worlds tried")
    };
    let judge = |setup: &Setup| setup.run_watched(&progress);
    match saying(line, || minimise_by(setup, tries, judge)) {
        Some(smaller) => of_smaller(&smaller),
        None => format!(
            "seed {} does not fail again: the world is not the same each time\n",
            setup.seed
        ),
    }
}

fn of_smaller(smaller: &Smaller) -> String {
    let Smaller { setup, failure, .. } = smaller;
    let mut world = setup.world(true);
    let _ = world.run(setup.minutes);
    let mut out = format!("── {failure}\n");
    let left = world.choices_due() - setup.left_out.len() as u64;
    let _ = writeln!(
        out,
        "  the smallest of {} worlds{}: {} handsets, {} min, {left} faults and acts of users",
        smaller.tried + 1,
        if smaller.gave_up {
            ", and no more were tried"
        } else {
            ""
        },
        setup.faults.handsets,
        setup.minutes,
    );
    let faults = world.coverage().of(Group::Fault);
    let words: Vec<String> = faults
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    let _ = writeln!(out, "  what happened in it: {}", words.join(", "));
    let mut story = about(world.story(), &failure.what.text);
    if story.is_empty() {
        // No message is concerned: what came before it.
        story = world.story().to_vec();
        story.drain(..story.len().saturating_sub(STORY_LINES / 2));
        let _ = writeln!(out, "  the last of its story:");
    } else {
        let _ = writeln!(out, "  the story of {}:", short(&failure.what.text));
    }
    tell(&mut out, &story);
    let _ = writeln!(out, "  replay: {}", replay(failure, setup));
    out
}

fn tell(out: &mut String, story: &[Line]) {
    let (head, tail) = match story.len().checked_sub(STORY_LINES) {
        None | Some(0) => (story, &story[..0]),
        Some(_) => (
            &story[..STORY_LINES / 2],
            &story[story.len() - STORY_LINES / 2..],
        ),
    };
    for line in head {
        let _ = writeln!(out, "  {line}");
    }
    if !tail.is_empty() {
        let left_out = story.len() - head.len() - tail.len();
        let _ = writeln!(out, "       … {left_out} lines; the replay tells all");
    }
    for line in tail {
        let _ = writeln!(out, "  {line}");
    }
}

/// With the story of the message, or the whole one where none is concerned.
fn replay(failure: &Failure, setup: &Setup) -> String {
    let name = name_of(&failure.what.text);
    let message = name.map_or_else(String::new, |name| format!(" --message {name}"));
    format!("{} --story{message}", setup.command())
}
