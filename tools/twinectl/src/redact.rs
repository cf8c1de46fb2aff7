//! What leaves a phone in a report: no number and no text of anyone.
//!
//! Numbers keep their country and last two digits, as in the daemon's log, so
//! that two of them can be told apart.

/// Digits from which on a run is taken for a number or a card: E.164 numbers
/// have at least seven.
const NUMBER_DIGITS: usize = 7;

/// What is left out, and by whom.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Redact {
    /// The user wants a report.
    pub(crate) wanted: bool,
    /// The daemon has left out texts and masked numbers, because the role is
    /// only diagnostics.
    pub(crate) masked: bool,
}

impl Redact {
    /// A number with plus sign.
    pub(crate) fn number(self, number: &str) -> String {
        if self.wanted {
            mask(number)
        } else {
            number.to_owned()
        }
    }

    /// The other side of a conversation: a number, a short code or a name. What
    /// the daemon has masked already stays as it is.
    pub(crate) fn peer(self, peer: &str) -> String {
        if peer.starts_with('+') {
            self.number(peer)
        } else if self.wanted && !peer.is_empty() && !peer.starts_with("[name of ") {
            format!("[name of {} characters]", peer.chars().count())
        } else {
            peer.to_owned()
        }
    }

    /// The text of a message. An empty one of a daemon that leaves texts out is
    /// no empty message.
    pub(crate) fn text(self, text: &str) -> String {
        if self.masked && text.is_empty() {
            "[not shown to diagnostics]".to_owned()
        } else if self.wanted && !text.is_empty() {
            format!("[{} characters]", text.chars().count())
        } else {
            text.to_owned()
        }
    }

    /// What says who someone is and nothing else: a card number, the name of a
    /// network, an address.
    pub(crate) fn hidden(self, text: &str) -> String {
        if self.wanted && !text.is_empty() {
            "[redacted]".to_owned()
        } else {
            text.to_owned()
        }
    }

    /// Anything else that may hold a number, such as a message's name or a
    /// reason.
    pub(crate) fn other(self, text: &str) -> String {
        if self.wanted {
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

    const REPORT: Redact = Redact {
        wanted: true,
        masked: false,
    };

    #[test]
    fn numbers_keep_country_and_two_digits() {
        assert_eq!(REPORT.number("+254712345678"), "+254…78");
        assert_eq!(Redact::default().number("+254712345678"), "+254712345678");
    }

    #[test]
    fn names_of_peers_are_left_out_once() {
        assert_eq!(REPORT.peer("+254712345678"), "+254…78");
        assert_eq!(REPORT.peer("MPESA"), "[name of 5 characters]");
        assert_eq!(REPORT.peer(""), "");
        assert_eq!(REPORT.peer("[name of 5 bytes]"), "[name of 5 bytes]");
        assert_eq!(Redact::default().peer("MPESA"), "MPESA");
    }

    #[test]
    fn names_and_reasons_lose_their_numbers_only() {
        assert_eq!(
            REPORT.other("254712345678.690>2348031234567#57"),
            "254…78.690>234…67#57"
        );
        assert_eq!(
            free_text("no identity +254712345678 on slot 1"),
            "no identity +254…78 on slot 1"
        );
    }

    #[test]
    fn a_text_that_the_daemon_left_out_is_not_shown_as_empty() {
        let masked = Redact {
            wanted: false,
            masked: true,
        };
        assert_eq!(masked.text(""), "[not shown to diagnostics]");
        assert_eq!(Redact::default().text(""), "");
    }

    #[test]
    fn texts_and_cards_are_left_out() {
        assert_eq!(REPORT.text("habari 😀"), "[8 characters]");
        assert_eq!(REPORT.hidden("8925402"), "[redacted]");
    }
}
