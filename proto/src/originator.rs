//! Who an incoming SMS is from (DELIVERY 27). Whatever the network delivered as
//! originator, an SMS is never lost for it: what is no name becomes one that a person
//! can see. The home plan itself is the agent's: a phone has those of all countries.

use std::borrow::Cow;

use crate::{Peer, SmsName};

/// Stands for a character that cannot be shown.
const UNSHOWN: char = '\u{fffd}';
/// Stands for what was cut off.
const CUT: char = '…';

/// An originator, and whether it had to be made presentable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Originator {
    /// Whose conversation it belongs to.
    pub peer: Peer,
    /// It is not what came.
    pub changed: bool,
}

/// `from` as it came; `e164` what the home plan of the receiving card makes of
/// it, E.164 with plus sign, empty if nothing: only then it is a number.
#[must_use]
pub fn originator(from: &str, e164: &str) -> Originator {
    if let Ok(number) = e164.parse() {
        return Originator {
            peer: Peer::Number(number),
            changed: false,
        };
    }
    let shown = presentable(from);
    let changed = !e164.is_empty() || matches!(shown, Cow::Owned(_));
    Originator {
        peer: Peer::Name(SmsName::new(&shown).unwrap_or(SmsName::UNKNOWN)),
        changed,
    }
}

/// What [`SmsName::new`] takes; borrowed if that is what came.
fn presentable(from: &str) -> Cow<'_, str> {
    let from = from.trim();
    if from.is_empty() {
        return Cow::Owned(SmsName::UNKNOWN.expose().to_owned());
    }
    // A sender may call himself like somebody's number. That is a name, and must
    // not read as the number.
    let disguised = from.starts_with('+');
    if !disguised && SmsName::new(from).is_ok() {
        return Cow::Borrowed(from);
    }
    let mut shown = String::with_capacity(SmsName::MAX_BYTES);
    if disguised {
        shown.push_str(SmsName::UNKNOWN.expose());
    }
    let mut rest = from.chars().peekable();
    while let Some(character) = rest.next() {
        let character = if character.is_control() {
            UNSHOWN
        } else {
            character
        };
        let tail = rest.peek().map_or(0, |_| CUT.len_utf8());
        if shown.len() + character.len_utf8() + tail > SmsName::MAX_BYTES {
            shown.push(CUT);
            break;
        }
        shown.push(character);
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(from: &str, e164: &str) -> (String, bool) {
        let Originator { peer, changed } = originator(from, e164);
        (peer.expose(), changed)
    }

    #[test]
    fn a_number_is_one_only_if_the_home_plan_says_so() {
        let resolved = originator("0712345678", "+254712345678");
        assert!(matches!(resolved.peer, Peer::Number(_)));
        assert!(!resolved.changed);
        assert!(matches!(originator("40404", "").peer, Peer::Name(_)));
        assert_eq!(shown("MPESA", ""), ("MPESA".to_owned(), false));
        // An agent that resolves badly costs the number, not the message.
        assert_eq!(
            shown("0712345678", "+0712"),
            ("0712345678".to_owned(), true)
        );
    }

    #[test]
    fn a_name_that_looks_like_a_number_does_not_read_as_one() {
        let (name, changed) = shown("+254712345678", "");
        assert_eq!((name.as_str(), changed), ("?+254712345678", true));
        assert!(matches!(name.parse(), Ok(Peer::Name(_))));
    }

    #[test]
    fn whatever_came_becomes_a_name() {
        for nothing in ["", "   ", "\u{a0}"] {
            assert_eq!(shown(nothing, ""), ("?".to_owned(), true));
        }
        assert_eq!(
            shown("a\u{0}b\nc", ""),
            ("a\u{fffd}b\u{fffd}c".to_owned(), true)
        );
        let exact = "x".repeat(SmsName::MAX_BYTES);
        assert_eq!(shown(&exact, ""), (exact.clone(), false));
        let (cut, changed) = shown(&"x".repeat(SmsName::MAX_BYTES + 1), "");
        assert_eq!(
            (cut.as_str(), changed),
            (&*format!("{}…", "x".repeat(30)), true)
        );
        // Whatever the size of its characters, and wherever spaces stand.
        for text in ["é", "ዛ", "😀", "+ ", "\u{7}"] {
            for count in 0..40 {
                let (name, _) = shown(&text.repeat(count), "");
                assert!(
                    !name.is_empty() && name.len() <= SmsName::MAX_BYTES,
                    "{name}"
                );
            }
        }
    }
}
