//! The cards in the phone, as the telephony agent reports them, and which own
//! number belongs to which card.
//!
//! Owns the table. Never chooses another card than the one asked for: the card of
//! a conversation is what its setting names, or the card of its own number
//! (DESIGN §7).

use twine_proto::{E164, Redacted};
use twine_sms::TableSet;

use crate::channel::Card;
use crate::fnv::fnv1a;
use crate::limits::MAX_SIMS;
use crate::link::Sim;
use crate::message::WaitsFor;
use crate::status::SimView;
use crate::time::Instant;

/// Country code 999 is not assigned (ITU-T E.164 list): numbers under it stand
/// for cards whose own number nobody knows.
const PLACEHOLDER_COUNTRY: u64 = 999;
const PLACEHOLDER_DIGITS: u32 = 12;

#[derive(Debug, Default)]
pub(crate) struct Sims {
    cards: Vec<(Sim, Instant)>,
    tables: TableSet,
    /// An agent has told what there is.
    told: bool,
}

impl Sims {
    /// Everything there is. Returns what is there that was not before.
    pub(crate) fn replace(&mut self, sims: Vec<Sim>, tables: TableSet, now: Instant) -> Gained {
        let before = std::mem::take(&mut self.cards);
        self.tables = tables;
        self.told = true;
        let mut gained = Gained::default();
        for sim in sims.into_iter().take(MAX_SIMS) {
            let old = before.iter().find(|(old, _)| old.iccid == sim.iccid);
            gained.add(old.map(|(old, _)| old), &sim);
            self.cards.push((sim, now));
        }
        gained
    }

    /// One card came, changed, or (not ready) went.
    pub(crate) fn report(&mut self, sim: Sim, now: Instant) -> Gained {
        let mut gained = Gained::default();
        // One slot holds one card, and a card is in one slot.
        let old = self
            .cards
            .iter()
            .position(|(old, _)| old.iccid == sim.iccid)
            .map(|at| self.cards.remove(at).0);
        self.cards.retain(|(old, _)| old.slot != sim.slot);
        gained.add(old.as_ref(), &sim);
        if self.cards.len() < MAX_SIMS {
            self.cards.push((sim, now));
        }
        gained
    }

    /// No agent has told anything since this run began.
    pub(crate) fn is_unknown(&self) -> bool {
        !self.told
    }

    pub(crate) fn tables(&self) -> TableSet {
        self.tables
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Sim> {
        self.cards.iter().map(|(sim, _)| sim)
    }

    pub(crate) fn get(&self, iccid: &str) -> Option<&Sim> {
        self.iter().find(|sim| sim.iccid.expose() == iccid)
    }

    /// The card that tells no number, if there is exactly one and no other card.
    pub(crate) fn unnumbered(&self) -> Option<&Redacted<String>> {
        match self.cards.as_slice() {
            [(only, _)] if only.number.is_none() => Some(&only.iccid),
            _ => None,
        }
    }

    /// The card the user made the default for SMS, or the only one.
    pub(crate) fn default_sms(&self) -> Option<&Sim> {
        let mut ready = self.iter().filter(|sim| sim.ready);
        let first = ready.next()?;
        if first.default_sms {
            return Some(first);
        }
        let mut others = ready.peekable();
        if others.peek().is_none() {
            return Some(first);
        }
        others.find(|sim| sim.default_sms)
    }

    /// How an SMS by this card would fare.
    pub(crate) fn card(&self, iccid: Option<&str>) -> Card {
        match iccid.and_then(|iccid| self.get(iccid)) {
            None => Card::Absent,
            Some(sim) if sim.radio_off => Card::RadioOff,
            Some(sim) if !sim.ready => Card::Absent,
            Some(sim) if !sim.in_service => Card::NoService,
            Some(sim) => Card::Ready {
                roaming: sim.roaming,
            },
        }
    }

    pub(crate) fn view(&self) -> Vec<SimView> {
        self.cards
            .iter()
            .map(|(sim, reported)| SimView {
                sim: sim.clone(),
                reported: *reported,
            })
            .collect()
    }
}

/// What a report brought that messages may wait for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Gained {
    waits: Vec<WaitsFor>,
    /// Cards that roam, and did not before.
    roaming: Vec<Redacted<String>>,
}

impl Gained {
    fn add(&mut self, old: Option<&Sim>, new: &Sim) {
        let usable = |sim: &Sim| sim.ready && !sim.radio_off;
        let old_has = |what: &dyn Fn(&Sim) -> bool| old.is_some_and(what);
        let gains = [
            (WaitsFor::Sim, new.ready && !old_has(&|sim: &Sim| sim.ready)),
            (
                WaitsFor::Radio,
                !new.radio_off && !old_has(&|sim: &Sim| !sim.radio_off),
            ),
            (
                WaitsFor::Service,
                usable(new)
                    && new.in_service
                    && !old_has(&|sim: &Sim| usable(sim) && sim.in_service),
            ),
            (
                WaitsFor::Home,
                new.ready && !new.roaming && !old_has(&|sim: &Sim| sim.ready && !sim.roaming),
            ),
        ];
        for (waits, gained) in gains {
            if gained && !self.waits.contains(&waits) {
                self.waits.push(waits);
            }
        }
        if new.roaming && !old_has(&|sim: &Sim| sim.roaming) {
            self.roaming.push(new.iccid.clone());
        }
    }

    /// Each once.
    pub(crate) fn iter(&self) -> impl Iterator<Item = WaitsFor> {
        self.waits.iter().copied()
    }

    /// Each that began to roam.
    pub(crate) fn roaming(&self) -> impl Iterator<Item = &Redacted<String>> {
        self.roaming.iter()
    }
}

/// Whether a number stands for a card; see [`placeholder`].
pub(crate) fn is_placeholder(number: E164) -> bool {
    number.get() / 10u64.pow(PLACEHOLDER_DIGITS) == PLACEHOLDER_COUNTRY
}

/// Stands for the own number of a card that tells none, so that its messages
/// have a conversation: country code 999 and twelve digits drawn from the
/// card's number (FNV-1a 64). Never named to a gateway.
pub(crate) fn placeholder(iccid: &str) -> Option<E164> {
    let digits = 10u64.pow(PLACEHOLDER_DIGITS);
    E164::new(PLACEHOLDER_COUNTRY * digits + fnv1a(iccid.bytes()) % digits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sim(slot: u8, iccid: &str) -> Sim {
        Sim {
            slot,
            iccid: Redacted::new(iccid.to_owned()),
            number: None,
            mcc_mnc: "63902".into(),
            ready: true,
            in_service: true,
            roaming: false,
            default_sms: false,
            radio_off: false,
            subscription_id: 0,
            data: None,
            operator: "".into(),
        }
    }

    #[test]
    fn a_card_keeps_its_name_when_it_moves_to_the_other_slot() {
        let mut sims = Sims::default();
        sims.replace(vec![sim(0, "a"), sim(1, "b")], TableSet::NONE, Instant(0));
        sims.report(sim(1, "a"), Instant(1));
        assert_eq!(sims.get("a").unwrap().slot, 1);
        assert_eq!(sims.card(Some("b")), Card::Absent, "its slot was taken");
    }

    #[test]
    fn a_report_tells_what_came_back() {
        let mut sims = Sims::default();
        let off = Sim {
            radio_off: true,
            in_service: false,
            ..sim(0, "a")
        };
        sims.replace(vec![off], TableSet::NONE, Instant(0));
        let gained: Vec<_> = sims.report(sim(0, "a"), Instant(1)).iter().collect();
        assert_eq!(gained, [WaitsFor::Radio, WaitsFor::Service]);
        let again = sims.report(sim(0, "a"), Instant(2));
        assert_eq!(again, Gained::default());
    }

    #[test]
    fn the_default_card_is_the_users_or_the_only_one() {
        let mut sims = Sims::default();
        assert!(sims.is_unknown());
        sims.replace(Vec::new(), TableSet::NONE, Instant(0));
        assert!(!sims.is_unknown(), "an agent says that there is none");
        assert!(sims.default_sms().is_none());
        sims.report(sim(0, "a"), Instant(0));
        assert_eq!(sims.default_sms().unwrap().iccid.expose(), "a");
        sims.report(sim(1, "b"), Instant(0));
        assert!(sims.default_sms().is_none(), "nobody chose");
        let chosen = Sim {
            default_sms: true,
            ..sim(1, "b")
        };
        sims.report(chosen, Instant(0));
        assert_eq!(sims.default_sms().unwrap().iccid.expose(), "b");
    }

    #[test]
    fn only_a_card_that_is_alone_is_taken_for_the_one_meant() {
        let mut sims = Sims::default();
        sims.report(sim(0, "a"), Instant(0));
        assert_eq!(sims.unnumbered().unwrap().expose(), "a");
        sims.report(sim(1, "b"), Instant(0));
        assert!(sims.unnumbered().is_none());
    }

    #[test]
    fn a_placeholder_is_a_number_nobody_has() {
        let number = placeholder("8925402021234567890").unwrap();
        assert!(is_placeholder(number));
        assert_ne!(placeholder("8925402021234567891"), Some(number));
    }
}
