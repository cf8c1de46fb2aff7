//! The worlds.

mod synthetic;

use super::profile::{self, ProfileError};
use super::radio::{self, ticks};
use super::trace::Recording;
use super::world::{SimTick, Tick, WifiTick, World};
use crate::rng::Rng;
use synthetic::{Figures, SYNTHETIC, commuting};

/// Mean time between messages, seconds: an active conversation.
const MESSAGE_EVERY_S: u64 = 20;
/// How long a world of a recording lasts, seconds: ten minutes of each of the
/// shorter recordings, several times around.
const TRACE_WORLD_S: u64 = 3_600;

type Cards = [Vec<SimTick>; 2];

/// Both cards side by side, without Wi-Fi.
fn side_by_side([first, second]: Cards) -> Vec<Tick> {
    let pairs = first.into_iter().zip(second);
    pairs
        .map(|(first, second)| Tick {
            sims: [first, second],
            wifi: WifiTick::default(),
            gateway: true,
        })
        .collect()
}

/// Every world of these seeds: `length_s` seconds each.
pub fn all(seeds: std::ops::Range<u64>, length_s: u64) -> Result<Vec<World>, ProfileError> {
    let figures = Figures {
        gprs: profile::load("2g-rural")?,
        edge: profile::load("edge-average")?,
        umts: profile::load("3g-average")?,
        hspa: profile::load("3g-good")?,
        lte: profile::load("lte")?,
    };
    let length = ticks(length_s);
    let mut worlds = Vec::new();
    for (no, (name, about, make)) in SYNTHETIC.into_iter().enumerate() {
        for seed in seeds.clone() {
            let mut rng = Rng::new(seed.wrapping_mul(1_000).wrapping_add(no as u64));
            let ticks = make(&figures, &mut rng, length);
            worlds.push(assemble(name, about, seed, ticks, &mut rng));
        }
    }
    for (no, pair) in profile::NAMES.windows(2).enumerate() {
        let [first, second] = pair else { continue };
        let about = "a commute with holes on both, by two neighbouring profiles";
        for seed in seeds.clone() {
            let mut rng = Rng::new(seed.wrapping_mul(1_000).wrapping_add(100 + no as u64));
            let cards = [
                commuting(profile::load(first)?, 500).play(length, &mut rng),
                commuting(profile::load(second)?, 500).play(length, &mut rng),
            ];
            let name = format!("{first}, {second}");
            let ticks = side_by_side(cards);
            worlds.push(assemble(&name, about, seed, ticks, &mut rng));
        }
    }
    Ok(worlds)
}

/// Worlds of recordings: each with the next as the other card, and alone with
/// itself half around.
pub fn recorded(recordings: &[Recording]) -> Result<Vec<World>, ProfileError> {
    let length = ticks(TRACE_WORLD_S);
    let card = |recording: &Recording, from: usize| -> Result<Vec<SimTick>, ProfileError> {
        let name = recording.name.to_lowercase();
        let figures = if name.contains("umts") || name.contains("3g") {
            "3g-good"
        } else {
            "lte"
        };
        Ok(radio::replay(
            recording,
            profile::load(figures)?,
            from,
            length,
        ))
    };
    let mut worlds = Vec::new();
    for (no, recording) in recordings.iter().enumerate() {
        for other in recordings {
            let alone = other == recording;
            let mut rng = Rng::new(200 + no as u64);
            let half = if alone { other.down.len() / 2 } else { 0 };
            let cards = [card(recording, 0)?, card(other, half)?];
            let name = format!("{}, {}", recording.name, other.name);
            let about = if alone {
                "recorded; the other card half around"
            } else {
                "recorded"
            };
            let ticks = side_by_side(cards);
            worlds.push(assemble(&name, about, 0, ticks, &mut rng));
        }
    }
    Ok(worlds)
}

fn assemble(name: &str, about: &str, seed: u64, ticks: Vec<Tick>, rng: &mut Rng) -> World {
    let mut messages = Vec::new();
    let mut at = 0;
    loop {
        at += radio::ticks(rng.range(1, 2 * MESSAGE_EVERY_S));
        if at >= ticks.len() {
            break;
        }
        messages.push(at);
    }
    World {
        name: name.to_owned(),
        about: about.to_owned(),
        seed,
        ticks,
        messages,
    }
}
