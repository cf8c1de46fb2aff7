//! Fields, one by one.

use twine_sms::pdu::address::AddressError;
use twine_sms::pdu::coding::{CodingGroup, MessageClass, WaitingKind};
use twine_sms::pdu::status::Outcome;
use twine_sms::pdu::timestamp::Civil;
use twine_sms::pdu::user_data::{UserDataError, text_of};
use twine_sms::pdu::{
    Address, DataAlphabet, DataCoding, FailureCause, InformationElement, Payload, ProtocolId,
    Status, Timestamp, UserData, UserDataHeader, ValidityPeriod,
};
use twine_sms::{Encoding, Language};

#[test]
fn data_codings_mean_what_the_standard_says() {
    use CodingGroup::*;
    use DataAlphabet::*;
    let rows = [
        (0x00, General, Gsm7, None, false),
        (0x04, General, Octets, None, false),
        (0x08, General, Ucs2, None, false),
        (0x0c, General, Gsm7, None, false),
        (0x10, General, Gsm7, Some(MessageClass::Flash), false),
        (0x18, General, Ucs2, Some(MessageClass::Flash), false),
        (
            0x13,
            General,
            Gsm7,
            Some(MessageClass::TerminalEquipment),
            false,
        ),
        (0x28, General, Ucs2, None, true),
        (0x48, AutomaticDeletion, Ucs2, None, false),
        (0x80, Reserved, Gsm7, None, false),
        (0xc8, WaitingDiscard, Gsm7, None, false),
        (0xd0, WaitingStore, Gsm7, None, false),
        (0xe8, WaitingStore, Ucs2, None, false),
        (0xf0, CodingAndClass, Gsm7, Some(MessageClass::Flash), false),
        (
            0xf5,
            CodingAndClass,
            Octets,
            Some(MessageClass::MobileEquipment),
            false,
        ),
        (0xf6, CodingAndClass, Octets, Some(MessageClass::Sim), false),
    ];
    for (octet, group, alphabet, class, compressed) in rows {
        let coding = DataCoding(octet);
        assert_eq!(coding.group(), group, "{octet:02x}");
        assert_eq!(coding.alphabet(), alphabet, "{octet:02x}");
        assert_eq!(coding.class(), class, "{octet:02x}");
        assert_eq!(coding.compressed(), compressed, "{octet:02x}");
    }
    let waiting = DataCoding(0xc9).waiting().unwrap();
    assert!(waiting.active && waiting.kind == WaitingKind::Fax);
    assert!(!DataCoding(0xe2).waiting().unwrap().active);
    assert_eq!(DataCoding(0x08).waiting(), None);
}

#[test]
fn times_are_kept_and_read_if_they_are_some() {
    let civil = Civil {
        year: 2026,
        month: 11,
        day: 25,
        hour: 14,
        minute: 3,
        second: 7,
        zone_quarters: -14,
    };
    let time = Timestamp::new(civil).unwrap();
    assert_eq!(time.0, [0x62, 0x11, 0x52, 0x41, 0x30, 0x70, 0x49]);
    assert_eq!(time.civil(), Some(civil));
    assert_eq!(civil.to_string(), "2026-11-25 14:03:07 -03:30");
    assert_eq!(time.unix_s(), Some(1_795_627_987));
    let leap = Civil {
        year: 2024,
        month: 2,
        day: 29,
        ..civil
    };
    assert!(Timestamp::new(leap).is_some());
    for wrong in [
        Civil { year: 2025, ..leap },
        Civil {
            year: 2090,
            ..civil
        },
        Civil { month: 13, ..civil },
        Civil { hour: 24, ..civil },
        Civil {
            zone_quarters: 80,
            ..civil
        },
    ] {
        assert_eq!(Timestamp::new(wrong), None, "{wrong}");
    }
    for octets in [[0; 7], [0xff; 7], [0x62, 0x31, 0x52, 0, 0, 0, 0]] {
        assert_eq!(Timestamp(octets).civil(), None);
    }
}

#[test]
fn validity_periods_are_those_of_the_standard() {
    let rows = [
        (0, 300),
        (143, 12 * 3600),
        (144, 12 * 3600 + 1800),
        (167, 24 * 3600),
        (168, 2 * 86_400),
        (196, 30 * 86_400),
        (197, 5 * 7 * 86_400),
        (255, 63 * 7 * 86_400),
    ];
    for (octet, seconds) in rows {
        let period = ValidityPeriod::Relative(octet);
        assert_eq!(period.seconds(), Some(seconds), "{octet}");
        assert_eq!(ValidityPeriod::at_least(seconds), period);
    }
    assert_eq!(ValidityPeriod::at_least(0), ValidityPeriod::Relative(0));
    assert_eq!(ValidityPeriod::at_least(301), ValidityPeriod::Relative(1));
    assert_eq!(
        ValidityPeriod::at_least(u32::MAX),
        ValidityPeriod::Relative(255)
    );
    let enhanced = |octets| ValidityPeriod::Enhanced(octets).seconds();
    assert_eq!(enhanced([1, 167, 0, 0, 0, 0, 0]), Some(86_400));
    assert_eq!(enhanced([2, 45, 0, 0, 0, 0, 0]), Some(45));
    assert_eq!(
        enhanced([3, 0x10, 0x20, 0x30, 0, 0, 0]),
        Some(3600 + 2 * 60 + 3)
    );
    for none in [
        [0; 7],
        [2, 0, 0, 0, 0, 0, 0],
        [3, 0xff, 0, 0, 0, 0, 0],
        [0x81, 1, 0, 0, 0, 0, 0],
    ] {
        assert_eq!(enhanced(none), None);
    }
}

#[test]
fn addresses_are_checked() {
    assert_eq!(
        Address::dialled("+254712345678").unwrap().text(),
        "+254712345678"
    );
    assert_eq!(Address::dialled("*100#").unwrap().text(), "*100#");
    assert_eq!(
        Address::dialled("+12x"),
        Err(AddressError::Digit { position: 3 })
    );
    assert_eq!(
        Address::dialled("123456789012345678901"),
        Err(AddressError::TooLong {
            length: 21,
            limit: 20
        })
    );
    assert_eq!(
        Address::name("Ж"),
        Err(AddressError::Character { position: 1 })
    );
    assert_eq!(
        Address::name("123456789012"),
        Err(AddressError::TooLong {
            length: 12,
            limit: 11
        })
    );
}

#[test]
fn names_are_those_of_the_standard() {
    let statuses = [
        (0x00, Outcome::Completed, "received by the SME"),
        (
            0x01,
            Outcome::Completed,
            "forwarded by the SC to the SME, delivery cannot be confirmed",
        ),
        (0x20, Outcome::StillTrying, "congestion"),
        (0x30, Outcome::StillTrying, "specific to the SC"),
        (0x46, Outcome::Failed, "validity period expired"),
        (0x63, Outcome::GivenUp, "service rejected"),
        (0x80, Outcome::GivenUp, "reserved"),
    ];
    for (octet, outcome, name) in statuses {
        assert_eq!(
            (Status(octet).outcome(), Status(octet).name()),
            (outcome, name)
        );
    }
    assert!(Status(0).is_received() && !Status(1).is_received());
    assert_eq!(FailureCause(0xd3).name(), "memory capacity exceeded");
    assert_eq!(FailureCause(0x10).name(), "reserved");
    assert_eq!(ProtocolId(0x40).name(), "short message type 0");
    assert_eq!(ProtocolId(0x47).replaces(), Some(7));
    assert_eq!(ProtocolId(0x48).replaces(), None);
}

#[test]
fn user_data_that_does_not_fit_or_is_of_the_other_kind_is_none() {
    let octets = |count| Payload::Octets(vec![0; count]);
    assert!(UserData::new(DataCoding::OCTETS, None, octets(140)).is_ok());
    assert_eq!(
        UserData::new(DataCoding::OCTETS, None, octets(141)),
        Err(UserDataError::TooLong { octets: 141 })
    );
    assert_eq!(
        UserData::new(DataCoding::GSM7, None, octets(1)),
        Err(UserDataError::Coding {
            coding: DataCoding::GSM7
        })
    );
    assert!(UserData::of_text(&"a".repeat(160), Encoding::GSM7, None).is_ok());
    assert!(UserData::of_text(&"a".repeat(161), Encoding::GSM7, None).is_err());
    assert!(matches!(
        UserData::of_text("ж", Encoding::GSM7, None),
        Err(UserDataError::Character(_))
    ));
}

#[test]
fn what_was_cut_in_two_is_whole_in_the_joined_text() {
    // Half a pair at the end of one part, the other half in the next.
    let half = |units: &[u16]| {
        let octets = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        UserData::new(DataCoding::UCS2, None, Payload::Octets(octets)).unwrap()
    };
    let parts = [half(&[0x61, 0xd83d]), half(&[0xde00, 0x62])];
    assert_eq!(text_of(&parts).as_deref(), Some("a😀b"));
    assert_eq!(parts[0].text().as_deref(), Some("a\u{fffd}"));
    // An escape at the end of one part.
    let septets = |septets: &[u8]| {
        UserData::new(DataCoding::GSM7, None, Payload::Septets(septets.to_vec())).unwrap()
    };
    let parts = [septets(&[0x61, 0x1b]), septets(&[0x65, 0x62])];
    assert_eq!(text_of(&parts).as_deref(), Some("a€b"));
    // Parts of different coding, each read as its own.
    let parts = [septets(&[0x61]), half(&[0x436]), septets(&[0x62])];
    assert_eq!(text_of(&parts).as_deref(), Some("aжb"));
    let data = UserData::new(DataCoding::OCTETS, None, Payload::Octets(vec![1])).unwrap();
    assert_eq!(text_of([&parts[0], &data]), None);
}

#[test]
fn shift_tables_of_the_header_are_used_and_reserved_ones_are_not() {
    let encoding = Encoding::Gsm7 {
        locking: Some(Language::Hindi),
        single: Some(Language::Turkish),
    };
    let data = UserData::of_text("नमस्ते ğ", encoding, None).unwrap();
    assert_eq!(data.text().as_deref(), Some("नमस्ते ğ"));
    let header = data.header().unwrap();
    assert_eq!(
        (header.locking_shift(), header.single_shift()),
        (Some(6), Some(1))
    );
    let header = UserDataHeader::new(vec![InformationElement::LockingShift(14)]);
    let payload = Payload::Septets(vec![0x00, 0x61]);
    let data = UserData::new(DataCoding::GSM7, Some(header), payload).unwrap();
    assert_eq!(data.text().as_deref(), Some("@a"));
}
