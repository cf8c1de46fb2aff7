//! `twinectl status`.

use std::fmt::Write as _;

use twine_control::pb;

use super::{Command, answer};
use crate::cli::Options;
use crate::clock::duration;
use crate::exit::Failure;
use crate::json::Value;
use crate::redact::Redact;
use crate::sim;
use crate::table::{Table, number_or_dash, one_line, or_dash};
use crate::words;

/// The daemon in brief.
pub(crate) struct Status;

impl Command for Status {
    fn help(&self) -> &'static str {
        "\
Usage: twinectl status

The daemon in brief: its session and why it is so, the numbers bound to this
device, messages on their way, storage, counters since it started.
JSON: {daemon_version, uptime_ms, device_key, session{state, reason, transport,
link, session_no, since_ms, rtt_ms, next_attempt_ms,
heartbeat{network, interval_ms, survived_ms, failed_ms, reason}}, identities[{number, state,
epoch, next_seq, lowest_unsettled, cursor, iccid}], queued, in_flight,
undelivered, agent, sms_handed, sims[SIM], storage{healthy, detail, size_bytes}, counters{NAME: value}}; SIM as in twinectl sims --help.
Times in it are durations up to the moment of the answer.
"
    }

    fn run(&self, options: &Options) -> Result<(), Failure> {
        let (mut client, redact) = options.reader()?;
        let status = client
            .ask(pb::GetStatus {})
            .map_err(|error| Failure::from(error).of_reading())?;
        answer(options, || json(&status, redact), || text(&status, redact))
    }
}

fn json(status: &pb::Status, redact: Redact) -> Value {
    let session = status.session.as_ref().map_or(Value::Null, |session| {
        Value::object([
            ("state", Value::given(&session.state)),
            ("reason", Value::given(redact.other(&session.reason))),
            ("transport", Value::given(&session.transport)),
            ("link", Value::given(&session.link)),
            ("session_no", Value::nonzero(session.session_no)),
            ("since_ms", Value::from(session.since_ms)),
            ("rtt_ms", Value::nonzero(session.rtt_ms)),
            ("next_attempt_ms", Value::nonzero(session.next_attempt_ms)),
            ("heartbeat", heartbeat(session, redact)),
        ])
    });
    let storage = status.storage.as_ref().map_or(Value::Null, |storage| {
        Value::object([
            ("healthy", Value::from(storage.healthy)),
            ("detail", Value::given(redact.other(&storage.detail))),
            ("size_bytes", Value::from(storage.size_bytes)),
        ])
    });
    let identities = Value::list(&status.identities, |identity| {
        Value::object([
            ("number", Value::text(redact.number(&identity.number))),
            ("state", Value::given(&identity.state)),
            ("epoch", Value::nonzero(identity.epoch)),
            ("next_seq", Value::nonzero(identity.next_seq)),
            (
                "lowest_unsettled",
                Value::nonzero(identity.lowest_unsettled),
            ),
            ("cursor", Value::from(identity.cursor)),
            ("iccid", Value::given(redact.hidden(&identity.iccid))),
        ])
    });
    let counters = status.counters.iter().map(|counter| {
        (
            Value::text(&counter.name).to_string(),
            Value::from(counter.value),
        )
    });
    Value::object([
        ("daemon_version", Value::given(&status.daemon_version)),
        ("uptime_ms", Value::from(status.uptime_ms)),
        ("device_key", Value::given(&status.device_key)),
        ("session", session),
        ("identities", identities),
        ("queued", Value::from(status.queued)),
        ("in_flight", Value::from(status.in_flight)),
        ("undelivered", Value::from(status.undelivered)),
        ("agent", Value::from(status.agent)),
        ("sms_handed", Value::from(status.sms_handed)),
        ("sims", sim::json(&status.sims, redact)),
        ("storage", storage),
        ("counters", Value::Map(counters.collect())),
    ])
}

fn heartbeat(session: &pb::SessionStatus, redact: Redact) -> Value {
    let Some(heartbeat) = &session.heartbeat else {
        return Value::Null;
    };
    Value::object([
        ("network", Value::given(redact.other(&heartbeat.network))),
        ("interval_ms", Value::from(heartbeat.interval_ms)),
        ("survived_ms", Value::nonzero(heartbeat.survived_ms)),
        ("failed_ms", Value::nonzero(heartbeat.failed_ms)),
        ("reason", Value::given(redact.other(&heartbeat.reason))),
    ])
}

fn text(status: &pb::Status, redact: Redact) -> String {
    let mut out = String::new();
    let mut line = |heading: &str, text: &str| {
        let _ = writeln!(out, "{}", format!("{heading:<11} {text}").trim_end());
    };
    let up = duration(status.uptime_ms);
    line(
        "daemon",
        &format!("{}, up {up}", one_line(&status.daemon_version)),
    );
    match &status.session {
        Some(session) => {
            line("session", &session_line(session));
            if !session.reason.is_empty() {
                line("", &one_line(&redact.other(&session.reason)));
            }
            if let Some(heartbeat) = &session.heartbeat {
                line("heartbeat", &heartbeat_line(heartbeat, redact));
                line("", &one_line(&redact.other(&heartbeat.reason)));
            }
        }
        None => line("session", "the daemon said nothing of it"),
    }
    line(
        "messages",
        &format!(
            "{} queued, {} in flight, {} not delivered yet",
            status.queued, status.in_flight, status.undelivered
        ),
    );
    line("sms", &sms_line(status));
    match &status.storage {
        Some(storage) => {
            let health = if storage.healthy {
                "healthy"
            } else {
                "NOT HEALTHY"
            };
            let mut text = format!("{health}, {} KiB", storage.size_bytes.div_ceil(1024));
            if !storage.detail.is_empty() {
                let _ = write!(text, ": {}", one_line(&redact.other(&storage.detail)));
            }
            line("storage", &text);
        }
        None => line("storage", "the daemon said nothing of it"),
    }
    line("device key", &or_dash(one_line(&status.device_key)));
    out.push_str("identities");
    if status.identities.is_empty() {
        out.push_str("  none; see twinectl register --help\n");
    } else {
        out.push('\n');
        out.push_str(&identities(&status.identities, redact));
    }
    if !status.sims.is_empty() {
        out.push_str("cards\n");
        out.push_str(&sim::table(&status.sims, redact, "  "));
    }
    if !status.counters.is_empty() {
        out.push_str("counters since the daemon's start\n");
        let mut table = Table::default();
        for counter in &status.counters {
            table.row([one_line(&counter.name), counter.value.to_string()]);
        }
        out.push_str(&table.render("  "));
    }
    out
}

fn sms_line(status: &pb::Status) -> String {
    if status.agent {
        format!(
            "the telephony agent is connected, {} with it",
            words::counted(status.sms_handed, "message")
        )
    } else {
        "no telephony agent is connected: nothing can be sent".to_owned()
    }
}

fn session_line(session: &pb::SessionStatus) -> String {
    let mut text = or_dash(one_line(&session.state));
    if !session.transport.is_empty() {
        let _ = write!(text, " by {}", one_line(&session.transport));
    }
    if !session.link.is_empty() {
        let _ = write!(text, " over link {}", one_line(&session.link));
    }
    let _ = write!(text, " for {}", duration(session.since_ms));
    if session.session_no > 0 {
        let _ = write!(text, ", session {}", session.session_no);
    }
    if session.rtt_ms > 0 {
        let _ = write!(text, ", round trip {}", duration(session.rtt_ms));
    }
    if session.next_attempt_ms > 0 {
        let _ = write!(
            text,
            ", next attempt in {}",
            duration(session.next_attempt_ms)
        );
    }
    text
}

fn heartbeat_line(heartbeat: &pb::HeartbeatStatus, redact: Redact) -> String {
    let mut text = format!("after {} of silence", duration(heartbeat.interval_ms));
    if heartbeat.survived_ms > 0 {
        let _ = write!(text, ", survived {}", duration(heartbeat.survived_ms));
    }
    if heartbeat.failed_ms > 0 {
        let _ = write!(text, ", forgotten at {}", duration(heartbeat.failed_ms));
    }
    if !heartbeat.network.is_empty() {
        let network = one_line(&redact.other(&heartbeat.network));
        let _ = write!(text, ", on network {network}");
    }
    text
}

fn identities(identities: &[pb::IdentityStatus], redact: Redact) -> String {
    let mut table = Table::new(&[
        "NUMBER",
        "STATE",
        "EPOCH",
        "NEXT SEQ",
        "UNSETTLED FROM",
        "CURSOR",
        "SIM",
    ]);
    for identity in identities {
        table.row([
            one_line(&redact.number(&identity.number)),
            one_line(&identity.state),
            number_or_dash(identity.epoch.into()),
            number_or_dash(identity.next_seq),
            number_or_dash(identity.lowest_unsettled),
            number_or_dash(identity.cursor),
            or_dash(one_line(&redact.hidden(&identity.iccid))),
        ]);
    }
    table.render("  ")
}
