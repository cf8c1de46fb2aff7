//! The SMS channel through the real process, with an agent played by the test:
//! orders, results, incoming messages, settings, stories. No gateway.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use nix::sys::signal::Signal;
use twine_control::blocking::Client;
use twine_control::{ClientError, Order, pb};

use self::common::{OWN, PEER, Phone};

const CARD: &str = "8925402000000000001";

/// A phone's telephony side.
struct Agent(Client);

impl Agent {
    /// Connects and reports one card that can send.
    fn new(phone: &Phone) -> Self {
        Self::with(phone, sim())
    }

    fn with(phone: &Phone, sim: pb::Sim) -> Self {
        let mut client = phone.connect("agent", &[pb::Role::Telephony, pb::Role::App]);
        client
            .report(pb::report::Kind::State(pb::TelephonyState {
                sims: vec![sim],
                ..Default::default()
            }))
            .unwrap();
        // What was reported before a request is known when it is answered.
        let status = client.ask(pb::GetStatus {}).unwrap();
        assert!(status.agent && status.sims.len() == 1);
        Self(client)
    }

    fn order(&mut self) -> Order {
        self.0.next_order(None).unwrap().unwrap()
    }

    fn send_sms(&mut self) -> pb::SendSms {
        match self.order().kind {
            pb::order::Kind::SendSms(send) => send,
            other => panic!("{other:?} instead of an SMS"),
        }
    }

    /// Reports what became of a part, and waits until it is stored.
    fn part(&mut self, attempt: u64, part: u32, state: pb::SmsPartState, code: i32) {
        let result = pb::SmsPartResult {
            attempt,
            part,
            state: state.into(),
            code,
        };
        self.0.report(pb::report::Kind::SmsPart(result)).unwrap();
        let expected = pb::SmsPartTaken {
            attempt,
            part,
            state: state.into(),
        };
        assert_eq!(self.order().kind, pb::order::Kind::SmsPartTaken(expected));
    }

    /// Reports an incoming SMS, and waits until it is stored.
    fn received(&mut self, sms: pb::SmsReceived) {
        let spool_id = sms.spool_id.clone();
        self.0.report(pb::report::Kind::SmsReceived(sms)).unwrap();
        let expected = pb::SmsTaken { spool_id };
        assert_eq!(self.order().kind, pb::order::Kind::SmsTaken(expected));
    }
}

fn sim() -> pb::Sim {
    pb::Sim {
        slot: 0,
        iccid: CARD.to_owned(),
        number: OWN.to_owned(),
        mcc_mnc: "63902".to_owned(),
        ready: true,
        in_service: true,
        default_sms: true,
        operator: "Safaricom".to_owned(),
        ..Default::default()
    }
}

fn send(to: &str, text: &str) -> pb::Send {
    pb::Send {
        to: to.to_owned(),
        text: text.to_owned(),
        token: text.chars().take(16).collect(),
        ..Default::default()
    }
}

fn show(app: &mut Client, message_id: u64) -> pb::Message {
    app.ask(pb::GetMessage { message_id }).unwrap()
}

fn sms_state(app: &mut Client, message_id: u64) -> String {
    show(app, message_id).sms.unwrap().state
}

fn steps(app: &mut Client, message_id: u64) -> Vec<String> {
    let story = app.ask(pb::Explain { message_id }).unwrap();
    story.lines.into_iter().map(|line| line.step).collect()
}

#[test]
fn what_only_sms_reaches_goes_by_sms_and_its_story_is_told() {
    let phone = Phone::new("");
    let _daemon = phone.start();
    let mut agent = Agent::new(&phone);
    let mut app = phone.app();
    let preview = pb::Preview {
        to: "MPESA".to_owned(),
        text: "x".repeat(200),
        ..Default::default()
    };
    let previewed = app.ask(preview).unwrap();
    assert_eq!(previewed.channel(), pb::Channel::Sms);
    assert_eq!(
        (previewed.from.as_str(), previewed.waits_for.as_str()),
        (OWN, "")
    );
    assert!(!previewed.reasons.is_empty());
    let cost = previewed.sms.unwrap();
    assert_eq!((cost.parts, cost.encoding.as_str()), (2, "gsm7"));
    assert_eq!((cost.sim_slot, cost.iccid.as_str()), (0, CARD));

    let id = app.ask(send("MPESA", &"x".repeat(200))).unwrap().message_id;
    let order = agent.send_sms();
    assert_eq!((order.iccid.as_str(), order.to.as_str()), (CARD, "MPESA"));
    assert_eq!(order.parts.len(), 2);
    assert_eq!(order.parts.concat(), "x".repeat(200));
    assert_eq!(sms_state(&mut app, id), "handed");
    assert_eq!(app.ask(pb::GetStatus {}).unwrap().sms_handed, 1);

    agent.part(order.attempt, 1, pb::SmsPartState::PartSent, 0);
    assert_eq!(sms_state(&mut app, id), "handed");
    agent.part(order.attempt, 0, pb::SmsPartState::PartSent, 0);
    let message = show(&mut app, id);
    assert_eq!(message.state(), pb::MessageState::Sent);
    assert_eq!(message.sms.unwrap().parts_sent, 2);
    agent.part(order.attempt, 0, pb::SmsPartState::PartDelivered, 0);
    agent.part(order.attempt, 1, pb::SmsPartState::PartDelivered, 0);
    assert_eq!(show(&mut app, id).state(), pb::MessageState::Delivered);
    // Told again it is answered again, and nothing changes.
    agent.part(order.attempt, 1, pb::SmsPartState::PartDelivered, 0);

    let story = app.ask(pb::Explain { message_id: id }).unwrap();
    let told: Vec<_> = story.lines.iter().map(|line| &*line.step).collect();
    let expected = [
        "stored",
        "by_sms",
        "handed",
        "part_sent",
        "part_sent",
        "part_delivered",
        "part_delivered",
    ];
    assert_eq!(told, expected);
    assert!(!story.lines[1].reasons.is_empty());
    assert_eq!(story.lines[2].text, "given to the phone to send, 2 parts");
    assert!(story.lines.iter().all(|line| line.wall_ms > 0));
    // A technician is told the same, but not who and what.
    let mut technician = phone.connect("twinectl", &[pb::Role::Diagnostics]);
    let masked = technician.ask(pb::Explain { message_id: id }).unwrap();
    assert_eq!(masked.lines, story.lines);
    let message = masked.message.unwrap();
    assert_eq!(
        (message.text.as_str(), message.peer.as_str()),
        ("", "[name of 5 bytes]")
    );
}

#[test]
fn an_order_without_result_is_given_again_to_each_agent_that_connects() {
    let phone = Phone::new("");
    let daemon = phone.start();
    let mut app = phone.app();
    let mut agent = Agent::new(&phone);
    let id = app.ask(send("40404", "salio")).unwrap().message_id;
    let first = agent.send_sms();
    drop(agent);
    let mut agent = Agent::new(&phone);
    assert_eq!(agent.send_sms(), first);
    // And after the daemon was killed.
    daemon.signal(Signal::SIGKILL);
    drop(daemon);

    let _daemon = phone.start();
    let mut app = phone.app();
    assert_eq!(sms_state(&mut app, id), "handed");
    let mut agent = Agent::new(&phone);
    assert_eq!(agent.send_sms(), first);
    agent.part(first.attempt, 0, pb::SmsPartState::PartSent, 0);
    assert_eq!(show(&mut app, id).state(), pb::MessageState::Sent);
    // Settled: the next agent is asked for nothing but what comes now.
    drop(agent);
    let mut agent = Agent::new(&phone);
    app.ask(send("40404", "bando")).unwrap();
    let next = agent.send_sms();
    assert_eq!(next.parts, ["bando"]);
    assert_ne!(next.attempt, first.attempt);
}

#[test]
fn an_sms_waits_for_its_card_and_a_refused_one_is_sent_again_on_demand() {
    let phone = Phone::new("");
    let _daemon = phone.start();
    let mut app = phone.app();
    let off = pb::Sim {
        radio_off: true,
        in_service: false,
        ..sim()
    };
    let mut agent = Agent::with(&phone, off);
    let id = app.ask(send("40404", "salio")).unwrap().message_id;
    app.ask(pb::Subscribe::default()).unwrap();
    while show(&mut app, id).waits_for != "radio" {
        app.next_event(None).unwrap();
    }
    agent.0.report(pb::report::Kind::Sim(sim())).unwrap();
    let order = agent.send_sms();
    // A generic failure of the network: no reason to try again by itself.
    agent.part(order.attempt, 0, pb::SmsPartState::PartRefused, 1);
    let message = show(&mut app, id);
    assert_eq!(message.state(), pb::MessageState::Failed);
    assert_eq!(
        (message.failure.as_str(), message.sms.unwrap().code),
        ("sms_failed", 1)
    );

    let retry = pb::Retry {
        message_id: id,
        channel: pb::Channel::Sms.into(),
    };
    app.ask(retry).unwrap();
    let again = agent.send_sms();
    assert_eq!(again.parts, order.parts);
    assert_ne!(again.attempt, order.attempt);
    let steps = steps(&mut app, id);
    for step in ["waits", "by_sms", "handed", "part_refused", "retried"] {
        assert!(
            steps.iter().any(|told| told == step),
            "{step} is not in {steps:?}"
        );
    }
}

#[test]
fn an_incoming_sms_is_taken_once_however_often_it_is_told() {
    let phone = Phone::new("");
    let daemon = phone.start();
    let mut agent = Agent::new(&phone);
    let received = |spool_id: &str, from: &str, e164: &str| pb::SmsReceived {
        spool_id: spool_id.to_owned(),
        sim_slot: 0,
        from: from.to_owned(),
        text: "nzuri sana".to_owned(),
        scts_ms: 1_735_689_600_000,
        iccid: CARD.to_owned(),
        from_e164: e164.to_owned(),
        to: String::new(),
    };
    agent.received(received("spool-1", "08031234567", PEER));
    // The answer was lost with the daemon: told again, recognised.
    daemon.signal(Signal::SIGKILL);
    drop(daemon);
    let daemon = phone.start();
    let mut agent = Agent::new(&phone);
    agent.received(received("spool-1", "08031234567", PEER));
    // Whatever its originator is.
    agent.received(received("spool-2", "", ""));
    agent.received(received("spool-3", "a\u{7}b", "nonsense"));

    let mut app = phone.app();
    let history = |app: &mut Client, peer: &str| {
        app.ask(pb::GetHistory {
            own: OWN.to_owned(),
            peer: peer.to_owned(),
            ..Default::default()
        })
        .unwrap()
        .messages
    };
    let messages = history(&mut app, PEER);
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].came_by(), pb::Channel::Sms);
    assert_eq!(messages[0].text, "nzuri sana");
    let sms = messages[0].sms.clone().unwrap();
    assert_eq!((sms.scts_ms, sms.iccid.as_str()), (1_735_689_600_000, CARD));
    assert_eq!(history(&mut app, "?").len(), 1);
    assert_eq!(history(&mut app, "a\u{fffd}b").len(), 1);
    let story = app
        .ask(pb::Explain {
            message_id: messages[0].message_id,
        })
        .unwrap();
    assert_eq!(story.lines[0].text, "received by SMS");

    daemon.signal(Signal::SIGTERM);
    let (_, log) = daemon.ended();
    assert_eq!(log.matches("this once logged").count(), 1, "{log}");
    for secret in ["803123456", "712345678", "nzuri", "892540200", "nonsense"] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
}

#[test]
fn settings_hold_after_a_restart() {
    let phone = Phone::new("");
    let daemon = phone.start();
    let mut agent = Agent::new(&phone);
    let mut app = phone.app();
    app.ask(pb::SetSettings {
        fallback: pb::Fallback::Ask.into(),
        ..Default::default()
    })
    .unwrap();
    app.ask(pb::SetSettings {
        own: OWN.to_owned(),
        peer: PEER.to_owned(),
        mode: pb::Mode::SmsOnly.into(),
        iccid: CARD.to_owned(),
        ..Default::default()
    })
    .unwrap();
    let of = |own: &str, peer: &str| pb::GetSettings {
        own: own.to_owned(),
        peer: peer.to_owned(),
    };
    daemon.signal(Signal::SIGKILL);
    drop(daemon);
    assert!(agent.0.next_order(None).is_err());

    let _daemon = phone.start();
    let mut agent = Agent::new(&phone);
    let mut app = phone.app();
    let all = app.ask(of("", "")).unwrap();
    assert_eq!(
        (all.mode(), all.fallback()),
        (pb::Mode::Unspecified, pb::Fallback::Ask)
    );
    assert_eq!(all.effective_mode(), pb::Mode::Auto);
    let one = app.ask(of(OWN, PEER)).unwrap();
    assert_eq!(
        (one.mode(), one.fallback()),
        (pb::Mode::SmsOnly, pb::Fallback::Unspecified)
    );
    assert_eq!(one.effective_fallback(), pb::Fallback::Ask);
    assert_eq!(
        (one.iccid.as_str(), one.peer_on_ip.as_str()),
        (CARD, "unknown")
    );
    // And it is what happens.
    let id = app.ask(send(PEER, "habari")).unwrap().message_id;
    assert_eq!(agent.send_sms().to, PEER);
    assert_eq!(sms_state(&mut app, id), "handed");
}

#[test]
fn a_device_without_sms_says_so() {
    let phone = Phone::new("[engine]\nsms = false\n");
    let _daemon = phone.start();
    let mut app = phone.app();
    app.ask(common::register()).unwrap();
    let error = app.ask(send("MPESA", "salio")).unwrap_err().to_string();
    assert!(error.contains("this device sends none"), "{error}");
    let by_sms = pb::Send {
        channel: pb::Channel::Sms.into(),
        ..send(PEER, "habari")
    };
    let error = app.ask(by_sms).unwrap_err().to_string();
    assert!(error.contains("this device sends no SMS"), "{error}");
}

/// After a start the cards are not known before the agent is there. That is no
/// reason to refuse a message for good, and none to take any card.
#[test]
fn until_the_agent_has_told_of_two_cards_the_app_is_asked_for_patience() {
    let phone = Phone::new("");
    let daemon = phone.start();
    let second = pb::Sim {
        slot: 1,
        iccid: "8925402000000000002".to_owned(),
        number: "+254733000111".to_owned(),
        default_sms: false,
        ..sim()
    };
    let cards = pb::report::Kind::State(pb::TelephonyState {
        sims: vec![sim(), second],
        ..Default::default()
    });
    let tell = || {
        let mut agent = phone.connect("agent", &[pb::Role::Telephony, pb::Role::App]);
        agent.report(cards.clone()).unwrap();
        assert_eq!(agent.ask(pb::GetStatus {}).unwrap().sims.len(), 2);
        // Its answer waits for what was told before to be on disk; the status does not.
        agent.ask(pb::GetSettings::default()).unwrap();
        agent
    };
    drop(tell());
    daemon.signal(Signal::SIGKILL);
    daemon.ended();

    let _daemon = phone.start();
    let mut app = phone.app();
    let refused = app.ask(send(PEER, "which card?")).unwrap_err();
    let ClientError::Refused(refusal) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(refusal.code, pb::ErrorCode::Busy);
    let _agent = tell();
    let id = app.ask(send(PEER, "which card?")).unwrap().message_id;
    assert_eq!(show(&mut app, id).own, OWN, "the default");
}
