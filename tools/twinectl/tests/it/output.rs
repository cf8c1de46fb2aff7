//! What `twinectl` prints, as text and as JSON, redacted and not.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::common::{Answer, said, said_after, snapshot};
use twine_control::pb;
use twine_control::pb::reply::Kind;

/// A day whose time of day makes no difference to ages in hours.
fn hours_ago(hours: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_millis() as u64 - hours * 3_600_000 - 60_000
}

/// Wall times differ between runs.
pub(crate) fn without_times(text: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let mut rest = line.to_owned();
        if let Some(end) = rest.find(" UTC").filter(|end| *end >= 19) {
            rest.replace_range(end - 19..end, "YYYY-MM-DD hh:mm:ss");
        }
        out.push_str(&rest);
    }
    out
}

pub(crate) fn outgoing() -> pb::Message {
    pb::Message {
        message_id: 17,
        direction: pb::Direction::Outgoing as i32,
        own: "+254712345678".to_owned(),
        peer: "+2348031234567".to_owned(),
        text: "Habari ya asubuhi!\nTutaonana kesho?".to_owned(),
        state: pb::MessageState::Delivered as i32,
        order: Some(pb::OrderKey {
            position: 17,
            epoch: 690,
            lane_seq: 3,
        }),
        name: "254712345678.690>2348031234567#3".to_owned(),
        created_wall_ms: hours_ago(3),
        changed_wall_ms: hours_ago(2),
        ip: Some(pb::IpAttempt {
            state: "delivered".to_owned(),
            seq: 3,
            epoch: 690,
            revoking: false,
        }),
        sms: Some(pb::SmsAttempt {
            state: "not_used".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

pub(crate) fn incoming() -> pb::Message {
    pb::Message {
        message_id: 18,
        direction: pb::Direction::Incoming as i32,
        text: "Na gode \u{1b}[2J ዛሬ 😀".to_owned(),
        state: pb::MessageState::Received as i32,
        name: "2348031234567.690>254712345678#1".to_owned(),
        age_s: 95,
        came_by: pb::Channel::Ip as i32,
        ip: None,
        sms: None,
        ..outgoing()
    }
}

fn failed() -> pb::Message {
    pb::Message {
        message_id: 19,
        text: "a".repeat(60),
        state: pb::MessageState::Failed as i32,
        failure: "unknown_recipient".to_owned(),
        ip: Some(pb::IpAttempt {
            state: "refused".to_owned(),
            ..Default::default()
        }),
        ..outgoing()
    }
}

pub(crate) fn status() -> pb::Status {
    pb::Status {
        daemon_version: "0.1.0".to_owned(),
        uptime_ms: 7_505_000,
        identities: vec![
            pb::IdentityStatus {
                number: "+254712345678".to_owned(),
                epoch: 690,
                state: "active".to_owned(),
                next_seq: 58,
                lowest_unsettled: 57,
                cursor: 102,
                iccid: "89254021234567890".to_owned(),
            },
            pb::IdentityStatus {
                number: "+255755000111".to_owned(),
                state: "waiting_for_epoch".to_owned(),
                ..Default::default()
            },
        ],
        session: Some(pb::SessionStatus {
            state: "live".to_owned(),
            transport: "quic".to_owned(),
            link: "lte".to_owned(),
            session_no: 12,
            since_ms: 184_000,
            rtt_ms: 82,
            reason: "the gateway answered".to_owned(),
            next_attempt_ms: 0,
            heartbeat: Some(pb::HeartbeatStatus {
                interval_ms: 570_000,
                survived_ms: 570_000,
                failed_ms: 660_000,
                reason: "stays below what this network was found to forget".to_owned(),
                network: "cellular-63902".to_owned(),
            }),
        }),
        queued: 0,
        in_flight: 2,
        undelivered: 3,
        device_key: "00ff".repeat(16),
        counters: vec![
            pb::Counter {
                name: "sessions".to_owned(),
                value: 12,
            },
            pb::Counter {
                name: "duplicates".to_owned(),
                value: 4,
            },
        ],
        storage: Some(pb::StorageStatus {
            healthy: false,
            detail: "disk full".to_owned(),
            size_bytes: 131_073,
        }),
        ..Default::default()
    }
}

fn messages() -> pb::Messages {
    pb::Messages {
        messages: vec![failed(), incoming(), outgoing()],
        more: true,
    }
}

#[test]
fn status_as_text_and_json() {
    let answer = || Answer::Reply(Kind::Status(status()));
    snapshot("status", &said(answer(), &["status"]));
    snapshot("status.json", &said(answer(), &["--json", "status"]));
    snapshot("status.redacted", &said(answer(), &["status", "--redact"]));
}

#[test]
fn status_says_what_the_daemon_did_not() {
    let answer = Answer::Reply(Kind::Status(pb::Status::default()));
    snapshot("status.empty", &said(answer, &["status"]));
}

#[test]
fn links_say_how_old_they_are() {
    let links = pb::Links {
        links: vec![
            pb::LinkStatus {
                link: Some(pb::Link {
                    id: "lte".to_owned(),
                    kind: pb::LinkKind::Cellular as i32,
                    sim_slot: 1,
                    up: true,
                    validated: true,
                    metered: true,
                    roaming: true,
                    generation: pb::Generation::G4 as i32,
                    network: "63902".to_owned(),
                    source_address: "10.1.2.3".to_owned(),
                    signal_dbm: -97,
                    ..Default::default()
                }),
                carries_session: true,
                reason: "best of its class".to_owned(),
                age_ms: 61_000,
            },
            pb::LinkStatus {
                link: Some(pb::Link {
                    id: "wifi".to_owned(),
                    kind: pb::LinkKind::Wifi as i32,
                    ..Default::default()
                }),
                reason: "down".to_owned(),
                age_ms: 5,
                ..Default::default()
            },
        ],
    };
    let answer = || Answer::Reply(Kind::Links(links.clone()));
    snapshot("links", &said(answer(), &["links"]));
    snapshot("links.json", &said(answer(), &["links", "--json"]));
    let redacted = said(answer(), &["links", "--json", "--redact"]);
    assert!(!redacted.contains("10.1.2.3") && !redacted.contains("63902"));
    let none = Answer::Reply(Kind::Links(pb::Links::default()));
    snapshot("links.none", &said(none, &["links"]));
}

fn one_number() -> Answer {
    Answer::Reply(Kind::Status(pb::Status {
        identities: status().identities[..1].to_vec(),
        ..Default::default()
    }))
}

#[test]
fn history_and_outbox_are_tables_and_say_how_to_go_on() {
    let answer = || Answer::Reply(Kind::Messages(messages()));
    let peer = "+2348031234567";
    let history = said_after([one_number(), answer()], &["history", peer]);
    snapshot("history", &history);
    let own = ["history", peer, "--own", "+254712345678", "--redact"];
    snapshot("history.redacted", &said(answer(), &own));
    snapshot("outbox", &said(answer(), &["outbox", "--limit", "3"]));
}

#[test]
fn texts_that_the_daemon_leaves_out_are_not_shown_as_empty() {
    let message = pb::Message {
        text: String::new(),
        ..outgoing()
    };
    let answer = || Answer::Reply(Kind::Message(message.clone()));
    let shown = said(answer(), &["show", "17", "--role", "diagnostics"]);
    assert!(
        shown.contains("text       [not shown to diagnostics]\n"),
        "{shown}"
    );
    let shown = said(answer(), &["show", "17"]);
    assert!(shown.contains("text\n"), "{shown}");
}

#[test]
fn nothing_there_is_said_too() {
    let empty = || Answer::Reply(Kind::Messages(pb::Messages::default()));
    assert_eq!(said(empty(), &["outbox"]), "nothing is on its way\n");
    assert_eq!(
        said_after([one_number(), empty()], &["history", "+2348031234567"]),
        "no messages\n"
    );
    let none = Answer::Reply(Kind::Conversations(pb::Conversations::default()));
    assert_eq!(said(none, &["conversations"]), "no conversations\n");
}

#[test]
fn show_tells_everything_of_one_message() {
    let text = |message, arguments: &[&str]| {
        without_times(&said(Answer::Reply(Kind::Message(message)), arguments))
    };
    snapshot("show.outgoing", &text(outgoing(), &["show", "#17"]));
    snapshot("show.incoming", &text(incoming(), &["show", "18"]));
    snapshot(
        "show.redacted",
        &text(failed(), &["show", "19", "--redact"]),
    );
}

#[test]
fn json_of_a_message_has_every_key() {
    let message = pb::Message {
        created_wall_ms: 1_735_689_600_000,
        changed_wall_ms: 1_735_689_601_000,
        ..outgoing()
    };
    let answer = Answer::Reply(Kind::Message(message));
    snapshot("show.json", &said(answer, &["show", "17", "--json"]));
}

#[test]
fn conversations_are_counted() {
    let conversations = pb::Conversations {
        conversations: vec![pb::Conversation {
            own: "+254712345678".to_owned(),
            peer: "+2348031234567".to_owned(),
            last: Some(outgoing()),
            count: 57,
        }],
    };
    let answer = || Answer::Reply(Kind::Conversations(conversations.clone()));
    snapshot("conversations", &said(answer(), &["conversations"]));
    snapshot(
        "conversations.redacted",
        &said(answer(), &["conversations", "--redact"]),
    );
}

#[test]
fn tail_prints_one_line_an_event() {
    let events = vec![
        pb::Event {
            cursor: 5,
            kind: pb::EventKind::MessageReceived as i32,
            state: pb::MessageState::Received as i32,
            message: Some(incoming()),
            wall_ms: hours_ago(1),
            ..Default::default()
        },
        pb::Event {
            cursor: 6,
            kind: pb::EventKind::MessageStateChanged as i32,
            state: pb::MessageState::Sent as i32,
            message: Some(outgoing()),
            wall_ms: hours_ago(1),
            ..Default::default()
        },
        pb::Event {
            kind: pb::EventKind::PeerTyping as i32,
            own: "+254712345678".to_owned(),
            peer: "+2348031234567".to_owned(),
            stopped: true,
            wall_ms: hours_ago(1),
            ..Default::default()
        },
        pb::Event {
            cursor: 9,
            kind: pb::EventKind::Resync as i32,
            resync_from: 8,
            wall_ms: hours_ago(1),
            ..Default::default()
        },
        pb::Event {
            cursor: 10,
            kind: 77,
            detail: "of a newer daemon, for +254712345678".to_owned(),
            wall_ms: 1_735_689_600_000,
            ..Default::default()
        },
    ];
    let answer = |events: &[pb::Event]| {
        Answer::Events(Kind::Subscribed(pb::Subscribed::default()), events.to_vec())
    };
    let five = ["tail", "--count", "5"];
    snapshot("tail", &without_times(&said(answer(&events), &five)));
    let redacted = ["tail", "--count", "1", "--redact", "--json"];
    snapshot("tail.json", &said(answer(&events[4..]), &redacted));
}

#[test]
fn what_is_written_is_confirmed() {
    let sent = Answer::Reply(Kind::Sent(pb::Sent {
        message_id: 17,
        repeated: false,
    }));
    let arguments = ["send", "+2348031234567", "habari"];
    assert_eq!(said(sent, &arguments), "#17 stored\n");

    let repeated = Answer::Reply(Kind::Sent(pb::Sent {
        message_id: 17,
        repeated: true,
    }));
    let arguments = [
        "send",
        "+2348031234567",
        "habari",
        "--token",
        "t1",
        "--json",
    ];
    assert_eq!(
        said(repeated, &arguments),
        "{\"message_id\":17,\"repeated\":true,\"token\":\"t1\"}\n"
    );

    let done = || Answer::Reply(Kind::Done(pb::Done {}));
    assert!(said(done(), &["cancel", "17"]).starts_with("the daemon takes #17 back"));
    assert!(said(done(), &["retry", "17"]).starts_with("the daemon sends #17 again"));

    let registered = Answer::Reply(Kind::Registered(pb::Registered {
        number: "+254712345678".to_owned(),
        epoch: 0,
        device_key: "00ff".repeat(16),
    }));
    let arguments = ["register", "+254712345678", "--consent"];
    snapshot("register", &said(registered, &arguments));
}

#[test]
fn help_is_complete() {
    let output = crate::common::run(std::path::Path::new("/nonexistent"), &["--help"]);
    assert!(output.status.success());
    snapshot("help", &String::from_utf8(output.stdout).unwrap());
}
