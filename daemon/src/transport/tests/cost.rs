//! What connections cost in bytes and packets. The figures in the module's
//! doc come from here; the assertions are upper limits, so that none of it
//! grows unnoticed; they leave room for packets that a busy machine sends twice.
//!
//! To measure: build the tests, then run the test binary with `TWINE_MEASURE=1`
//! and the arguments `cost --nocapture --test-threads=1` under `unshare --net
//! sh -c 'ip link set lo up; …'`, where nothing else uses the loopback device:
//! the figures marked `ip` are its counters, both directions, from the IP
//! header on.

use std::sync::atomic::Ordering;

use super::gateway::Counters;
use super::*;

/// Bytes and datagrams of QUIC, as the gateway's quinn counted them.
#[derive(Debug, Clone, Copy)]
struct Udp {
    up: (u64, u64),
    down: (u64, u64),
}

impl Udp {
    fn of(peer: &Peer) -> Self {
        let stats = peer.quic.as_ref().unwrap().stats();
        // A server's quinn does not count the datagram that made the
        // connection; it is always padded to this.
        let (first, datagrams) = (1200, 1);
        Self {
            up: (
                stats.udp_rx.bytes + first,
                stats.udp_rx.datagrams + datagrams,
            ),
            down: (stats.udp_tx.bytes, stats.udp_tx.datagrams),
        }
    }

    fn since(self, before: Self) -> Self {
        let less = |now: (u64, u64), then: (u64, u64)| (now.0 - then.0, now.1 - then.1);
        Self {
            up: less(self.up, before.up),
            down: less(self.down, before.down),
        }
    }

    fn bytes(self) -> u64 {
        self.up.0 + self.down.0
    }
}

fn tcp(counters: &Counters) -> (u64, u64) {
    (
        counters.up.load(Ordering::Relaxed),
        counters.down.load(Ordering::Relaxed),
    )
}

/// Bytes and packets of the loopback device since it came up, which are all
/// ours only in a network namespace of our own.
#[derive(Clone, Copy)]
struct Loopback {
    bytes: u64,
    packets: u64,
}

impl Loopback {
    fn now() -> Self {
        let devices = std::fs::read_to_string("/proc/net/dev").unwrap();
        let line = devices
            .lines()
            .find_map(|line| line.trim().strip_prefix("lo:"));
        let mut fields = line.unwrap().split_whitespace();
        let mut field = || fields.next().unwrap().parse::<u64>().unwrap();
        let (bytes, packets) = (field(), field());
        Self { bytes, packets }
    }

    fn tell(self, what: &str) {
        let now = Self::now();
        println!(
            "  ip {what}: {} bytes in {} packets",
            now.bytes - self.bytes,
            now.packets - self.packets
        );
    }
}

/// A ping there and a pong back.
async fn beat(handset: &mut Handset, peer: &mut Peer, nonce: u32) {
    handset.send(Frame::Ping(nonce));
    assert_eq!(within(peer.frame()).await, Some(Frame::Ping(nonce)));
    peer.send(&Frame::Pong(nonce)).await;
    assert_eq!(handset.frame().await, Frame::Pong(nonce));
}

#[tokio::test]
async fn quic() {
    let gateway = Gateway::start().await;
    let mut handset = Handset::new(gateway.config());
    println!("certificate {} bytes", gateway.certificate_bytes);
    for what in ["full", "resumed"] {
        let ip = Loopback::now();
        let mut peer = handset.connected(&gateway, TransportKind::Quic).await;
        beat(&mut handset, &mut peer, 1).await;
        settle().await;
        ip.tell("set up");
        let set_up = Udp::of(&peer);
        println!("quic {what} handshake and one exchange: {set_up:?}");
        assert!(set_up.bytes() < 10_000, "{set_up:?}");

        let ip = Loopback::now();
        beat(&mut handset, &mut peer, 2).await;
        settle().await;
        ip.tell("exchange");
        let exchange = Udp::of(&peer).since(set_up);
        println!("quic one exchange: {exchange:?}");
        assert!(exchange.bytes() < 400, "{exchange:?}");

        let ip = Loopback::now();
        let before = Udp::of(&peer);
        handset.transports.move_to(CONN, from("127.0.0.2"));
        assert!(matches!(handset.news().await, ChannelEvent::Moved));
        beat(&mut handset, &mut peer, 3).await;
        settle().await;
        ip.tell("move");
        let moved = Udp::of(&peer).since(before);
        println!("quic move and one exchange: {moved:?}");
        assert!(moved.bytes() < 10_000, "{moved:?}");
        let ip = Loopback::now();
        handset.transports.close(CONN);
        assert_eq!(within(peer.frame()).await, None);
        settle().await;
        ip.tell("close");
    }
}

/// When measuring: waits longer than QUIC or the kernel delays the last
/// acknowledgement, so that it is counted where it belongs. A test run does
/// without; its limits hold either way.
async fn settle() {
    if std::env::var_os("TWINE_MEASURE").is_some() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn tls() {
    let gateway = Gateway::start().await;
    let mut handset = Handset::new(gateway.config());
    for what in ["full", "resumed"] {
        let ip = Loopback::now();
        let mut peer = handset.connected(&gateway, TransportKind::Tls).await;
        beat(&mut handset, &mut peer, 1).await;
        settle().await;
        ip.tell("set up");
        let (up, down) = tcp(&peer.bytes);
        println!("tls {what} handshake and one exchange: {up} up, {down} down");
        assert!(up + down < 3_000, "{up} {down}");

        let ip = Loopback::now();
        beat(&mut handset, &mut peer, 2).await;
        settle().await;
        ip.tell("exchange");
        let (up_then, down_then) = (up, down);
        let (up, down) = tcp(&peer.bytes);
        let (up, down) = (up - up_then, down - down_then);
        println!("tls one exchange: {up} up, {down} down");
        assert!(up + down < 100, "{up} {down}");

        let ip = Loopback::now();
        handset.transports.close(CONN);
        assert_eq!(within(peer.frame()).await, None);
        drop(peer);
        settle().await;
        ip.tell("close");
    }
}
