//! A link against daemons played by the test. The whole way from Java is
//! tested on a virtual machine, by tools/check-java.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};

use tempfile::TempDir;
use twine_proto::control::{CONTROL_VERSION, ClientMessage, ServerMessage};
use twine_proto::framing::Decoder;

use super::*;

const LONG: Duration = Duration::from_secs(60);

struct Peer {
    stream: UnixStream,
    decoder: Decoder,
}

impl Peer {
    fn read(&mut self) -> Option<ClientMessage> {
        let mut chunk = [0; 4096];
        loop {
            if let Some(raw) = self.decoder.next_frame().unwrap() {
                return ClientMessage::decode(raw).unwrap();
            }
            match self.stream.read(&mut chunk) {
                Ok(0) | Err(_) => return None,
                Ok(read) => self.decoder.extend(&chunk[..read]),
            }
        }
    }

    fn read_request(&mut self) -> u64 {
        match self.read() {
            Some(ClientMessage::Request(request)) => request.id,
            other => panic!("expected a request, got {other:?}"),
        }
    }

    fn write(&mut self, message: ServerMessage) {
        // The other end may be gone: the test then sees it there.
        let _ = self.stream.write_all(&message.encode_to_bytes());
    }

    fn greet(&mut self) {
        assert!(matches!(self.read(), Some(ClientMessage::Connect(_))));
        self.write(ServerMessage::Connected(pb::Connected {
            version: CONTROL_VERSION,
            ..Default::default()
        }));
    }

    fn done(&mut self, id: u64) {
        self.write(ServerMessage::Reply(pb::Reply {
            id,
            kind: Some(pb::reply::Kind::Done(pb::Done {})),
        }));
    }
}

/// Plays one connection after the other.
fn daemon<const N: usize>(parts: [fn(Peer); N]) -> (TempDir, Link, JoinHandle<()>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("twined");
    let listener = UnixListener::bind(&path).unwrap();
    let thread = thread::spawn(move || {
        for part in parts {
            let (stream, _) = listener.accept().unwrap();
            part(Peer {
                stream,
                decoder: Decoder::control(),
            });
        }
    });
    let link = Link::open(Target {
        path,
        client: "test".to_owned(),
        roles: vec![pb::Role::App],
    })
    .unwrap();
    (dir, link, thread)
}

fn request(id: u64) -> Vec<u8> {
    pb::Request {
        id,
        ..Default::default()
    }
    .encode_to_vec()
}

fn next(link: &Link) -> Notice {
    link.next(LONG).unwrap().unwrap()
}

#[test]
fn it_comes_back_and_names_what_is_unknown() {
    let (_dir, link, daemon) = daemon([
        |mut peer| {
            peer.greet();
            peer.read_request();
        },
        |mut peer| {
            peer.greet();
            let id = peer.read_request();
            peer.done(id);
            assert!(peer.read().is_none());
        },
    ]);
    assert!(matches!(next(&link), Notice::Connected(_)));
    let failure = link.request(&request(5), LONG).unwrap_err();
    assert!(matches!(failure, Failure::ResultUnknown(_)), "{failure}");
    let Notice::Lost(lost) = next(&link) else {
        panic!("expected a loss");
    };
    assert_eq!(lost.unknown, [5]);
    // Waits for the next connection.
    link.request(&request(6), LONG).unwrap();
    assert!(matches!(next(&link), Notice::Connected(_)));
    drop(link);
    daemon.join().unwrap();
}

#[test]
fn breaks_that_nobody_looks_at_do_not_pile_up() {
    let (_dir, link, daemon) = daemon([|mut peer: Peer| peer.greet(); 4]);
    daemon.join().unwrap();
    // The last of them has been noticed when nobody can be reached any more.
    while !matches!(
        link.request(&request(1), Duration::ZERO),
        Err(Failure::NotConnected { why }) if why.contains("cannot reach")
    ) {
        thread::yield_now();
    }
    assert!(matches!(next(&link), Notice::Connected(_)));
    assert!(matches!(next(&link), Notice::Lost(_)));
    assert_eq!(link.next(Duration::ZERO).unwrap(), None);
}

#[test]
fn a_full_queue_of_events_stops_no_reply() {
    let (_dir, link, daemon) = daemon([|mut peer| {
        peer.greet();
        let id = peer.read_request();
        // Twice as much as is queued while nobody asks.
        let text = "x".repeat(EVENT_QUEUE_BYTES / 8);
        for cursor in 1..=16 {
            peer.write(ServerMessage::Event(pb::Event {
                cursor,
                detail: text.clone(),
                ..Default::default()
            }));
        }
        peer.done(id);
        assert!(peer.read().is_none());
    }]);
    link.request(&request(1), LONG).unwrap();
    assert!(matches!(next(&link), Notice::Connected(_)));
    for cursor in 1..=16 {
        let Notice::Event(body) = next(&link) else {
            panic!("expected an event");
        };
        assert_eq!(pb::Event::decode(body).unwrap().cursor, cursor);
    }
    drop(link);
    daemon.join().unwrap();
}

#[test]
fn too_many_events_end_the_connection_rather_than_fill_the_memory() {
    let (_dir, link, daemon) = daemon([|mut peer| {
        peer.greet();
        peer.read_request();
        let text = "x".repeat(EVENT_QUEUE_BYTES);
        for _ in 0..=MAX_EVENT_QUEUE_BYTES / EVENT_QUEUE_BYTES {
            peer.write(ServerMessage::Event(pb::Event {
                detail: text.clone(),
                ..Default::default()
            }));
        }
        while peer.read().is_some() {}
    }]);
    let failure = link.request(&request(1), LONG).unwrap_err();
    assert!(matches!(failure, Failure::ResultUnknown(_)), "{failure}");
    drop(link);
    daemon.join().unwrap();
}

#[test]
fn closing_ends_every_wait() {
    let (dir, link, daemon) = daemon([|mut peer| {
        // Takes the connection and never greets.
        while peer.read().is_some() {}
    }]);
    thread::scope(|scope| {
        let next = scope.spawn(|| link.next(LONG));
        let asked = scope.spawn(|| link.request(&request(1), LONG));
        link.close();
        assert!(matches!(next.join().unwrap(), Err(Failure::Closed)));
        assert!(matches!(asked.join().unwrap(), Err(Failure::Closed)));
    });
    drop(link);
    // It may have been closed before it ever connected.
    drop(dir);
    drop(daemon);
}

#[test]
fn a_dead_thread_fails_every_wait_after_what_came_before() {
    let shared = Arc::new(Shared {
        target: Target {
            path: "/nowhere".into(),
            client: "test".to_owned(),
            roles: Vec::new(),
        },
        state: Mutex::default(),
        changed: Condvar::new(),
    });
    let worker = Worker(Arc::clone(&shared));
    let link = Link {
        shared,
        worker: None,
    };
    thread::scope(|scope| {
        let next = scope.spawn(|| (link.next(LONG), link.next(LONG)));
        let asked = scope.spawn(|| link.request(&request(1), LONG));
        let died = thread::spawn(move || {
            let body = Bytes::from_static(b"before");
            let mut state = worker.0.lock();
            state.waiting_bytes += body.len();
            state.notices.push_back(Notice::Event(body));
            drop(state);
            panic!("as the test wants");
        });
        assert!(died.join().is_err());
        let (before, after) = next.join().unwrap();
        assert!(matches!(before, Ok(Some(Notice::Event(_)))));
        assert!(matches!(after, Err(Failure::Panicked(_))));
        assert!(matches!(asked.join().unwrap(), Err(Failure::Panicked(_))));
    });
    assert!(matches!(
        link.report(&[]).unwrap_err(),
        Failure::Panicked(_)
    ));
}
