//! A daemon played by a test, for one connection.
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use tempfile::TempDir;
use twine_control::pb;
use twine_proto::control::{CONTROL_VERSION, ClientMessage, ServerMessage};
use twine_proto::framing::Decoder;

/// The daemon's end of the connection.
pub(crate) struct Peer {
    pub(crate) stream: UnixStream,
    decoder: Decoder,
}

impl Peer {
    /// The same end once more, for another thread.
    pub(crate) fn again(&self) -> Self {
        Self {
            stream: self.stream.try_clone().unwrap(),
            decoder: Decoder::control(),
        }
    }

    /// `None`: the client is gone.
    pub(crate) fn read(&mut self) -> Option<ClientMessage> {
        let mut chunk = [0; 4096];
        loop {
            if let Some(raw) = self.decoder.next_frame().unwrap() {
                return ClientMessage::decode(raw).unwrap();
            }
            let read = self.stream.read(&mut chunk).unwrap();
            if read == 0 {
                return None;
            }
            self.decoder.extend(&chunk[..read]);
        }
    }

    pub(crate) fn read_request(&mut self) -> pb::Request {
        match self.read() {
            Some(ClientMessage::Request(request)) => request,
            other => panic!("expected a request, got {other:?}"),
        }
    }

    pub(crate) fn write(&mut self, message: ServerMessage) {
        self.stream.write_all(&message.encode_to_bytes()).unwrap();
    }

    pub(crate) fn reply(&mut self, id: u64, kind: pb::reply::Kind) {
        self.write(ServerMessage::Reply(pb::Reply {
            id,
            kind: Some(kind),
        }));
    }

    pub(crate) fn done(&mut self, id: u64) {
        self.reply(id, pb::reply::Kind::Done(pb::Done {}));
    }

    pub(crate) fn refuse(&mut self, id: u64, code: pb::ErrorCode, message: &str) {
        self.reply(id, pb::reply::Kind::Error(error(code, message)));
    }

    pub(crate) fn close(&mut self, code: pb::ErrorCode, message: &str) {
        self.write(ServerMessage::Closed(pb::Closed {
            error: Some(error(code, message)),
        }));
    }

    pub(crate) fn greet(&mut self) {
        assert!(matches!(self.read(), Some(ClientMessage::Connect(_))));
        self.write(ServerMessage::Connected(pb::Connected {
            version: CONTROL_VERSION,
            daemon_version: "9.9".to_owned(),
            ..Default::default()
        }));
    }
}

fn error(code: pb::ErrorCode, message: &str) -> pb::Error {
    pb::Error {
        code: code as i32,
        message: message.to_owned(),
    }
}

/// Plays a daemon for one connection, in a thread of its own.
pub(crate) fn daemon(
    script: impl FnOnce(Peer) + Send + 'static,
) -> (TempDir, PathBuf, JoinHandle<()>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("twined");
    let listener = UnixListener::bind(&path).unwrap();
    let thread = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        script(Peer {
            stream,
            decoder: Decoder::control(),
        });
    });
    (dir, path, thread)
}
