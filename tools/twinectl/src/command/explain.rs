//! `twinectl explain`.

use twine_control::pb;

use super::{Command, answer, needed, take_id};
use crate::cli::Options;
use crate::clock::utc;
use crate::exit::Failure;
use crate::json::Value;
use crate::message;
use crate::redact::Redact;
use crate::table::{Table, one_line};

/// Why a message went the way it went.
#[derive(Default)]
pub(crate) struct Explain {
    message_id: Option<u64>,
}

impl Command for Explain {
    fn help(&self) -> &'static str {
        "\
Usage: twinectl explain MESSAGE

The whole story of a message: what happened to it when, what was decided and why,
and how it stands now.
JSON: {message, lines[{wall_ms, step, text, reasons[]}]}; message is a MESSAGE as
in twinectl show --help, step a stable word.
"
    }

    fn value(&mut self, value: String) -> Result<(), Failure> {
        take_id(&mut self.message_id, &value)
    }

    fn ready(&self) -> Result<(), Failure> {
        needed(self.message_id).map(|_| ())
    }

    fn run(&self, options: &Options) -> Result<(), Failure> {
        let message_id = needed(self.message_id)?;
        let (mut client, redact) = options.reader()?;
        let story = client
            .ask(pb::Explain { message_id })
            .map_err(|error| Failure::from(error).of_reading())?;
        answer(options, || json(&story, redact), || text(&story, redact))
    }
}

fn json(story: &pb::Story, redact: Redact) -> Value {
    let lines = Value::list(&story.lines, |line| {
        Value::object([
            ("wall_ms", Value::nonzero(line.wall_ms)),
            ("step", Value::given(&line.step)),
            ("text", Value::given(redact.other(&line.text))),
            (
                "reasons",
                Value::list(&line.reasons, |why| Value::text(redact.other(why))),
            ),
        ])
    });
    let message = story.message.as_ref();
    Value::object([
        (
            "message",
            message.map_or(Value::Null, |message| message::json(message, redact)),
        ),
        ("lines", lines),
    ])
}

fn text(story: &pb::Story, redact: Redact) -> String {
    let message = story.message.clone().unwrap_or_default();
    let mut out = format!("{}\n\n", message::brief(&message, redact));
    let mut table = Table::new(&["TIME", "WHAT", "WHY"]);
    for line in &story.lines {
        let mut reasons = line.reasons.iter().map(|why| one_line(&redact.other(why)));
        table.row([
            utc(line.wall_ms),
            one_line(&redact.other(&line.text)),
            reasons.next().unwrap_or_default(),
        ]);
        // Each on a line of its own, to be read one after the other.
        for why in reasons {
            table.row([String::new(), String::new(), why]);
        }
    }
    out.push_str(&table.render(""));
    out.push_str(&format!("\nnow: {}\n", message::now(&message)));
    let card = message.sms.as_ref().map_or("", |sms| sms.iccid.as_str());
    if !card.is_empty() {
        let card = one_line(&redact.hidden(card));
        out.push_str(&format!("card of its SMS: {card}\n"));
    }
    out
}
