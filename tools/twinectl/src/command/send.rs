//! `twinectl send`.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;

use twine_control::pb;

use super::{Command, answer};
use crate::cli::{self, Options};
use crate::exit::Failure;
use crate::json::Value;

/// Sends a text.
#[derive(Default)]
pub(crate) struct Send {
    to: Option<String>,
    text: Option<String>,
    from: String,
    token: Option<String>,
    valid_for_s: u32,
    by: pb::Channel,
}

impl Command for Send {
    fn help(&self) -> &'static str {
        "\
Usage: twinectl send TO TEXT [--from NUMBER] [--by ip|sms] [--token TOKEN]
                     [--valid-for S]

Hands a text for TO to the daemon, and returns when it is safely stored; follow
it with show, explain, tail or outbox. TO is a number in international form, or
a short code or a name, which only SMS reaches. --from says from which of this
device's numbers [default: the only one, or that of the default card for SMS].
--by chooses the channel [default: the daemon does, see twinectl preview]. The
daemon gives up what is not delivered within --valid-for seconds [default:
never].
A token names this message: repeating a send with the same token returns the
same message and sends nothing twice. Without --token one is made up, and
printed if the result is not known.
JSON: {message_id, repeated, token}.
"
    }

    fn option(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool, Failure> {
        match name {
            "by" => self.by = cli::channel(parser)?,
            "from" => self.from = cli::text(parser)?,
            "token" => self.token = Some(cli::text(parser)?),
            "valid-for" => {
                let text = cli::text(parser)?;
                let number = cli::number(&text, "--valid-for", 1, u32::MAX.into())?;
                self.valid_for_s = u32::try_from(number).unwrap_or(u32::MAX);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn value(&mut self, value: String) -> Result<(), Failure> {
        cli::to_and_text(&mut self.to, &mut self.text, value)
    }

    fn ready(&self) -> Result<(), Failure> {
        cli::have_to_and_text(self.to.as_ref(), self.text.as_ref())
    }

    fn run(&self, options: &Options) -> Result<(), Failure> {
        let token = match &self.token {
            Some(token) => token.clone(),
            None => random_token().map_err(|error| Failure::no_token(&error))?,
        };
        let mut client = options.writer()?;
        let sent = client
            .ask(pb::Send {
                from: self.from.clone(),
                to: self.to.clone().unwrap_or_default(),
                text: self.text.clone().unwrap_or_default(),
                token: token.clone(),
                valid_for_s: self.valid_for_s,
                channel: self.by.into(),
            })
            .map_err(|error| {
                let failure = Failure::from(error);
                if failure.result_unknown() {
                    failure.with_hint(&format!("repeat it with --token {token}"))
                } else {
                    failure
                }
            })?;
        answer(
            options,
            || {
                Value::object([
                    ("message_id", Value::from(sent.message_id)),
                    ("repeated", Value::from(sent.repeated)),
                    ("token", Value::text(&token)),
                ])
            },
            || {
                let repeated = if sent.repeated {
                    " before, by a send with this token"
                } else {
                    ""
                };
                format!("#{} stored{repeated}\n", sent.message_id)
            },
        )
    }
}

/// 128 random bits in hex.
fn random_token() -> std::io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let mut token = String::with_capacity(32);
    for byte in bytes {
        let _ = write!(token, "{byte:02x}");
    }
    Ok(token)
}
