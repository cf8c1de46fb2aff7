//! Phones that are replaced, and phones that are put back to an old copy.

use twine_engine::message::MessageRecord;
use twine_engine::store_ops::StoreOps;
use twine_proto::MessageName;
use twine_proto::limits::MAX_OLD_EPOCHS;

use super::World;
use super::faults::age_or_minute;
use super::gateway::provision;
use super::transition::Transition;
use crate::handset::{Handset, SIM1};
use crate::model::Broken;
use crate::net::HandsetNo;
use crate::poison;
use crate::sms::phone::Phone;

/// What a copy still holds as accepted, and the gateway has forgotten, stays
/// unsettled for ever, and so does its epoch: when as many as a `Hello` names are
/// taken, messages of later ones are stuck. Until that is mended a phone is put back
/// fewer times.
const MAX_COPIES: usize = MAX_OLD_EPOCHS - 1;

impl World {
    /// The user buys a phone: the gateway binds the number to it, and it starts
    /// with an empty store. The old one is gone, or stays on and is told that
    /// it has no number.
    pub(super) fn replace_phone(&mut self, handset: HandsetNo) {
        if self.handsets[handset].retired || self.handsets.len() >= 2 * self.numbers {
            return;
        }
        let new = self.handsets.len();
        let gone = self.rng.percent(50);
        if gone {
            self.kill(handset);
        }
        let old = &mut self.handsets[handset];
        (old.retired, old.gone) = (true, gone);
        let number = old.number;
        let mut links = old.links.clone();
        if !links.iter().skip(SIM1).any(|link| link.has_data) {
            // The old one's was moving.
            links[SIM1].has_data = true;
        }
        let mut phone = Handset::new(number, links, self.now);
        phone.data_policy = old.data_policy;
        // Its cards go with the number.
        phone.second = old.second.take();
        let second = phone.second;
        if let Some(telephony) = &mut old.phone {
            let cards = std::mem::take(&mut telephony.framework.cards);
            let reference = telephony.framework.next_phones_reference();
            phone.phone = Some(Phone::new(cards, reference));
        }
        self.model
            .replaced(handset, number, gone.then_some(&old.store));
        if let Some(second) = second {
            self.model.forgot(second);
        }
        self.handsets.push(phone);
        provision(&mut self.gateway_store, number, new);
        self.attendance.moved(number);
        self.broke("phone replaced", || {
            format!("h{handset} is replaced by h{new}, gone: {gone}")
        });
        let at = self.now + self.rng.range(0, 10_000);
        self.at(at, Transition::Start { handset: new });
        self.pause_then(Transition::Send { handset: new }, self.faults.send_every_ms);
        self.plan_faults_of(new);
    }

    /// A copy is taken, to be put back soon.
    pub(super) fn copy_phone(&mut self, handset: HandsetNo) {
        let h = &mut self.handsets[handset];
        if h.retired || h.copy.is_some() || h.copies >= MAX_COPIES {
            return;
        }
        h.copies += 1;
        h.copy = Some((h.store.clone(), h.app.cursor));
        self.tell(|| format!("h{handset} is copied"));
        let oldest = age_or_minute(self.faults.copy_age_ms);
        let at = self.now + self.rng.range(100, oldest);
        self.at(at, Transition::PutBack { handset });
    }

    /// The phone is what it was: its store, and the app's place in the events.
    pub(super) fn put_back(&mut self, handset: HandsetNo) {
        let Some((copy, cursor)) = self.handsets[handset].copy.take() else {
            return;
        };
        if self.handsets[handset].retired {
            return;
        }
        self.kill(handset);
        let salvaged = self.rng.one_in(self.faults.salvage_one_in);
        if salvaged {
            self.broke("store salvaged", || {
                format!("h{handset} store breaks and is salvaged without its newest rows")
            });
        } else {
            self.broke("phone put back", || {
                format!("h{handset} is put back to its copy")
            });
        }
        let now = self.now;
        let h = &mut self.handsets[handset];
        h.reboot(now);
        h.put_back = true;
        h.app.cursor = cursor;
        self.model.put_back(handset, h.number, &h.store, &copy);
        if let Some(second) = h.second {
            self.model.forgot(second);
        }
        let again = h.copies < MAX_COPIES && self.rng.one_in(self.faults.copy_again_one_in);
        let h = &mut self.handsets[handset];
        if again {
            h.copies += 1;
            h.copy = Some((copy.clone(), cursor));
        }
        h.store = copy;
        if salvaged {
            h.store.salvaged();
        }
        if again {
            let oldest = age_or_minute(self.faults.copy_age_ms);
            let at = self.now + self.rng.range(100, oldest);
            self.at(at, Transition::PutBack { handset });
        }
    }

    /// Whether some phone of the recipient's number has stored a message.
    pub(super) fn is_stored(&self, name: &MessageName) -> bool {
        self.handsets
            .iter()
            .filter(|h| h.number == name.to)
            .any(|h| h.store.at_place(name).is_some())
    }

    /// The same, and could read it.
    pub(super) fn is_read_by_ip(&self, name: &MessageName) -> bool {
        self.handsets
            .iter()
            .filter(|h| h.number == name.to)
            .any(|h| {
                let id = h.store.at_place(name);
                let Ok(record) = id.map_or(Ok(None), |id| h.store.message(id));
                record.is_some_and(|record| record.text.is_some())
            })
    }

    /// Every placeholder with a name stands for a message that nobody can read.
    pub(super) fn placeholders_were_poisoned(&self) -> Result<(), Broken> {
        for receiver in &self.handsets {
            for placeholder in receiver.store.incoming().filter(|r| r.text.is_none()) {
                let Some(name) = placeholder.name else {
                    continue;
                };
                // Whoever forgot at the same time as the gateway may have given the
                // name once more (see `model`): it knows the second message only.
                let forgot = |h: &Handset| h.put_back && self.model.is_gateway_restored();
                let senders = self.handsets.iter();
                let senders = senders.filter(|h| h.number == name.from && !forgot(h));
                for record in senders.filter_map(|h| sent_as(h, &name)) {
                    let text = record.text.as_ref().map_or("", |text| text.expose());
                    let poisoned = poison::of(text).is_some();
                    let promise = "what can be read is read";
                    self.model.cases.expect(promise, poisoned, text)?;
                }
            }
        }
        Ok(())
    }
}

fn sent_as(sender: &Handset, name: &MessageName) -> Option<MessageRecord> {
    let id = sender.store.sent_at(name)?;
    let Ok(record) = sender.store.message(id);
    record.filter(|record| record.name == Some(*name))
}
