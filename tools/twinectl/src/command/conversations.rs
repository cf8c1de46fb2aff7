//! `twinectl conversations`.

use twine_control::pb;

use super::{Command, answer};
use crate::cli::{self, Options};
use crate::clock::{ago, wall_ms};
use crate::exit::Failure;
use crate::json::Value;
use crate::message;
use crate::redact::Redact;
use crate::table::{Table, one_line};

/// All conversations.
#[derive(Default)]
pub(crate) struct Conversations {
    limit: u32,
    offset: u32,
}

impl Command for Conversations {
    fn help(&self) -> &'static str {
        "\
Usage: twinectl conversations [--limit N] [--offset N]

All conversations, the latest first. --limit takes 1 to 200 [default 50];
--offset skips that many.
JSON: {conversations[{own, peer, count, last}]}; last is a MESSAGE as in
twinectl show --help, or null.
"
    }

    fn option(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool, Failure> {
        match name {
            "limit" => self.limit = cli::limit(parser)?,
            "offset" => {
                let text = cli::text(parser)?;
                let number = cli::number(&text, "--offset", 0, u32::MAX.into())?;
                self.offset = u32::try_from(number).unwrap_or(u32::MAX);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn run(&self, options: &Options) -> Result<(), Failure> {
        let mut client = options.app_reader()?;
        let conversations = client
            .ask(pb::GetConversations {
                offset: self.offset,
                limit: self.limit,
            })
            .map_err(|error| Failure::from(error).of_reading())?;
        let redact = options.redact;
        answer(
            options,
            || json(&conversations, redact),
            || text(&conversations, redact),
        )
    }
}

fn json(conversations: &pb::Conversations, redact: Redact) -> Value {
    let list = Value::list(&conversations.conversations, |conversation| {
        let last = conversation.last.as_ref();
        Value::object([
            ("own", Value::given(redact.number(&conversation.own))),
            ("peer", Value::given(redact.peer(&conversation.peer))),
            ("count", Value::from(conversation.count)),
            (
                "last",
                last.map_or(Value::Null, |last| message::json(last, redact)),
            ),
        ])
    });
    Value::object([("conversations", list)])
}

fn text(conversations: &pb::Conversations, redact: Redact) -> String {
    if conversations.conversations.is_empty() {
        return "no conversations\n".to_owned();
    }
    let now = wall_ms();
    let mut table = Table::new(&["OWN", "PEER", "MESSAGES", "LATEST", "TEXT"]);
    for conversation in &conversations.conversations {
        let last = conversation.last.clone().unwrap_or_default();
        table.row([
            one_line(&redact.number(&conversation.own)),
            one_line(&redact.peer(&conversation.peer)),
            conversation.count.to_string(),
            ago(last.changed_wall_ms, now),
            message::brief_text(&last, redact),
        ]);
    }
    table.render("")
}
