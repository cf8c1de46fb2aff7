//! `twinectl settings`.

use std::fmt::Write as _;

use twine_control::blocking::Client;
use twine_control::pb;

use super::{Command, answer, only_number};
use crate::cli::{self, Options};
use crate::exit::Failure;
use crate::json::Value;
use crate::redact::Redact;
use crate::table::one_line;
use crate::words;

/// What the user chose.
#[derive(Default)]
pub(crate) struct Settings {
    own: Option<String>,
    peer: Option<String>,
    mode: Option<pb::Mode>,
    fallback: Option<pb::Fallback>,
    iccid: Option<String>,
}

impl Command for Settings {
    fn help(&self) -> &'static str {
        "\
Usage: twinectl settings [--peer PEER [--own NUMBER]] [--mode MODE]
                         [--fallback FALLBACK] [--sim ICCID]

Which channels messages may use: for all conversations, or with --peer for one.
Without another option it shows what is set and what holds; with one it sets
that and leaves the rest. --own says which of this device's numbers the
conversation is of [default: the only one].
  --mode      auto, ip_only, sms_only
  --fallback  when a message meant for IP may go by SMS:
              always, not_when_roaming, ask, never; says nothing for a peer of
              whom the gateway says that it is not on IP: SMS, at once
  --sim       the card by which SMS of this conversation leave, and no other; if
              it has another number, the recipient sees that one, and the user
              is asked before a message that IP may have delivered leaves by it
Each takes \"default\" as well: as set for all conversations, or built in.
JSON: {own, peer, mode, fallback, iccid, effective_mode, effective_fallback,
peer_on_ip, sim_number}; null where nothing is set. sim_number is that of the
card, where it is another than the conversation's.
"
    }

    fn option(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool, Failure> {
        match name {
            "own" => self.own = Some(cli::text(parser)?),
            "peer" => self.peer = Some(cli::text(parser)?),
            "mode" => self.mode = Some(cli::choice(parser, "--mode", &MODES)?),
            "fallback" => self.fallback = Some(cli::choice(parser, "--fallback", &FALLBACKS)?),
            "sim" => {
                let iccid = cli::text(parser)?;
                self.iccid = Some(if iccid == DEFAULT {
                    String::new()
                } else {
                    iccid
                });
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn ready(&self) -> Result<(), Failure> {
        if self.peer.is_none() && self.own.is_some() {
            return Err(Failure::usage(
                "settings are of all conversations or of one: give --peer too",
            ));
        }
        if self.peer.is_none() && self.iccid.is_some() {
            return Err(Failure::usage(
                "a card is chosen for one conversation: give --peer",
            ));
        }
        Ok(())
    }

    fn run(&self, options: &Options) -> Result<(), Failure> {
        let sets = self.mode.is_some() || self.fallback.is_some() || self.iccid.is_some();
        let mut client = if sets {
            options.writer()?
        } else {
            options.app_reader()?
        };
        let peer = self.peer.clone().unwrap_or_default();
        let own = match (&self.own, &self.peer) {
            (Some(own), _) => own.clone(),
            (None, None) => String::new(),
            (None, Some(_)) => only_number(&mut client, "conversation")?,
        };
        let mut settings = read(&mut client, &own, &peer)?;
        if sets {
            client.ask(pb::SetSettings {
                own: own.clone(),
                peer: peer.clone(),
                mode: self.mode.map_or(settings.mode, Into::into),
                fallback: self.fallback.map_or(settings.fallback, Into::into),
                iccid: self.iccid.clone().unwrap_or(settings.iccid),
            })?;
            settings = read(&mut client, &own, &peer)?;
        }
        let redact = options.redact;
        let of = Of { own, peer };
        answer(
            options,
            || json(&of, &settings, redact),
            || text(&of, &settings, redact),
        )
    }
}

const DEFAULT: &str = "default";
const MODES: [(&str, pb::Mode); 4] = [
    ("auto", pb::Mode::Auto),
    ("ip_only", pb::Mode::IpOnly),
    ("sms_only", pb::Mode::SmsOnly),
    (DEFAULT, pb::Mode::Unspecified),
];
const FALLBACKS: [(&str, pb::Fallback); 5] = [
    ("always", pb::Fallback::Always),
    ("not_when_roaming", pb::Fallback::NotWhenRoaming),
    ("ask", pb::Fallback::Ask),
    ("never", pb::Fallback::Never),
    (DEFAULT, pb::Fallback::Unspecified),
];

/// What settings are of; both empty: all conversations.
struct Of {
    own: String,
    peer: String,
}

fn read(client: &mut Client, own: &str, peer: &str) -> Result<pb::Settings, Failure> {
    client
        .ask(pb::GetSettings {
            own: own.to_owned(),
            peer: peer.to_owned(),
        })
        .map_err(|error| Failure::from(error).of_reading())
}

fn json(of: &Of, settings: &pb::Settings, redact: Redact) -> Value {
    let word = |value: i32, word: fn(i32) -> String| match value {
        0 => Value::Null,
        value => Value::text(word(value)),
    };
    Value::object([
        ("own", Value::given(redact.number(&of.own))),
        ("peer", Value::given(redact.peer(&of.peer))),
        ("mode", word(settings.mode, words::mode)),
        ("fallback", word(settings.fallback, words::fallback)),
        ("iccid", Value::given(redact.hidden(&settings.iccid))),
        ("effective_mode", word(settings.effective_mode, words::mode)),
        (
            "effective_fallback",
            word(settings.effective_fallback, words::fallback),
        ),
        ("peer_on_ip", Value::given(&settings.peer_on_ip)),
        (
            "sim_number",
            Value::given(redact.number(&settings.sim_number)),
        ),
    ])
}

fn text(of: &Of, settings: &pb::Settings, redact: Redact) -> String {
    let mut out = String::new();
    let mut line = |heading: &str, text: &str| {
        let _ = writeln!(out, "{heading:<11} {text}");
    };
    let whose = if of.peer.is_empty() {
        "all conversations".to_owned()
    } else {
        format!(
            "the conversation of {} with {}",
            one_line(&redact.number(&of.own)),
            one_line(&redact.peer(&of.peer))
        )
    };
    line("settings", &format!("of {whose}"));
    let above = if of.peer.is_empty() {
        "built in"
    } else {
        "as for all conversations"
    };
    let from = |set: i32| if set == 0 { above } else { "set here" };
    line(
        "mode",
        &format!(
            "{} ({}): {}",
            words::mode(settings.effective_mode),
            from(settings.mode),
            mode_means(settings.effective_mode)
        ),
    );
    line(
        "fallback",
        &format!(
            "{} ({}): {}",
            words::fallback(settings.effective_fallback),
            from(settings.fallback),
            fallback_means(settings.effective_fallback)
        ),
    );
    if !of.peer.is_empty() {
        let card = match &*settings.iccid {
            "" => "that of the own number".to_owned(),
            iccid => format!("{} (set here)", one_line(&redact.hidden(iccid))),
        };
        line("card", &card);
        if !settings.sim_number.is_empty() {
            let number = one_line(&redact.number(&settings.sim_number));
            line(
                "",
                &format!("its number is {number}: the recipient of SMS sees that one, and"),
            );
            line("", "copies of a message could not be told to be one");
        }
        line("peer on IP", &one_line(&settings.peer_on_ip));
    }
    out
}

fn mode_means(mode: i32) -> &'static str {
    match pb::Mode::try_from(mode) {
        Ok(pb::Mode::Auto) => "by IP where it can, by SMS where it must",
        Ok(pb::Mode::IpOnly) => "never by SMS",
        Ok(pb::Mode::SmsOnly) => "never by IP",
        Ok(pb::Mode::Unspecified) | Err(_) => "not known to this version",
    }
}

fn fallback_means(fallback: i32) -> &'static str {
    match pb::Fallback::try_from(fallback) {
        Ok(pb::Fallback::Always) => "by SMS when IP does not deliver in time",
        Ok(pb::Fallback::NotWhenRoaming) => {
            "by SMS when IP does not deliver in time, but not while the card roams"
        }
        Ok(pb::Fallback::Ask) => "the user is asked each time",
        Ok(pb::Fallback::Never) => "never by SMS what was meant for IP",
        Ok(pb::Fallback::Unspecified) | Err(_) => "not known to this version",
    }
}
