//! What happens in each synthetic world.
//!
//! Figures without a source are assumptions, chosen to be ordinary; they are the same
//! for every policy.

use super::super::profile::Profile;
use super::super::radio::{self, Holes, Radio, ticks};
use super::super::world::{Rat, Tick, WifiTick};
use super::{Cards, side_by_side};
use crate::rng::Rng;

/// Makes one world.
type Maker = fn(&Figures, &mut Rng, usize) -> Vec<Tick>;

/// The figures that worlds use.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) gprs: Profile,
    pub(super) edge: Profile,
    pub(super) umts: Profile,
    pub(super) hspa: Profile,
    pub(super) lte: Profile,
}

pub(super) const SYNTHETIC: [(&str, &str, Maker); 20] = [
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
    (
        "Wi-Fi's edge",
        "Wi-Fi that is left, come back to, and used from too far away, on a commute",
        wifis_edge,
    ),
    (
        "PDN bounce",
        "the network ends the user's data session every few minutes; mostly it is back within seconds",
        pdn_bounce,
    ),
    (
        "gateway away",
        "the gateway does not answer for half a minute to ten; all else works",
        gateway_away,
    ),
    (
        "gateway away, Wi-Fi",
        "the same at home",
        gateway_away_at_home,
    ),
    (
        "roaming, agreed to",
        "along a border the user's card is abroad for minutes, and may use data there",
        roaming_agreed,
    ),
    (
        "roaming, not agreed to",
        "the same, and may not",
        roaming_not_agreed,
    ),
];

const WORKING_WIFI: WifiTick = WifiTick {
    connected: true,
    open: true,
    probe_passes: true,
    loss_permille: 0,
};

pub(super) fn commuting(profile: Profile, hole_every_s: u64) -> Radio {
    let radio = Radio::calm(profile, 3).with_holes(hole_every_s, Holes::City);
    match profile.rat {
        Rat::Gsm | Rat::Edge => radio.with_stalls(90),
        _ => radio,
    }
}

fn both(first: Radio, second: Radio, rng: &mut Rng, length: usize) -> Vec<Tick> {
    side_by_side([first.play(length, rng), second.play(length, rng)])
}

fn calm_home(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    both(Radio::calm(f.lte, 3), Radio::calm(f.lte, 4), rng, length)
}

fn slow_home(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    let edge = Radio::calm(f.edge, 3).with_stalls(900);
    both(edge, Radio::calm(f.lte, 4), rng, length)
}

fn commute_lte(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    both(commuting(f.lte, 360), commuting(f.lte, 480), rng, length)
}

fn commute_mixed(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    both(commuting(f.hspa, 600), commuting(f.lte, 240), rng, length)
}

fn country_road(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    let gprs = Radio::calm(f.gprs, 2)
        .with_holes(1_500, Holes::City)
        .with_stalls(60);
    let edge = Radio::calm(f.edge, 3).with_holes(900, Holes::Country);
    both(edge, gprs, rng, length)
}

fn shared_holes(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    let seed = rng.next();
    let radio = |profile| {
        let mut rng = Rng::new(seed);
        commuting(profile, 420).play(length, &mut rng)
    };
    side_by_side([radio(f.lte), radio(f.hspa)])
}

fn flapping_cell(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    let flapping = Radio::calm(f.lte, 1).with_holes(45, Holes::Flapping);
    both(flapping, commuting(f.umts, 1_200), rng, length)
}

fn both_flap(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    let flapping = |profile| Radio::calm(profile, 1).with_holes(120, Holes::Flapping);
    both(flapping(f.lte), flapping(f.hspa), rng, length)
}

/// Both cards, the first in a cell that is loaded for half of the time.
fn loaded(f: &Figures, rng: &mut Rng, length: usize) -> Cards {
    let mut cards = [
        Radio::calm(f.lte, 4).play(length, rng),
        Radio::calm(f.hspa, 3).play(length, rng),
    ];
    radio::congest(&mut cards[0][length / 4..length * 3 / 4], rng);
    cards
}

fn busy_hour(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    side_by_side(loaded(f, rng, length))
}

fn stadium(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    let mut cards = loaded(f, rng, length);
    radio::congest(&mut cards[1][length / 2..length * 3 / 4], rng);
    side_by_side(cards)
}

fn bundle_blocked(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    let mut ticks = both(Radio::calm(f.lte, 4), commuting(f.hspa, 1_200), rng, length);
    // The phone is not told that it is spent: only that nothing gets through.
    for tick in &mut ticks[length / 3..] {
        tick.sims[0].open = false;
    }
    ticks
}

fn bundle_dear(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    let mut ticks = both(commuting(f.lte, 420), commuting(f.hspa, 900), rng, length);
    for tick in &mut ticks[length / 3..] {
        tick.sims[0].spent = true;
    }
    ticks
}

fn dead_wifi(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    let mut played = both(commuting(f.lte, 900), commuting(f.umts, 900), rng, length);
    for tick in &mut played {
        tick.wifi = WORKING_WIFI;
    }
    let mut at = ticks(rng.range(300, 900));
    while at < length {
        let end = (at + ticks(rng.range(30, 900))).min(length);
        for tick in &mut played[at..end] {
            tick.wifi.open = false;
            tick.wifi.probe_passes = false;
        }
        at = end + ticks(rng.range(300, 1_200));
    }
    played
}

fn captive_wifi(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    let mut played = both(commuting(f.hspa, 900), commuting(f.lte, 900), rng, length);
    let mut at = ticks(rng.range(60, 600));
    while at < length {
        let end = (at + ticks(rng.range(120, 600))).min(length);
        for tick in &mut played[at..end] {
            tick.wifi.connected = true;
            tick.wifi.probe_passes = true;
        }
        at = end + ticks(rng.range(300, 1_200));
    }
    played
}

fn wifis_edge(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    let mut played = both(commuting(f.lte, 900), commuting(f.hspa, 900), rng, length);
    let mut at = ticks(rng.range(60, 300));
    while at < length {
        let mut stretch = |seconds: (u64, u64), rng: &mut Rng| {
            let from = at.min(length);
            at = (at + ticks(rng.range(seconds.0, seconds.1))).min(length);
            from..at
        };
        // Walks in, stays, sits down too far away now and then, walks out.
        let walk_in = stretch((10, 40), rng);
        at_the_edge(&mut played[walk_in], rng);
        for tick in &mut played[stretch((120, 900), rng)] {
            tick.wifi = WORKING_WIFI;
        }
        if rng.one_in(3) {
            let far = stretch((120, 600), rng);
            at_the_edge(&mut played[far], rng);
        }
        let walk_out = stretch((15, 60), rng);
        at_the_edge(&mut played[walk_out], rng);
        let _outside = stretch((60, 600), rng);
    }
    played
}

/// The access point is heard, the phone is not always: connected all the time, and
/// packets get through in bursts.
fn at_the_edge(played: &mut [Tick], rng: &mut Rng) {
    let mut at = 0;
    while at < played.len() {
        let works = (at + ticks(rng.range(1, 6))).min(played.len());
        let ends = (works + ticks(rng.range(2, 12))).min(played.len());
        for tick in &mut played[at..works] {
            tick.wifi = WifiTick {
                loss_permille: 200,
                ..WORKING_WIFI
            };
        }
        for tick in &mut played[works..ends] {
            tick.wifi = WifiTick {
                connected: true,
                ..WifiTick::default()
            };
        }
        at = ends;
    }
}

fn pdn_bounce(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    let mut played = both(Radio::calm(f.lte, 3), commuting(f.hspa, 900), rng, length);
    let mut at = ticks(rng.range(60, 300));
    while at < length {
        // One in six does not come back at once.
        let away = if rng.one_in(6) { (20, 90) } else { (1, 7) };
        let end = (at + ticks(rng.range(away.0, away.1))).min(length);
        for tick in &mut played[at..end] {
            tick.sims[0].attached = false;
        }
        at = end + ticks(rng.range(120, 300));
    }
    played
}

fn gateway_away(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    let mut played = both(commuting(f.lte, 900), commuting(f.hspa, 900), rng, length);
    outages(&mut played, rng);
    played
}

fn gateway_away_at_home(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    let mut played = both(Radio::calm(f.lte, 3), Radio::calm(f.hspa, 3), rng, length);
    for tick in &mut played {
        tick.wifi = WORKING_WIFI;
    }
    outages(&mut played, rng);
    played
}

/// The gateway, or the way to it, is away now and then.
fn outages(played: &mut [Tick], rng: &mut Rng) {
    let mut at = ticks(rng.range(300, 1_200));
    while at < played.len() {
        let end = (at + ticks(rng.range(30, 600))).min(played.len());
        for tick in &mut played[at..end] {
            tick.gateway = false;
        }
        at = end + ticks(rng.range(900, 1_800));
    }
}

fn roaming_agreed(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    along_a_border(f, rng, length, true)
}

fn roaming_not_agreed(f: &Figures, rng: &mut Rng, length: usize) -> Vec<Tick> {
    along_a_border(f, rng, length, false)
}

fn along_a_border(f: &Figures, rng: &mut Rng, length: usize, agreed: bool) -> Vec<Tick> {
    let mut played = both(commuting(f.lte, 600), commuting(f.hspa, 900), rng, length);
    let mut at = ticks(rng.range(300, 900));
    while at < length {
        let end = (at + ticks(rng.range(120, 1_800))).min(length);
        for tick in &mut played[at..end] {
            tick.sims[0].roaming = true;
        }
        at = end + ticks(rng.range(300, 1_800));
    }
    for tick in &mut played {
        tick.sims[0].may_roam = agreed;
    }
    played
}
