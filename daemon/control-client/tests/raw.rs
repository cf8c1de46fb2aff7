//! The client of bytes against a daemon played by the test.
#![expect(clippy::unwrap_used, reason = "tests")]
#![cfg(feature = "raw")]

mod played;

use std::io::Write;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use played::daemon;
use prost::Message;
use twine_control::limits::MAX_OPEN_REQUESTS;
use twine_control::raw::{self, Incoming, Reader, Requester};
use twine_control::{ClientError, ConnectError, Ending, pb};
use twine_proto::control::{ClientMessage, ServerMessage};
use twine_proto::limits::MAX_CONTROL_FRAME_BYTES;

const LONG: Duration = Duration::from_secs(60);

fn connect(path: &PathBuf) -> Result<(Requester, Reader, pb::Connected), ConnectError> {
    raw::connect(path, "test", &[pb::Role::App], LONG, |_| {})
}

fn cancel(id: u64) -> Vec<u8> {
    pb::Request {
        id,
        kind: Some(pb::request::Kind::Cancel(pb::Cancel { message_id: id })),
    }
    .encode_to_vec()
}

#[test]
fn replies_find_their_threads_in_any_order() {
    const THREADS: u64 = 2 * MAX_OPEN_REQUESTS as u64;
    let (_dir, path, daemon) = daemon(|mut peer| {
        peer.greet();
        // As many as may be open at once come without any answer; answered
        // backwards.
        for _ in 0..2 {
            let ids: Vec<u64> = (0..MAX_OPEN_REQUESTS)
                .map(|_| peer.read_request().id)
                .collect();
            for id in ids.into_iter().rev() {
                peer.done(id);
            }
        }
        assert!(peer.read().is_none());
    });
    let (requester, mut reader, connected) = connect(&path).unwrap();
    assert_eq!(connected.daemon_version, "9.9");
    let reading = thread::spawn(move || reader.read().unwrap_err());
    thread::scope(|scope| {
        for id in 1..=THREADS {
            let requester = requester.clone();
            scope.spawn(move || {
                let reply = requester.request(&cancel(id), LONG).unwrap();
                assert_eq!(pb::Reply::decode(reply).unwrap().id, id);
            });
        }
    });
    requester.shut_down();
    reading.join().unwrap();
    daemon.join().unwrap();
}

#[test]
fn a_break_names_the_requests_of_unknown_result() {
    let (_dir, path, daemon) = daemon(|mut peer| {
        peer.greet();
        peer.read_request();
        peer.read_request();
    });
    let (requester, mut reader, _) = connect(&path).unwrap();
    let ended = thread::scope(|scope| {
        for id in [7, 3] {
            let requester = requester.clone();
            scope.spawn(move || {
                let error = requester.request(&cancel(id), LONG).unwrap_err();
                assert!(error.result_unknown(), "{error}");
            });
        }
        reader.read().unwrap_err()
    });
    assert_eq!(ended.unknown, [3, 7]);
    assert!(matches!(
        requester.request(&cancel(9), LONG),
        Err(ClientError::NotSent(_))
    ));
    assert!(matches!(
        requester.report(&[]),
        Err(ClientError::NotSent(_))
    ));
    daemon.join().unwrap();
}

#[test]
fn events_and_orders_come_as_they_are() {
    let order = pb::Order {
        id: 5,
        kind: Some(pb::order::Kind::PreferDataSim(pb::PreferDataSim {
            slot: 1,
            reason: String::new(),
        })),
    };
    let sent = order.clone();
    let (_dir, path, daemon) = daemon(move |mut peer| {
        peer.greet();
        // Of a newer version: ignored.
        peer.stream.write_all(&[2, 99, 0]).unwrap();
        peer.write(ServerMessage::Order(sent));
        peer.write(ServerMessage::Event(pb::Event {
            cursor: 8,
            ..Default::default()
        }));
        assert!(matches!(
            peer.read(),
            Some(ClientMessage::OrderResult(pb::OrderResult { id: 5, .. }))
        ));
        peer.close(pb::ErrorCode::SlowClient, "too slow");
    });
    let (requester, mut reader, _) = connect(&path).unwrap();
    assert_eq!(
        reader.read().unwrap(),
        Incoming::Order(order.encode_to_vec().into())
    );
    let Incoming::Event(event) = reader.read().unwrap() else {
        panic!("expected an event");
    };
    assert_eq!(pb::Event::decode(event).unwrap().cursor, 8);
    let result = pb::OrderResult {
        id: 5,
        ..Default::default()
    };
    requester.order_result(&result.encode_to_vec()).unwrap();
    let ended = reader.read().unwrap_err();
    assert!(matches!(&ended.ending, Ending::Closed(refusal)
        if refusal.code == pb::ErrorCode::SlowClient));
    daemon.join().unwrap();
}

#[test]
fn what_is_no_request_is_not_sent() {
    let (_dir, path, daemon) = daemon(|mut peer| {
        peer.greet();
        let request = peer.read_request();
        let (told, waited) = channel::<()>();
        thread::spawn(move || {
            peer.refuse(request.id, pb::ErrorCode::NotFound, "no message");
            assert!(peer.read().is_none());
            drop(told);
        });
        let _ = waited.recv();
    });
    let (requester, mut reader, _) = connect(&path).unwrap();
    let reading = thread::spawn(move || reader.read().unwrap_err());
    for bad in [&[][..], &[0xff], &cancel(0)] {
        assert!(matches!(
            requester.request(bad, LONG),
            Err(ClientError::NoRequest { .. })
        ));
    }
    assert!(matches!(
        requester.request(&vec![0; MAX_CONTROL_FRAME_BYTES], LONG),
        Err(ClientError::TooLarge { .. })
    ));
    let error = requester.request(&cancel(1), LONG).unwrap_err();
    assert_eq!(error.code(), Some(pb::ErrorCode::NotFound));
    requester.shut_down();
    reading.join().unwrap();
    daemon.join().unwrap();
}

#[test]
fn without_a_reply_in_time_the_request_is_given_up() {
    let (_dir, path, daemon) = daemon(|mut peer| {
        peer.greet();
        let late = peer.read_request();
        let next = peer.read_request();
        peer.done(late.id);
        peer.done(next.id);
        assert!(peer.read().is_none());
    });
    let (requester, mut reader, _) = connect(&path).unwrap();
    let reading = thread::spawn(move || reader.read().unwrap_err());
    assert!(matches!(
        requester.request(&cancel(1), Duration::from_millis(1)),
        Err(ClientError::TimedOut)
    ));
    let reply = requester.request(&cancel(2), LONG).unwrap();
    assert_eq!(pb::Reply::decode(reply).unwrap().id, 2);
    requester.shut_down();
    reading.join().unwrap();
    daemon.join().unwrap();
}

#[test]
fn the_wait_for_a_greeting_can_be_ended() {
    let (_dir, path, daemon) = daemon(|mut peer| {
        // The greeting, unless the end came first.
        while peer.read().is_some() {}
    });
    let connected = raw::connect(&path, "test", &[], LONG, |stream| {
        let stream = stream.try_clone().unwrap();
        thread::spawn(move || stream.shutdown(std::net::Shutdown::Both));
    });
    assert!(matches!(connected, Err(ConnectError::Ended(_))));
    daemon.join().unwrap();
}

#[test]
fn nobody_there_is_said_with_the_path() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none");
    let Err(error) = connect(&path) else {
        panic!("connected to nobody");
    };
    assert!(error.to_string().contains("none"), "{error}");
}
