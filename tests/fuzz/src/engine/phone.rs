//! What the telephony agent at the desk says: cards, results, incoming SMS.

use twine_engine::link::Sim;
use twine_engine::parts::PartState;
use twine_engine::settings::{Fallback, Mode, Settings};
use twine_engine::{Command, SmsReceived};
use twine_proto::{Peer, Redacted};

use super::{own, peer};

/// The card in the first slot, or (64) that in the second.
pub(super) fn sim(a: u8) -> Sim {
    let slot = a >> 6 & 1;
    Sim {
        slot,
        iccid: iccid(slot),
        number: (a & 32 == 0).then(|| own(slot)),
        mcc_mnc: "63902".into(),
        ready: a & 1 != 0,
        in_service: a & 2 != 0,
        roaming: a & 4 != 0,
        default_sms: a & 8 != 0,
        radio_off: a & 16 != 0,
        subscription_id: slot.into(),
        data: None,
        operator: "Lab".into(),
    }
}

fn iccid(slot: u8) -> Redacted<String> {
    Redacted::new(format!("892540{slot}"))
}

/// A number, or what only SMS reaches.
pub(super) fn anybody(n: u8, named: bool) -> Peer {
    if named {
        // Short enough to be a name.
        format!("4040{n}").parse().unwrap_or(Peer::Number(peer(n)))
    } else {
        Peer::Number(peer(n))
    }
}

pub(super) fn part_state(state: u8) -> PartState {
    match state % 5 {
        0 => PartState::Sent,
        1 => PartState::Refused,
        2 => PartState::Unknown,
        3 => PartState::Delivered,
        _ => PartState::Undeliverable,
    }
}

/// Spooled as `a`, from and with a text of `b`: letters as the gateway delivers
/// them, so that copies meet, and a mark.
pub(super) fn received(a: u8, b: u8) -> SmsReceived {
    let letter = char::from(b'a' + a % 26);
    let mark = " ".repeat((b >> 3 & 7).into());
    SmsReceived {
        spool_id: format!("spool-{a}"),
        iccid: iccid(b >> 7),
        own: None,
        from: anybody(b & 3, b & 4 != 0),
        text: Redacted::new(format!("{letter}{mark}")),
        scts_ms: u64::from(b) * 1000,
    }
}

pub(super) fn choice(kind: u8, a: u8) -> Command {
    let conversation = (a & 128 != 0).then(|| (own(0), anybody(a & 3, a & 4 != 0)));
    match kind % 3 {
        0 => Command::Preview {
            from: None,
            to: anybody(a & 3, a & 4 != 0),
            text: Redacted::new("ዛ".repeat(usize::from(a) * 16)),
            by: None,
        },
        1 => Command::GetSettings(conversation),
        _ => Command::Set {
            settings: Settings {
                mode: [
                    None,
                    Some(Mode::Auto),
                    Some(Mode::IpOnly),
                    Some(Mode::SmsOnly),
                ][usize::from(a >> 3 & 3)],
                fallback: [
                    None,
                    Some(Fallback::Ask),
                    Some(Fallback::Never),
                    Some(Fallback::NotWhenRoaming),
                ][usize::from(a >> 5 & 3)],
                iccid: conversation.map(|_| iccid(a >> 3 & 1)),
            },
            conversation,
        },
    }
}
