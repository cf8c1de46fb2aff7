//! The server over real sockets, both transports.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;

use common::*;
use twine_gateway::Server;
use twine_proto::frame::{GoodbyeReason, Receipt, ReceiptKind, SlotStatus};
use twine_proto::{Frame, Seq};

struct World {
    place: Place,
    server: Server,
    a: Device,
    b: Device,
}

impl World {
    async fn start(limits: &str) -> Self {
        let place = Place::new(limits);
        let (a, b) = (Device::new(&place.root()), Device::new(&place.root()));
        place.bind(number(1), a.key);
        place.bind(number(2), b.key);
        let server = Server::start(&place.config()).await.unwrap();
        Self {
            place,
            server,
            a,
            b,
        }
    }

    fn address(&self, transport: Transport) -> SocketAddr {
        match transport {
            Transport::Quic => self.server.quic_address().unwrap(),
            Transport::Tls => self.server.tls_address().unwrap(),
        }
    }
}

const BOTH: [Transport; 2] = [Transport::Quic, Transport::Tls];

#[tokio::test]
async fn a_text_travels_by_each_transport_and_is_acknowledged() {
    for transport in BOTH {
        let mut world = World::start("").await;
        let address = world.address(transport);
        let (mut a, epoch) = world.a.join(transport, address, number(1)).await;
        let (mut b, _) = world.b.join(transport, address, number(2)).await;
        a.send(submit(1, number(2), "habari")).await;
        let deliver = b.delivery().await;
        assert_eq!(text_of(&deliver), "habari");
        assert_eq!((deliver.from, deliver.epoch), (number(1), epoch));
        b.send(ack(deliver.cursor)).await;
        a.accepted(1).await;
        let Some(Frame::Receipt(Receipt {
            kind: ReceiptKind::Outcomes { delivered, .. },
            ..
        })) = a.next().await
        else {
            panic!("not told delivered");
        };
        assert_eq!(delivered, [Seq(1)]);
    }
}

#[tokio::test]
async fn the_two_transports_meet_in_one_core() {
    let mut world = World::start("").await;
    let (quic, tls) = (
        world.address(Transport::Quic),
        world.address(Transport::Tls),
    );
    let (mut a, _) = world.a.join(Transport::Quic, quic, number(1)).await;
    let (mut b, _) = world.b.join(Transport::Tls, tls, number(2)).await;
    a.send(submit(1, number(2), "one")).await;
    assert_eq!(text_of(&b.delivery().await), "one");
    // The other transport, a newer session: the older one is ended.
    let (mut newer, _) = world.b.join(Transport::Quic, quic, number(2)).await;
    let Some(Frame::Goodbye(goodbye)) = b.next().await else {
        panic!("no Goodbye");
    };
    assert_eq!(goodbye.reason, GoodbyeReason::Superseded);
    assert_eq!(b.next().await, None);
    assert_eq!(text_of(&newer.delivery().await), "one");
}

#[tokio::test]
async fn nothing_is_lost_over_a_restart() {
    let mut world = World::start("").await;
    let address = world.address(Transport::Quic);
    let (mut a, epoch) = world.a.join(Transport::Quic, address, number(1)).await;
    for seq in 1..=50 {
        a.send(submit(seq, number(2), &format!("text {seq}"))).await;
    }
    a.accepted(50).await;
    world.server.drain(1).await.unwrap();
    let Some(Frame::Goodbye(goodbye)) = a.next().await else {
        panic!("no Goodbye");
    };
    assert_eq!(goodbye.reason, GoodbyeReason::Draining);
    assert_eq!(a.next().await, None);

    let server = Server::start(&world.place.config()).await.unwrap();
    let address = server.tls_address().unwrap();
    let slot = held(number(1), epoch, 51, 1);
    let (a, welcome) = world.a.hello(Transport::Tls, address, slot).await;
    assert_eq!(welcome.slots[0].status, SlotStatus::Ok);
    assert_eq!(welcome.slots[0].state.high_water, Seq(50));
    let (mut b, _) = world.b.join(Transport::Tls, address, number(2)).await;
    for seq in 1..=50 {
        let deliver = b.delivery().await;
        assert_eq!(text_of(&deliver), format!("text {seq}"));
        b.send(ack(deliver.cursor)).await;
    }
    drop((a, b));
    server.drain(1).await.unwrap();
}

#[tokio::test]
async fn a_quic_connection_moves_to_another_address() {
    let mut world = World::start("").await;
    let address = world.address(Transport::Quic);
    let (mut a, _) = world.a.join(Transport::Quic, address, number(1)).await;
    a.rebind("127.0.0.2:0");
    a.send(submit(1, number(2), "from elsewhere")).await;
    a.accepted(1).await;
    a.rebind("127.0.0.3:0");
    a.send(Frame::Ping(5)).await;
    assert_eq!(a.next().await, Some(Frame::Pong(5)));
}

#[tokio::test]
async fn a_resumed_tls_session_proves_the_same_device() {
    for transport in BOTH {
        let mut world = World::start("").await;
        let address = world.address(transport);
        for _ in 0..3 {
            // The configuration keeps tickets from one round to the next.
            let (mut a, _) = world.a.join(transport, address, number(1)).await;
            a.send(Frame::Ping(1)).await;
            assert_eq!(a.next().await, Some(Frame::Pong(1)));
        }
    }
}

#[tokio::test]
async fn a_number_bound_while_serving_is_seen() {
    let mut world = World::start("").await;
    let address = world.address(Transport::Tls);
    let mut c = Device::new(&world.place.root());
    let (mut link, welcome) = c.hello(Transport::Tls, address, wanted(number(3))).await;
    assert_eq!(welcome.slots[0].status, SlotStatus::NotBound);
    assert!(matches!(
        link.next().await,
        Some(Frame::Goodbye(goodbye)) if goodbye.reason == GoodbyeReason::UnknownDevice
    ));
    world.place.bind(number(3), c.key);
    c.join(Transport::Tls, address, number(3)).await;
    // And moved away again.
    let (mut a, _) = world.a.join(Transport::Tls, address, number(1)).await;
    world.place.bind(number(1), c.key);
    a.send(submit(1, number(2), "too late")).await;
    assert!(matches!(a.next().await, Some(Frame::Goodbye(_))));
}

// -- what clients may send ---------------------------------------------------------

#[tokio::test]
async fn garbage_ends_its_own_connection_only() {
    let mut world = World::start("").await;
    let address = world.address(Transport::Tls);
    let (mut bystander, _) = world.b.join(Transport::Tls, address, number(2)).await;
    let garbage: [&[u8]; 6] = [
        b"\x00",                     // a frame without a type
        b"\xff\xff\xff\xff\xff\xff", // an endless length
        b"\x80\x00",                 // not in its shortest form
        b"\x03\x01\xff\xff",         // Hello that is no protobuf
        b"\x01\x02",                 // Welcome, which only the gateway says
        b"\x01\x0d",                 // Ping before Hello
    ];
    for transport in BOTH {
        for bytes in garbage {
            let address = world.address(transport);
            let mut link = world.a.connect(transport, address).await;
            link.send_raw(bytes).await;
            let Some(Frame::Goodbye(goodbye)) = link.next().await else {
                panic!("no Goodbye for {bytes:?}");
            };
            assert_eq!(goodbye.reason, GoodbyeReason::ProtocolError);
            assert!(!goodbye.detail.is_empty());
            assert_eq!(link.next().await, None);
        }
    }
    // A frame of a newer version is left out.
    bystander.send_raw(b"\x02\x7f\x00").await;
    bystander.send(Frame::Ping(9)).await;
    assert_eq!(bystander.next().await, Some(Frame::Pong(9)));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed_and_holds_up_nobody() {
    // The mailbox bound stops deliveries; answers to look-ups have none.
    let mut world = World::start("stall_timeout_s = 1\n").await;
    let address = world.address(Transport::Tls);
    let (a, _) = world.a.join(Transport::Tls, address, number(1)).await;
    let mut writer = a.stop_reading();
    let ask = twine_proto::codec::encode_to_bytes(&Frame::Lookup(twine_proto::frame::Lookup {
        id: 1,
        numbers: vec![number(2); 64],
    }));
    let flood = async {
        use tokio::io::AsyncWriteExt;
        while writer.write_all(&ask).await.is_ok() {}
    };
    tokio::time::timeout(std::time::Duration::from_secs(50), flood)
        .await
        .expect("the flood is never cut off");
    let (mut b, _) = world.b.join(Transport::Tls, address, number(2)).await;
    b.send(Frame::Ping(2)).await;
    assert_eq!(b.next().await, Some(Frame::Pong(2)));
}

// -- who may connect ----------------------------------------------------------------

/// Shows no certificate at all.
#[derive(Debug)]
struct Nobody;

impl rustls::client::ResolvesClientCert for Nobody {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _schemes: &[rustls::SignatureScheme],
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        None
    }

    fn only_raw_public_keys(&self) -> bool {
        true
    }

    fn has_certs(&self) -> bool {
        false
    }
}

async fn let_in(device: &Device, transport: Transport, address: SocketAddr) -> bool {
    let Some(mut link) = device.try_connect(transport, address).await else {
        return false;
    };
    // In TLS 1.3 a client learns of its rejection after its own handshake.
    link.send_if_open(Frame::Ping(1)).await;
    link.next().await.is_some()
}

#[tokio::test]
async fn no_device_key_or_another_protocol_is_not_let_in() {
    let world = World::start("").await;
    for transport in BOTH {
        let address = world.address(transport);
        let mut device = Device::new(&world.place.root());
        assert!(let_in(&device, transport, address).await);
        device.tls_mut().alpn_protocols = vec![b"h3".to_vec()];
        assert!(!let_in(&device, transport, address).await);
        let mut device = Device::new(&world.place.root());
        device.tls_mut().client_auth_cert_resolver = Arc::new(Nobody);
        assert!(!let_in(&device, transport, address).await);
    }
}

#[tokio::test]
async fn a_data_directory_has_one_server() {
    let world = World::start("").await;
    let error = Server::start(&world.place.config()).await.unwrap_err();
    assert!(error.to_string().contains("another server"), "{error}");
    world.server.drain(1).await.unwrap();
    Server::start(&world.place.config()).await.unwrap();
}
