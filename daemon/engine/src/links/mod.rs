//! The table of links, which one carries the session, and which card carries
//! mobile data.
//!
//! A pure machine: reports and outcomes come in, [`LinksEvent`]s and
//! [`DataMove`]s come out. Never opens a connection, and never knows more than
//! a phone tells: what the telephony agent reports, and whether the session's
//! own traffic was answered. This page is its specification.
//!
//! # Which link
//!
//! Of the links that are up, the greatest `rank::Rank`. Its classes, in order:
//!
//! | class | worst to best |
//! |---|---|
//! | reach | silent (our traffic is not answered), unproven, reached (the system validated it, or our traffic was answered) |
//! | price | bundle spent, roaming, metered, free |
//! | health | poor (3 of the last 8 answers missing or as slow as that), uneven (3 of 16 late), sound |
//! | speed | generation of the radio; Wi-Fi above all |
//! | incumbent | carries the session already |
//!
//! So a Wi-Fi that is up but dead is left as soon as an answer is missing on
//! it, whatever the system says, and tried again after a minute, then two, and
//! so on (`health`). Better by reach: at once. For mere gain: at once the
//! first time; coming back to a link that was left for lack of reach within
//! ten minutes takes five seconds of patience, doubled for each return.
//! A link that the user's VPN lockdown bars does not count, unless the
//! configuration says so.
//!
//! # Which card
//!
//! Most phones have data on one card at a time, and moving it takes seconds
//! without any. So it is asked for only if the other card is the greater
//! `rank::CardRank`, and has been for the patience of the class that decides:
//!
//! | class | worst to best | patience |
//! |---|---|---|
//! | ground | no coverage or not allowed, silent, working | 1 s |
//! | price | bundle spent, roaming, home | 60 s |
//! | health | poor (missing answers), uneven (late ones), sound | 30 s |
//! | steadiness | lost coverage ten times in half an hour, five times, less | 2 min |
//! | speed | GPRS and EDGE, 3G, LTE and NR | 2 min |
//! | user's choice | another card, the one the user chose for data | 15 min |
//! | radio | generation | 2 min |
//!
//! - *Silent* is a card over which our traffic is not answered, or which has
//!   been without a link, or not validated, for [`GROUND_LOST_AFTER`].
//! - Steadiness needs no traffic: a phone knows of both cards when they lose
//!   coverage.
//! - While Wi-Fi carries the session, data are not moved but for the user's
//!   choice, since that is free then.
//! - Patience with price, health and the user's choice doubles with every time the
//!   other card lately failed (a strike, forgotten after an hour), and is
//!   an hour for the speed of a card that did.
//! - To a card that is less steady, 15 s of patience, and to one without signal
//!   8 s, instead of 1 s. From GPRS back to the user's faster card: 150 s.
//! - After ten moves in an hour nothing moves with less than 30 s of patience:
//!   where both cards flap, moving is no cure.
//! - After a move data rest for ten seconds. A move of the user's or the
//!   system's own counts like ours.
//! - Data are where the agent last said so: of a card that it carries them, of a link
//!   of its that it is up, of a request that it is done. A phone that starts without
//!   coverage has no link, and yet a card to move data from.
//! - A request is over when data are seen on the card, when the agent says it
//!   failed, or after 20 s. A card that failed is left alone for a minute, then
//!   two, at most an hour.
//! - When nothing answers on either card, the gateway may be to blame and not the
//!   cards. A move for silence after which nothing was answered was futile; the
//!   next one waits for two minutes, then four, until an answer comes.
//! - Data that the user switched off, roaming without consent, and a spent
//!   bundle without consent are never moved to. What the agent does not know is
//!   not allowed.
//!
//! The figures were found by comparison with Android's own switching:
//! `tests/sim`, `links-eval`.
//!
//! Patience runs on boot time. The policy asks to be called at a time only
//! while something is pending: a better card, a silent link's next try, a card
//! without a link.
//!
//! What is remembered of cards and networks is kept in memory: after a restart of
//! the daemon nothing is held against anybody, and data are where the agent says.

mod because;
mod health;
mod mover;
mod rank;
mod sim;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::config::VpnLockdown;
use crate::limits::{MAX_DATA_CARDS, MAX_LINK_NAME_BYTES, MAX_LINKS, MAX_REMEMBERED_NETWORKS};
use crate::link::{Generation, Link, LinkId, LinkKind, Vpn};
use crate::status::LinkView;
use crate::time::Instant;
use health::Health;
use mover::{Candidate, Mover};
use rank::{CardRank, Ground, Rank, Reach, Steadiness};

pub use because::Because;
pub use health::Traffic;
pub use mover::DataMove;
pub use sim::{Allowance, Bundle, Service, SimData};

/// A registered card that has no link, or none that the system could validate,
/// for so long has no data to give. Android validates within 5 s.
pub const GROUND_LOST_AFTER: Duration = Duration::from_secs(8);
/// Patience for the first return to a link, doubled for each further one.
const RETURN_PATIENCE: Duration = Duration::from_secs(5);
/// Coming back to a link within this time is a return.
const RETURN_WINDOW: Duration = Duration::from_secs(10 * 60);
/// Doublings of it, at most.
const MAX_RETURN_DOUBLINGS: u32 = 6;

/// Losses of coverage are held against a card for so long.
const LOSSES_COUNT_FOR: Duration = Duration::from_secs(30 * 60);
/// So many are remembered: more make no difference.
const MAX_LOSSES: usize = 10;

/// What the policy is told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// Whether the user's VPN lockdown holds for the session.
    pub vpn_lockdown: VpnLockdown,
    /// Whether data may be moved to a card whose bundle is spent.
    pub spent_bundle: SpentBundle,
}

/// What a spent bundle means for moving data to its card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SpentBundle {
    /// Never to be moved to.
    #[default]
    Avoid,
    /// Allowed when nothing else works: the user agreed to the dear rate.
    Allow,
}

/// The table of links and the choice among them.
#[derive(Debug)]
pub struct Links {
    rules: Rules,
    table: BTreeMap<LinkId, Entry>,
    cards: BTreeMap<u8, Card>,
    networks: BTreeMap<Key, Known>,
    mover: Mover,
    requests: VecDeque<DataMove>,
    chosen: Option<LinkId>,
    because: Because,
    gain_since: Option<(LinkId, Instant)>,
    wake: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    link: Link,
    reported: Instant,
    /// Up, but not validated, since.
    unvalidated: Option<Instant>,
}

#[derive(Debug)]
struct Card {
    data: SimData,
    /// Registered since.
    registered: Option<Instant>,
    /// When it lost coverage, oldest first.
    losses: VecDeque<Instant>,
}

impl Card {
    fn steadiness(&self, now: Instant) -> Steadiness {
        let lately = self
            .losses
            .iter()
            .filter(|at| now.since(**at) < LOSSES_COUNT_FOR)
            .count();
        Steadiness::of(lately)
    }
}

/// What outcomes are remembered by: a card keeps its history over its links.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Card(u8),
    Network(Arc<str>),
}

impl Key {
    fn of(link: &Link) -> Self {
        match link.kind {
            LinkKind::Cellular { sim_slot } => Self::Card(sim_slot),
            LinkKind::Wifi | LinkKind::Ethernet => Self::Network(link.network.clone()),
        }
    }
}

#[derive(Debug, Default)]
struct Known {
    health: Health,
    /// The session left it for lack of reach.
    left: Option<Instant>,
    returns: u32,
}

/// What a report changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinksEvent {
    /// Another link (or none) should carry the session.
    Chosen(Option<LinkId>),
    /// The same link, but its sockets have to be made anew: it was down, or it
    /// is bound otherwise.
    Renewed(LinkId),
}

impl Links {
    /// With no link and no card.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            table: BTreeMap::new(),
            cards: BTreeMap::new(),
            networks: BTreeMap::new(),
            mover: Mover::default(),
            requests: VecDeque::new(),
            chosen: None,
            because: Because::NoLink,
            gain_since: None,
            wake: None,
        }
    }

    // -- what happens --------------------------------------------------------

    /// Every link there is.
    #[must_use]
    pub fn replace(&mut self, links: Vec<Link>, now: Instant) -> Option<LinksEvent> {
        let before = std::mem::take(&mut self.table);
        for link in links {
            let old = before.get(&link.id);
            self.insert(link, old, now);
        }
        self.decide(&before, now)
    }

    /// One link came, changed or went.
    #[must_use]
    pub fn report(&mut self, link: Link, now: Instant) -> Option<LinksEvent> {
        let mut before = BTreeMap::new();
        let id = link.id.clone();
        let old = self.table.remove(&id);
        self.insert(link, old.as_ref(), now);
        if let Some(old) = old {
            before.insert(id, old);
        }
        self.decide(&before, now)
    }

    /// Every card there is.
    #[must_use]
    pub fn replace_cards(&mut self, cards: Vec<SimData>, now: Instant) -> Option<LinksEvent> {
        self.cards
            .retain(|slot, _| cards.iter().any(|card| card.slot == *slot));
        for card in cards {
            self.insert_card(card, now);
        }
        self.decide(&BTreeMap::new(), now)
    }

    /// One card came or changed.
    #[must_use]
    pub fn report_card(&mut self, card: SimData, now: Instant) -> Option<LinksEvent> {
        self.insert_card(card, now);
        self.decide(&BTreeMap::new(), now)
    }

    /// What became of the session's own traffic over a link.
    #[must_use]
    pub fn traffic(&mut self, link: &LinkId, traffic: Traffic, now: Instant) -> Option<LinksEvent> {
        let key = Key::of(&self.table.get(link)?.link);
        let changed = self.known(key.clone(), now).health.note(now, traffic);
        if let Key::Card(slot) = key {
            self.mover.traffic(slot, traffic);
        }
        if !changed {
            return None;
        }
        self.decide(&BTreeMap::new(), now)
    }

    /// The agent says where data are, or that a move failed.
    #[must_use]
    pub fn data_sim(&mut self, slot: u8, confirmed: bool, now: Instant) -> Option<LinksEvent> {
        if confirmed {
            self.mover.found(now, slot);
        } else {
            self.mover.failed(now, slot);
        }
        self.decide(&BTreeMap::new(), now)
    }

    /// The agent is gone: what it said last is kept, but nothing can be asked.
    pub fn agent_gone(&mut self) {
        self.cards.clear();
        self.mover.agent_gone();
        self.requests.clear();
    }

    /// The time of [`Self::poll_timeout`] has come.
    #[must_use]
    pub fn timeout(&mut self, now: Instant) -> Option<LinksEvent> {
        if self.wake.is_none_or(|wake| now < wake) {
            return None;
        }
        self.decide(&BTreeMap::new(), now)
    }

    /// When to call [`Self::timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.wake
    }

    /// The next thing to ask of the telephony agent.
    #[must_use]
    pub fn poll_request(&mut self) -> Option<DataMove> {
        self.requests.pop_front()
    }

    // -- what is known -------------------------------------------------------

    fn insert(&mut self, link: Link, old: Option<&Entry>, now: Instant) {
        let fits = link.id.0.len() <= MAX_LINK_NAME_BYTES && !link.id.0.is_empty();
        if !link.up || !fits || self.table.len() >= MAX_LINKS {
            return;
        }
        let is_new = old.is_none_or(|old| old.link.binding != link.binding);
        let validated_now = link.validated && old.is_some_and(|old| !old.link.validated);
        if (is_new || validated_now)
            && let Some(known) = self.networks.get_mut(&Key::of(&link))
        {
            known.health.renewed();
        }
        if let LinkKind::Cellular { sim_slot } = link.kind
            && link.vpn != Vpn::Tunnel
            && is_new
        {
            self.mover.found(now, sim_slot);
        }
        let unvalidated = (!link.validated).then(|| {
            old.and_then(|old| old.unvalidated)
                .filter(|_| !is_new)
                .unwrap_or(now)
        });
        let entry = Entry {
            reported: now,
            unvalidated,
            link,
        };
        self.table.insert(entry.link.id.clone(), entry);
    }

    fn insert_card(&mut self, data: SimData, now: Instant) {
        let old = self.cards.get(&data.slot);
        if old.is_none() && self.cards.len() >= MAX_DATA_CARDS {
            return;
        }
        if data.carries_data && !old.is_some_and(|old| old.data.carries_data) {
            self.mover.found(now, data.slot);
        }
        let registered = (data.service != Service::None)
            .then(|| old.and_then(|old| old.registered).unwrap_or(now));
        let was_registered = old.is_some_and(|old| old.registered.is_some());
        let mut losses = self
            .cards
            .remove(&data.slot)
            .map(|old| old.losses)
            .unwrap_or_default();
        if was_registered && registered.is_none() {
            losses.push_back(now);
            if losses.len() > MAX_LOSSES {
                losses.pop_front();
            }
        }
        let card = Card {
            data,
            registered,
            losses,
        };
        self.cards.insert(data.slot, card);
    }

    fn known(&mut self, key: Key, now: Instant) -> &mut Known {
        if self.networks.len() >= MAX_REMEMBERED_NETWORKS && !self.networks.contains_key(&key) {
            let oldest = self
                .networks
                .iter()
                .min_by_key(|(_, known)| known.health.noted)
                .map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                self.networks.remove(&oldest);
            }
        }
        let known = self.networks.entry(key).or_default();
        known.health.noted = now;
        known
    }

    fn health(&self, key: &Key) -> Health {
        self.networks
            .get(key)
            .map(|known| known.health)
            .unwrap_or_default()
    }

    fn reach(&self, link: &Link, now: Instant) -> Reach {
        let health = self.health(&Key::of(link));
        if health.is_silent(now) {
            Reach::Silent
        } else if link.validated || health.answered {
            Reach::Reached
        } else {
            Reach::Unproven
        }
    }

    fn rank(&self, id: &LinkId, link: &Link, now: Instant) -> Rank {
        let bundle = match link.kind {
            LinkKind::Cellular { sim_slot } => self.cards.get(&sim_slot),
            LinkKind::Wifi | LinkKind::Ethernet => None,
        }
        .map_or(Bundle::Unknown, |card| card.data.bundle);
        Rank::of(
            link,
            self.reach(link, now),
            self.health(&Key::of(link)).grade(now),
            bundle,
            self.chosen.as_ref() == Some(id),
        )
    }

    // -- what follows --------------------------------------------------------

    fn decide(&mut self, before: &BTreeMap<LinkId, Entry>, now: Instant) -> Option<LinksEvent> {
        self.wake = None;
        let event = self.choose(before, now);
        self.move_data(now);
        event
    }

    fn wake_at(&mut self, at: Instant) {
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
    }

    fn choose(&mut self, before: &BTreeMap<LinkId, Entry>, now: Instant) -> Option<LinksEvent> {
        let mut ranked: Vec<(Rank, LinkId)> = self
            .table
            .iter()
            .filter(|(_, entry)| !self.bars(&entry.link))
            .map(|(id, entry)| (self.rank(id, &entry.link, now), id.clone()))
            .collect();
        ranked.sort();
        if ranked.len() > 1 {
            // A silent link's next try.
            let tries = self
                .table
                .values()
                .filter_map(|entry| self.health(&Key::of(&entry.link)).silent_until)
                .filter(|until| *until > now)
                .min();
            if let Some(at) = tries {
                self.wake_at(at);
            }
        }
        let (chosen, because) = match ranked.as_slice() {
            [] if self.table.is_empty() => (None, Because::NoLink),
            [] => (None, Because::VpnOnly),
            [(_, only)] => (Some(only.clone()), Because::OnlyLink),
            [.., (second, _), (best, id)] => (Some(id.clone()), best.because(second)),
        };
        let (chosen, because) = match (chosen, ranked.last()) {
            (Some(id), Some((best, _))) => self.with_patience(&ranked, id, *best, because, now),
            (chosen, _) => (chosen, because),
        };
        self.because = because;
        if chosen != self.chosen {
            self.leave(now);
            self.chosen.clone_from(&chosen);
            return Some(LinksEvent::Chosen(chosen));
        }
        let id = chosen?;
        let same = match (before.get(&id), self.table.get(&id)) {
            (Some(old), Some(new)) => old.link.binding == new.link.binding,
            // Not touched by this report.
            (None, _) => true,
            (Some(_), None) => false,
        };
        (!same).then_some(LinksEvent::Renewed(id))
    }

    /// Keeps the present link while a return to a better one has to wait.
    fn with_patience(
        &mut self,
        ranked: &[(Rank, LinkId)],
        id: LinkId,
        best: Rank,
        because: Because,
        now: Instant,
    ) -> (Option<LinkId>, Because) {
        let present = ranked
            .iter()
            .find(|(_, id)| self.chosen.as_ref() == Some(id));
        let waits = match present {
            Some((rank, present)) if *present != id && rank.reach == best.reach => {
                self.return_patience(&id, now)
            }
            _ => Duration::ZERO,
        };
        if waits.is_zero() {
            self.gain_since = None;
            return (Some(id), because);
        }
        let since = match &self.gain_since {
            Some((of, since)) if *of == id => *since,
            _ => now,
        };
        if now >= since + waits {
            self.gain_since = None;
            return (Some(id), because);
        }
        self.wake_at(since + waits);
        self.gain_since = Some((id, since));
        (self.chosen.clone(), Because::Patience)
    }

    fn return_patience(&self, id: &LinkId, now: Instant) -> Duration {
        let known = self
            .table
            .get(id)
            .and_then(|entry| self.networks.get(&Key::of(&entry.link)));
        match known {
            Some(Known {
                left: Some(left),
                returns,
                ..
            }) if now.since(*left) < RETURN_WINDOW => {
                RETURN_PATIENCE * (1 << (*returns).min(MAX_RETURN_DOUBLINGS))
            }
            _ => Duration::ZERO,
        }
    }

    /// The present link is left: was it for lack of reach?
    fn leave(&mut self, now: Instant) {
        let Some(entry) = self.chosen.as_ref().and_then(|id| self.table.get(id)) else {
            return;
        };
        if self.reach(&entry.link, now) == Reach::Reached {
            return;
        }
        let key = Key::of(&entry.link);
        let known = self.known(key, now);
        let again = known
            .left
            .is_some_and(|left| now.since(left) < RETURN_WINDOW);
        known.returns = if again { known.returns + 1 } else { 0 };
        known.left = Some(now);
    }

    fn move_data(&mut self, now: Instant) {
        if let Some(at) = self.mover.check(now) {
            self.wake_at(at);
        }
        let Some(carrier) = self.mover.carrier else {
            return;
        };
        let Some(here) = self.card_rank(carrier, now) else {
            return;
        };
        let others: Vec<u8> = self
            .cards
            .keys()
            .copied()
            .filter(|slot| *slot != carrier && self.may_move_to(*slot))
            .collect();
        let best = others
            .into_iter()
            .filter_map(|slot| Some((self.card_rank(slot, now)?, slot)))
            .max();
        let Some((there, slot)) = best.filter(|(there, _)| *there > here) else {
            self.mover.nothing_better();
            return;
        };
        let because = there.because(&here);
        let already_there = self
            .table
            .values()
            .any(|entry| entry.link.kind == LinkKind::Cellular { sim_slot: slot });
        let idle = because == Because::UsersChoice || !self.session_is_elsewhere(now);
        if self.mover.is_moving() || already_there || there.ground != Ground::Working || !idle {
            return;
        }
        let candidate = Candidate {
            slot,
            because,
            shakier: there.coverage < here.coverage,
            faint: self
                .cards
                .get(&slot)
                .is_some_and(|card| card.data.signal_level == Some(0)),
            off_gprs: here.speed == Generation::G2 && there.speed > here.speed,
        };
        match self.mover.better(now, candidate) {
            Ok(request) => {
                self.requests.push_back(request);
                if let Some(at) = self.mover.check(now) {
                    self.wake_at(at);
                }
            }
            Err(at) => self.wake_at(at),
        }
    }

    /// Whether a link other than mobile data carries the session well.
    fn session_is_elsewhere(&self, now: Instant) -> bool {
        self.chosen
            .as_ref()
            .and_then(|id| self.table.get(id))
            .is_some_and(|entry| {
                !matches!(entry.link.kind, LinkKind::Cellular { .. })
                    && self.reach(&entry.link, now) == Reach::Reached
            })
    }

    fn may_move_to(&self, slot: u8) -> bool {
        self.cards.get(&slot).is_some_and(|card| {
            card.data.is_allowed()
                && (card.data.bundle != Bundle::Spent
                    || self.rules.spent_bundle == SpentBundle::Allow)
        })
    }

    fn card_rank(&mut self, slot: u8, now: Instant) -> Option<CardRank> {
        let card = self.cards.get(&slot)?;
        let (data, registered) = (card.data, card.registered);
        let coverage = card.steadiness(now);
        let health = self.health(&Key::Card(slot));
        let Some(registered) = registered.filter(|_| data.is_allowed()) else {
            return Some(CardRank::of(
                &data,
                Ground::None,
                health.grade(now),
                coverage,
            ));
        };
        let carries = self.mover.carrier == Some(slot) && !self.mover.is_moving();
        let entry = self
            .table
            .values()
            .find(|entry| entry.link.kind == LinkKind::Cellular { sim_slot: slot });
        let lost_since = match entry {
            _ if !carries || health.answered => None,
            Some(entry) => entry.unvalidated,
            None => Some(registered),
        };
        let lost_at = lost_since.map(|since| since + GROUND_LOST_AFTER);
        let refused_until = self.mover.refused_until(slot);
        let mut look_again = [health.silent_until, lost_at, refused_until];
        let ground = if health.is_silent(now)
            || lost_at.is_some_and(|at| now >= at)
            || refused_until.is_some_and(|until| now < until)
        {
            Ground::Silent
        } else {
            Ground::Working
        };
        look_again.sort();
        for at in look_again.into_iter().flatten().filter(|at| *at > now) {
            self.wake_at(at);
        }
        Some(CardRank::of(&data, ground, health.grade(now), coverage))
    }

    /// Whether the user's VPN lockdown keeps the session off this link.
    fn bars(&self, link: &Link) -> bool {
        link.vpn == Vpn::LockedOut && self.rules.vpn_lockdown == VpnLockdown::Respect
    }

    // -- what is told --------------------------------------------------------

    /// The link that should carry the session.
    #[must_use]
    pub fn chosen(&self) -> Option<&Link> {
        self.get(self.chosen.as_ref()?)
    }

    /// Why that one.
    #[must_use]
    pub fn because(&self) -> Because {
        self.because
    }

    /// A link, while it is up.
    #[must_use]
    pub fn get(&self, id: &LinkId) -> Option<&Link> {
        self.table.get(id).map(|entry| &entry.link)
    }

    pub(crate) fn view(&self, carrier: Option<&LinkId>) -> Vec<LinkView> {
        self.table
            .iter()
            .map(|(id, entry)| LinkView {
                link: entry.link.clone(),
                reported: entry.reported,
                carries_session: carrier == Some(id),
                reason: if self.chosen.as_ref() == Some(id) {
                    self.because.as_str()
                } else if self.bars(&entry.link) {
                    Because::VpnOnly.as_str()
                } else {
                    "another link ranks higher"
                },
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
