//! `twinectl tail`.

use std::fmt::Write as _;

use twine_control::pb;

use super::Command;
use crate::cli::{self, Options};
use crate::clock::utc;
use crate::exit::Failure;
use crate::json::Value;
use crate::message;
use crate::output;
use crate::redact::Redact;
use crate::table::{one_line, or_dash};
use crate::words;

/// Events as they come.
#[derive(Default)]
pub(crate) struct Tail {
    from_start: bool,
    count: Option<u64>,
}

impl Command for Tail {
    fn help(&self) -> &'static str {
        "\
Usage: twinectl tail [--from-start] [--count N]

Events as they come, until interrupted. --from-start begins with the oldest
event that is kept; --count ends after that many.
JSON, one line an event: {cursor, kind, state, message, resync_from, own, peer,
stopped, detail, wall_ms}; message is a MESSAGE as in twinectl show --help, as
it is now, while state is what the event tells of. cursor is null for events
that are not kept (typing).
"
    }

    fn option(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool, Failure> {
        match name {
            "from-start" => self.from_start = true,
            "count" => {
                self.count = Some(cli::number(&cli::text(parser)?, "--count", 1, u64::MAX)?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn run(&self, options: &Options) -> Result<(), Failure> {
        let mut client = options.reader(pb::Role::Diagnostics)?;
        client
            .ask(pb::Subscribe {
                from_now: !self.from_start,
            })
            .map_err(|error| Failure::from(error).of_reading())?;
        let mut left = self.count.unwrap_or(u64::MAX);
        while left > 0 {
            let Some(event) = client.next_event(None)? else {
                continue;
            };
            if options.json {
                output::print(&format!("{}\n", json(&event, options.redact)))?;
            } else {
                output::print(&text(&event, options.redact))?;
            }
            left -= 1;
        }
        Ok(())
    }
}

fn json(event: &pb::Event, redact: Redact) -> Value {
    let message = event.message.as_ref();
    Value::object([
        ("cursor", Value::nonzero(event.cursor)),
        ("kind", Value::text(words::event_kind(event.kind))),
        (
            "state",
            match event.state {
                0 => Value::Null,
                state => Value::text(words::state(state)),
            },
        ),
        (
            "message",
            message.map_or(Value::Null, |message| message::json(message, redact)),
        ),
        ("resync_from", Value::nonzero(event.resync_from)),
        ("own", Value::given(redact.number(&event.own))),
        ("peer", Value::given(redact.number(&event.peer))),
        ("stopped", Value::from(event.stopped)),
        ("detail", Value::given(redact.other(&event.detail))),
        ("wall_ms", Value::nonzero(event.wall_ms)),
    ])
}

fn text(event: &pb::Event, redact: Redact) -> String {
    let kind = pb::EventKind::try_from(event.kind);
    let mut line = format!("{}  ", utc(event.wall_ms));
    match (kind, &event.message) {
        (
            Ok(pb::EventKind::MessageReceived | pb::EventKind::MessageStateChanged),
            Some(message),
        ) => {
            let _ = write!(
                line,
                "{:<11} {}",
                words::state(event.state),
                message::brief(message, redact)
            );
        }
        (Ok(pb::EventKind::Resync), _) => {
            let _ = write!(
                line,
                "resync      events before {} are no longer kept; read the history",
                event.resync_from
            );
        }
        _ => {
            let _ = write!(
                line,
                "{:<11} {} {} {}",
                words::event_kind(event.kind),
                or_dash(one_line(&redact.number(&event.own))),
                one_line(&redact.number(&event.peer)),
                if event.stopped { "stopped" } else { "" },
            );
        }
    }
    if !event.detail.is_empty() {
        let _ = write!(line, "  {}", one_line(&redact.other(&event.detail)));
    }
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}
