//! Little programs for [`crate::gateway::core`].

use twine_proto::frame::{Binding, Hello, HelloSlot, Revoke};
use twine_proto::{Cursor, Epoch, Frame, Seq, SessionNo, Slot, codec};

use super::Seed;
use crate::gateway::{number, op};
use crate::reader::block;

/// A device at the place of its name, with new epochs.
fn joined(id: u8) -> Vec<u8> {
    vec![op::CONNECT, id, id, op::HELLO, id, 0, 0]
}

/// The same device again, with the first epoch and nothing settled.
fn back(id: u8) -> Vec<u8> {
    vec![op::CONNECT, id, id, op::HELLO, id, 1, 0]
}

/// Device 0 writes to device 1, who is here, and to device 2, who is not.
fn two_and(steps: &[&[u8]]) -> Vec<u8> {
    [&*joined(0), &joined(1), &steps.concat()].concat()
}

fn said(at: u8, frame: &Frame) -> Vec<u8> {
    [&[op::BYTES, at][..], &block(&codec::encode_to_bytes(frame))].concat()
}

/// For [`crate::gateway::core`].
#[must_use]
pub fn core() -> Vec<Seed> {
    let to_1 = |seq: u8| [op::SUBMIT, 0, seq, 2];
    let to_2 = |seq: u8| [op::SUBMIT, 0, seq, 3];
    let revoke = |seq: u8| [op::REVOKE, 0, seq, 0];
    let many: Vec<u8> = (1..=20).flat_map(to_2).collect();
    vec![
        (
            "delivered",
            two_and(&[&to_1(1), &[op::ACK, 1, 1, 0], &[op::ACK, 0, 0, 2]]),
        ),
        (
            "revoked-while-queued",
            two_and(&[&to_2(1), &revoke(1), &joined(2)]),
        ),
        (
            "revoked-then-submitted",
            two_and(&[&revoke(1), &to_1(1), &to_2(2), &revoke(2), &joined(2)]),
        ),
        (
            "revoked-in-doubt",
            two_and(&[&to_1(1), &revoke(1), &[op::DISCONNECT, 1], &back(1)]),
        ),
        (
            "revoked-after-delivery",
            two_and(&[&to_1(1), &[op::ACK, 1, 1, 0], &revoke(1)]),
        ),
        (
            "revoked-in-one-turn",
            two_and(&[
                &[op::GATHER, 1],
                &to_1(1),
                &revoke(1),
                &to_1(2),
                &[op::GATHER, 0],
            ]),
        ),
        (
            "revoked-after-joining-in-one-turn",
            two_and(&[
                &to_2(1),
                &[op::GATHER, 1],
                &joined(2),
                &revoke(1),
                &[op::GATHER, 0],
            ]),
        ),
        (
            "revoked-and-not-committed",
            two_and(&[&to_2(1), &[op::FAULT, 0], &revoke(1), &joined(2)]),
        ),
        (
            "revoked-and-committed-unheard",
            two_and(&[&to_2(1), &[op::FAULT, 4], &revoke(1), &joined(2), &back(0)]),
        ),
        (
            "revoked-in-the-epoch-before",
            two_and(&[&to_2(1), &joined(0), &[op::REVOKE, 0, 1, 128], &joined(2)]),
        ),
        (
            "revoked-many",
            two_and(&[
                &many,
                &[op::REVOKE, 0, 1, 7],
                &joined(2),
                &[op::REVOKE, 0, 1, 7],
            ]),
        ),
        (
            "revoked-on-both-slots",
            two_and(&[
                &[op::SUBMIT, 0, 1, 131],
                &[op::REVOKE, 0, 1, 64],
                &joined(2),
            ]),
        ),
        ("resent", two_and(&[&to_1(1), &to_1(1), &back(0), &to_1(1)])),
        (
            "resent-otherwise",
            two_and(&[&to_1(1), &[op::SUBMIT, 0, 1, 8]]),
        ),
        ("seq-with-a-hole", two_and(&[&to_1(1), &to_1(3)])),
        (
            "refused-unknown",
            two_and(&[&[op::SUBMIT, 0, 1, 5], &to_1(2), &revoke(1)]),
        ),
        (
            "refused-mailbox-full",
            two_and(&[&many, &joined(2), &[op::ACK, 2, 12, 0]]),
        ),
        (
            "unacked-at-the-limit",
            two_and(&[
                &to_1(1),
                &to_1(2),
                &to_1(3),
                &to_1(4),
                &to_1(5),
                &[op::ACK, 1, 2, 0],
                &[op::ACK, 1, 127, 0],
            ]),
        ),
        ("acked-never-delivered", two_and(&[&[op::ACK, 1, 100, 200]])),
        (
            "read-and-rejected",
            two_and(&[
                &to_1(1),
                &[op::OTHER, 1, 1, 1],
                &[op::ACK, 1, 1, 0],
                &[op::OTHER, 1, 0, 16],
            ]),
        ),
        (
            "questions",
            two_and(&[
                &[op::OTHER, 0, 2, 64],
                &[op::OTHER, 0, 3, 2],
                &[op::OTHER, 0, 4, 9],
                &[op::OTHER, 0, 6, 0],
            ]),
        ),
        (
            "frame-the-wrong-way",
            two_and(&[&[op::OTHER, 0, 5, 0], &to_1(1)]),
        ),
        (
            "expired",
            two_and(&[
                &to_2(1),
                &to_1(2),
                &[op::PASS, 128 + 82],
                &revoke(1),
                &revoke(2),
                &joined(2),
            ]),
        ),
        (
            "silent",
            two_and(&[&[op::PASS, 128 + 88], &[op::PASS, 128 + 91]]),
        ),
        ("no-hello", vec![op::CONNECT, 0, 0, op::PASS, 31]),
        (
            "submit-before-hello",
            [&[op::CONNECT, 0, 0][..], &to_1(1)].concat(),
        ),
        ("hello-twice", [&*joined(0), &[op::HELLO, 0, 0, 0]].concat()),
        (
            "hello-superseded",
            [&*joined(0), &[op::CONNECT, 1, 0, op::HELLO, 1, 2, 0]].concat(),
        ),
        (
            "hello-supersedes",
            two_and(&[
                &to_1(1),
                &[op::CONNECT, 2, 1, op::HELLO, 2, 1, 0],
                &[op::ACK, 1, 1, 0],
                &[op::ACK, 2, 1, 0],
            ]),
        ),
        ("hello-from-a-stranger", joined(3)),
        (
            "hello-for-another's-number",
            vec![op::CONNECT, 0, 0, op::HELLO, 0, 4, 0],
        ),
        (
            "hello-with-an-epoch-from-the-future",
            [
                &*joined(0),
                &[op::CONNECT, 0, 0, op::HELLO, 0, 1, 0x57],
                &to_1(1),
                &to_1(10),
                &revoke(11),
            ]
            .concat(),
        ),
        (
            "hello-without-slots",
            [&[op::CONNECT, 0, 0][..], &said(0, &hello(&[]))].concat(),
        ),
        (
            "hello-with-epoch-at-the-end",
            [&[op::CONNECT, 1, 1][..], &said(1, &hello(&[2]))].concat(),
        ),
        (
            "hello-too-many",
            (0..8).fold(Vec::new(), |steps, at| {
                [&*steps, &[op::CONNECT, at, 0]].concat()
            }),
        ),
        (
            "revoke-nothing",
            [
                &*joined(0),
                &said(
                    0,
                    &Frame::Revoke(Revoke {
                        slot: Slot(0),
                        epoch: Some(Epoch(u32::MAX)),
                        seqs: vec![Seq(1), Seq(1 << 48)],
                    }),
                ),
            ]
            .concat(),
        ),
        (
            "number-moves",
            two_and(&[
                &to_1(1),
                &[op::PROVISION, 2, 2],
                &to_1(2),
                &joined(2),
                &revoke(1),
                &revoke(2),
            ]),
        ),
        (
            "number-moves-away-and-back",
            two_and(&[
                &to_1(1),
                &[op::PROVISION, 0, 1],
                &joined(1),
                &[op::PROVISION, 0, 0],
                &joined(0),
                &to_1(1),
                &revoke(1),
            ]),
        ),
        (
            "restart",
            two_and(&[
                &to_1(1),
                &to_2(2),
                &[op::RESTART],
                &back(0),
                &revoke(1),
                &revoke(2),
                &back(1),
                &joined(2),
            ]),
        ),
        (
            "commit-lost",
            two_and(&[&[op::FAULT, 0], &to_1(1), &back(0), &back(1), &to_1(1)]),
        ),
        (
            "commit-kept",
            two_and(&[&[op::FAULT, 4], &to_1(1), &back(0), &back(1), &to_1(1)]),
        ),
        (
            "bytes-no-frame",
            two_and(&[&to_1(1), &[op::BYTES, 1, 1, 0, 0], &revoke(1)]),
        ),
        ("drain", two_and(&[&to_1(1), &[op::DRAIN, 255], &joined(2)])),
    ]
}

/// Device 1 claims the last epoch there is.
fn hello(numbers: &[u8]) -> Frame {
    let slot = |n: &u8| HelloSlot {
        number: number(*n),
        binding: Binding::Wanted {
            last: Epoch(u32::MAX),
        },
        cursor: Cursor(1 << 48),
        cursor_check: u32::MAX,
        old: Vec::new(),
    };
    Frame::Hello(Hello {
        session_no: SessionNo(1 << 48),
        after: SessionNo(0),
        slots: numbers.iter().map(slot).collect(),
    })
}
