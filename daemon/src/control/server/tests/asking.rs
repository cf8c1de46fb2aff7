//! Who may ask, what, and how much at once.

use super::*;

#[tokio::test]
async fn a_client_asks_and_is_answered() {
    let mut daemon = start(all_roles(), World::default());
    let client = daemon.app("com.example").await;
    assert_eq!(client.connected().daemon_version, "test");
    assert_eq!(client.connected().daemon_start_wall_ms, 7);
    let send = pb::Send {
        to: "+254712345678".to_owned(),
        text: "habari".to_owned(),
        token: "1".to_owned(),
        ..Default::default()
    };
    let sent = client.ask(send.clone()).await.unwrap();
    assert_eq!((sent.message_id, sent.repeated), (41, false));
    let Seen::Command(Command::Send { client: name, .. }) = daemon.seen().await else {
        panic!("expected a send");
    };
    assert_eq!(name.0, "com.example");

    let error = client
        .ask(pb::Send {
            to: "+1".into(),
            ..send
        })
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::InvalidArgument));
    let register = pb::Register {
        number: "+254712345678".into(),
        iccid: String::new(),
        consent: true,
    };
    let registered = client.ask(register).await.unwrap();
    assert_eq!((registered.epoch, registered.device_key.len()), (0, 64));
    assert_eq!(
        client
            .ask(pb::GetHistory {
                own: "+254712345678".into(),
                peer: "+2348031234567".into(),
                ..Default::default()
            })
            .await
            .unwrap()
            .messages[0]
            .text,
        "a secret"
    );
    let missing = client
        .ask(pb::GetMessage { message_id: 404 })
        .await
        .unwrap_err();
    assert_eq!(missing.code(), Some(ErrorCode::NotFound));
    let preview = pb::Preview {
        to: "+254712345678".into(),
        ..Default::default()
    };
    let previewed = client.ask(preview).await.unwrap();
    assert_eq!(previewed.channel(), pb::Channel::Sms);
    assert_eq!(previewed.reasons, ["the peer is not on IP"]);
    let settings = client.ask(pb::GetSettings::default()).await.unwrap();
    assert_eq!(settings.effective_mode(), pb::Mode::Auto);
    assert_eq!(
        (settings.mode(), &*settings.peer_on_ip),
        (pb::Mode::Unspecified, "")
    );
    client.ask(pb::SetSettings::default()).await.unwrap();
    let story = client.ask(pb::Explain { message_id: 1 }).await.unwrap();
    assert_eq!(story.message.unwrap().text, "a secret");
    assert_eq!(story.lines[0].text, "received by IP");
    let missing = client
        .ask(pb::Explain { message_id: 404 })
        .await
        .unwrap_err();
    assert_eq!(missing.code(), Some(ErrorCode::NotFound));
    let status = client.ask(pb::GetStatus {}).await.unwrap();
    assert_eq!(status.session.unwrap().reason, "no link");
    assert!(
        status
            .counters
            .iter()
            .any(|counter| counter.name == "control_connected")
    );
    assert!(client.ask(pb::GetLinks {}).await.unwrap().links.is_empty());
}

#[tokio::test]
async fn a_role_opens_its_requests_and_no_others() {
    let daemon = start(all_roles(), World::default());
    let technician = daemon.client("twinectl", &[pb::Role::Diagnostics]).await;
    let shown = technician
        .ask(pb::GetMessage { message_id: 1 })
        .await
        .unwrap();
    assert_eq!((shown.text.as_str(), shown.peer.as_str()), ("", "+234…67"));
    let refused = technician
        .ask(pb::Cancel { message_id: 1 })
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::PermissionDenied));
    assert_eq!(
        refused.to_string(),
        "cancel needs one of the roles app; this connection has diagnostics"
    );
    let refused = technician.ask(pb::Subscribe::default()).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::PermissionDenied));

    let agent = daemon.client("agent", &[pb::Role::Telephony]).await;
    let refused = agent.ask(pb::GetStatus {}).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::PermissionDenied));

    let app = daemon.app("app").await;
    app.report(pb::report::Kind::State(pb::TelephonyState::default()))
        .await
        .unwrap();
    let (code, _) = ended_by(&app.next_event().await.unwrap_err());
    assert_eq!(code, ErrorCode::PermissionDenied);
}

#[tokio::test]
async fn who_may_not_connect_is_told_why() {
    let nobody = RoleUids {
        app: Vec::new(),
        telephony: Vec::new(),
        diagnostics: Vec::new(),
    };
    let daemon = start(nobody, World::default());
    let refused = Remote::connect(&daemon.path, "app", &[pb::Role::App])
        .await
        .err()
        .unwrap();
    assert!(matches!(&refused, ConnectError::Refused(why)
        if why.code == ErrorCode::PermissionDenied && why.message.contains("has no role")));

    let diagnostics = RoleUids {
        diagnostics: vec![own_uid()],
        ..no_roles()
    };
    let daemon = start(diagnostics, World::default());
    let app = [pb::Role::App];
    let unknown = pb::Connect {
        roles: vec![9],
        ..connect(1, "x", &[])
    };
    for (connect, code, message) in [
        (
            connect(1, "x", &app),
            ErrorCode::PermissionDenied,
            "this uid may not be app; it may have diagnostics",
        ),
        (
            connect(2, "x", &app),
            ErrorCode::Unsupported,
            "version 2 of the control protocol is not spoken here, only 1",
        ),
        (
            connect(1, "x/y", &app),
            ErrorCode::InvalidArgument,
            "a client name may contain only ASCII letters, digits, '.', '_' and '-'",
        ),
        (
            connect(1, "x", &[]),
            ErrorCode::InvalidArgument,
            "a connection needs a role; this uid may have diagnostics",
        ),
        (
            unknown,
            ErrorCode::InvalidArgument,
            "there is no role number 9",
        ),
    ] {
        let mut peer = daemon.raw().await;
        peer.send(ClientMessage::Connect(connect)).await;
        assert_eq!(peer.closed().await, (code, message.to_owned()));
    }
}

#[tokio::test]
async fn open_requests_are_limited_and_named_once() {
    let daemon = start(
        all_roles(),
        World {
            silent: true,
            ..Default::default()
        },
    );
    let mut peer = daemon.raw().await;
    peer.greet(&[pb::Role::App]).await;
    for id in 0..=MAX_OPEN_REQUESTS as u64 {
        peer.request(id, cancel()).await;
    }
    let Some(ServerMessage::Reply(reply)) = peer.receive().await else {
        panic!("expected a reply");
    };
    assert_eq!(reply.id, MAX_OPEN_REQUESTS as u64);
    assert!(
        matches!(reply.kind, Some(reply::Kind::Error(error)) if error.code() == ErrorCode::Busy)
    );

    let mut peer = daemon.raw().await;
    peer.greet(&[pb::Role::App]).await;
    peer.request(1, cancel()).await;
    peer.request(1, cancel()).await;
    assert_eq!(peer.closed().await.0, ErrorCode::Protocol);
}

#[tokio::test]
async fn connections_are_limited() {
    let daemon = start(all_roles(), World::default());
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(daemon.app("app").await);
    }
    let refused = Remote::connect(&daemon.path, "app", &[pb::Role::App])
        .await
        .err()
        .unwrap();
    assert!(matches!(&refused, ConnectError::Refused(why) if why.code == ErrorCode::Busy));
    // A place is free as soon as a client is gone.
    clients.pop();
    while Remote::connect(&daemon.path, "app", &[pb::Role::App])
        .await
        .is_err()
    {
        tokio::task::yield_now().await;
    }
}
