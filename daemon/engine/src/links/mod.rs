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
//! | health | poor (3 of the last 8 answers missing or as slow as that), uneven (3 of 16 late), sound; an outage counts once |
//! | speed | generation of the radio; Wi-Fi above all |
//! | incumbent | carries the session already |
//!
//! So a Wi-Fi that is up but dead is left as soon as an answer is missing on
//! it, whatever the system says, and tried again after a minute, then two, and
//! so on (`health`); sooner when the system validates it anew, but that is believed only once
//! until it answers. It is left only for a link that is up: while the system validates the Wi-Fi,
//! Android keeps mobile data down, and brings them up when it has looked again and found it dead. A
//! hotspot that lets the system's probe through and nothing else is kept until then: there
//! is no request of ours for a mobile link beside it. Better by reach: at once. For mere gain: at once the
//! first time; coming back to a link within ten minutes after it was left, or went, takes
//! five seconds of patience, doubled for each return. So a price, a grade of health or
//! a radio that flips carries the session to and fro ever more slowly.
//!
//! Each of the others is told in which class it lost.
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
//! | ground | no coverage or not allowed, silent, working | 1 s, to a dearer card 10 s |
//! | price | bundle spent, roaming, untold, known and at home | 60 s, home from roaming 10 s |
//! | health | poor (missing answers), uneven (late ones), sound | 30 s |
//! | steadiness | lost coverage twice more often in half an hour than the other, about as often, twice less often | 10 s |
//! | speed | GPRS and EDGE, 3G, LTE and NR | 2 min |
//! | user's choice | another card, the one the user chose for data | 15 min, from GPRS to a faster one 10 s |
//! | radio | generation | 2 min |
//!
//! - Some of it counts only beside the other card (`standing`). Speed and radio, where those
//!   of both cards are known. A bundle that nobody tells of is taken for paid: most operators
//!   tell nothing. Only on a card that the user did not choose it is dearer than one
//!   that is known to have data left.
//! - *Silent* is a card over which our traffic is not answered, or which has
//!   been without a link, or not validated, for [`GROUND_LOST_AFTER`]. While the system
//!   validates its link it takes 15 minutes without an answer: all else works then, so it
//!   is the gateway that is away, and no reason to move. Whether it still does the system
//!   is asked to look at the first answer that is missing, every [`LOOK_EVERY`] at most
//!   (`ConnectivityManager.reportNetworkConnectivity`); it finds out in seconds where by
//!   itself it takes a minute or more. Without a link
//!   counts from when it went or the card registered, and not while Wi-Fi carries the
//!   session: Android then takes the mobile link down, and up again when Wi-Fi goes.
//! - Steadiness needs no traffic: a phone knows of both cards when they lose
//!   coverage. Losses are counted and not timed: since data move, one costs the same however
//!   long it lasts. A card that data left because it did not answer is not steadier until it has
//!   answered; nor is GPRS beside a faster card, since it stalls at every change of cell.
//! - While Wi-Fi carries the session, data are not moved but for the user's
//!   choice, since that is free then.
//! - Price is a class, no figure: what data cost a little more or less moves nothing, and
//!   a bundle that flips has to stay as it is for a minute.
//! - Patience with health and the user's choice doubles with every time the
//!   other card was left because it failed (a strike, forgotten after an hour), and is
//!   an hour for the speed of a card that did (`patience`).
//! - Where both cards lost coverage six times in half an hour, and after fifteen moves in
//!   an hour whatever they were for, nothing moves with less than 30 s of patience: moving is
//!   no cure.
//! - A deadline nominates, it does not act: the request leaves at the end of the turn, when all
//!   that could be read was (DELIVERY 23).
//! - After a move data rest for ten seconds. A move of the user's or the
//!   system's own counts like ours.
//! - Data are where the agent last said so: of a card that it carries them, of a link
//!   of its that it is up, of a request that it is done. A phone that starts without
//!   coverage has no link, and yet a card to move data from.
//! - A request is over when data are seen on the card, when the agent says it
//!   failed, or after 20 s. A card that failed is left alone for a minute, then
//!   two, at most an hour; only an answer over it makes that a minute again, not that its
//!   link came up. It may be asked at once when the cause may be over: it registered, and does not
//!   flap, or the user allows its data something else.
//! - When nothing answers on either card, the gateway may be to blame and not the
//!   cards. A move for silence after which nothing was answered was futile; the
//!   next one waits for two minutes, then four, until an answer comes.
//! - Data that the user switched off, roaming without consent, and a spent
//!   bundle without consent are never moved to. What the agent does not know is
//!   not allowed. One exception: when the other card has nothing to give for a minute, data go
//!   home to the card that the user chose for them though its bundle is spent. There they
//!   would be without us; away from it they would leave the whole phone without any.
//!
//! The figures were found by comparison with Android's own switching:
//! `tests/sim`, `links-eval`.
//!
//! Patience runs on boot time. The policy asks to be called at a time only
//! while something is pending: a better card, a silent link's next try, a card
//! without a link.
//!
//! What is remembered of cards and networks survives a restart of the daemon and a
//! reboot (`memory`, `saved`): cards by their ICCID, so that a card that is moved to the
//! other slot keeps its record. Where data are, the agent says.

mod because;
mod choice;
mod data;
mod health;
mod lost;
mod memory;
mod mover;
mod patience;
mod rank;
mod saved;
mod sim;
mod standing;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::VpnLockdown;
use crate::limits::{MAX_DATA_CARDS, MAX_LINK_NAME_BYTES, MAX_LINKS};
use crate::link::{Link, LinkId, LinkKind, Vpn};
use crate::status::LinkView;
use crate::time::Instant;
use memory::Memory;
use mover::Mover;

pub use because::Because;
pub use health::Traffic;
pub use memory::CardId;
pub use mover::DataMove;
pub use sim::{Allowance, Bundle, Service, SimData};

/// A registered card that has no link, or none that the system could validate,
/// for so long has no data to give. Android validates within 5 s.
pub const GROUND_LOST_AFTER: Duration = Duration::from_secs(8);

/// The system is asked to look at one link again at most so often: while a gateway is away
/// every attempt fails, on all phones.
pub const LOOK_EVERY: Duration = Duration::from_secs(5 * 60);

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
    memory: Memory,
    /// When the memory was last handed out to be kept.
    saved: Option<Instant>,
    mover: Mover,
    /// The card that carries data should have had a link since then, and has none.
    linkless: Option<(u8, Instant)>,
    /// To be asked for at the end of the turn, if nothing changes until then.
    nominated: Option<DataMove>,
    /// The system is to look whether this link still reaches the internet.
    doubted: Option<LinkId>,
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
    /// It was silent when the system validated it anew, and has not answered since:
    /// that is believed once.
    believed: bool,
    /// Why it was chosen, or the class in which it lost.
    because: Because,
    /// The system was last asked to look at it.
    looked: Option<Instant>,
}

/// A card that is in the phone.
#[derive(Debug)]
struct Card {
    id: CardId,
    data: SimData,
    /// Registered since.
    registered: Option<Instant>,
}

impl Card {
    /// Why data could not be moved to it may be over: the user allows something else, or it
    /// registered in another way. That one which flaps does is no news.
    fn is_another_case(&self, data: &SimData, flaps: bool) -> bool {
        let registered_anew = data.service != Service::None && data.service != self.data.service;
        (registered_anew && !flaps) || data.allowance != self.data.allowance
    }
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
            memory: Memory::default(),
            saved: None,
            mover: Mover::default(),
            linkless: None,
            nominated: None,
            doubted: None,
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
        for (_, gone) in before
            .iter()
            .filter(|(id, _)| !self.table.contains_key(*id))
        {
            self.memory.renewed(&gone.link);
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
            if !self.table.contains_key(&id) {
                self.memory.renewed(&old.link);
            }
            before.insert(id, old);
        }
        self.decide(&before, now)
    }

    /// Every card there is.
    #[must_use]
    pub fn replace_cards(
        &mut self,
        cards: Vec<(CardId, SimData)>,
        now: Instant,
    ) -> Option<LinksEvent> {
        let before = std::mem::take(&mut self.cards);
        for (id, data) in cards {
            let old = before.values().find(|old| old.id == id);
            self.insert_card(id, data, old, now);
        }
        self.decide(&BTreeMap::new(), now)
    }

    /// What became of the session's own traffic over a link.
    #[must_use]
    pub fn traffic(&mut self, link: &LinkId, traffic: Traffic, now: Instant) -> Option<LinksEvent> {
        let entry = self.table.get_mut(link)?;
        entry.believed &= traffic == Traffic::Missing;
        let link = entry.link.clone();
        if traffic == Traffic::Missing
            && link.validated
            && entry.looked.is_none_or(|at| now.since(at) >= LOOK_EVERY)
        {
            entry.looked = Some(now);
            self.doubted = Some(link.id.clone());
        }
        let health = &mut self.memory.note(&link, now).health;
        let before = health.held_against(now);
        let changed = health.note(now, traffic);
        let worth_keeping = health.held_against(now) != before;
        self.memory.unsaved |= worth_keeping;
        if let LinkKind::Cellular { sim_slot } = link.kind {
            self.mover.traffic(now, sim_slot, traffic, &mut self.memory);
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
            self.mover.found(now, slot, &mut self.memory);
        } else {
            self.mover.failed(now, slot, &mut self.memory);
        }
        self.decide(&BTreeMap::new(), now)
    }

    /// The agent is gone: what it said last is kept, but nothing can be asked.
    pub fn agent_gone(&mut self) {
        self.cards.clear();
        self.mover.agent_gone();
        self.nominated = None;
        self.doubted = None;
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

    /// What to ask of the telephony agent, when all that is readable was handed in: a
    /// phone that wakes may find that data have moved meanwhile.
    #[must_use]
    pub fn poll_request(&mut self, now: Instant) -> Option<DataMove> {
        let request = self.nominated.take()?;
        let deadline = self.mover.ask(now, request);
        self.wake_at(deadline);
        Some(request)
    }

    /// A link that the system validates and over which an answer is missing: the agent is to
    /// have the system look at it again.
    #[must_use]
    pub fn poll_doubted(&mut self) -> Option<LinkId> {
        self.doubted.take()
    }

    // -- what is known -------------------------------------------------------

    fn insert(&mut self, link: Link, old: Option<&Entry>, now: Instant) {
        let fits = link.id.0.len() <= MAX_LINK_NAME_BYTES && !link.id.0.is_empty();
        if !link.up || !fits || self.table.len() >= MAX_LINKS {
            return;
        }
        let is_new = old.is_none_or(|old| old.link.binding != link.binding);
        let validated_now = link.validated && old.is_some_and(|old| !old.link.validated);
        let mut believed = old.is_some_and(|old| old.believed && !is_new);
        match old {
            Some(old) if is_new => self.memory.renewed(&old.link),
            Some(old) if validated_now && !believed => {
                believed = self.memory.health(&link).is_silent(now);
                self.memory.renewed(&old.link);
            }
            Some(_) => {}
            None => self.memory.came_up(&link),
        }
        if let LinkKind::Cellular { sim_slot } = link.kind
            && link.vpn != Vpn::Tunnel
            && is_new
        {
            self.mover.found(now, sim_slot, &mut self.memory);
        }
        let unvalidated = (!link.validated).then(|| {
            old.and_then(|old| old.unvalidated)
                .filter(|_| !is_new)
                .unwrap_or(now)
        });
        let entry = Entry {
            reported: now,
            unvalidated,
            believed,
            because: Because::NoLink,
            looked: old.filter(|_| !is_new).and_then(|old| old.looked),
            link,
        };
        self.table.insert(entry.link.id.clone(), entry);
    }

    fn insert_card(&mut self, id: CardId, data: SimData, old: Option<&Card>, now: Instant) {
        if self.cards.len() >= MAX_DATA_CARDS {
            return;
        }
        let slot = data.slot;
        self.memory.seat(slot, id);
        if data.carries_data && !old.is_some_and(|old| old.data.carries_data) {
            self.mover.found(now, slot, &mut self.memory);
        }
        self.memory.bundle_told(slot, data.bundle, now);
        let was_registered = old.and_then(|old| old.registered);
        let registered = (data.service != Service::None).then(|| was_registered.unwrap_or(now));
        if was_registered.is_some() && registered.is_none() {
            self.memory.lost_coverage(slot, now);
        }
        let flaps = standing::flaps(self.memory.losses(slot, now));
        if old.is_some_and(|old| old.is_another_case(&data, flaps)) {
            self.memory.no_longer_refused(slot, now);
        }
        let card = Card {
            id,
            data,
            registered,
        };
        self.cards.insert(slot, card);
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
                    entry.because.as_str()
                } else {
                    entry.because.lost_as_str()
                },
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
