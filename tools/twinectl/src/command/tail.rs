//! `twinectl tail`.

use std::fmt::Write as _;
use std::time::Duration;

use twine_control::blocking::Client;
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

/// Events that may be printed before the place in them is noted at the daemon.
const EVENTS_PER_ACK: u32 = 64;
/// A pause after which it is noted anyway.
const IDLE: Duration = Duration::from_secs(1);

/// Events as they come.
#[derive(Default)]
pub(crate) struct Tail {
    missed: bool,
    count: Option<u64>,
}

impl Command for Tail {
    fn help(&self) -> &'static str {
        "\
Usage: twinectl tail [--missed] [--count N]

Events as they come, until interrupted. --missed begins with those that came
since the last tail ended, the first time with the oldest event kept; some may
come twice. --count ends after that many. One tail at a time: a second one ends
the first, unless they have different names (--client).
JSON, one line an event: {cursor, kind, state, message, resync_from, own, peer,
stopped, detail, into, wall_ms}; message is a MESSAGE as in twinectl show --help, as
it is now, while state is what the event tells of. cursor is null for events
that are not kept (typing).
"
    }

    fn option(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool, Failure> {
        match name {
            "missed" => self.missed = true,
            "count" => {
                self.count = Some(cli::number(&cli::text(parser)?, "--count", 1, u64::MAX)?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn run(&self, options: &Options) -> Result<(), Failure> {
        let mut client = options.subscriber()?;
        let subscribed = client
            .ask(pb::Subscribe {
                from_now: !self.missed,
            })
            .map_err(|error| Failure::from(error).of_reading())?;
        let mut place = Place::new(&subscribed);
        // What an earlier tail did not live to see.
        let old = if self.missed { 0 } else { subscribed.latest };
        place.seen(old);
        let mut left = self.count.unwrap_or(u64::MAX);
        while left > 0 {
            let wait = place.is_open().then_some(IDLE);
            let Some(event) = client.next_event(wait)? else {
                place.note(&mut client)?;
                continue;
            };
            place.seen(event.cursor);
            if event.cursor > 0 && event.cursor <= old {
                continue;
            }
            if options.json {
                output::print(&format!("{}\n", json(&event, options.redact)))?;
            } else {
                output::print(&text(&event, options.redact))?;
            }
            left -= 1;
            if place.open >= EVENTS_PER_ACK {
                place.note(&mut client)?;
            }
        }
        place.note(&mut client)
    }
}

/// How far the events were read, and how far the daemon knows.
struct Place {
    seen: u64,
    noted: u64,
    open: u32,
}

impl Place {
    const fn new(subscribed: &pb::Subscribed) -> Self {
        Self {
            seen: subscribed.cursor,
            noted: subscribed.cursor,
            open: 0,
        }
    }

    fn seen(&mut self, cursor: u64) {
        self.seen = self.seen.max(cursor);
        self.open += 1;
    }

    const fn is_open(&self) -> bool {
        self.seen > self.noted
    }

    /// Has the daemon keep the place for the next tail.
    fn note(&mut self, client: &mut Client) -> Result<(), Failure> {
        if self.is_open() {
            client
                .ask(pb::AckEvents { cursor: self.seen })
                .map_err(|error| Failure::from(error).of_reading())?;
            self.noted = self.seen;
        }
        self.open = 0;
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
        ("peer", Value::given(redact.peer(&event.peer))),
        ("stopped", Value::from(event.stopped)),
        ("detail", Value::given(redact.other(&event.detail))),
        ("into", Value::nonzero(event.into)),
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
        (
            Ok(kind @ (pb::EventKind::Merged | pb::EventKind::Unmerged | pb::EventKind::Reordered)),
            Some(message),
        ) => {
            let _ = write!(
                line,
                "{:<11} #{} {}",
                words::event_kind(event.kind),
                message.message_id,
                match kind {
                    pb::EventKind::Merged => format!("is a copy of #{}: show one", event.into),
                    pb::EventKind::Unmerged =>
                        format!("is no copy of #{} after all: show both", event.into),
                    _ => {
                        let order = message.order.as_ref();
                        let place = order.map_or_else(|| "-".to_owned(), message::order);
                        format!("has its place at {place} now")
                    }
                }
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
                one_line(&redact.peer(&event.peer)),
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
