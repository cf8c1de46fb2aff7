//! Roles, configuration, and `twinectl`, with the real daemon.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::Path;

use serde_json::Value;
use twine_control::pb::{self, ErrorCode, Role};
use twine_control::{ClientError, ConnectError};
use twine_e2e::{AMINA, BELLO, Country, NUMBERS, patiently, program, programs, run};
use twine_lab::daemon::{Daemon, DaemonError, GatewayAccess};
use twine_lab::gateway::Gateway;
use twine_lab::scenario::Process;

/// A daemon whose gateway is not there.
async fn lonely_daemon(directory: &Path, config: &str) -> Daemon {
    let binaries = &programs().binaries;
    let gateway_home = directory.join("gateway");
    let gateway = Gateway::prepare(&binaries.gateway, &gateway_home);
    let access = GatewayAccess {
        port_quic: 9,
        port_tls: 9,
        root: patiently(gateway).await.unwrap().root(),
    };
    let config = config.parse().unwrap();
    let home = directory.join("home");
    let mut daemon = Daemon::prepare(&binaries.twined, "amina", &home, &access, &config).unwrap();
    daemon.start().await.unwrap();
    daemon
}

#[tokio::test]
async fn a_role_that_is_not_granted_is_refused_at_connect() {
    let directory = tempfile::tempdir().unwrap();
    let config = "[roles]\ntelephony = []\n";
    let mut daemon = lonely_daemon(directory.path(), config).await;
    let refused = patiently(daemon.connect("agent", &[Role::Telephony])).await;
    let Err(DaemonError::Connect {
        source: ConnectError::Refused(refusal),
        ..
    }) = refused
    else {
        panic!("it was not refused: {:?}", refused.err());
    };
    assert_eq!(refusal.code, ErrorCode::PermissionDenied, "{refusal}");
    patiently(daemon.connect("app", &[Role::App]))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_request_of_another_role_is_refused_and_the_connection_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let mut daemon = lonely_daemon(directory.path(), "").await;
    let client = patiently(daemon.connect("shell", &[Role::Diagnostics]))
        .await
        .unwrap();
    let send = pb::Send {
        to: NUMBERS[BELLO].to_owned(),
        text: "text".to_owned(),
        token: "1".to_owned(),
        ..Default::default()
    };
    let denied = |error: ClientError| {
        assert_eq!(error.code(), Some(ErrorCode::PermissionDenied), "{error}");
    };
    denied(patiently(client.ask(send)).await.unwrap_err());
    denied(
        patiently(client.ask(pb::Subscribe::default()))
            .await
            .unwrap_err(),
    );
    let register = pb::Register {
        number: NUMBERS[AMINA].to_owned(),
        consent: true,
        ..Default::default()
    };
    denied(patiently(client.ask(register)).await.unwrap_err());
    patiently(client.ask(pb::GetStatus {})).await.unwrap();
}

#[tokio::test]
async fn bad_configurations_are_answered_with_file_line_and_what_is_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("bad.toml");
    let check = async |program: &str, arguments: &[&str], text: &str| {
        std::fs::write(&config, text).unwrap();
        let config = config.to_str().unwrap();
        let mut all = arguments.to_vec();
        all.extend(["--config", config, "--check-config"]);
        let output = run(&twine_e2e::program(program), &all).await;
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), said)
    };
    let place = |line: usize| format!("{}:{line}", config.display());

    let text = "[gateway]\nhost = \"127.0.0.1\"\nport_quic = 70000\n";
    let (exit, said) = check("twined", &[], text).await;
    assert_eq!(exit, Some(1), "{said}");
    for expected in [
        &*place(3),
        "gateway.port_quic",
        "70000",
        "65535",
        "gateway.roots",
    ] {
        assert!(said.contains(expected), "{expected} not in: {said}");
    }
    let (exit, said) = check("twined", &[], "[gateway]\nhots = \"x\"\n").await;
    assert_eq!(exit, Some(1), "{said}");
    assert!(said.contains(&place(2)) && said.contains("hots"), "{said}");

    let text = "data_dir = \"d\"\nlisten_quic = \"everywhere\"\n";
    let (exit, said) = check("twine-gateway", &["serve"], text).await;
    assert_eq!(exit, Some(3), "{said}");
    assert!(
        said.contains(&place(2)) && said.contains("listen_quic"),
        "{said}"
    );
}

/// Exit code, stdout, stderr.
async fn twinectl(socket: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut all = vec!["--socket", socket.to_str().unwrap()];
    all.extend(arguments);
    let output = run(&program("twinectl"), &all).await;
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

async fn json(socket: &Path, arguments: &[&str]) -> Value {
    let mut all = vec!["--json"];
    all.extend(arguments);
    let (exit, out, err) = twinectl(socket, &all).await;
    assert_eq!(exit, 0, "{arguments:?}: {err}");
    serde_json::from_str(&out).unwrap()
}

#[tokio::test]
async fn twinectl_shows_what_the_daemon_knows() {
    let mut country = Country::start("").await;
    let bello = country.app(BELLO).await;
    let socket = country.world.handsets()[AMINA].socket();

    let status = json(&socket, &["status"]).await;
    assert_eq!(status["identities"][0]["number"], NUMBERS[AMINA]);
    assert_eq!(status["session"]["state"], "live");
    assert_eq!(status["storage"]["healthy"], true);
    let links = json(&socket, &["links"]).await;
    assert_eq!(links["links"].as_array().unwrap().len(), 2);

    let sent = json(&socket, &["send", NUMBERS[BELLO], "habari", "--token", "t"]).await;
    assert_eq!(sent["repeated"], false);
    let again = json(&socket, &["send", NUMBERS[BELLO], "habari", "--token", "t"]).await;
    assert_eq!(again["message_id"], sent["message_id"]);
    assert_eq!(again["repeated"], true);
    assert_eq!(bello.received().await.text, "habari");

    let id = sent["message_id"].to_string();
    let shown = json(&socket, &["show", &id]).await;
    assert_eq!(shown["text"], "habari");
    let history = json(&socket, &["history", NUMBERS[BELLO]]).await;
    assert_eq!(history["messages"][0]["message_id"], sent["message_id"]);
    let conversations = json(&socket, &["conversations"]).await;
    assert_eq!(conversations["conversations"][0]["count"], 1);
    let event = json(&socket, &["tail", "--missed", "--count", "1"]).await;
    assert_eq!(event["message"]["message_id"], sent["message_id"]);

    for arguments in [&["status"][..], &["links"], &["show", &id], &["outbox"]] {
        let mut all = arguments.to_vec();
        all.push("--redact");
        let (exit, out, err) = twinectl(&socket, &all).await;
        assert_eq!(exit, 0, "{arguments:?}: {err}");
        for private in ["712345678", "8031234567", "habari"] {
            assert!(!out.contains(private), "{private} in {out}");
        }
    }
}

#[tokio::test]
async fn twinectl_exits_with_what_it_documents() {
    let mut country = Country::start("").await;
    let socket = country.world.handsets()[AMINA].socket();
    let cases: [(i32, &[&str]); 7] = [
        (0, &["status"]),
        (0, &["outbox"]),
        (1, &["show", "999"]),
        (1, &["cancel", "999"]),
        (1, &["send", "+0712345", "text"]),
        (2, &["send", "+2348031234567"]),
        (2, &["history"]),
    ];
    for (expected, arguments) in cases {
        let (exit, _, err) = twinectl(&socket, arguments).await;
        assert_eq!(exit, expected, "{arguments:?}: {err}");
        assert_eq!(err.is_empty(), expected == 0, "{arguments:?}: {err}");
    }
    country.world.pause(Process::Daemon(AMINA)).unwrap();
    let (exit, _, err) = twinectl(&socket, &["status", "--timeout", "1"]).await;
    assert_eq!(exit, 3, "frozen: {err}");
    country.world.kill(Process::Daemon(AMINA)).await.unwrap();
    let (exit, _, err) = twinectl(&socket, &["status"]).await;
    assert_eq!(exit, 3, "dead: {err}");
}
