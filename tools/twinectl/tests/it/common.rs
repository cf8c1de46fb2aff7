//! A daemon that gives prepared answers, and the real `twinectl` run against
//! it.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::JoinHandle;

use tempfile::TempDir;
use twine_control::pb;
use twine_proto::control::{ClientMessage, ServerMessage};
use twine_proto::framing::Decoder;

/// What the fake daemon does with a request.
pub(crate) enum Answer {
    Reply(pb::reply::Kind),
    /// A reply, then these events.
    Events(pb::reply::Kind, Vec<pb::Event>),
    /// Closes without an answer.
    HangUp,
    /// Bytes that are no frame.
    Garbage,
}

/// A fake daemon for one connection.
pub(crate) struct FakeDaemon {
    directory: TempDir,
    served: JoinHandle<Vec<ClientMessage>>,
}

impl FakeDaemon {
    /// Listens; greets, then answers requests in order.
    pub(crate) fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers: Vec<_> = answers.into_iter().collect();
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("twined")).unwrap();
        let served = std::thread::spawn(move || serve(&listener.accept().unwrap().0, answers));
        Self { directory, served }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("twined")
    }

    /// What the client said, after it is done.
    pub(crate) fn heard(self) -> Vec<ClientMessage> {
        self.served.join().unwrap()
    }
}

fn serve(mut stream: &UnixStream, answers: Vec<Answer>) -> Vec<ClientMessage> {
    let mut decoder = Decoder::control();
    let connect = next(stream, &mut decoder).unwrap();
    let roles = match &connect {
        ClientMessage::Connect(connect) => connect.roles.clone(),
        other => panic!("{} came first", other.name()),
    };
    let mut heard = vec![connect];
    let connected = ServerMessage::Connected(pb::Connected {
        version: 1,
        roles,
        daemon_version: "0.1.0".to_owned(),
        daemon_start_wall_ms: 1,
    });
    stream.write_all(&connected.encode_to_bytes()).unwrap();
    let mut answers = answers.into_iter();
    // The client ends the connection when it has what it wanted.
    while let Some(request) = next(stream, &mut decoder) {
        let ClientMessage::Request(pb::Request { id, .. }) = &request else {
            panic!("{} instead of a request", request.name());
        };
        let reply = |kind| {
            ServerMessage::Reply(pb::Reply {
                id: *id,
                kind: Some(kind),
            })
            .encode_to_bytes()
        };
        let answer = answers
            .next()
            // Noting the place in the events, in the end.
            .unwrap_or(Answer::Reply(pb::reply::Kind::Done(pb::Done {})));
        match answer {
            Answer::Reply(kind) => stream.write_all(&reply(kind)).unwrap(),
            Answer::Events(kind, events) => {
                stream.write_all(&reply(kind)).unwrap();
                for event in events {
                    let event = ServerMessage::Event(event).encode_to_bytes();
                    stream.write_all(&event).unwrap();
                }
            }
            Answer::Garbage => stream.write_all(&[0x80, 0x00, 0xff]).unwrap(),
            Answer::HangUp => {
                heard.push(request);
                return heard;
            }
        }
        heard.push(request);
    }
    heard
}

fn next(mut stream: &UnixStream, decoder: &mut Decoder) -> Option<ClientMessage> {
    loop {
        if let Some(raw) = decoder.next_frame().unwrap() {
            return ClientMessage::decode(raw).unwrap();
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).unwrap_or(0) {
            0 => return None,
            size => decoder.extend(&chunk[..size]),
        }
    }
}

/// Runs `twinectl` with these arguments.
pub(crate) fn run(socket: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_twinectl"))
        .env("TWINE_SOCKET", socket)
        .args(arguments)
        .output()
        .unwrap()
}

/// What it says when the daemon answers this; it must succeed.
pub(crate) fn said(answer: Answer, arguments: &[&str]) -> String {
    said_after([answer], arguments)
}

/// As [`said`], with several answers.
pub(crate) fn said_after(answers: impl IntoIterator<Item = Answer>, arguments: &[&str]) -> String {
    let daemon = FakeDaemon::start(answers);
    let output = run(&daemon.socket(), arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    assert_eq!(stderr, "");
    String::from_utf8(output.stdout).unwrap()
}

/// Compares with `tests/it/snapshots/NAME.txt`; `TWINE_BLESS=1` rewrites it.
pub(crate) fn snapshot(name: &str, said: &str) {
    if name.contains("redacted") {
        for private in ["712345678", "8031234567", "89254021234567890", "Habari"] {
            assert!(!said.contains(private), "{private} in {said}");
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/snapshots")
        .join(format!("{name}.txt"));
    if std::env::var_os("TWINE_BLESS").is_some() {
        std::fs::write(&path, said).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        said == expected,
        "{} differs; if it is right, run with TWINE_BLESS=1\n--- is\n{said}--- was\n{expected}",
        path.display()
    );
}
