//! What the others at the desk say, made of a few bytes: small numbers meet
//! each other, large ones never do.

use std::time::Duration;

use twine_engine::link::{Binding, Generation, Link, LinkId, LinkKind, Vpn};
use twine_engine::message::Channel;
use twine_engine::store_ops::{ClientName, EventCursor, Token};
use twine_engine::{Command, DownReason};
use twine_proto::frame::{
    Accepted, Capabilities, Capability, Deliver, Disposition, Goodbye, GoodbyeReason, ReadMark,
    Receipt, ReceiptKind, Refusal, RejectReason, RevokeOutcome, Revoked, SentState, SlotStatus,
    Typing, UnreadableDeliver, Welcome, WelcomeSlot,
};
use twine_proto::limits::MAX_TEXT_BYTES;
use twine_proto::{
    Content, Cursor, Epoch, Frame, LaneSeq, OpaqueContent, Redacted, Seq, SessionNo, Slot,
};

use super::phone::anybody;
use super::{EPOCH, own, peer};
use crate::reader::Reader;

pub(super) fn link(a: u8) -> Link {
    let wifi = a & 1 != 0;
    let name = if wifi { "wifi" } else { "lte" };
    Link {
        id: LinkId(name.into()),
        kind: if wifi {
            LinkKind::Wifi
        } else {
            LinkKind::Cellular { sim_slot: 0 }
        },
        up: a & 2 != 0,
        validated: a & 4 != 0,
        metered: !wifi,
        roaming: false,
        generation: Generation::G4,
        network: name.into(),
        binding: Binding::default(),
        signal_dbm: None,
        vpn: Vpn::None,
    }
}

pub(super) fn down_reason(why: u8) -> DownReason {
    let words = String::from("as the input says");
    match why % 6 {
        0 => DownReason::Unreachable(words),
        1 => DownReason::TimedOut,
        2 => DownReason::Handshake(words),
        3 => DownReason::Closed(words),
        4 => DownReason::Protocol(words),
        _ => DownReason::Local(words),
    }
}

pub(super) fn send(token: u8, how: u8) -> Command {
    // Up to what fills a window alone, and a text of the greatest length.
    const LENGTHS: [usize; 4] = [1, 300, 40_000, MAX_TEXT_BYTES];
    let length = LENGTHS[usize::from(how >> 2 & 3)];
    Command::Send {
        client: ClientName("app".to_owned()),
        token: Token(vec![token]),
        from: (how & 64 != 0).then(|| own(how & 1)),
        to: anybody(how & 3, how & 32 != 0),
        text: Redacted::new("x".repeat(length)),
        valid_for: (how & 16 != 0).then(|| Duration::from_secs(u64::from(token))),
        by: (how & 128 != 0).then_some(Channel::Sms),
    }
}

pub(super) fn question(kind: u8, a: u8) -> Command {
    let client = ClientName(format!("client{}", a % 40));
    match kind % 5 {
        0 => Command::Typing {
            from: None,
            to: peer(a & 3),
            stopped: a & 128 != 0,
        },
        1 => Command::Register {
            number: own(a % 10),
            iccid: None,
        },
        2 => Command::Lookup((0..a % 65).map(peer).collect()),
        3 => Command::OpenClient {
            client,
            from_now: a & 128 != 0,
        },
        _ => Command::AckEvents {
            client,
            cursor: EventCursor(a.into()),
        },
    }
}

/// Two bits of `status` for each slot: `Ok`, `Granted`, `NotBound`, `EpochClosed`.
/// Granted epochs lie above [`EPOCH`] by the high-water mark.
pub(super) fn welcome(slots: usize, status: u8, high_water: u64) -> Frame {
    let slot = |index: usize| {
        let granted = Epoch(EPOCH.0 + high_water as u32);
        let status = match status.rotate_right(2 * index as u32) & 3 {
            0 => SlotStatus::Granted(granted),
            1 => SlotStatus::Ok,
            2 => SlotStatus::NotBound,
            _ => SlotStatus::EpochClosed,
        };
        let mark = match status {
            SlotStatus::Granted(_) => Seq(0),
            _ => Seq(high_water),
        };
        WelcomeSlot {
            status,
            state: SentState {
                high_water: mark,
                ..SentState::default()
            },
            old: Vec::new(),
        }
    };
    Frame::Welcome(Welcome {
        time_s: 0,
        slots: (0..slots).map(slot).collect(),
        idle_limit_s: 0,
        since: Vec::new(),
    })
}

pub(super) fn small_frame(steps: &mut Reader<'_>) -> Frame {
    let (kind, a, b) = (steps.byte(), steps.byte(), steps.byte());
    // 0 where it is allowed only.
    let (seq, cursor) = (Seq(u64::from(a).max(1)), Cursor(u64::from(a).max(1)));
    let slot = Slot(u32::from(b >> 7));
    let epoch = (b & 64 != 0).then_some(EPOCH);
    match kind % 13 {
        0 => Frame::Accepted(Accepted {
            slot,
            upto: Seq(a.into()),
            receipts: u64::from(b & 63),
            ..Accepted::default()
        }),
        1 => Frame::Accepted(Accepted {
            slot,
            upto: Seq(a.into()),
            refused: vec![(seq, Refusal::MailboxFull)],
            away: vec![seq],
            receipts: 0,
            conflict: (b & 1 != 0).then_some(seq),
        }),
        2 => Frame::Deliver(Deliver {
            slot,
            cursor,
            from: peer(b & 3),
            epoch: Epoch(500 + u32::from(b >> 2 & 1)),
            lane_seq: LaneSeq(u64::from(b >> 3 & 7)),
            age_s: 0,
            content: words(a),
            maybe_by_sms: false,
        }),
        3 => Frame::UnreadableDeliver(UnreadableDeliver { slot, cursor }),
        4 => receipt(
            slot,
            ReceiptKind::Outcomes {
                epoch,
                delivered: vec![seq],
                dispositions: Vec::new(),
            },
        ),
        5 => receipt(
            slot,
            ReceiptKind::Outcomes {
                epoch,
                delivered: Vec::new(),
                dispositions: vec![(seq, disposition(b))],
            },
        ),
        6 => receipt(
            slot,
            ReceiptKind::ReadBy {
                cursor,
                mark: ReadMark {
                    peer: peer(b & 3),
                    epoch: EPOCH,
                    upto: LaneSeq(u64::from(b >> 2 & 15)),
                },
            },
        ),
        7 => Frame::Revoked(Revoked {
            slot,
            epoch,
            results: vec![(seq, outcome(b))],
        }),
        8 => Frame::Capabilities(Capabilities {
            id: u32::from(a),
            entries: vec![Capability {
                number: peer(b & 3),
                reachable: true,
                features: 1,
                valid_s: u32::MAX,
            }],
        }),
        9 => Frame::Typing(Typing {
            slot,
            peer: peer(b & 3),
            stopped: false,
        }),
        10 => Frame::Ping(a.into()),
        11 => Frame::Pong(a.into()),
        _ => Frame::Goodbye(goodbye(a, b)),
    }
}

const fn receipt(slot: Slot, kind: ReceiptKind) -> Frame {
    Frame::Receipt(Receipt { slot, kind })
}

/// A text of one letter; content of no known version if it would be 'z'.
fn words(a: u8) -> OpaqueContent {
    let content = match b'a' + a % 26 {
        b'z' => OpaqueContent::new(vec![0xff].into()),
        letter => Content::text(char::from(letter).to_string()).map(|content| content.encode()),
    };
    content.unwrap_or_else(|error| panic!("{error}"))
}

const fn disposition(b: u8) -> Disposition {
    match b % 5 {
        0 => Disposition::Refused(Refusal::UnknownRecipient),
        1 => Disposition::Revoked,
        2 => Disposition::Expired,
        3 => Disposition::Rejected(RejectReason::Unreadable),
        _ => Disposition::Rejected(RejectReason::Conflict),
    }
}

const fn outcome(b: u8) -> RevokeOutcome {
    match b % 4 {
        0 => RevokeOutcome::Revoked,
        1 => RevokeOutcome::AlreadyDelivered,
        2 => RevokeOutcome::InDoubt,
        _ => RevokeOutcome::Forgotten,
    }
}

fn goodbye(a: u8, b: u8) -> Goodbye {
    let reason = match a % 6 {
        0 => GoodbyeReason::Draining,
        1 => GoodbyeReason::Superseded,
        2 => GoodbyeReason::ProtocolError,
        3 => GoodbyeReason::Overloaded,
        4 => GoodbyeReason::UnknownDevice,
        _ => GoodbyeReason::Closing,
    };
    Goodbye {
        reason,
        retry_after_s: if b == u8::MAX { u32::MAX } else { b.into() },
        redirect: String::new(),
        session_no: SessionNo(b.into()),
        detail: String::new(),
    }
}
