//! `twinectl show`.

use twine_control::pb;

use super::{Command, answer, needed, take_id};
use crate::cli::Options;
use crate::exit::Failure;
use crate::message;

/// One message.
#[derive(Default)]
pub(crate) struct Show {
    message_id: Option<u64>,
}

impl Command for Show {
    fn help(&self) -> &'static str {
        "\
Usage: twinectl show MESSAGE

One message and what became of it. MESSAGE is its id on this device, as shown
by history, outbox and tail.
JSON: a MESSAGE: {message_id, direction, own, peer, text, state, failure, name,
order{position, epoch, lane_seq}, created_wall_ms, changed_wall_ms, age_s,
waits_for, came_by, copy_of, late, ip{state, seq, epoch, revoking}, sms{state,
parts, parts_sent, parts_delivered, iccid, marked, code, scts_ms}}. waits_for is
null, or \"user\", \"sim\", \"radio\", \"service\", \"limit\" or \"home\"; copy_of is
the message of which this one is a copy.
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
        let message = client
            .ask(pb::GetMessage { message_id })
            .map_err(|error| Failure::from(error).of_reading())?;
        answer(
            options,
            || message::json(&message, redact),
            || message::full(&message, redact),
        )
    }
}
