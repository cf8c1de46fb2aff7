//! A connection from up to down: frames both ways, limits, and every end.

use tokio::io::AsyncWriteExt;
use twine_proto::frame::{Submit, Welcome};
use twine_proto::{E164, LaneSeq, OpaqueContent, Seq, Slot, codec};

use super::*;
use crate::transport::limits::{EVENT_QUEUE, MAX_CONNECTIONS, SEND_QUEUE_BYTES};

/// A message with that much content.
pub(super) fn submit(bytes: usize) -> Frame {
    Frame::Submit(Submit {
        slot: Slot(0),
        seq: Seq(1),
        to: E164::new(254_700_000_001).unwrap(),
        lane_seq: LaneSeq(1),
        content: OpaqueContent::new(vec![7; bytes].into()).unwrap(),
    })
}

#[tokio::test]
async fn frames_travel_both_ways_in_order() {
    for kind in BOTH {
        let gateway = Gateway::start().await;
        let mut handset = Handset::new(gateway.config());
        let mut peer = handset.connected(&gateway, kind).await;
        for nonce in 1..200 {
            handset.send(Frame::Ping(nonce));
        }
        handset.send(submit(80 * 1024));
        for nonce in 1..200 {
            assert_eq!(within(peer.frame()).await, Some(Frame::Ping(nonce)));
            peer.send(&Frame::Pong(nonce)).await;
        }
        assert_eq!(within(peer.frame()).await, Some(submit(80 * 1024)));
        for nonce in 1..200 {
            assert_eq!(handset.frame().await, Frame::Pong(nonce));
        }
    }
}

#[tokio::test]
async fn a_slow_main_loop_loses_nothing() {
    for kind in BOTH {
        let gateway = Gateway::start().await;
        let mut handset = Handset::new(gateway.config());
        let mut peer = handset.connected(&gateway, kind).await;
        let many = 20 * EVENT_QUEUE as u32;
        let writing = tokio::spawn(async move {
            for nonce in 0..many {
                peer.send(&Frame::Pong(nonce)).await;
            }
            peer
        });
        // Writing goes on while reading is stopped.
        let mut peer = within(writing).await.unwrap();
        handset.send(Frame::Ping(1));
        assert_eq!(within(peer.frame()).await, Some(Frame::Ping(1)));
        for nonce in 0..many {
            assert_eq!(handset.frame().await, Frame::Pong(nonce));
        }
    }
}

#[tokio::test]
async fn a_frame_of_a_newer_version_is_ignored() {
    for kind in BOTH {
        let gateway = Gateway::start().await;
        let mut handset = Handset::new(gateway.config());
        let mut peer = handset.connected(&gateway, kind).await;
        peer.write(&[3, 0xee, 1, 2]).await;
        peer.send(&Frame::Pong(1)).await;
        assert_eq!(handset.frame().await, Frame::Pong(1));
    }
}

#[tokio::test]
async fn garbage_ends_the_connection() {
    let welcome_with_garbage = [4, 2, 0xff, 0xff, 0xff];
    let too_long = [0xff, 0xff, 0x7f];
    let garbage: [&[u8]; 4] = [&[0], &[0xff; 64], &welcome_with_garbage, &too_long];
    for kind in BOTH {
        for bytes in garbage {
            let gateway = Gateway::start().await;
            let mut handset = Handset::new(gateway.config());
            let mut peer = handset.connected(&gateway, kind).await;
            // What came before it still counts.
            peer.send(&Frame::Pong(1)).await;
            peer.write(bytes).await;
            assert_eq!(handset.frame().await, Frame::Pong(1));
            let reason = handset.down().await;
            assert!(matches!(reason, DownReason::Protocol(_)), "{reason:?}");
        }
    }
}

#[tokio::test]
async fn a_frame_that_only_handsets_send_ends_the_connection() {
    for kind in BOTH {
        let gateway = Gateway::start().await;
        let mut handset = Handset::new(gateway.config());
        let mut peer = handset.connected(&gateway, kind).await;
        peer.send(&submit(1)).await;
        let reason = handset.down().await;
        assert!(
            matches!(&reason, DownReason::Protocol(text) if text.contains("Submit")),
            "{reason:?}"
        );
    }
}

#[tokio::test]
async fn a_gateway_that_does_not_read_meets_the_limit() {
    for kind in BOTH {
        let gateway = Gateway::start().await;
        let mut handset = Handset::new(gateway.config());
        let _peer = handset.connected(&gateway, kind).await;
        let reason = within(async {
            loop {
                handset.send(submit(64 * 1024));
                if let Some((_, ChannelEvent::Down(reason))) = handset.transports.try_next_event() {
                    return reason;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert!(matches!(reason, DownReason::Local(_)), "{reason:?}");
        // It is over: no event of it, and sending to it is no error.
        handset.send(Frame::Ping(1));
        assert!(handset.transports.try_next_event().is_none());
    }
}

#[tokio::test]
async fn the_longest_message_of_every_identity_fits_the_queue() {
    let gateway = Gateway::start().await;
    let mut handset = Handset::new(gateway.config());
    let mut peer = handset.connected(&gateway, TransportKind::Tls).await;
    let longest = twine_proto::limits::MAX_CONTENT_BYTES;
    for _ in 0..twine_proto::limits::MAX_SLOTS {
        handset.send(submit(longest));
    }
    for _ in 0..twine_proto::limits::MAX_SLOTS {
        assert_eq!(within(peer.frame()).await, Some(submit(longest)));
    }
    const { assert!(SEND_QUEUE_BYTES < 1024 * 1024) };
}

#[tokio::test]
async fn closing_flushes_what_was_sent() {
    for kind in BOTH {
        let gateway = Gateway::start().await;
        let mut handset = Handset::new(gateway.config());
        let mut peer = handset.connected(&gateway, kind).await;
        // Unread bytes on a closed TCP socket would make it a reset.
        peer.send(&Frame::Pong(1)).await;
        for _ in 0..4 {
            handset.send(submit(64 * 1024));
        }
        handset.send(Frame::Ping(9));
        handset.transports.close(CONN);
        for _ in 0..4 {
            assert_eq!(within(peer.frame()).await, Some(submit(64 * 1024)));
        }
        assert_eq!(within(peer.frame()).await, Some(Frame::Ping(9)));
        assert_eq!(within(peer.frame()).await, None);
        assert!(handset.transports.try_next_event().is_none());
    }
}

#[tokio::test]
async fn shutdown_flushes_what_was_sent() {
    for kind in BOTH {
        let gateway = Gateway::start().await;
        let mut handset = Handset::new(gateway.config());
        let mut peer = handset.connected(&gateway, kind).await;
        handset.send(Frame::Ping(9));
        let gateway_side = async {
            assert_eq!(peer.frame().await, Some(Frame::Ping(9)));
            assert_eq!(peer.frame().await, None);
            drop(peer);
        };
        let shutdown = handset.transports.shutdown();
        within(Box::pin(async { tokio::join!(shutdown, gateway_side) })).await;
        assert!(handset.transports.try_next_event().is_none());
    }
}

#[tokio::test]
async fn no_event_comes_after_close() {
    for kind in BOTH {
        let gateway = Gateway::start().await;
        let mut handset = Handset::new(gateway.config());
        let mut peer = handset.connected(&gateway, kind).await;
        for nonce in 0..10 {
            peer.send(&Frame::Pong(nonce)).await;
        }
        assert_eq!(handset.frame().await, Frame::Pong(0));
        handset.transports.close(CONN);
        // The next bearer of the name gets none of it either.
        let mut peer = handset.connected(&gateway, kind).await;
        peer.send(&Frame::Pong(77)).await;
        assert_eq!(handset.frame().await, Frame::Pong(77));
    }
}

#[tokio::test]
async fn the_last_words_of_a_gateway_are_heard() {
    for kind in BOTH {
        let gateway = Gateway::start().await;
        let mut handset = Handset::new(gateway.config());
        let mut peer = handset.connected(&gateway, kind).await;
        let words = Frame::Welcome(Welcome {
            time_s: 1,
            slots: Vec::new(),
            idle_limit_s: 0,
            since: Vec::new(),
        });
        peer.send(&words).await;
        peer.writer.shutdown().await.unwrap();
        assert_eq!(handset.frame().await, words);
        let reason = handset.down().await;
        assert!(matches!(reason, DownReason::Closed(_)), "{reason:?}");
    }
}

#[tokio::test]
async fn a_gateway_that_vanishes_is_told_as_closed() {
    for kind in BOTH {
        let gateway = Gateway::start().await;
        let mut handset = Handset::new(gateway.config());
        let peer = handset.connected(&gateway, kind).await;
        if let Some(connection) = &peer.quic {
            connection.close(7u32.into(), b"a text that nobody wants in a log");
        }
        drop(peer);
        let reason = handset.down().await;
        assert!(
            matches!(&reason, DownReason::Closed(text) if !text.contains("nobody")),
            "{kind:?}: {reason:?}"
        );
    }
}

#[tokio::test]
async fn a_gateway_that_does_not_answer_times_out() {
    for kind in BOTH {
        let gateway = Gateway::start().await;
        let mut config = gateway.config();
        config.connect_timeout = Duration::from_millis(50);
        let mut handset = Handset::new(config);
        // The sockets are there, and nobody accepts.
        handset
            .transports
            .connect(CONN, kind, Binding::default(), None, ROUND_TRIP);
        assert_eq!(handset.down().await, DownReason::TimedOut, "{kind:?}");
    }
}

#[tokio::test]
async fn a_link_without_a_way_is_unreachable_at_once() {
    for kind in BOTH {
        let gateway = Gateway::start().await;
        let mut handset = Handset::new(gateway.config());
        let no_link = Binding {
            interface: Some("nosuchlink".into()),
            ..Binding::default()
        };
        handset
            .transports
            .connect(CONN, kind, no_link, None, ROUND_TRIP);
        let reason = handset.down().await;
        assert!(matches!(reason, DownReason::Unreachable(_)), "{reason:?}");
    }
}

#[tokio::test]
async fn nobody_listening_on_tcp_is_unreachable() {
    let gateway = Gateway::start().await;
    let config = gateway.config();
    drop(gateway);
    let mut handset = Handset::new(config);
    handset.transports.connect(
        CONN,
        TransportKind::Tls,
        Binding::default(),
        None,
        ROUND_TRIP,
    );
    let reason = handset.down().await;
    assert!(matches!(reason, DownReason::Unreachable(_)), "{reason:?}");
}

#[tokio::test]
async fn closing_during_the_handshake_is_silent() {
    for kind in BOTH {
        let gateway = Gateway::start().await;
        let mut handset = Handset::new(gateway.config());
        handset
            .transports
            .connect(CONN, kind, Binding::default(), None, ROUND_TRIP);
        handset.transports.close(CONN);
        within(handset.transports.shutdown()).await;
        assert!(handset.transports.try_next_event().is_none());
    }
}

#[tokio::test]
async fn more_connections_than_allowed_are_refused() {
    let gateway = Gateway::start().await;
    let mut handset = Handset::new(gateway.config());
    for number in 0..=MAX_CONNECTIONS as u64 {
        let conn = ConnId(number);
        handset.transports.connect(
            conn,
            TransportKind::Tls,
            Binding::default(),
            None,
            ROUND_TRIP,
        );
    }
    let (conn, event) = within(handset.transports.next_event()).await;
    assert_eq!(conn, ConnId(MAX_CONNECTIONS as u64));
    assert!(matches!(event, ChannelEvent::Down(DownReason::Local(_))));
}

#[tokio::test]
async fn waiting_for_an_event_can_be_given_up() {
    let gateway = Gateway::start().await;
    let mut handset = Handset::new(gateway.config());
    let mut peer = handset.connected(&gateway, TransportKind::Tls).await;
    for nonce in 0..100 {
        let frame = codec::encode_to_bytes(&Frame::Pong(nonce));
        peer.write(&frame).await;
        let mut given_up = 0;
        loop {
            let next = tokio::select! {
                biased;
                next = handset.transports.next_event() => Some(next),
                () = tokio::task::yield_now() => None,
            };
            match next {
                Some((_, ChannelEvent::Frame(frame))) => {
                    assert_eq!(frame, Frame::Pong(nonce));
                    break;
                }
                Some((_, ChannelEvent::Rtt(_))) => {}
                Some((_, other)) => panic!("{other:?}"),
                None => given_up += 1,
            }
            assert!(given_up < 1_000_000);
        }
    }
}
