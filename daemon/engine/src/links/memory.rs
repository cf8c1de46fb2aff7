//! What is remembered of networks and cards: how they answered, and what is held
//! against them.
//!
//! Owns the records and their bounds. Never decides anything with them. A card is
//! known by its ICCID and not by its slot, so that it keeps its record when it is moved;
//! [`super::saved`] makes bytes of it all, so that it outlives the daemon.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::health::Health;
use super::sim::Bundle;
use crate::fnv::fnv1a;
use crate::heartbeat::NetworkId;
use crate::limits::{MAX_REMEMBERED_CARDS, MAX_REMEMBERED_NETWORKS};
use crate::link::{Binding, Link, LinkKind};
use crate::time::Instant;

/// Losses of coverage are held against a card for so long.
const LOSSES_COUNT_FOR: Duration = Duration::from_secs(30 * 60);
/// So many are remembered: more make no difference.
pub(super) const MAX_LOSSES: usize = 10;
/// A bundle that was spent still is, for so long after the agent said so last: after
/// a boot it does not know before the operator's app has told it.
const SPENT_BELIEVED_FOR: Duration = Duration::from_secs(60 * 60);
/// What is held against a card is forgotten, one strike in this time.
const STRIKE_FADES: Duration = Duration::from_secs(60 * 60);

/// Names a card without naming it: a hash of its ICCID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CardId(pub(super) u64);

impl CardId {
    /// Of the card with this number.
    #[must_use]
    pub fn new(iccid: &str) -> Self {
        Self(fnv1a(iccid.bytes()))
    }
}

/// What outcomes are remembered by: a card keeps its history over its links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Card(CardId),
    Network(NetworkId),
    /// Of a card that the agent never described; not kept.
    Slot(u8),
}

/// How a network, or a card's data, fared as a link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) health: Health,
    /// The session left it, or it went.
    pub(super) left: Option<Instant>,
    pub(super) returns: u32,
    /// Names the sockets' binding that this is about; 0: of no link that is up.
    pub(super) bound: u64,
}

/// How a card fared as the carrier of mobile data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// A move to it failed: not before.
    pub(super) refused_until: Option<Instant>,
    pub(super) failures: u32,
    /// Data left it.
    pub(super) left: Option<Instant>,
    /// How often because it did not carry them, when it was left last.
    pub(super) strikes: u32,
    /// It was left because it did not answer, and has not since.
    pub(super) unanswered: bool,
    /// When it lost coverage, oldest first.
    pub(super) losses: VecDeque<Instant>,
    /// The agent said that its bundle is spent.
    pub(super) spent: Option<Instant>,
    /// The last time anything was noted.
    pub(super) noted: Instant,
}

impl Record {
    pub(super) fn strikes(&self, now: Instant) -> u32 {
        let Some(left) = self.left else { return 0 };
        let faded = now.since(left).as_secs() / STRIKE_FADES.as_secs();
        self.strikes
            .saturating_sub(u32::try_from(faded).unwrap_or(u32::MAX))
    }

    /// How often it lost coverage in the last half hour.
    pub(super) fn losses(&self, now: Instant) -> usize {
        let counts = |at: &&Instant| now.since(**at) < LOSSES_COUNT_FOR;
        self.losses.iter().filter(counts).count()
    }
}

#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) networks: BTreeMap<Key, Known>,
    pub(super) cards: BTreeMap<CardId, Record>,
    /// Which card is where, as the agent said last.
    seats: BTreeMap<u8, CardId>,
    /// Something worth keeping is not kept yet.
    pub(super) unsaved: bool,
}

impl Memory {
    /// The card in this slot.
    pub(super) fn seat(&mut self, slot: u8, card: CardId) {
        self.seats.retain(|_, seated| *seated != card);
        self.seats.insert(slot, card);
    }

    pub(super) fn key(&self, link: &Link) -> Key {
        match link.kind {
            LinkKind::Cellular { sim_slot } => self.key_of_slot(sim_slot),
            LinkKind::Wifi | LinkKind::Ethernet => {
                Key::Network(NetworkId::new(&link.network, None))
            }
        }
    }

    pub(super) fn key_of_slot(&self, slot: u8) -> Key {
        match self.seats.get(&slot) {
            Some(card) => Key::Card(*card),
            None => Key::Slot(slot),
        }
    }

    // -- links ---------------------------------------------------------------

    pub(super) fn of(&self, link: &Link) -> Option<&Known> {
        self.networks.get(&self.key(link))
    }

    pub(super) fn health(&self, link: &Link) -> Health {
        self.of(link).map(|known| known.health).unwrap_or_default()
    }

    pub(super) fn health_of_slot(&self, slot: u8) -> Health {
        let known = self.networks.get(&self.key_of_slot(slot));
        known.map(|known| known.health).unwrap_or_default()
    }

    /// To note something of a link that is up.
    pub(super) fn note(&mut self, link: &Link, now: Instant) -> &mut Known {
        let key = self.key(link);
        if self.networks.len() >= MAX_REMEMBERED_NETWORKS && !self.networks.contains_key(&key) {
            let quiet = |(_, known): &(&Key, &Known)| known.health.noted;
            let oldest = self.networks.iter().min_by_key(quiet).map(|(key, _)| *key);
            if let Some(oldest) = oldest {
                self.networks.remove(&oldest);
            }
        }
        let known = self.networks.entry(key).or_default();
        known.health.noted = now;
        known.bound = name_of(&link.binding);
        known
    }

    /// A link came up. Of another connection than what is remembered, that says little.
    pub(super) fn came_up(&mut self, link: &Link) {
        let key = self.key(link);
        if let Some(known) = self.networks.get_mut(&key)
            && known.bound != name_of(&link.binding)
        {
            known.health.renewed();
        }
    }

    /// A link is another now, or went.
    pub(super) fn renewed(&mut self, link: &Link) {
        let key = self.key(link);
        if let Some(known) = self.networks.get_mut(&key) {
            known.bound = 0;
            known.health.renewed();
        }
    }

    /// The session went elsewhere: nobody asks over this link any more.
    pub(super) fn no_longer_tried(&mut self, link: &Link) {
        let key = self.key(link);
        if let Some(known) = self.networks.get_mut(&key) {
            known.health.unanswered = None;
        }
    }

    // -- cards ---------------------------------------------------------------

    /// Of the card in this slot, if anything is remembered of it.
    pub(super) fn card(&self, slot: u8) -> Option<&Record> {
        self.cards.get(self.seats.get(&slot)?)
    }

    /// To note something worth keeping of the card in this slot, if it was described.
    pub(super) fn note_card(&mut self, slot: u8, now: Instant) -> Option<&mut Record> {
        let card = *self.seats.get(&slot)?;
        if self.cards.len() >= MAX_REMEMBERED_CARDS && !self.cards.contains_key(&card) {
            let elsewhere = |card: &CardId| !self.seats.values().any(|seated| seated == card);
            let oldest = self
                .cards
                .iter()
                .filter(|(card, _)| elsewhere(card))
                .min_by_key(|(_, record)| record.noted)
                .map(|(card, _)| *card);
            self.cards.remove(&oldest?);
        }
        self.unsaved = true;
        let record = self.cards.entry(card).or_default();
        record.noted = now;
        Some(record)
    }

    /// How often the card in this slot lost coverage in the last half hour.
    pub(super) fn losses(&self, slot: u8, now: Instant) -> usize {
        self.card(slot).map_or(0, |record| record.losses(now))
    }

    /// A move to this card may be tried at once. If that fails, too, the next wait is longer.
    pub(super) fn no_longer_refused(&mut self, slot: u8, now: Instant) {
        let refused = |record: &Record| record.refused_until.is_some();
        if self.card(slot).is_some_and(refused)
            && let Some(record) = self.note_card(slot, now)
        {
            record.refused_until = None;
        }
    }

    pub(super) fn lost_coverage(&mut self, slot: u8, now: Instant) {
        if let Some(record) = self.note_card(slot, now) {
            if record.losses.len() >= MAX_LOSSES {
                record.losses.pop_front();
            }
            record.losses.push_back(now);
        }
    }

    /// The agent says this of a card's bundle.
    pub(super) fn bundle_told(&mut self, slot: u8, told: Bundle, now: Instant) {
        let before = self.card(slot).and_then(|record| record.spent);
        let after = match told {
            Bundle::Unknown => before,
            Bundle::Within => None,
            // Written now and then, not with every report.
            Bundle::Spent => before
                .filter(|at| now.since(*at) < SPENT_BELIEVED_FOR / 2)
                .or(Some(now)),
        };
        if after != before
            && let Some(record) = self.note_card(slot, now)
        {
            record.spent = after;
        }
    }

    /// What to believe of a card's bundle, where the agent said this last.
    pub(super) fn bundle(&self, slot: u8, told: Bundle, now: Instant) -> Bundle {
        let spent = self.card(slot).and_then(|record| record.spent);
        match spent {
            Some(at) if told == Bundle::Unknown && now.since(at) < SPENT_BELIEVED_FOR => {
                Bundle::Spent
            }
            _ => told,
        }
    }
}

/// A connection of the phone to a network: Android gives each a handle of its own.
fn name_of(binding: &Binding) -> u64 {
    let Binding {
        network_handle,
        source_address,
        interface,
    } = binding;
    let handle = network_handle.map(u64::to_le_bytes);
    let address = source_address.map(|address| address.to_string());
    let interface = interface.as_deref().unwrap_or_default();
    let bytes = handle.iter().flatten().copied();
    let bytes = bytes.chain(address.iter().flat_map(|address| address.bytes()));
    fnv1a(bytes.chain([0xff]).chain(interface.bytes()))
}
