//! The mark of uncertain copies, and the hash that names a text.

use proptest::prelude::*;
use twine_sms::fold::hash;
use twine_sms::mark::{mark, plain, read_mark, residue};
use twine_sms::{TableSet, segments};

use crate::strategies::{tables, text};

const NONE: TableSet = TableSet::NONE;

#[test]
fn the_mark_is_the_place_in_the_lane() {
    for (lane_seq, marked) in [
        (0, "a "),
        (1, "a  "),
        (2, "a   "),
        (3, "a    "),
        (4, "a "),
        (57, "a  "),
    ] {
        assert_eq!(mark("a", lane_seq, &NONE).as_deref(), Some(marked));
        assert_eq!(mark("a   ", lane_seq, &NONE).as_deref(), Some(marked));
    }
    assert_eq!(mark("", 0, &NONE).as_deref(), Some(" "));
}

#[test]
fn no_mark_where_it_would_add_a_part() {
    let full = "a".repeat(160);
    assert_eq!(mark(&full, 0, &NONE), None);
    let room_for_two = "a".repeat(158);
    assert!(mark(&room_for_two, 1, &NONE).is_some());
    assert_eq!(mark(&room_for_two, 2, &NONE), None);
    // Spaces that are cut off make room.
    assert!(mark(&format!("{room_for_two}      "), 1, &NONE).is_some());
    // Too long anyway.
    assert_eq!(mark(&"a".repeat(255 * 153), 0, &NONE), None);
    assert_eq!(mark(&"a".repeat(256 * 153), 0, &NONE), None);
}

#[test]
fn what_operators_do_costs_the_mark_only() {
    assert_eq!(read_mark("a  "), ("a", Some(1)));
    assert_eq!(read_mark("a"), ("a", None));
    assert_eq!(read_mark("a\u{a0}"), ("a\u{a0}", None));
    assert_eq!(read_mark("a  \r\n"), ("a  \r\n", None));
    assert_eq!(read_mark("a     "), ("a", None));
    assert_eq!(read_mark("   "), ("", Some(2)));
    assert_eq!(plain(" a \u{a0} "), " a \u{a0}");
    for received in ["a", "a ", "a\u{a0}\u{a0}", "a  \r\n", " a"] {
        assert_eq!(hash(received), hash("a"), "{received:?}");
    }
}

/// Computed by hand from the definition, with another implementation of NFKD and
/// FNV. Both ends of a conversation depend on them: they never change.
#[test]
fn golden_hashes() {
    let golden = [
        ("", 0x2325),
        ("a", 0xec8c),
        ("Habari ya asubuhi! Tutaonana kesho?", 0x2156),
        ("Café №5", 0x2b36),
        ("नमस्ते दुनिया", 0x2b51),
        ("ＡＢＣ１２３", 0x1b05),
        ("👍 👍", 0x0171),
        ("... !!", 0x5e4b),
        ("ß ﬁ Å", 0xbf2d),
    ];
    for (text, expected) in golden {
        assert_eq!(hash(text), expected, "{text:?}: {:#06x}", hash(text));
    }
}

#[test]
fn texts_that_differ_by_more_than_their_dress_differ() {
    assert_eq!(hash("Café, 10 o'clock!"), hash("Cafe\u{301} 10 o clock"));
    assert_eq!(hash("ﬁne ½"), hash("fine 1⁄2"));
    assert_ne!(hash("ok"), hash("OK"));
    assert_ne!(hash("👍"), hash("👎"));
    assert_eq!(hash("👍 👍"), hash("👍👍"));
    assert_eq!(hash("? !"), hash("?!"));
}

proptest! {
    #[test]
    fn a_mark_comes_back_and_costs_nothing(text in text(), lane_seq: u64, tables in tables()) {
        if let Some(marked) = mark(&text, lane_seq, &tables) {
            prop_assert_eq!(read_mark(&marked), (plain(&text), Some(residue(lane_seq))));
            prop_assert_eq!(
                segments(&marked, &tables).unwrap().count,
                segments(plain(&text), &tables).unwrap().count
            );
            prop_assert_eq!(hash(&marked), hash(plain(&text)));
        }
    }

    #[test]
    fn a_plain_text_has_no_mark(text in text()) {
        prop_assert_eq!(read_mark(plain(&text)), (plain(&text), None));
    }
}
