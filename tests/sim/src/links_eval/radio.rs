//! How one card's radio goes on: coverage with holes, signal level, load.
//!
//! Figures without a source are assumptions, chosen to be ordinary; they are the same
//! for every policy.

use super::profile::Profile;
use super::trace::Recording;
use super::world::{SimTick, TICK_MS};
use crate::rng::Rng;

/// A modem tells of lost coverage after this many ticks (2 to 6 s: it searches
/// first), and of coverage after these (1 to 4 s: it registers).
const LOSS_TOLD_TICKS: (u64, u64) = (4, 12);
const GAIN_TOLD_TICKS: (u64, u64) = (2, 8);

/// How a card's network behaves.
#[derive(Debug, Clone, Copy)]
pub struct Radio {
    /// Figures while all is well.
    pub profile: Profile,
    /// Signal level while all is well, 0 to 4.
    pub level: u8,
    /// Mean time from hole to hole, seconds; 0: none.
    pub hole_every_s: u64,
    /// Lengths of holes.
    pub holes: Holes,
    /// Mean time between stalls of 2 to 6 s, as when a GPRS phone reselects
    /// its cell; 0: none. Seconds.
    pub stall_every_s: u64,
}

/// Lengths of coverage holes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holes {
    /// A city: half up to 15 s, a third up to a minute, the rest up to five.
    City,
    /// Between villages: one to eight minutes.
    Country,
    /// A cell at the edge: 4 to 30 s.
    Flapping,
}

impl Holes {
    fn draw_ticks(self, rng: &mut Rng) -> usize {
        let seconds = match self {
            Self::City => match rng.range(0, 5) {
                0..=2 => rng.range(4, 15),
                3..=4 => rng.range(15, 60),
                _ => rng.range(60, 300),
            },
            Self::Country => rng.range(60, 480),
            Self::Flapping => rng.range(4, 30),
        };
        ticks(seconds)
    }
}

/// Seconds in ticks.
#[must_use]
pub const fn ticks(seconds: u64) -> usize {
    (seconds * 1000 / TICK_MS) as usize
}

/// A time around a mean: half to one and a half of it.
fn around(rng: &mut Rng, mean_s: u64) -> usize {
    ticks(rng.range(mean_s / 2, mean_s + mean_s / 2).max(1))
}

impl Radio {
    /// Nothing ever goes wrong.
    #[must_use]
    pub const fn calm(profile: Profile, level: u8) -> Self {
        Self {
            profile,
            level,
            hole_every_s: 0,
            holes: Holes::City,
            stall_every_s: 0,
        }
    }

    /// The same with holes.
    #[must_use]
    pub const fn with_holes(mut self, every_s: u64, holes: Holes) -> Self {
        self.hole_every_s = every_s;
        self.holes = holes;
        self
    }

    /// The same with stalls.
    #[must_use]
    pub const fn with_stalls(mut self, every_s: u64) -> Self {
        self.stall_every_s = every_s;
        self
    }

    /// Goes on for so many ticks.
    pub fn play(&self, length: usize, rng: &mut Rng) -> Vec<SimTick> {
        let mut played: Vec<SimTick> = (0..length)
            .map(|tick| self.at_best(self.level_at(tick, rng)))
            .collect();
        self.dig_holes(&mut played, rng);
        self.stall(&mut played, rng);
        tell(&mut played, rng);
        played
    }

    /// The level wavers by one, every few seconds.
    fn level_at(&self, _tick: usize, rng: &mut Rng) -> u8 {
        match rng.range(0, 19) {
            0 => self.level.saturating_sub(1),
            1 => (self.level + 1).min(4),
            _ => self.level,
        }
    }

    const fn at_best(&self, level: u8) -> SimTick {
        SimTick {
            covered: true,
            registered: true,
            roaming: false,
            may_roam: false,
            attached: true,
            open: true,
            rat: self.profile.rat,
            level,
            rtt_ms: self.profile.rtt_ms,
            bytes_per_s: self.profile.bytes_per_s,
            loss_permille: self.profile.loss_permille,
            spent: false,
        }
    }

    fn dig_holes(&self, played: &mut [SimTick], rng: &mut Rng) {
        if self.hole_every_s == 0 {
            return;
        }
        let mut at = around(rng, self.hole_every_s);
        while at < played.len() {
            let length = self.holes.draw_ticks(rng);
            let ramp = ticks(rng.range(2, 12));
            for (distance, tick) in played[at.saturating_sub(ramp)..at]
                .iter_mut()
                .rev()
                .enumerate()
            {
                weaken(tick, distance, ramp);
            }
            let end = (at + length).min(played.len());
            for tick in &mut played[at..end] {
                tick.covered = false;
                tick.level = 0;
            }
            let after = (end + ramp).min(played.len());
            for (distance, tick) in played[end..after].iter_mut().enumerate() {
                weaken(tick, distance, ramp);
            }
            at = end + around(rng, self.hole_every_s);
        }
    }

    fn stall(&self, played: &mut [SimTick], rng: &mut Rng) {
        if self.stall_every_s == 0 {
            return;
        }
        let mut at = around(rng, self.stall_every_s);
        while at < played.len() {
            let end = (at + ticks(rng.range(2, 6))).min(played.len());
            for tick in &mut played[at..end] {
                tick.open = false;
            }
            at = end + around(rng, self.stall_every_s);
        }
    }
}

/// Near a hole the signal fades and the link gets slow.
fn weaken(tick: &mut SimTick, distance: usize, ramp: usize) {
    let level = (distance * 4 / ramp.max(1)) as u8;
    tick.level = tick.level.min(level);
    if level == 0 {
        tick.rtt_ms *= 2;
        tick.bytes_per_s /= 4;
        tick.loss_permille = tick.loss_permille.max(100);
    }
}

/// What the modem tells of coverage comes late.
fn tell(played: &mut [SimTick], rng: &mut Rng) {
    let mut told = true;
    let mut differs = 0;
    let mut lag = 0;
    for tick in played {
        if tick.covered == told {
            differs = 0;
        } else {
            if differs == 0 {
                let (least, most) = if told {
                    LOSS_TOLD_TICKS
                } else {
                    GAIN_TOLD_TICKS
                };
                lag = rng.range(least, most);
            }
            differs += 1;
            if differs > lag {
                told = tick.covered;
                differs = 0;
            }
        }
        tick.registered = told;
    }
}

/// A loaded cell: full signal, and data that get through for a moment now and
/// then.
pub fn congest(played: &mut [SimTick], rng: &mut Rng) {
    let mut at = 0;
    while at < played.len() {
        let stalled = (at + ticks(rng.range(6, 30))).min(played.len());
        let moves = (stalled + ticks(rng.range(1, 4))).min(played.len());
        for tick in &mut played[at..moves] {
            tick.rtt_ms = tick.rtt_ms.max(2_000);
            tick.bytes_per_s = tick.bytes_per_s.min(2_000);
        }
        for tick in &mut played[at..stalled] {
            tick.open = false;
        }
        at = moves;
    }
}

/// A recording in place of a model. It tells when packets could cross; the signal
/// level is read from the mean of the last five seconds against the whole
/// recording's, and coverage counts as lost after ten seconds without a packet.
#[must_use]
pub fn replay(recording: &Recording, profile: Profile, from: usize, length: usize) -> Vec<SimTick> {
    let at = |packets: &[u32], tick: usize| packets[(from + tick) % packets.len()];
    let mean = |packets: &[u32]| {
        packets.iter().map(|count| f64::from(*count)).sum::<f64>() / packets.len() as f64
    };
    let usual = mean(&recording.down);
    let mut since_packet = 0;
    (0..length)
        .map(|tick| {
            let window = |packets: &[u32], ticks: usize| -> u32 {
                (tick.saturating_sub(ticks - 1)..=tick)
                    .map(|tick| at(packets, tick))
                    .sum()
            };
            let (down, up) = (window(&recording.down, 2), window(&recording.up, 2));
            since_packet = if down > 0 { 0 } else { since_packet + 1 };
            let lately = f64::from(window(&recording.down, ticks(5))) / ticks(5) as f64;
            let level = match lately / usual {
                share if share < 0.05 => 0,
                share if share < 0.3 => 1,
                share if share < 0.7 => 2,
                share if share < 1.3 => 3,
                _ => 4,
            };
            let covered = since_packet < ticks(10);
            SimTick {
                covered,
                registered: covered,
                roaming: false,
                may_roam: false,
                attached: true,
                open: down > 0 && up > 0,
                rat: profile.rat,
                level,
                rtt_ms: profile.rtt_ms,
                bytes_per_s: down.min(up) * 1_500,
                loss_permille: 0,
                spent: false,
            }
        })
        .collect()
}
