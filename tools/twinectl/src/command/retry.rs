//! `twinectl retry`.

use twine_control::pb;

use super::{Command, answer, needed, take_id};
use crate::cli::{self, Options};
use crate::exit::Failure;
use crate::json::Value;

/// Sends a failed message again.
#[derive(Default)]
pub(crate) struct Retry {
    message_id: Option<u64>,
    by: pb::Channel,
}

impl Command for Retry {
    fn help(&self) -> &'static str {
        "\
Usage: twinectl retry MESSAGE [--by ip|sms]

Sends a failed message again, or an unconfirmed one, in its old place of the
conversation; or answers for the user about a message that waits for him: by SMS
now, or go on waiting for IP. --by chooses the channel [default: the daemon does].
JSON: {message_id, done: true}.
"
    }

    fn option(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool, Failure> {
        match name {
            "by" => self.by = cli::channel(parser)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn value(&mut self, value: String) -> Result<(), Failure> {
        take_id(&mut self.message_id, &value)
    }

    fn ready(&self) -> Result<(), Failure> {
        needed(self.message_id).map(|_| ())
    }

    fn run(&self, options: &Options) -> Result<(), Failure> {
        let message_id = needed(self.message_id)?;
        let mut client = options.writer()?;
        client.ask(pb::Retry {
            message_id,
            channel: self.by.into(),
        })?;
        answer(
            options,
            || {
                Value::object([
                    ("message_id", Value::from(message_id)),
                    ("done", Value::from(true)),
                ])
            },
            || {
                format!(
                    "the daemon sends #{message_id} again; follow it with twinectl show {message_id}\n"
                )
            },
        )
    }
}
