//! Numbers as a country writes them: what an operator makes of a number for its own
//! people, and what a phone makes of it by the plan of the card that received it
//! (DELIVERY 27). Two countries with one national form: nine digits behind a 0, as in
//! Kenya and Tanzania, so that one text is another number in each.

use twine_proto::{E164, Peer};

/// Digits of a number behind its country code.
const NATIONAL: u64 = 1_000_000_000;

/// A country, by its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country(u64);

/// Kenya.
pub const HERE: Country = Country(254);
/// Tanzania.
pub const ABROAD: Country = Country(255);

impl Country {
    /// Whose number this is.
    pub const fn of(number: E164) -> Self {
        Self(number.get() / NATIONAL)
    }

    /// A number of this country, by its last nine digits.
    pub fn number(self, national: u64) -> Option<E164> {
        E164::new(self.0 * NATIONAL + national).ok()
    }

    /// What its people dial is this number; `None`: not a number of theirs.
    fn resolves(self, written: &str) -> Option<E164> {
        let digits = written.strip_prefix('0')?;
        if digits.len() != 9 || digits.starts_with('0') {
            return None;
        }
        self.number(digits.parse().ok()?)
    }

    /// Whom a card of this country reaches by this address.
    pub fn dials(self, to: Peer) -> Option<E164> {
        match to {
            Peer::Number(number) => Some(number),
            Peer::Name(name) => self.resolves(name.expose()),
        }
    }
}

/// As people of its country write it.
pub fn national(number: E164) -> String {
    format!("0{}", number.get() % NATIONAL)
}

/// What the agent makes of an originator: E.164 with plus sign, empty if nothing.
/// `home`: of the card it came by, if the phone knows it. `IncomingPdus` of the bridge
/// does this with the framework's plans of all countries.
pub fn resolve(from: &str, home: Option<Country>) -> String {
    let number = match from.parse() {
        Ok(number) => Some(number),
        Err(_) => home.and_then(|home| home.resolves(from)),
    };
    number.map_or_else(String::new, E164::expose)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_of_the_receiving_card_decides() {
        let here = E164::new(254_712_345_678).unwrap();
        let abroad = E164::new(255_712_345_678).unwrap();
        assert_eq!(national(here), "0712345678");
        assert_eq!(national(abroad), "0712345678");
        assert_eq!(resolve("0712345678", Some(HERE)), here.expose());
        assert_eq!(resolve("0712345678", Some(ABROAD)), abroad.expose());
        assert_eq!(resolve(&here.expose(), Some(ABROAD)), here.expose());
        for nobody in ["BANK", "40404", "07123456789", "0012345678", ""] {
            assert_eq!(resolve(nobody, Some(HERE)), "", "{nobody}");
        }
        assert_eq!(resolve("0712345678", None), "");
    }
}
