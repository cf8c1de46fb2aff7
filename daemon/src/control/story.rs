//! A message's story in plain words: what a technician reads aloud.
//!
//! The store keeps steps with a figure and reasons; here each gets its sentence.
//! What the store keeps no step of, because it happens to every message, is
//! told from the message itself.

use twine_engine::message::{Channel, Direction, IpAttempt, MessageRecord, WaitsFor};
use twine_proto::control_pb as pb;
use twine_store::{Step, StoryLine};

use crate::reads::Story;

/// All lines, oldest first.
pub(super) fn lines(story: &Story) -> Vec<pb::StoryLine> {
    let mut lines = Vec::with_capacity(story.lines.len() + 1);
    if !story.lines.iter().any(|line| line.step == Step::Stored) {
        lines.push(beginning(&story.message));
        // One that has to wait for anything says so from the beginning.
        let left_at_once = story.lines.first().is_none_or(follows_ip);
        if left_at_once && story.message.ip != IpAttempt::None {
            lines.push(at_once(&story.message));
        }
    }
    lines.extend(story.lines.iter().map(line));
    lines
}

/// Told of a message that IP had before.
fn follows_ip(line: &StoryLine) -> bool {
    match line.step {
        Step::AskedBack
        | Step::Revoked
        | Step::InDoubt
        | Step::DeliveredAlready
        | Step::Accepted
        | Step::Delivered
        | Step::IpFailed => true,
        Step::BySms => line.detail == Some(1),
        _ => false,
    }
}

fn at_once(message: &MessageRecord) -> pb::StoryLine {
    pb::StoryLine {
        wall_ms: message.created.0,
        step: Step::ByIp.word().to_owned(),
        text: "goes by IP".to_owned(),
        reasons: vec!["the gateway is reachable".to_owned()],
    }
}

/// What an incoming message tells of its way.
fn way(message: &MessageRecord) -> Vec<String> {
    let mut reasons = Vec::new();
    if message.age_s > 0 {
        reasons.push(format!("it lay at the gateway for {} s", message.age_s));
    }
    if message.late {
        reasons.push("its place was found more than a day late: it stays where it came".to_owned());
    }
    reasons
}

fn beginning(message: &MessageRecord) -> pb::StoryLine {
    let (step, text) = match (message.direction, message.came_by) {
        (Direction::Outgoing, _) => ("stored", "stored for sending"),
        (Direction::Incoming, Channel::Ip) => ("received", "received by IP"),
        (Direction::Incoming, Channel::Sms) => ("received", "received by SMS"),
    };
    pb::StoryLine {
        wall_ms: message.created.0,
        step: step.to_owned(),
        text: text.to_owned(),
        reasons: way(message),
    }
}

fn line(line: &StoryLine) -> pb::StoryLine {
    pb::StoryLine {
        wall_ms: line.wall.0,
        step: line.step.word().to_owned(),
        text: sentence(line),
        reasons: line.because.clone(),
    }
}

fn sentence(line: &StoryLine) -> String {
    let fixed = match line.step {
        Step::Stored => "stored for sending",
        Step::Waits => match line.waits() {
            None => "goes on waiting",
            Some(waits) => waits_for(waits),
        },
        Step::NotByIp => "does not go by IP now",
        Step::ByIp => "goes by IP",
        Step::AskedBack => "the gateway is asked to give it back, to send it by SMS",
        Step::Revoked => "the gateway gave it back: it was not delivered by IP",
        Step::InDoubt => "the gateway cannot tell whether it was delivered",
        Step::DeliveredAlready => "the gateway says that it was delivered before it was asked back",
        Step::Accepted => "the gateway has it",
        Step::Delivered => "delivered by IP",
        Step::IpFailed => "IP cannot deliver it",
        Step::BySms if line.detail == Some(1) => {
            "goes by SMS, marked: another copy may have arrived, by IP or by SMS"
        }
        Step::BySms => "goes by SMS",
        Step::Recalled => "taken out of the queue for SMS",
        Step::Handed => return format!("given to the phone to send, {}", parts(line.detail)),
        Step::PartSent => "a part left the phone",
        Step::PartRefused => {
            return match line.detail {
                Some(code) => format!("the phone could not send a part, code {code}"),
                None => "the phone could not send a part".to_owned(),
            };
        }
        Step::PartUnknown => "the phone cannot tell what became of a part",
        Step::PartDelivered => "the operator delivered a part",
        Step::PartUndeliverable => "the operator could not deliver a part",
        Step::Unconfirmed => "no result came in time: counts as sent, unconfirmed",
        Step::NoSms => "does not go by SMS",
        Step::Cancelled => "taken back by the user",
        Step::Retried => match line.wish() {
            None => "the user had it sent again",
            Some(Channel::Ip) => "the user had it sent by IP",
            Some(Channel::Sms) => "the user had it sent by SMS",
        },
        Step::ValidityOver => "its time was over before it was delivered",
        Step::Merged => return format!("is a copy of {}, which is shown", number(line.detail)),
        Step::HasCopy => return format!("{} is a copy of it: shown once", number(line.detail)),
        Step::Unmerged => return format!("is no copy of {}: both are shown", number(line.detail)),
        Step::Moved => "moved to its place in the conversation",
    };
    fixed.to_owned()
}

/// What a message waits for, as a sentence about it.
const fn waits_for(waits: WaitsFor) -> &'static str {
    match waits {
        WaitsFor::User => "waits for the user to decide",
        WaitsFor::Sim => "waits for the card of its conversation",
        WaitsFor::Radio => "waits for the radio to be switched on",
        WaitsFor::Service => "waits for a network that carries SMS",
        WaitsFor::Limit => "waits for the limit of SMS to pass",
        WaitsFor::Home => "waits for the card to be back in its home network",
    }
}

fn number(message: Option<i64>) -> String {
    message.map_or_else(|| "another message".to_owned(), |id| format!("#{id}"))
}

fn parts(count: Option<i64>) -> String {
    match count {
        Some(1) => "one part".to_owned(),
        Some(count) => format!("{count} parts"),
        None => "in parts".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use twine_engine::time::WallTime;

    use super::*;

    fn told(step: Step, detail: Option<i64>) -> String {
        sentence(&StoryLine {
            wall: WallTime(7),
            step,
            detail,
            because: Vec::new(),
        })
    }

    #[test]
    fn each_step_is_a_sentence_with_its_figure() {
        assert_eq!(told(Step::BySms, Some(0)), "goes by SMS");
        assert!(told(Step::BySms, Some(1)).starts_with("goes by SMS, marked"));
        assert_eq!(
            told(Step::Handed, Some(1)),
            "given to the phone to send, one part"
        );
        assert_eq!(
            told(Step::Handed, Some(3)),
            "given to the phone to send, 3 parts"
        );
        assert_eq!(
            told(Step::PartRefused, Some(4)),
            "the phone could not send a part, code 4"
        );
        assert_eq!(
            told(Step::Merged, Some(6)),
            "is a copy of #6, which is shown"
        );
        assert_eq!(
            told(Step::HasCopy, Some(7)),
            "#7 is a copy of it: shown once"
        );
        assert_eq!(
            told(Step::Unmerged, None),
            "is no copy of another message: both are shown"
        );
        assert_eq!(told(Step::Waits, None), "goes on waiting");
        assert_eq!(told(Step::Waits, Some(99)), "goes on waiting");
    }
}
