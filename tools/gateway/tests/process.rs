//! The real binary: signals, SIGKILL, commands, exit codes.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};

use common::*;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use twine_proto::Frame;
use twine_proto::frame::{GoodbyeReason, SlotStatus};

const BINARY: &str = env!("CARGO_BIN_EXE_twine-gateway");

struct Gateway {
    child: Child,
    quic: SocketAddr,
    tls: SocketAddr,
    stderr: BufReader<std::process::ChildStderr>,
    /// What it said until it listened.
    said: String,
}

impl Gateway {
    fn start(place: &Place) -> Self {
        let mut child = Command::new(BINARY)
            .args(["serve", "--config"])
            .arg(&place.config_file)
            .arg("--ready-file")
            .arg(place.dir.path().join("ready"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let addresses = loop {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "it died: {said}");
            if let Some(addresses) = line.strip_prefix("listening quic=") {
                break addresses.trim().to_owned();
            }
            said.push_str(&line);
        };
        let (quic, tls) = addresses.split_once(" tls=").unwrap();
        let ready = std::fs::read_to_string(place.dir.path().join("ready")).unwrap();
        assert_eq!(ready, format!("quic={quic}\ntls={tls}\n"));
        Self {
            quic: quic.parse().unwrap(),
            tls: tls.parse().unwrap(),
            child,
            stderr,
            said,
        }
    }

    fn at(&self, transport: Transport) -> SocketAddr {
        match transport {
            Transport::Quic => self.quic,
            Transport::Tls => self.tls,
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap());
        kill(pid, signal).unwrap();
    }

    /// Exit code and the log.
    fn wait(mut self) -> (Option<i32>, String) {
        let mut log = std::mem::take(&mut self.said);
        self.stderr.read_to_string(&mut log).unwrap();
        assert!(!log.contains(" ERROR "), "{log}");
        (self.child.wait().unwrap().code(), log)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(arguments: &[&str]) -> Output {
    Command::new(BINARY).args(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
async fn sigkill_loses_nothing_that_was_accepted_or_acknowledged() {
    let place = Place::new("");
    let (mut a, mut b) = (Device::new(&place.root()), Device::new(&place.root()));
    place.bind(number(1), a.key);
    place.bind(number(2), b.key);
    let mut accepted = 0;
    let mut epoch = None;
    let mut received = 0;
    for round in 0..4 {
        let gateway = Gateway::start(&place);
        let slot = epoch.map_or(wanted(number(1)), |epoch| {
            held(number(1), epoch, accepted + 11, 1)
        });
        let (mut from, welcome) = a.hello(Transport::Quic, gateway.quic, slot).await;
        if let SlotStatus::Granted(granted) = welcome.slots[0].status {
            epoch = Some(granted);
        }
        let high_water = welcome.slots[0].state.high_water.get();
        assert!(high_water >= accepted, "round {round}: accepted and lost");
        let (mut to, _) = b.join(Transport::Tls, gateway.tls, number(2)).await;
        // Some get an answer, some may not.
        for seq in high_water + 1..=high_water + 20 {
            from.send(submit(seq, number(2), &format!("text {seq}")))
                .await;
        }
        from.accepted(high_water + 10).await;
        accepted = high_water + 10;
        // What comes again was not acknowledged in time; nothing is left out.
        loop {
            let deliver = to.delivery().await;
            let seq = deliver.lane_seq.get();
            assert!(
                seq <= received + 1,
                "round {round}: {received} and then {seq}"
            );
            received = received.max(seq);
            to.send(ack(deliver.cursor)).await;
            if received >= accepted {
                break;
            }
        }
        gateway.signal(Signal::SIGKILL);
        let (code, _) = gateway.wait();
        assert_eq!(code, None);
    }
}

#[tokio::test]
async fn a_quic_client_is_told_at_once_that_its_gateway_was_killed() {
    let place = Place::new("");
    let mut a = Device::new(&place.root());
    place.bind(number(1), a.key);
    let gateway = Gateway::start(&place);
    place.fix_ports(gateway.quic, gateway.tls);
    let (mut link, _) = a.join(Transport::Quic, gateway.quic, number(1)).await;
    gateway.signal(Signal::SIGKILL);
    gateway.wait();
    let _next = Gateway::start(&place);
    link.send(Frame::Ping(1)).await;
    assert_eq!(link.closed().await, quinn::ConnectionError::Reset);
}

/// Both transports, and both ways to end.
#[tokio::test]
async fn a_session_is_resumed_after_a_restart_of_the_gateway() {
    for transport in [Transport::Quic, Transport::Tls] {
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            let place = Place::new("");
            let mut a = Device::new(&place.root());
            place.bind(number(1), a.key);
            let gateway = Gateway::start(&place);
            let (mut link, epoch) = a.join(transport, gateway.at(transport), number(1)).await;
            assert!(!link.resumed, "{transport:?}: it is the first");
            link.send(submit(1, number(2), "before")).await;
            link.accepted(1).await;
            link.close().await;
            gateway.signal(signal);
            gateway.wait();

            let gateway = Gateway::start(&place);
            let slot = held(number(1), epoch, 2, 1);
            let (mut link, welcome) = a.hello(transport, gateway.at(transport), slot).await;
            assert!(link.resumed, "{transport:?}, {signal}: its ticket is known");
            // And it is the same device.
            assert_eq!(welcome.slots[0].status, SlotStatus::Ok);
            link.send(submit(2, number(2), "after")).await;
            link.accepted(2).await;
        }
    }
}

#[tokio::test]
async fn damaged_tls_sessions_are_told_of_and_cost_one_full_handshake() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 3] = [
        ("garbage", |bytes| bytes.fill(b'x')),
        ("cut", |bytes| bytes.truncate(bytes.len() / 2)),
        // What opening looks at is whole.
        ("garbage in the middle", |bytes| bytes[4096..].fill(b'x')),
    ];
    let place = Place::new("");
    let mut a = Device::new(&place.root());
    place.bind(number(1), a.key);
    let file = place.config().data_dir.join("tls-sessions.db");
    let mut gateway = Gateway::start(&place);
    let (link, _) = a.join(Transport::Quic, gateway.quic, number(1)).await;
    link.close().await;
    for (what, damage) in damages {
        gateway.signal(Signal::SIGTERM);
        gateway.wait();
        let mut bytes = std::fs::read(&file).unwrap();
        damage(&mut bytes);
        std::fs::write(&file, bytes).unwrap();

        gateway = Gateway::start(&place);
        let (link, _) = a.join(Transport::Quic, gateway.quic, number(1)).await;
        assert!(!link.resumed, "{what}");
        link.close().await;
        gateway.signal(Signal::SIGTERM);
        let (code, log) = gateway.wait();
        assert_eq!(code, Some(0), "{what}");
        let told = log.lines().any(|line| {
            line.contains("event=tls_sessions_lost") && line.contains("tls-sessions.db")
        });
        assert!(told, "{what}: {log}");

        gateway = Gateway::start(&place);
        let (link, _) = a.join(Transport::Quic, gateway.quic, number(1)).await;
        assert!(link.resumed, "{what}: the file is good again");
        link.close().await;
    }
}

#[tokio::test]
async fn sigterm_tells_everybody_flushes_and_exits_0() {
    let place = Place::new("");
    let mut a = Device::new(&place.root());
    place.bind(number(1), a.key);
    let gateway = Gateway::start(&place);
    let (mut quiet, _) = a.join(Transport::Tls, gateway.tls, number(1)).await;
    gateway.signal(Signal::SIGTERM);
    let Some(Frame::Goodbye(goodbye)) = quiet.next().await else {
        panic!("no Goodbye");
    };
    assert_eq!(goodbye.reason, GoodbyeReason::Draining);
    assert!(goodbye.retry_after_s > 0);
    assert_eq!(quiet.next().await, None);
    drop(quiet);
    let (code, log) = tokio::task::spawn_blocking(|| gateway.wait())
        .await
        .unwrap();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("event=draining signal=SIGTERM"), "{log}");
    assert!(log.contains("hellos=1"), "{log}");
}

#[tokio::test]
async fn no_number_and_no_text_is_in_the_log() {
    let place = Place::new("");
    let (mut a, mut b) = (Device::new(&place.root()), Device::new(&place.root()));
    place.bind(number(1), a.key);
    place.bind(number(2), b.key);
    let gateway = Gateway::start(&place);
    let (mut from, _) = a.join(Transport::Quic, gateway.quic, number(1)).await;
    let (mut to, _) = b.join(Transport::Tls, gateway.tls, number(2)).await;
    from.send(submit(1, number(2), "confidential")).await;
    to.delivery().await;
    to.send_raw(b"\x02\x03\xff").await;
    while to.next().await.is_some() {}
    gateway.signal(Signal::SIGTERM);
    drop((from, to));
    let (_, log) = tokio::task::spawn_blocking(|| gateway.wait())
        .await
        .unwrap();
    assert!(log.contains("event=unreadable"), "{log}");
    for secret in ["2547", "confidential"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test]
async fn numbers_are_bound_and_listed_beside_a_running_server() {
    let place = Place::new("");
    let config = place.config_file.to_str().unwrap().to_owned();
    let gateway = Gateway::start(&place);
    let mut a = Device::new(&place.root());
    let key: String = a.key.0.iter().map(|byte| format!("{byte:02x}")).collect();
    let number_text = "+254700000001";
    let provision = [
        "provision",
        "--config",
        &config,
        "--number",
        number_text,
        "--key",
        &key,
    ];
    let done = run(&provision);
    assert!(done.status.success(), "{}", stderr(&done));
    let (mut link, _) = a.join(Transport::Tls, gateway.tls, number(1)).await;
    link.send(submit(1, number(1), "to myself")).await;
    link.accepted(1).await;
    assert_eq!(link.delivery().await.lane_seq.get(), 1);

    let list = run(&["list", "--config", &config]);
    let text = String::from_utf8(list.stdout).unwrap();
    assert!(text.contains(number_text) && text.contains(&key), "{text}");
    let stats = run(&["stats", "--config", &config]);
    let text = String::from_utf8(stats.stdout).unwrap();
    assert!(text.contains("messages_waiting    1"), "{text}");

    let restored = run(&["restored", "--config", &config]);
    assert_eq!(restored.status.code(), Some(1));
    assert!(
        stderr(&restored).contains("another server"),
        "{}",
        stderr(&restored)
    );

    let unprovision = ["unprovision", "--config", &config, "--number", number_text];
    assert_eq!(run(&unprovision).status.code(), Some(0));
    assert_eq!(run(&unprovision).status.code(), Some(1));
    link.send(Frame::Ping(1)).await;
    link.send(submit(2, number(1), "not mine")).await;
    assert_eq!(link.next().await, Some(Frame::Pong(1)));
    assert!(matches!(link.next().await, Some(Frame::Goodbye(_))));
}

#[test]
fn exit_codes_are_as_documented() {
    let place = Place::new("");
    let config = place.config_file.to_str().unwrap().to_owned();
    assert_eq!(run(&["--help"]).status.code(), Some(0));
    assert_eq!(run(&["fly"]).status.code(), Some(2));
    let check = run(&["serve", "--config", &config, "--check-config"]);
    assert_eq!(check.status.code(), Some(0));
    let text = String::from_utf8(check.stdout).unwrap();
    assert!(text.contains("idle_limit_s = 1800"), "{text}");

    let list = run(&["list", "--config", &config]);
    assert_eq!(list.status.code(), Some(1));
    assert!(
        stderr(&list).contains("start the server once"),
        "{}",
        stderr(&list)
    );

    std::fs::write(&place.config_file, "data_dir = 5\n").unwrap();
    let bad = run(&["serve", "--config", &config, "--check-config"]);
    assert_eq!(bad.status.code(), Some(3));
    let expected = format!("{config}:1:12: `data_dir` is 5; allowed is a path in quotes");
    assert!(stderr(&bad).contains(&expected), "{}", stderr(&bad));
    assert_eq!(
        run(&["list", "--config", "/nowhere"]).status.code(),
        Some(3)
    );

    let out = place.dir.path().to_str().unwrap();
    let again = run(&["dev-cert", "--out", out, "--name", "localhost"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(
        stderr(&again).contains("nothing is overwritten"),
        "{}",
        stderr(&again)
    );
}
