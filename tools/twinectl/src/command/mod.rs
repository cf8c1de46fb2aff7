//! The commands, one file each.

mod cancel;
mod conversations;
mod explain;
mod history;
mod links;
mod outbox;
mod preview;
mod register;
mod retry;
mod send;
mod settings;
mod show;
mod sims;
mod sms;
mod status;
mod tail;

use lexopt::Parser;
use twine_control::blocking::Client;
use twine_control::pb;

use crate::cli::{self, Options};
use crate::exit::Failure;
use crate::json::Value;
use crate::output;

/// One command: takes its arguments, then runs.
pub(crate) trait Command {
    /// Usage and what it does.
    fn help(&self) -> &'static str;

    /// Takes an option of its own; `false`: it has none of this name.
    fn option(&mut self, _name: &str, _parser: &mut Parser) -> Result<bool, Failure> {
        Ok(false)
    }

    /// Takes the next argument that is no option.
    fn value(&mut self, value: String) -> Result<(), Failure> {
        let usage = self.help().lines().next().unwrap_or_default();
        Err(Failure::usage(format!(
            "\"{value}\" is one argument too many. {usage}"
        )))
    }

    /// Whether everything needed was given.
    fn ready(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// Does it.
    fn run(&self, options: &Options) -> Result<(), Failure>;
}

struct Entry {
    name: &'static str,
    summary: &'static str,
    make: fn() -> Box<dyn Command>,
}

const fn entry(name: &'static str, summary: &'static str, make: fn() -> Box<dyn Command>) -> Entry {
    Entry {
        name,
        summary,
        make,
    }
}

const COMMANDS: [Entry; 16] = [
    entry(
        "status",
        "the daemon, its session, identities, storage",
        || Box::new(status::Status),
    ),
    entry(
        "links",
        "the links the phone has, and which one is used",
        || Box::new(links::Links),
    ),
    entry(
        "sims",
        "the cards in the phone, and whether they can send",
        || Box::new(sims::Sims),
    ),
    entry("conversations", "all conversations, latest first", || {
        Box::<conversations::Conversations>::default()
    }),
    entry(
        "history",
        "the messages of a conversation, newest first",
        || Box::<history::History>::default(),
    ),
    entry("outbox", "messages on their way out", || {
        Box::<outbox::Outbox>::default()
    }),
    entry("show", "one message and what became of it", || {
        Box::<show::Show>::default()
    }),
    entry("explain", "why a message went the way it went", || {
        Box::<explain::Explain>::default()
    }),
    entry("tail", "events as they come", || {
        Box::<tail::Tail>::default()
    }),
    entry("preview", "what would happen to a text, and why", || {
        Box::<preview::Preview>::default()
    }),
    entry("send", "send a text", || Box::<send::Send>::default()),
    entry("cancel", "take a message back", || {
        Box::<cancel::Cancel>::default()
    }),
    entry("retry", "send a failed message again", || {
        Box::<retry::Retry>::default()
    }),
    entry("settings", "which channels messages may use", || {
        Box::<settings::Settings>::default()
    }),
    entry("register", "bind a number to this device", || {
        Box::<register::Register>::default()
    }),
    entry("sms", "count the SMS of a text, or decode a PDU", || {
        Box::<sms::Sms>::default()
    }),
];

/// The command of this name.
pub(crate) fn by_name(name: &str) -> Result<Box<dyn Command>, Failure> {
    COMMANDS
        .iter()
        .find(|entry| entry.name == name)
        .map(|entry| (entry.make)())
        .ok_or_else(|| {
            Failure::usage(format!(
                "there is no command \"{name}\"; allowed are {}",
                names()
            ))
        })
}

/// All names, for errors.
pub(crate) fn names() -> String {
    let names: Vec<_> = COMMANDS.iter().map(|entry| entry.name).collect();
    names.join(", ")
}

/// One line a command, for the help.
pub(crate) fn summary() -> String {
    COMMANDS
        .iter()
        .map(|entry| format!("  {:<14} {}\n", entry.name, entry.summary))
        .collect()
}

/// Prints the answer in the form asked for.
fn answer(
    options: &Options,
    json: impl FnOnce() -> Value,
    text: impl FnOnce() -> String,
) -> Result<(), Failure> {
    if options.json {
        output::print(&format!("{}\n", json()))
    } else {
        output::print(&text())
    }
}

/// The number of a device that has one.
fn only_number(client: &mut Client, what: &str) -> Result<String, Failure> {
    let status = client
        .ask(pb::GetStatus {})
        .map_err(|error| Failure::from(error).of_reading())?;
    match status.identities.as_slice() {
        [only] => Ok(only.number.clone()),
        [] => Err(Failure::usage(format!(
            "this device has no number yet; say with --own whose {what} is meant"
        ))),
        several => {
            let numbers: Vec<_> = several.iter().map(|one| &*one.number).collect();
            Err(Failure::usage(format!(
                "this device has several numbers; choose one with --own: {}",
                numbers.join(", ")
            )))
        }
    }
}

/// A message id from the command line; a leading `#`, as shown, is fine.
fn message_id(text: &str) -> Result<u64, Failure> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    cli::number(digits, "a message id", 1, u64::MAX)
}

/// The id that a command cannot do without.
fn needed(id: Option<u64>) -> Result<u64, Failure> {
    id.ok_or_else(|| Failure::usage("which message? give its id, as shown by history or outbox"))
}

/// Takes the only argument of a command on one message.
fn take_id(slot: &mut Option<u64>, value: &str) -> Result<(), Failure> {
    if slot.is_some() {
        return Err(Failure::usage(format!(
            "one message at a time; \"{value}\" is one too many"
        )));
    }
    *slot = Some(message_id(value)?);
    Ok(())
}
