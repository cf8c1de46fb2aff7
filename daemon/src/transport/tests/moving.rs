//! Connections that change their link.

use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use super::gateway::Options;
use super::*;

#[tokio::test]
async fn quic_keeps_its_session_on_another_link() {
    let gateway = Gateway::start().await;
    let mut handset = Handset::new(gateway.config());
    let mut peer = handset.connected(&gateway, TransportKind::Quic).await;
    let connection = peer.quic.clone().unwrap();
    assert_eq!(connection.remote_address().ip().to_string(), "127.0.0.1");

    // There, on, and back: more moves than there are spare connection ids.
    let links = ["127.0.0.2", "127.0.0.3", "127.0.0.2", "127.0.0.1"];
    for (nonce, link) in (1u32..).zip(links) {
        handset.transports.move_to(CONN, from(link));
        assert!(matches!(handset.news().await, ChannelEvent::Moved));
        handset.send(Frame::Ping(nonce));
        assert_eq!(within(peer.frame()).await, Some(Frame::Ping(nonce)));
        peer.send(&Frame::Pong(nonce)).await;
        assert_eq!(handset.frame().await, Frame::Pong(nonce));
        assert_eq!(connection.remote_address().ip().to_string(), link);
    }
}

#[tokio::test]
async fn quic_survives_two_moves_at_once() {
    let gateway = Gateway::start().await;
    let mut handset = Handset::new(gateway.config());
    let mut peer = handset.connected(&gateway, TransportKind::Quic).await;
    handset.transports.move_to(CONN, from("127.0.0.2"));
    handset.transports.move_to(CONN, from("127.0.0.3"));
    assert!(matches!(handset.news().await, ChannelEvent::Moved));
    assert!(matches!(handset.news().await, ChannelEvent::Moved));
    handset.send(Frame::Ping(1));
    assert_eq!(within(peer.frame()).await, Some(Frame::Ping(1)));
    peer.send(&Frame::Pong(1)).await;
    assert_eq!(handset.frame().await, Frame::Pong(1));
}

#[tokio::test]
async fn a_move_does_not_wait_for_a_blocked_write() {
    // The gateway does not read, and lets a quarter of this under way.
    let gateway = Gateway::with(Options {
        receive_window: Some(64 * 1024),
        ..Options::default()
    })
    .await;
    let mut handset = Handset::new(gateway.config());
    let mut peer = handset.connected(&gateway, TransportKind::Quic).await;
    for _ in 0..4 {
        handset.send(life::submit(64 * 1024));
    }
    handset.transports.move_to(CONN, from("127.0.0.2"));
    assert!(matches!(handset.news().await, ChannelEvent::Moved));
    for _ in 0..4 {
        assert_eq!(within(peer.frame()).await, Some(life::submit(64 * 1024)));
    }
}

#[tokio::test]
async fn tls_cannot_move() {
    let gateway = Gateway::start().await;
    let mut handset = Handset::new(gateway.config());
    let _peer = handset.connected(&gateway, TransportKind::Tls).await;
    handset.transports.move_to(CONN, from("127.0.0.2"));
    assert!(matches!(handset.down().await, DownReason::Local(_)));
}

#[tokio::test]
async fn a_link_that_cannot_carry_it_ends_the_connection() {
    // No address of ours (TEST-NET-1), and the wrong family.
    for link in ["192.0.2.1", "::1"] {
        let gateway = Gateway::start().await;
        let mut handset = Handset::new(gateway.config());
        let _peer = handset.connected(&gateway, TransportKind::Quic).await;
        handset.transports.move_to(CONN, from(link));
        let reason = handset.down().await;
        assert!(matches!(reason, DownReason::Unreachable(_)), "{reason:?}");
    }
}

#[tokio::test]
async fn too_many_moves_at_once_end_the_connection() {
    let gateway = Gateway::start().await;
    let mut handset = Handset::new(gateway.config());
    let _peer = handset.connected(&gateway, TransportKind::Quic).await;
    for _ in 0..=crate::transport::limits::MAX_MOVES {
        handset.transports.move_to(CONN, from("127.0.0.2"));
    }
    assert!(matches!(handset.down().await, DownReason::Local(_)));
}

/// Between handset and gateway: gives the handset another address when told.
async fn nat(gateway_port: u16, mut forget: mpsc::Receiver<()>) -> u16 {
    let inside = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = inside.local_addr().unwrap().port();
    let outside = async move || {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(("127.0.0.1", gateway_port)).await.unwrap();
        socket
    };
    let mut mapped = outside().await;
    tokio::spawn(async move {
        let (mut up, mut down) = ([0; 2048], [0; 2048]);
        let mut handset = None;
        loop {
            tokio::select! {
                Ok((size, from)) = inside.recv_from(&mut up) => {
                    handset = Some(from);
                    mapped.send(&up[..size]).await.unwrap();
                }
                Ok(size) = mapped.recv(&mut down) => {
                    inside.send_to(&down[..size], handset.unwrap()).await.unwrap();
                }
                told = forget.recv() => match told {
                    Some(()) => mapped = outside().await,
                    None => return,
                },
            }
        }
    });
    port
}

#[tokio::test]
async fn a_nat_that_forgot_us_is_noticed_and_survived() {
    let gateway = Gateway::start().await;
    let mut config = gateway.config();
    let (forget, forgets) = mpsc::channel(1);
    config.port_quic = nat(config.port_quic, forgets).await;
    let mut handset = Handset::new(config);
    let mut peer = handset.connected(&gateway, TransportKind::Quic).await;
    for nonce in 1..4 {
        forget.send(()).await.unwrap();
        // Until it did.
        forget.reserve().await.unwrap();
        handset.send(Frame::Ping(nonce));
        assert_eq!(within(peer.frame()).await, Some(Frame::Ping(nonce)));
        peer.send(&Frame::Pong(nonce)).await;
        while !matches!(handset.event().await, ChannelEvent::PathValidated) {}
        assert_eq!(handset.frame().await, Frame::Pong(nonce));
    }
}
