//! Scenarios: which handsets there are, what they send, and what happens to
//! them, in TOML.
//!
//! Owns the format. Everything is checked before anything runs: an error says
//! file, line, what was found and what is allowed.

mod actions;
mod file;
mod mobile;
mod read;

use std::time::Duration;

use twine_control::pb::{Channel, LinkKind};
use twine_proto::E164;

use crate::mobile::plan::{CardPlan, CentrePlan, Coverage, OperatorPlan, PhonePlan, SLOTS};
use crate::profile::Profile;
use crate::relay::LinkState;

pub use read::{ScenarioError, load};

/// A checked scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// For people.
    pub name: String,
    /// Decides texts and losses.
    pub seed: u64,
    /// Everything must have arrived by then, counted from the first message's
    /// start; after it the run ends and counts what is missing.
    pub give_up: Duration,
    /// Further keys of the daemons' configuration, as TOML.
    pub daemon_config: toml::Table,
    /// At least one.
    pub operators: Vec<OperatorPlan>,
    /// At least one.
    pub handsets: Vec<HandsetPlan>,
    /// Phones without Twine. As *parties*, of traffic and actions, they are
    /// counted on behind the handsets.
    pub plain: Vec<PlainPlan>,
    /// What is sent.
    pub traffic: Vec<Traffic>,
    /// What happens, in the order of time.
    pub actions: Vec<Action>,
}

/// A handset.
#[derive(Debug, Clone)]
pub struct HandsetPlan {
    /// Unique in its scenario.
    pub name: String,
    /// Unique in its scenario.
    pub number: E164,
    /// At least one.
    pub links: Vec<LinkPlan>,
    /// Its cards; the first is the user's default for SMS.
    pub cards: Vec<HandsetCard>,
    /// By slot, at the start.
    pub coverage: [Coverage; SLOTS],
    /// Index of the card that the user chose for mobile data: the phone has data by
    /// one card at a time. `None`: by each that has a link.
    pub data_card: Option<usize>,
    /// How long moving data to the other card takes.
    pub data_move: Duration,
}

/// A card of a handset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandsetCard {
    /// Unique in its handset.
    pub id: String,
    /// The card.
    pub plan: CardPlan,
}

/// A phone without Twine: it has its number, and an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainPlan {
    /// Unique in its scenario, among handsets, too.
    pub name: String,
    /// Unique in its scenario, among handsets, too.
    pub number: E164,
    /// Its only card.
    pub card: CardPlan,
}

/// A link of a handset.
#[derive(Debug, Clone)]
pub struct LinkPlan {
    /// Unique in its handset.
    pub id: String,
    /// What the telephony agent calls it.
    pub kind: LinkKind,
    /// With a cellular link.
    pub sim_slot: u32,
    /// Data cost money.
    pub metered: bool,
    /// At the start.
    pub profile: Profile,
    /// At the start.
    pub state: LinkState,
}

/// Messages in one direction.
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic {
    /// The sending party.
    pub from: usize,
    /// The receiving party.
    pub to: usize,
    /// How many.
    pub count: u64,
    /// When the first is sent.
    pub start: Duration,
    /// Between bursts.
    pub every: Duration,
    /// Messages at once.
    pub burst: u64,
}

/// Something that happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// When.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A link changes its state. `up` and `down` are told to the daemon,
    /// `stalled` and `cut` are not.
    Link {
        /// Index of the handset.
        handset: usize,
        /// Index of its link.
        link: usize,
        /// From now on.
        state: LinkState,
    },
    /// A link changes its shape; the daemon hears of the generation.
    Profile {
        /// Index of the handset.
        handset: usize,
        /// Index of its link.
        link: usize,
        /// From now on.
        profile: Box<Profile>,
    },
    /// What of a network reaches a slot; no coverage takes the slot's link down,
    /// too.
    Coverage {
        /// Which.
        party: usize,
        /// Of its slots.
        slot: usize,
        /// From now on.
        coverage: Coverage,
    },
    /// The user turns the radio off or on; cellular links go with it.
    FlightMode {
        /// Which.
        party: usize,
        /// Off, that is.
        on: bool,
    },
    /// A card is put into a slot (what was there is put aside), or taken out.
    MoveCard {
        /// Index of the handset.
        handset: usize,
        /// Index of its card.
        card: usize,
        /// `None`: out.
        slot: Option<usize>,
    },
    /// The cards of both slots change places.
    SwapCards {
        /// Index of the handset.
        handset: usize,
    },
    /// A card's balance.
    Balance {
        /// Index of the handset.
        handset: usize,
        /// Index of its card.
        card: usize,
        /// Millionths of the currency; `None`: it never runs out.
        micros: Option<u64>,
    },
    /// The user has a conversation's SMS leave by this card.
    Pin {
        /// Index of the handset.
        handset: usize,
        /// With whom.
        peer: usize,
        /// Index of the handset's card.
        card: usize,
    },
    /// The user decides for all messages of a conversation that failed or wait for
    /// the user.
    Retry {
        /// Index of the handset.
        handset: usize,
        /// With whom.
        peer: usize,
        /// By this channel; unspecified: as Twine chooses.
        channel: Channel,
    },
    /// SIGKILL.
    Kill(Process),
    /// Starts it again.
    Start(Process),
    /// SIGSTOP.
    Pause(Process),
    /// SIGCONT.
    Resume(Process),
}

/// A process under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// The daemon of the handset of this index.
    Daemon(usize),
    /// The telephony agent of the handset of this index, a process in name: it
    /// loses all but its files.
    Agent(usize),
    /// The gateway.
    Gateway,
}

impl Scenario {
    /// Handsets and plain phones.
    #[must_use]
    pub const fn parties(&self) -> usize {
        self.handsets.len() + self.plain.len()
    }

    /// A party without Twine.
    #[must_use]
    pub const fn is_plain(&self, party: usize) -> bool {
        party >= self.handsets.len()
    }

    /// The name of a party.
    #[must_use]
    pub fn name_of(&self, party: usize) -> &str {
        match self.plain.get(party.wrapping_sub(self.handsets.len())) {
            Some(plain) => &plain.name,
            None => &self.handsets[party].name,
        }
    }

    /// The number of a party.
    #[must_use]
    pub fn number_of(&self, party: usize) -> E164 {
        match self.plain.get(party.wrapping_sub(self.handsets.len())) {
            Some(plain) => plain.number,
            None => self.handsets[party].number,
        }
    }

    /// Messages that will be sent.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.traffic.iter().map(|traffic| traffic.count).sum()
    }

    /// When the last message is sent or the last thing happens.
    #[must_use]
    pub fn planned_end(&self) -> Duration {
        let sent = self.traffic.iter().map(|traffic| {
            let bursts = traffic.count.div_ceil(traffic.burst);
            let pauses = u32::try_from(bursts.saturating_sub(1)).unwrap_or(u32::MAX);
            traffic.start + traffic.every.saturating_mul(pauses)
        });
        let done = self.actions.iter().map(|action| action.at);
        sent.chain(done).max().unwrap_or_default()
    }
}

/// The phones of the mobile network, in the order of the parties.
#[must_use]
pub fn phones(handsets: &[HandsetPlan], plain: &[PlainPlan]) -> Vec<PhonePlan> {
    let handsets = handsets.iter().map(|handset| PhonePlan {
        name: handset.name.clone(),
        cards: handset.cards.iter().map(|card| card.plan.clone()).collect(),
        coverage: handset.coverage,
    });
    let plain = plain.iter().map(|plain| PhonePlan {
        name: plain.name.clone(),
        cards: vec![plain.card.clone()],
        coverage: [Coverage::G4; SLOTS],
    });
    handsets.chain(plain).collect()
}

/// The operator of handsets whose scenario names none; its network is the test
/// network of ITU-T E.212.
#[must_use]
pub fn default_operator() -> OperatorPlan {
    OperatorPlan {
        name: "lab".to_owned(),
        mcc_mnc: "00101".to_owned(),
        on_net_micros: DEFAULT_ON_NET_MICROS,
        off_net_micros: DEFAULT_OFF_NET_MICROS,
        centre: CentrePlan::default(),
    }
}

/// The cards of a handset that names none: one for each slot that a link uses,
/// of the first operator; the handset's number is that of the first.
#[must_use]
pub fn default_cards(number: E164, links: &[LinkPlan]) -> Vec<HandsetCard> {
    let cellular = links.iter().filter(|link| link.kind == LinkKind::Cellular);
    let mut slots: Vec<_> = cellular.map(|link| link.sim_slot as usize).collect();
    slots.sort_unstable();
    slots.dedup();
    let card = |(index, &slot): (usize, &usize)| HandsetCard {
        id: format!("card{}", index + 1),
        plan: CardPlan {
            iccid: default_iccid(number, index),
            number: (index == 0).then_some(number),
            operator: 0,
            slot: Some(slot),
            balance_micros: None,
        },
    };
    slots.iter().enumerate().map(card).collect()
}

/// Of the handset with this number, its card of this index.
fn default_iccid(number: E164, card: usize) -> String {
    format!("8900{:014}{card}", number.get() % 100_000_000_000_000)
}

const DEFAULT_ON_NET_MICROS: u64 = 10_000;
const DEFAULT_OFF_NET_MICROS: u64 = 30_000;
