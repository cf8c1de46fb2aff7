//! Who is trusted, and how a refusal is told.

use super::gateway::{NAME, Options};
use super::*;
use crate::transport::SetupError;

#[tokio::test]
async fn the_gateway_sees_the_device_key() {
    for kind in BOTH {
        let gateway = Gateway::start().await;
        let mut handset = Handset::new(gateway.config());
        let peer = handset.connected(&gateway, kind).await;
        assert_eq!(peer.key, handset.key, "{kind:?}");
    }
}

#[tokio::test]
async fn a_resumed_session_keeps_the_device_key() {
    for kind in BOTH {
        let gateway = Gateway::start().await;
        let mut handset = Handset::new(gateway.config());
        for _ in 0..3 {
            let mut peer = handset.connected(&gateway, kind).await;
            assert_eq!(peer.key, handset.key, "{kind:?}");
            // The ticket has come when something sent after it has.
            peer.send(&Frame::Pong(0)).await;
            assert_eq!(handset.frame().await, Frame::Pong(0));
            handset.transports.close(CONN);
        }
        assert_eq!(gateway.resumed(), 2, "{kind:?}");
    }
}

#[tokio::test]
async fn a_gateway_under_another_root_is_refused() {
    for kind in BOTH {
        let gateway = Gateway::start().await;
        let other = Gateway::start().await;
        let mut config = gateway.config();
        config.roots = other.config().roots;
        refused(config, &gateway, kind).await;
    }
}

#[tokio::test]
async fn a_gateway_of_another_name_is_refused() {
    for kind in BOTH {
        let gateway = Gateway::start().await;
        let mut config = gateway.config();
        config.server_name = "other.test".into();
        refused(config, &gateway, kind).await;
        // Its address is no name either.
        let mut config = gateway.config();
        config.server_name = "127.0.0.1".into();
        refused(config, &gateway, kind).await;
    }
}

async fn refused(config: TransportConfig, gateway: &Gateway, kind: TransportKind) {
    let mut handset = Handset::new(config);
    handset
        .transports
        .connect(CONN, kind, Binding::default(), None, ROUND_TRIP);
    let reason = tokio::select! {
        reason = handset.down() => reason,
        // It sees our alert, or its own time-out; it may not see a stream.
        peer = accepts_nobody(gateway, kind) => match peer {},
    };
    assert!(
        matches!(&reason, DownReason::Handshake(text) if text.contains("certificate")),
        "{kind:?}: {reason:?}"
    );
}

async fn accepts_nobody(gateway: &Gateway, kind: TransportKind) -> std::convert::Infallible {
    let peer = gateway.accept(kind).await;
    assert!(peer.is_err(), "the handset let a wrong gateway in");
    std::future::pending().await
}

#[tokio::test]
async fn a_gateway_of_another_protocol_is_refused() {
    for kind in BOTH {
        for alpn in [vec![b"twine/2".to_vec()], Vec::new()] {
            let gateway = Gateway::with(Options {
                alpn: Some(alpn),
                ..Options::default()
            })
            .await;
            let mut handset = Handset::new(gateway.config());
            handset
                .transports
                .connect(CONN, kind, Binding::default(), None, ROUND_TRIP);
            let accept = async {
                // Kept open: it is the handset that leaves.
                let _accepted = gateway.accept(kind).await;
                std::future::pending::<()>().await;
            };
            let reason = tokio::select! {
                reason = handset.down() => reason,
                () = accept => unreachable!(),
            };
            // A TLS gateway that shares no protocol may just hang up.
            let hung_up = matches!(&reason, DownReason::Closed(text) if text.contains("handshake"));
            assert!(
                matches!(reason, DownReason::Handshake(_)) || hung_up,
                "{kind:?}: {reason:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_refused_device_key_is_told_as_such() {
    for kind in BOTH {
        let gateway = Gateway::with(Options {
            refuse_keys: true,
            ..Options::default()
        })
        .await;
        let mut handset = Handset::new(gateway.config());
        handset
            .transports
            .connect(CONN, kind, Binding::default(), None, ROUND_TRIP);
        let accept = async {
            assert!(gateway.accept(kind).await.is_err());
            std::future::pending::<()>().await;
        };
        let handset = async {
            // TLS 1.3: our side is done before the gateway has judged the key.
            match handset.news().await {
                ChannelEvent::Up { .. } => handset.down().await,
                ChannelEvent::Down(reason) => reason,
                other => panic!("{other:?}"),
            }
        };
        let reason = tokio::select! {
            reason = handset => reason,
            () = accept => unreachable!(),
        };
        assert!(
            matches!(&reason, DownReason::Handshake(text) if text.contains("AccessDenied")),
            "{kind:?}: {reason:?}"
        );
    }
}

#[test]
fn without_roots_or_names_nothing_is_set_up() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let good = runtime.block_on(Gateway::start()).config();
    let directory = tempfile::tempdir().unwrap();
    let key = gateway::device_key(directory.path());
    let setup = |change: fn(&mut TransportConfig)| {
        let mut config = good.clone();
        change(&mut config);
        Transports::new(config, &key).err()
    };
    assert!(setup(|_| {}).is_none());
    assert!(matches!(
        setup(|config| config.roots.clear()),
        Some(SetupError::NoRoots)
    ));
    assert!(matches!(
        setup(|config| config.roots.push(b"no certificate".to_vec().into())),
        Some(SetupError::Root { number: 2, .. })
    ));
    assert!(matches!(
        setup(|config| config.server_name = "no name!".into()),
        Some(SetupError::ServerName)
    ));
    assert!(matches!(
        setup(|config| config.host.clear()),
        Some(SetupError::NoHost)
    ));
    assert!(matches!(
        setup(|config| config.idle_timeout = Duration::MAX),
        Some(SetupError::IdleTimeout)
    ));
    assert_eq!(good.server_name, NAME);
}

/// Where it is does not matter, whose name it shows does.
#[tokio::test]
async fn another_gateway_has_to_show_the_configured_name() {
    for kind in BOTH {
        for (name, trusted) in [(None, true), (Some("other.test"), false)] {
            let gateway = Gateway::start().await;
            let mut config = gateway.config();
            let port = match kind {
                TransportKind::Quic => config.port_quic,
                TransportKind::Tls => config.port_tls,
            };
            config.host = "gateway.invalid".into();
            (config.port_quic, config.port_tls) = (1, 1);
            if let Some(name) = name {
                config.server_name = name.into();
            }
            let mut handset = Handset::new(config);
            let target = Some(format!("127.0.0.1:{port}"));
            handset
                .transports
                .connect(CONN, kind, Binding::default(), target, ROUND_TRIP);
            let event = tokio::select! {
                event = handset.event() => event,
                _ = async {
                    let _accepted = gateway.accept(kind).await;
                    std::future::pending::<()>().await
                } => unreachable!(),
            };
            match event {
                ChannelEvent::Up { .. } => assert!(trusted, "{kind:?}"),
                ChannelEvent::Down(DownReason::Handshake(text)) => {
                    assert!(!trusted && text.contains("certificate"), "{kind:?}: {text}");
                }
                other => panic!("{kind:?}: {other:?}"),
            }
        }
    }
}
