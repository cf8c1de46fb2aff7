//! How connections end, and that others do not notice.

use super::*;

#[tokio::test]
async fn what_breaks_the_protocol_ends_its_own_connection_only() {
    let daemon = start(all_roles(), World::default());
    let bystander = daemon.app("bystander").await;

    let mut peer = daemon.raw().await;
    peer.request(1, cancel()).await;
    assert_eq!(peer.closed().await.1, "the first message has to be Connect");

    let mut peer = daemon.raw().await;
    peer.greet(&[pb::Role::App]).await;
    peer.send(ClientMessage::Connect(connect(1, "raw", &[pb::Role::App])))
        .await;
    assert_eq!(peer.closed().await.0, ErrorCode::Protocol);

    // No frame; a frame over the limit; a frame that only the daemon sends; a
    // body that is no message.
    let mut server_frame = BytesMut::new();
    framing::write(
        pb::ControlType::Reply as u8,
        &pb::Reply::default(),
        &mut server_frame,
    );
    let hostile: [&[u8]; 5] = [
        &[0],
        &[0xff; 16],
        &[0x81, 0x80, 0x40, 3],
        &server_frame,
        &[4, pb::ControlType::Request as u8, 0xff, 0xff, 0xff],
    ];
    for bytes in hostile {
        for greeted in [false, true] {
            let mut peer = daemon.raw().await;
            if greeted {
                peer.greet(&[pb::Role::App]).await;
            }
            peer.stream.write_all(bytes).await.unwrap();
            assert_eq!(peer.closed().await.0, ErrorCode::Protocol, "{bytes:x?}");
        }
    }
    // An unknown frame type, or an unknown request, may come from the future.
    let mut peer = daemon.raw().await;
    peer.greet(&[pb::Role::App]).await;
    peer.stream.write_all(&[3, 99, 1, 2]).await.unwrap();
    peer.send(ClientMessage::Request(pb::Request { id: 5, kind: None }))
        .await;
    let Some(ServerMessage::Reply(reply)) = peer.receive().await else {
        panic!("expected a reply");
    };
    assert!(matches!(reply.kind, Some(reply::Kind::Error(error))
        if reply.id == 5 && error.code() == ErrorCode::Unsupported));

    bystander.ask(pb::GetStatus {}).await.unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_read_is_disconnected_and_told() {
    let mut daemon = start(all_roles(), World::default());
    let mut slow = daemon.raw().await;
    slow.greet(&[pb::Role::Diagnostics]).await;
    let frame = ClientMessage::Request(pb::Request {
        id: 1,
        kind: Some(pb::request::Kind::Status(pb::GetStatus {})),
    })
    .encode_to_bytes();
    let (mut read, mut write) = slow.stream.into_split();
    let flood = tokio::spawn(async move { while write.write_all(&frame).await.is_ok() {} });
    daemon.counters(|counters| counters.slow == 1).await;
    // Others were served meanwhile, and are now.
    daemon.app("app").await.ask(pb::GetStatus {}).await.unwrap();

    let mut bytes = Vec::new();
    let _ = read.read_to_end(&mut bytes).await;
    assert!(bytes.len() < MAX_SEND_QUEUE_BYTES + 1024 * 1024);
    let mut decoder = Decoder::control();
    let mut last = None;
    for chunk in bytes.chunks(4096) {
        decoder.extend(chunk);
        while let Some(raw) = decoder.next_frame().unwrap() {
            last = ServerMessage::decode(raw).unwrap();
        }
    }
    let Some(ServerMessage::Closed(closed)) = last else {
        panic!("expected the reason, got {last:?}");
    };
    assert_eq!(closed.error.unwrap().code(), ErrorCode::SlowClient);
    flood.await.unwrap();
}

#[tokio::test]
async fn a_frozen_app_is_disconnected_when_there_is_more_to_tell() {
    let world = World {
        log: vec!["x".repeat(64 * 1024); 200],
        ..Default::default()
    };
    let mut daemon = start(all_roles(), world);
    let mut frozen = daemon.raw().await;
    frozen.greet(&[pb::Role::App]).await;
    frozen
        .request(1, pb::request::Kind::Subscribe(pb::Subscribe::default()))
        .await;
    // What its writer could write it has written when these are answered.
    let app = daemon.app("other").await;
    for _ in 0..20 {
        app.ask(pb::GetStatus {}).await.unwrap();
    }
    daemon.tell(Do::Append("one".to_owned())).await;
    daemon.tell(Do::Pass(SLOW_AFTER * 2)).await;
    daemon.tell(Do::Append("two".to_owned())).await;
    daemon.counters(|counters| counters.slow == 1).await;
    assert_eq!(frozen.closed().await.0, ErrorCode::SlowClient);
}

#[tokio::test]
async fn a_request_cut_off_by_a_stop_has_an_unknown_result() {
    let mut daemon = start(all_roles(), World::default());
    let app = daemon.app("app").await;
    daemon.tell(Do::Silent(true)).await;
    let (asked, ()) = tokio::join!(app.ask(pb::Cancel { message_id: 1 }), async {
        assert!(matches!(
            daemon.seen().await,
            Seen::Command(Command::Cancel(_))
        ));
        daemon.tell(Do::Stop).await;
    });
    let error = asked.unwrap_err();
    assert!(error.result_unknown());
    assert_eq!(
        ended_by(&error).1,
        "the daemon is stopping; connect again later"
    );
}
