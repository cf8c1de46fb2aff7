//! Mobile data of a phone with two cards: they move by the user's or the system's own
//! will, or because the engine asks. The telephony agent carries a request out, and says
//! whether it worked; or is refused, or never answered, or asked while it is dead.

use twine_engine::links::Bundle;
use twine_engine::{Input, TelephonyEvent};

use super::World;
use super::transition::Transition;
use crate::handset::{SIM1, SIM2};
use crate::model::Broken;
use crate::net::HandsetNo;

/// Moving takes so long (`setPreferredDataSubscriptionId` with validation).
const MOVE_MS: (u64, u64) = (1_000, 8_000);

impl World {
    /// Where a phone's data are; `None`: they move, or it has no card.
    fn data_link(&self, handset: HandsetNo) -> Option<usize> {
        let links = &self.handsets[handset].links;
        (SIM1..links.len()).find(|link| links[*link].has_data)
    }

    /// By the user's or the system's will. Moving takes seconds, in which no SIM has data.
    pub(super) fn move_data(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        let Some(from) = self.data_link(handset) else {
            return Ok(());
        };
        let link = if from == SIM1 { SIM2 } else { SIM1 };
        self.broke("data moved", || {
            format!("h{handset} data goes from link {from} to link {link}")
        });
        let at = self.now + self.rng.range(MOVE_MS.0, MOVE_MS.1);
        self.at(at, Transition::DataMoved { handset, link });
        self.set_data(handset, from, false)
    }

    /// The engine asks for the data of the card in this slot.
    pub(super) fn data_wanted(&mut self, handset: HandsetNo, slot: u8) -> Result<(), Broken> {
        let link = SIM1 + usize::from(slot);
        let h = &self.handsets[handset];
        let elsewhere = h.links.get(link).is_some_and(|link| !link.has_data);
        let told = h.tells_of_data();
        self.model.cases.expect(
            "data are asked for only of the other of two cards",
            elsewhere && told,
            format_args!("h{handset} slot {slot}"),
        )?;
        if !self.handsets[handset].has_agent() {
            // It is lost with its agent.
            return Ok(());
        }
        if !self.calm && self.rng.one_in(self.faults.data_unanswered_one_in) {
            self.broke("data request unanswered", || {
                format!("h{handset} nobody answers the request for link {link}")
            });
            return Ok(());
        }
        let refused = !self.calm && self.rng.one_in(self.faults.data_refused_one_in);
        let from = self.data_link(handset).filter(|_| !refused);
        let at = self.now + self.rng.range(MOVE_MS.0, MOVE_MS.1);
        self.at(
            at,
            Transition::DataAsked {
                handset,
                link,
                from,
            },
        );
        match from {
            Some(from) => {
                self.broke("data moved as asked", || {
                    format!("h{handset} data goes from link {from} to link {link}, as asked")
                });
                self.set_data(handset, from, false)
            }
            None => Ok(()),
        }
    }

    /// A request has come to its end: data are there, or, without coverage, back; or it
    /// was refused.
    pub(super) fn data_asked(
        &mut self,
        handset: HandsetNo,
        link: usize,
        from: Option<usize>,
    ) -> Result<(), Broken> {
        let reached = from.is_some() && self.handsets[handset].links[link].up;
        if let Some(from) = from {
            self.set_data(handset, if reached { link } else { from }, true)?;
        }
        if !reached {
            self.broke("data request refused", || {
                format!("h{handset} data do not go to link {link}")
            });
        }
        if !self.handsets[handset].has_agent() {
            return Ok(());
        }
        let event = TelephonyEvent::DataSim {
            slot: u8::try_from(link - SIM1).unwrap_or(0),
            confirmed: reached,
        };
        self.input(handset, Input::Telephony(event))
    }

    pub(super) fn set_data(
        &mut self,
        handset: HandsetNo,
        link: usize,
        has_data: bool,
    ) -> Result<(), Broken> {
        self.handsets[handset].links[link].has_data = has_data;
        let cellular = self.handsets[handset].links.iter().skip(SIM1);
        let with_data = cellular.filter(|link| link.has_data).count();
        let of = format_args!("h{handset}");
        let promise = "one SIM has data at a time";
        self.model.cases.expect(promise, with_data <= 1, of)?;
        self.link_changed(handset, link)
    }

    /// A bundle is used up, or paid for, or nobody knows.
    pub(super) fn change_bundle(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        let links = &self.handsets[handset].links;
        let link = self.rng.range(SIM1 as u64, SIM2 as u64) as usize;
        if link >= links.len() {
            return Ok(());
        }
        let bundles = [Bundle::Spent, Bundle::Unknown, Bundle::Within];
        let bundle = bundles[usize::try_from(self.rng.range(0, 2)).unwrap_or(0)];
        self.handsets[handset].links[link].bundle = bundle;
        self.broke("bundle", || {
            format!("h{handset} bundle of link {link}: {bundle:?}")
        });
        self.link_changed(handset, link)
    }
}
