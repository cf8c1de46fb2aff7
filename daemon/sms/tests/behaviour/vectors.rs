//! PDUs that others published, octet for octet.

use twine_sms::pdu::address::TypeOfNumber;
use twine_sms::pdu::status_report::Extra;
use twine_sms::pdu::{
    Address, DataCoding, Deliver, Detected, Direction, Framed, InformationElement, Pdu, ProtocolId,
    Smsc, Status, StatusReport, Submit, UserData, UserDataHeader, ValidityPeriod, detect,
};
use twine_sms::{Encoding, TableSet, split};

use crate::hex;

fn framed(digits: &str, direction: Direction) -> Framed {
    let framed = Framed::decode(&hex(digits), direction).unwrap();
    assert_eq!(framed.encode(), hex(digits));
    framed
}

fn deliver(digits: &str) -> (Option<Address>, Deliver) {
    match framed(digits, Direction::ToPhone) {
        Framed {
            smsc,
            pdu: Pdu::Deliver(deliver),
        } => (smsc, deliver),
        other => panic!("{other:?}"),
    }
}

fn submit(digits: &str) -> Submit {
    match framed(digits, Direction::FromPhone).pdu {
        Pdu::Submit(submit) => submit,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_submit_of_every_tutorial() {
    let submit = submit("0011000B916407281553F80000AA0AE8329BFD4697D9EC37");
    assert_eq!(
        submit,
        Submit {
            reject_duplicates: false,
            status_report: false,
            reply_path: false,
            message_reference: 0,
            destination: Address::dialled("+46708251358").unwrap(),
            protocol: ProtocolId::DEFAULT,
            validity: Some(ValidityPeriod::Relative(0xaa)),
            user_data: UserData::of_text("hellohello", Encoding::GSM7, None).unwrap(),
        }
    );
    assert_eq!(submit.validity.unwrap().seconds(), Some(4 * 24 * 3600));
}

#[test]
fn the_deliver_of_every_tutorial() {
    let (smsc, deliver) =
        deliver("07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37");
    assert_eq!(smsc.unwrap().text(), "+27381000015");
    assert_eq!(deliver.originator.text(), "27838890001");
    assert_eq!(
        deliver.originator.type_of_number(),
        Some(TypeOfNumber::Subscriber)
    );
    assert_eq!(deliver.originator.plan().bits(), 8);
    assert!(!deliver.more_messages);
    let civil = deliver.timestamp.civil().unwrap();
    assert_eq!(civil.to_string(), "1999-03-29 15:16:59 +02:00");
    assert_eq!(civil.unix_s(), 922_713_419);
    assert_eq!(deliver.user_data.text().as_deref(), Some("hellohello"));
}

#[test]
fn a_status_report_as_a_modem_gives_it() {
    let digits = "07914356060013F1065A098136397339F7219011700463802190117004638030";
    let Framed { smsc, pdu } = framed(digits, Direction::ToPhone);
    assert_eq!(smsc.unwrap().text(), "+34656000311");
    let Pdu::StatusReport(report) = pdu else {
        panic!("{pdu:?}");
    };
    assert_eq!(report.message_reference, 0x5a);
    assert_eq!(report.recipient.text(), "639337937");
    assert_eq!(report.timestamp, report.discharge_time);
    assert_eq!(
        report.timestamp.civil().unwrap().to_string(),
        "2012-09-11 07:40:36 +02:00"
    );
    assert_eq!(report.status, Status(0x30));
    assert_eq!(report.extra, Extra::Nothing);
}

#[test]
fn a_name_for_a_number() {
    let name = Address::name("Design@Home").unwrap();
    let deliver = Deliver {
        more_messages: false,
        loop_prevention: false,
        status_report: false,
        reply_path: false,
        originator: name,
        protocol: ProtocolId::DEFAULT,
        timestamp: twine_sms::pdu::Timestamp([0x62, 0x11, 0x52, 0x41, 0x30, 0x70, 0x21]),
        user_data: UserData::of_text("", Encoding::GSM7, None).unwrap(),
    };
    let octets = Pdu::Deliver(deliver).encode();
    // The example of the packing of names: 11 characters, 20 semi-octets.
    assert_eq!(octets[..13], hex("04 14 D0 C4F23C7D760390EF7619"));
    let Pdu::Deliver(again) = Pdu::decode(&octets, Direction::ToPhone).unwrap() else {
        panic!("no deliver");
    };
    assert_eq!(again.originator.text(), "Design@Home");
    assert_eq!(again.originator.type_of_number(), None);
}

#[test]
fn a_header_shifts_septets_to_their_boundary() {
    // Header of the first of two parts with reference CC.
    let text = "a".repeat(161);
    let cut = split(&text, &TableSet::NONE, Default::default()).unwrap();
    let parts = UserData::of_split(&cut, 0xcc);
    let submit = Submit {
        reject_duplicates: false,
        status_report: false,
        reply_path: false,
        message_reference: 0,
        destination: Address::dialled("+46708251358").unwrap(),
        protocol: ProtocolId::DEFAULT,
        validity: None,
        user_data: parts[0].clone(),
    };
    let octets = Pdu::Submit(submit).encode();
    let data = hex("A0 050003CC0201");
    let at = octets.len() - 141;
    assert_eq!(octets[at..at + 7], data);
    // 6 octets are 48 bits; one bit of 0 fills up to 49. "a" is 61.
    assert_eq!(octets[at + 7], 0x61 << 1);
    assert_eq!(octets.len(), at + 141);
}

#[test]
fn a_data_message_goes_to_a_port() {
    let header = UserDataHeader::new(vec![InformationElement::Ports16 {
        destination: 16_000,
        originator: 0,
    }]);
    let payload = twine_sms::pdu::Payload::Octets(vec![1, 2, 3]);
    let data = UserData::new(DataCoding::OCTETS, Some(header), payload).unwrap();
    assert_eq!(data.header().unwrap().ports(), Some((16_000, 0)));
    assert_eq!(data.length(), 10);
    assert_eq!(data.text(), None);
}

#[test]
fn framing_and_direction_are_found_out() {
    let bare = hex("040BC87238880900F10000993092516195800AE8329BFD4697D9EC37");
    let found = detect(&bare, None).unwrap();
    assert!(matches!(
        found,
        Detected {
            pdu: Pdu::Deliver(_),
            smsc: Smsc::Absent,
            ambiguous: false
        }
    ));
    let found = detect(
        &hex("0011000B916407281553F80000AA0AE8329BFD4697D9EC37"),
        None,
    )
    .unwrap();
    assert!(matches!(
        found,
        Detected {
            pdu: Pdu::Submit(_),
            smsc: Smsc::Unset,
            ambiguous: false
        }
    ));
    // The wrong way round it is an error that says so.
    let error = detect(&bare, Some(Direction::FromPhone)).unwrap_err();
    assert!(error.to_string().contains("SMS-DELIVER-REPORT"), "{error}");
}

#[test]
fn a_report_may_bring_more() {
    let report = StatusReport {
        more_messages: true,
        loop_prevention: false,
        of_command: true,
        message_reference: 7,
        recipient: Address::dialled("+254712345678").unwrap(),
        timestamp: twine_sms::pdu::Timestamp([0; 7]),
        discharge_time: twine_sms::pdu::Timestamp([0xff; 7]),
        status: Status::RECEIVED,
        protocol: Some(ProtocolId(0)),
        extra: Extra::Data(UserData::of_text("ok", Encoding::Ucs2, None).unwrap()),
    };
    let pdu = Pdu::StatusReport(report);
    assert_eq!(
        Pdu::decode(&pdu.encode(), Direction::ToPhone).as_ref(),
        Ok(&pdu)
    );
    // Data without a coding is of the default alphabet.
    let digits = "22 07 0C91 527421436587 00000000000000 FFFFFFFFFFFFFF 00 04 01 61";
    let Pdu::StatusReport(report) = Pdu::decode(&hex(digits), Direction::ToPhone).unwrap() else {
        panic!("no report");
    };
    let Extra::Data(data) = report.extra else {
        panic!("no data");
    };
    assert_eq!(data.text().as_deref(), Some("a"));
    assert_eq!(report.timestamp.civil(), None);
}
