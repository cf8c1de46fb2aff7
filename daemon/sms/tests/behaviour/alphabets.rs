//! Characters, septets, and what phones do with what they do not know.

use proptest::prelude::*;
use twine_sms::alphabet::{Alphabet, ESCAPE, NotInAlphabet, SeptetDecoder, pack, unpack};
use twine_sms::language::UnknownTable;
use twine_sms::utf16::{UnpairedSurrogate, from_utf16};
use twine_sms::{Language, TableSet};

use crate::hex;
use crate::strategies::characters;

fn decoded(locking: Option<Language>, single: Option<Language>, septets: &[u8]) -> String {
    let mut text = String::new();
    SeptetDecoder::new(locking, single).decode(septets, &mut text);
    text
}

fn encoded(locking: Option<Language>, single: Option<Language>, text: &str) -> Vec<u8> {
    let mut septets = Vec::new();
    Alphabet::new(locking, single)
        .encode(text, &mut septets)
        .unwrap();
    septets
}

#[test]
fn every_character_of_every_pair_of_tables_comes_back() {
    let languages = || std::iter::once(None).chain(Language::ALL.map(Some));
    for locking in languages() {
        for single in languages() {
            let text = String::from_iter(characters(locking, single));
            let septets = encoded(locking, single, &text);
            assert_eq!(
                decoded(locking, single, &septets),
                text,
                "{locking:?} {single:?}"
            );
            let alphabet = Alphabet::new(locking, single);
            let counted: usize = text.chars().map(|c| alphabet.septets(c).unwrap()).sum();
            assert_eq!(counted, septets.len());
        }
    }
}

/// Rows of the tables in TS 23.038, read by hand.
#[test]
fn tables_have_what_the_standard_prints() {
    use Language::*;
    let default = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ";
    assert_eq!(decoded(None, None, &(0..0x1b).collect::<Vec<_>>()), default);
    assert_eq!(
        decoded(None, None, &[0x24, 0x40, 0x5b, 0x5f, 0x60, 0x7f]),
        "¤¡Ä§¿à"
    );
    assert_eq!(
        decoded(
            None,
            None,
            &hex("1b0a 1b14 1b28 1b29 1b2f 1b3c 1b3d 1b3e 1b40 1b65")
        ),
        "\u{c}^{}\\[~]|€"
    );
    assert_eq!(
        decoded(Some(Turkish), None, &hex("04 07 0b 0c 1c 1d 40 60")),
        "€ıĞğŞşİç"
    );
    assert_eq!(
        decoded(
            None,
            Some(Turkish),
            &hex("1b47 1b49 1b53 1b63 1b67 1b69 1b73")
        ),
        "ĞİŞçğış"
    );
    assert_eq!(
        decoded(
            None,
            Some(Spanish),
            &hex("1b09 1b41 1b49 1b4f 1b55 1b61 1b75")
        ),
        "çÁÍÓÚáú"
    );
    assert_eq!(
        decoded(Some(Portuguese), None, &hex("04 0b 12 15 17 5b 7b 7d")),
        "êÔª∞\\Ãã`"
    );
    assert_eq!(
        decoded(None, Some(Portuguese), &hex("1b05 1b12 1b61 1b7b 1b7f")),
        "êΦÂãâ"
    );
    // First letters, and the sign at 4F or so, of each Indic script.
    let ka = [
        (Bengali, 0x15, "ক"),
        (Gujarati, 0x15, "ક"),
        (Hindi, 0x15, "क"),
        (Kannada, 0x15, "ಕ"),
        (Malayalam, 0x15, "ക"),
        (Oriya, 0x15, "କ"),
        (Punjabi, 0x15, "ਕ"),
        (Tamil, 0x15, "க"),
        (Telugu, 0x15, "క"),
        (Urdu, 0x47, "ک"),
    ];
    for (language, septet, letter) in ka {
        assert_eq!(
            decoded(Some(language), None, &[septet]),
            letter,
            "{language}"
        );
        let letters = decoded(Some(language), None, &hex("20 21 2c 2e 30 39 61 7a"));
        assert_eq!(letters, " !,.09az", "{language}");
        assert_eq!(
            decoded(None, Some(language), &hex("1b41 1b5a 1b65")),
            "AZ€",
            "{language}"
        );
    }
    assert_eq!(decoded(Some(Kannada), None, &[0x24]), "ಡ");
}

#[test]
fn what_a_phone_does_not_know_it_shows_as_the_standard_says() {
    // Not in the extension table: the main table's character.
    assert_eq!(decoded(None, None, &[ESCAPE, 0x61]), "a");
    assert_eq!(decoded(Some(Language::Turkish), None, &[ESCAPE, 0x04]), "€");
    // Escape behind escape: a space, until there is another table.
    assert_eq!(decoded(None, None, &[ESCAPE, ESCAPE, 0x61]), " a");
    // Cut off.
    assert_eq!(decoded(None, None, &[0x61, ESCAPE]), "a");
    // Undefined.
    assert_eq!(decoded(Some(Language::Tamil), None, &[0x16]), " ");
}

#[test]
fn a_character_that_is_not_there_is_named_with_its_place() {
    let error = Alphabet::default_tables()
        .encode("aé😀", &mut Vec::new())
        .unwrap_err();
    assert_eq!(
        error,
        NotInAlphabet {
            code_point: 0x1f600,
            offset: 3
        }
    );
    assert_eq!(
        error.to_string(),
        "U+1F600 at byte 3 is not in the alphabet"
    );
    for none in ['\0', '\u{1b}', 'ç', 'ğ', '\u{ffff}'] {
        assert_eq!(Alphabet::default_tables().septets(none), None, "{none:?}");
    }
}

#[test]
fn packing_is_that_of_the_standard() {
    let cases = [
        ("hellohello", "e8329bfd4697d9ec37"),
        // Seven characters leave seven bits, eight fill seven octets.
        ("1234567", "31d98c56b3dd00"),
        ("12345678", "31d98c56b3dd70"),
        ("", ""),
    ];
    for (text, packed) in cases {
        let mut octets = Vec::new();
        pack(&encoded(None, None, text), 0, &mut octets);
        assert_eq!(octets, hex(packed), "{text}");
        assert_eq!(unpack(&octets, 0, text.len()), encoded(None, None, text));
    }
}

#[test]
fn table_sets_read_as_documented() {
    assert_eq!("".parse(), Ok(TableSet::NONE));
    let tables: TableSet = "tr, es-single,hi-locking".parse().unwrap();
    assert!(tables.locking().eq([Language::Turkish, Language::Hindi]));
    assert!(tables.single().eq([Language::Turkish, Language::Spanish]));
    assert!(TableSet::ALL.locking().count() == 12 && TableSet::ALL.single().count() == 13);
    for wrong in ["xx", "tr,", "tr-", "tr-both", "es-locking", "TR"] {
        let error = wrong.parse::<TableSet>().map(|_| ()).unwrap_err();
        let UnknownTable(name) = &error;
        assert!(
            error.to_string().contains(&format!("no table \"{name}\"")),
            "{error}"
        );
    }
}

#[test]
fn an_unpaired_surrogate_is_named_with_its_position() {
    let units: Vec<u16> = "a😀b".encode_utf16().collect();
    assert_eq!(from_utf16(&units).as_deref(), Ok("a😀b"));
    for (position, wrong) in [
        (1, vec![0x61, 0xd83d, 0x62]),
        (3, vec![0x61, 0xd83d, 0xde00, 0xde00]),
    ] {
        let error = from_utf16(&wrong).unwrap_err();
        let unit = wrong[position];
        assert_eq!(error, UnpairedSurrogate { position, unit });
    }
}

proptest! {
    #[test]
    fn packed_septets_come_back(septets in prop::collection::vec(0_u8..0x80, 0..200), fill in 0_u8..7) {
        let mut octets = Vec::new();
        pack(&septets, fill, &mut octets);
        prop_assert_eq!(unpack(&octets, fill, septets.len()), septets);
    }

    #[test]
    fn septets_decode_the_same_in_pieces(septets in any::<Vec<u8>>(), at in any::<prop::sample::Index>()) {
        let (one, two) = septets.split_at(at.index(septets.len() + 1));
        let mut decoder = SeptetDecoder::new(None, None);
        let mut text = String::new();
        decoder.decode(one, &mut text);
        decoder.decode(two, &mut text);
        prop_assert_eq!(text, decoded(None, None, &septets));
    }

    #[test]
    fn utf16_comes_back(text in ".*") {
        let units: Vec<u16> = text.encode_utf16().collect();
        prop_assert_eq!(from_utf16(&units), Ok(text));
    }
}
