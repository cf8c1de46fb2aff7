//! `twinectl preview`.

use std::fmt::Write as _;

use twine_control::pb;

use super::{Command, answer};
use crate::cli::{self, Options};
use crate::exit::Failure;
use crate::json::Value;
use crate::redact::Redact;
use crate::table::{one_line, or_dash};
use crate::words;

/// What would happen to a text.
#[derive(Default)]
pub(crate) struct Preview {
    to: Option<String>,
    text: Option<String>,
    from: String,
    by: pb::Channel,
}

impl Command for Preview {
    fn help(&self) -> &'static str {
        "\
Usage: twinectl preview TO TEXT [--from NUMBER] [--by ip|sms]

What would happen to this text now, and why: by which channel it would go, how
many SMS it would take, by which card. Sends nothing and stores nothing. Options
as in twinectl send.
JSON: {channel, waits_for, reasons[], from, peer_on_ip, sms{encoding, parts,
units_left, sim_slot, iccid, roaming, sim_number}}; channel is null for a text
that would wait, sim_slot for a card that is not in the phone, sim_number for one
that has the number of the conversation, or tells none.
"
    }

    fn option(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool, Failure> {
        match name {
            "from" => self.from = cli::text(parser)?,
            "by" => self.by = cli::channel(parser)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn value(&mut self, value: String) -> Result<(), Failure> {
        cli::to_and_text(&mut self.to, &mut self.text, value)
    }

    fn ready(&self) -> Result<(), Failure> {
        cli::have_to_and_text(self.to.as_ref(), self.text.as_ref())
    }

    fn run(&self, options: &Options) -> Result<(), Failure> {
        let mut client = options.app_reader()?;
        let previewed = client
            .ask(pb::Preview {
                from: self.from.clone(),
                to: self.to.clone().unwrap_or_default(),
                text: self.text.clone().unwrap_or_default(),
                channel: self.by.into(),
            })
            .map_err(|error| Failure::from(error).of_reading())?;
        let redact = options.redact;
        answer(
            options,
            || json(&previewed, redact),
            || text(&previewed, redact),
        )
    }
}

fn json(previewed: &pb::Previewed, redact: Redact) -> Value {
    let sms = previewed.sms.as_ref().map_or(Value::Null, |sms| {
        Value::object([
            ("encoding", Value::given(&sms.encoding)),
            ("parts", Value::from(sms.parts)),
            ("units_left", Value::from(sms.units_left)),
            (
                "sim_slot",
                u32::try_from(sms.sim_slot).map_or(Value::Null, Value::from),
            ),
            ("iccid", Value::given(redact.hidden(&sms.iccid))),
            ("roaming", Value::from(sms.roaming)),
            ("sim_number", Value::given(redact.number(&sms.sim_number))),
        ])
    });
    Value::object([
        ("channel", words::channel_or_null(previewed.channel)),
        ("waits_for", Value::given(&previewed.waits_for)),
        (
            "reasons",
            Value::list(&previewed.reasons, |why| Value::text(redact.other(why))),
        ),
        ("from", Value::given(redact.number(&previewed.from))),
        ("peer_on_ip", Value::given(&previewed.peer_on_ip)),
        ("sms", sms),
    ])
}

fn text(previewed: &pb::Previewed, redact: Redact) -> String {
    let mut out = String::new();
    let mut line = |heading: &str, text: &str| {
        let _ = writeln!(out, "{heading:<11} {text}");
    };
    line("now", &verdict(previewed));
    for (index, why) in previewed.reasons.iter().enumerate() {
        let heading = if index == 0 { "because" } else { "" };
        line(heading, &one_line(&redact.other(why)));
    }
    line("from", &or_dash(one_line(&redact.number(&previewed.from))));
    line("peer on IP", &or_dash(one_line(&previewed.peer_on_ip)));
    match &previewed.sms {
        None => line("sms", "not for this one"),
        Some(sms) if sms.parts == 0 => line("sms", "the text cannot go by SMS"),
        Some(sms) => {
            let parts = words::counted(sms.parts, "part");
            line(
                "sms",
                &format!(
                    "{parts} in {}, room for {} more in the last",
                    one_line(&sms.encoding),
                    sms.units_left
                ),
            );
            line("card", &card(sms, redact));
        }
    }
    out
}

fn verdict(previewed: &pb::Previewed) -> String {
    match pb::Channel::try_from(previewed.channel) {
        Ok(pb::Channel::Ip) => "it would go by IP".to_owned(),
        Ok(pb::Channel::Sms) => "it would go by SMS".to_owned(),
        Ok(pb::Channel::Unspecified) if previewed.waits_for.is_empty() => {
            "it would not go yet".to_owned()
        }
        Ok(pb::Channel::Unspecified) => {
            format!(
                "it would wait for {}",
                words::waits_for(&previewed.waits_for)
            )
        }
        Err(_) => format!("it would go by {}", words::channel(previewed.channel)),
    }
}

fn card(sms: &pb::SmsCost, redact: Redact) -> String {
    let mut text = if sms.sim_slot < 0 {
        "not in the phone".to_owned()
    } else {
        format!("in slot {}", sms.sim_slot)
    };
    if !sms.iccid.is_empty() {
        let _ = write!(text, ", {}", one_line(&redact.hidden(&sms.iccid)));
    }
    if sms.roaming {
        text.push_str(", roaming: it may cost more");
    }
    if !sms.sim_number.is_empty() {
        let number = one_line(&redact.number(&sms.sim_number));
        let _ = write!(
            text,
            "; its number is {number}: the recipient sees that one"
        );
    }
    text
}
