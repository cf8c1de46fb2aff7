//! How long a session may be silent: learned for each network and transport.
//!
//! A NAT or firewall forgets a connection that is idle for longer than its limit;
//! then nothing from the gateway arrives until the handset says something. A
//! heartbeat just before the limit keeps the connection, and each earlier one costs
//! battery for nothing. A pure table: it is told what idle times were survived and
//! which were not, and says how long to be silent. This page is its specification.
//!
//! # What is learned
//!
//! Of each network (a Wi-Fi network, or a card together with the operator's
//! network; not a slot) and transport (UDP and TCP have limits of their own): the
//! longest idle time that was survived, and the shortest that was not. Any traffic
//! counts: the idle time is what passed without a frame in either direction.
//!
//! # The ladder
//!
//! Only the idle times of [`LADDER`] are tried, which says where the limits are from.
//! There is a rung just below each common one, and one little above it, so that
//! finding out that the limit is no longer costs a tenth of it and not half.
//!
//! - *Climbing*: begins with the class's first rung. One idle time survived: the
//!   next rung. By TCP it begins with what UDP is known to bear, because TCP is given
//!   no less (RFC 5382, REQ-5: 2 h 4 min; RFC 4787, REQ-5: 2 min).
//! - *Holding*: a rung was not survived, or the ceiling is reached. The rung
//!   below it is held. It is below the limit by what is between two rungs, 3 to 30 %.
//! - *A rung that was held is not survived*: the limit is another. Back to the
//!   first rung at once, and up again, below the rung that failed.
//! - *Trying again*: a rung that failed is tried once more when the one below it has been
//!   held for a day of idle time, then two, four, at most eight: limits grow, too,
//!   and one failure may have had another reason. After four hours, eight, and so on, where
//!   more was survived before; where that happens often, later.
//! - *Polling*: not even the class's floor is survived. Keeping such a connection
//!   would take the radio more than it is worth; a heartbeat at the class's
//!   poll interval bounds how late a message is. If one of them survives after all,
//!   it climbs. After a day of polling by UDP what is known of TCP is forgotten and
//!   tried again.
//!
//! The gateway's own idle limit, told in `Welcome`, is a ceiling as well.
//!
//! # What is evidence
//!
//! | seen | means |
//! |---|---|
//! | a frame comes after an idle time, in answer or by itself | survived |
//! | UDP: the gateway validates our path anew though we did not move | a NAT had forgotten us: not survived |
//! | no answer after an idle time, or the connection breaks, and the next attempt on the same link succeeds at once | not survived |
//! | the same, but the next attempt fails or takes long, or the link went | nothing: the network was dead, not the session |
//!
//! So coverage holes do not teach short intervals. The little doubt that is left: an
//! idle time that fails, although a longer one was survived, has to fail twice before it is
//! believed; if the limit did change, the interval that is held tells.
//!
//! # Which transport
//!
//! When UDP holds less than the ceiling, and TCP holds half as much again or was not
//! tried, the next session goes by TCP: an idle phone pays for nothing but heartbeats.
//! When TCP proves no better, it goes by UDP again, unless the network eats it
//! (`crate::race`).
//!
//! # Kept
//!
//! As a few bytes, written when a limit is found or proves wrong, never for a mere
//! heartbeat; for how long a rung was held only when something else is written anyway. So
//! a phone that is switched off every night tries a failed rung again, too. What cannot be
//! read is dropped and learned again.

mod ladder;
mod record;
mod saved;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::fnv::fnv1a;
use crate::limits::MAX_HEARTBEAT_RECORDS;
use crate::link::Link;
use crate::output::TransportKind;
use record::Record;
use saved::Unsaved;

pub use crate::priors::Class;
pub use ladder::LADDER;
pub use record::Phase;

/// The gateway lets go after its idle limit: a heartbeat has to come this share of
/// it before, for the way there.
const GATEWAY_MARGIN: u32 = 20;
/// TCP has to hold longer than UDP by this (percent) to be worth a handshake.
const WORTH_CHANGING_PERCENT: u32 = 150;
/// While a rung is held, a heartbeat may be early by this share of it, to share a
/// wake-up.
const EARLY_SHARE: u32 = 10;

/// What the learned is filed under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NetworkId(pub(crate) u64);

impl NetworkId {
    /// Of a network by its name, and of the card if it is a mobile one. A hash
    /// (FNV-1a 64), so that nothing of the user's is kept.
    #[must_use]
    pub fn new(network: &str, iccid: Option<&str>) -> Self {
        let bytes = iccid
            .into_iter()
            .flat_map(|iccid| iccid.bytes().chain([0xff]))
            .chain(network.bytes());
        Self(fnv1a(bytes))
    }
}

/// A network as far as heartbeats go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Which.
    pub id: NetworkId,
    /// Of what kind.
    pub class: Class,
}

impl Network {
    /// Of a link; `iccid`: of the card in its slot, if it is mobile data.
    #[must_use]
    pub fn of(link: &Link, iccid: Option<&str>) -> Self {
        Self {
            id: NetworkId::new(&link.network, iccid),
            class: Class::of(link),
        }
    }
}

/// How long to be silent, and what is behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// After so much silence a heartbeat goes out, at the latest.
    pub interval: Duration,
    /// It may be early by this much.
    pub early: Duration,
    /// What it is for.
    pub phase: Phase,
    /// The longest idle time that was survived.
    pub survived: Option<Duration>,
    /// The shortest that was not.
    pub failed: Option<Duration>,
}

/// The table.
#[derive(Debug, Clone, Default)]
pub struct Heartbeats {
    records: BTreeMap<(NetworkId, TransportKind), Record>,
    /// Counts uses; the record used longest ago is forgotten first.
    uses: u64,
    unsaved: Unsaved,
}

impl Heartbeats {
    /// How long to be silent. `gateway_limit`: after which the gateway itself
    /// gives up a silent session.
    #[must_use]
    pub fn plan(
        &self,
        network: Network,
        transport: TransportKind,
        gateway_limit: Option<Duration>,
    ) -> Plan {
        let record = self.record(network, transport);
        let (rung, phase) = record.next(network.class);
        let interval = match gateway_limit {
            Some(limit) => rung.min(limit - limit / GATEWAY_MARGIN),
            None => rung,
        };
        Plan {
            interval,
            // A rung that is tried has to be tried in full.
            early: match phase {
                Phase::Climbing => Duration::ZERO,
                Phase::Holding | Phase::Polling => interval / EARLY_SHARE,
            },
            phase,
            survived: record.survived(),
            failed: record.failed(),
        }
    }

    /// A session was alive after this idle time.
    pub fn survived(&mut self, network: Network, transport: TransportKind, idle: Duration) {
        if idle < LADDER[0] {
            return;
        }
        let record = self.entry(network, transport);
        let before = *record;
        let news = record.note_survived(network.class, idle);
        let unsaved = unsaved(&before, record, news);
        self.unsaved = self.unsaved.max(unsaved);
    }

    /// A session was dead after this idle time, and the network was not.
    pub fn not_survived(&mut self, network: Network, transport: TransportKind, idle: Duration) {
        if idle < LADDER[0] {
            return;
        }
        let record = self.entry(network, transport);
        let before = *record;
        let news = record.note_failed(idle);
        let retry = record.polled_for_long(network.class);
        let unsaved = unsaved(&before, record, news);
        self.unsaved = self.unsaved.max(unsaved);
        if retry && transport == TransportKind::Quic {
            self.records.remove(&(network.id, TransportKind::Tls));
        }
    }

    /// Which of these transports is the cheapest to keep while idle, and why;
    /// `None`: whichever is wanted for other reasons.
    #[must_use]
    pub fn cheaper(
        &self,
        network: Network,
        transports: &[TransportKind],
    ) -> Option<(TransportKind, &'static str)> {
        let both = [TransportKind::Quic, TransportKind::Tls];
        if !both.iter().all(|kind| transports.contains(kind)) {
            return None;
        }
        let udp = self
            .records
            .get(&(network.id, TransportKind::Quic))?
            .settled(network.class)?;
        if udp >= network.class.ceiling() {
            return None;
        }
        let tcp = self.records.get(&(network.id, TransportKind::Tls));
        match tcp.map(|record| record.settled(network.class)) {
            None | Some(None) => Some((
                TransportKind::Tls,
                "UDP is forgotten early on this network; TCP may be kept longer",
            )),
            Some(Some(tcp)) if tcp * 100 >= udp * WORTH_CHANGING_PERCENT && tcp > udp => {
                Some((TransportKind::Tls, "TCP is kept longer on this network"))
            }
            Some(Some(_)) => Some((
                TransportKind::Quic,
                "TCP is not kept longer than UDP on this network",
            )),
        }
    }

    fn record(&self, network: Network, transport: TransportKind) -> Record {
        let known = self.records.get(&(network.id, transport));
        known.copied().unwrap_or_else(|| {
            let udp = self.records.get(&(network.id, TransportKind::Quic));
            Record::begin(
                udp.filter(|_| transport == TransportKind::Tls)
                    .and_then(Record::survived),
            )
        })
    }

    fn entry(&mut self, network: Network, transport: TransportKind) -> &mut Record {
        let key = (network.id, transport);
        let begun = self.record(network, transport);
        if self.records.len() >= MAX_HEARTBEAT_RECORDS && !self.records.contains_key(&key) {
            let oldest = self.records.iter().min_by_key(|(_, record)| record.used);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                self.records.remove(&oldest);
            }
        }
        self.uses += 1;
        let record = self.records.entry(key).or_insert(begun);
        record.used = self.uses;
        record
    }
}

fn unsaved(before: &Record, after: &Record, news: bool) -> Unsaved {
    match news {
        true => Unsaved::Limit,
        false if after != before => Unsaved::Held,
        false => Unsaved::Nothing,
    }
}

#[cfg(test)]
mod tests;
