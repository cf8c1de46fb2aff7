//! Exact bytes of a few frames, so that the wire cannot change unnoticed. A
//! failure here means that handsets in the field no longer understand us. The
//! bytes were computed from `wire.proto` by an encoder of its own, not by the
//! code under test.

use twine_proto::codec;
use twine_proto::frame::*;
use twine_proto::{
    Content, Cursor, E164, Epoch, Filled, Frame, LaneSeq, NoteEntry, Seq, SessionNo, Slot,
};

use crate::raw;

fn kenya() -> E164 {
    E164::new(254_712_345_678).unwrap()
}

fn nigeria() -> E164 {
    E164::new(2_348_031_234_567).unwrap()
}

#[track_caller]
fn assert_bytes(frame: &Frame, hex: &str) {
    let bytes = codec::encode_to_bytes(frame);
    let got: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(got, hex.replace(' ', ""), "{}", frame.name());
    assert_eq!(
        codec::decode(raw(&bytes)).as_ref(),
        Ok(&Some(frame.clone()))
    );
}

#[test]
fn submit() {
    let submit = Submit {
        slot: Slot(0),
        seq: Seq(300),
        to: nigeria(),
        lane_seq: LaneSeq(57),
        content: Content::text("Hi".to_owned()).unwrap().encode(),
    };
    // length type | seq 300 | to | lane_seq 57 | content { text "Hi" }
    assert_bytes(
        &Frame::Submit(submit),
        "13 03 08ac02 1087a4c58cab44 1839 2204 0a024869",
    );
}

#[test]
fn deliver() {
    let deliver = Deliver {
        slot: Slot(1),
        cursor: Cursor(300),
        from: kenya(),
        epoch: Epoch(690),
        lane_seq: LaneSeq(57),
        age_s: 90,
        content: Content::text("Hi".to_owned()).unwrap().encode(),
        maybe_by_sms: true,
    };
    assert_bytes(
        &Frame::Deliver(deliver),
        "1c0508ac0210cee8a7f0b40718b2052039285a32040a02486938014001",
    );
}

#[test]
fn ack_and_accepted() {
    let ack = Ack {
        slot: Slot(0),
        cursor: Cursor(300),
        lowest_unsettled: None,
    };
    assert_bytes(&Frame::Ack(ack), "04 06 08ac02");
    let accepted = Accepted {
        upto: Seq(300),
        ..Accepted::default()
    };
    assert_bytes(&Frame::Accepted(accepted), "04 04 08ac02");
    let accepted = Accepted {
        slot: Slot(1),
        upto: Seq(300),
        refused: vec![(Seq(299), Refusal::MailboxFull)],
        away: vec![Seq(298), Seq(300)],
        receipts: 2,
        conflict: Some(Seq(5)),
    };
    assert_bytes(
        &Frame::Accepted(accepted),
        "170408ac02120508ab0210021a04aa02ac02200128023005",
    );
}

#[test]
fn hello() {
    let hello = Hello {
        session_no: SessionNo(12),
        after: SessionNo(11),
        slots: vec![
            HelloSlot {
                number: kenya(),
                binding: Binding::Held(EpochPosition {
                    epoch: Epoch(690),
                    next_seq: Seq(301),
                    lowest_unsettled: Seq(299),
                }),
                cursor: Cursor(300),
                cursor_check: 0xdead_beef,
                old: vec![EpochPosition {
                    epoch: Epoch(688),
                    next_seq: Seq(4),
                    lowest_unsettled: Seq(3),
                }],
            },
            HelloSlot {
                number: nigeria(),
                binding: Binding::Wanted { last: Epoch(2) },
                cursor: Cursor(0),
                cursor_check: 0,
                old: Vec::new(),
            },
        ],
    };
    assert_bytes(
        &Frame::Hello(hello),
        "3301080c122108cee8a7f0b40710b20518ad0220ab0228ac0235efbeadde420708b0051004180312090887a4c58cab443802180b",
    );
}

#[test]
fn welcome() {
    let welcome = Welcome {
        time_s: 1_767_225_600,
        slots: vec![
            WelcomeSlot {
                status: SlotStatus::Ok,
                state: SentState {
                    high_water: Seq(300),
                    dispositions: vec![(Seq(299), Disposition::Expired)],
                    delivered: vec![Seq(300)],
                },
                old: Vec::new(),
            },
            WelcomeSlot {
                status: SlotStatus::Granted(Epoch(690)),
                state: SentState::default(),
                old: Vec::new(),
            },
        ],
        idle_limit_s: 600,
        since: vec![SessionNo(9), SessionNo(11)],
    };
    assert_bytes(
        &Frame::Welcome(welcome),
        "25020880f2d6ca06120e18ac02220508ab0210062a02ac021205080110b20518d8042202090b",
    );
}

#[test]
fn revoke_and_revoked() {
    let revoke = Revoke {
        slot: Slot(0),
        epoch: None,
        seqs: vec![Seq(299), Seq(300)],
    };
    assert_bytes(&Frame::Revoke(revoke), "07 08 0a04 ab02 ac02");
    let revoked = Revoked {
        slot: Slot(0),
        epoch: Some(Epoch(690)),
        results: vec![
            (Seq(299), RevokeOutcome::Revoked),
            (Seq(300), RevokeOutcome::InDoubt),
        ],
    };
    assert_bytes(
        &Frame::Revoked(revoked),
        "120910b2051a0508ab0210011a0508ac021003",
    );
}

#[test]
fn receipts() {
    let mark = ReadMark {
        peer: kenya(),
        epoch: Epoch(690),
        upto: LaneSeq(57),
    };
    for (kind, hex) in [
        (
            ReceiptKind::Outcomes {
                epoch: None,
                delivered: vec![Seq(300)],
                dispositions: Vec::new(),
            },
            "05071a02ac02",
        ),
        (ReceiptKind::Read(mark), "0f072a0c08cee8a7f0b40710b2051839"),
        (
            ReceiptKind::ReadBy {
                cursor: Cursor(300),
                mark,
            },
            "12072a0c08cee8a7f0b40710b205183938ac02",
        ),
        (
            ReceiptKind::Rejected {
                cursor: Cursor(300),
                reason: RejectReason::Unreadable,
            },
            "0807320508ac021007",
        ),
    ] {
        let slot = Slot(0);
        assert_bytes(&Frame::Receipt(Receipt { slot, kind }), hex);
    }
}

#[test]
fn small_frames() {
    let typing = Typing {
        slot: Slot(0),
        peer: nigeria(),
        stopped: false,
    };
    assert_bytes(&Frame::Typing(typing), "080c0887a4c58cab44");
    assert_bytes(&Frame::Ping(1), "03 0d 0801");
    assert_bytes(&Frame::Pong(0), "01 0e");
    let goodbye = Goodbye {
        reason: GoodbyeReason::Draining,
        retry_after_s: 30,
        redirect: "gw2.example.net:443".to_owned(),
        session_no: SessionNo(0),
        detail: String::new(),
    };
    assert_bytes(
        &Frame::Goodbye(goodbye),
        "1a0f0801101e1a136777322e6578616d706c652e6e65743a343433",
    );
    let lookup = Lookup {
        id: 7,
        numbers: vec![kenya()],
    };
    assert_bytes(&Frame::Lookup(lookup), "0b0a08071206cee8a7f0b407");
    let capabilities = Capabilities {
        id: 7,
        entries: vec![Capability {
            number: kenya(),
            reachable: true,
            features: 1,
            valid_s: 3600,
        }],
    };
    assert_bytes(
        &Frame::Capabilities(capabilities),
        "130b0807120e08cee8a7f0b4071001180120901c",
    );
}

#[test]
fn a_lane_note() {
    let content = Content {
        text: None,
        note: vec![
            NoteEntry {
                lane_seq: LaneSeq(56),
                filled: Filled::Sms(0xbeef),
            },
            NoteEntry {
                lane_seq: LaneSeq(57),
                filled: Filled::Void,
            },
        ],
    };
    let got: String = content
        .encode()
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(got, "12100a080838100118effd020a0408391003");
}
