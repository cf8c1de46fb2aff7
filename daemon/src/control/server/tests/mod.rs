//! The control protocol over real sockets. Engine and store are played by a
//! small task; the clients are our own client library, or raw bytes.

mod agent;
mod asking;
mod endings;
mod events;

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use bytes::BytesMut;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use twine_control::{Client as Remote, ClientError, ConnectError, Ending};
use twine_engine::message::{
    Channel, Direction, IpAttempt, MessageId, MessageRecord, OrderKey, Shown, SmsRecord,
};
use twine_engine::settings::{Effective, Reach, Settings};
use twine_engine::status::{SessionView, StatusView};
use twine_engine::store_ops::{EventKind, EventRecord};
use twine_engine::time::{Instant, WallTime};
use twine_engine::{Notice, Order, Preview};
use twine_proto::framing::{self, Decoder};
use twine_proto::{Epoch, LaneSeq, Redacted, SessionNo, Slot};

use super::*;
use crate::control::listen;
use crate::limits::{MAX_SEND_QUEUE_BYTES, SLOW_AFTER};
use crate::reads::{Page, Story};

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
    Order(Order),
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
            Do::Order(order) => control.order(self.now(), order),
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
                    Command::Preview { to, .. } => Reply::Previewed(Preview {
                        from: to.number().unwrap(),
                        channel: Some(Channel::Sms),
                        waits_for: None,
                        reasons: vec!["the peer is not on IP"],
                        reach: Reach::Refused,
                        sms: None,
                    }),
                    Command::GetSettings(conversation) => Reply::Settings {
                        set: Settings::default(),
                        effective: Effective::default(),
                        sim_number: None,
                        reach: conversation.map(|_| Reach::OnIp),
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
            Read::Story(MessageId(404)) => Page::Story(None),
            Read::Story(id) => Page::Story(Some(Box::new(Story {
                message: record(id.0, "a secret".to_owned()),
                lines: Vec::new(),
            }))),
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
        into: None,
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
        sms: SmsRecord::default(),
        waits_for: None,
        came_by: Channel::Ip,
        copy_of: None,
        late: false,
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
            heartbeat: None,
        },
        queued: 0,
        in_flight: 0,
        outbox: 0,
        links: Vec::new(),
        sims: Vec::new(),
        agent: false,
        sms_handed: 0,
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

fn no_roles() -> RoleUids {
    RoleUids {
        app: Vec::new(),
        telephony: Vec::new(),
        diagnostics: Vec::new(),
    }
}
