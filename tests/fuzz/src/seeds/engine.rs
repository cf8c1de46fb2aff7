//! Little programs for [`crate::engine::desk`].

use twine_proto::frame::{Deliver, SentState, SlotStatus, Welcome, WelcomeSlot};
use twine_proto::{Content, Cursor, Epoch, Frame, LaneSeq, Redacted, Seq, Slot, codec};

use super::Seed;
use crate::engine::{EPOCH, op, peer};
use crate::reader::block;

/// LTE is up and validated.
const LTE_UP: [u8; 2] = [op::LINK, 6];
const LTE_GONE: [u8; 2] = [op::LINK, 0];
const WIFI_UP: [u8; 2] = [op::LINK, 7];
const REGISTER: [u8; 3] = [op::ASK, 1, 0];
const UP: [u8; 2] = [op::UP, 6];
/// The agent is here, with a card that is the default for SMS.
const PHONE: [u8; 2] = [op::SIM, 1 | 2 | 8 | 128];
/// To a name, which only SMS reaches.
const BY_SMS: [u8; 3] = [op::SEND, 1, 32];
const GRANTED: [u8; 3] = [op::WELCOME, 0, 0];
const A_SECOND: [u8; 2] = [op::PASS, 100];
const THREE_SECONDS: [u8; 2] = [op::PASS, 128 + 108];
const HOURS: [u8; 2] = [op::PASS, 128 + 111];

/// A phone with a number, a session and an epoch.
fn live() -> Vec<u8> {
    [&LTE_UP[..], &REGISTER, &UP, &GRANTED].concat()
}

/// Down, and up again with the same epoch and this mark.
fn again(high_water: u8) -> Vec<u8> {
    [
        &[op::DOWN, 3][..],
        &THREE_SECONDS,
        &UP,
        &[op::WELCOME, 1, high_water],
    ]
    .concat()
}

fn live_and(steps: &[&[u8]]) -> Vec<u8> {
    [&live(), &*steps.concat()].concat()
}

/// A phone whose card can send, and no IP.
fn phone_and(steps: &[&[u8]]) -> Vec<u8> {
    [&PHONE, &*steps.concat()].concat()
}

fn said(frame: &Frame) -> Vec<u8> {
    [&[op::BYTES][..], &block(&codec::encode_to_bytes(frame))].concat()
}

/// For [`crate::engine::desk`].
#[must_use]
pub fn desk() -> Vec<Seed> {
    let send = |token: u8| [op::SEND, token, 0];
    let accepted = |upto: u8| [op::FRAME, 0, upto, 0];
    let delivered = |seq: u8| [op::FRAME, 4, seq, 0];
    let full_window: Vec<u8> = (0..40).flat_map(send).collect();
    vec![
        ("live", live()),
        (
            "send-accepted-delivered",
            live_and(&[
                &send(1),
                &send(2),
                &accepted(2),
                &delivered(1),
                &delivered(2),
            ]),
        ),
        (
            "send-refused",
            live_and(&[&send(1), &[op::FRAME, 1, 1, 0], &[op::CHANGE, 1, 1]]),
        ),
        (
            "send-conflict",
            live_and(&[
                &send(1),
                &[op::FRAME, 1, 1, 1],
                &THREE_SECONDS,
                &UP,
                &[op::WELCOME, 0, 1],
            ]),
        ),
        ("accepted-never-sent", live_and(&[&accepted(200)])),
        (
            "window-full",
            live_and(&[&full_window, &accepted(20), &accepted(255)]),
        ),
        (
            "window-of-bytes",
            live_and(&[
                &[op::SEND, 1, 8],
                &[op::SEND, 2, 8],
                &[op::SEND, 3, 12],
                &accepted(1),
                &accepted(2),
            ]),
        ),
        (
            "resume",
            live_and(&[&send(1), &send(2), &send(3), &again(1), &accepted(3)]),
        ),
        (
            "resume-history-lost",
            live_and(&[&send(1), &send(2), &accepted(2), &again(0)]),
        ),
        (
            "resume-full-window",
            live_and(&[
                &full_window,
                &accepted(30),
                &again(0),
                &accepted(32),
                &again(0),
            ]),
        ),
        ("resume-store-is-old", live_and(&[&send(1), &again(9)])),
        (
            "epoch-closed",
            live_and(&[
                &send(1),
                &[op::DOWN, 3],
                &THREE_SECONDS,
                &UP,
                &[op::WELCOME, 3, 0],
                &THREE_SECONDS,
                &UP,
                &[op::WELCOME, 0, 1],
            ]),
        ),
        (
            "not-bound",
            [
                &LTE_UP[..],
                &REGISTER,
                &UP,
                &[op::WELCOME, 2, 0],
                &HOURS,
                &UP,
                &GRANTED,
            ]
            .concat(),
        ),
        (
            "offline-queue",
            live_and(&[&LTE_GONE, &send(1), &send(2), &[op::CHANGE, 0, 2], &LTE_UP]),
        ),
        (
            "two-links",
            live_and(&[&send(1), &WIFI_UP, &[op::PATH, 0], &A_SECOND, &LTE_GONE]),
        ),
        (
            "cancel-revoked",
            live_and(&[
                &send(1),
                &accepted(1),
                &[op::CHANGE, 0, 1],
                &[op::FRAME, 7, 1, 0],
            ]),
        ),
        (
            "cancel-in-doubt",
            live_and(&[
                &send(1),
                &accepted(1),
                &[op::CHANGE, 0, 1],
                &[op::FRAME, 7, 1, 2],
                &again(1),
            ]),
        ),
        (
            "validity-over",
            live_and(&[
                &[op::SEND, 5, 16],
                &LTE_GONE,
                &[op::SEND, 6, 16],
                &HOURS,
                &LTE_UP,
            ]),
        ),
        (
            "deliver",
            live_and(&[
                &[op::FRAME, 2, 1, 8],
                &[op::FRAME, 2, 2, 16],
                &[op::CHANGE, 2, 1],
            ]),
        ),
        (
            "deliver-twice",
            live_and(&[&[op::FRAME, 2, 1, 8], &[op::FRAME, 2, 1, 8]]),
        ),
        (
            "deliver-conflict",
            live_and(&[&[op::FRAME, 2, 1, 8], &[op::FRAME, 2, 2, 8]]),
        ),
        (
            "deliver-unreadable",
            live_and(&[
                &[op::FRAME, 2, 25, 8],
                &[op::FRAME, 3, 26, 0],
                &[op::FRAME, 0, 0, 2],
            ]),
        ),
        ("deliver-without-place", live_and(&[&[op::FRAME, 2, 1, 0]])),
        (
            "deliver-far-apart",
            live_and(&[&said(&far(1)), &said(&far(u64::from(u32::MAX)))]),
        ),
        (
            "deliver-from-nobody",
            live_and(&[&[op::BYTES, 8, 0, 7, 5, 0x08, 0x05, 0x10, 0x07, 0x38, 0x00]]),
        ),
        (
            "deliver-while-store-is-slow",
            live_and(&[
                &[op::HOLD, 1],
                &[op::FRAME, 2, 1, 8].repeat(300),
                &[op::HOLD, 0],
            ]),
        ),
        ("receipts-never-sent", live_and(&[&[op::FRAME, 0, 0, 63]])),
        (
            "read-by",
            live_and(&[&send(1), &accepted(1), &delivered(1), &[op::FRAME, 6, 1, 4]]),
        ),
        ("welcome-twice", live_and(&[&GRANTED])),
        (
            "welcome-of-two-slots",
            live_and(&[&[op::DOWN, 3], &THREE_SECONDS, &UP, &said(&two_slots())]),
        ),
        (
            "hello-from-the-gateway",
            live_and(&[&[op::BYTES, 2, 0, 1, 1]]),
        ),
        (
            "bytes-no-frame",
            live_and(&[&send(1), &[op::BYTES, 1, 0, 0], &THREE_SECONDS]),
        ),
        (
            "goodbye-of-each-kind",
            (0..6).fold(live(), |steps, why| {
                [
                    &*steps,
                    &[op::FRAME, 12, why, 2],
                    &THREE_SECONDS,
                    &UP,
                    &[op::WELCOME, 1, 0],
                ]
                .concat()
            }),
        ),
        (
            "goodbye-for-ever",
            live_and(&[&[op::FRAME, 12, 0, 255], &HOURS, &HOURS]),
        ),
        (
            "handshakes-that-fail",
            (0..6).fold(LTE_UP.to_vec(), |steps, why| {
                [&*steps, &REGISTER, &[op::DOWN, why], &THREE_SECONDS].concat()
            }),
        ),
        ("silence", live_and(&[&send(1), &HOURS, &UP, &HOURS])),
        (
            "pings",
            live_and(&[
                &[op::FRAME, 10, 5, 0],
                &[op::PASS, 128 + 112],
                &[op::FRAME, 11, 1, 0],
            ]),
        ),
        (
            "questions",
            live_and(&[
                &[op::ASK, 0, 1],
                &[op::ASK, 2, 3],
                &[op::FRAME, 8, 1, 0],
                &[op::ASK, 3, 1],
                &[op::ASK, 4, 1],
                &[op::ASK, 4, 255],
            ]),
        ),
        (
            "lookups-at-the-limit",
            live_and(&[&[op::ASK, 2, 64].repeat(40), &HOURS]),
        ),
        (
            "two-identities",
            live_and(&[
                &[op::ASK, 1, 1],
                &THREE_SECONDS,
                &UP,
                &[op::WELCOME, 1, 0],
                &[op::SEND, 1, 64],
                &[op::SEND, 2, 65],
                &[op::SEND, 3, 0],
            ]),
        ),
        (
            "identities-at-the-limit",
            (0..10).fold(LTE_UP.to_vec(), |steps, n| {
                [&*steps, &[op::ASK, 1, n]].concat()
            }),
        ),
        (
            "slow-store",
            live_and(&[
                &[op::HOLD, 1],
                &send(1),
                &send(2),
                &A_SECOND,
                &[op::HOLD, 0],
                &accepted(2),
            ]),
        ),
        (
            "crash-before-commit",
            live_and(&[
                &[op::HOLD, 1],
                &send(1),
                &[op::CRASH, 0],
                &LTE_UP,
                &UP,
                &[op::WELCOME, 1, 0],
                &send(1),
            ]),
        ),
        (
            "reboot",
            live_and(&[
                &[op::SEND, 5, 16],
                &accepted(1),
                &[op::CRASH, 1],
                &LTE_UP,
                &UP,
                &[op::WELCOME, 1, 1],
                &HOURS,
            ]),
        ),
        (
            "sms-sent-delivered",
            phone_and(&[
                &BY_SMS,
                &[op::PART, 0, 0, 0],
                &[op::PART, 0, 0, 3],
                &[op::PART, 0, 0, 3],
                &[op::PART, 0, 9, 0],
            ]),
        ),
        (
            "sms-of-many-parts",
            phone_and(&[
                &[op::SEND, 1, 32 | 4],
                &[op::PART, 0, 1, 0],
                &[op::PART, 0, 0, 2],
                &HOURS,
                &[op::SEND, 2, 32 | 8],
                &[op::SEND, 3, 128 | 12],
            ]),
        ),
        (
            "sms-refused-and-again",
            phone_and(&[
                &BY_SMS,
                &[op::PART, 0, 0, 1],
                &[op::CHANGE, 3, 1],
                &[op::PART, 5, 0, 1],
                &[op::SIM, 1 | 2],
                &A_SECOND,
            ]),
        ),
        (
            "sms-waits-for-its-card",
            phone_and(&[
                &[op::SIM, 16],
                &BY_SMS,
                &[op::CHANGE, 0, 1],
                &[op::SEND, 2, 32],
                &[op::SIM, 0],
                &[op::SIM, 1 | 2 | 4],
                &HOURS,
            ]),
        ),
        (
            "sms-given-again",
            phone_and(&[
                &BY_SMS,
                &[op::LINK, 16],
                &PHONE,
                &[op::CRASH, 1],
                &PHONE,
                &[op::PART, 0, 0, 0],
                &HOURS,
            ]),
        ),
        (
            "sms-paced",
            phone_and(&[
                &(0..40)
                    .flat_map(|token| [op::SEND, token, 32])
                    .collect::<Vec<_>>(),
                &[op::PART, 0, 0, 0],
                &[op::PART, 1, 0, 0],
                &[op::PART, 2, 0, 2],
                &HOURS,
            ]),
        ),
        (
            "fallback-while-the-gateway-is-silent",
            live_and(&[
                &PHONE,
                &send(1),
                &THREE_SECONDS.repeat(20),
                &[op::FRAME, 7, 1, 0],
                &[op::PART, 0, 0, 0],
            ]),
        ),
        (
            "fallback-uncertain",
            live_and(&[
                &PHONE,
                &send(1),
                &[op::DOWN, 1],
                &LTE_GONE,
                &THREE_SECONDS.repeat(20),
                &[op::PART, 0, 0, 0],
                &LTE_UP,
                &UP,
                &[op::WELCOME, 1, 1],
                &[op::FRAME, 7, 1, 1],
                &send(2),
            ]),
        ),
        (
            "copies-merge",
            live_and(&[
                &PHONE,
                &[op::SMS, 1, 8],
                &[op::SMS, 1, 8],
                &[op::FRAME, 2, 1, 8],
                &[op::SMS, 27, 16],
                &[op::SMS, 2, 4],
                &[op::CHANGE, 2, 1],
            ]),
        ),
        (
            "choices",
            live_and(&[
                &PHONE,
                &[op::CHOOSE, 0, 255],
                &[op::CHOOSE, 1, 0],
                &[op::CHOOSE, 2, 128 | 24],
                &[op::CHOOSE, 1, 128],
                &send(1),
                &[op::CHOOSE, 2, 32],
                &[op::SEND, 2, 1],
                &HOURS,
                &[op::CHANGE, 3, 2],
            ]),
        ),
        (
            "agent-gone",
            live_and(&[&[op::LINK, 16], &send(1), &[op::LINK, 14]]),
        ),
    ]
}

fn far(lane_seq: u64) -> Frame {
    Frame::Deliver(Deliver {
        slot: Slot(0),
        cursor: Cursor(lane_seq),
        from: peer(0),
        epoch: Epoch(u32::MAX),
        lane_seq: LaneSeq(lane_seq),
        age_s: u32::MAX,
        content: Content {
            text: Some(Redacted::new("a".to_owned())),
            note: Vec::new(),
        }
        .encode(),
        maybe_by_sms: true,
    })
}

fn two_slots() -> Frame {
    let slot = WelcomeSlot {
        status: SlotStatus::Ok,
        state: SentState {
            high_water: Seq(1),
            ..SentState::default()
        },
        old: vec![(EPOCH, SentState::default())],
    };
    Frame::Welcome(Welcome {
        time_s: 0,
        slots: vec![slot; 2],
        idle_limit_s: 1,
        since: Vec::new(),
    })
}
