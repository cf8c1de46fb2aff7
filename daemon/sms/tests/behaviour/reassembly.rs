//! Long messages, put together from parts that come as they like.

use std::time::Duration;

use proptest::prelude::*;
use twine_sms::ReferenceSize::{Bits8, Bits16};
use twine_sms::limits::{MAX_PARTIAL_BYTES, MAX_PARTIAL_MESSAGES, PARTIAL_AGE};
use twine_sms::pdu::UserData;
use twine_sms::pdu::user_data::text_of;
use twine_sms::reassembly::{Concatenation, Inserted, Outcome, Reason, Reassembler};
use twine_sms::split;

use crate::strategies::{reference_size, tables, text};

type Texts = Reassembler<&'static str, String>;

fn part(reference: u16, count: u8, index: u8) -> Concatenation {
    Concatenation::new(Bits8, reference, count, index).unwrap()
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn insert(texts: &mut Texts, place: Concatenation, text: &str) -> Inserted<&'static str, String> {
    texts.insert(at(0), "peer", place, text.to_owned())
}

#[test]
fn parts_come_in_any_order() {
    let mut texts = Texts::new();
    let first = insert(&mut texts, part(7, 3, 3), "c").outcome;
    assert!(first == Outcome::Waiting { missing: 2 });
    let second = insert(&mut texts, part(7, 3, 1), "a").outcome;
    assert!(second == Outcome::Waiting { missing: 1 });
    assert_eq!(texts.bytes(), 2);
    let whole = ["a", "b", "c"].map(str::to_owned).to_vec();
    assert!(insert(&mut texts, part(7, 3, 2), "b").outcome == Outcome::Complete(whole));
    assert!(texts.is_empty() && texts.bytes() == 0);
    let alone = insert(&mut texts, part(1, 1, 1), "x").outcome;
    assert!(alone == Outcome::Complete(vec!["x".to_owned()]));
}

#[test]
fn messages_are_told_apart_by_originator_reference_count_and_size() {
    let mut texts = Texts::new();
    insert(&mut texts, part(7, 2, 1), "a");
    let others = [
        ("other", part(7, 2, 2)),
        ("peer", part(8, 2, 2)),
        ("peer", part(7, 3, 2)),
        ("peer", Concatenation::new(Bits16, 7, 2, 2).unwrap()),
    ];
    for (originator, place) in others {
        let inserted = texts.insert(at(0), originator, place, "b".to_owned());
        assert!(
            matches!(inserted.outcome, Outcome::Waiting { .. }),
            "{place:?}"
        );
    }
    assert_eq!(texts.len(), 5);
}

#[test]
fn a_repeated_part_is_a_duplicate_and_another_one_is_another_message() {
    let mut texts = Texts::new();
    insert(&mut texts, part(7, 2, 1), "a");
    assert!(insert(&mut texts, part(7, 2, 1), "a").outcome == Outcome::Duplicate);
    let inserted = insert(&mut texts, part(7, 2, 1), "z");
    assert!(inserted.outcome == Outcome::Waiting { missing: 1 });
    assert_eq!(inserted.given_up.len(), 1);
    assert_eq!(inserted.given_up[0].reason, Reason::Contradicted);
    assert!(inserted.given_up[0].parts == [(1, "a".to_owned())]);
    let whole = ["z", "y"].map(str::to_owned).to_vec();
    assert!(insert(&mut texts, part(7, 2, 2), "y").outcome == Outcome::Complete(whole));
}

#[test]
fn impossible_parts_are_none() {
    for (size, reference, count, index) in [
        (Bits8, 1, 0, 0),
        (Bits8, 1, 2, 0),
        (Bits8, 1, 2, 3),
        (Bits8, 256, 2, 1),
    ] {
        assert_eq!(Concatenation::new(size, reference, count, index), None);
    }
    assert!(Concatenation::new(Bits16, 256, 255, 255).is_some());
}

#[test]
fn what_waits_too_long_is_given_up() {
    let mut texts = Texts::new();
    texts.insert(at(10), "peer", part(1, 3, 1), "a".to_owned());
    texts.insert(at(20), "peer", part(2, 2, 1), "b".to_owned());
    // A new part is a sign of life.
    texts.insert(at(30), "peer", part(1, 3, 2), "c".to_owned());
    assert_eq!(texts.poll_timeout(), Some(at(20) + PARTIAL_AGE));
    assert!(texts.expire(at(19) + PARTIAL_AGE).is_empty());
    let given_up = texts.expire(at(20) + PARTIAL_AGE);
    assert_eq!(given_up.len(), 1);
    assert_eq!(
        (given_up[0].key.reference, given_up[0].reason),
        (2, Reason::Expired)
    );
    let inserted = texts.insert(at(30) + PARTIAL_AGE, "peer", part(1, 3, 3), "d".to_owned());
    assert_eq!(inserted.given_up.len(), 1);
    assert!(inserted.outcome == Outcome::Waiting { missing: 2 });
}

#[test]
fn at_the_limits_the_longest_waiting_goes() {
    let mut texts = Texts::new();
    for reference in 0..MAX_PARTIAL_MESSAGES as u16 {
        assert!(
            insert(&mut texts, part(reference, 2, 1), "a")
                .given_up
                .is_empty()
        );
    }
    let inserted = insert(&mut texts, part(200, 2, 1), "a");
    assert_eq!(inserted.given_up.len(), 1);
    assert_eq!(inserted.given_up[0].key.reference, 0);
    assert_eq!(inserted.given_up[0].reason, Reason::Overflow);
    assert_eq!(texts.len(), MAX_PARTIAL_MESSAGES);

    let mut texts = Texts::new();
    let half = "x".repeat(MAX_PARTIAL_BYTES / 2);
    insert(&mut texts, part(1, 2, 1), &half);
    insert(&mut texts, part(2, 2, 1), &half);
    let inserted = insert(&mut texts, part(3, 2, 1), "y");
    assert_eq!(inserted.given_up[0].key.reference, 1);
    let huge = "x".repeat(MAX_PARTIAL_BYTES + 1);
    assert!(insert(&mut texts, part(4, 2, 1), &huge).outcome == Outcome::TooLarge);
}

proptest! {
    /// Whatever the order, and however often parts are repeated before the last
    /// one comes.
    #[test]
    fn a_split_text_is_put_together_again(
        text in text(), tables in tables(), size in reference_size(),
        keys in prop::collection::vec(any::<u32>(), 255), repeats in any::<bool>()
    ) {
        let cut = split(&text, &tables, size).unwrap();
        let data = UserData::of_split(&cut, 0x1234);
        let mut order: Vec<usize> = (0..data.len()).collect();
        order.sort_by_key(|index| keys[*index]);
        let mut waiting = Reassembler::new();
        for (came, index) in order.iter().enumerate() {
            let part = &data[*index];
            let count = data.len() as u8;
            let place = part.concatenation().or(Concatenation::new(size, 0, 1, 1)).unwrap();
            prop_assert_eq!(place.count(), count);
            let inserted = waiting.insert(at(0), "peer", place, part.clone());
            prop_assert!(inserted.given_up.is_empty());
            let missing = data.len() - came - 1;
            if missing == 0 {
                let Outcome::Complete(parts) = inserted.outcome else {
                    return Err(TestCaseError::fail("not complete"));
                };
                prop_assert_eq!(text_of(&parts), Some(text.clone()));
            } else {
                let expected = Outcome::Waiting { missing: missing as u8 };
                prop_assert!(inserted.outcome == expected);
                if repeats {
                    let again = waiting.insert(at(0), "peer", place, part.clone());
                    prop_assert!(again.outcome == Outcome::Duplicate);
                }
            }
        }
        prop_assert!(waiting.is_empty() && waiting.bytes() == 0);
    }
}
