//! How a message is shown, alone and in lists.

use std::fmt::Write as _;

use twine_control::pb;

use crate::clock::{ago, utc, wall_ms};
use crate::json::Value;
use crate::redact::Redact;
use crate::table::{Table, number_or_dash, one_line, or_dash, shortened};
use crate::words;

/// Characters of a text shown in lists; `show` has it all.
const LIST_TEXT: usize = 48;

/// A message as a value.
pub(crate) fn json(message: &pb::Message, redact: Redact) -> Value {
    let ip = message.ip.as_ref().map_or(Value::Null, |ip| {
        Value::object([
            ("state", Value::given(&ip.state)),
            ("seq", Value::nonzero(ip.seq)),
            ("epoch", Value::nonzero(ip.epoch)),
            ("revoking", Value::from(ip.revoking)),
        ])
    });
    Value::object([
        ("message_id", Value::from(message.message_id)),
        (
            "direction",
            Value::text(words::direction(message.direction)),
        ),
        ("own", Value::given(redact.number(&message.own))),
        ("peer", Value::given(redact.peer(&message.peer))),
        ("text", Value::text(redact.text(&message.text))),
        ("state", Value::text(words::state(message.state))),
        ("failure", Value::given(&message.failure)),
        ("name", Value::given(redact.other(&message.name))),
        ("order", order_json(message.order.as_ref())),
        ("created_wall_ms", Value::nonzero(message.created_wall_ms)),
        ("changed_wall_ms", Value::nonzero(message.changed_wall_ms)),
        ("age_s", Value::from(message.age_s)),
        ("waits_for", Value::given(&message.waits_for)),
        ("came_by", words::channel_or_null(message.came_by)),
        ("copy_of", Value::nonzero(message.copy_of)),
        ("late", Value::from(message.late)),
        ("ip", ip),
        ("sms", sms_json(message.sms.as_ref(), redact)),
    ])
}

fn sms_json(sms: Option<&pb::SmsAttempt>, redact: Redact) -> Value {
    sms.map_or(Value::Null, |sms| {
        Value::object([
            ("state", Value::given(&sms.state)),
            ("parts", Value::from(sms.parts)),
            ("parts_sent", Value::from(sms.parts_sent)),
            ("parts_delivered", Value::from(sms.parts_delivered)),
            ("iccid", Value::given(redact.hidden(&sms.iccid))),
            ("marked", Value::from(sms.marked)),
            (
                "code",
                match sms.code {
                    0 => Value::Null,
                    code => Value::Signed(code.into()),
                },
            ),
            ("scts_ms", Value::nonzero(sms.scts_ms)),
        ])
    })
}

fn order_json(order: Option<&pb::OrderKey>) -> Value {
    order.map_or(Value::Null, |order| {
        Value::object([
            ("position", Value::from(order.position)),
            ("epoch", Value::from(order.epoch)),
            ("lane_seq", Value::from(order.lane_seq)),
        ])
    })
}

/// An order key as it is shown and given: "17/690/3".
pub(crate) fn order(order: &pb::OrderKey) -> String {
    format!("{}/{}/{}", order.position, order.epoch, order.lane_seq)
}

/// A list as one value.
pub(crate) fn list_json(messages: &pb::Messages, redact: Redact) -> Value {
    Value::object([
        (
            "messages",
            Value::list(&messages.messages, |message| json(message, redact)),
        ),
        ("more", Value::from(messages.more)),
    ])
}

/// A list as a table.
pub(crate) fn table(messages: &[pb::Message], redact: Redact) -> String {
    let now = wall_ms();
    let mut table = Table::new(&["ID", "", "PEER", "BY", "STATE", "SINCE", "TEXT"]);
    for message in messages {
        table.row([
            format!("#{}", message.message_id),
            arrow(message.direction).to_owned(),
            or_dash(one_line(&redact.peer(&message.peer))),
            way(message),
            brief_state(message),
            ago(message.changed_wall_ms, now),
            brief_text(message, redact),
        ]);
    }
    table.render("")
}

/// The text as lists show it.
pub(crate) fn brief_text(message: &pb::Message, redact: Redact) -> String {
    shortened(&one_line(&redact.text(&message.text)), LIST_TEXT)
}

/// One line for an event's message.
pub(crate) fn brief(message: &pb::Message, redact: Redact) -> String {
    let copy = match message.copy_of {
        0 => String::new(),
        root => format!("  (a copy of #{root})"),
    };
    format!(
        "#{} {} {} {}  {}{copy}",
        message.message_id,
        arrow(message.direction),
        or_dash(one_line(&redact.peer(&message.peer))),
        way(message),
        brief_text(message, redact),
    )
}

/// Which channel a message took, as short as it can be said: "ip", "sms 2/3" (so
/// many parts left of so many), "ip+sms".
fn way(message: &pb::Message) -> String {
    if message.direction == pb::Direction::Incoming as i32 {
        return match message.came_by {
            0 => "-".to_owned(),
            channel => words::channel(channel),
        };
    }
    // What was taken back before it had a place was given to nobody.
    let left = |state: &str| !(state == "none" || state == "revoked" && message.name.is_empty());
    let by_ip = message.ip.as_ref().is_some_and(|ip| left(&ip.state));
    let sms = message
        .sms
        .as_ref()
        .filter(|sms| !matches!(&*sms.state, "" | "none" | "not_used"));
    let sms = sms.map(|sms| match sms.parts {
        0 | 1 => "sms".to_owned(),
        parts => format!("sms {}/{parts}", sms.parts_sent),
    });
    match (by_ip, sms) {
        (false, None) => "-".to_owned(),
        (true, None) => "ip".to_owned(),
        (false, Some(sms)) => sms,
        (true, Some(sms)) => format!("ip+{sms}"),
    }
}

/// The state as lists show it.
fn brief_state(message: &pb::Message) -> String {
    let state = state(message.state, &message.failure);
    match &*message.waits_for {
        "" => state,
        waits => format!("{state}, waits for {}", one_line(waits)),
    }
}

/// How a message stands, in one sentence.
pub(crate) fn now(message: &pb::Message) -> String {
    let mut text = format!(
        "{}, since {}",
        state(message.state, &message.failure),
        utc(message.changed_wall_ms)
    );
    match way(message).as_str() {
        "-" => {}
        way => {
            let _ = write!(text, ", by {way}");
        }
    }
    if !message.waits_for.is_empty() {
        let _ = write!(text, "; waits for {}", words::waits_for(&message.waits_for));
    }
    if message.copy_of > 0 {
        let _ = write!(text, "; a copy of #{}, shown once", message.copy_of);
    }
    text
}

/// Everything about one message.
pub(crate) fn full(message: &pb::Message, redact: Redact) -> String {
    let now = wall_ms();
    let mut out = String::new();
    let mut line = |heading: &str, text: String| {
        let _ = writeln!(out, "{}", format!("{heading:<10} {text}").trim_end());
    };
    line(
        "message",
        format!(
            "#{}, {}",
            message.message_id,
            words::direction(message.direction)
        ),
    );
    line("own", or_dash(one_line(&redact.number(&message.own))));
    line("peer", or_dash(one_line(&redact.peer(&message.peer))));
    line("text", one_line(&redact.text(&message.text)));
    line(
        "state",
        format!(
            "{}, since {} ({})",
            state(message.state, &message.failure),
            utc(message.changed_wall_ms),
            ago(message.changed_wall_ms, now)
        ),
    );
    line(
        "created",
        format!(
            "{} ({}), by this device's clock",
            utc(message.created_wall_ms),
            ago(message.created_wall_ms, now)
        ),
    );
    if message.direction == pb::Direction::Incoming as i32 {
        let age = u64::from(message.age_s) * 1000;
        line(
            "delay",
            format!("{} at the gateway", crate::clock::duration(age)),
        );
    }
    if message.direction == pb::Direction::Incoming as i32 {
        line("came by", came_by(message, redact));
    } else {
        match &message.ip {
            Some(ip) => line("by ip", attempt(ip)),
            None => line("by ip", "the daemon said nothing of it".to_owned()),
        }
        match &message.sms {
            Some(sms) => line("by sms", sms_attempt(sms, redact)),
            None => line("by sms", "the daemon said nothing of it".to_owned()),
        }
    }
    if !message.waits_for.is_empty() {
        line("waits for", words::waits_for(&message.waits_for));
    }
    if message.copy_of > 0 {
        line("copy of", format!("#{}, shown once", message.copy_of));
    }
    line(
        "name",
        match message.name.as_str() {
            "" => "none yet".to_owned(),
            name => one_line(&redact.other(name)),
        },
    );
    line(
        "order",
        message
            .order
            .as_ref()
            .map_or_else(|| "not known".to_owned(), order),
    );
    out
}

fn attempt(ip: &pb::IpAttempt) -> String {
    let mut text = or_dash(one_line(&ip.state));
    if ip.seq > 0 {
        let epoch = number_or_dash(ip.epoch.into());
        let _ = write!(text, ", seq {} of epoch {epoch}", ip.seq);
    }
    if ip.revoking {
        text.push_str(", being taken back");
    }
    text
}

fn sms_attempt(sms: &pb::SmsAttempt, redact: Redact) -> String {
    let mut text = or_dash(one_line(&sms.state).replace('_', " "));
    if sms.parts > 0 {
        let _ = write!(
            text,
            ", {} of {} left the phone, {} delivered",
            sms.parts_sent,
            words::counted(sms.parts, "part"),
            sms.parts_delivered
        );
    }
    if !sms.iccid.is_empty() {
        let _ = write!(text, ", card {}", one_line(&redact.hidden(&sms.iccid)));
    }
    if sms.marked {
        text.push_str(", marked: another copy may exist");
    }
    if sms.code != 0 {
        let _ = write!(text, ", last code {}", sms.code);
    }
    text
}

fn came_by(message: &pb::Message, redact: Redact) -> String {
    let mut text = words::channel(message.came_by);
    if let Some(sms) = &message.sms {
        if sms.scts_ms > 0 {
            let _ = write!(text, ", sent {} by the operator's clock", utc(sms.scts_ms));
        }
        if !sms.iccid.is_empty() {
            let _ = write!(text, ", card {}", one_line(&redact.hidden(&sms.iccid)));
        }
    }
    if message.late {
        text.push_str(", found its place too late and stays where it arrived");
    }
    text
}

fn state(state: i32, failure: &str) -> String {
    let word = words::state(state);
    if failure.is_empty() {
        word
    } else {
        format!("{word}: {}", one_line(failure))
    }
}

const fn arrow(direction: i32) -> &'static str {
    if direction == pb::Direction::Outgoing as i32 {
        "->"
    } else if direction == pb::Direction::Incoming as i32 {
        "<-"
    } else {
        "??"
    }
}
