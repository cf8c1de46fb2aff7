//! One policy in one world: the session's traffic over the links it is given,
//! and the score.
//!
//! The session is the same for all policies: a message is answered once its
//! link has carried without a break for a round trip and the time its bytes
//! take, a heartbeat goes out after a minute of silence, and an answer that is missing
//! for longer than five seconds or four retransmission time-outs is told to the policy. A
//! gateway that is away answers nothing; that is no time without data, since all else goes on.
//!
//! On a link that is new to it a session first validates the path, one round trip; the
//! very first time it shakes hands, two. What such an exchange reached stays when the link
//! breaks off: the next one needs an unbroken round trip of its own, not all of them one
//! together.

use std::collections::VecDeque;

use super::phone::{Phone, Via, boot_ms};
use super::policy::{Name, answered};
use super::radio::ticks;
use super::world::{SimTick, TICK_MS, Tick, World};
use crate::rng::Rng;
use twine_engine::links::Traffic;

/// As the engine's own defaults.
const HEARTBEAT_TICKS: usize = ticks(60);
const LEAST_PATIENCE_MS: u64 = 5_000;
const MOST_PATIENCE_MS: u64 = 20_000;
/// A short text with its headers, both ways.
const MESSAGE_BYTES: u64 = 400;
/// What a session costs on a link that is new to it: path validation or a
/// handshake.
const HELLO_BYTES: u64 = 2_400;
/// Round trips before the first message: a handshake and the hello; and after a move,
/// the validation of the path (RFC 9000, section 8.2), before which quinn answers nothing.
const HANDSHAKE: u32 = 2;
const PATH_VALIDATION: u32 = 1;
/// Other traffic of the phone while mobile data are its default network.
const OTHER_BYTES_PER_S: f64 = 300.0;
/// Prices in US cents a megabyte: within a bundle, the dear rate of a
/// spent one, and abroad. Ordinary figures of prepaid tariffs, not a measurement.
const CENTS_PER_MB: f64 = 0.25;
const DEAR_CENTS_PER_MB: f64 = 4.0;
const ROAMING_CENTS_PER_MB: f64 = 10.0;
/// A switch back within this time is a ping-pong.
const PING_PONG_TICKS: usize = ticks(300);

/// How a policy did in one world.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Which policy.
    pub policy: Name,
    /// Seconds in which the session's link carried nothing, those left out in which only
    /// a spent bundle would have.
    pub without_data_s: f64,
    /// Milliseconds from written to answered, sorted; those that never were count
    /// until the end.
    pub latencies_ms: Vec<u64>,
    /// Switches of the data card.
    pub switches: u32,
    /// Of these, back within five minutes.
    pub ping_pongs: u32,
    /// Bytes over mobile data.
    pub metered_bytes: u64,
    /// What they cost.
    pub cents: f64,
    /// For the plot: per tick, the link that carried, or none.
    pub timeline: Vec<Option<Via>>,
    /// Moves that the policy asked for: when, where to, why.
    pub asked: Vec<(usize, usize, &'static str)>,
}

impl Score {
    /// The latency that this share of the messages did not exceed; 0 without
    /// messages.
    #[must_use]
    pub fn latency_ms(&self, share: f64) -> u64 {
        percentile(&self.latencies_ms, share)
    }
}

/// Of sorted values: the one that this share does not exceed.
#[must_use]
pub fn percentile(sorted: &[u64], share: f64) -> u64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0;
    };
    sorted[(last as f64 * share).round() as usize]
}

/// Runs one policy in one world.
#[must_use]
pub fn run(name: Name, world: &World) -> Score {
    let mut policy = name.policy();
    let mut phone = Phone::new(world);
    let mut session = Session::new(world);
    let mut timeline = Vec::with_capacity(world.ticks.len());
    let mut asked = Vec::new();
    let mut spending = Spending::default();
    for (at, tick) in world.ticks.iter().enumerate() {
        let seen = phone.observe(at, tick);
        let decisions = policy.decide(&seen);
        if let Some(card) = decisions.move_to {
            asked.push((at, card, decisions.because.unwrap_or_default()));
            phone.move_data(at, card, decisions.unvalidated);
        }
        if let Some(via) = decisions.look_again {
            phone.look_again(at, via);
        }
        let link = decisions.link;
        let carries = link.is_some_and(|via| phone.carries(via, tick));
        timeline.push(link.filter(|_| carries));
        if let Some((via, outcome)) = session.go_on(at, tick, link, carries && tick.gateway) {
            policy.traffic(at, via, outcome);
        }
        let bytes = std::mem::take(&mut session.bytes);
        if let Some(Via::Card(card)) = link {
            spending.add(bytes as f64, &tick.sims[card]);
        }
        if let (Some(Via::Card(_)), Some(card)) = (seen.default_network(), phone.data_card()) {
            let bytes = OTHER_BYTES_PER_S * TICK_MS as f64 / 1000.0;
            spending.add(bytes, &tick.sims[card]);
        }
    }
    let switches = phone.switches();
    let without = timeline
        .iter()
        .zip(&world.ticks)
        .filter(|(carried, tick)| carried.is_none() && !tick.is_declined())
        .count();
    Score {
        policy: name,
        without_data_s: without as f64 * TICK_MS as f64 / 1000.0,
        latencies_ms: session.finish(world.ticks.len()),
        switches: switches.len() as u32,
        ping_pongs: switches
            .windows(2)
            .filter(|pair| pair[1].0 - pair[0].0 < PING_PONG_TICKS)
            .count() as u32,
        metered_bytes: spending.bytes as u64,
        cents: spending.cents,
        timeline,
        asked,
    }
}

#[derive(Debug, Default)]
struct Spending {
    bytes: f64,
    cents: f64,
}

impl Spending {
    fn add(&mut self, bytes: f64, sim: &SimTick) {
        let price = match (sim.roaming, sim.spent) {
            (true, _) => ROAMING_CENTS_PER_MB,
            (_, true) => DEAR_CENTS_PER_MB,
            _ => CENTS_PER_MB,
        };
        self.bytes += bytes;
        self.cents += bytes / 1e6 * price;
    }
}

struct Session<'a> {
    messages: VecDeque<(usize, usize)>,
    world: &'a World,
    link: Option<Via>,
    /// The link has carried without a break since.
    good_since: Option<usize>,
    /// Exchanges before the link may carry messages.
    exchanges: u32,
    /// When the last of them was over, milliseconds.
    ready_ms: u64,
    awaiting: Option<usize>,
    heard: usize,
    heartbeat: bool,
    bytes: u64,
    latencies_ms: Vec<u64>,
    next: usize,
}

impl<'a> Session<'a> {
    const fn new(world: &'a World) -> Self {
        Self {
            messages: VecDeque::new(),
            world,
            link: None,
            good_since: None,
            exchanges: HANDSHAKE,
            ready_ms: 0,
            awaiting: None,
            heard: 0,
            heartbeat: false,
            bytes: 0,
            latencies_ms: Vec::new(),
            next: 0,
        }
    }

    /// One tick. Tells what became of traffic, if that became clear.
    fn go_on(
        &mut self,
        at: usize,
        tick: &Tick,
        link: Option<Via>,
        carries: bool,
    ) -> Option<(Via, Traffic)> {
        while self.world.messages.get(self.next) == Some(&at) {
            self.messages.push_back((at, self.next));
            self.next += 1;
        }
        if link != self.link {
            self.link = link;
            self.good_since = None;
            self.exchanges = self.exchanges.max(PATH_VALIDATION);
            self.awaiting = None;
            self.bytes += HELLO_BYTES;
        }
        if !carries {
            self.good_since = None;
        } else if self.good_since.is_none() {
            self.good_since = Some(at);
        }
        let via = link?;
        if at - self.heard >= HEARTBEAT_TICKS || self.exchanges > 0 {
            self.heartbeat = true;
        }
        if self.messages.is_empty() && !self.heartbeat {
            self.awaiting = None;
            return None;
        }
        let since = *self.awaiting.get_or_insert(at);
        let (rtt_ms, bytes_per_s, loss_permille) = figures(via, tick);
        if let Some(good) = self.good_since
            && let Some(answer) = self.answer(at, good, rtt_ms, bytes_per_s, loss_permille)
        {
            let answer = answer.max((at - since) as u64 * TICK_MS);
            self.awaiting = (!self.messages.is_empty()).then_some(at);
            self.heartbeat = false;
            self.heard = at;
            return Some((via, answered(answer)));
        }
        // A smoothed round trip of r with the deviation of a first sample makes
        // a retransmission time-out of three (RFC 6298).
        let rto_ms = (u64::from(rtt_ms) * 3).max(1_000);
        let patience = (rto_ms * 4).clamp(LEAST_PATIENCE_MS, MOST_PATIENCE_MS);
        if (at - since) as u64 * TICK_MS >= patience {
            self.awaiting = Some(at);
            self.bytes += MESSAGE_BYTES;
            return Some((via, Traffic::Missing));
        }
        None
    }

    /// Goes on with what comes before messages. Whether that is over.
    fn is_ready(&mut self, at: usize, good: usize, rtt_ms: u32) -> bool {
        while self.exchanges > 0 {
            let ready_ms = boot_ms(good).max(self.ready_ms) + u64::from(rtt_ms);
            if ready_ms > boot_ms(at + 1) {
                return false;
            }
            self.ready_ms = ready_ms;
            self.exchanges -= 1;
        }
        true
    }

    /// Answers everything whose time has come; the last one's round trip.
    fn answer(
        &mut self,
        at: usize,
        good: usize,
        rtt_ms: u32,
        bytes_per_s: u32,
        loss_permille: u16,
    ) -> Option<u64> {
        if !self.is_ready(at, good, rtt_ms) {
            return None;
        }
        let carrying_ms = MESSAGE_BYTES * 1000 / u64::from(bytes_per_s.max(1));
        let needs_ms = u64::from(rtt_ms) + carrying_ms;
        let from_ms = boot_ms(good).max(self.ready_ms);
        let end_ms = boot_ms(at + 1);
        let mut answer = None;
        while let Some((written, no)) = self.messages.front().copied() {
            // The same message is lost in the same place, whoever decides.
            let mut dice = Rng::new(self.world.seed ^ ((no as u64) << 20));
            let lost = dice.next() % 1000 < u64::from(loss_permille);
            let needs_ms = needs_ms + if lost { 1_000 + u64::from(rtt_ms) } else { 0 };
            let written_ms = boot_ms(written);
            let answered_ms = from_ms.max(written_ms) + needs_ms;
            if answered_ms > end_ms {
                break;
            }
            self.messages.pop_front();
            self.bytes += MESSAGE_BYTES;
            self.latencies_ms.push(answered_ms - written_ms);
            answer = Some(needs_ms);
        }
        if answer.is_none() && self.heartbeat && from_ms + needs_ms <= end_ms {
            self.bytes += MESSAGE_BYTES / 4;
            answer = Some(needs_ms);
        }
        answer
    }

    fn finish(mut self, end: usize) -> Vec<u64> {
        let open = self
            .messages
            .iter()
            .map(|(written, _)| (end - written) as u64 * TICK_MS);
        self.latencies_ms.extend(open);
        self.latencies_ms.sort_unstable();
        self.latencies_ms
    }
}

/// Round trip, rate and loss of a link.
fn figures(via: Via, tick: &Tick) -> (u32, u32, u16) {
    match via {
        // Wi-Fi in front of a home line, as the lab's profile.
        Via::Wifi => (28, 125_000, tick.wifi.loss_permille),
        Via::Card(card) => {
            let sim = &tick.sims[card];
            (sim.rtt_ms, sim.bytes_per_s, sim.loss_permille)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::WifiTick;
    use super::super::worlds;
    use super::*;

    /// A message at tick 40 over data of the first card, which take two seconds there and
    /// back and get through for `open` ticks in every ten.
    fn latency_ms(open: usize, moved_at: Option<usize>) -> Option<u64> {
        let calm = worlds::all(0..1, 600).ok()?.swap_remove(0);
        let mut world = World {
            messages: vec![40],
            ..calm
        };
        for (at, tick) in world.ticks.iter_mut().enumerate() {
            tick.wifi = WifiTick::default();
            tick.sims[0].rtt_ms = 2_000;
            tick.sims[0].loss_permille = 0;
            tick.sims[0].open = at < 20 || at % 10 < open;
        }
        let mut session = Session::new(&world);
        for (at, tick) in world.ticks.iter().enumerate() {
            let link = if moved_at == Some(at) {
                Via::Wifi
            } else {
                Via::Card(0)
            };
            let carries = link != Via::Wifi && tick.sims[0].open;
            let _ = session.go_on(at, tick, Some(link), carries);
        }
        session.latencies_ms.first().copied()
    }

    #[test]
    fn a_move_costs_a_round_trip_more_which_may_be_in_another_stretch() {
        let at_once = latency_ms(10, None);
        assert!(
            at_once.is_some_and(|ms| (2_000..2_100).contains(&ms)),
            "{at_once:?}"
        );
        // Just back at the link when the message is written.
        let moved = latency_ms(10, Some(39));
        assert_eq!(moved, at_once.map(|ms| ms + 2_000));
        // Stretches of two and a half seconds, one every five: the path in one, the message in the next.
        assert_eq!(latency_ms(5, None), at_once);
        assert_eq!(latency_ms(5, Some(39)), at_once.map(|ms| ms + 5_000));
        // Never a whole round trip.
        assert_eq!(latency_ms(3, Some(39)), None);
    }
}
