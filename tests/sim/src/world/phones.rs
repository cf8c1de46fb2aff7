//! Phones that are replaced, that are put back to an old copy, and that live twice.

use twine_engine::message::MessageRecord;
use twine_engine::store_ops::StoreOps;
use twine_engine::{Input, TelephonyEvent};
use twine_proto::limits::MAX_OLD_EPOCHS;
use twine_proto::{E164, MessageName, Redacted};

use super::World;
use super::faults::age_or_minute;
use super::gateway::provision;
use super::transition::Transition;
use crate::handset::Handset;
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
    pub(super) fn replace_phone(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        let full = self.handsets.len() >= 2 * self.numbers;
        if self.handsets[handset].retired || self.lives_twice(handset) || full {
            return Ok(());
        }
        let new = self.handsets.len();
        let gone = self.rng.percent(50);
        if gone {
            self.kill(handset);
        }
        let old = &mut self.handsets[handset];
        (old.retired, old.gone) = (true, gone);
        let (number, numbers) = (old.number, old.numbers());
        let mut phone = Handset::new(number, new, old.links.clone(), self.now);
        phone.settle_data();
        phone.data_policy = old.data_policy;
        // Its cards go with the number.
        phone.second = old.second;
        phone.second_on_ip = old.second_on_ip;
        let mut taken = Vec::new();
        if let Some(telephony) = &mut old.phone {
            let slots = (0..).zip(&telephony.framework.cards);
            taken.extend(slots.filter_map(|(slot, _)| telephony.gone(slot)));
            let cards = std::mem::take(&mut telephony.framework.cards);
            let reference = telephony.framework.next_phones_reference();
            phone.phone = Some(Phone::new(cards, reference));
        }
        self.model
            .replaced(handset, &numbers, gone.then_some(&old.store));
        for number in phone.numbers_on_ip() {
            provision(&mut self.gateway_store, number, new);
            self.attendance.moved(number);
        }
        self.handsets.push(phone);
        self.broke("phone replaced", || {
            format!("h{handset} is replaced by h{new}, gone: {gone}")
        });
        self.switch_on(new);
        // Whoever stays on is told that its cards were taken out.
        if self.handsets[handset].has_agent() && self.handsets[handset].engine.is_some() {
            for sim in taken {
                self.input(handset, Input::Telephony(TelephonyEvent::Sim(sim)))?;
            }
        }
        Ok(())
    }

    /// A phone that is new in this world.
    fn switch_on(&mut self, handset: HandsetNo) {
        let at = self.now + self.rng.range(0, 10_000);
        self.at(at, Transition::Start { handset });
        self.pause_then(Transition::Send { handset }, self.faults.send_every_ms);
        self.plan_faults_of(handset);
    }

    /// All that is on a phone's flash is copied to a second one, its key as well, and
    /// both live for some time.
    pub(super) fn make_twin(&mut self, handset: HandsetNo) {
        let full = self.handsets.len() >= 2 * self.numbers;
        if self.handsets[handset].retired || self.lives_twice(handset) || full {
            return;
        }
        let twin = self.handsets.len();
        let h = &self.handsets[handset];
        let numbers = h.numbers();
        let mut phone = h.twin(self.now);
        phone.settle_data();
        phone.twin_of = Some(handset);
        self.handsets[handset].put_back = true;
        phone.put_back = true;
        self.model
            .has_twin(handset, twin, &numbers, &phone.store, self.now);
        for number in phone.numbers_on_ip() {
            self.attendance.moved(number);
        }
        self.handsets.push(phone);
        self.broke("phone has a twin", || {
            format!("h{handset} is copied to h{twin}, and both live")
        });
        let at = self.now + self.lasts(5_000, 120_000);
        self.at(at, Transition::TwinEnd { twin });
        self.switch_on(twin);
    }

    fn lives_twice(&self, handset: HandsetNo) -> bool {
        let twins = |h: &Handset| h.twin_of == Some(handset);
        self.handsets[handset].twin_of.is_some() || self.handsets.iter().any(twins)
    }

    /// One of the two is thrown away; the cards are in the other.
    pub(super) fn twin_ends(&mut self, twin: HandsetNo) -> Result<(), Broken> {
        let Some(first) = self.handsets[twin].twin_of.take() else {
            return Ok(());
        };
        let (stays, goes) = if self.rng.percent(50) {
            (twin, first)
        } else {
            (first, twin)
        };
        self.broke("twin gone", || {
            format!("h{goes} is thrown away, h{stays} stays")
        });
        self.kill(goes);
        let gone = &mut self.handsets[goes];
        (gone.retired, gone.gone) = (true, true);
        let second = gone.second.take();
        let telephony = gone.phone.as_mut();
        let cards = telephony.map(|phone| std::mem::take(&mut phone.framework.cards));
        let (lost, kept) = (&self.handsets[goes], &self.handsets[stays]);
        let numbers: Vec<E164> = kept.numbers().into_iter().chain(second).collect();
        self.model
            .twin_gone(goes, stays, &numbers, &lost.store, &kept.store);
        let h = &mut self.handsets[stays];
        h.second = h.second.or(second);
        if let (Some(phone), Some(cards)) = (&mut h.phone, cards) {
            phone.framework.cards.extend(cards);
        }
        self.cards_changed(stays)
    }

    /// A copy is taken, to be put back soon.
    pub(super) fn copy_phone(&mut self, handset: HandsetNo) {
        let h = &mut self.handsets[handset];
        if h.retired || h.copy.is_some() || h.copies >= MAX_COPIES {
            return;
        }
        h.copies += 1;
        h.copy = Some((h.store.clone(), h.app.cursor));
        self.model.copied(handset, self.now);
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
        self.model.put_back(handset, &h.numbers(), &h.store, &copy);
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
            .filter(|h| h.is_on_ip(name.to))
            .any(|h| h.store.at_place(name).is_some())
    }

    /// The same, and could read it, as this text: a phone that was put back gives the name
    /// of another message once more.
    pub(super) fn is_read_by_ip(&self, name: &MessageName, text: &Redacted<String>) -> bool {
        self.handsets
            .iter()
            .filter(|h| h.is_on_ip(name.to))
            .any(|h| {
                let id = h.store.at_place(name);
                let Ok(record) = id.map_or(Ok(None), |id| h.store.message(id));
                record.is_some_and(|record| record.text.as_ref() == Some(text))
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
                // And of two phones one may not have heard that the name is the other's:
                // it was thrown away, or gave it by SMS.
                let forgot =
                    |no: HandsetNo| self.model.names_may_repeat(no) || self.model.had_twin(no);
                let senders = self.handsets.iter().enumerate();
                let senders = senders.filter(|(no, h)| h.is_on_ip(name.from) && !forgot(*no));
                let senders = senders.map(|(_, h)| h);
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
