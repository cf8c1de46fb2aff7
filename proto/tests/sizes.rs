//! The size of each frame, against the table in the crate's documentation and
//! against the budgets of the design.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use twine_proto::codec;
use twine_proto::frame::*;
use twine_proto::{Content, Cursor, E164, Epoch, Frame, LaneSeq, Seq, SessionNo, Slot};

/// 41 bytes, as in the budgets.
const TEXT: &str = "Niko njiani, nitafika baada ya dakika 20.";

const SEQ: Seq = Seq(16_383);
const CURSOR: Cursor = Cursor(16_383);
const LANE_SEQ: LaneSeq = LaneSeq(127);
const EPOCH: Epoch = Epoch(690);
const SLOT: Slot = Slot(0);

fn kenya() -> E164 {
    E164::new(254_712_345_678).unwrap()
}

fn nigeria() -> E164 {
    E164::new(2_348_031_234_567).unwrap()
}

fn submit() -> Frame {
    Frame::Submit(Submit {
        slot: SLOT,
        seq: SEQ,
        to: nigeria(),
        lane_seq: LANE_SEQ,
        content: Content::text(TEXT.to_owned()).unwrap().encode(),
    })
}

fn deliver() -> Frame {
    Frame::Deliver(Deliver {
        slot: SLOT,
        cursor: CURSOR,
        from: kenya(),
        epoch: EPOCH,
        lane_seq: LANE_SEQ,
        age_s: 127,
        content: Content::text(TEXT.to_owned()).unwrap().encode(),
        maybe_by_sms: false,
    })
}

fn ack() -> Frame {
    Frame::Ack(Ack {
        slot: SLOT,
        cursor: CURSOR,
        lowest_unsettled: None,
    })
}

fn accepted(away: Vec<Seq>) -> Frame {
    Frame::Accepted(Accepted {
        upto: SEQ,
        away,
        ..Accepted::default()
    })
}

fn hello(binding: Binding) -> Frame {
    Frame::Hello(Hello {
        session_no: SessionNo(33_000_000),
        after: SessionNo(32_950_000),
        slots: vec![HelloSlot {
            number: kenya(),
            binding,
            cursor: CURSOR,
            cursor_check: 0xdead_beef,
            old: Vec::new(),
        }],
    })
}

fn welcome() -> Frame {
    Frame::Welcome(Welcome {
        time_s: 1_767_225_600,
        slots: vec![WelcomeSlot {
            status: SlotStatus::Ok,
            state: SentState {
                high_water: SEQ,
                ..SentState::default()
            },
            old: Vec::new(),
        }],
        idle_limit_s: 600,
        since: Vec::new(),
    })
}

fn receipt(kind: ReceiptKind) -> Frame {
    Frame::Receipt(Receipt { slot: SLOT, kind })
}

fn mark() -> ReadMark {
    ReadMark {
        peer: kenya(),
        epoch: EPOCH,
        upto: LANE_SEQ,
    }
}

/// What each frame carries, and the frame.
fn samples() -> Vec<(&'static str, Frame)> {
    let held = Binding::Held(EpochPosition {
        epoch: EPOCH,
        next_seq: SEQ,
        lowest_unsettled: SEQ,
    });
    vec![
        ("one identity", hello(held)),
        (
            "one identity, asks for an epoch",
            hello(Binding::Wanted { last: Epoch(0) }),
        ),
        ("one identity, nothing settled since", welcome()),
        ("a text of 41 bytes", submit()),
        ("up to a seq", accepted(Vec::new())),
        ("up to a seq, its recipient is away", accepted(vec![SEQ])),
        ("a text of 41 bytes", deliver()),
        ("up to a cursor", ack()),
        (
            "one delivered",
            receipt(ReceiptKind::Outcomes {
                epoch: None,
                delivered: vec![SEQ],
                dispositions: Vec::new(),
            }),
        ),
        ("read, to the gateway", receipt(ReceiptKind::Read(mark()))),
        (
            "read, to the sender",
            receipt(ReceiptKind::ReadBy {
                cursor: CURSOR,
                mark: mark(),
            }),
        ),
        (
            "rejected",
            receipt(ReceiptKind::Rejected {
                cursor: CURSOR,
                reason: RejectReason::Unreadable,
            }),
        ),
        (
            "one seq",
            Frame::Revoke(Revoke {
                slot: SLOT,
                epoch: None,
                seqs: vec![SEQ],
            }),
        ),
        (
            "one seq",
            Frame::Revoked(Revoked {
                slot: SLOT,
                epoch: None,
                results: vec![(SEQ, RevokeOutcome::Revoked)],
            }),
        ),
        (
            "one number",
            Frame::Lookup(Lookup {
                id: 1,
                numbers: vec![nigeria()],
            }),
        ),
        (
            "one number, valid for a day",
            Frame::Capabilities(Capabilities {
                id: 1,
                entries: vec![Capability {
                    number: nigeria(),
                    reachable: true,
                    features: 1,
                    valid_s: 86_400,
                }],
            }),
        ),
        (
            "started",
            Frame::Typing(Typing {
                slot: SLOT,
                peer: nigeria(),
                stopped: false,
            }),
        ),
        ("a nonce below 128", Frame::Ping(127)),
        ("a nonce below 128", Frame::Pong(127)),
        (
            "a reason and a delay",
            Frame::Goodbye(Goodbye {
                reason: GoodbyeReason::Draining,
                retry_after_s: 30,
                redirect: String::new(),
                session_no: SessionNo(0),
                detail: String::new(),
            }),
        ),
    ]
}

fn size(frame: &Frame) -> usize {
    codec::encode_to_bytes(frame).len()
}

#[test]
fn the_budgets_of_the_design_are_met() {
    assert_eq!(TEXT.len(), 41);
    assert_eq!(size(&submit()) - TEXT.len(), 18);
    assert_eq!(size(&deliver()) - TEXT.len(), 23);
    assert_eq!(size(&ack()), 5);
    assert_eq!(size(&accepted(Vec::new())), 5);
}

#[test]
fn the_table_in_the_crate_documentation_is_up_to_date() {
    let mut table = String::new();
    for (carries, frame) in samples() {
        let name = frame.name();
        table += &format!("//! | `{name}` | {carries} | {} |\n", size(&frame));
    }
    let documentation = include_str!("../src/lib.rs");
    assert!(
        documentation.contains(&format!("//! |---|---|--:|\n{table}//!\n")),
        "replace the rows in src/lib.rs by these:\n{table}"
    );
}

#[test]
fn the_table_has_every_type_of_frame() {
    let mut types: Vec<u8> = samples()
        .iter()
        .map(|(_, frame)| frame.type_byte())
        .collect();
    types.dedup();
    assert_eq!(types, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
}
