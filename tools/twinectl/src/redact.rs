//! What leaves a phone in a report: no number and no text of anyone.
//!
//! Numbers keep their country and last two digits, as in the daemon's log, so
//! that two of them can be told apart.

/// Digits from which on a run is taken for a number or a card: E.164 numbers
/// have at least seven.
const NUMBER_DIGITS: usize = 7;

/// Whether and how to leave things out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Redact(pub(crate) bool);

impl Redact {
    /// A number with plus sign.
    pub(crate) fn number(self, number: &str) -> String {
        if self.0 {
            mask(number)
        } else {
            number.to_owned()
        }
    }

    /// The text of a message.
    pub(crate) fn text(self, text: &str) -> String {
        if self.0 && !text.is_empty() {
            format!("[{} characters]", text.chars().count())
        } else {
            text.to_owned()
        }
    }

    /// What says who someone is and nothing else: a card number, the name of a
    /// network, an address.
    pub(crate) fn hidden(self, text: &str) -> String {
        if self.0 && !text.is_empty() {
            "[redacted]".to_owned()
        } else {
            text.to_owned()
        }
    }

    /// Anything else that may hold a number, such as a message's name or a
    /// reason.
    pub(crate) fn other(self, text: &str) -> String {
        if self.0 {
            free_text(text)
        } else {
            text.to_owned()
        }
    }
}

/// Masks every run of digits that may be a number.
pub(crate) fn free_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let end = from
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(from.len());
        let (digits, behind) = from.split_at(end);
        out.push_str(before);
        out.push_str(&mask(digits));
        rest = behind;
    }
    out + rest
}

/// `+254712345678` becomes `+254…78`; short runs stay.
fn mask(number: &str) -> String {
    let (plus, digits) = match number.strip_prefix('+') {
        Some(digits) => ("+", digits),
        None => ("", number),
    };
    if digits.len() < NUMBER_DIGITS || !digits.is_ascii() {
        return number.to_owned();
    }
    format!("{plus}{}…{}", &digits[..3], &digits[digits.len() - 2..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_country_and_two_digits() {
        assert_eq!(Redact(true).number("+254712345678"), "+254…78");
        assert_eq!(Redact(false).number("+254712345678"), "+254712345678");
    }

    #[test]
    fn names_and_reasons_lose_their_numbers_only() {
        assert_eq!(
            Redact(true).other("254712345678.690>2348031234567#57"),
            "254…78.690>234…67#57"
        );
        assert_eq!(
            free_text("no identity +254712345678 on slot 1"),
            "no identity +254…78 on slot 1"
        );
    }

    #[test]
    fn texts_and_cards_are_left_out() {
        assert_eq!(Redact(true).text("habari 😀"), "[8 characters]");
        assert_eq!(Redact(true).hidden("8925402"), "[redacted]");
    }
}
