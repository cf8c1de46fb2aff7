//! Which transport goes first to the gateway, and when another joins in: a race with
//! a head start, remembered for each network. A pure table; this page is its
//! specification.
//!
//! QUIC needs a round trip less and moves along when the link changes; TCP gets
//! through where UDP does not. So QUIC goes first, and TLS joins when QUIC's head start is
//! over. Whichever is connected first says `Hello`; the others are closed before, so
//! that nothing is ever delivered on two (DELIVERY 6). One that fails by itself
//! lets the next start at once.
//!
//! Head start and the time of an attempt are at first those of the network's class
//! ([`crate::priors`]). Where the round trip of the network is known, the head start is six of
//! them, at least [`LEAST_HEAD_START`] and at most twice the class's: a handshake takes two, and
//! one lost packet costs three more. An attempt may then take eight retransmission
//! time-outs, if that is more than the class's, up to what the configuration says.
//!
//! *Networks that eat UDP*: where the first was overtaken although it had the head start,
//! the other goes first for [`AVOID_FIRST`], doubled for each further time in a row up to
//! [`AVOID_MOST`]; then the first is tried again. So a black hole costs one head start,
//! and little after that. A hole in the coverage teaches nothing: there nobody
//! overtakes. When an attempt is refused on such a network, not left without an answer, the
//! gateway is away for a moment; the first then has no more than its head start from there, so
//! that the next try does not wait for the end of an attempt of no use.
//!
//! *While the phone is idle* another order may be cheaper: [`crate::heartbeat`], "Which
//! transport". It goes before what is said here, but never back to a transport that is
//! avoided: that would cost a good session at every heartbeat.
//!
//! All of it outlives the daemon: as at most [`MAX_RACES`] records of 21 bytes, written when a
//! transport was overtaken or no longer is, and whenever something else is written and a
//! round trip has moved by a quarter.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::heartbeat::{Class, Network, NetworkId};
use crate::limits::MAX_RACES;
use crate::memo::{Reader, Unreadable, Writer};
use crate::output::TransportKind;
use crate::rtt::Rtt;
use crate::time::{BootId, Instant};

const VERSION: u8 = 1;

/// Never less: a radio may have to wake first.
const LEAST_HEAD_START: Duration = Duration::from_millis(500);
/// Round trips of head start.
const ROUND_TRIPS: u32 = 6;
/// A transport that was overtaken does not go first for so long.
const AVOID_FIRST: Duration = Duration::from_secs(10 * 60);
/// At most.
const AVOID_MOST: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_DOUBLINGS: u32 = 8;
/// Retransmission time-outs that an attempt may take.
const ATTEMPT_TIMEOUTS: u32 = 8;
/// What a connection may be told to expect: a cell that answers slower is about to be
/// left, and a guess that is too low for it costs a repeat.
const LONGEST_EXPECTED: Duration = Duration::from_secs(3);

/// How the next race begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    /// Index of the transport that goes first.
    pub(crate) first: usize,
    /// The next joins after so long.
    pub(crate) head_start: Duration,
    /// An attempt has failed after so long.
    pub(crate) give_up: Duration,
    /// The round trip that a connection should expect: a first packet that is lost is
    /// sent again after three of them.
    pub(crate) round_trip: Duration,
    /// Why this one is the first.
    pub(crate) because: &'static str,
}

/// What is known of the networks.
#[derive(Debug, Default)]
pub(crate) struct Races {
    known: BTreeMap<NetworkId, Known>,
    uses: u64,
    unsaved: Unsaved,
}

/// What is not kept yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Unsaved {
    #[default]
    Nothing,
    /// Not worth being written for by itself.
    RoundTrip,
    Race,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Known {
    /// The preferred transport was overtaken so often in a row.
    overtaken: u32,
    /// It does not go first before.
    avoid_until: Option<Instant>,
    rtt: Rtt,
    /// The round trip as it was kept last.
    kept: Option<Duration>,
    used: u64,
}

impl Races {
    /// How to begin on this network. `transports`: in the order of preference, at least
    /// one; `cheaper`: index of the one to be preferred for other reasons; `most`:
    /// no attempt takes longer.
    #[must_use]
    pub(crate) fn start(
        &self,
        network: Option<Network>,
        transports: &[TransportKind],
        cheaper: Option<(usize, &'static str)>,
        most: Duration,
        now: Instant,
    ) -> Start {
        let priors = network
            .map_or(Class::Gprs, |network| network.class)
            .priors();
        let known = network.and_then(|network| self.known.get(&network.id));
        let rtt = known.map(|known| known.rtt).unwrap_or_default();
        let (head_start, attempt, round_trip) = match rtt.smoothed() {
            Some(smoothed) => (
                (smoothed * ROUND_TRIPS).clamp(LEAST_HEAD_START, priors.head_start * 2),
                priors.attempt.max(rtt.rto() * ATTEMPT_TIMEOUTS),
                // So that the first time-out is that of RFC 6298.
                smoothed.max(rtt.rto() / 3).min(LONGEST_EXPECTED),
            ),
            None => (priors.head_start, priors.attempt, priors.round_trip),
        };
        let avoided = network.is_some_and(|network| self.avoids_first(network, now));
        let (first, because) = match cheaper {
            Some(cheaper) => cheaper,
            None if avoided && transports.len() > 1 => {
                (1, "the preferred transport was overtaken on this network")
            }
            None => (0, "it is the preferred transport"),
        };
        Start {
            first,
            head_start,
            give_up: attempt.min(most),
            round_trip,
            because,
        }
    }

    /// Whether the preferred transport was overtaken here, and is not to be tried yet.
    pub(crate) fn avoids_first(&self, network: Network, now: Instant) -> bool {
        self.known
            .get(&network.id)
            .and_then(|known| known.avoid_until)
            .is_some_and(|until| now < until)
    }

    /// Whether the preferred transport was overtaken when it went first here last.
    pub(crate) fn doubts_first(&self, network: Network) -> bool {
        let known = self.known.get(&network.id);
        known.is_some_and(|known| known.overtaken > 0)
    }

    /// A transport came up, this one of those in the order of preference; `overtook`: one
    /// that had started before it and was still on its way.
    pub(crate) fn won(
        &mut self,
        network: Network,
        winner: usize,
        overtook: Option<usize>,
        now: Instant,
    ) {
        let known = self.entry(network.id);
        let before = *known;
        if winner == 0 {
            known.overtaken = 0;
            known.avoid_until = None;
        } else if overtook == Some(0) {
            let avoid = AVOID_FIRST * (1 << known.overtaken.min(MAX_DOUBLINGS));
            known.overtaken += 1;
            known.avoid_until = Some(now + avoid.min(AVOID_MOST));
        }
        if *known != before {
            self.unsaved = Unsaved::Race;
        }
    }

    /// A round trip was measured on this network.
    pub(crate) fn measured(&mut self, network: Network, rtt: Duration) {
        let known = self.entry(network.id);
        known.rtt.sample(rtt);
        let (now, kept) = (known.rtt.smoothed(), known.kept);
        let moved = match (now, kept) {
            (Some(now), Some(kept)) => now.abs_diff(kept) > kept / 4,
            _ => true,
        };
        if moved {
            self.unsaved = self.unsaved.max(Unsaved::RoundTrip);
        }
    }

    /// How long an answer may take on this network (RFC 6298).
    pub(crate) fn expected_rto(&self, network: Network) -> Duration {
        let known = self.known.get(&network.id).map(|known| known.rtt);
        match known.filter(|rtt| rtt.smoothed().is_some()) {
            // Section 2.1 of it, for a first message: a second at least.
            Some(rtt) => rtt.rto().max(Duration::from_secs(1)),
            None => Rtt::default()
                .rto()
                .max(network.class.priors().round_trip * 3),
        }
    }

    // -- kept ----------------------------------------------------------------

    /// From what was kept; nothing was: an empty table.
    pub(crate) fn read(bytes: &[u8], boot: BootId, now: Instant) -> Result<Self, Unreadable> {
        let mut races = Self::default();
        let Some(mut reader) = Reader::new(bytes, VERSION, boot, now)? else {
            return Ok(races);
        };
        for _ in 0..reader.count(MAX_RACES)? {
            let network = NetworkId(reader.u64()?);
            let overtaken = reader.tally()?;
            let avoid_until = reader.until()?;
            let rtt = match (reader.duration()?, reader.duration()?) {
                (Some(smoothed), Some(variation)) => Rtt::kept(smoothed, variation),
                (None, None) => Rtt::default(),
                _ => return Err(Unreadable::Value),
            };
            let kept = rtt.smoothed();
            let known = races.entry(network);
            *known = Known {
                overtaken,
                avoid_until,
                rtt,
                kept,
                used: known.used,
            };
        }
        reader.finish()?;
        Ok(races)
    }

    /// What is to be kept, if anything is since the last call. `riding`: something
    /// else is written anyway.
    pub(crate) fn take_unsaved(
        &mut self,
        boot: BootId,
        now: Instant,
        riding: bool,
    ) -> Option<Vec<u8>> {
        match self.unsaved {
            Unsaved::Nothing => return None,
            Unsaved::RoundTrip if !riding => return None,
            Unsaved::RoundTrip | Unsaved::Race => self.unsaved = Unsaved::Nothing,
        }
        // The order says which was used last.
        let mut known: Vec<_> = self.known.iter_mut().collect();
        known.sort_by_key(|(_, known)| known.used);
        let mut writer = Writer::new(VERSION, boot, now);
        writer.count(known.len());
        for (network, known) in known {
            known.kept = known.rtt.smoothed();
            writer.u64(network.0);
            writer.tally(known.overtaken);
            writer.until(known.avoid_until);
            writer.duration(known.rtt.smoothed());
            writer.duration(known.rtt.variation());
        }
        Some(writer.finish())
    }

    fn entry(&mut self, network: NetworkId) -> &mut Known {
        if self.known.len() >= MAX_RACES && !self.known.contains_key(&network) {
            let oldest = self.known.iter().min_by_key(|(_, known)| known.used);
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                self.known.remove(&oldest);
            }
        }
        self.uses += 1;
        let known = self.known.entry(network).or_default();
        known.used = self.uses;
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [TransportKind; 2] = [TransportKind::Quic, TransportKind::Tls];
    const MOST: Duration = Duration::from_secs(15);

    fn network(id: u64, class: Class) -> Network {
        Network {
            id: NetworkId::new(&id.to_string(), None),
            class,
        }
    }

    const fn at(seconds: u64) -> Instant {
        Instant(seconds * 1000)
    }

    fn first(races: &Races, now: Instant) -> usize {
        let network = Some(network(1, Class::Lte));
        races.start(network, &BOTH, None, MOST, now).first
    }

    #[test]
    fn a_network_that_eats_udp_is_remembered_and_tried_again_ever_more_seldom() {
        let mut races = Races::default();
        let here = network(1, Class::Lte);
        assert_eq!(first(&races, at(0)), 0);
        races.won(here, 1, Some(0), at(0));
        assert_eq!(first(&races, at(599)), 1);
        // Winning with nobody to overtake says nothing of UDP.
        races.won(here, 1, None, at(599));
        assert_eq!(first(&races, at(600)), 0);
        races.won(here, 1, Some(0), at(600));
        assert_eq!(first(&races, at(1799)), 1);
        assert_eq!(first(&races, at(1800)), 0);
        // It gets through again: as if nothing had been.
        races.won(here, 0, None, at(1800));
        races.won(here, 1, Some(0), at(1900));
        assert_eq!(first(&races, at(2499)), 1);
        assert_eq!(first(&races, at(2500)), 0);
    }

    #[test]
    fn never_avoided_for_longer_than_a_day() {
        let mut races = Races::default();
        let here = network(1, Class::Lte);
        for _ in 0..100 {
            races.won(here, 1, Some(0), at(0));
        }
        assert_eq!(first(&races, at(86_399)), 1);
        assert_eq!(first(&races, at(86_400)), 0);
    }

    #[test]
    fn other_networks_are_not_blamed() {
        let mut races = Races::default();
        races.won(network(2, Class::Lte), 1, Some(0), at(0));
        assert_eq!(first(&races, at(1)), 0);
    }

    #[test]
    fn the_head_start_follows_the_round_trip() {
        let mut races = Races::default();
        let start = |races: &Races, id| {
            let slow = Some(network(id, Class::Gprs));
            races.start(slow, &BOTH, None, MOST, at(0)).head_start
        };
        assert_eq!(start(&races, 1), Duration::from_secs(6));
        for (id, ms, head_start_ms) in [(1, 700, 4_200), (2, 10, 500), (3, 9_000, 12_000)] {
            races.measured(network(id, Class::Gprs), Duration::from_millis(ms));
            assert_eq!(start(&races, id), Duration::from_millis(head_start_ms));
        }
    }

    #[test]
    fn a_connection_expects_what_was_measured_and_before_that_what_the_radio_takes() {
        let mut races = Races::default();
        let start = |races: &Races, here| races.start(Some(here), &BOTH, None, MOST, at(0));
        let (lte, gprs) = (network(1, Class::Lte), network(2, Class::Gprs));
        assert_eq!(start(&races, lte).round_trip, Duration::from_millis(200));
        assert_eq!(start(&races, gprs).round_trip, Duration::from_millis(1300));
        let attempt = Duration::from_secs(10);
        assert_eq!(start(&races, lte).give_up, attempt);
        // One measurement of 0.9 s: a time-out of 2.7 s, a third of which is expected.
        races.measured(lte, Duration::from_millis(900));
        assert_eq!(start(&races, lte).round_trip, Duration::from_millis(900));
        assert_eq!(
            start(&races, lte).give_up,
            MOST,
            "no more than is configured"
        );
        for _ in 0..50 {
            races.measured(lte, Duration::from_millis(60));
        }
        // Never below a third of the least time-out.
        let expected = start(&races, lte).round_trip;
        assert_eq!(expected.as_millis(), 166);
        assert_eq!(start(&races, lte).give_up, attempt);
    }

    #[test]
    fn what_is_cheaper_to_keep_goes_first() {
        let races = Races::default();
        let cheaper = Some((1, "cheaper"));
        let start = races.start(None, &BOTH, cheaper, MOST, at(0));
        assert_eq!((start.first, start.because), (1, "cheaper"));
    }

    #[test]
    fn what_was_learned_survives_a_restart() {
        let (boot, mut races) = (BootId(1), Races::default());
        let here = network(1, Class::Lte);
        races.measured(here, Duration::from_millis(300));
        assert_eq!(
            races.take_unsaved(boot, at(0), false),
            None,
            "a mere round trip"
        );
        races.won(here, 1, Some(0), at(0));
        let bytes = races.take_unsaved(boot, at(60), false).unwrap();
        assert_eq!(races.take_unsaved(boot, at(60), true), None);
        // In this boot to the same moment; after a reboot for as long as was left.
        let same = Races::read(&bytes, boot, at(100)).unwrap();
        assert_eq!((first(&same, at(599)), first(&same, at(600))), (1, 0));
        let other = Races::read(&bytes, BootId(2), at(10)).unwrap();
        assert_eq!((first(&other, at(549)), first(&other, at(550))), (1, 0));
        assert_eq!(same.expected_rto(here), races.expected_rto(here));
        // A round trip that hardly moved is not written, even for nothing.
        let mut same = same;
        same.measured(here, Duration::from_millis(320));
        assert_eq!(same.take_unsaved(boot, at(100), true), None);
        for _ in 0..10 {
            same.measured(here, Duration::from_millis(900));
        }
        assert!(same.take_unsaved(boot, at(100), true).is_some());
    }

    #[test]
    fn what_is_no_table_is_told() {
        let mut races = Races::default();
        races.won(network(1, Class::Lte), 1, Some(0), at(0));
        let bytes = races.take_unsaved(BootId(1), at(0), true).unwrap();
        for cut in 1..bytes.len() {
            let read = Races::read(&bytes[..cut], BootId(1), at(0));
            assert_eq!(read.map(drop), Err(Unreadable::Length));
        }
        assert!(Races::read(&[], BootId(1), at(0)).is_ok());
    }

    #[test]
    fn the_table_has_an_end() {
        let mut races = Races::default();
        for id in 0..2 * MAX_RACES as u64 {
            races.measured(network(id, Class::Local), MOST);
        }
        assert_eq!(races.known.len(), MAX_RACES);
    }
}
