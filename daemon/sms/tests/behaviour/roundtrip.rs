//! What is encoded decodes to itself.

use proptest::prelude::*;
use twine_sms::pdu::{Framed, Pdu, Smsc, detect};

use crate::strategies::{address, pdu};

proptest! {
    #[test]
    fn a_pdu_comes_back(pdu in pdu()) {
        let octets = pdu.encode();
        let again = Pdu::decode(&octets, pdu.direction());
        prop_assert_eq!(again.as_ref(), Ok(&pdu));
        // As a record of a SIM, padded.
        let mut padded = octets;
        padded.resize(176, 0xff);
        prop_assert_eq!(Pdu::decode(&padded, pdu.direction()), Ok(pdu));
    }

    #[test]
    fn a_pdu_behind_its_service_centre_comes_back(pdu in pdu(), smsc in address()) {
        // Names and empty numbers are no service centres.
        let has_digits = !smsc.text().trim_start_matches('+').is_empty();
        let smsc = (has_digits && smsc.type_of_number().is_some()).then_some(smsc);
        let framed = Framed { smsc, pdu };
        let octets = framed.encode();
        let again = Framed::decode(&octets, framed.pdu.direction());
        prop_assert_eq!(again.as_ref(), Ok(&framed));
        let detected = detect(&octets, None).unwrap();
        prop_assert_eq!(&detected.pdu, &framed.pdu);
        prop_assert_eq!(detected.smsc, framed.smsc.map_or(Smsc::Unset, Smsc::Address));
    }

    /// Cut anywhere it is an error that names a place in what is there.
    #[test]
    fn a_pdu_cut_short_says_where(pdu in pdu(), at in any::<prop::sample::Index>()) {
        let octets = pdu.encode();
        let cut = &octets[..at.index(octets.len())];
        if let Err(error) = Pdu::decode(cut, pdu.direction()) {
            prop_assert!(error.offset <= cut.len());
            let said = error.to_string();
            prop_assert!(said.contains(error.field) && said.contains("octet"), "{}", said);
        } else {
            // Only what is optional may be missing.
            prop_assert!(matches!(pdu, Pdu::StatusReport(_)));
        }
    }
}
