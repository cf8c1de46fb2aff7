//! The worlds.

use super::profile::{self, Profile, ProfileError};
use super::radio::{self, Holes, Radio, ticks};
use super::trace::Recording;
use super::world::{SimTick, Tick, WifiTick, World};
use crate::rng::Rng;

/// Mean time between messages, seconds: an active conversation.
const MESSAGE_EVERY_S: u64 = 20;
/// How long a world of a recording lasts, seconds: ten minutes of each of the
/// shorter recordings, several times around.
const TRACE_WORLD_S: u64 = 3_600;

/// Makes one world.
type Maker = fn(&Figures, &mut Rng, usize) -> (Cards, Vec<WifiTick>);
type Cards = [Vec<SimTick>; 2];

/// The figures that worlds use.
#[derive(Debug)]
struct Figures {
    gprs: Profile,
    edge: Profile,
    umts: Profile,
    hspa: Profile,
    lte: Profile,
}

const SYNTHETIC: [(&str, &str, Maker); 14] = [
    (
        "calm home",
        "both cards at home on LTE; nothing happens",
        calm_home,
    ),
    (
        "slow home",
        "the user's card on EDGE that voice calls stall now and then, the other on LTE",
        slow_home,
    ),
    (
        "commute, LTE",
        "two LTE networks with holes at different places",
        commute_lte,
    ),
    (
        "commute, mixed",
        "3G with few holes, LTE with many",
        commute_mixed,
    ),
    (
        "country road",
        "GPRS that stalls at each cell, EDGE with gaps between villages",
        country_road,
    ),
    (
        "shared holes",
        "tunnels in which neither card has coverage",
        shared_holes,
    ),
    (
        "flapping cell",
        "the user's card at the edge of its cell",
        flapping_cell,
    ),
    (
        "both flap",
        "both cards at the edge of their cells",
        both_flap,
    ),
    (
        "busy hour",
        "the user's card full signal, its cell loaded for an hour",
        busy_hour,
    ),
    ("stadium", "both cells loaded for half an hour", stadium),
    (
        "bundle spent, blocked",
        "the operator blocks data when the bundle is spent",
        bundle_blocked,
    ),
    (
        "bundle spent, dear",
        "on a commute the bundle is spent, and data cost the dear rate",
        bundle_dear,
    ),
    (
        "dead Wi-Fi",
        "the line behind the access point goes down now and then",
        dead_wifi,
    ),
    (
        "captive Wi-Fi",
        "hotspots that let the system's probe through and nothing else",
        captive_wifi,
    ),
];

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
            let (cards, wifi) = make(&figures, &mut rng, length);
            worlds.push(assemble(name, about, seed, cards, &wifi, &mut rng));
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
            worlds.push(assemble(
                &name,
                about,
                seed,
                cards,
                &no_wifi(length),
                &mut rng,
            ));
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
            worlds.push(assemble(&name, about, 0, cards, &no_wifi(length), &mut rng));
        }
    }
    Ok(worlds)
}

fn assemble(
    name: &str,
    about: &str,
    seed: u64,
    [first, second]: Cards,
    wifi: &[WifiTick],
    rng: &mut Rng,
) -> World {
    let ticks: Vec<Tick> = first
        .into_iter()
        .zip(second)
        .zip(wifi)
        .map(|((first, second), wifi)| Tick {
            sims: [first, second],
            wifi: *wifi,
        })
        .collect();
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

fn no_wifi(length: usize) -> Vec<WifiTick> {
    vec![WifiTick::default(); length]
}

const WORKING_WIFI: WifiTick = WifiTick {
    connected: true,
    open: true,
    probe_passes: true,
};

fn commuting(profile: Profile, hole_every_s: u64) -> Radio {
    let radio = Radio::calm(profile, 3).with_holes(hole_every_s, Holes::City);
    match profile.rat {
        super::world::Rat::Gsm | super::world::Rat::Edge => radio.with_stalls(90),
        _ => radio,
    }
}

fn both(first: Radio, second: Radio, rng: &mut Rng, length: usize) -> (Cards, Vec<WifiTick>) {
    let cards = [first.play(length, rng), second.play(length, rng)];
    (cards, no_wifi(length))
}

fn calm_home(f: &Figures, rng: &mut Rng, length: usize) -> (Cards, Vec<WifiTick>) {
    both(Radio::calm(f.lte, 3), Radio::calm(f.lte, 4), rng, length)
}

fn slow_home(f: &Figures, rng: &mut Rng, length: usize) -> (Cards, Vec<WifiTick>) {
    let edge = Radio::calm(f.edge, 3).with_stalls(900);
    both(edge, Radio::calm(f.lte, 4), rng, length)
}

fn commute_lte(f: &Figures, rng: &mut Rng, length: usize) -> (Cards, Vec<WifiTick>) {
    both(commuting(f.lte, 360), commuting(f.lte, 480), rng, length)
}

fn commute_mixed(f: &Figures, rng: &mut Rng, length: usize) -> (Cards, Vec<WifiTick>) {
    both(commuting(f.hspa, 600), commuting(f.lte, 240), rng, length)
}

fn country_road(f: &Figures, rng: &mut Rng, length: usize) -> (Cards, Vec<WifiTick>) {
    let gprs = Radio::calm(f.gprs, 2)
        .with_holes(1_500, Holes::City)
        .with_stalls(60);
    let edge = Radio::calm(f.edge, 3).with_holes(900, Holes::Country);
    both(edge, gprs, rng, length)
}

fn shared_holes(f: &Figures, rng: &mut Rng, length: usize) -> (Cards, Vec<WifiTick>) {
    let seed = rng.next();
    let radio = |profile| {
        let mut rng = Rng::new(seed);
        commuting(profile, 420).play(length, &mut rng)
    };
    ([radio(f.lte), radio(f.hspa)], no_wifi(length))
}

fn flapping_cell(f: &Figures, rng: &mut Rng, length: usize) -> (Cards, Vec<WifiTick>) {
    let flapping = Radio::calm(f.lte, 1).with_holes(45, Holes::Flapping);
    both(flapping, commuting(f.umts, 1_200), rng, length)
}

fn both_flap(f: &Figures, rng: &mut Rng, length: usize) -> (Cards, Vec<WifiTick>) {
    let flapping = |profile| Radio::calm(profile, 1).with_holes(120, Holes::Flapping);
    both(flapping(f.lte), flapping(f.hspa), rng, length)
}

fn busy_hour(f: &Figures, rng: &mut Rng, length: usize) -> (Cards, Vec<WifiTick>) {
    let mut cards = [
        Radio::calm(f.lte, 4).play(length, rng),
        Radio::calm(f.hspa, 3).play(length, rng),
    ];
    radio::congest(&mut cards[0][length / 4..length * 3 / 4], rng);
    (cards, no_wifi(length))
}

fn stadium(f: &Figures, rng: &mut Rng, length: usize) -> (Cards, Vec<WifiTick>) {
    let (mut cards, wifi) = busy_hour(f, rng, length);
    radio::congest(&mut cards[1][length / 2..length * 3 / 4], rng);
    (cards, wifi)
}

fn bundle_blocked(f: &Figures, rng: &mut Rng, length: usize) -> (Cards, Vec<WifiTick>) {
    let (mut cards, wifi) = both(Radio::calm(f.lte, 4), commuting(f.hspa, 1_200), rng, length);
    // The phone is not told that it is spent: only that nothing gets through.
    for tick in &mut cards[0][length / 3..] {
        tick.open = false;
    }
    (cards, wifi)
}

fn bundle_dear(f: &Figures, rng: &mut Rng, length: usize) -> (Cards, Vec<WifiTick>) {
    let (mut cards, wifi) = both(commuting(f.lte, 420), commuting(f.hspa, 900), rng, length);
    for tick in &mut cards[0][length / 3..] {
        tick.spent = true;
    }
    (cards, wifi)
}

fn dead_wifi(f: &Figures, rng: &mut Rng, length: usize) -> (Cards, Vec<WifiTick>) {
    let (cards, mut wifi) = both(commuting(f.lte, 900), commuting(f.umts, 900), rng, length);
    wifi.fill(WORKING_WIFI);
    let mut at = ticks(rng.range(300, 900));
    while at < length {
        let end = (at + ticks(rng.range(30, 900))).min(length);
        for tick in &mut wifi[at..end] {
            tick.open = false;
            tick.probe_passes = false;
        }
        at = end + ticks(rng.range(300, 1_200));
    }
    (cards, wifi)
}

fn captive_wifi(f: &Figures, rng: &mut Rng, length: usize) -> (Cards, Vec<WifiTick>) {
    let (cards, mut wifi) = both(commuting(f.hspa, 900), commuting(f.lte, 900), rng, length);
    let mut at = ticks(rng.range(60, 600));
    while at < length {
        let end = (at + ticks(rng.range(120, 600))).min(length);
        for tick in &mut wifi[at..end] {
            tick.connected = true;
            tick.probe_passes = true;
        }
        at = end + ticks(rng.range(300, 1_200));
    }
    (cards, wifi)
}
