//! SMS PDUs: published ones, one of each kind, and broken ones.

use twine_sms::pdu::address::{NumberingPlan, TypeOfNumber};
use twine_sms::pdu::status_report::Extra;
use twine_sms::pdu::{
    Address, DataCoding, Deliver, Framed, InformationElement, Payload, Pdu, ProtocolId, Status,
    StatusReport, Submit, Timestamp, UserData, UserDataHeader, ValidityPeriod,
};
use twine_sms::reassembly::Concatenation;
use twine_sms::{Encoding, Language, ReferenceSize, TableSet, split};

use super::Seed;
use crate::sms::{FROM_PHONE, WITH_SMSC};

const NOON: Timestamp = Timestamp([0x62, 0x11, 0x52, 0x21, 0, 0, 0x21]);

/// For [`crate::sms::pdu`].
#[must_use]
pub fn pdus() -> Vec<Seed> {
    let text = |text, encoding| UserData::of_text(text, encoding, None).ok();
    let hindi = Encoding::Gsm7 {
        locking: Some(Language::Hindi),
        single: Some(Language::Turkish),
    };
    let mut seeds = vec![
        (
            "published-submit",
            whole(
                FROM_PHONE | WITH_SMSC,
                "0011000B916407281553F80000AA0AE8329BFD4697D9EC37",
            ),
        ),
        (
            "published-deliver",
            whole(
                WITH_SMSC,
                "07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37",
            ),
        ),
        (
            "published-status-report",
            whole(
                WITH_SMSC,
                "07914356060013F1065A098136397339F7219011700463802190117004638030",
            ),
        ),
        ("empty-text", deliver(text("", Encoding::GSM7))),
        ("escapes", deliver(text("20 € [ok] {~}", Encoding::GSM7))),
        ("ucs2", deliver(text("ж😀", Encoding::Ucs2))),
        ("shift-tables", deliver(text("नमस्ते ğ", hindi))),
        ("first-part", deliver(part(0))),
        (
            "last-part",
            submit(part(1), Some(ValidityPeriod::Relative(0xaa))),
        ),
        (
            "half-a-pair",
            deliver(data(0x08, None, Payload::Octets(vec![0xd8, 0x3d]))),
        ),
        (
            "odd-ucs2",
            deliver(data(0x08, None, Payload::Octets(vec![0, 0x61, 0]))),
        ),
        (
            "flash",
            deliver(data(0x10, None, Payload::Septets(vec![0x61]))),
        ),
        (
            "waiting",
            deliver(data(0xc8, None, Payload::Septets(Vec::new()))),
        ),
        (
            "compressed",
            deliver(data(0x20, None, Payload::Octets(vec![1, 2, 3]))),
        ),
        (
            "to-a-port",
            deliver(data(0x04, ports(), Payload::Octets(vec![1, 2]))),
        ),
        (
            "header-alone",
            deliver(data(0x00, Some(Vec::new()), Payload::Septets(Vec::new()))),
        ),
        (
            "many-elements",
            deliver(data(0x00, elements(), Payload::Septets(vec![0x61; 8]))),
        ),
        ("validity-none", submit(text("a", Encoding::GSM7), None)),
        (
            "validity-enhanced",
            submit(
                text("a", Encoding::GSM7),
                Some(ValidityPeriod::Enhanced([3, 0x10, 0x20, 0x30, 0, 0, 0])),
            ),
        ),
        (
            "validity-absolute",
            submit(
                text("a", Encoding::GSM7),
                Some(ValidityPeriod::Absolute(NOON)),
            ),
        ),
        (
            "report-with-coding",
            report(Extra::Coding(DataCoding::UCS2)),
        ),
        (
            "report-with-text",
            report(text("ok", Encoding::Ucs2).map_or(Extra::Nothing, Extra::Data)),
        ),
    ];
    seeds.extend(broken());
    seeds
}

fn broken() -> Vec<Seed> {
    vec![
        ("nothing", vec![0]),
        ("deliver-report", whole(FROM_PHONE, "000000")),
        ("reserved-type", whole(0, "0300")),
        ("service-centre-too-long", whole(WITH_SMSC, "0C91")),
        ("address-too-long", whole(0, "0415912143")),
        ("address-cut", whole(0, "04049121")),
        ("end-mark-inside", whole(0, "0404912F430000")),
        ("type-of-address", whole(0, "0404112143")),
        ("text-too-long", whole(FROM_PHONE, "1100049121430000AAA1")),
        ("text-cut", whole(FROM_PHONE, "1100049121430000AA0AE8329B")),
        (
            "header-too-long",
            whole(FROM_PHONE, "5100049121430004AA0205000300"),
        ),
        (
            "element-too-long",
            whole(FROM_PHONE, "5100049121430004AA0403000400"),
        ),
        (
            "header-in-one-septet",
            whole(FROM_PHONE, "5100049121430000AA0100"),
        ),
        (
            "part-three-of-two",
            whole(FROM_PHONE, "5100049121430004AA06050003070203"),
        ),
        (
            "something-behind",
            whole(FROM_PHONE, "1100049121430004AA000102"),
        ),
        (
            "padding-behind",
            whole(FROM_PHONE, "1100049121430004AA00FFFFFFFF"),
        ),
        (
            "parameters-without-end",
            whole(
                0,
                "065A098136397339F721901170046380219011700463803080808080",
            ),
        ),
    ]
}

/// How to read it, then octets of hexadecimal digits.
fn whole(how: u8, digits: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
    let pairs = digits.as_bytes().chunks(2);
    let octets = pairs.map(|pair| (digit(pair[0]) << 4) | digit(pair[1]));
    std::iter::once(how).chain(octets).collect()
}

fn framed(how: u8, pdu: Pdu) -> Vec<u8> {
    let smsc = Address::dialled("+254700000001").ok();
    let octets = Framed { smsc, pdu }.encode();
    std::iter::once(how | WITH_SMSC).chain(octets).collect()
}

fn bare(how: u8, pdu: &Pdu) -> Vec<u8> {
    std::iter::once(how).chain(pdu.encode()).collect()
}

fn deliver(data: Option<UserData>) -> Vec<u8> {
    let (Some(user_data), Ok(originator)) = (data, Address::name("Operator 1")) else {
        return Vec::new();
    };
    let deliver = Deliver {
        more_messages: true,
        loop_prevention: false,
        status_report: true,
        reply_path: false,
        originator,
        protocol: ProtocolId::DEFAULT,
        timestamp: NOON,
        user_data,
    };
    framed(0, Pdu::Deliver(deliver))
}

fn submit(data: Option<UserData>, validity: Option<ValidityPeriod>) -> Vec<u8> {
    let plan = NumberingPlan::from_bits(9);
    let destination = Address::number(TypeOfNumber::National, plan, "*1#20abc4");
    let (Some(user_data), Ok(destination)) = (data, destination) else {
        return Vec::new();
    };
    let submit = Submit {
        reject_duplicates: true,
        status_report: true,
        reply_path: true,
        message_reference: 42,
        destination,
        protocol: ProtocolId(0x41),
        validity,
        user_data,
    };
    bare(FROM_PHONE, &Pdu::Submit(submit))
}

fn report(extra: Extra) -> Vec<u8> {
    let Ok(recipient) = Address::dialled("+2348031234567") else {
        return Vec::new();
    };
    let report = StatusReport {
        more_messages: false,
        loop_prevention: true,
        of_command: true,
        message_reference: 42,
        recipient,
        timestamp: NOON,
        discharge_time: Timestamp([0xff; 7]),
        status: Status(0x46),
        protocol: Some(ProtocolId::DEFAULT),
        extra,
    };
    bare(0, &Pdu::StatusReport(report))
}

fn data(
    coding: u8,
    elements: Option<Vec<InformationElement>>,
    payload: Payload,
) -> Option<UserData> {
    let header = elements.map(UserDataHeader::new);
    UserData::new(DataCoding(coding), header, payload).ok()
}

fn part(index: usize) -> Option<UserData> {
    let text = "Tutaonana kesho saa nne [€]. ".repeat(7);
    let cut = split(&text, &TableSet::NONE, ReferenceSize::Bits8).ok()?;
    UserData::of_split(&cut, 0xcc).into_iter().nth(index)
}

fn ports() -> Option<Vec<InformationElement>> {
    Some(vec![InformationElement::Ports16 {
        destination: 16_000,
        originator: 0,
    }])
}

fn elements() -> Option<Vec<InformationElement>> {
    let part = Concatenation::new(ReferenceSize::Bits16, 0xbeef, 3, 2)?;
    Some(vec![
        InformationElement::Concatenated(part),
        InformationElement::Ports8 {
            destination: 240,
            originator: 1,
        },
        InformationElement::SingleShift(1),
        InformationElement::LockingShift(14),
        InformationElement::Other {
            identifier: 0x22,
            data: vec![4, 0x91, 0x21, 0x43],
        },
    ])
}
