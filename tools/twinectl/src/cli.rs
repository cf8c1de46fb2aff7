//! The command line: options for all commands, and which command it is.

use std::path::PathBuf;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt};
use twine_control::blocking::Client;
use twine_control::pb::{Channel, Role};

use crate::command::{self, Command};
use crate::exit::{EXIT_CODES, Failure};
use crate::redact::Redact;

/// Where init puts the socket on a phone.
const DEFAULT_SOCKET: &str = "/dev/socket/twined";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// A timeout above this is a slip of the finger.
const MAX_TIMEOUT_S: u64 = 3600;

/// Messages on a page, as `control.proto` has it.
const MAX_PAGE: u32 = 200;

const OPTIONS: &str = "\
Options for every command:
  --socket PATH   the daemon's control socket
                  [env TWINE_SOCKET, default /dev/socket/twined]
  --json          answer as JSON: one document, or one line an event (tail);
                  errors as JSON on stderr. Keys are those of control.proto;
                  null means that the daemon gave none
  --redact        leave out texts and numbers, for reports
  --role ROLES    roles to ask for: app, telephony, diagnostics; several with
                  commas [default: what the command needs; where diagnostics
                  would do, app if it is granted, because diagnostics are
                  shown no texts and only masked numbers]
  --client NAME   durable name of this client; tokens are kept under it
                  [default: twinectl for what is written, one of its own for
                  what is only read]
  --timeout S     longest wait for the daemon, seconds [default 10]
  -h, --help      this help, or a command's
  -V, --version   the version
";

/// What holds for every command.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) socket: PathBuf,
    pub(crate) json: bool,
    pub(crate) redact: Redact,
    roles: Option<Vec<Role>>,
    client: Option<String>,
    timeout: Duration,
}

/// What the command line asks for.
pub(crate) enum Parsed {
    /// Help or version.
    Say(String),
    Run(Options, Box<dyn Command>),
}

/// Reads the command line of this process.
pub(crate) fn parse() -> Result<Parsed, Failure> {
    parse_from(Parser::from_env())
}

/// Whether `--json` is anywhere on a command line that cannot be read.
pub(crate) fn json_was_asked_for() -> bool {
    std::env::args_os().any(|argument| argument == "--json")
}

fn parse_from(mut parser: Parser) -> Result<Parsed, Failure> {
    let mut options = Options {
        socket: std::env::var_os("TWINE_SOCKET")
            .filter(|path| !path.is_empty())
            .map_or_else(|| DEFAULT_SOCKET.into(), PathBuf::from),
        json: false,
        redact: Redact::default(),
        roles: None,
        client: None,
        timeout: DEFAULT_TIMEOUT,
    };
    let mut command: Option<Box<dyn Command>> = None;
    let mut help = false;
    while let Some(arg) = parser.next().map_err(usage)? {
        match arg {
            Arg::Short('h') | Arg::Long("help") => help = true,
            Arg::Short('V') | Arg::Long("version") => {
                return Ok(Parsed::Say(format!(
                    "twinectl {}\n",
                    env!("CARGO_PKG_VERSION")
                )));
            }
            Arg::Long("socket") => options.socket = parser.value().map_err(usage)?.into(),
            Arg::Long("json") => options.json = true,
            Arg::Long("redact") => options.redact.wanted = true,
            Arg::Long("role") => options.roles = Some(roles(&text(&mut parser)?)?),
            Arg::Long("client") => options.client = Some(text(&mut parser)?),
            Arg::Long("timeout") => {
                let s = number(&text(&mut parser)?, "--timeout", 1, MAX_TIMEOUT_S)?;
                options.timeout = Duration::from_secs(s);
            }
            Arg::Value(value) => {
                let value = value.string().map_err(usage)?;
                match &mut command {
                    None => command = Some(command::by_name(&value)?),
                    Some(command) => command.value(value)?,
                }
            }
            Arg::Long(option) => {
                let option = option.to_owned();
                let Some(command) = &mut command else {
                    return Err(unknown_option(&option));
                };
                if !command.option(&option, &mut parser)? {
                    return Err(unknown_option(&option));
                }
            }
            Arg::Short(option) => return Err(unknown_option(&option.to_string())),
        }
    }
    match command {
        Some(command) if help => Ok(Parsed::Say(format!("{}\n{OPTIONS}", command.help()))),
        None if help => Ok(Parsed::Say(general_help())),
        None => Err(Failure::usage(format!(
            "which command? one of {}; --help explains them",
            command::names()
        ))),
        Some(command) => {
            command.ready()?;
            Ok(Parsed::Run(options, command))
        }
    }
}

impl Options {
    /// Connects to read what only the user may see.
    pub(crate) fn app_reader(&self) -> Result<Client, Failure> {
        self.connect(&own_name(), Role::App)
    }

    /// Connects to read what a technician may see as well, though without
    /// texts and with masked numbers: who may be shown everything is.
    pub(crate) fn reader(&self) -> Result<(Client, Redact), Failure> {
        if !self.redact.wanted && self.roles.is_none() {
            match self.connect(&own_name(), Role::App) {
                Err(failure) if failure.denied() => {}
                result => return result.map(|client| (client, self.redact)),
            }
        }
        let client = self.connect(&own_name(), Role::Diagnostics)?;
        let masked = !client.connected().roles.contains(&(Role::App as i32));
        Ok((
            client,
            Redact {
                masked,
                ..self.redact
            },
        ))
    }

    /// Connects to change something: under the name that keeps the tokens.
    pub(crate) fn writer(&self) -> Result<Client, Failure> {
        self.connect("twinectl", Role::App)
    }

    /// Connects for events, under the name that keeps the place in them.
    pub(crate) fn subscriber(&self) -> Result<Client, Failure> {
        self.connect("twinectl-tail", Role::App)
    }

    fn connect(&self, name: &str, role: Role) -> Result<Client, Failure> {
        let name = self.client.as_deref().unwrap_or(name);
        let needed = [role];
        let roles = self.roles.as_deref().unwrap_or(&needed);
        Ok(Client::connect(
            &self.socket,
            name,
            roles,
            Some(self.timeout),
        )?)
    }
}

/// A name that takes over nobody else's connection.
fn own_name() -> String {
    format!("twinectl-{}", std::process::id())
}

fn general_help() -> String {
    let mut text = "\
twinectl asks and tells the messaging daemon on this device.

Usage: twinectl [OPTIONS] COMMAND [ARGUMENTS]

Commands:
"
    .to_owned();
    text.push_str(&command::summary());
    text.push('\n');
    text.push_str(OPTIONS);
    text.push('\n');
    text.push_str(EXIT_CODES);
    text
}

/// The option's value as text.
pub(crate) fn text(parser: &mut Parser) -> Result<String, Failure> {
    parser.value().and_then(ValueExt::string).map_err(usage)
}

/// A whole number within a range.
pub(crate) fn number(text: &str, what: &str, low: u64, high: u64) -> Result<u64, Failure> {
    text.parse()
        .ok()
        .filter(|number| (low..=high).contains(number))
        .ok_or_else(|| {
            Failure::usage(format!(
                "{what} takes a whole number from {low} to {high}, not \"{text}\""
            ))
        })
}

/// One of several words.
pub(crate) fn choice<T: Copy>(
    parser: &mut Parser,
    what: &str,
    choices: &[(&str, T)],
) -> Result<T, Failure> {
    let text = text(parser)?;
    choices
        .iter()
        .find(|(word, _)| *word == text)
        .map(|&(_, choice)| choice)
        .ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|&(word, _)| word).collect();
            Failure::usage(format!("{what} takes {}, not \"{text}\"", words.join(", ")))
        })
}

/// `--by` of what is sent.
pub(crate) fn channel(parser: &mut Parser) -> Result<Channel, Failure> {
    choice(
        parser,
        "--by",
        &[("ip", Channel::Ip), ("sms", Channel::Sms)],
    )
}

/// Takes the arguments of what is sent: to whom, then what.
pub(crate) fn to_and_text(
    to: &mut Option<String>,
    text: &mut Option<String>,
    value: String,
) -> Result<(), Failure> {
    let slot = match (&to, &text) {
        (None, _) => to,
        (_, None) => text,
        _ => {
            return Err(Failure::usage(
                "too many arguments; put the text into quotes",
            ));
        }
    };
    *slot = Some(value);
    Ok(())
}

/// Whether both were given.
pub(crate) fn have_to_and_text(to: Option<&String>, text: Option<&String>) -> Result<(), Failure> {
    match (to, text) {
        (Some(_), Some(_)) => Ok(()),
        (None, _) => Err(Failure::usage("to whom? give a number, then the text")),
        (_, None) => Err(Failure::usage("what? give the text behind the number")),
    }
}

/// `--limit` of a list.
pub(crate) fn limit(parser: &mut Parser) -> Result<u32, Failure> {
    let number = number(&text(parser)?, "--limit", 1, MAX_PAGE.into())?;
    Ok(u32::try_from(number).unwrap_or(MAX_PAGE))
}

fn roles(text: &str) -> Result<Vec<Role>, Failure> {
    text.split(',')
        .map(|name| match name.trim() {
            "app" => Ok(Role::App),
            "telephony" => Ok(Role::Telephony),
            "diagnostics" => Ok(Role::Diagnostics),
            other => Err(Failure::usage(format!(
                "there is no role \"{other}\"; allowed are app, telephony, diagnostics"
            ))),
        })
        .collect()
}

fn unknown_option(option: &str) -> Failure {
    let dashes = if option.chars().count() == 1 {
        "-"
    } else {
        "--"
    };
    Failure::usage(format!(
        "no option {dashes}{option} here; --help lists those there are"
    ))
}

fn usage(error: lexopt::Error) -> Failure {
    Failure::usage(error.to_string())
}
