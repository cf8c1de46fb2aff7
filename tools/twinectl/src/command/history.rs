//! `twinectl history`.

use twine_control::pb;

use super::{Command, answer, only_number};
use crate::cli::{self, Options};
use crate::exit::Failure;
use crate::message;

/// A conversation.
#[derive(Default)]
pub(crate) struct History {
    peer: Option<String>,
    own: Option<String>,
    before: Option<pb::OrderKey>,
    limit: u32,
}

impl Command for History {
    fn help(&self) -> &'static str {
        "\
Usage: twinectl history PEER [--own NUMBER] [--limit N] [--before ORDER]

The conversation with PEER (a number in international form, a short code or a
name), newest first, in the order in which the app shows it. --own says with which of this device's
numbers [default: the only one]. --limit takes 1 to 200 [default 50]; --before
goes on behind a page, with the order key that was printed.
JSON: {messages[MESSAGE], more}; MESSAGE as in twinectl show --help.
"
    }

    fn option(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool, Failure> {
        match name {
            "own" => self.own = Some(cli::text(parser)?),
            "limit" => self.limit = cli::limit(parser)?,
            "before" => self.before = Some(order_key(&cli::text(parser)?)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn value(&mut self, value: String) -> Result<(), Failure> {
        if self.peer.is_some() {
            return Err(Failure::usage(format!(
                "one conversation at a time; \"{value}\" is one too many"
            )));
        }
        self.peer = Some(value);
        Ok(())
    }

    fn ready(&self) -> Result<(), Failure> {
        self.needed_peer().map(|_| ())
    }

    fn run(&self, options: &Options) -> Result<(), Failure> {
        let peer = self.needed_peer()?.to_owned();
        let mut client = options.app_reader()?;
        let own = match &self.own {
            Some(own) => own.clone(),
            None => only_number(&mut client, "history")?,
        };
        let messages = client
            .ask(pb::GetHistory {
                own,
                peer,
                before: self.before,
                limit: self.limit,
            })
            .map_err(|error| Failure::from(error).of_reading())?;
        let redact = options.redact;
        answer(
            options,
            || message::list_json(&messages, redact),
            || text(&messages, options),
        )
    }
}

impl History {
    fn needed_peer(&self) -> Result<&str, Failure> {
        self.peer.as_deref().ok_or_else(|| {
            Failure::usage("with whom? give a number; twinectl conversations lists them")
        })
    }
}

fn text(messages: &pb::Messages, options: &Options) -> String {
    let Some(last) = messages.messages.last() else {
        return "no messages\n".to_owned();
    };
    let mut out = message::table(&messages.messages, options.redact);
    if let (true, Some(order)) = (messages.more, &last.order) {
        out.push_str(&format!("more: --before {}\n", message::order(order)));
    }
    out
}

fn order_key(text: &str) -> Result<pb::OrderKey, Failure> {
    let parts: Vec<_> = text.split('/').collect();
    let read = || match parts.as_slice() {
        [position, epoch, lane_seq] => Some(pb::OrderKey {
            position: position.parse().ok()?,
            epoch: epoch.parse().ok()?,
            lane_seq: lane_seq.parse().ok()?,
        }),
        _ => None,
    };
    read().ok_or_else(|| {
        Failure::usage(format!(
            "--before takes an order key as history prints it, such as 17/690/3, not \"{text}\""
        ))
    })
}
