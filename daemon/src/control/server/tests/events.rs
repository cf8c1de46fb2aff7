//! The event log on its way to subscribers.

use super::*;

#[tokio::test]
async fn events_come_in_order_without_holes_from_the_acknowledged_cursor() {
    let world = World {
        log: (1..=300).map(|n| "x".repeat(n * 10)).collect(),
        acked: BTreeMap::from([("app".to_owned(), 120)]),
        ..Default::default()
    };
    let daemon = start(all_roles(), world);
    let app = daemon.app("app").await;
    let subscribed = app.ask(pb::Subscribe::default()).await.unwrap();
    assert_eq!((subscribed.cursor, subscribed.latest), (120, 300));
    for cursor in 121..=300 {
        let event = app.next_event().await.unwrap();
        assert_eq!(event.cursor, cursor);
        assert_eq!(event.kind(), pb::EventKind::MessageReceived);
        assert_eq!(event.message.unwrap().text.len() as u64, cursor * 10);
    }
    assert!(app.try_next_event().is_none());
    daemon.tell(Do::Append("new".to_owned())).await;
    assert_eq!(app.next_event().await.unwrap().message.unwrap().text, "new");
    app.ask(pb::AckEvents { cursor: 301 }).await.unwrap();

    let again = daemon.app("app").await;
    assert_eq!(
        again.ask(pb::Subscribe::default()).await.unwrap().cursor,
        301
    );
}

#[tokio::test]
async fn a_client_behind_the_log_is_told_where_it_goes_on() {
    let daemon = start(
        all_roles(),
        World {
            log: vec!["old".to_owned(); 60],
            ..Default::default()
        },
    );
    daemon.tell(Do::Lose(40)).await;
    let app = daemon.app("app").await;
    app.ask(pb::Subscribe::default()).await.unwrap();
    let resync = app.next_event().await.unwrap();
    assert_eq!(resync.kind(), pb::EventKind::Resync);
    assert_eq!((resync.cursor, resync.resync_from), (40, 40));
    for cursor in 41..=60 {
        assert_eq!(app.next_event().await.unwrap().cursor, cursor);
    }
}

#[tokio::test]
async fn a_log_shorter_than_it_says_is_not_read_for_ever() {
    let mut daemon = start(
        all_roles(),
        World {
            log: vec!["a".to_owned()],
            acked: BTreeMap::from([("app".to_owned(), 1)]),
            ..Default::default()
        },
    );
    // Behind everything there is, but before "latest": nothing comes back.
    daemon.tell(Do::Lose(1)).await;
    let app = daemon.app("app").await;
    app.ask(pb::Subscribe::default()).await.unwrap();
    daemon.tell(Do::Append("b".to_owned())).await;
    assert_eq!(app.next_event().await.unwrap().cursor, 2);
    app.ask(pb::GetStatus {}).await.unwrap();
    daemon.counters(|counters| counters.connected == 1).await;
}

#[tokio::test]
async fn what_an_app_does_not_take_stays_in_the_log() {
    // Far more than sockets and queues hold.
    let world = World {
        log: vec!["x".repeat(64 * 1024); 200],
        ..Default::default()
    };
    let daemon = start(all_roles(), world);
    let mut frozen = daemon.raw().await;
    frozen.greet(&[pb::Role::App]).await;
    frozen
        .request(1, pb::request::Kind::Subscribe(pb::Subscribe::default()))
        .await;
    // A new event within its time: it is left in peace.
    daemon.tell(Do::Append("one".to_owned())).await;
    daemon.tell(Do::Pass(SLOW_AFTER)).await;
    daemon.tell(Do::Append("two".to_owned())).await;
    let app = daemon.app("other").await;
    app.ask(pb::GetStatus {}).await.unwrap();

    // It thaws, reads on, and misses nothing.
    let mut next = 1;
    while next <= 202 {
        match frozen.receive().await {
            Some(ServerMessage::Event(event)) => {
                assert_eq!(event.cursor, next);
                next += 1;
            }
            Some(ServerMessage::Reply(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_newest_subscriber_of_a_name_gets_its_events() {
    let daemon = start(all_roles(), World::default());
    let old = daemon.app("app").await;
    old.ask(pb::Subscribe::default()).await.unwrap();
    let other = daemon.app("other").await;
    other.ask(pb::Subscribe::default()).await.unwrap();
    // Not subscribing takes nothing from anybody.
    let asking = daemon.app("app").await;
    asking.ask(pb::GetStatus {}).await.unwrap();
    assert!(old.ended().is_none());

    asking.ask(pb::Subscribe::default()).await.unwrap();
    let (code, why) = ended_by(&old.next_event().await.unwrap_err());
    assert_eq!(code, ErrorCode::FailedPrecondition);
    assert_eq!(
        why,
        "a newer connection of this client subscribed to its events"
    );
    daemon.tell(Do::Append("a".to_owned())).await;
    assert_eq!(asking.next_event().await.unwrap().cursor, 1);
    assert_eq!(other.next_event().await.unwrap().cursor, 1);
}

#[tokio::test]
async fn passing_events_go_to_subscribers() {
    let daemon = start(all_roles(), World::default());
    let app = daemon.app("app").await;
    app.ask(pb::Subscribe::default()).await.unwrap();
    daemon
        .tell(Do::Notice(Notice::PeerTyping {
            own: "+254712345678".parse().unwrap(),
            typing: twine_proto::frame::Typing {
                slot: Slot(0),
                peer: "+2348031234567".parse().unwrap(),
                stopped: false,
            },
        }))
        .await;
    let typing = app.next_event().await.unwrap();
    assert_eq!(
        (typing.cursor, typing.kind()),
        (0, pb::EventKind::PeerTyping)
    );
    assert_eq!(typing.peer, "+2348031234567");
}
