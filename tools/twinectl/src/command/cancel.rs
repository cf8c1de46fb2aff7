//! `twinectl cancel`.

use twine_control::pb;

use super::{Command, answer, needed, take_id};
use crate::cli::Options;
use crate::exit::Failure;
use crate::json::Value;

/// Takes a message back.
#[derive(Default)]
pub(crate) struct Cancel {
    message_id: Option<u64>,
}

impl Command for Cancel {
    fn help(&self) -> &'static str {
        "\
Usage: twinectl cancel MESSAGE

Takes back a message that has not been handed over yet. What was delivered stays
delivered: the state of the message says what became of it.
JSON: {message_id, done: true}.
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
        let mut client = options.writer()?;
        client.ask(pb::Cancel { message_id })?;
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
                    "the daemon takes #{message_id} back; follow it with twinectl show {message_id}\n"
                )
            },
        )
    }
}
