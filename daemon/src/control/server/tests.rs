//! The control protocol over real sockets. Engine and store are played by a
//! small task; the clients are our own client library, or raw bytes.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use bytes::BytesMut;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use twine_control::{Client as Remote, ClientError, ConnectError, Ending};
use twine_engine::message::{
    Direction, IpAttempt, MessageId, MessageRecord, OrderKey, Shown, SmsAttempt,
};
use twine_engine::status::{SessionView, StatusView};
use twine_engine::store_ops::{EventKind, EventRecord};
use twine_engine::time::{Instant, WallTime};
use twine_proto::framing::{self, Decoder};
use twine_proto::{Epoch, LaneSeq, Redacted, SessionNo, Slot};

use super::*;
use crate::control::listen;
use crate::limits::{MAX_SEND_QUEUE_BYTES, SLOW_AFTER};

/// What the played engine and store do.
#[derive(Default)]
struct World {
    /// The event log: texts of its messages, from cursor 1.
    log: Vec<String>,
    /// The log before this cursor is lost.
    retained_from: u64,
    /// Acknowledged cursors by client.
    acked: BTreeMap<String, u64>,
    /// Commands are seen but not answered.
    silent: bool,
    /// Seconds that have passed.
    elapsed: Duration,
}

/// What a test tells the world.
enum Do {
    Append(String),
    Lose(u64),
    Silent(bool),
    Pass(Duration),
    Notice(Notice),
    Stop,
}

struct Daemon {
    _dir: TempDir,
    path: PathBuf,
    world: mpsc::Sender<Do>,
    seen: mpsc::Receiver<Seen>,
}

#[derive(Debug)]
enum Seen {
    Command(Command),
    Telephony(TelephonyEvent),
    Counters(ControlCounters),
}

fn own_uid() -> u32 {
    std::fs::metadata("/proc/self").unwrap().uid()
}

fn all_roles() -> RoleUids {
    RoleUids {
        app: vec![own_uid()],
        telephony: vec![own_uid()],
        diagnostics: vec![own_uid()],
    }
}

fn start(role_uids: RoleUids, world: World) -> Daemon {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("twined");
    let about = About {
        version: "test",
        started: Now {
            instant: Instant(0),
            wall: WallTime(7),
        },
        device_key: "ab".repeat(32),
    };
    let latest = EventCursor(world.log.len() as u64);
    let control = Control::new(listen(&path).unwrap(), 4, role_uids, about, latest).unwrap();
    let (to_world, from_test) = mpsc::channel(64);
    let (to_test, seen) = mpsc::channel(4096);
    tokio::spawn(run(control, world, from_test, to_test));
    Daemon {
        _dir: dir,
        path,
        world: to_world,
        seen,
    }
}

/// The loop of the played daemon.
async fn run(
    mut control: Control,
    mut world: World,
    mut from_test: mpsc::Receiver<Do>,
    to_test: mpsc::Sender<Seen>,
) {
    loop {
        let now = world.now();
        let order = tokio::select! {
            () = control.wait(|| now) => None,
            order = from_test.recv() => Some(order),
        };
        let now = match order {
            Some(None) => return,
            Some(Some(order)) => world.obey(&mut control, order).await,
            None => now,
        };
        while let Some(wish) = control.next_wish() {
            world.grant(&mut control, now, wish, &to_test).await;
        }
        while let Some((ticket, read)) = control.next_read() {
            control.page(now, ticket, &world.read(read));
        }
        to_test.try_send(Seen::Counters(control.counters())).ok();
    }
}

impl World {
    fn now(&self) -> Now {
        Now {
            instant: Instant(1000) + self.elapsed,
            wall: WallTime(1000),
        }
    }

    fn latest(&self) -> EventCursor {
        EventCursor(self.log.len() as u64)
    }

    async fn obey(&mut self, control: &mut Control, order: Do) -> Now {
        match order {
            Do::Append(text) => {
                self.log.push(text);
                control.events(self.now(), self.latest());
            }
            Do::Lose(before) => self.retained_from = before,
            Do::Silent(silent) => self.silent = silent,
            Do::Pass(time) => self.elapsed += time,
            Do::Notice(notice) => control.notice(self.now(), &notice),
            Do::Stop => control.stop().await,
        }
        self.now()
    }

    async fn grant(
        &mut self,
        control: &mut Control,
        now: Now,
        wish: Wish,
        to_test: &mpsc::Sender<Seen>,
    ) {
        match wish {
            Wish::Command { to, command } => {
                let reply = match &command {
                    Command::OpenClient { client, .. } => Reply::ClientOpen {
                        cursor: EventCursor(self.acked.get(&client.0).copied().unwrap_or(0)),
                        latest: self.latest(),
                    },
                    Command::AckEvents { client, cursor } => {
                        self.acked.insert(client.0.clone(), cursor.0);
                        Reply::Done
                    }
                    Command::Send { .. } => Reply::Sent {
                        id: MessageId(41),
                        repeated: false,
                    },
                    Command::Register { number, .. } => Reply::Registered {
                        number: *number,
                        epoch: None,
                    },
                    _ => Reply::Done,
                };
                to_test.try_send(Seen::Command(command)).ok();
                if !self.silent {
                    control.reply(now, to, reply);
                }
            }
            Wish::Telephony(event) => {
                to_test.try_send(Seen::Telephony(event)).ok();
            }
            Wish::Status(to) => {
                control.status(now, to, &idle_engine(), DaemonStatus::default());
            }
            Wish::Links(to) => control.links(now, to, &idle_engine()),
        }
    }

    fn read(&self, read: Read) -> Page {
        match read {
            Read::Message(MessageId(404)) => Page::Message(None),
            Read::Message(id) => Page::Message(Some(Box::new(record(id.0, "a secret".to_owned())))),
            Read::Events { after, limit } => {
                let first = after.0.max(self.retained_from);
                let events = self.log.iter().zip(1u64..).skip(first as usize).take(limit);
                Page::Events {
                    resync_from: (after.0 < first).then_some(EventCursor(first)),
                    events: events
                        .map(|(text, cursor)| (event(cursor), Some(record(cursor, text.clone()))))
                        .collect(),
                }
            }
            _ => Page::Messages {
                messages: vec![record(1, "a secret".to_owned())],
                more: false,
            },
        }
    }
}

fn event(cursor: u64) -> EventRecord {
    EventRecord {
        cursor: EventCursor(cursor),
        kind: EventKind::Received,
        message: MessageId(cursor),
        shown: Shown::Received,
        wall: WallTime(cursor),
    }
}

fn record(id: u64, text: String) -> MessageRecord {
    MessageRecord {
        id: MessageId(id),
        direction: Direction::Incoming,
        own: "+254712345678".parse().unwrap(),
        peer: "+2348031234567".parse().unwrap(),
        text: Some(Redacted::new(text)),
        name: None,
        ip: IpAttempt::None,
        sms: SmsAttempt::None,
        take_back: None,
        shown: Shown::Received,
        order: OrderKey {
            position: id,
            epoch: Epoch(1),
            lane_seq: LaneSeq(id),
        },
        created: WallTime(0),
        changed: WallTime(0),
        age_s: 0,
    }
}

fn idle_engine() -> StatusView {
    StatusView {
        identities: Vec::new(),
        session: SessionView {
            state: "offline",
            since: Instant(0),
            transport: None,
            link: None,
            session_no: SessionNo(0),
            rtt: None,
            reason: "no link",
            next_attempt: None,
        },
        queued: 0,
        in_flight: 0,
        outbox: 0,
        links: Vec::new(),
        counters: vec![("busy", 0)],
    }
}

impl Daemon {
    async fn client(&self, name: &str, roles: &[pb::Role]) -> Remote {
        Remote::connect(&self.path, name, roles).await.unwrap()
    }

    async fn app(&self, name: &str) -> Remote {
        self.client(name, &[pb::Role::App]).await
    }

    async fn tell(&self, order: Do) {
        assert!(self.world.send(order).await.is_ok());
    }

    async fn seen(&mut self) -> Seen {
        loop {
            match self.seen.recv().await.unwrap() {
                Seen::Counters(_) => {}
                seen => return seen,
            }
        }
    }

    async fn counters(&mut self, until: impl Fn(&ControlCounters) -> bool) {
        loop {
            match self.seen.recv().await.unwrap() {
                Seen::Counters(counters) if until(&counters) => return,
                _ => {}
            }
        }
    }

    async fn raw(&self) -> RawPeer {
        RawPeer {
            stream: UnixStream::connect(&self.path).await.unwrap(),
            decoder: Decoder::control(),
        }
    }
}

/// A client that sends what it likes.
struct RawPeer {
    stream: UnixStream,
    decoder: Decoder,
}

impl RawPeer {
    async fn send(&mut self, message: ClientMessage) {
        self.stream
            .write_all(&message.encode_to_bytes())
            .await
            .unwrap();
    }

    async fn greet(&mut self, roles: &[pb::Role]) {
        self.send(ClientMessage::Connect(connect(1, "raw", roles)))
            .await;
        assert!(matches!(
            self.receive().await,
            Some(ServerMessage::Connected(_))
        ));
    }

    async fn request(&mut self, id: u64, kind: pb::request::Kind) {
        self.send(ClientMessage::Request(pb::Request {
            id,
            kind: Some(kind),
        }))
        .await;
    }

    /// `None`: the daemon closed the connection.
    async fn receive(&mut self) -> Option<ServerMessage> {
        let mut chunk = vec![0; 4096];
        loop {
            if let Some(raw) = self.decoder.next_frame().unwrap() {
                return ServerMessage::decode(raw).unwrap();
            }
            match self.stream.read(&mut chunk).await {
                Ok(0) | Err(_) => return None,
                Ok(read) => self.decoder.extend(&chunk[..read]),
            }
        }
    }

    /// Reads up to the daemon's last word.
    async fn closed(&mut self) -> (ErrorCode, String) {
        loop {
            match self.receive().await {
                Some(ServerMessage::Closed(closed)) => {
                    assert!(self.receive().await.is_none());
                    let error = closed.error.unwrap();
                    return (error.code(), error.message);
                }
                Some(_) => {}
                None => panic!("closed without a word"),
            }
        }
    }
}

fn connect(version: u32, client: &str, roles: &[pb::Role]) -> pb::Connect {
    pb::Connect {
        version,
        client: client.to_owned(),
        roles: roles.iter().map(|&role| role.into()).collect(),
    }
}

fn cancel() -> pb::request::Kind {
    pb::request::Kind::Cancel(pb::Cancel { message_id: 1 })
}

fn ended_by(error: &ClientError) -> (ErrorCode, String) {
    let (ClientError::NotSent(ended) | ClientError::ResultUnknown(ended)) = error else {
        panic!("{error:?}");
    };
    match &ended.ending {
        Ending::Closed(refusal) => (refusal.code, refusal.message.clone()),
        other => panic!("{other:?}"),
    }
}

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
            to: "1".into(),
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
        ..daemon_roles()
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

fn daemon_roles() -> RoleUids {
    RoleUids {
        app: Vec::new(),
        telephony: Vec::new(),
        diagnostics: Vec::new(),
    }
}

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

#[tokio::test]
async fn one_agent_at_a_time_and_the_newest_wins() {
    let mut daemon = start(all_roles(), World::default());
    let link = pb::Link {
        id: "wifi".into(),
        kind: pb::LinkKind::Wifi.into(),
        up: true,
        ..Default::default()
    };
    let state = || {
        pb::report::Kind::State(pb::TelephonyState {
            sims: Vec::new(),
            links: vec![link.clone()],
        })
    };
    let telephony = [pb::Role::Telephony];

    // A stranger's first word has to be everything there is.
    let hasty = daemon.client("agent", &telephony).await;
    hasty
        .report(pb::report::Kind::Link(link.clone()))
        .await
        .unwrap();
    assert_eq!(
        ended_by(&hasty.next_event().await.unwrap_err()).1,
        "an agent's first report has to be its full state"
    );

    let old = daemon.client("agent", &telephony).await;
    old.report(state()).await.unwrap();
    assert!(matches!(
        daemon.seen().await,
        Seen::Telephony(TelephonyEvent::State { .. })
    ));
    old.report(pb::report::Kind::SmsReceived(pb::SmsReceived::default()))
        .await
        .unwrap();
    old.report(pb::report::Kind::Link(link.clone()))
        .await
        .unwrap();
    assert!(matches!(
        daemon.seen().await,
        Seen::Telephony(TelephonyEvent::Link(_))
    ));

    let new = daemon.client("agent", &telephony).await;
    new.report(state()).await.unwrap();
    assert!(matches!(
        daemon.seen().await,
        Seen::Telephony(TelephonyEvent::State { .. })
    ));
    assert_eq!(
        ended_by(&old.next_event().await.unwrap_err()).1,
        "another telephony agent has taken over"
    );
    // The old one's end is not the end of the agent; the new one's is.
    drop(new);
    assert!(matches!(
        daemon.seen().await,
        Seen::Telephony(TelephonyEvent::AgentGone)
    ));

    let bad = daemon.client("agent", &telephony).await;
    bad.report(state()).await.unwrap();
    assert!(matches!(
        daemon.seen().await,
        Seen::Telephony(TelephonyEvent::State { .. })
    ));
    let wrong = pb::Link {
        kind: 0,
        ..link.clone()
    };
    bad.report(pb::report::Kind::Link(wrong)).await.unwrap();
    let (code, why) = ended_by(&bad.next_event().await.unwrap_err());
    assert_eq!(code, ErrorCode::InvalidArgument);
    assert_eq!(why, "link.kind: wifi, cellular and ethernet are allowed");
    assert!(matches!(
        daemon.seen().await,
        Seen::Telephony(TelephonyEvent::AgentGone)
    ));
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
