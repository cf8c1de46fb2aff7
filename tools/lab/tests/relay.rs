//! The relay between real sockets on loopback: what arrives, in what state of
//! the link, and from where. How long things take is tested in the pipe, on a
//! clock of its own.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};
use tokio::time::timeout;
use twine_lab::profile::{self, Bottleneck, Profile, Shape};
use twine_lab::relay::{LinkSpec, LinkState, Relay, Upstream};

/// Long enough for any machine; reached only by a failure.
const PATIENCE: Duration = Duration::from_secs(10);

const LTE: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 1);
const WIFI: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 2);
const LTE_UPSTREAM: Ipv4Addr = Ipv4Addr::new(127, 78, 0, 1);
const WIFI_UPSTREAM: Ipv4Addr = Ipv4Addr::new(127, 78, 0, 2);

fn fast() -> Profile {
    let shape = Shape {
        bottleneck: Bottleneck::Rate {
            bits_per_s: 1_000_000_000,
        },
        delay: Duration::ZERO,
        loss: 0.0,
        queue_bytes: 1 << 20,
    };
    Profile {
        down: shape.clone(),
        up: shape,
        ..profile::load("wifi", Path::new("/")).unwrap()
    }
}

async fn relay() -> Relay {
    let link = |source, upstream| LinkSpec {
        source,
        upstream,
        profile: fast(),
        state: LinkState::Up,
    };
    Relay::start(&[link(LTE, LTE_UPSTREAM), link(WIFI, WIFI_UPSTREAM)], 1)
        .await
        .unwrap()
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("in time")
}

async fn udp(address: Ipv4Addr) -> UdpSocket {
    UdpSocket::bind((address, 0)).await.unwrap()
}

async fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 2048];
    let (size, from) = within(socket.recv_from(&mut buffer)).await.unwrap();
    (buffer[..size].to_vec(), from)
}

async fn tcp_from(address: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((address, 0).into()).unwrap();
    within(socket.connect(to)).await.unwrap()
}

/// A gateway that is a listener, with the relay pointed to it.
async fn tcp_gateway(relay: &Relay) -> TcpListener {
    let gateway = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    relay.set_upstream(Upstream {
        quic: None,
        tls: Some(gateway.local_addr().unwrap()),
    });
    gateway
}

#[tokio::test]
async fn the_gateway_sees_each_link_from_an_address_of_its_own() {
    let relay = relay().await;
    let gateway = udp(Ipv4Addr::LOCALHOST).await;
    relay.set_upstream(Upstream {
        quic: Some(gateway.local_addr().unwrap()),
        tls: None,
    });
    for (link, upstream) in [(LTE, LTE_UPSTREAM), (WIFI, WIFI_UPSTREAM)] {
        let handset = udp(link).await;
        handset.send_to(b"up", relay.quic()).await.unwrap();
        let (data, from) = receive(&gateway).await;
        assert_eq!((data.as_slice(), from.ip()), (&b"up"[..], upstream.into()));

        gateway.send_to(b"down", from).await.unwrap();
        let (data, from) = receive(&handset).await;
        assert_eq!((data.as_slice(), from), (&b"down"[..], relay.quic()));
    }
    let counters = relay.links()[0].counters();
    assert_eq!(counters.bytes_up, 2 + 28);
    assert_eq!(counters.bytes_down, 4 + 28);
}

#[tokio::test]
async fn a_datagram_for_a_restarted_gateway_goes_to_its_new_port() {
    let relay = relay().await;
    let handset = udp(LTE).await;
    for _ in 0..2 {
        let gateway = udp(Ipv4Addr::LOCALHOST).await;
        relay.set_upstream(Upstream {
            quic: Some(gateway.local_addr().unwrap()),
            tls: None,
        });
        handset.send_to(b"hello", relay.quic()).await.unwrap();
        assert_eq!(receive(&gateway).await.0, b"hello");
    }
}

#[tokio::test]
async fn in_a_cut_datagrams_vanish_and_after_a_stall_they_arrive() {
    let relay = relay().await;
    let link = &relay.links()[0];
    let (gateway, handset) = (udp(Ipv4Addr::LOCALHOST).await, udp(LTE).await);
    relay.set_upstream(Upstream {
        quic: Some(gateway.local_addr().unwrap()),
        tls: None,
    });
    let sent = async |what: &[u8]| {
        let before = link.counters();
        handset.send_to(what, relay.quic()).await.unwrap();
        // The relay has it once it is counted.
        within(async {
            while link.counters() == before {
                tokio::task::yield_now().await;
            }
        })
        .await;
    };
    link.set_state(LinkState::Cut).await;
    sent(b"into the cut").await;
    assert_eq!(link.counters().vanished, 1);
    link.set_state(LinkState::Stalled).await;
    sent(b"into the stall").await;
    link.set_state(LinkState::Up).await;
    assert_eq!(receive(&gateway).await.0, b"into the stall");
}

#[tokio::test]
async fn tcp_is_carried_both_ways_and_closed_in_order() {
    let relay = relay().await;
    let gateway = tcp_gateway(&relay).await;
    let mut handset = tcp_from(WIFI, relay.tls()).await;
    let (mut server, from) = within(gateway.accept()).await.unwrap();
    assert_eq!(from.ip(), WIFI_UPSTREAM);

    // More than the window, so that it has to push back and go on.
    let sent: Vec<u8> = (0..1_000_000u32).map(|byte| byte as u8).collect();
    let expected = sent.clone();
    let writer = tokio::spawn(async move {
        handset.write_all(&sent).await.unwrap();
        handset.shutdown().await.unwrap();
        let mut answer = String::new();
        handset.read_to_string(&mut answer).await.unwrap();
        answer
    });
    let mut received = Vec::new();
    within(server.read_to_end(&mut received)).await.unwrap();
    assert!(received == expected, "{} bytes came", received.len());
    server.write_all(b"done").await.unwrap();
    drop(server);
    assert_eq!(within(writer).await.unwrap(), "done");
}

#[tokio::test]
async fn a_short_cut_holds_tcp_and_a_link_that_goes_down_resets_it() {
    let relay = relay().await;
    let link = &relay.links()[0];
    let gateway = tcp_gateway(&relay).await;
    let mut handset = tcp_from(LTE, relay.tls()).await;
    let (mut server, _) = within(gateway.accept()).await.unwrap();

    link.set_state(LinkState::Cut).await;
    handset.write_all(b"held").await.unwrap();
    link.set_state(LinkState::Up).await;
    let mut buffer = [0; 4];
    within(server.read_exact(&mut buffer)).await.unwrap();
    assert_eq!(&buffer, b"held");

    link.set_state(LinkState::Down).await;
    assert!(within(handset.read(&mut buffer)).await.is_err());
    assert!(within(server.read(&mut buffer)).await.is_err());

    // And nothing connects while it is down.
    let mut refused = tcp_from(LTE, relay.tls()).await;
    assert!(within(refused.read(&mut buffer)).await.is_err());
}

#[tokio::test]
async fn without_a_gateway_tcp_is_reset() {
    let relay = relay().await;
    let mut handset = tcp_from(LTE, relay.tls()).await;
    assert!(within(handset.read(&mut [0; 4])).await.is_err());
}
