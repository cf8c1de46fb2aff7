//! What each field of a frame may hold, and what a peer is told otherwise.

use prost::Message;
use twine_proto::frame::Frame;
use twine_proto::limits::{
    MAX_CONTENT_BYTES, MAX_COUNTER, MAX_GOODBYE_TEXT_BYTES, MAX_LOOKUP_NUMBERS, MAX_OLD_EPOCHS,
    MAX_SEQS_PER_FRAME, MAX_SLOTS,
};
use twine_proto::wire_pb as pb;

use crate::decode;

const NUMBER: u64 = 254_712_345_678;
const HELLO: u8 = 1;
const WELCOME: u8 = 2;
const SUBMIT: u8 = 3;
const ACCEPTED: u8 = 4;
const ACK: u8 = 6;
const RECEIPT: u8 = 7;
const REVOKE: u8 = 8;
const REVOKED: u8 = 9;
const LOOKUP: u8 = 10;
const CAPABILITIES: u8 = 11;
const TYPING: u8 = 12;
const GOODBYE: u8 = 15;

/// What the peer is told about this message.
fn told(type_byte: u8, message: &impl Message) -> String {
    match decode(type_byte, message.encode_to_vec()) {
        Err(error) => error.to_string(),
        Ok(frame) => panic!("taken: {frame:?}"),
    }
}

fn good_slot() -> pb::HelloSlot {
    pb::HelloSlot {
        number: NUMBER,
        epoch: 690,
        next_seq: 10,
        lowest_unsettled: 4,
        ..pb::HelloSlot::default()
    }
}

fn hello(slot: pb::HelloSlot) -> pb::Hello {
    pb::Hello {
        session_no: 1,
        after: 0,
        slots: vec![slot],
    }
}

#[test]
fn hello_is_checked() {
    let slot = good_slot;
    assert!(decode(HELLO, hello(slot()).encode_to_vec()).is_ok());
    for (bad, message) in [
        (
            pb::HelloSlot {
                number: 12,
                ..slot()
            },
            "Hello.slots.number is not a phone number in E.164",
        ),
        (
            pb::HelloSlot {
                next_seq: 0,
                ..slot()
            },
            "Hello.slots.next_seq is 0; allowed are 1 to 281474976710656",
        ),
        (
            pb::HelloSlot {
                lowest_unsettled: 0,
                ..slot()
            },
            "Hello.slots.lowest_unsettled is 0; allowed are 1 to 10",
        ),
        (
            pb::HelloSlot {
                lowest_unsettled: 11,
                ..slot()
            },
            "Hello.slots.lowest_unsettled is 11; allowed are 1 to 10",
        ),
        (
            pb::HelloSlot {
                cursor: MAX_COUNTER + 1,
                ..slot()
            },
            "Hello.slots.cursor is 281474976710657; allowed are 0 to 281474976710656",
        ),
        (
            pb::HelloSlot {
                old: vec![pb::OldEpoch::default()],
                ..slot()
            },
            "Hello.slots.old.epoch is 0; allowed are 1 to 4294967295",
        ),
        (
            pb::HelloSlot {
                old: vec![pb::OldEpoch::default(); MAX_OLD_EPOCHS + 1],
                ..slot()
            },
            "Hello.slots.old has 5 entries; at most 4 are allowed",
        ),
    ] {
        assert_eq!(told(HELLO, &hello(bad)), message);
    }
    let session_no = pb::Hello {
        session_no: u64::MAX,
        after: 0,
        slots: Vec::new(),
    };
    assert!(told(HELLO, &session_no).starts_with("Hello.session_no is 18446744073709551615;"));
    let after = pb::Hello {
        session_no: 1,
        after: u64::MAX,
        slots: Vec::new(),
    };
    assert!(told(HELLO, &after).starts_with("Hello.after is 18446744073709551615;"));
}

#[test]
fn hello_names_each_number_once_and_only_so_many() {
    let twice = pb::Hello {
        session_no: 1,
        after: 0,
        slots: vec![good_slot(); 2],
    };
    assert_eq!(
        told(HELLO, &twice),
        "Hello.slots.number: each number may be named once"
    );
    let many = pb::Hello {
        session_no: 1,
        after: 0,
        slots: vec![good_slot(); MAX_SLOTS + 1],
    };
    assert_eq!(
        told(HELLO, &many),
        "Hello.slots has 9 entries; at most 8 are allowed"
    );
}

#[test]
fn welcome_is_checked() {
    let welcome = |slot: pb::WelcomeSlot| pb::Welcome {
        slots: vec![slot],
        ..pb::Welcome::default()
    };
    let outcome = |seq, code| pb::Disposition { seq, code };
    for (bad, message) in [
        (
            pb::WelcomeSlot {
                status: 9,
                ..Default::default()
            },
            "Welcome.slots.status has code 9; allowed are OK, GRANTED, NOT_BOUND, EPOCH_CLOSED",
        ),
        (
            pb::WelcomeSlot {
                status: 1,
                ..Default::default()
            },
            "Welcome.slots.epoch is 0; allowed are 1 to 4294967295",
        ),
        (
            pb::WelcomeSlot {
                status: 1,
                epoch: 690,
                high_water: 3,
                ..Default::default()
            },
            "Welcome.slots.high_water is 3; allowed are 0 to 0",
        ),
        (
            pb::WelcomeSlot {
                delivered: vec![0],
                ..Default::default()
            },
            "Welcome.slots.delivered is 0; allowed are 1 to 281474976710656",
        ),
        (
            pb::WelcomeSlot {
                dispositions: vec![outcome(1, 0)],
                ..Default::default()
            },
            "Welcome.slots.dispositions has code 0; \
             allowed are REFUSED_*, WAS_REVOKED, EXPIRED, REJECTED_*",
        ),
        (
            pb::WelcomeSlot {
                dispositions: vec![outcome(0, 5)],
                ..Default::default()
            },
            "Welcome.slots.dispositions is 0; allowed are 1 to 281474976710656",
        ),
    ] {
        assert_eq!(told(WELCOME, &welcome(bad)), message);
    }
}

/// The limit on seqs is one for the frame, not one for each list.
#[test]
fn seqs_are_counted_over_all_lists_of_a_frame() {
    let half = vec![1u64; MAX_SEQS_PER_FRAME / 2];
    let slot = |extra: usize| pb::WelcomeSlot {
        delivered: half.clone(),
        old: vec![pb::OldEpochState {
            epoch: 1,
            delivered: vec![1; MAX_SEQS_PER_FRAME / 2 + extra],
            ..pb::OldEpochState::default()
        }],
        ..pb::WelcomeSlot::default()
    };
    let welcome = |extra| pb::Welcome {
        slots: vec![slot(extra)],
        ..pb::Welcome::default()
    };
    assert!(decode(WELCOME, welcome(0).encode_to_vec()).is_ok());
    assert_eq!(
        told(WELCOME, &welcome(1)),
        "Welcome.slots (dispositions and delivered) has 1025 entries; at most 1024 are allowed"
    );
    let accepted = pb::Accepted {
        away: vec![1; MAX_SEQS_PER_FRAME],
        refused: vec![pb::Disposition { seq: 1, code: 1 }],
        ..pb::Accepted::default()
    };
    assert!(told(ACCEPTED, &accepted).contains("1025 entries"));
    let receipt = pb::Receipt {
        delivered: vec![1; MAX_SEQS_PER_FRAME + 1],
        ..pb::Receipt::default()
    };
    assert!(told(RECEIPT, &receipt).contains("1025 entries"));
    let seqs = (1..=MAX_SEQS_PER_FRAME as u64 + 1).collect();
    assert!(
        told(
            REVOKE,
            &pb::Revoke {
                seqs,
                ..pb::Revoke::default()
            }
        )
        .contains("1025 entries")
    );
    let results = vec![pb::RevokeResult { seq: 1, outcome: 1 }; MAX_SEQS_PER_FRAME + 1];
    let revoked = pb::Revoked {
        results,
        ..pb::Revoked::default()
    };
    assert!(told(REVOKED, &revoked).contains("1025 entries"));
}

#[test]
fn submit_is_checked() {
    let good = || pb::Submit {
        seq: 1,
        to: NUMBER,
        ..pb::Submit::default()
    };
    assert!(decode(SUBMIT, good().encode_to_vec()).is_ok());
    for (bad, message) in [
        (
            pb::Submit { seq: 0, ..good() },
            "Submit.seq is 0; allowed are 1 to 281474976710656".to_owned(),
        ),
        (
            pb::Submit { to: 0, ..good() },
            "Submit.to is not a phone number in E.164".to_owned(),
        ),
        (
            pb::Submit {
                slot: MAX_SLOTS as u32,
                ..good()
            },
            "Submit.slot is 8; allowed are 0 to 7".to_owned(),
        ),
        (
            pb::Submit {
                lane_seq: u64::MAX,
                ..good()
            },
            "Submit.lane_seq is 18446744073709551615; allowed are 0 to 281474976710656".to_owned(),
        ),
        (
            pb::Submit {
                content: vec![0; MAX_CONTENT_BYTES + 1].into(),
                ..good()
            },
            format!(
                "Submit.content has {} bytes; at most {MAX_CONTENT_BYTES} are allowed",
                MAX_CONTENT_BYTES + 1
            ),
        ),
    ] {
        assert_eq!(told(SUBMIT, &bad), message);
    }
}

/// Left out, an unknown refusal would make its seq look accepted (DELIVERY 5).
#[test]
fn only_refusals_are_refused() {
    for code in [0, 5, 6, 7, 8, 9, -1] {
        let accepted = pb::Accepted {
            upto: 1,
            refused: vec![pb::Disposition { seq: 1, code }],
            ..pb::Accepted::default()
        };
        assert_eq!(
            told(ACCEPTED, &accepted),
            format!("Accepted.refused has code {code}; allowed are REFUSED_*")
        );
    }
}

#[test]
fn ack_is_checked() {
    let bad = pb::Ack {
        cursor: MAX_COUNTER + 1,
        ..pb::Ack::default()
    };
    assert!(told(ACK, &bad).starts_with("Ack.cursor is "));
    let bad = pb::Ack {
        lowest_unsettled: MAX_COUNTER + 1,
        ..pb::Ack::default()
    };
    assert!(told(ACK, &bad).starts_with("Ack.lowest_unsettled is "));
    // It may carry the mark alone.
    let mark = pb::Ack {
        lowest_unsettled: 4,
        ..pb::Ack::default()
    };
    assert!(matches!(
        decode(ACK, mark.encode_to_vec()),
        Ok(Some(Frame::Ack(_)))
    ));
}

#[test]
fn a_receipt_is_of_one_kind() {
    let mark = pb::ReadMark {
        peer: NUMBER,
        epoch: 690,
        upto: 4,
    };
    let rejected = |code| pb::Rejected { cursor: 9, code };
    let two = pb::Receipt {
        read: Some(mark),
        rejected: Some(rejected(7)),
        ..pb::Receipt::default()
    };
    assert!(told(RECEIPT, &two).contains("not two of them"));
    // None that is known: of a later version.
    assert_eq!(
        decode(RECEIPT, pb::Receipt::default().encode_to_vec()),
        Ok(None)
    );
    for code in [0, 1, 5, 6, 9] {
        let bad = pb::Receipt {
            rejected: Some(rejected(code)),
            ..pb::Receipt::default()
        };
        assert_eq!(
            told(RECEIPT, &bad),
            format!("Receipt.rejected.code has code {code}; allowed are REJECTED_*")
        );
    }
    let bad = pb::Receipt {
        read: Some(pb::ReadMark { epoch: 0, ..mark }),
        ..Default::default()
    };
    assert!(told(RECEIPT, &bad).starts_with("Receipt.read.epoch is 0;"));
    let bad = pb::Receipt {
        read: Some(pb::ReadMark { peer: 1, ..mark }),
        ..Default::default()
    };
    assert_eq!(
        told(RECEIPT, &bad),
        "Receipt.read.peer is not a phone number in E.164"
    );
}

#[test]
fn revokes_are_ascending_and_their_outcomes_known() {
    for seqs in [vec![2, 1], vec![1, 1]] {
        let revoke = pb::Revoke {
            seqs,
            ..pb::Revoke::default()
        };
        assert_eq!(
            told(REVOKE, &revoke),
            "Revoke.seqs: must be ascending, each once"
        );
    }
    let revoke = pb::Revoke {
        seqs: vec![0, 1],
        ..pb::Revoke::default()
    };
    assert!(told(REVOKE, &revoke).starts_with("Revoke.seqs is 0;"));
    for outcome in [0, 5, -1] {
        let results = vec![pb::RevokeResult { seq: 1, outcome }];
        let revoked = pb::Revoked {
            results,
            ..pb::Revoked::default()
        };
        assert!(
            told(REVOKED, &revoked)
                .starts_with(&format!("Revoked.results.outcome has code {outcome};"))
        );
    }
}

#[test]
fn lookups_and_typing_are_checked() {
    let numbers = vec![NUMBER; MAX_LOOKUP_NUMBERS + 1];
    assert_eq!(
        told(LOOKUP, &pb::Lookup { id: 1, numbers }),
        "Lookup.numbers has 65 entries; at most 64 are allowed"
    );
    let lookup = pb::Lookup {
        id: 1,
        numbers: vec![NUMBER, 3],
    };
    assert_eq!(
        told(LOOKUP, &lookup),
        "Lookup.numbers is not a phone number in E.164"
    );
    let entries = vec![pb::Capability::default()];
    assert_eq!(
        told(CAPABILITIES, &pb::Capabilities { id: 1, entries }),
        "Capabilities.entries.number is not a phone number in E.164"
    );
    assert_eq!(
        told(TYPING, &pb::Typing::default()),
        "Typing.peer is not a phone number in E.164"
    );
}

#[test]
fn a_goodbye_s_texts_are_checked() {
    let long = "x".repeat(MAX_GOODBYE_TEXT_BYTES + 1);
    let bad = pb::Goodbye {
        detail: long.clone(),
        ..pb::Goodbye::default()
    };
    assert_eq!(
        told(GOODBYE, &bad),
        "Goodbye.detail has 257 bytes; at most 256 are allowed"
    );
    let bad = pb::Goodbye {
        redirect: long,
        ..pb::Goodbye::default()
    };
    assert!(told(GOODBYE, &bad).starts_with("Goodbye.redirect has 257 bytes;"));
    for redirect in [
        "host",
        ":443",
        "host:",
        "host:0",
        "host:65536",
        "ho st:1",
        "höst:1",
        "h\n:1",
    ] {
        let bad = pb::Goodbye {
            redirect: redirect.to_owned(),
            ..pb::Goodbye::default()
        };
        assert!(
            told(GOODBYE, &bad).starts_with("Goodbye.redirect: must be"),
            "{redirect:?}"
        );
    }
    for redirect in ["", "gw.example.net:443", "[2001:db8::1]:443"] {
        let good = pb::Goodbye {
            redirect: redirect.to_owned(),
            ..pb::Goodbye::default()
        };
        assert!(
            decode(GOODBYE, good.encode_to_vec()).is_ok(),
            "{redirect:?}"
        );
    }
    let forged = pb::Goodbye {
        detail: "late\n\x1b[31mok".to_owned(),
        ..pb::Goodbye::default()
    };
    let Ok(Some(Frame::Goodbye(got))) = decode(GOODBYE, forged.encode_to_vec()) else {
        panic!("refused");
    };
    assert_eq!(got.detail, "late  [31mok");
}
