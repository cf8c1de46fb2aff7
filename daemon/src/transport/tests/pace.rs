//! When a first packet that was lost is sent again, in virtual time.

use tokio::net::UdpSocket;
use tokio::time::Instant;

use super::gateway::Gateway;
use super::*;

#[tokio::test(start_paused = true)]
async fn a_lost_first_packet_is_repeated_after_three_round_trips_of_its_network() {
    for round_trip_ms in [200, 1300] {
        let gateway = Gateway::start().await;
        let hole = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut config = gateway.config();
        config.port_quic = hole.local_addr().unwrap().port();
        let mut handset = Handset::new(config);
        let round_trip = Duration::from_millis(round_trip_ms);
        let here = from("127.0.0.1");
        handset
            .transports
            .connect(CONN, TransportKind::Quic, here, None, round_trip);
        let mut packet = [0; 1500];
        hole.recv(&mut packet).await.unwrap();
        let sent = Instant::now();
        hole.recv(&mut packet).await.unwrap();
        // In milliseconds; timers have that grain.
        let after = sent.elapsed().as_millis();
        let expected = u128::from(3 * round_trip_ms);
        assert!((expected..expected + 5).contains(&after), "{after} ms");
    }
}
