//! `twinectl sms`: what SMS coding makes of a text, and of a PDU. Works without
//! a daemon.

use std::io::{self, Read};

use twine_sms::alphabet::Alphabet;
use twine_sms::mark::plain;
use twine_sms::pdu::{Direction, detect};
use twine_sms::{Encoding, Segments, TableSet, segments};

use super::{Command, answer};
use crate::cli::{self, Options};
use crate::exit::Failure;
use crate::json::Value;
use crate::pdu;
use crate::redact::Redact;

/// What stdin may hold: more than any text or PDU needs.
const MAX_INPUT_BYTES: u64 = 1024 * 1024;

/// Coding of texts and PDUs.
#[derive(Default)]
pub(crate) struct Sms {
    verb: Option<Verb>,
    input: Vec<String>,
    tables: Option<TableSet>,
    direction: Option<Direction>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Segments,
    Decode,
}

impl Command for Sms {
    fn help(&self) -> &'static str {
        "\
Usage: twinectl sms segments TEXT [--tables TABLES]
       twinectl sms decode PDU [--to-phone | --from-phone]

Both work without a daemon, and take - for stdin.

segments says how many SMS a text takes, and what the last one has left. TABLES
are the national language tables that the phone's framework has enabled, with
commas: tr,es for all of a language, tr-single or tr-locking for one [default:
none, as in stock Android]. A line feed at the end of stdin does not count, nor do
spaces at the end of the text: no SMS leaves with them.
JSON: {encoding, count, units_left}; encoding is gsm7, ucs2, or for example
gsm7-locking-hi-single-tr; units are septets or, in ucs2, 16-bit units.

decode reads a PDU in hexadecimal; spaces and line breaks may be anywhere. 0x may
come first, and a line of a radio log is taken as it is. What
the MTI means depends on the direction; without an option 00 is taken for
SMS-DELIVER and 10 for SMS-STATUS-REPORT to the phone, 01 for SMS-SUBMIT from it.
Whether the address of the service centre comes first, as in radio logs, is found
out: with it is tried before without, and what fits to the last octet holds.
JSON: {type, direction, direction_given, smsc_given, ambiguous, smsc, TP-…,
remarks[]}: the fields by their names in TS 23.040, bits as 0 and 1; null means
not there. remarks say what is not as the standard has it: half a surrogate pair,
an odd octet, reserved values, a time that is none.
"
    }

    fn option(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool, Failure> {
        let direction = match name {
            "tables" => {
                let tables = cli::text(parser)?.parse();
                self.tables = Some(tables.map_err(|error| Failure::usage(format!("{error}")))?);
                return Ok(true);
            }
            "to-phone" => Direction::ToPhone,
            "from-phone" => Direction::FromPhone,
            _ => return Ok(false),
        };
        if self.direction.is_some_and(|given| given != direction) {
            return Err(Failure::usage("either --to-phone or --from-phone"));
        }
        self.direction = Some(direction);
        Ok(true)
    }

    fn value(&mut self, value: String) -> Result<(), Failure> {
        match self.verb {
            None => {
                self.verb = Some(match value.as_str() {
                    "segments" => Verb::Segments,
                    "decode" => Verb::Decode,
                    other => {
                        return Err(Failure::usage(format!(
                            "sms cannot \"{other}\"; allowed are segments, decode"
                        )));
                    }
                });
            }
            Some(Verb::Segments) if !self.input.is_empty() => {
                return Err(Failure::usage(
                    "too many arguments; put the text into quotes",
                ));
            }
            Some(_) => self.input.push(value),
        }
        Ok(())
    }

    fn ready(&self) -> Result<(), Failure> {
        let verb = self.needed_verb()?;
        if self.input.is_empty() {
            return Err(Failure::usage(match verb {
                Verb::Segments => "which text? give it behind segments, or - for stdin",
                Verb::Decode => "which PDU? give it in hexadecimal behind decode, or - for stdin",
            }));
        }
        match verb {
            Verb::Segments if self.direction.is_some() => {
                Err(Failure::usage("--to-phone and --from-phone are for decode"))
            }
            Verb::Decode if self.tables.is_some() => {
                Err(Failure::usage("--tables is for segments"))
            }
            _ => Ok(()),
        }
    }

    fn run(&self, options: &Options) -> Result<(), Failure> {
        match self.needed_verb()? {
            Verb::Segments => self.segments(options),
            Verb::Decode => self.decode(options),
        }
    }
}

impl Sms {
    fn needed_verb(&self) -> Result<Verb, Failure> {
        self.verb
            .ok_or_else(|| Failure::usage("sms does what? segments or decode"))
    }

    fn input(&self) -> Result<String, Failure> {
        match self.input.as_slice() {
            [dash] if dash == "-" => from_stdin(),
            words => Ok(words.join(" ")),
        }
    }

    fn segments(&self, options: &Options) -> Result<(), Failure> {
        let mut text = self.input()?;
        if self.input == ["-"] && text.ends_with('\n') {
            text.pop();
        }
        let segments = segments(plain(&text), &self.tables.unwrap_or_default())
            .map_err(|error| Failure::input("too_long", error.to_string()))?;
        answer(
            options,
            || {
                Value::object([
                    ("encoding", Value::text(segments.encoding.to_string())),
                    ("count", Value::from(u32::from(segments.count))),
                    ("units_left", Value::from(u32::from(segments.units_left))),
                ])
            },
            || shown(&text, segments, options.redact),
        )
    }

    fn decode(&self, options: &Options) -> Result<(), Failure> {
        let input = self.input()?;
        let octets = octets(hexadecimal(&input))?;
        let detected = detect(&octets, self.direction)
            .map_err(|error| Failure::input("invalid_pdu", error.to_string()))?;
        let shown = pdu::Shown::new(&detected, self.direction.is_some(), options.redact);
        answer(options, || shown.json(), || shown.text())
    }
}

fn shown(text: &str, segments: Segments, redact: Redact) -> String {
    let Segments {
        encoding,
        count,
        units_left,
    } = segments;
    let parts = if count == 1 { "part" } else { "parts" };
    let units = match encoding {
        Encoding::Gsm7 { .. } => "septets",
        Encoding::Ucs2 => "16-bit units",
    };
    let mut out = format!("{count} {parts} in {encoding}, {units_left} {units} left\n");
    if plain(text).is_empty() && !text.is_empty() {
        out += "it is only spaces: no SMS leaves with them, and nothing would be left\n";
    } else if plain(text) != text {
        out += "without the spaces at its end: no SMS leaves with them\n";
    }
    let foreign = Alphabet::default_tables().encode(text, &mut Vec::new());
    if let Err(foreign) = foreign
        && encoding == Encoding::Ucs2
        && !redact.wanted
    {
        let position = text[..foreign.offset].chars().count() + 1;
        out += &format!(
            "because character {position}, U+{:04X}, is not in the default alphabet\n",
            foreign.code_point
        );
    }
    out
}

fn from_stdin() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(MAX_INPUT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::input("input", format!("cannot read stdin: {error}")))?;
    if bytes.len() as u64 > MAX_INPUT_BYTES {
        return Err(Failure::input(
            "input",
            format!("stdin has more than {MAX_INPUT_BYTES} bytes"),
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        Failure::input("input", format!("stdin is no UTF-8 at byte {offset}"))
    })
}

/// Fewer digits than any PDU with its service centre; more than other figures in a log
/// have.
const MIN_LOGGED_DIGITS: usize = 16;

/// The digits of what was pasted: all of it, behind 0x, or of a line of a radio log
/// (`[UNSL]< UNSOL_RESPONSE_NEW_SMS 0791… [SUB0]`) the last long word, if it is digits.
fn hexadecimal(input: &str) -> &str {
    let digits = |word: &str| word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bare = |word| {
        let word: &str = word;
        word.strip_prefix("0x").unwrap_or(word)
    };
    let input = bare(input.trim());
    if input.split_whitespace().all(digits) {
        return input;
    }
    input
        .rsplit(|character: char| !character.is_ascii_alphanumeric())
        .map(bare)
        // Names of requests have letters that are no digits, and underlines between.
        .find(|word| word.len() >= MIN_LOGGED_DIGITS)
        .filter(|word| digits(word))
        .unwrap_or(input)
}

/// Octets of hexadecimal digits, white space anywhere.
fn octets(digits: &str) -> Result<Vec<u8>, Failure> {
    let mut octets = Vec::with_capacity(digits.len() / 2);
    let mut high = None;
    for (index, character) in digits.chars().enumerate() {
        if character.is_whitespace() {
            continue;
        }
        let digit = character.to_digit(16).ok_or_else(|| {
            let position = index + 1;
            Failure::usage(format!(
                "character {position}, {character:?}, is no hexadecimal digit: give only the \
                 digits of the PDU, or a line of a radio log"
            ))
        })? as u8;
        match high.take() {
            None => high = Some(digit),
            Some(high) => octets.push(high << 4 | digit),
        }
    }
    if high.is_some() {
        return Err(Failure::usage(format!(
            "octet {} has only one hexadecimal digit: one is missing somewhere",
            octets.len()
        )));
    }
    Ok(octets)
}
