//! Any octets give a PDU or an error, and nothing that is shown in logs tells
//! numbers or texts.

use proptest::prelude::*;
use twine_sms::alphabet::SeptetDecoder;
use twine_sms::pdu::{Address, Direction, Framed, Pdu, detect};
use twine_sms::{Language, TableSet, split};

use crate::hex;

proptest! {
    #[test]
    fn any_octets_give_a_pdu_or_an_error(octets in prop::collection::vec(any::<u8>(), 0..220)) {
        for direction in [Direction::ToPhone, Direction::FromPhone] {
            match Pdu::decode(&octets, direction) {
                Ok(pdu) => prop_assert_eq!(Pdu::decode(&pdu.encode(), direction), Ok(pdu)),
                Err(error) => prop_assert!(error.offset <= octets.len()),
            }
            match Framed::decode(&octets, direction) {
                Ok(framed) => prop_assert_eq!(Framed::decode(&framed.encode(), direction), Ok(framed)),
                Err(error) => prop_assert!(error.offset <= octets.len()),
            }
        }
        drop(detect(&octets, None));
    }

    #[test]
    fn any_septets_are_some_text(septets in any::<Vec<u8>>(), language in 0_u8..16) {
        let language = Language::from_identifier(language);
        let mut text = String::new();
        SeptetDecoder::new(language, language).decode(&septets, &mut text);
        prop_assert!(text.chars().count() <= septets.len());
    }
}

#[test]
fn errors_say_field_place_and_what_was_expected() {
    let cases = [
        (
            Direction::ToPhone,
            "",
            "TP-Message-Type-Indicator, octet 0: expected 1 octet(s), 0 left",
        ),
        (
            Direction::ToPhone,
            "01",
            "TP-Message-Type-Indicator, octet 0: type 01 to the phone is SMS-SUBMIT-REPORT; expected \
             SMS-DELIVER (00) or SMS-STATUS-REPORT (10) to the phone, or SMS-SUBMIT (01) from it",
        ),
        (
            Direction::ToPhone,
            "0415",
            "TP-Originating-Address, octet 1: 21 semi-octets, at most 20 are possible",
        ),
        (
            Direction::ToPhone,
            "040411",
            "TP-Originating-Address, octet 2: type of address 11, expected 80 to FF",
        ),
        (
            Direction::ToPhone,
            "04049121",
            "TP-Originating-Address, octet 3: expected 2 octet(s), 1 left",
        ),
        (
            Direction::ToPhone,
            "0404912F430000",
            "TP-Originating-Address, octet 3: end mark F between digits, expected 0 to 9, *, #, a, \
             b or c",
        ),
        (
            Direction::FromPhone,
            "1100049121430000AAA1",
            "TP-User-Data-Length, octet 9: 161 septets, at most 160 are possible in 140 octets",
        ),
        (
            Direction::FromPhone,
            "1100049121430000AA0AE8329B",
            "TP-User-Data, octet 10: expected 9 octet(s), 3 left",
        ),
        (
            Direction::FromPhone,
            "5100049121430004AA0205000300",
            "TP-User-Data-Header-Length, octet 10: 6 octet(s) of header, 2 in the user data",
        ),
        (
            Direction::FromPhone,
            "5100049121430004AA0403000400",
            "TP-User-Data-Header, octet 11: expected 6 octet(s), 3 left in the header",
        ),
        (
            Direction::FromPhone,
            "1100049121430004AA000102",
            "end of the PDU, octet 10: 2 octet(s) behind the end",
        ),
    ];
    for (direction, octets, expected) in cases {
        let error = Pdu::decode(&hex(octets), direction).unwrap_err();
        assert_eq!(error.to_string(), expected, "{octets}");
    }
    let error = Framed::decode(&hex("0C91"), Direction::ToPhone).unwrap_err();
    assert_eq!(
        error.to_string(),
        "service centre address, octet 0: 12 octets, expected 0 or 2 to 11"
    );
}

#[test]
fn logs_tell_neither_numbers_nor_texts() {
    let framed = Framed::decode(
        &hex("07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37"),
        Direction::ToPhone,
    )
    .unwrap();
    let shown = format!("{framed:?} {:?}", Address::name("Operator"));
    for private in ["2783", "27381", "hello", "Operator", "0xe8", "104"] {
        assert!(!shown.contains(private), "{private} in {shown}");
    }
    let text = "secret".repeat(60);
    let cut = split(&text, &TableSet::NONE, Default::default()).unwrap();
    assert!(!format!("{cut:?}").contains("secret"));
}
