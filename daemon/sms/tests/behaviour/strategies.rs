//! Texts, tables and PDUs to try.

use proptest::prelude::*;
use twine_sms::alphabet::SeptetDecoder;
use twine_sms::pdu::address::{NumberingPlan, TypeOfNumber};
use twine_sms::pdu::status_report::Extra;
use twine_sms::pdu::{
    Address, DataCoding, Deliver, InformationElement, Payload, Pdu, ProtocolId, Status,
    StatusReport, Submit, Timestamp, UserData, UserDataHeader, ValidityPeriod,
};
use twine_sms::reassembly::Concatenation;
use twine_sms::{Language, ReferenceSize, TableSet};

/// Every character of a pair of tables, the space of undefined septets once.
pub(crate) fn characters(locking: Option<Language>, single: Option<Language>) -> Vec<char> {
    let mut septets: Vec<u8> = (0..0x80).filter(|septet| *septet != 0x1b).collect();
    for septet in (0..0x80).filter(|septet| *septet != 0x1b) {
        septets.extend([0x1b, septet]);
    }
    let mut text = String::new();
    SeptetDecoder::new(locking, single).decode(&septets, &mut text);
    let mut characters: Vec<char> = text.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    // Undefined septets are shown as spaces; so no table seems to lack it.
    characters
}

pub(crate) fn language() -> impl Strategy<Value = Language> {
    prop::sample::select(Language::ALL.to_vec())
}

pub(crate) fn reference_size() -> impl Strategy<Value = ReferenceSize> {
    prop_oneof![Just(ReferenceSize::Bits8), Just(ReferenceSize::Bits16)]
}

/// Sets of tables: none, some, all.
pub(crate) fn tables() -> impl Strategy<Value = TableSet> {
    let some = prop::collection::vec((language(), 0..3), 0..5).prop_map(|languages| {
        languages
            .into_iter()
            .fold(TableSet::NONE, |tables, (language, which)| match which {
                0 => tables.with(language),
                1 => tables.with_locking(language),
                _ => tables.with_single(language),
            })
    });
    prop_oneof![Just(TableSet::NONE), some, Just(TableSet::ALL)]
}

/// Texts: of the default alphabet, of one language, of anything.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let of = |locking, single| {
        prop::collection::vec(prop::sample::select(characters(locking, single)), 0..700)
            .prop_map(String::from_iter)
    };
    prop_oneof![
        of(None, None),
        language().prop_flat_map(move |language| of(Some(language), Some(language))),
        ".{0,300}",
        "[a-z ]{0,400}[€{}😀]{0,80}[a-z ]{0,40}",
    ]
}

pub(crate) fn address() -> impl Strategy<Value = Address> {
    let kind = prop::sample::select(vec![
        TypeOfNumber::Unknown,
        TypeOfNumber::International,
        TypeOfNumber::National,
        TypeOfNumber::NetworkSpecific,
        TypeOfNumber::Subscriber,
        TypeOfNumber::Abbreviated,
        TypeOfNumber::Reserved,
    ]);
    let plan = (0_u8..16).prop_map(NumberingPlan::from_bits);
    let number = (kind, plan, "[0-9*#abc]{0,20}")
        .prop_map(|(kind, plan, digits)| Address::number(kind, plan, &digits).unwrap());
    let name = "[A-Za-z0-9 @!]{0,11}".prop_map(|name| Address::name(&name).unwrap());
    prop_oneof![number, name]
}

fn element() -> impl Strategy<Value = InformationElement> {
    let concatenated = (reference_size(), any::<u16>(), 1_u8.., any::<u8>()).prop_map(
        |(size, reference, count, index)| {
            let index = index % count + 1;
            let part = Concatenation::new(size, size.cut(reference), count, index);
            InformationElement::Concatenated(part.unwrap())
        },
    );
    prop_oneof![
        concatenated,
        any::<(u8, u8)>().prop_map(|(destination, originator)| InformationElement::Ports8 {
            destination,
            originator
        }),
        any::<(u16, u16)>().prop_map(|(destination, originator)| InformationElement::Ports16 {
            destination,
            originator
        }),
        (0_u8..16).prop_map(InformationElement::SingleShift),
        (0_u8..16).prop_map(InformationElement::LockingShift),
        (0x30_u8..0x70, prop::collection::vec(any::<u8>(), 0..9))
            .prop_map(|(identifier, data)| InformationElement::Other { identifier, data }),
    ]
}

pub(crate) fn user_data() -> impl Strategy<Value = UserData> {
    let header =
        prop::option::of(prop::collection::vec(element(), 0..5).prop_map(UserDataHeader::new));
    let data = prop::collection::vec(any::<u8>(), 0..=160);
    (any::<u8>(), header, data).prop_map(|(coding, header, mut data)| {
        let coding = DataCoding(coding);
        loop {
            let payload = if coding.is_septets() {
                Payload::Septets(data.clone())
            } else {
                Payload::Octets(data.clone())
            };
            match UserData::new(coding, header.clone(), payload) {
                Ok(fits) => return fits,
                Err(_) => data.truncate(data.len() * 3 / 4),
            }
        }
    })
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    any::<[u8; 7]>().prop_map(Timestamp)
}

fn validity() -> impl Strategy<Value = Option<ValidityPeriod>> {
    prop_oneof![
        Just(None),
        any::<u8>().prop_map(|octet| Some(ValidityPeriod::Relative(octet))),
        any::<[u8; 7]>().prop_map(|octets| Some(ValidityPeriod::Enhanced(octets))),
        timestamp().prop_map(|time| Some(ValidityPeriod::Absolute(time))),
    ]
}

pub(crate) fn pdu() -> impl Strategy<Value = Pdu> {
    let protocol = || any::<u8>().prop_map(ProtocolId);
    let bits = any::<[bool; 4]>();
    let deliver = (bits, address(), protocol(), timestamp(), user_data()).prop_map(
        |(bits, originator, protocol, timestamp, user_data)| {
            Pdu::Deliver(Deliver {
                more_messages: bits[0],
                loop_prevention: bits[1],
                status_report: bits[2],
                reply_path: bits[3],
                originator,
                protocol,
                timestamp,
                user_data,
            })
        },
    );
    let submit = (
        bits,
        any::<u8>(),
        address(),
        protocol(),
        validity(),
        user_data(),
    )
        .prop_map(
            |(bits, message_reference, destination, protocol, validity, user_data)| {
                Pdu::Submit(Submit {
                    reject_duplicates: bits[0],
                    status_report: bits[1],
                    reply_path: bits[2],
                    message_reference,
                    destination,
                    protocol,
                    validity,
                    user_data,
                })
            },
        );
    let extra = prop_oneof![
        Just(Extra::Nothing),
        any::<u8>().prop_map(|octet| Extra::Coding(DataCoding(octet))),
        user_data().prop_map(Extra::Data),
    ];
    let report = (
        (bits, any::<u8>(), address(), timestamp(), timestamp()),
        (any::<u8>(), prop::option::of(protocol()), extra),
    )
        .prop_map(
            |(
                (bits, message_reference, recipient, timestamp, discharge_time),
                (status, protocol, extra),
            )| {
                Pdu::StatusReport(StatusReport {
                    more_messages: bits[0],
                    loop_prevention: bits[1],
                    of_command: bits[2],
                    message_reference,
                    recipient,
                    timestamp,
                    discharge_time,
                    status: Status(status),
                    protocol,
                    extra,
                })
            },
        );
    prop_oneof![deliver, submit, report]
}
