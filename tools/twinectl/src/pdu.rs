//! How a PDU is shown: its fields in the order of the octets, by their names in
//! TS 23.040, as text and as JSON from one list.

use std::fmt::Write as _;

use twine_sms::Language;
use twine_sms::pdu::coding::DataAlphabet;
use twine_sms::pdu::status_report::Extra;
use twine_sms::pdu::{
    Address, DataCoding, Deliver, Detected, Direction, InformationElement, Payload, Pdu,
    ProtocolId, Smsc, StatusReport, Submit, Timestamp, UserData, ValidityPeriod,
};

use crate::json::Value;
use crate::redact::Redact;
use crate::table::one_line;

/// Of what the standard keeps for later.
const RESERVED: &str = "reserved";

/// A PDU taken apart.
pub(crate) struct Shown {
    headline: String,
    head: Vec<(&'static str, Value)>,
    fields: Vec<Field>,
    /// What is not as the standard has it, and what is made of it.
    remarks: Vec<String>,
    redact: Redact,
}

struct Field {
    name: &'static str,
    value: Value,
    text: String,
}

impl Shown {
    pub(crate) fn new(detected: &Detected, direction_given: bool, redact: Redact) -> Self {
        let direction = match detected.pdu.direction() {
            Direction::ToPhone => "to_phone",
            Direction::FromPhone => "from_phone",
        };
        let smsc_given = detected.smsc != Smsc::Absent;
        let mut headline = format!("{} {}", detected.pdu.name(), detected.pdu.direction());
        if !direction_given {
            headline += ", direction taken from the MTI";
        }
        headline += match (smsc_given, detected.ambiguous) {
            (true, false) => "; service centre in front",
            (true, true) => "; service centre in front, though it could be read without one, too",
            (false, _) => "; no service centre in front",
        };
        let mut shown = Self {
            headline,
            head: vec![
                ("type", Value::text(detected.pdu.name())),
                ("direction", Value::text(direction)),
                ("direction_given", Value::from(direction_given)),
                ("smsc_given", Value::from(smsc_given)),
                ("ambiguous", Value::from(detected.ambiguous)),
            ],
            fields: Vec::new(),
            remarks: Vec::new(),
            redact,
        };
        match &detected.smsc {
            Smsc::Address(address) => shown.address("smsc", address),
            Smsc::Unset => shown.field("smsc", Value::Null, "the phone's own setting"),
            Smsc::Absent => shown.field("smsc", Value::Null, ""),
        }
        match &detected.pdu {
            Pdu::Deliver(deliver) => shown.deliver(deliver),
            Pdu::Submit(submit) => shown.submit(submit),
            Pdu::StatusReport(report) => shown.report(report),
        }
        shown
    }

    pub(crate) fn json(&self) -> Value {
        let mut entries = self.head.clone();
        let fields = self.fields.iter();
        entries.extend(fields.map(|field| (field.name, field.value.clone())));
        let remarks = Value::list(&self.remarks, |remark| Value::text(remark));
        entries.push(("remarks", remarks));
        Value::object(entries)
    }

    pub(crate) fn text(&self) -> String {
        let mut out = format!("{}\n", self.headline);
        for field in self.fields.iter().filter(|field| !field.text.is_empty()) {
            let _ = writeln!(out, "{:<8} {}", field.name, field.text);
        }
        for remark in &self.remarks {
            let _ = writeln!(out, "{:<8} {remark}", "remark");
        }
        out
    }

    fn deliver(&mut self, deliver: &Deliver) {
        self.message_type(0b00, "SMS-DELIVER");
        self.more_messages(deliver.more_messages);
        self.bit(
            "TP-LP",
            deliver.loop_prevention,
            ["", "forwarded or made by a network"],
        );
        self.bit(
            "TP-RP",
            deliver.reply_path,
            ["", "reply by the same service centre"],
        );
        self.header_indicator(Some(&deliver.user_data));
        self.bit(
            "TP-SRI",
            deliver.status_report,
            ["", "the sender gets a report"],
        );
        self.address("TP-OA", &deliver.originator);
        self.protocol(Some(deliver.protocol));
        self.coding(Some(deliver.user_data.coding()));
        self.time("TP-SCTS", deliver.timestamp);
        self.user_data(Some(&deliver.user_data));
    }

    fn submit(&mut self, submit: &Submit) {
        self.message_type(0b01, "SMS-SUBMIT");
        self.bit("TP-RD", submit.reject_duplicates, ["", "reject duplicates"]);
        let (format, format_name) = match submit.validity {
            None => (0b00_u32, "no validity period"),
            Some(ValidityPeriod::Enhanced(_)) => (0b01, "enhanced"),
            Some(ValidityPeriod::Relative(_)) => (0b10, "relative"),
            Some(ValidityPeriod::Absolute(_)) => (0b11, "absolute"),
        };
        self.field(
            "TP-VPF",
            Value::from(format),
            format!("{format:02b} {format_name}"),
        );
        self.bit(
            "TP-RP",
            submit.reply_path,
            ["", "reply by the same service centre"],
        );
        self.header_indicator(Some(&submit.user_data));
        self.bit("TP-SRR", submit.status_report, ["", "a report is wanted"]);
        self.number("TP-MR", submit.message_reference);
        self.address("TP-DA", &submit.destination);
        self.protocol(Some(submit.protocol));
        self.coding(Some(submit.user_data.coding()));
        self.validity(submit.validity);
        self.user_data(Some(&submit.user_data));
    }

    fn report(&mut self, report: &StatusReport) {
        self.message_type(0b10, "SMS-STATUS-REPORT");
        let (coding, data) = match &report.extra {
            Extra::Nothing => (None, None),
            Extra::Coding(coding) => (Some(*coding), None),
            Extra::Data(data) => (Some(data.coding()), Some(data)),
        };
        self.more_messages(report.more_messages);
        self.bit(
            "TP-LP",
            report.loop_prevention,
            ["", "forwarded or made by a network"],
        );
        self.header_indicator(data);
        self.bit(
            "TP-SRQ",
            report.of_command,
            ["of an SMS-SUBMIT", "of an SMS-COMMAND"],
        );
        self.number("TP-MR", report.message_reference);
        self.address("TP-RA", &report.recipient);
        self.time("TP-SCTS", report.timestamp);
        self.time("TP-DT", report.discharge_time);
        let status = report.status;
        self.named_octet(
            "TP-ST",
            status.0,
            format!("{} ({})", status.name(), status.outcome().name()),
        );
        if status.name() == RESERVED {
            let meaning = status.outcome().name();
            self.remark(format!(
                "TP-ST {:02X} is reserved, read as: {meaning}",
                status.0
            ));
        }
        self.protocol(report.protocol);
        self.coding(coding);
        self.user_data(data);
    }

    fn field(&mut self, name: &'static str, value: Value, text: impl Into<String>) {
        self.fields.push(Field {
            name,
            value,
            text: text.into(),
        });
    }

    fn remark(&mut self, what: impl Into<String>) {
        self.remarks.push(what.into());
    }

    fn message_type(&mut self, mti: u32, name: &str) {
        self.field("TP-MTI", Value::from(mti), format!("{mti:02b} {name}"));
    }

    /// A bit, and what 0 and 1 mean; nothing where that goes without saying.
    fn bit(&mut self, name: &'static str, set: bool, meanings: [&str; 2]) {
        let bit = u32::from(set);
        let text = format!("{bit} {}", meanings[usize::from(set)]);
        self.field(name, Value::from(bit), text.trim_end());
    }

    fn more_messages(&mut self, more: bool) {
        self.bit(
            "TP-MMS",
            !more,
            ["more messages wait", "no more messages wait"],
        );
    }

    fn header_indicator(&mut self, data: Option<&UserData>) {
        let has_header = data.is_some_and(|data| data.header().is_some());
        self.bit("TP-UDHI", has_header, ["", "with a header"]);
    }

    fn number(&mut self, name: &'static str, number: u8) {
        self.field(name, Value::from(u32::from(number)), number.to_string());
    }

    fn named_octet(&mut self, name: &'static str, octet: u8, meaning: impl AsRef<str>) {
        let text = format!("{octet:02X} {}", meaning.as_ref());
        let value = Value::object([
            ("value", Value::from(u32::from(octet))),
            ("name", Value::text(meaning.as_ref())),
        ]);
        self.field(name, value, text);
    }

    fn address(&mut self, name: &'static str, address: &Address) {
        let kind = address.type_of_number();
        let kind_name = kind.map_or("alphanumeric", |kind| kind.name());
        let text = match kind {
            Some(_) => self.redact.number(&address.text()),
            // A name may be a person's.
            None => self.redact.text(&address.text()),
        };
        let value = Value::object([
            ("value", Value::text(&text)),
            ("type_of_number", Value::text(kind_name)),
            ("numbering_plan", Value::text(address.plan().name())),
        ]);
        let text = format!(
            "{} ({kind_name}, plan {})",
            one_line(&text),
            address.plan().name()
        );
        self.field(name, value, text);
        if kind_name == RESERVED {
            self.remark(format!("the type of number of {name} is reserved"));
        }
        if address.plan().name() == RESERVED {
            self.remark(format!("the numbering plan of {name} is reserved"));
        }
    }

    fn protocol(&mut self, protocol: Option<ProtocolId>) {
        match protocol {
            Some(protocol) => {
                self.named_octet("TP-PID", protocol.0, protocol.name());
                if protocol.name().ends_with(RESERVED) {
                    let octet = protocol.0;
                    self.remark(format!("TP-PID {octet:02X} is reserved, read as 00"));
                }
            }
            None => self.field("TP-PID", Value::Null, ""),
        }
    }

    fn coding(&mut self, coding: Option<DataCoding>) {
        let Some(coding) = coding else {
            return self.field("TP-DCS", Value::Null, "");
        };
        let mut meaning = coding.alphabet().name().to_owned();
        if coding.compressed() {
            meaning += ", compressed";
        }
        let class = coding.class().map(|class| class.name());
        if let Some(class) = class {
            let _ = write!(meaning, ", class {class}");
        }
        let waiting = coding.waiting();
        if let Some(waiting) = waiting {
            let state = if waiting.active {
                "waits"
            } else {
                "waits no more"
            };
            let _ = write!(meaning, ", {} {state}", waiting.kind.name());
        }
        let group = coding.group().name();
        let text = format!("{:02X} {meaning} (group: {group})", coding.0);
        let value = Value::object([
            ("value", Value::from(u32::from(coding.0))),
            ("group", Value::text(group)),
            ("alphabet", Value::text(coding.alphabet().name())),
            ("compressed", Value::from(coding.compressed())),
            ("class", class.map_or(Value::Null, Value::text)),
            (
                "waiting",
                waiting.map_or(Value::Null, |waiting| {
                    Value::object([
                        ("kind", Value::text(waiting.kind.name())),
                        ("active", Value::from(waiting.active)),
                    ])
                }),
            ),
        ]);
        self.field("TP-DCS", value, text);
        if coding.is_reserved() {
            self.remark(format!(
                "TP-DCS {:02X} is reserved, read as {}",
                coding.0,
                coding.alphabet().name()
            ));
        }
    }

    fn time(&mut self, name: &'static str, time: Timestamp) {
        let octets = hex(&time.0);
        let (value, text) = match time.civil() {
            Some(civil) => (Value::text(civil.to_string()), civil.to_string()),
            None => (Value::Null, "no time".to_owned()),
        };
        let value = Value::object([
            ("octets", Value::text(&octets)),
            ("time", value),
            ("unix_s", time.unix_s().map_or(Value::Null, Value::Signed)),
        ]);
        self.field(name, value, format!("{text} ({octets})"));
        if time.civil().is_none() {
            self.remark(format!(
                "{name} holds no time: figures out of their range, or no digits"
            ));
        }
    }

    fn validity(&mut self, period: Option<ValidityPeriod>) {
        match period {
            None => self.field("TP-VP", Value::Null, ""),
            Some(ValidityPeriod::Absolute(time)) => self.time("TP-VP", time),
            Some(period) => {
                let octets = match period {
                    ValidityPeriod::Enhanced(octets) => hex(&octets),
                    ValidityPeriod::Relative(octet) => hex(&[octet]),
                    ValidityPeriod::Absolute(time) => hex(&time.0),
                };
                let seconds = period.seconds();
                let text = match seconds {
                    Some(seconds) => format!("{octets} {}", duration(seconds)),
                    None => format!("{octets} no period, or a reserved one"),
                };
                if seconds.is_none() {
                    self.remark("TP-VP says no period, or a reserved one");
                }
                let seconds = seconds.map_or(Value::Null, Value::from);
                let value = [("octets", Value::text(octets)), ("seconds", seconds)];
                self.field("TP-VP", Value::object(value), text);
            }
        }
    }

    fn user_data(&mut self, data: Option<&UserData>) {
        let Some(data) = data else {
            for name in ["TP-UDL", "TP-UDH", "TP-UD"] {
                self.field(name, Value::Null, "");
            }
            return;
        };
        let unit = match data.payload() {
            Payload::Septets(_) => "septets",
            Payload::Octets(_) => "octets",
        };
        let length = data.length();
        let text = format!("{length} {unit}");
        self.field("TP-UDL", Value::from(u32::from(length)), text);
        match data.header() {
            None => self.field("TP-UDH", Value::Null, ""),
            Some(header) => {
                let redact = self.redact;
                let elements = header.elements();
                let text: Vec<_> = elements.iter().map(|e| element_text(e, redact)).collect();
                let value = Value::list(elements, |element| element_json(element, redact));
                let text = match text.as_slice() {
                    [] => "empty".to_owned(),
                    // One element a line, under each other.
                    lines => lines.join("\n         "),
                };
                self.field("TP-UDH", value, text);
                for element in elements {
                    if let Some(remark) = reserved_element(element) {
                        self.remark(remark);
                    }
                }
            }
        }
        self.damage(data);
        match (data.text(), data.payload()) {
            (Some(text), _) => {
                let text = self.redact.text(&text);
                let shown = format!("\"{}\"", one_line(&text));
                self.field("TP-UD", Value::text(text), shown);
            }
            (None, Payload::Septets(octets) | Payload::Octets(octets)) => {
                let octets = self.redact.hidden(&hex(octets));
                let kind = match data.coding().alphabet() {
                    DataAlphabet::Octets => "octets",
                    _ => "compressed",
                };
                let value = Value::object([(kind, Value::text(&octets))]);
                self.field("TP-UD", value, format!("{kind} {octets}").trim_end());
            }
        }
    }
}

impl Shown {
    /// What UCS-2 has that is no text.
    fn damage(&mut self, data: &UserData) {
        let Payload::Octets(octets) = data.payload() else {
            return;
        };
        if data.text().is_none() {
            return;
        }
        let units = octets.chunks_exact(2);
        let units: Vec<u16> = units
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect();
        let mut at = 0;
        for decoded in char::decode_utf16(units.iter().copied()) {
            let Err(half) = decoded else {
                at += decoded.map_or(1, char::len_utf16);
                continue;
            };
            at += 1;
            let is_high = half.unpaired_surrogate() < 0xdc00;
            let part = data.concatenation();
            let elsewhere = match part {
                Some(part) if is_high && at == units.len() && part.index() < part.count() => {
                    "; the other half may begin the next part"
                }
                Some(part) if !is_high && at == 1 && part.index() > 1 => {
                    "; the other half may end the part before"
                }
                _ => "",
            };
            self.remark(format!(
                "16-bit unit {at} of TP-UD is half of a surrogate pair without the other half, \
                 shown as U+FFFD{elsewhere}"
            ));
        }
        if octets.len() % 2 != 0 {
            self.remark(
                "TP-UD has an odd number of octets, and UCS-2 takes two a character: the last is \
                 left out",
            );
        }
    }
}

/// What an element has that the standard gives no meaning.
fn reserved_element(element: &InformationElement) -> Option<String> {
    let identifier = element.identifier();
    match element {
        InformationElement::SingleShift(code) | InformationElement::LockingShift(code)
            if Language::from_identifier(*code).is_none() =>
        {
            Some(format!(
                "element {identifier:02X} names the reserved language {code}: read with the \
                 default table"
            ))
        }
        _ if element.name() == RESERVED => Some(format!(
            "element {identifier:02X} is reserved, and left out"
        )),
        _ => None,
    }
}

fn element_text(element: &InformationElement, redact: Redact) -> String {
    let meaning = match element {
        InformationElement::Concatenated(part) => format!(
            "reference {}, part {} of {}",
            part.reference(),
            part.index(),
            part.count()
        ),
        InformationElement::Ports8 {
            destination,
            originator,
        } => format!("to port {destination}, from port {originator}"),
        InformationElement::Ports16 {
            destination,
            originator,
        } => format!("to port {destination}, from port {originator}"),
        InformationElement::SingleShift(identifier)
        | InformationElement::LockingShift(identifier) => language(*identifier),
        InformationElement::Other { data, .. } => redact.hidden(&hex(data)),
    };
    let text = format!("{:02X} {}: {meaning}", element.identifier(), element.name());
    text.trim_end().to_owned()
}

fn element_json(element: &InformationElement, redact: Redact) -> Value {
    let number = |number: u16| Value::from(u32::from(number));
    let mut entries = vec![
        ("IEI", number(element.identifier().into())),
        ("name", Value::text(element.name())),
    ];
    match element {
        InformationElement::Concatenated(part) => entries.extend([
            ("reference", number(part.reference())),
            ("count", number(part.count().into())),
            ("index", number(part.index().into())),
        ]),
        InformationElement::Ports8 {
            destination,
            originator,
        } => entries.extend([
            ("destination_port", number((*destination).into())),
            ("originator_port", number((*originator).into())),
        ]),
        InformationElement::Ports16 {
            destination,
            originator,
        } => entries.extend([
            ("destination_port", number(*destination)),
            ("originator_port", number(*originator)),
        ]),
        InformationElement::SingleShift(identifier)
        | InformationElement::LockingShift(identifier) => {
            entries.push(("language", Value::text(language(*identifier))));
        }
        InformationElement::Other { data, .. } => {
            entries.push(("IED", Value::text(redact.hidden(&hex(data)))));
        }
    }
    Value::object(entries)
}

fn language(identifier: u8) -> String {
    match Language::from_identifier(identifier) {
        Some(language) => language.to_string(),
        None => format!("reserved({identifier})"),
    }
}

fn duration(seconds: u32) -> String {
    let (unit, size) = match seconds {
        0..=119 => ("s", 1),
        120..=7_199 => ("min", 60),
        7_200..=172_799 => ("h", 3_600),
        _ => ("d", 86_400),
    };
    let whole = seconds / size;
    match (seconds % size) * 10 / size {
        0 => format!("{whole} {unit}"),
        tenths => format!("{whole}.{tenths} {unit}"),
    }
}

fn hex(octets: &[u8]) -> String {
    let mut digits = String::with_capacity(octets.len() * 2);
    for octet in octets {
        let _ = write!(digits, "{octet:02X}");
    }
    digits
}
