//! The identities of this device: which numbers it holds, and in which epoch.
//!
//! Owns the table as last read from the store. The store is the truth; this
//! mirror is refreshed with each session.

use twine_proto::frame::Binding;
use twine_proto::{Cursor, E164, Epoch, Redacted, Seq};

use crate::limits::MAX_IDENTITIES;
use crate::sims::is_placeholder;
use crate::status::IdentityView;
use crate::store_ops::IdentityPosition;

#[derive(Debug, Default)]
pub(crate) struct Registration {
    identities: Vec<Identity>,
}

#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) position: IdentityPosition,
    /// The gateway does not know this number for this device.
    pub(crate) not_bound: bool,
}

impl Registration {
    pub(crate) fn refresh(&mut self, positions: Vec<IdentityPosition>) {
        self.identities = positions
            .into_iter()
            .map(|position| Identity {
                not_bound: self
                    .identities
                    .iter()
                    .any(|old| old.position.number == position.number && old.not_bound),
                position,
            })
            .collect();
    }

    /// Whether one more number may be registered.
    pub(crate) fn has_room_for(&self, number: E164) -> bool {
        self.get(number).is_some() || self.identities.len() < MAX_IDENTITIES
    }

    /// Its user agreed to use IP with it.
    pub(crate) fn has_consented(&self, number: E164) -> bool {
        self.get(number)
            .is_some_and(|identity| identity.position.consented)
    }

    /// A number was registered. Says whether it was not before.
    pub(crate) fn registered(&mut self, number: E164, iccid: Option<Redacted<String>>) -> bool {
        if let Some(identity) = self.get_mut(number) {
            if iccid.is_some() {
                identity.position.iccid = iccid;
            }
            let is_news = !identity.position.consented;
            identity.position.consented = true;
            identity.not_bound = false;
            return is_news;
        }
        self.add(number, iccid, true);
        true
    }

    /// A card with this number is in the phone. `true` if that is news, to be
    /// stored.
    pub(crate) fn noted(&mut self, number: E164, iccid: &Redacted<String>) -> bool {
        if let Some(identity) = self.get_mut(number) {
            let known = identity.position.iccid.as_ref() == Some(iccid);
            identity.position.iccid = Some(iccid.clone());
            return !known;
        }
        if self.identities.len() >= MAX_IDENTITIES {
            return false;
        }
        self.add(number, Some(iccid.clone()), false);
        true
    }

    fn add(&mut self, number: E164, iccid: Option<Redacted<String>>, consented: bool) {
        self.identities.push(Identity {
            position: IdentityPosition {
                number,
                iccid,
                consented,
                held: None,
                last_epoch: Epoch(0),
                cursor: Cursor(0),
                cursor_check: 0,
                old: Vec::new(),
                queued: 0,
                note_due: false,
            },
            not_bound: false,
        });
    }

    pub(crate) fn get(&self, number: E164) -> Option<&Identity> {
        self.identities
            .iter()
            .find(|identity| identity.position.number == number)
    }

    pub(crate) fn get_mut(&mut self, number: E164) -> Option<&mut Identity> {
        self.identities
            .iter_mut()
            .find(|identity| identity.position.number == number)
    }

    /// The only identity, if there is exactly one. What stood for a card before
    /// its number was registered is none.
    pub(crate) fn only(&self) -> Option<E164> {
        let mut numbers = self.numbers();
        numbers.next().filter(|_| numbers.next().is_none())
    }

    /// All of them, but for what stood for a card before its number was registered.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = E164> {
        self.identities.iter().filter_map(|identity| {
            let IdentityPosition { number, iccid, .. } = &identity.position;
            let now = iccid.as_ref().and_then(|iccid| self.number_of(iccid));
            (!is_placeholder(*number) || now == Some(*number)).then_some(*number)
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.identities.is_empty()
    }

    /// Those the user agreed to use IP with: the only ones a gateway hears of.
    pub(crate) fn consented(&self) -> impl Iterator<Item = &Identity> {
        self.identities
            .iter()
            .filter(|identity| identity.position.consented)
    }

    /// The number that belongs to a card: rather a true one than one that stands
    /// for it.
    pub(crate) fn number_of(&self, iccid: &Redacted<String>) -> Option<E164> {
        self.identities
            .iter()
            .filter(|identity| identity.position.iccid.as_ref() == Some(iccid))
            .map(|identity| identity.position.number)
            .min_by_key(|number| is_placeholder(*number))
    }

    pub(crate) fn view(&self) -> Vec<IdentityView> {
        self.identities
            .iter()
            .map(
                |Identity {
                     position,
                     not_bound,
                 }| IdentityView {
                    number: position.number,
                    iccid: position.iccid.clone(),
                    epoch: position.held.map(|held| held.epoch),
                    state: match (not_bound, position.held) {
                        _ if !position.consented => "sms_only",
                        (true, _) => "not_bound",
                        (false, Some(_)) => "active",
                        (false, None) => "waiting_for_epoch",
                    },
                    next_seq: position.held.map_or(Seq(1), |held| held.next_seq),
                    cursor: position.cursor,
                },
            )
            .collect()
    }
}

/// What `Hello` says of an identity's binding.
pub(crate) fn binding(position: &IdentityPosition) -> Binding {
    match position.held {
        Some(held) => Binding::Held(held),
        None => Binding::Wanted {
            last: position.last_epoch,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sims::placeholder;

    fn iccid(text: &str) -> Redacted<String> {
        Redacted::new(text.to_owned())
    }

    /// A phone whose card tells no number has an identity before its user
    /// registers the number.
    #[test]
    fn what_stood_for_a_card_gives_way_to_its_number() {
        let mut registration = Registration::default();
        let stands = placeholder("a").unwrap();
        registration.noted(stands, &iccid("a"));
        assert_eq!(registration.only(), Some(stands));
        let number = E164::new(254_712_345_678).unwrap();
        registration.registered(number, Some(iccid("a")));
        assert_eq!(registration.number_of(&iccid("a")), Some(number));
        assert_eq!(registration.only(), Some(number));
        registration.noted(placeholder("b").unwrap(), &iccid("b"));
        assert_eq!(registration.only(), None);
    }
}
