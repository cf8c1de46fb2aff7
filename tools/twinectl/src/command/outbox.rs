//! `twinectl outbox`.

use twine_control::pb;

use super::{Command, answer, message_id};
use crate::cli::{self, Options};
use crate::exit::Failure;
use crate::message;
use crate::redact::Redact;

/// What is on its way out.
#[derive(Default)]
pub(crate) struct Outbox {
    limit: u32,
    after: u64,
}

impl Command for Outbox {
    fn help(&self) -> &'static str {
        "\
Usage: twinectl outbox [--limit N] [--after MESSAGE]

Messages that are queued, in flight, or accepted and not delivered yet, oldest
first. --limit takes 1 to 200 [default 50]; --after goes on behind a message.
JSON: {messages[MESSAGE], more}; MESSAGE as in twinectl show --help.
"
    }

    fn option(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool, Failure> {
        match name {
            "limit" => self.limit = cli::limit(parser)?,
            "after" => self.after = message_id(&cli::text(parser)?)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn run(&self, options: &Options) -> Result<(), Failure> {
        let (mut client, redact) = options.reader()?;
        let messages = client
            .ask(pb::GetOutbox {
                limit: self.limit,
                after: self.after,
            })
            .map_err(|error| Failure::from(error).of_reading())?;
        answer(
            options,
            || message::list_json(&messages, redact),
            || text(&messages, redact),
        )
    }
}

fn text(messages: &pb::Messages, redact: Redact) -> String {
    let Some(last) = messages.messages.last() else {
        return "nothing is on its way\n".to_owned();
    };
    let mut out = message::table(&messages.messages, redact);
    if messages.more {
        out.push_str(&format!("more: --after {}\n", last.message_id));
    }
    out
}
