//! What the user may choose and what it costs, and what the telephony agent is
//! asked. None of it is masked: only the user's own app asks for a preview or for
//! settings, and the agent has to dial.

use twine_engine::message::WaitsFor;
use twine_engine::parts::PartState;
use twine_engine::settings::{Effective, Fallback, Mode, Reach, Settings};
use twine_engine::{Order, Preview, SmsPreview};
use twine_proto::control_pb as pb;
use twine_proto::{E164, Redacted};
use twine_sms::Encoding;

use super::{View, channel};

/// What would happen to a message.
pub(super) fn previewed(preview: &Preview) -> pb::Previewed {
    pb::Previewed {
        channel: preview
            .channel
            .map_or(pb::Channel::Unspecified, channel)
            .into(),
        reasons: preview.reasons.iter().map(|&why| why.to_owned()).collect(),
        sms: preview.sms.as_ref().map(sms_cost),
        waits_for: preview.waits_for.map_or("", WaitsFor::word).to_owned(),
        peer_on_ip: reach_word(preview.reach).to_owned(),
        from: preview.from.expose(),
    }
}

fn sms_cost(sms: &SmsPreview) -> pb::SmsCost {
    let (encoding, parts, units_left) = match &sms.segments {
        Ok(segments) => (
            match segments.encoding {
                Encoding::GSM7 => "gsm7",
                Encoding::Gsm7 { .. } => "gsm7_national",
                Encoding::Ucs2 => "ucs2",
            },
            segments.count.into(),
            segments.units_left.into(),
        ),
        Err(_) => ("", 0, 0),
    };
    pb::SmsCost {
        encoding: encoding.to_owned(),
        parts,
        units_left,
        sim_slot: sms.slot.map_or(-1, i32::from),
        iccid: View::Full.secret(sms.iccid.as_ref()),
        roaming: sms.roaming,
        sim_number: sms.sim_number.map(E164::expose).unwrap_or_default(),
    }
}

/// What is set, and what holds.
pub(super) fn settings(
    set: &Settings,
    effective: &Effective,
    reach: Option<Reach>,
    sim_number: Option<E164>,
) -> pb::Settings {
    pb::Settings {
        mode: set.mode.map_or(pb::Mode::Unspecified, mode).into(),
        fallback: set
            .fallback
            .map_or(pb::Fallback::Unspecified, fallback)
            .into(),
        iccid: View::Full.secret(set.iccid.as_ref()),
        effective_mode: mode(effective.mode).into(),
        effective_fallback: fallback(effective.fallback).into(),
        peer_on_ip: reach.map_or("", reach_word).to_owned(),
        sim_number: sim_number.map(E164::expose).unwrap_or_default(),
    }
}

const fn mode(mode: Mode) -> pb::Mode {
    match mode {
        Mode::Auto => pb::Mode::Auto,
        Mode::IpOnly => pb::Mode::IpOnly,
        Mode::SmsOnly => pb::Mode::SmsOnly,
    }
}

const fn fallback(fallback: Fallback) -> pb::Fallback {
    match fallback {
        Fallback::Always => pb::Fallback::Always,
        Fallback::NotWhenRoaming => pb::Fallback::NotWhenRoaming,
        Fallback::Ask => pb::Fallback::Ask,
        Fallback::Never => pb::Fallback::Never,
    }
}

const fn reach_word(reach: Reach) -> &'static str {
    match reach {
        Reach::Unknown => "unknown",
        Reach::OnIp => "yes",
        Reach::Refused | Reach::Silent => "no",
    }
}

/// What the telephony agent is asked: it dials and sends, so it sees all.
#[must_use]
pub(in super::super) fn order(id: u64, order: Order) -> pb::Order {
    use pb::order::Kind;
    let kind = match order {
        Order::SendSms {
            attempt,
            iccid,
            to,
            parts,
        } => Kind::SendSms(pb::SendSms {
            attempt: attempt.0,
            iccid: iccid.into_exposed(),
            to: to.expose(),
            parts: parts.into_iter().map(Redacted::into_exposed).collect(),
        }),
        Order::SmsPartTaken {
            attempt,
            part,
            state,
        } => Kind::SmsPartTaken(pb::SmsPartTaken {
            attempt: attempt.0,
            part: part.into(),
            state: match state {
                PartState::Open => pb::SmsPartState::Unspecified,
                PartState::Sent => pb::SmsPartState::PartSent,
                PartState::Refused | PartState::Doubtful => pb::SmsPartState::PartRefused,
                PartState::Unknown => pb::SmsPartState::PartUnknown,
                PartState::Delivered => pb::SmsPartState::PartDelivered,
                PartState::Undeliverable => pb::SmsPartState::PartUndeliverable,
            }
            .into(),
        }),
        Order::PreferDataSim { slot, because } => Kind::PreferDataSim(pb::PreferDataSim {
            slot: slot.into(),
            reason: because.as_str().to_owned(),
        }),
        Order::LookAgain { link } => Kind::LookAgain(pb::LookAgain {
            link: link.0.to_string(),
        }),
        Order::SmsTaken { spool_id } => Kind::SmsTaken(pb::SmsTaken { spool_id }),
    };
    pb::Order {
        id,
        kind: Some(kind),
    }
}

#[cfg(test)]
mod tests {
    use twine_engine::message::Channel;
    use twine_engine::parts::AttemptId;

    use super::*;

    #[test]
    fn an_order_has_all_that_the_agent_needs() {
        let text = |text: &str| Redacted::new(text.to_owned());
        let sent = order(
            5,
            Order::SendSms {
                attempt: AttemptId(u64::MAX),
                iccid: text("8925402"),
                to: "40404".parse().unwrap(),
                parts: vec![text("one, "), text("two")],
            },
        );
        let expected = pb::SendSms {
            attempt: u64::MAX,
            iccid: "8925402".to_owned(),
            to: "40404".to_owned(),
            parts: vec!["one, ".to_owned(), "two".to_owned()],
        };
        assert_eq!(sent.id, 5);
        assert_eq!(sent.kind, Some(pb::order::Kind::SendSms(expected)));
    }

    #[test]
    fn a_preview_says_what_it_costs_and_why() {
        let preview = |segments, slot| Preview {
            from: "+254712345678".parse().unwrap(),
            channel: Some(Channel::Sms),
            waits_for: None,
            reasons: vec!["the peer is not on IP"],
            reach: Reach::Silent,
            sms: Some(SmsPreview {
                segments,
                slot,
                iccid: None,
                roaming: true,
                sim_number: None,
            }),
        };
        let segments = twine_sms::segments("habari", &twine_sms::TableSet::NONE);
        let shown = previewed(&preview(segments, Some(1)));
        assert_eq!(
            (shown.channel(), shown.peer_on_ip.as_str()),
            (pb::Channel::Sms, "no")
        );
        let sms = shown.sms.unwrap();
        assert_eq!(
            (sms.encoding.as_str(), sms.parts, sms.units_left),
            ("gsm7", 1, 154)
        );
        assert_eq!((sms.sim_slot, sms.roaming), (1, true));

        let long = twine_sms::segments(&"x".repeat(80_000), &twine_sms::TableSet::NONE);
        let sms = previewed(&preview(long, None)).sms.unwrap();
        assert_eq!((sms.parts, sms.sim_slot), (0, -1));
    }
}
