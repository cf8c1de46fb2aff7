//! Phone numbers, and the hashes that go over the wire or to disk.

use proptest::prelude::*;
use twine_proto::{
    Cursor, Digest, E164, E164Error, Epoch, LaneSeq, MessageName, Peer, PeerError, Seq, SmsName,
};

use crate::{config, strategies};

#[test]
fn texts_that_are_no_number_are_told_why() {
    let cases = [
        ("", E164Error::NoPlus),
        ("254712345678", E164Error::NoPlus),
        ("00254712345678", E164Error::NoPlus),
        ("+", E164Error::TooShort),
        ("+123456", E164Error::TooShort),
        ("+1234567890123456", E164Error::TooLong),
        ("+99999999999999999999999999", E164Error::TooLong),
        ("+0254712345678", E164Error::LeadingZero),
        ("+254 712 345678", E164Error::NotADigit),
        ("+254-712", E164Error::NotADigit),
        ("++254712345678", E164Error::NotADigit),
        ("+２５４７１２３４５６", E164Error::NotADigit),
        ("+25471234567\0", E164Error::NotADigit),
    ];
    for (text, error) in cases {
        assert_eq!(text.parse::<E164>(), Err(error), "{text:?}");
    }
}

#[test]
fn the_shortest_and_the_longest_number() {
    for text in ["+1000000", "+999999999999999", "+254712345678"] {
        assert_eq!(text.parse::<E164>().unwrap().expose(), text);
    }
    assert_eq!(E164::new(0), Err(E164Error::TooShort));
    assert_eq!(E164::new(999_999), Err(E164Error::TooShort));
    assert_eq!(E164::new(1_000_000_000_000_000), Err(E164Error::TooLong));
    assert_eq!(E164::new(u64::MAX), Err(E164Error::TooLong));
}

#[test]
fn counters_grow_and_never_wrap() {
    assert_eq!(Seq(6).next(), Seq(7));
    assert_eq!(Cursor(u64::MAX).next(), Cursor(u64::MAX));
    assert_eq!(Epoch(690).to_string(), "690");
}

fn name() -> MessageName {
    MessageName {
        from: E164::new(254_712_345_678).unwrap(),
        epoch: Epoch(690),
        to: E164::new(2_348_031_234_567).unwrap(),
        lane_seq: LaneSeq(57),
    }
}

#[test]
fn a_message_name_reads_as_in_the_design() {
    assert_eq!(name().expose(), "254712345678.690>2348031234567#57");
    let debug = format!("{:?}", name());
    assert!(
        !debug.contains("712345678") && !debug.contains("8031234567"),
        "{debug}"
    );
}

/// Both hashes are compared between devices and kept on disk: a new version of
/// the hash crate, or a 32-bit build, must not change them. The values
/// were computed with another implementation of SipHash-2-4.
#[test]
fn hashes_stay_what_they_are() {
    let to = name().to;
    assert_eq!(Digest::of(to, LaneSeq(57), b"").0, 0x5bb1_569c_ed23_95f5);
    assert_eq!(
        Digest::of(to, LaneSeq(57), b"Habari").0,
        0x6602_a458_ce0b_5c64
    );
    assert_eq!(name().cursor_check(), 0xbfef_977b);
}

#[test]
fn a_peer_is_a_number_a_short_code_or_a_name() {
    for number in ["+254712345678", " +254712345678 "] {
        let peer: Peer = number.parse().unwrap();
        assert_eq!(peer, Peer::Number(E164::new(254_712_345_678).unwrap()));
    }
    for name in ["40404", "MPESA", "Ethio telecom"] {
        let peer: Peer = name.parse().unwrap();
        assert_eq!((peer.number(), peer.expose()), (None, name.to_owned()));
        assert!(!format!("{peer:?}").contains(name));
    }
    assert_eq!("+0712".parse::<Peer>(), Err(E164Error::LeadingZero.into()));
    assert_eq!(" ".parse::<Peer>(), Err(PeerError::Empty));
    assert_eq!("a\u{7}b".parse::<Peer>(), Err(PeerError::NotVisible));
    assert_eq!("x".repeat(34).parse::<Peer>(), Err(PeerError::TooLong));
    assert_eq!(SmsName::new("?"), Ok(SmsName::UNKNOWN));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_peer_is_read_back_as_it_was_shown(text in "[ +]{0,2}\\PC{0,12}") {
        if let Ok(peer) = text.parse::<Peer>() {
            prop_assert_eq!(peer.expose().parse(), Ok(peer));
        }
    }

    #[test]
    fn a_number_parses_to_itself_and_hides_in_debug(number in strategies::number()) {
        prop_assert_eq!(number.expose().parse(), Ok(number));
        let debug = format!("{number:?}");
        prop_assert!(!debug.contains(&number.get().to_string()));
        prop_assert!(debug.bytes().filter(u8::is_ascii_digit).count() == 5);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,30}") {
        if let Ok(number) = text.parse::<E164>() {
            prop_assert_eq!(number.expose(), text);
        }
    }
}
