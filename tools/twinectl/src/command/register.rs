//! `twinectl register`.

use twine_control::pb;

use super::{Command, answer};
use crate::cli::{self, Options};
use crate::exit::Failure;
use crate::json::Value;
use crate::redact::Redact;
use crate::table::one_line;

/// Binds a number.
#[derive(Default)]
pub(crate) struct Register {
    number: Option<String>,
    iccid: String,
    consent: bool,
}

impl Command for Register {
    fn help(&self) -> &'static str {
        "\
Usage: twinectl register NUMBER --consent [--iccid ICCID]

Binds NUMBER (international form) to this device. The gateway learns the number
and this device's key; that is why it needs the owner's consent. Nothing is
billed: no SMS is sent. The gateway's operator has to know number and key.
JSON: {number, epoch, device_key}; epoch is null until the gateway granted one.
"
    }

    fn option(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool, Failure> {
        match name {
            "consent" => self.consent = true,
            "iccid" => self.iccid = cli::text(parser)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn value(&mut self, value: String) -> Result<(), Failure> {
        if self.number.is_some() {
            return Err(Failure::usage(format!(
                "one number at a time; \"{value}\" is one too many"
            )));
        }
        self.number = Some(value);
        Ok(())
    }

    fn ready(&self) -> Result<(), Failure> {
        self.needed_number()?;
        if !self.consent {
            return Err(Failure::usage(
                "the owner of the number must agree: add --consent if that is so",
            ));
        }
        Ok(())
    }

    fn run(&self, options: &Options) -> Result<(), Failure> {
        let number = self.needed_number()?.to_owned();
        let mut client = options.writer()?;
        let registered = client.ask(pb::Register {
            number,
            iccid: self.iccid.clone(),
            consent: self.consent,
        })?;
        let redact = options.redact;
        answer(
            options,
            || {
                Value::object([
                    ("number", Value::text(redact.number(&registered.number))),
                    ("epoch", Value::nonzero(registered.epoch)),
                    ("device_key", Value::given(&registered.device_key)),
                ])
            },
            || text(&registered, redact),
        )
    }
}

impl Register {
    fn needed_number(&self) -> Result<&str, Failure> {
        self.number
            .as_deref()
            .ok_or_else(|| Failure::usage("which number? in international form, with plus sign"))
    }
}

fn text(registered: &pb::Registered, redact: Redact) -> String {
    let state = match registered.epoch {
        0 => "waiting for the gateway's grant".to_owned(),
        epoch => format!("bound, epoch {epoch}"),
    };
    format!(
        "number      {}\nstate       {state}\ndevice key  {}\n\
         The gateway's operator provisions that key for that number.\n",
        one_line(&redact.number(&registered.number)),
        one_line(&registered.device_key),
    )
}
