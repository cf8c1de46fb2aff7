//! What is true: limits of the NAT, coverage holes, what people write.

use std::ops::Range;

use crate::rng::Rng;

/// Milliseconds in these.
pub const SECOND: u64 = 1_000;
/// See [`SECOND`].
pub const MINUTE: u64 = 60 * SECOND;
/// See [`SECOND`].
pub const HOUR: u64 = 60 * MINUTE;
/// See [`SECOND`].
pub const DAY: u64 = 24 * HOUR;

/// The idle limits of RFC 5382 (REQ-5) for TCP: what a NAT grants that keeps to it.
const TCP_BY_THE_BOOK: u64 = 124 * MINUTE;

/// Idle limits that are tried. Up to 5 min they are figures of real NATs (see
/// [`twine_engine::heartbeat::LADDER`]); the longer ones are chosen, 28.5 min because it lies
/// between two rungs.
pub const LIMITS: [(&str, u64); 8] = [
    ("30 s", 30 * SECOND),
    ("60 s", 60 * SECOND),
    ("2 min", 2 * MINUTE),
    ("5 min", 5 * MINUTE),
    ("10 min", 10 * MINUTE),
    ("15 min", 15 * MINUTE),
    ("28.5 min", 28 * MINUTE + 30 * SECOND),
    ("30 min", 30 * MINUTE),
];

/// Idle limits by time: from when, for UDP, for TCP; ascending, the first from 0.
pub type Limits = Vec<(u64, [u64; 2])>;

/// One world.
#[derive(Debug, Clone)]
pub struct World {
    /// The NAT.
    pub name: String,
    /// Its dice.
    pub seed: u64,
    /// How long it lasts.
    pub days: u64,
    /// Of the NAT.
    pub limits: Limits,
    /// TCP through a NAT that has forgotten it is reset; otherwise it vanishes.
    pub resets: bool,
    /// No coverage; ascending, apart. And whether the system notices.
    pub holes: Vec<(Range<u64>, bool)>,
    /// Messages: when, and whether they are for the phone (else from it).
    pub messages: Vec<(u64, bool)>,
}

impl World {
    /// How long it lasts, milliseconds.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.days * DAY
    }

    /// Seconds without coverage.
    #[must_use]
    pub fn hole_s(&self) -> f64 {
        self.hole_time(0, self.end()) as f64 / 1000.0
    }

    /// The hole at this time.
    #[must_use]
    pub fn hole_at(&self, at: u64) -> Option<&Range<u64>> {
        let behind = self.holes.partition_point(|(hole, _)| hole.end <= at);
        let (hole, _) = self.holes.get(behind)?;
        hole.contains(&at).then_some(hole)
    }

    /// How much of this span is without coverage.
    #[must_use]
    pub fn hole_time(&self, from: u64, to: u64) -> u64 {
        let first = self.holes.partition_point(|(hole, _)| hole.end <= from);
        self.holes[first..]
            .iter()
            .take_while(|(hole, _)| hole.start < to)
            .map(|(hole, _)| hole.end.min(to) - hole.start.max(from))
            .sum()
    }

    /// When a connection is forgotten by which nothing passes after `last`;
    /// `transport`: 0 UDP, 1 TCP.
    #[must_use]
    pub fn forgotten_at(&self, transport: usize, last: u64) -> u64 {
        let mut from = self.limits.iter().rposition(|(at, _)| *at <= last);
        loop {
            let Some(at) = from else { return u64::MAX };
            let (begins, limits) = self.limits[at];
            let ends = self.limits.get(at + 1).map_or(u64::MAX, |(at, _)| *at);
            let forgotten = (last + limits[transport]).max(begins);
            if forgotten < ends {
                return forgotten;
            }
            from = Some(at + 1);
        }
    }
}

/// Every kind of world with these seeds.
#[must_use]
pub fn all(seeds: Range<u64>, days: u64) -> Vec<World> {
    let mut kinds: Vec<(String, Limits)> = Vec::new();
    for (name, limit) in LIMITS {
        kinds.push((format!("UDP and TCP {name}"), vec![(0, [limit, limit])]));
    }
    for (name, limit) in LIMITS {
        let limits = vec![(0, [limit, TCP_BY_THE_BOOK])];
        kinds.push((format!("UDP {name}, TCP 124 min"), limits));
    }
    let [both_30, both_15, both_5, both_2] = [30, 15, 5, 2].map(|m| [m * MINUTE; 2]);
    let daily = |hours: Range<u64>, day: [u64; 2], night: [u64; 2]| {
        let days = (0..days).flat_map(move |no| {
            let at = |hour| no * DAY + hour * HOUR;
            [(at(hours.start), day), (at(hours.end), night)]
        });
        std::iter::once((0, night)).chain(days).collect::<Limits>()
    };
    kinds.push((
        "30 min, by day 5 min".to_owned(),
        daily(8..22, both_5, both_30),
    ));
    kinds.push((
        "15 min, at noon 2 min".to_owned(),
        daily(11..14, both_2, both_15),
    ));
    kinds.push((
        "5 min, then 30 min".to_owned(),
        vec![(0, both_5), (days * DAY / 3, both_30)],
    ));
    kinds.push((
        "30 min, then 5 min".to_owned(),
        vec![(0, both_30), (days * DAY / 3, both_5)],
    ));
    kinds.push((
        "UDP 10 min, then 30 s".to_owned(),
        vec![
            (0, [10 * MINUTE, 30 * MINUTE]),
            (days * DAY / 3, [30 * SECOND, 30 * MINUTE]),
        ],
    ));
    kinds
        .into_iter()
        .flat_map(|(name, limits)| {
            seeds.clone().map(move |seed| {
                let mut rng = Rng::new(seed);
                World {
                    name: name.clone(),
                    seed,
                    days,
                    limits: limits.clone(),
                    resets: seed % 2 == 1,
                    holes: holes(&mut rng, days * DAY),
                    messages: messages(&mut rng, days * DAY),
                }
            })
        })
        .collect()
}

/// About eight a day: lifts and tunnels, buildings, journeys.
fn holes(rng: &mut Rng, end: u64) -> Vec<(Range<u64>, bool)> {
    let mut holes = Vec::new();
    let mut at = rng.range(MINUTE, 6 * HOUR);
    while at < end {
        let long = match rng.range(0, 9) {
            0..6 => rng.range(20, 90) * SECOND,
            6..9 => rng.range(2, 10) * MINUTE,
            _ => rng.range(10, 40) * MINUTE,
        };
        let hole = at..(at + long).min(end);
        at = hole.end + rng.range(5 * MINUTE, 6 * HOUR);
        holes.push((hole, rng.percent(50)));
    }
    holes
}

/// Bursts of a few messages to and fro, by day about each half hour, by night
/// each four hours.
fn messages(rng: &mut Rng, end: u64) -> Vec<(u64, bool)> {
    let mut messages = Vec::new();
    let mut at = 0;
    loop {
        let hour = at % DAY / HOUR;
        let mean = if (7..23).contains(&hour) { 30 } else { 240 };
        // Two draws make short gaps more common than long ones.
        at += rng.range(1, mean * 2) * rng.range(1, 20) * MINUTE / 10;
        if at >= end {
            return messages;
        }
        for no in 0..rng.range(1, 10) {
            messages.push((at, no % 2 == 0));
            at += rng.range(4, 60) * SECOND;
        }
        messages.retain(|(at, _)| *at < end);
    }
}
