//! The transports against a real gateway's sockets on loopback.
//!
//! No test waits for time to pass; [`within`] only keeps a hanging test from
//! hanging for ever.

mod cost;
mod gateway;
mod life;
mod moving;
mod pace;
mod trust;

use std::future::Future;
use std::time::Duration;

use twine_engine::link::Binding;
use twine_engine::{ChannelEvent, ConnId, DownReason, TransportKind};
use twine_proto::Frame;

use self::gateway::{Gateway, Peer};
use super::{DeviceKey, TransportConfig, Transports};

const CONN: ConnId = ConnId(1);
/// Expected of loopback.
const ROUND_TRIP: Duration = Duration::from_millis(100);
const BOTH: [TransportKind; 2] = [TransportKind::Quic, TransportKind::Tls];

/// A handset with its key.
struct Handset {
    transports: Transports,
    key: [u8; 32],
    _directory: tempfile::TempDir,
}

impl Handset {
    fn new(config: TransportConfig) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key: DeviceKey = gateway::device_key(directory.path());
        Self {
            transports: Transports::new(config, &key).unwrap(),
            key: key.public(),
            _directory: directory,
        }
    }

    /// The next event, which must be of `CONN`.
    async fn event(&mut self) -> ChannelEvent {
        let (conn, event) = within(self.transports.next_event()).await;
        assert_eq!(conn, CONN);
        event
    }

    /// The next event that is not about round trips, or about a path that was
    /// validated.
    async fn news(&mut self) -> ChannelEvent {
        loop {
            let event = self.event().await;
            if !matches!(event, ChannelEvent::Rtt(_) | ChannelEvent::PathValidated) {
                return event;
            }
        }
    }

    async fn frame(&mut self) -> Frame {
        match self.news().await {
            ChannelEvent::Frame(frame) => frame,
            other => panic!("a frame was due, not {other:?}"),
        }
    }

    async fn down(&mut self) -> DownReason {
        match self.news().await {
            ChannelEvent::Down(reason) => reason,
            other => panic!("the end was due, not {other:?}"),
        }
    }

    async fn up(&mut self) {
        match self.event().await {
            ChannelEvent::Up { rtt } => assert!(rtt.is_some()),
            other => panic!("it should be up, not {other:?}"),
        }
    }

    fn send(&mut self, frame: Frame) {
        self.transports.send(CONN, frame);
    }

    /// A connection that is up and has sent `Ping(0)`, and the gateway's end.
    async fn connected(&mut self, gateway: &Gateway, kind: TransportKind) -> Peer {
        self.transports
            .connect(CONN, kind, from("127.0.0.1"), None, ROUND_TRIP);
        let handset = async {
            self.up().await;
            self.send(Frame::Ping(0));
        };
        let (peer, ()) = within(async { tokio::join!(gateway.accept(kind), handset) }).await;
        let mut peer = peer.unwrap();
        assert_eq!(within(peer.frame()).await, Some(Frame::Ping(0)));
        peer
    }
}

fn from(source: &str) -> Binding {
    Binding {
        source_address: Some(source.parse().unwrap()),
        ..Binding::default()
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("the test hangs")
}
