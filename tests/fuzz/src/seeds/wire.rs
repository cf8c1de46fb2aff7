//! Streams of the wire protocol and contents of messages.

use bytes::{BufMut as _, BytesMut};
use twine_proto::frame::{
    Accepted, Ack, Binding, Capabilities, Capability, Deliver, Disposition, EpochPosition, Goodbye,
    GoodbyeReason, Hello, HelloSlot, Lookup, ReadMark, Receipt, ReceiptKind, Refusal, RejectReason,
    Revoke, RevokeOutcome, Revoked, SentState, SlotStatus, Submit, Typing, UnreadableDeliver,
    Welcome, WelcomeSlot,
};
use twine_proto::limits::{MAX_COUNTER, MAX_FRAME_BYTES};
use twine_proto::{
    Content, Cursor, E164, Epoch, Filled, Frame, LaneSeq, NoteEntry, OpaqueContent, Redacted, Seq,
    SessionNo, Slot, codec,
};

use super::Seed;

/// Cuts a stream into pieces of one byte.
const BYTEWISE: u8 = 1;
/// Leaves it whole.
const WHOLE: u8 = 0;

/// For [`crate::wire::frames`].
#[must_use]
pub fn frames() -> Vec<Seed> {
    let mut seeds: Vec<Seed> = golden()
        .into_iter()
        .map(|(name, frame)| (name, stream(WHOLE, &codec::encode_to_bytes(&frame))))
        .collect();
    let mut all = BytesMut::new();
    for (_, frame) in golden() {
        codec::encode(&frame, &mut all);
    }
    let submit = codec::encode_to_bytes(&Frame::Submit(submit()));
    seeds.extend([
        ("all-whole", stream(WHOLE, &all)),
        ("all-bytewise", stream(BYTEWISE, &all)),
        ("all-in-pieces", stream(17, &all)),
        ("truncated-prefix", stream(WHOLE, &[0x80])),
        (
            "truncated-submit",
            stream(WHOLE, &submit[..submit.len() - 3]),
        ),
        ("length-zero", stream(WHOLE, &[0])),
        ("length-not-minimal", stream(WHOLE, &[0x82, 0x00, 13])),
        ("length-too-long", stream(WHOLE, &[0xff; 6])),
        (
            "length-of-four-gigabytes",
            stream(WHOLE, &[0xff, 0xff, 0xff, 0xff, 0x0f, 3]),
        ),
        (
            "length-at-the-limit",
            stream(WHOLE, &announced(MAX_FRAME_BYTES)),
        ),
        (
            "length-above-the-limit",
            stream(WHOLE, &announced(MAX_FRAME_BYTES + 1)),
        ),
        ("unknown-type", stream(WHOLE, &[3, 0xee, 8, 1])),
        ("type-zero", stream(WHOLE, &[1, 0])),
        // A Submit whose content claims more than there is.
        (
            "field-longer-than-frame",
            stream(WHOLE, &[4, 3, 0x22, 0x7f, 0]),
        ),
        // A Revoke whose packed seqs end within a varint.
        (
            "packed-list-cut",
            stream(WHOLE, &[5, 8, 0x0a, 0x02, 0x81, 0x80]),
        ),
        // A Ping with a group, which proto3 does not have.
        ("group", stream(WHOLE, &[4, 13, 0x0b, 0x0b, 0x0c])),
        (
            "status-unknown",
            stream(WHOLE, &[5, 2, 0x12, 0x02, 0x08, 0x7f]),
        ),
        (
            "goodbye-unknown-reason",
            stream(WHOLE, &[5, 15, 0x08, 0x63, 0x10, 0x05]),
        ),
        // Slot and cursor of a Deliver, and a number that is none.
        (
            "deliver-poisoned",
            stream(WHOLE, &[7, 5, 0x08, 0x05, 0x10, 0x07, 0x38, 0x01]),
        ),
    ]);
    seeds
}

/// For [`crate::wire::content`].
#[must_use]
pub fn content() -> Vec<Seed> {
    let text = |text: &str| Some(Redacted::new(text.to_owned()));
    let note = vec![
        NoteEntry {
            lane_seq: LaneSeq(56),
            filled: Filled::Sms(0xbeef),
        },
        NoteEntry {
            lane_seq: LaneSeq(57),
            filled: Filled::Both(0),
        },
        NoteEntry {
            lane_seq: LaneSeq(58),
            filled: Filled::Void,
        },
        NoteEntry {
            lane_seq: LaneSeq(MAX_COUNTER),
            filled: Filled::Ip,
        },
    ];
    let encoded = |text, note: &[NoteEntry]| {
        let note = note.to_vec();
        Content { text, note }.encode().as_bytes().to_vec()
    };
    vec![
        ("text", encoded(text("Habari ya asubuhi?"), &[])),
        ("text-unicode", encoded(text("Ẹ káàárọ̀ 👋🏾"), &[])),
        ("note", encoded(None, &note)),
        ("text-and-note", encoded(text("a"), &note)),
        ("note-at-the-limit", encoded(None, &[note[0]; 32])),
        ("empty", Vec::new()),
        ("text-empty", vec![0x0a, 0]),
        ("text-no-utf8", vec![0x0a, 1, 0xff]),
        (
            "text-longer-than-content",
            vec![0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],
        ),
        ("unknown-field-only", vec![0x7a, 1, 0]),
        ("note-empty", vec![0x12, 0]),
        ("note-place-zero", vec![0x12, 2, 0x0a, 0]),
        (
            "note-channel-unknown",
            vec![0x12, 6, 0x0a, 4, 8, 56, 0x10, 0x63],
        ),
        (
            "note-hash-too-wide",
            vec![0x12, 9, 0x0a, 7, 8, 56, 0x10, 1, 0x18, 0xff, 0x7f],
        ),
        ("tag-zero", vec![0, 0]),
        ("varint-of-eleven", vec![0xff; 11]),
    ]
}

fn stream(cut: u8, bytes: &[u8]) -> Vec<u8> {
    [&[cut], bytes].concat()
}

/// A length, and one byte of the frame.
fn announced(length: usize) -> Vec<u8> {
    let mut out = BytesMut::new();
    let mut left = length;
    while left >= 0x80 {
        out.put_u8(left as u8 | 0x80);
        left >>= 7;
    }
    out.put_u8(left as u8);
    out.put_u8(3);
    out.to_vec()
}

fn kenya() -> E164 {
    number(254_712_345_678)
}

fn nigeria() -> E164 {
    number(2_348_031_234_567)
}

fn number(number: u64) -> E164 {
    E164::new(number).unwrap_or_else(|error| panic!("{error}"))
}

fn hi() -> OpaqueContent {
    Content {
        text: Some(Redacted::new("Hi".to_owned())),
        note: Vec::new(),
    }
    .encode()
}

fn submit() -> Submit {
    Submit {
        slot: Slot(0),
        seq: Seq(300),
        to: nigeria(),
        lane_seq: LaneSeq(57),
        content: hi(),
    }
}

/// One of each frame, all fields filled.
fn golden() -> Vec<(&'static str, Frame)> {
    let mark = ReadMark {
        peer: kenya(),
        epoch: Epoch(690),
        upto: LaneSeq(57),
    };
    let receipt = |kind| {
        Frame::Receipt(Receipt {
            slot: Slot(0),
            kind,
        })
    };
    vec![
        ("hello", Frame::Hello(hello())),
        ("welcome", Frame::Welcome(welcome())),
        ("submit", Frame::Submit(submit())),
        ("accepted", Frame::Accepted(accepted())),
        ("deliver", Frame::Deliver(deliver())),
        (
            "unreadable-deliver",
            Frame::UnreadableDeliver(UnreadableDeliver {
                slot: Slot(1),
                cursor: Cursor(300),
            }),
        ),
        (
            "ack",
            Frame::Ack(Ack {
                slot: Slot(0),
                cursor: Cursor(300),
                lowest_unsettled: Some(Seq(299)),
            }),
        ),
        (
            "receipt-outcomes",
            receipt(ReceiptKind::Outcomes {
                epoch: Some(Epoch(689)),
                delivered: vec![Seq(300), Seq(MAX_COUNTER)],
                dispositions: vec![(Seq(299), Disposition::Rejected(RejectReason::Conflict))],
            }),
        ),
        ("receipt-read", receipt(ReceiptKind::Read(mark))),
        (
            "receipt-read-by",
            receipt(ReceiptKind::ReadBy {
                cursor: Cursor(300),
                mark,
            }),
        ),
        (
            "receipt-rejected",
            receipt(ReceiptKind::Rejected {
                cursor: Cursor(300),
                reason: RejectReason::Unreadable,
            }),
        ),
        (
            "revoke",
            Frame::Revoke(Revoke {
                slot: Slot(0),
                epoch: None,
                seqs: vec![Seq(299), Seq(300)],
            }),
        ),
        (
            "revoked",
            Frame::Revoked(Revoked {
                slot: Slot(0),
                epoch: Some(Epoch(690)),
                results: vec![
                    (Seq(299), RevokeOutcome::Revoked),
                    (Seq(300), RevokeOutcome::InDoubt),
                    (Seq(301), RevokeOutcome::Forgotten),
                ],
            }),
        ),
        (
            "lookup",
            Frame::Lookup(Lookup {
                id: 7,
                numbers: vec![kenya(), nigeria()],
            }),
        ),
        (
            "capabilities",
            Frame::Capabilities(Capabilities {
                id: 7,
                entries: vec![Capability {
                    number: kenya(),
                    reachable: true,
                    features: 1,
                    valid_s: 3600,
                }],
            }),
        ),
        (
            "typing",
            Frame::Typing(Typing {
                slot: Slot(7),
                peer: nigeria(),
                stopped: true,
            }),
        ),
        ("ping", Frame::Ping(1)),
        ("pong", Frame::Pong(u32::MAX)),
        (
            "goodbye",
            Frame::Goodbye(Goodbye {
                reason: GoodbyeReason::Draining,
                retry_after_s: 30,
                redirect: "gw2.example.net:443".to_owned(),
                session_no: SessionNo(3),
                detail: "maintenance".to_owned(),
            }),
        ),
    ]
}

fn hello() -> Hello {
    Hello {
        session_no: SessionNo(12),
        after: SessionNo(0),
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
    }
}

fn welcome() -> Welcome {
    let state = SentState {
        high_water: Seq(300),
        dispositions: vec![(Seq(299), Disposition::Expired)],
        delivered: vec![Seq(300)],
    };
    Welcome {
        time_s: 1_767_225_600,
        slots: vec![
            WelcomeSlot {
                status: SlotStatus::Ok,
                state: state.clone(),
                old: vec![(Epoch(688), state)],
            },
            WelcomeSlot {
                status: SlotStatus::Granted(Epoch(690)),
                state: SentState::default(),
                old: Vec::new(),
            },
        ],
        idle_limit_s: 600,
        since: vec![SessionNo(41)],
    }
}

fn accepted() -> Accepted {
    Accepted {
        slot: Slot(1),
        upto: Seq(300),
        refused: vec![(Seq(299), Refusal::MailboxFull)],
        away: vec![Seq(298), Seq(300)],
        receipts: 2,
        conflict: Some(Seq(5)),
    }
}

fn deliver() -> Deliver {
    Deliver {
        slot: Slot(1),
        cursor: Cursor(300),
        from: kenya(),
        epoch: Epoch(690),
        lane_seq: LaneSeq(57),
        age_s: 90,
        content: hi(),
        maybe_by_sms: true,
    }
}
