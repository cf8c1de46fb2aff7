//! Decisions of engines in a few words, for stories.

use twine_engine::message::MessageId;
use twine_engine::store_ops::Op;
use twine_engine::trace::{Decision, TraceRecord};

/// The message that a decision is about, if it is about one.
pub(super) const fn message(decision: &Decision) -> Option<MessageId> {
    match decision {
        Decision::ByIp(id)
        | Decision::BySms(id)
        | Decision::AskBack(id)
        | Decision::NoSms(id)
        | Decision::SmsHanded(id) => Some(*id),
        _ => None,
    }
}

/// What was decided and why; `name` is that of the message.
pub(super) fn brief(record: &TraceRecord, name: &str) -> String {
    let what = match &record.decision {
        Decision::ByIp(_) => format!("{name} by IP"),
        Decision::Wait => "messages wait".to_owned(),
        Decision::BySms(_) => format!("{name} by SMS"),
        Decision::AskBack(_) => format!("{name} is asked back, to go by SMS"),
        Decision::NoSms(_) => format!("{name} not by SMS"),
        Decision::SmsHanded(_) => format!("{name} is handed to the agent"),
        Decision::SmsRefused => "the agent could not send a part".to_owned(),
        Decision::Revoke { count } => format!("{count} messages are asked back"),
        Decision::Connect {
            conn,
            link,
            transport,
        } => format!("connection {} over {} by {transport:?}", conn.0, link.0),
        Decision::Move { conn, link } => format!("connection {} moves to {}", conn.0, link.0),
        Decision::UseLink { link: Some(link) } => format!("{} carries the session", link.0),
        Decision::UseLink { link: None } => "no link carries the session".to_owned(),
        Decision::MoveData { slot } => format!("data are to move to slot {slot}"),
        Decision::LookAgain { link } => format!("the system is to look at {} again", link.0),
        Decision::GiveUp { conn } => format!("connection {} is given up", conn.0),
        Decision::BackOff { delay_ms } => format!("connecting waits {delay_ms} ms"),
        Decision::Live { conn } => format!("connection {} is live", conn.0),
        Decision::Forgotten { idle_ms } => format!("the network forgets after {idle_ms} ms"),
        Decision::Unlearned => "what was learned cannot be read".to_owned(),
        Decision::NewEpoch => "a new epoch is asked for".to_owned(),
        Decision::Rejected => "a delivery is rejected".to_owned(),
        Decision::DeadlineDropped => "a deadline is dropped".to_owned(),
    };
    what + &why(&record.because)
}

/// What a batch decides about a message without a word in the trace: which, what, why.
pub(super) fn waits(op: &Op) -> Option<(MessageId, String)> {
    match op {
        Op::Wait {
            id, waits, because, ..
        } => {
            let of = waits.map_or_else(String::new, |waits| format!(" for {waits:?}"));
            Some((*id, format!("waits{of}{}", why(because))))
        }
        _ => None,
    }
}

pub(super) fn why(because: &[&str]) -> String {
    match because {
        [] => String::new(),
        because => format!(", because {}", because.join("; ")),
    }
}
