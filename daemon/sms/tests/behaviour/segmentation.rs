//! Counting and cutting.

use proptest::prelude::*;
use twine_sms::limits::{MAX_PARTS, MAX_USER_DATA_OCTETS};
use twine_sms::pdu::user_data::text_of;
use twine_sms::pdu::{Payload, UserData};
use twine_sms::{
    Encoding, Language, ReferenceSize, Segments, TableSet, TooManyParts, segments, split,
};

use crate::strategies::{reference_size, tables, text};

fn counted(text: &str, tables: &TableSet) -> (String, u8, u8) {
    let Segments {
        encoding,
        count,
        units_left,
    } = segments(text, tables).unwrap();
    (encoding.to_string(), count, units_left)
}

fn gsm7(count: u8, left: u8) -> (String, u8, u8) {
    ("gsm7".to_owned(), count, left)
}

fn ucs2(count: u8, left: u8) -> (String, u8, u8) {
    ("ucs2".to_owned(), count, left)
}

#[test]
fn the_counter_turns_where_everybody_says() {
    let none = TableSet::NONE;
    let a = |count| "a".repeat(count);
    assert_eq!(counted("", &none), gsm7(1, 160));
    assert_eq!(counted(&a(160), &none), gsm7(1, 0));
    assert_eq!(counted(&a(161), &none), gsm7(2, 145));
    assert_eq!(counted(&a(306), &none), gsm7(2, 0));
    assert_eq!(counted(&a(307), &none), gsm7(3, 152));
    let kha = |count| "ж".repeat(count);
    assert_eq!(counted(&kha(70), &none), ucs2(1, 0));
    assert_eq!(counted(&kha(71), &none), ucs2(2, 63));
    assert_eq!(counted(&kha(134), &none), ucs2(2, 0));
    assert_eq!(counted(&kha(135), &none), ucs2(3, 66));
}

#[test]
fn what_is_not_cut_costs_room() {
    let none = TableSet::NONE;
    // 80 euro signs are 160 septets; of 81 the first part takes 76, one septet
    // stays empty.
    assert_eq!(counted(&"€".repeat(80), &none), gsm7(1, 0));
    assert_eq!(counted(&"€".repeat(81), &none), gsm7(2, 143));
    // Of 36 emoji the first part takes 33, one unit stays empty.
    assert_eq!(counted(&"😀".repeat(35), &none), ucs2(1, 0));
    assert_eq!(counted(&"😀".repeat(36), &none), ucs2(2, 61));
    let euros = "€".repeat(81);
    let cut = split(&euros, &none, ReferenceSize::Bits8).unwrap();
    let lengths: Vec<_> = cut.parts().map(|part| part.chars().count()).collect();
    assert_eq!(lengths, [76, 5]);
}

#[test]
fn room_is_that_of_the_standard() {
    use Language::{Spanish, Turkish};
    let (one, two) = (Some(Turkish), Some(Spanish));
    let gsm = |locking, single| Encoding::Gsm7 { locking, single };
    let rows = [
        (Encoding::GSM7, [160, 153, 152]),
        (gsm(one, None), [155, 149, 148]),
        (gsm(None, two), [155, 149, 148]),
        (gsm(one, two), [152, 146, 145]),
        (Encoding::Ucs2, [70, 67, 66]),
    ];
    for (encoding, [alone, short, long]) in rows {
        assert_eq!(encoding.units_of_one(), alone, "{encoding}");
        assert_eq!(
            encoding.units_of_part(ReferenceSize::Bits8),
            short,
            "{encoding}"
        );
        assert_eq!(
            encoding.units_of_part(ReferenceSize::Bits16),
            long,
            "{encoding}"
        );
    }
}

#[test]
fn the_cheapest_encoding_wins_and_only_among_those_allowed() {
    let turkish = "Şişli'de hava çok güzel, yarın görüşürüz";
    assert_eq!(counted(turkish, &TableSet::NONE), ucs2(1, 70 - 40));
    let single = TableSet::NONE.with_single(Language::Turkish);
    // Ş ş ç ı ş escaped: 5 septets more. ü and ö are in the default alphabet.
    let (name, ..) = counted(turkish, &single);
    assert_eq!(name, "gsm7-single-tr");
    assert_eq!(counted(turkish, &single).2, 155 - 45);
    let both = single.with_locking(Language::Turkish);
    assert_eq!(
        counted(turkish, &both),
        ("gsm7-locking-tr".to_owned(), 1, 155 - 40)
    );
    // What is in no table is in none of all tables either.
    for nowhere in ["\0", "\u{1b}", "ж", "😀"] {
        assert_eq!(counted(nowhere, &TableSet::ALL).0, "ucs2", "{nowhere:?}");
    }
    // Nothing gained: the default alphabet.
    assert_eq!(counted("plain", &TableSet::ALL), gsm7(1, 155));
    // Hindi needs its locking table, and the single one for capitals.
    let hindi = TableSet::NONE.with(Language::Hindi);
    assert_eq!(counted("नमस्ते", &hindi).0, "gsm7-locking-hi");
    assert_eq!(counted("नमस्ते A", &hindi).0, "gsm7-locking-hi-single-hi");
    assert_eq!(
        counted("नमस्ते A", &TableSet::NONE.with_locking(Language::Hindi)).0,
        "ucs2"
    );
    // Two languages at once: one locks, the other shifts.
    let mixed = TableSet::NONE.with(Language::Hindi).with(Language::Turkish);
    assert_eq!(counted("नमस्ते ığ", &mixed).0, "gsm7-locking-hi-single-tr");
}

#[test]
fn more_parts_than_possible_say_how_many() {
    let most = "a".repeat(MAX_PARTS * 153);
    assert_eq!(counted(&most, &TableSet::NONE), gsm7(255, 0));
    let error = segments(&format!("{most}a"), &TableSet::NONE).unwrap_err();
    assert_eq!(error, TooManyParts { parts: 256 });
    assert_eq!(
        error.to_string(),
        "the text would take 256 parts, and 255 are possible; shorten it"
    );
    assert_eq!(
        split(&most, &TableSet::NONE, ReferenceSize::Bits16).map(|_| ()),
        Err(TooManyParts { parts: 257 })
    );
}

proptest! {
    #[test]
    fn parts_are_the_text_and_fit_exactly(
        text in text(), tables in tables(), size in reference_size(), reference in any::<u16>()
    ) {
        let cut = split(&text, &tables, size).unwrap();
        prop_assert_eq!(cut.parts().collect::<String>(), text.as_str());
        prop_assert_eq!(cut.parts().len(), usize::from(cut.segments().count));
        if size == ReferenceSize::Bits8 {
            prop_assert_eq!(segments(&text, &tables), Ok(cut.segments()));
        }
        let data = UserData::of_split(&cut, reference);
        prop_assert_eq!(data.len(), cut.parts().len());
        prop_assert_eq!(text_of(&data), Some(text.clone()));
        let encoding = cut.encoding();
        let room = if data.len() == 1 {
            encoding.units_of_one()
        } else {
            encoding.units_of_part(size)
        };
        for (index, (data, part)) in data.iter().zip(cut.parts()).enumerate() {
            prop_assert_eq!(data.text(), Some(part.to_owned()));
            let units = match data.payload() {
                Payload::Septets(septets) => septets.len(),
                Payload::Octets(octets) => octets.len() / 2,
            };
            let left = room - units;
            if index + 1 == cut.parts().len() {
                prop_assert_eq!(left, usize::from(cut.segments().units_left));
            } else {
                // Full, or the next character did not fit whole.
                prop_assert!(left <= 1);
            }
            prop_assert!(usize::from(data.length()) <= MAX_USER_DATA_OCTETS * 8 / 7);
            let place = data.concatenation();
            prop_assert_eq!(place.is_some(), cut.parts().len() > 1);
            if let Some(place) = place {
                prop_assert_eq!(usize::from(place.index()), index + 1);
                prop_assert_eq!(usize::from(place.count()), cut.parts().len());
                prop_assert_eq!(place.reference(), size.cut(reference));
            }
        }
    }

    /// Against every single pair of tables, tried one by one.
    #[test]
    fn no_allowed_pair_of_tables_is_cheaper(text in text(), tables in tables()) {
        let found = segments(&text, &tables).unwrap();
        let pairs = std::iter::once(None).chain(tables.locking().map(Some)).flat_map(|locking| {
            std::iter::once(None)
                .chain(tables.single().map(Some))
                .map(move |single| Encoding::Gsm7 { locking, single })
        });
        for encoding in pairs.chain([Encoding::Ucs2]) {
            if let Some((count, left)) = by_hand(&text, encoding) {
                prop_assert!(
                    (usize::from(found.count), std::cmp::Reverse(usize::from(found.units_left)))
                        <= (count, std::cmp::Reverse(left))
                        || encoding == Encoding::Ucs2 && usize::from(found.count) <= count,
                    "{} beats {:?}", encoding, found
                );
            }
        }
        prop_assert_eq!(
            by_hand(&text, found.encoding),
            Some((found.count.into(), found.units_left.into()))
        );
    }
}

/// Parts and room left, the slow way.
fn by_hand(text: &str, encoding: Encoding) -> Option<(usize, usize)> {
    let costs: Vec<usize> = match encoding {
        Encoding::Gsm7 { locking, single } => {
            let alphabet = twine_sms::alphabet::Alphabet::new(locking, single);
            text.chars()
                .map(|c| alphabet.septets(c))
                .collect::<Option<_>>()?
        }
        Encoding::Ucs2 => text.chars().map(char::len_utf16).collect(),
    };
    let all: usize = costs.iter().sum();
    if all <= encoding.units_of_one() {
        return Some((1, encoding.units_of_one() - all));
    }
    let room = encoding.units_of_part(ReferenceSize::Bits8);
    let mut parts = vec![0];
    for cost in costs {
        if parts[parts.len() - 1] + cost > room {
            parts.push(0);
        }
        *parts.last_mut()? += cost;
    }
    Some((parts.len(), room - parts[parts.len() - 1]))
}
