//! The telephony half of one phone: its slots, its cards, Android's framework and
//! the agent, which may be dead.

use std::sync::Arc;

use twine_engine::link::Sim;
use twine_proto::{E164, Redacted};

use super::agent::Agent;
use super::framework::{Card, Framework};
use super::plan::{ABROAD, Country};

/// A network of Kenya, and one of Tanzania.
const NETWORKS: [&str; 2] = ["63902", "64002"];

/// See the module.
#[derive(Debug, Clone)]
pub struct Phone {
    /// Cards in the order of their slots, and the radio.
    pub framework: Framework,
    /// What the agent has on flash, and what it does while it lives.
    pub agent: Agent,
    /// The agent's process runs.
    pub agent_alive: bool,
    /// Counts its lives: what was meant for an earlier one is lost.
    pub agent_life: u64,
    /// Counts boots: what the radio had in an earlier one is gone.
    pub boot: u64,
}

impl Phone {
    /// With these cards, and an agent that runs.
    pub fn new(cards: Vec<Card>, reference: u16) -> Self {
        Self {
            framework: Framework::new(cards, reference),
            agent: Agent::default(),
            agent_alive: true,
            agent_life: 0,
            boot: 0,
        }
    }

    /// What the agent says of all cards. One that is away is not listed.
    pub fn sims(&self) -> Vec<Sim> {
        (0..)
            .zip(&self.framework.cards)
            .filter(|(_, card)| card.present)
            .map(|(slot, card)| self.sim(slot, card))
            .collect()
    }

    /// What the agent says of the cards that are gone, when cards change.
    pub fn gone_sims(&self) -> Vec<Sim> {
        (0..)
            .zip(&self.framework.cards)
            .filter(|(_, card)| !card.present)
            .filter_map(|(slot, _)| self.gone(slot))
            .collect()
    }

    /// What the agent says of a card that is not in its slot any more.
    pub fn gone(&self, slot: u8) -> Option<Sim> {
        let card = self.framework.cards.get(usize::from(slot))?;
        Some(Sim {
            ready: false,
            ..self.sim(slot, card)
        })
    }

    fn sim(&self, slot: u8, card: &Card) -> Sim {
        let radio_off = !self.framework.radio_on;
        Sim {
            in_service: card.in_service && !radio_off,
            roaming: card.roaming,
            radio_off,
            ..sim(slot, Redacted::new(card.iccid.clone()), Some(card.number))
        }
    }

    /// The agent's process ends. What is on flash stays.
    pub fn agent_dies(&mut self) {
        self.agent_alive = false;
        self.agent_life += 1;
        self.agent.disconnect();
    }

    /// The phone starts again, and the agent with it.
    pub fn reboot(&mut self) {
        self.boot += 1;
        self.framework.reboot();
        self.agent_dies();
        self.agent_alive = true;
    }

    /// Whether this card is in it.
    pub fn has(&self, number: E164) -> bool {
        self.framework
            .cards
            .iter()
            .any(|card| card.present && card.number == number)
    }
}

/// What an agent says of a card that works.
pub fn sim(slot: u8, iccid: Redacted<String>, number: Option<E164>) -> Sim {
    let abroad = number.is_some_and(|number| Country::of(number) == ABROAD);
    Sim {
        slot,
        data: None,
        iccid,
        number,
        mcc_mnc: Arc::from(NETWORKS[usize::from(abroad)]),
        ready: true,
        in_service: true,
        roaming: false,
        default_sms: slot == 0,
        radio_off: false,
        subscription_id: i32::from(slot) + 1,
        operator: Arc::from("operator"),
    }
}

/// A card that works, paid for so many parts (0: as many as one likes).
pub fn card(number: E164, balance: u64) -> Card {
    Card {
        iccid: format!("89254{:014}", number.get() % 10u64.pow(14)),
        number,
        present: true,
        in_service: true,
        roaming: false,
        balance: (balance > 0).then_some(balance),
    }
}
