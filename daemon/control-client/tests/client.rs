//! The clients against a daemon played by the test.
#![expect(clippy::unwrap_used, reason = "tests")]
#![cfg(all(feature = "async", feature = "blocking"))]

mod played;

use std::io::Write;
use std::thread;
use std::time::Duration;

use played::{Peer, daemon};
use twine_control::limits::EVENT_QUEUE_BYTES;
use twine_control::{Client, ClientError, ConnectError, Ending, blocking, pb};
use twine_proto::control::{ClientMessage, ServerMessage};

/// An event of this length.
fn event(peer: &mut Peer, cursor: u64, text: String) {
    peer.write(ServerMessage::Event(pb::Event {
        cursor,
        message: Some(pb::Message {
            text,
            ..Default::default()
        }),
        ..Default::default()
    }));
}

fn cancel(message_id: u64) -> pb::Cancel {
    pb::Cancel { message_id }
}

#[tokio::test]
async fn replies_find_their_requests_in_any_order() {
    let (_dir, path, daemon) = daemon(|mut peer| {
        peer.greet();
        let first = peer.read_request();
        let second = peer.read_request();
        assert_ne!(first.id, second.id);
        for request in [second, first] {
            let Some(pb::request::Kind::Cancel(cancel)) = request.kind else {
                panic!("expected a cancel");
            };
            let message = format!("no message {}", cancel.message_id);
            peer.refuse(request.id, pb::ErrorCode::NotFound, &message);
        }
    });
    let client = Client::connect(&path, "test", &[pb::Role::App])
        .await
        .unwrap();
    let (one, two) = tokio::join!(client.ask(cancel(1)), client.ask(cancel(2)));
    assert_eq!(one.unwrap_err().to_string(), "no message 1");
    let two = two.unwrap_err();
    assert_eq!(two.to_string(), "no message 2");
    assert_eq!(two.code(), Some(pb::ErrorCode::NotFound));
    daemon.join().unwrap();
}

#[tokio::test]
async fn a_break_tells_unknown_results_from_requests_never_sent() {
    let (_dir, path, daemon) = daemon(|mut peer| {
        peer.greet();
        peer.read_request();
        let second = peer.read_request();
        peer.done(second.id);
        event(&mut peer, 1, String::new());
        peer.close(pb::ErrorCode::Internal, "stopping");
    });
    let client = Client::connect(&path, "test", &[pb::Role::App])
        .await
        .unwrap();
    let (one, two) = tokio::join!(client.ask(cancel(1)), client.ask(cancel(2)));
    assert!(two.is_ok());
    let one = one.unwrap_err();
    assert!(one.result_unknown());
    let ClientError::ResultUnknown(ended) = one else {
        panic!("expected an unknown result");
    };
    assert_eq!(ended.unknown, [1]);
    assert!(matches!(&ended.ending, Ending::Closed(why) if why.message == "stopping"));

    assert!(matches!(
        client.ask(cancel(3)).await,
        Err(ClientError::NotSent(_))
    ));
    // What came before the break is not lost.
    assert_eq!(client.next_event().await.unwrap().cursor, 1);
    assert!(client.next_event().await.is_err());
    daemon.join().unwrap();
}

#[tokio::test]
async fn a_refused_connection_says_why() {
    let (_dir, path, daemon) = daemon(|mut peer| {
        peer.read();
        peer.close(
            pb::ErrorCode::PermissionDenied,
            "uid 7 may not be telephony",
        );
    });
    let refused = Client::connect(&path, "test", &[pb::Role::Telephony])
        .await
        .err()
        .unwrap();
    assert!(matches!(&refused, ConnectError::Refused(why)
        if why.code == pb::ErrorCode::PermissionDenied && why.message.contains("uid 7")));
    daemon.join().unwrap();

    let nobody = Client::connect(path.with_extension("no"), "test", &[])
        .await
        .err()
        .unwrap();
    assert!(matches!(nobody, ConnectError::Unreachable { .. }));
    let name = Client::connect(&path, "not a name", &[])
        .await
        .err()
        .unwrap();
    assert!(matches!(name, ConnectError::Name(_)));
}

#[tokio::test]
async fn a_reply_behind_many_events_still_comes() {
    const EVENTS: u64 = 40;
    let text_bytes = EVENT_QUEUE_BYTES / 10;
    let (_dir, path, daemon) = daemon(move |mut peer| {
        peer.greet();
        // Blocks when the client stops reading, until it asks.
        let mut writer = peer.again();
        let events = thread::spawn(move || {
            for cursor in 1..=EVENTS {
                event(&mut writer, cursor, "x".repeat(text_bytes));
            }
        });
        let request = peer.read_request();
        events.join().unwrap();
        peer.done(request.id);
        peer.read();
    });
    let client = Client::connect(&path, "test", &[pb::Role::App])
        .await
        .unwrap();
    assert_eq!(client.next_event().await.unwrap().cursor, 1);
    client.ask(cancel(1)).await.unwrap();
    for cursor in 2..=EVENTS {
        assert_eq!(client.next_event().await.unwrap().cursor, cursor);
    }
    assert!(client.try_next_event().is_none());
    drop(client);
    // The client's tasks need this thread to end.
    tokio::task::spawn_blocking(|| daemon.join().unwrap())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_report_is_written_even_if_the_client_is_dropped_at_once() {
    let (_dir, path, daemon) = daemon(|mut peer| {
        peer.greet();
        assert!(matches!(peer.read(), Some(ClientMessage::Report(_))));
        assert!(peer.read().is_none());
    });
    let client = Client::connect(&path, "agent", &[pb::Role::Telephony])
        .await
        .unwrap();
    client
        .report(pb::report::Kind::State(pb::TelephonyState::default()))
        .await
        .unwrap();
    drop(client);
    tokio::task::spawn_blocking(|| daemon.join().unwrap())
        .await
        .unwrap();
}

#[test]
fn the_blocking_client_keeps_events_that_come_before_a_reply() {
    let (_dir, path, daemon) = daemon(|mut peer| {
        peer.greet();
        let request = peer.read_request();
        event(&mut peer, 1, "a".to_owned());
        event(&mut peer, 2, "b".to_owned());
        peer.done(request.id);
        assert!(peer.read().is_none());
    });
    let mut client = blocking::Client::connect(
        &path,
        "test",
        &[pb::Role::App],
        Some(Duration::from_secs(60)),
    )
    .unwrap();
    client.ask(cancel(1)).unwrap();
    assert_eq!(client.next_event(None).unwrap().unwrap().cursor, 1);
    assert_eq!(client.next_event(None).unwrap().unwrap().cursor, 2);
    assert!(client.next_event(Some(Duration::ZERO)).unwrap().is_none());
    drop(client);
    daemon.join().unwrap();
}

#[test]
fn the_blocking_client_gives_up_in_time_and_goes_on() {
    let (_dir, path, daemon) = daemon(|mut peer| {
        peer.greet();
        let first = peer.read_request();
        let second = peer.read_request();
        // Too late for the first: ignored.
        peer.done(first.id);
        peer.done(second.id);
        peer.close(pb::ErrorCode::SlowClient, "read faster");
        peer.read();
    });
    let mut client = blocking::Client::connect(
        &path,
        "test",
        &[pb::Role::Diagnostics],
        Some(Duration::from_millis(20)),
    )
    .unwrap();
    assert!(matches!(client.ask(cancel(1)), Err(ClientError::TimedOut)));
    // A machine under load may need longer than the time-out; then the test has
    // shown what it can.
    if client.ask(cancel(2)).is_ok() {
        let ended = client.next_event(None).unwrap_err();
        assert!(matches!(&ended, ClientError::NotSent(ended)
            if matches!(&ended.ending, Ending::Closed(why) if why.message == "read faster")));
    }
    drop(client);
    daemon.join().unwrap();
}

#[test]
fn garbage_from_the_daemon_is_an_error_and_not_a_panic() {
    let (_dir, path, daemon) = daemon(|mut peer| {
        peer.greet();
        peer.read();
        peer.stream.write_all(&[0xff; 64]).unwrap();
    });
    let mut client = blocking::Client::connect(&path, "test", &[], None).unwrap();
    let error = client.ask(pb::GetStatus {}).unwrap_err();
    assert!(matches!(&error, ClientError::ResultUnknown(ended)
        if matches!(ended.ending, Ending::Framing(_))));
    daemon.join().unwrap();
}

fn order(id: u64) -> ServerMessage {
    ServerMessage::Order(pb::Order {
        id,
        kind: Some(pb::order::Kind::SmsTaken(pb::SmsTaken {
            spool_id: id.to_string(),
        })),
    })
}

/// Orders among events, and one of a kind that is not known.
fn orders(mut peer: Peer) {
    peer.greet();
    let Some(ClientMessage::Report(_)) = peer.read() else {
        panic!("expected a report");
    };
    peer.write(order(1));
    event(&mut peer, 7, String::new());
    peer.write(ServerMessage::Order(pb::Order { id: 2, kind: None }));
    peer.write(order(3));
    let Some(ClientMessage::OrderResult(result)) = peer.read() else {
        panic!("expected a result");
    };
    assert_eq!((result.id, result.code), (3, 1));
    peer.close(pb::ErrorCode::Internal, "stopping");
}

fn state() -> pb::report::Kind {
    pb::report::Kind::State(pb::TelephonyState::default())
}

fn result() -> pb::OrderResult {
    pb::OrderResult {
        id: 3,
        code: 1,
        ..Default::default()
    }
}

#[tokio::test]
async fn an_agent_takes_orders_and_events_each_in_their_order() {
    let (_dir, path, daemon) = daemon(orders);
    let agent = Client::connect(&path, "test", &[pb::Role::Telephony])
        .await
        .unwrap();
    agent.report(state()).await.unwrap();
    assert_eq!(agent.next_order().await.unwrap().id, 1);
    let order = agent.next_order().await.unwrap();
    assert_eq!(order.id, 3, "what is not known is left out");
    assert!(matches!(order.kind, pb::order::Kind::SmsTaken(taken) if taken.spool_id == "3"));
    assert_eq!(agent.next_event().await.unwrap().cursor, 7);
    assert!(agent.try_next_order().is_none());
    agent.order_result(result()).await.unwrap();
    assert!(matches!(
        agent.next_order().await,
        Err(ClientError::NotSent(_))
    ));
    daemon.join().unwrap();
}

#[test]
fn a_blocking_agent_does_the_same() {
    let (_dir, path, daemon) = daemon(orders);
    let mut agent = blocking::Client::connect(&path, "test", &[pb::Role::Telephony], None).unwrap();
    assert!(agent.next_order(Some(Duration::ZERO)).unwrap().is_none());
    agent.report(state()).unwrap();
    assert_eq!(agent.next_event(None).unwrap().unwrap().cursor, 7);
    assert_eq!(agent.next_order(None).unwrap().unwrap().id, 1);
    assert_eq!(agent.next_order(None).unwrap().unwrap().id, 3);
    agent.order_result(result()).unwrap();
    assert!(matches!(
        agent.next_order(None),
        Err(ClientError::NotSent(_))
    ));
    daemon.join().unwrap();
}

#[tokio::test]
async fn orders_that_nobody_takes_are_left_in_the_socket() {
    let size = 64 * 1024;
    let count = 4 * EVENT_QUEUE_BYTES / size;
    let (_dir, path, daemon) = daemon(move |mut peer| {
        peer.greet();
        let parts = vec!["x".repeat(size)];
        for id in 1..=count as u64 {
            peer.write(ServerMessage::Order(pb::Order {
                id,
                kind: Some(pb::order::Kind::SendSms(pb::SendSms {
                    parts: parts.clone(),
                    ..Default::default()
                })),
            }));
        }
    });
    let agent = Client::connect(&path, "test", &[pb::Role::Telephony])
        .await
        .unwrap();
    for id in 1..=count as u64 {
        assert_eq!(agent.next_order().await.unwrap().id, id);
    }
    assert!(agent.next_order().await.is_err());
    daemon.join().unwrap();
}
