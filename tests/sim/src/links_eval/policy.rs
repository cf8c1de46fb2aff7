//! Who decides: the engine's policy, Android's, or nobody.

use std::sync::Arc;
use std::time::Duration;

use twine_engine::link::{Binding, Generation, Link, LinkId, LinkKind, Vpn};
use twine_engine::links::{
    Allowance, Because, Bundle, CardId, Links, Rules, Service, SimData, Traffic,
};
use twine_engine::time::Instant;

use super::android::AutoDataSwitch;
use super::phone::{CardView, Observation, Via, boot_ms};
use super::world::Rat;

/// What a policy wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Decisions {
    /// The session goes over this link.
    pub link: Option<Via>,
    /// Move data to this card.
    pub move_to: Option<usize>,
    /// Move even if the system does not validate it.
    pub unvalidated: bool,
    /// Why, where the policy says so.
    pub because: Option<&'static str>,
    /// Have the system look at this link again.
    pub look_again: Option<Via>,
}

/// Decides, once a tick, on what the phone tells.
pub trait Policy {
    /// What now?
    fn decide(&mut self, seen: &Observation) -> Decisions;

    /// What became of the session's own traffic. Android does not ask.
    fn traffic(&mut self, tick: usize, via: Via, outcome: Traffic) {
        let _ = (tick, via, outcome);
    }
}

/// The policies that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Name {
    /// The engine's.
    Twine,
    /// Android's, as AOSP ships it.
    Android,
    /// Android's, with switching by technology and signal.
    AndroidPerformance,
    /// Data stay on the first card.
    AlwaysFirst,
}

impl Name {
    /// All, ours first.
    pub const ALL: [Self; 4] = [
        Self::Twine,
        Self::Android,
        Self::AndroidPerformance,
        Self::AlwaysFirst,
    ];
    /// What ours is compared with.
    pub const BASELINES: [Self; 3] = [Self::Android, Self::AndroidPerformance, Self::AlwaysFirst];

    /// For people and files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Twine => "twine",
            Self::Android => "android",
            Self::AndroidPerformance => "android+perf",
            Self::AlwaysFirst => "always SIM 1",
        }
    }

    /// One of its kind, fresh.
    #[must_use]
    pub fn policy(self) -> Box<dyn Policy> {
        match self {
            Self::Twine => Box::new(Twine::new()),
            Self::Android => Box::new(AutoDataSwitch::stock()),
            Self::AndroidPerformance => Box::new(AutoDataSwitch::with_performance()),
            Self::AlwaysFirst => Box::new(AlwaysFirst),
        }
    }
}

/// Never moves data; links are Android's choice.
#[derive(Debug)]
pub struct AlwaysFirst;

impl Policy for AlwaysFirst {
    fn decide(&mut self, seen: &Observation) -> Decisions {
        Decisions {
            link: seen.default_network(),
            ..Decisions::default()
        }
    }
}

/// The numbers of the cards.
const CARDS: [&str; 2] = ["8925400000000000001", "8923400000000000002"];

/// The engine's policy, told exactly what a telephony agent tells it.
#[derive(Debug)]
pub struct Twine {
    links: Links,
    last: Option<Observation>,
}

impl Twine {
    fn new() -> Self {
        Self {
            // As it is shipped.
            links: Links::new(Rules::default()),
            last: None,
        }
    }
}

impl Policy for Twine {
    fn decide(&mut self, seen: &Observation) -> Decisions {
        let now = Instant(boot_ms(seen.tick));
        // Reports are sent when something changes; deadlines are kept besides.
        let _ = self.links.timeout(now);
        let before = self.last.take();
        let same_cards =
            |old: &Observation| old.cards == seen.cards && old.data_card == seen.data_card;
        if !before.as_ref().is_some_and(same_cards) {
            let cards = (0..2)
                .map(|slot| (CardId::new(CARDS[slot]), card(seen, slot)))
                .collect();
            let _ = self.links.replace_cards(cards, now);
        }
        let same_links = |old: &Observation| {
            let radio = |card: CardView| (card.rat, card.roaming);
            old.links == seen.links && old.cards.map(radio) == seen.cards.map(radio)
        };
        if !before.as_ref().is_some_and(same_links) {
            let links = seen
                .links
                .iter()
                .map(|view| link(seen, view.via, view.validated, view.handle))
                .collect();
            let _ = self.links.replace(links, now);
        }
        if let Some(result) = seen.moved {
            let _ = self
                .links
                .data_sim(result.card as u8, result.confirmed, now);
        }
        self.last = Some(seen.clone());
        let request = self.links.poll_request(now);
        Decisions {
            link: self.links.chosen().map(|link| via(&link.id)),
            move_to: request.map(|request| usize::from(request.slot)),
            because: request.map(|request| because(request.because)),
            unvalidated: false,
            look_again: self.links.poll_doubted().map(|link| via(&link)),
        }
    }

    fn traffic(&mut self, tick: usize, via: Via, outcome: Traffic) {
        let _ = self
            .links
            .traffic(&LinkId(name(via).into()), outcome, Instant(boot_ms(tick)));
    }
}

const fn because(because: Because) -> &'static str {
    because.as_str()
}

const fn name(via: Via) -> &'static str {
    match via {
        Via::Wifi => "wifi",
        Via::Card(0) => "sim1",
        Via::Card(_) => "sim2",
    }
}

fn via(id: &LinkId) -> Via {
    match &*id.0 {
        "wifi" => Via::Wifi,
        "sim1" => Via::Card(0),
        _ => Via::Card(1),
    }
}

const fn generation(rat: Rat) -> Generation {
    match rat {
        Rat::Gsm => Generation::G2,
        Rat::Edge => Generation::G2_5,
        Rat::Umts | Rat::Hspa => Generation::G3,
        Rat::Lte => Generation::G4,
    }
}

fn card(seen: &Observation, slot: usize) -> SimData {
    let CardView {
        registered,
        roaming,
        may_roam,
        rat,
        level,
        spent,
    } = seen.cards[slot];
    SimData {
        slot: slot as u8,
        service: match (registered, roaming) {
            (false, _) => Service::None,
            (true, true) => Service::Roaming,
            (true, false) => Service::Home,
        },
        generation: generation(rat),
        signal_level: Some(level),
        allowance: if may_roam {
            Allowance::RoamingToo
        } else {
            Allowance::AtHome
        },
        bundle: if spent { Bundle::Spent } else { Bundle::Within },
        default_data: slot == 0,
        carries_data: slot == seen.data_card,
    }
}

fn link(seen: &Observation, via: Via, validated: bool, handle: u64) -> Link {
    let (kind, generation) = match via {
        Via::Wifi => (LinkKind::Wifi, Generation::Unknown),
        Via::Card(card) => (
            LinkKind::Cellular {
                sim_slot: card as u8,
            },
            generation(seen.cards[card].rat),
        ),
    };
    let network: Arc<str> = name(via).into();
    Link {
        id: LinkId(network.clone()),
        kind,
        up: true,
        validated,
        metered: via != Via::Wifi,
        roaming: matches!(via, Via::Card(card) if seen.cards[card].roaming),
        generation,
        network,
        binding: Binding {
            network_handle: Some(handle),
            ..Binding::default()
        },
        signal_dbm: None,
        vpn: Vpn::None,
    }
}

/// An answer after this many milliseconds.
#[must_use]
pub const fn answered(after_ms: u64) -> Traffic {
    Traffic::Answered(Some(Duration::from_millis(after_ms)))
}
