//! The real daemon as a process: it starts, answers, survives being killed,
//! and stops. No gateway: the session is tested with one in `tests/e2e`.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use std::process::{Command, Output};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::Signal;
use twine_control::blocking::Client;
use twine_control::{ClientError, pb};

use self::common::{Daemon, OWN, PEER, Phone, TWINED, register};

fn send(token: &str) -> pb::Send {
    pb::Send {
        to: PEER.to_owned(),
        text: "habari ya asubuhi".to_owned(),
        token: token.to_owned(),
        ..Default::default()
    }
}

fn error_of(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_message_confirmed_survives_a_kill_and_a_repeat_is_no_second_one() {
    let phone = Phone::new("");
    let daemon = phone.start();
    let mut app = phone.app();
    let registered = app.ask(register()).unwrap();
    assert_eq!((registered.epoch, registered.device_key.len()), (0, 64));
    let first = app.ask(send("draft-1")).unwrap();
    assert!(!first.repeated);
    app.ask(pb::Subscribe::default()).unwrap();
    let event = app.next_event(None).unwrap().unwrap();
    assert_eq!(event.message.unwrap().message_id, first.message_id);
    daemon.signal(Signal::SIGKILL);
    assert!(matches!(
        app.ask(pb::GetStatus {}),
        Err(ClientError::ResultUnknown(_))
    ));
    drop(daemon);

    let _daemon = phone.start();
    let mut app = phone.app();
    let again = app.ask(send("draft-1")).unwrap();
    assert_eq!((again.message_id, again.repeated), (first.message_id, true));
    let outbox = app.ask(pb::GetOutbox::default()).unwrap();
    assert_eq!(outbox.messages.len(), 1);
    assert_eq!(outbox.messages[0].state(), pb::MessageState::Queued);
    let shown = app
        .ask(pb::GetMessage {
            message_id: first.message_id,
        })
        .unwrap();
    assert_eq!(
        (shown.text.as_str(), shown.peer.as_str()),
        ("habari ya asubuhi", PEER)
    );
    let conversations = app
        .ask(pb::GetConversations::default())
        .unwrap()
        .conversations;
    assert_eq!((conversations.len(), conversations[0].count), (1, 1));
    // Unacknowledged events come again.
    app.ask(pb::Subscribe::default()).unwrap();
    let event = app.next_event(None).unwrap().unwrap();
    app.ask(pb::AckEvents {
        cursor: event.cursor,
    })
    .unwrap();
    assert_eq!(
        app.ask(pb::Subscribe::default()).unwrap().cursor,
        event.cursor
    );

    app.ask(pb::Cancel {
        message_id: first.message_id,
    })
    .unwrap();
    let event = app.next_event(None).unwrap().unwrap();
    assert_eq!(event.state(), pb::MessageState::Cancelled);
}

#[test]
fn it_says_how_it_is() {
    let phone = Phone::new("");
    let _daemon = phone.start();
    let mut app = phone.connect("all", &[pb::Role::App, pb::Role::Telephony]);
    app.ask(register()).unwrap();
    let wifi = pb::Link {
        id: "wifi".to_owned(),
        kind: pb::LinkKind::Wifi.into(),
        up: true,
        network: "home".to_owned(),
        source_address: "127.0.0.1".to_owned(),
        ..Default::default()
    };
    app.report(pb::report::Kind::State(pb::TelephonyState {
        sims: Vec::new(),
        links: vec![wifi],
        ..Default::default()
    }))
    .unwrap();
    let links = app.ask(pb::GetLinks {}).unwrap().links;
    assert_eq!(links.len(), 1);
    assert_eq!(links[0].link.as_ref().unwrap().network, "home");
    assert!(!links[0].reason.is_empty());

    let status = app.ask(pb::GetStatus {}).unwrap();
    assert_eq!(status.identities[0].number, OWN);
    assert_eq!(status.identities[0].state, "waiting_for_epoch");
    assert!(status.storage.unwrap().size_bytes > 0);
    assert!(
        status
            .counters
            .iter()
            .any(|counter| counter.name == "turns" && counter.value > 0)
    );

    let mut technician = phone.connect("twinectl", &[pb::Role::Diagnostics]);
    let status = technician.ask(pb::GetStatus {}).unwrap();
    assert_eq!(status.identities[0].number, "+254…78");
    assert_eq!(status.identities[0].iccid, "");
}

#[test]
fn it_stops_when_asked_and_tells_its_clients() {
    let phone = Phone::new("");
    let daemon = phone.start();
    let mut app = phone.app();
    daemon.signal(Signal::SIGTERM);
    let ended = app.next_event(None).unwrap_err();
    let ClientError::NotSent(ended) = ended else {
        panic!("{ended:?}");
    };
    assert!(
        ended.to_string().contains("the daemon is stopping"),
        "{ended}"
    );
    let (code, log) = daemon.ended();
    assert_eq!(code, Some(0), "{log}");
    // The next one finds a clean place.
    phone.start();
}

#[test]
fn no_number_and_no_text_is_logged() {
    let phone = Phone::new("");
    fs::write(
        phone.path("twined.toml"),
        fs::read_to_string(phone.path("twined.toml"))
            .unwrap()
            .replace("debug", "trace"),
    )
    .unwrap();
    let daemon = phone.start();
    let mut app = phone.connect("all", &[pb::Role::App, pb::Role::Telephony]);
    app.ask(register()).unwrap();
    app.ask(send("a secret token")).unwrap();
    app.ask(pb::Send {
        to: "+0712999888".to_owned(),
        ..send("x")
    })
    .unwrap_err();
    let sim = pb::Sim {
        iccid: "8925402000000000001".to_owned(),
        number: OWN.to_owned(),
        mcc_mnc: "nonsense".to_owned(),
        ..Default::default()
    };
    app.report(pb::report::Kind::State(pb::TelephonyState {
        sims: vec![sim],
        links: Vec::new(),
        ..Default::default()
    }))
    .unwrap();
    assert!(app.next_event(None).is_err());
    daemon.signal(Signal::SIGTERM);
    let (_, log) = daemon.ended();
    assert!(log.contains("sim.mcc_mnc"), "{log}");
    for secret in [
        "712345678",
        "803123456",
        "0712999888",
        "habari",
        "token",
        "892540200",
    ] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
}

#[test]
fn the_socket_that_init_made_is_used() {
    let phone = Phone::new("");
    // As init does: bound, not yet listening to anybody, open across exec.
    let socket = UnixListener::bind(phone.path("by-init")).unwrap();
    fcntl(&socket, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    let mut command = phone.command();
    command.env("ANDROID_SOCKET_twined.sock", socket.as_raw_fd().to_string());
    let _daemon = Daemon::start(command);
    drop(socket);
    assert!(!phone.path("twined.sock").exists());
    let roles = [pb::Role::Diagnostics];
    let mut client = Client::connect(phone.path("by-init"), "twinectl", &roles, None).unwrap();
    client.ask(pb::GetStatus {}).unwrap();
}

#[test]
fn two_daemons_do_not_share_a_folder() {
    let phone = Phone::new("");
    let _daemon = phone.start();
    let second = phone.output();
    assert_eq!(second.status.code(), Some(1));
    let error = error_of(&second);
    assert!(
        error.contains("in use: another daemon runs on this data folder"),
        "{error}"
    );
}

#[test]
fn a_damaged_store_is_salvaged_at_the_start() {
    let phone = Phone::new("");
    let daemon = phone.start();
    let mut app = phone.app();
    app.ask(register()).unwrap();
    app.ask(send("1")).unwrap();
    daemon.signal(Signal::SIGTERM);
    daemon.ended();

    let store = phone.path("data/twine.db");
    let mut bytes = fs::read(&store).unwrap();
    bytes[..100].fill(0x5a);
    fs::write(&store, bytes).unwrap();
    let _daemon = phone.start();
    let mut app = phone.app();
    let repeated = app.ask(send("1")).unwrap();
    assert!(repeated.repeated);
    assert_eq!(app.ask(pb::GetOutbox::default()).unwrap().messages.len(), 1);
}

#[test]
fn a_wrong_configuration_is_explained() {
    let phone = Phone::new("port_tls = 0\n[engine]\nheartbeet_ms = 1\n");
    let file = phone.path("twined.toml").display().to_string();
    let checked = phone.command().arg("--check-config").output().unwrap();
    assert_eq!(checked.status.code(), Some(1));
    let lines: Vec<_> = error_of(&checked).lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].starts_with(&format!("{file}:13:1: engine.heartbeet_ms: unknown key; ")));
    assert!(lines[1].starts_with(&format!("{file}:11:12: gateway.port_tls: found 0; ")));

    let run = phone.output();
    assert_eq!(run.status.code(), Some(1));
    assert!(
        error_of(&run).contains("configuration: "),
        "{}",
        error_of(&run)
    );
    assert!(!phone.path("data").exists());
}

#[test]
fn a_good_configuration_is_described_and_nothing_else_happens() {
    let phone = Phone::new("");
    let checked = phone.command().arg("--check-config").output().unwrap();
    assert_eq!(checked.status.code(), Some(0), "{}", error_of(&checked));
    let text = String::from_utf8(checked.stdout).unwrap();
    assert!(
        text.lines()
            .any(|line| line.starts_with("host = \"127.0.0.1\"")),
        "{text}"
    );
    assert!(!phone.path("data").exists());
    assert!(!phone.path("twined.sock").exists());
}

#[test]
fn wrong_arguments_are_another_exit_code() {
    let output = Command::new(TWINED).arg("--frobnicate").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(error_of(&output).contains("--help"));
    let help = Command::new(TWINED).arg("--help").output().unwrap();
    assert!(help.status.success());
}
