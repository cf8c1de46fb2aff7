//! What `twinectl` says of SMS and IP: previews, settings, stories, cards.

use crate::common::{Answer, FakeDaemon, run, said, said_after, snapshot};
use crate::output::{incoming, outgoing, status, without_times};
use twine_control::pb;
use twine_control::pb::reply::Kind;
use twine_proto::control::ClientMessage;

const PEER: &str = "+2348031234567";
const CARD: &str = "89254021234567890";

fn by_sms() -> pb::Message {
    pb::Message {
        message_id: 20,
        state: pb::MessageState::Sending as i32,
        ip: Some(pb::IpAttempt {
            state: "in_flight".to_owned(),
            seq: 4,
            epoch: 690,
            revoking: true,
        }),
        sms: Some(pb::SmsAttempt {
            state: "handed".to_owned(),
            parts: 3,
            parts_sent: 2,
            parts_delivered: 1,
            iccid: CARD.to_owned(),
            marked: true,
            code: 4,
            scts_ms: 0,
        }),
        ..outgoing()
    }
}

fn waiting() -> pb::Message {
    pb::Message {
        message_id: 21,
        peer: "MPESA".to_owned(),
        state: pb::MessageState::Sending as i32,
        name: String::new(),
        ip: Some(pb::IpAttempt {
            state: "none".to_owned(),
            ..Default::default()
        }),
        sms: Some(pb::SmsAttempt {
            state: "waiting".to_owned(),
            iccid: CARD.to_owned(),
            ..Default::default()
        }),
        waits_for: "sim".to_owned(),
        ..outgoing()
    }
}

fn copy() -> pb::Message {
    pb::Message {
        message_id: 22,
        came_by: pb::Channel::Sms as i32,
        copy_of: 18,
        late: true,
        sms: Some(pb::SmsAttempt {
            iccid: CARD.to_owned(),
            scts_ms: 1_735_689_600_000,
            ..Default::default()
        }),
        ..incoming()
    }
}

fn preview() -> pb::Previewed {
    pb::Previewed {
        channel: pb::Channel::Sms as i32,
        reasons: vec![
            "the peer is not on IP".to_owned(),
            "no other way is open".to_owned(),
        ],
        sms: Some(pb::SmsCost {
            encoding: "gsm7".to_owned(),
            parts: 2,
            units_left: 130,
            sim_slot: 1,
            iccid: CARD.to_owned(),
            roaming: true,
            sim_number: String::new(),
        }),
        waits_for: String::new(),
        peer_on_ip: "no".to_owned(),
        from: "+254712345678".to_owned(),
    }
}

fn heard(arguments: &[&str], answers: impl IntoIterator<Item = Answer>) -> Vec<pb::request::Kind> {
    let daemon = FakeDaemon::start(answers);
    let output = run(&daemon.socket(), arguments);
    assert!(output.status.success(), "{output:?}");
    let requests = daemon
        .heard()
        .into_iter()
        .filter_map(|message| match message {
            ClientMessage::Request(request) => request.kind,
            _ => None,
        });
    requests.collect()
}

#[test]
fn lists_say_which_way_each_message_took() {
    let messages = pb::Messages {
        messages: vec![copy(), waiting(), by_sms(), incoming(), outgoing()],
        more: false,
    };
    let answer = || Answer::Reply(Kind::Messages(messages.clone()));
    snapshot("outbox.channels", &said(answer(), &["outbox"]));
    let redacted = said(answer(), &["outbox", "--redact"]);
    assert!(!redacted.contains("MPESA"));
    snapshot("outbox.channels.redacted", &redacted);
}

#[test]
fn show_tells_of_both_attempts() {
    let text = |message, id: &str| {
        without_times(&said(Answer::Reply(Kind::Message(message)), &["show", id]))
    };
    snapshot("show.by-sms", &text(by_sms(), "20"));
    snapshot("show.waiting", &text(waiting(), "21"));
    snapshot("show.copy", &text(copy(), "22"));
}

#[test]
fn a_preview_says_what_why_and_how_much() {
    let answer = |previewed| Answer::Reply(Kind::Previewed(previewed));
    let arguments = ["preview", PEER, "habari", "--by", "sms"];
    snapshot("preview", &said(answer(preview()), &arguments));
    let json = ["preview", PEER, "habari", "--json"];
    snapshot("preview.json", &said(answer(preview()), &json));
    let waits = pb::Previewed {
        channel: 0,
        reasons: vec!["the card of the conversation is not in the phone".to_owned()],
        waits_for: "sim".to_owned(),
        sms: Some(pb::SmsCost {
            sim_slot: -1,
            roaming: false,
            iccid: String::new(),
            parts: 1,
            ..preview().sms.unwrap()
        }),
        ..preview()
    };
    snapshot(
        "preview.waits",
        &said(answer(waits), &["preview", "40404", ""]),
    );
    let by_ip = pb::Previewed {
        channel: pb::Channel::Ip as i32,
        reasons: Vec::new(),
        sms: None,
        peer_on_ip: "yes".to_owned(),
        ..preview()
    };
    let redact = ["preview", PEER, "habari", "--redact"];
    snapshot("preview.redacted", &said(answer(by_ip), &redact));

    let asked = heard(&arguments, [answer(preview())]);
    let expected = pb::Preview {
        to: PEER.to_owned(),
        text: "habari".to_owned(),
        channel: pb::Channel::Sms as i32,
        ..Default::default()
    };
    assert_eq!(asked, [pb::request::Kind::Preview(expected)]);
}

#[test]
fn a_channel_can_be_chosen() {
    let sent = || {
        Answer::Reply(Kind::Sent(pb::Sent {
            message_id: 17,
            repeated: false,
        }))
    };
    let asked = heard(&["send", "40404", "habari", "--by", "sms"], [sent()]);
    assert!(matches!(&asked[..], [pb::request::Kind::Send(send)]
        if send.channel() == pb::Channel::Sms && send.to == "40404"));
    let done = Answer::Reply(Kind::Done(pb::Done {}));
    let asked = heard(&["retry", "17", "--by", "ip"], [done]);
    assert!(matches!(&asked[..], [pb::request::Kind::Retry(retry)]
        if retry.channel() == pb::Channel::Ip));
}

fn settings() -> pb::Settings {
    pb::Settings {
        mode: 0,
        fallback: pb::Fallback::Ask as i32,
        iccid: CARD.to_owned(),
        effective_mode: pb::Mode::Auto as i32,
        effective_fallback: pb::Fallback::Ask as i32,
        peer_on_ip: "yes".to_owned(),
        sim_number: String::new(),
    }
}

fn of_all() -> Answer {
    Answer::Reply(Kind::Settings(pb::Settings {
        effective_mode: pb::Mode::Auto as i32,
        effective_fallback: pb::Fallback::Always as i32,
        ..Default::default()
    }))
}

#[test]
fn settings_say_what_holds_and_where_it_is_set() {
    snapshot("settings", &said(of_all(), &["settings"]));
    let one = || Answer::Reply(Kind::Settings(settings()));
    let own = ["settings", "--peer", PEER, "--own", "+254712345678"];
    snapshot("settings.one", &said(one(), &own));
    let redact = [&own[..], &["--redact"]].concat();
    snapshot("settings.redacted", &said(one(), &redact));
    let other_number = Answer::Reply(Kind::Settings(pb::Settings {
        sim_number: "+254700000002".to_owned(),
        ..settings()
    }));
    snapshot("settings.other_number", &said(other_number, &own));
    let number = Answer::Reply(Kind::Status(pb::Status {
        identities: status().identities[..1].to_vec(),
        ..Default::default()
    }));
    let json = ["settings", "--peer", "MPESA", "--json"];
    snapshot("settings.json", &said_after([number, one()], &json));
}

#[test]
fn what_is_not_named_stays_as_it_was_set() {
    let answers = [
        Answer::Reply(Kind::Settings(settings())),
        Answer::Reply(Kind::Done(pb::Done {})),
        Answer::Reply(Kind::Settings(settings())),
    ];
    let own = "+254712345678";
    let arguments = [
        "settings", "--peer", PEER, "--own", own, "--mode", "sms_only", "--sim", "default",
    ];
    let asked = heard(&arguments, answers);
    let expected = pb::SetSettings {
        own: own.to_owned(),
        peer: PEER.to_owned(),
        mode: pb::Mode::SmsOnly as i32,
        fallback: pb::Fallback::Ask as i32,
        iccid: String::new(),
    };
    assert_eq!(asked[1], pb::request::Kind::SetSettings(expected));
}

#[test]
fn a_story_is_told_in_order_and_ends_with_the_present() {
    let line = |wall_ms, step: &str, text: &str, reasons: &[&str]| pb::StoryLine {
        wall_ms,
        step: step.to_owned(),
        text: text.to_owned(),
        reasons: reasons.iter().map(|&why| why.to_owned()).collect(),
    };
    let story = |message| {
        Answer::Reply(Kind::Story(pb::Story {
            message: Some(message),
            lines: vec![
                line(1_735_689_600_000, "stored", "stored for sending", &[]),
                line(
                    1_735_689_631_000,
                    "by_sms",
                    "goes by SMS",
                    &["the peer is not on IP", "no link was there for 15 s"],
                ),
                line(
                    1_735_689_631_500,
                    "waits",
                    "waits for the card of its conversation",
                    &["the card of the conversation is not in the phone"],
                ),
            ],
        }))
    };
    let told = said(story(waiting()), &["explain", "21"]);
    snapshot("explain", &without_times(&told));
    let json = pb::Message {
        created_wall_ms: 1,
        changed_wall_ms: 2,
        ..by_sms()
    };
    snapshot(
        "explain.json",
        &said(story(json), &["explain", "20", "--json"]),
    );
    let redacted = said(story(waiting()), &["explain", "21", "--redact"]);
    assert!(!redacted.contains("MPESA"));
    snapshot("explain.redacted", &without_times(&redacted));
}

fn cards() -> pb::Status {
    pb::Status {
        agent: true,
        sms_handed: 1,
        sims: vec![
            pb::SimStatus {
                sim: Some(pb::Sim {
                    slot: 0,
                    iccid: CARD.to_owned(),
                    number: "+254712345678".to_owned(),
                    mcc_mnc: "63902".to_owned(),
                    ready: true,
                    subscription_id: 3,
                    operator: "Safaricom".to_owned(),
                    in_service: true,
                    roaming: true,
                    default_sms: true,
                    radio_off: false,
                    carries_data: true,
                    data_allowance: pb::DataAllowance::DataRoamingToo.into(),
                    data_in_service: true,
                    generation: pb::Generation::G4.into(),
                    signal_level: 4,
                    data_bundle: pb::DataBundle::DataLeft.into(),
                    default_data: true,
                    ..Default::default()
                }),
                age_ms: 61_000,
            },
            pb::SimStatus {
                sim: Some(pb::Sim {
                    slot: 1,
                    iccid: "8925502".to_owned(),
                    radio_off: true,
                    data_allowance: pb::DataAllowance::DataOff.into(),
                    ..Default::default()
                }),
                age_ms: 5,
            },
        ],
        ..status()
    }
}

#[test]
fn cards_say_whether_they_can_send() {
    let answer = |status| Answer::Reply(Kind::Status(status));
    snapshot("sims", &said(answer(cards()), &["sims"]));
    snapshot("sims.json", &said(answer(cards()), &["sims", "--json"]));
    snapshot(
        "sims.redacted",
        &said(answer(cards()), &["sims", "--redact"]),
    );
    snapshot("sims.none", &said(answer(pb::Status::default()), &["sims"]));
    snapshot("status.cards", &said(answer(cards()), &["status"]));
}

#[test]
fn tail_tells_of_copies_and_places() {
    let event = |kind: pb::EventKind, message| pb::Event {
        cursor: 1,
        kind: kind as i32,
        message: Some(message),
        into: 18,
        wall_ms: 1_735_689_600_000,
        ..Default::default()
    };
    let events = vec![
        pb::Event {
            state: pb::MessageState::Sending as i32,
            ..event(pb::EventKind::MessageStateChanged, by_sms())
        },
        event(pb::EventKind::Merged, copy()),
        event(pb::EventKind::Unmerged, copy()),
        event(pb::EventKind::Reordered, copy()),
    ];
    let answer = |events: &[pb::Event]| {
        Answer::Events(Kind::Subscribed(pb::Subscribed::default()), events.to_vec())
    };
    let four = ["tail", "--count", "4"];
    snapshot("tail.channels", &said(answer(&events), &four));
    let one = said(answer(&events[1..2]), &["tail", "--count", "1", "--json"]);
    assert!(
        one.contains("\"kind\":\"merged\"") && one.contains("\"into\":18"),
        "{one}"
    );
}
