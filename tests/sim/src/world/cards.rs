//! What happens to cards, radios and settings.

use twine_engine::link::Sim;
use twine_engine::settings::{Fallback, Mode, Settings};
use twine_engine::{Command, Input, TelephonyEvent};
use twine_proto::E164;

use super::World;
use super::transition::Transition;
use crate::handset::Asked;
use crate::model::Broken;
use crate::net::HandsetNo;
use crate::sms::framework::Card;

impl World {
    /// The agent tells of all cards anew; and once more behind what it said before, so
    /// that a full state on its way is not the last word.
    pub(super) fn cards_changed(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        let h = &self.handsets[handset];
        if h.phone.is_none() || !h.has_agent() || h.engine.is_none() {
            return Ok(());
        }
        for sim in h.sim_reports() {
            self.agent_says(handset, Input::Telephony(TelephonyEvent::Sim(sim.clone())));
            self.input(handset, Input::Telephony(TelephonyEvent::Sim(sim)))?;
        }
        Ok(())
    }

    /// A network goes or comes back, or another one takes its place; or the radio
    /// is switched.
    pub(super) fn change_service(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        let radio = self.rng.percent(30);
        let pick = self.rng.next();
        let roams = self.rng.percent(25);
        let Some(phone) = &mut self.handsets[handset].phone else {
            return Ok(());
        };
        let line = if radio {
            phone.framework.radio_on = !phone.framework.radio_on;
            format!("radio is on: {}", phone.framework.radio_on)
        } else {
            let cards = &mut phone.framework.cards;
            if cards.is_empty() {
                return Ok(());
            }
            let slot = usize::try_from(pick % cards.len() as u64).unwrap_or(0);
            let card = &mut cards[slot];
            card.in_service = !card.in_service;
            card.roaming = roams;
            format!(
                "card {slot} in service: {}, roams: {roams}",
                card.in_service
            )
        };
        // Who pays again does so now and then.
        let balance = self.faults.balance_parts;
        for card in &mut phone.framework.cards {
            card.balance = (balance > 0).then_some(balance);
        }
        self.broke("service", || format!("h{handset} {line}"));
        self.cards_changed(handset)
    }

    /// A card is taken out or put back, both change their slots, or one goes to
    /// another phone.
    pub(super) fn move_cards(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        let how = self.rng.range(0, 2);
        let pick = self.rng.next();
        if self.handsets[handset].retired {
            return Ok(());
        }
        if how == 2 {
            return self.lend_card(handset, pick);
        }
        let Some(phone) = &mut self.handsets[handset].phone else {
            return Ok(());
        };
        let cards = &mut phone.framework.cards;
        if cards.is_empty() {
            return Ok(());
        }
        let line = if how == 0 {
            let slot = usize::try_from(pick % cards.len() as u64).unwrap_or(0);
            cards[slot].present = !cards[slot].present;
            format!("card {slot} present: {}", cards[slot].present)
        } else {
            cards.reverse();
            "cards change slots".to_owned()
        };
        self.broke("card moved", || format!("h{handset} {line}"));
        self.cards_changed(handset)
    }

    /// A card goes to another phone, or comes home.
    fn lend_card(&mut self, handset: HandsetNo, pick: u64) -> Result<(), Broken> {
        let number = self.handsets[handset].number;
        let holder = self.holder_of(number);
        let to = match holder {
            Some(holder) if holder == handset => {
                let to = usize::try_from(pick % self.handsets.len() as u64).unwrap_or(0);
                if to == handset || self.handsets[to].retired {
                    return Ok(());
                }
                to
            }
            _ => handset,
        };
        self.give_card(number, to)
    }

    fn holder_of(&self, number: E164) -> Option<HandsetNo> {
        self.handsets.iter().position(|h| {
            h.phone
                .iter()
                .flat_map(|phone| &phone.framework.cards)
                .any(|card| card.number == number)
        })
    }

    /// The card of this number goes to this phone.
    pub(super) fn give_card(&mut self, number: E164, to: HandsetNo) -> Result<(), Broken> {
        let Some(from) = self.holder_of(number) else {
            return Ok(());
        };
        if from == to {
            return Ok(());
        }
        let Some((mut card, gone)) = self.take_card(number, from) else {
            return Ok(());
        };
        card.present = true;
        if let Some(phone) = &mut self.handsets[to].phone {
            // In the first slot: whose phone it is keeps its place.
            phone.framework.cards.insert(0, card);
        }
        self.broke("card lent", || {
            format!("card of {} goes from h{from} to h{to}", number.get())
        });
        if self.handsets[from].has_agent() && self.handsets[from].engine.is_some() {
            self.input(from, Input::Telephony(TelephonyEvent::Sim(gone)))?;
        }
        self.cards_changed(from)?;
        self.cards_changed(to)
    }

    /// The card, and what the agent says of its slot.
    fn take_card(&mut self, number: E164, from: HandsetNo) -> Option<(Card, Sim)> {
        let phone = self.handsets[from].phone.as_mut()?;
        let cards = &phone.framework.cards;
        let at = cards.iter().position(|card| card.number == number)?;
        let gone = phone.gone(u8::try_from(at).ok()?)?;
        Some((phone.framework.cards.remove(at), gone))
    }

    /// The user sets something, for everything or for one conversation.
    pub(super) fn change_settings(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        let mode = [
            None,
            Some(Mode::Auto),
            Some(Mode::IpOnly),
            Some(Mode::SmsOnly),
        ];
        let fallback = [
            None,
            Some(Fallback::Always),
            Some(Fallback::NotWhenRoaming),
            Some(Fallback::Ask),
            Some(Fallback::Never),
        ];
        let settings = Settings {
            mode: mode[usize::try_from(self.rng.range(0, 3)).unwrap_or(0)],
            fallback: fallback[usize::try_from(self.rng.range(0, 4)).unwrap_or(0)],
            iccid: None,
        };
        let to = self.recipient(handset);
        let own = self.handsets[handset].number;
        let for_one = self.rng.percent(70);
        let conversation = for_one.then_some((own, to.into()));
        let h = &mut self.handsets[handset];
        if !h.app.alive || h.engine.is_none() {
            return Ok(());
        }
        let line = format!(
            "{:?} {:?} for {}",
            settings.mode,
            settings.fallback,
            conversation.map_or("all", |_| "one")
        );
        self.model.chooses(own, conversation, &settings);
        let set = Command::Set {
            conversation,
            settings,
        };
        h.ask(Asked::Other, set);
        self.broke("settings", || format!("h{handset} app sets {line}"));
        self.turn(handset)
    }

    /// Everything works again.
    pub(super) fn mend_telephony(&mut self) -> Result<(), Broken> {
        for handset in 0..self.handsets.len() {
            let h = &self.handsets[handset];
            if h.phone.is_none() || h.retired {
                continue;
            }
            for number in std::iter::once(h.number)
                .chain(h.second)
                .collect::<Vec<_>>()
            {
                self.give_card(number, handset)?;
            }
            if let Some(phone) = &mut self.handsets[handset].phone {
                phone.framework.radio_on = true;
                for card in &mut phone.framework.cards {
                    card.present = true;
                    card.in_service = true;
                    card.roaming = false;
                    card.balance = None;
                }
            }
            self.cards_changed(handset)?;
            self.at(self.now, Transition::AgentStart { handset });
        }
        Ok(())
    }
}
