//! SMS PDUs, as a radio's log or an operator has them.

use twine_sms::pdu::status_report::Extra;
use twine_sms::pdu::user_data::text_of;
use twine_sms::pdu::{DecodeError, DetectError, Direction, Framed, Pdu, Smsc, UserData, detect};
use twine_sms::{ReferenceSize, TableSet, split};

/// Bit 0 of the first byte: from the phone.
pub const FROM_PHONE: u8 = 1 << 0;
/// Bit 1 of the first byte: the service centre's address comes first.
pub const WITH_SMSC: u8 = 1 << 1;

/// The first byte says how to read the rest, a PDU.
///
/// # Panics
///
/// If a promise is broken.
pub fn pdu(input: &[u8]) {
    let Some((&how, octets)) = input.split_first() else {
        return;
    };
    let direction = match how & FROM_PHONE {
        0 => Direction::ToPhone,
        _ => Direction::FromPhone,
    };
    let bare = Pdu::decode(octets, direction);
    let framed = Framed::decode(octets, direction);
    detected(octets, direction, &bare, &framed);
    if how & WITH_SMSC == 0 {
        match bare {
            Ok(pdu) => {
                let again = pdu.encode();
                let read = Pdu::decode(&again, direction);
                assert_eq!(read.as_ref(), Ok(&pdu), "does not read back: {again:02x?}");
                assert!(again.len() <= octets.len() + SPARE, "grows: {again:02x?}");
                read_data(&pdu);
            }
            Err(error) => assert_clear(octets, &error),
        }
    } else {
        match framed {
            Ok(framed) => {
                let again = framed.encode();
                let read = Framed::decode(&again, direction);
                assert_eq!(read, Ok(framed), "does not read back: {again:02x?}");
            }
            Err(error) => assert_clear(octets, &error),
        }
    }
}

/// Octets that may be added: TP-DCS of a report with data that came without.
const SPARE: usize = 1;

/// Whoever does not know the framing reads what whoever knows it does.
fn detected(
    octets: &[u8],
    direction: Direction,
    bare: &Result<Pdu, DecodeError>,
    framed: &Result<Framed, DecodeError>,
) {
    match detect(octets, Some(direction)) {
        Ok(found) => {
            assert_eq!(found.ambiguous, bare.is_ok() && framed.is_ok());
            match framed {
                Ok(framed) => {
                    assert_eq!(found.pdu, framed.pdu);
                    assert_eq!(found.smsc == Smsc::Unset, framed.smsc.is_none());
                }
                Err(_) => {
                    assert_eq!(found.smsc, Smsc::Absent);
                    assert_eq!(bare.as_ref(), Ok(&found.pdu));
                }
            }
        }
        Err(error) => {
            assert!(bare.is_err() && framed.is_err(), "readable: {error}");
            match error {
                DetectError::Empty | DetectError::SmscAlone => {}
                DetectError::Bare(bare) => assert_clear(octets, &bare.error),
                DetectError::Neither { framed, bare } => {
                    assert_clear(octets, &framed.error);
                    assert_clear(octets, &bare.error);
                }
            }
        }
    }
    drop(detect(octets, None));
}

fn assert_clear(octets: &[u8], error: &DecodeError) {
    assert!(error.offset <= octets.len(), "nowhere: {error}");
    let said = error.to_string();
    assert!(said.starts_with(error.field), "which field? {said}");
    assert_eq!(said.lines().count(), 1, "one line: {said}");
}

/// What it says can be shown, and sent on.
fn read_data(pdu: &Pdu) {
    // What is shown in logs must not fail either.
    let _ = format!("{pdu:?}");
    let data = match pdu {
        Pdu::Deliver(deliver) => &deliver.user_data,
        Pdu::Submit(submit) => &submit.user_data,
        Pdu::StatusReport(report) => match &report.extra {
            Extra::Data(data) => data,
            Extra::Nothing | Extra::Coding(_) => return,
        },
    };
    let Some(text) = data.text() else {
        return;
    };
    for tables in [TableSet::NONE, TableSet::ALL] {
        let cut = split(&text, &tables, ReferenceSize::Bits16)
            .unwrap_or_else(|error| panic!("one SMS is too long: {error}"));
        assert_eq!(cut.parts().collect::<String>(), text);
        let parts = UserData::of_split(&cut, 7);
        assert_eq!(
            text_of(&parts).as_deref(),
            Some(&*text),
            "{}",
            cut.encoding()
        );
    }
}
