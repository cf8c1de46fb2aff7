//! The telephony agent: who it is, what it tells, what it is asked to do.

use twine_engine::links::Because;
use twine_engine::parts::{AttemptId, PartState};

use super::*;

fn link() -> pb::Link {
    pb::Link {
        id: "wifi".into(),
        kind: pb::LinkKind::Wifi.into(),
        up: true,
        ..Default::default()
    }
}

fn state() -> pb::report::Kind {
    pb::report::Kind::State(pb::TelephonyState {
        links: vec![link()],
        ..Default::default()
    })
}

fn taken(spool_id: &str) -> Order {
    Order::SmsTaken {
        spool_id: spool_id.to_owned(),
    }
}

impl Daemon {
    /// An agent whose state the engine has.
    async fn agent(&mut self) -> Remote {
        let agent = self.client("agent", &[pb::Role::Telephony]).await;
        agent.report(state()).await.unwrap();
        assert!(matches!(
            self.seen().await,
            Seen::Telephony(TelephonyEvent::State { .. })
        ));
        agent
    }
}

#[tokio::test]
async fn one_agent_at_a_time_and_the_newest_wins() {
    let mut daemon = start(all_roles(), World::default());
    let link = link();
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
    old.report(pb::report::Kind::DataSim(pb::DataSim::default()))
        .await
        .unwrap();
    assert!(matches!(
        daemon.seen().await,
        Seen::Telephony(TelephonyEvent::DataSim { .. })
    ));
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
        Seen::Telephony(TelephonyEvent::AgentGone)
    ));
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
async fn orders_go_to_the_agent_alone_each_with_an_id_of_its_own() {
    let mut daemon = start(all_roles(), World::default());
    // Nobody is there to take it: the engine gives it again.
    daemon.tell(Do::Order(taken("lost"))).await;
    daemon
        .counters(|counters| counters.orders_dropped == 1)
        .await;

    let bystander = daemon.client("other", &[pb::Role::Telephony]).await;
    let agent = daemon.agent().await;
    let text = |text: &str| Redacted::new(text.to_owned());
    daemon
        .tell(Do::Order(Order::SendSms {
            attempt: AttemptId(7),
            iccid: text("8925402"),
            to: "MPESA".parse().unwrap(),
            parts: vec![text("ha"), text("bari")],
        }))
        .await;
    daemon
        .tell(Do::Order(Order::SmsPartTaken {
            attempt: AttemptId(7),
            part: 1,
            state: PartState::Sent,
        }))
        .await;
    let first = agent.next_order().await.unwrap();
    let second = agent.next_order().await.unwrap();
    assert_ne!(first.id, second.id);
    let pb::order::Kind::SendSms(send) = first.kind else {
        panic!("{:?}", first.kind);
    };
    assert_eq!(
        (send.to.as_str(), send.parts.concat()),
        ("MPESA", "habari".to_owned())
    );
    let expected = pb::SmsPartTaken {
        attempt: 7,
        part: 1,
        state: pb::SmsPartState::PartSent.into(),
    };
    assert_eq!(second.kind, pb::order::Kind::SmsPartTaken(expected));

    // The next agent gets what is ordered from now on; the other never one.
    let new = daemon.client("agent", &[pb::Role::Telephony]).await;
    new.report(state()).await.unwrap();
    let gone = daemon.seen().await;
    assert!(matches!(gone, Seen::Telephony(TelephonyEvent::AgentGone)));
    let told = daemon.seen().await;
    assert!(matches!(
        told,
        Seen::Telephony(TelephonyEvent::State { .. })
    ));
    daemon.tell(Do::Order(taken("after"))).await;
    let order = new.next_order().await.unwrap();
    assert!(matches!(order.kind, pb::order::Kind::SmsTaken(taken) if taken.spool_id == "after"));
    assert_ne!(order.id, first.id);
    assert_eq!(
        ended_by(&agent.next_order().await.unwrap_err()).1,
        "another telephony agent has taken over"
    );
    drop(new);
    assert!(matches!(
        daemon.seen().await,
        Seen::Telephony(TelephonyEvent::AgentGone)
    ));
    assert!(bystander.try_next_order().is_none());
}

#[tokio::test]
async fn an_agent_that_does_not_take_its_orders_is_disconnected() {
    let mut daemon = start(all_roles(), World::default());
    let mut agent = daemon.raw().await;
    agent.greet(&[pb::Role::Telephony]).await;
    agent
        .send(ClientMessage::Report(pb::Report {
            kind: Some(state()),
        }))
        .await;
    assert!(matches!(
        daemon.seen().await,
        Seen::Telephony(TelephonyEvent::State { .. })
    ));
    let part = Redacted::new("x".repeat(64 * 1024));
    let order = || Order::SendSms {
        attempt: AttemptId(7),
        iccid: Redacted::new("8925402".to_owned()),
        to: "40404".parse().unwrap(),
        parts: vec![part.clone()],
    };
    for _ in 0..=MAX_SEND_QUEUE_BYTES / (64 * 1024) + 8 {
        daemon.tell(Do::Order(order())).await;
    }
    daemon.counters(|counters| counters.slow == 1).await;
    assert_eq!(agent.closed().await.0, ErrorCode::SlowClient);
}

#[tokio::test]
async fn results_and_messages_of_the_agent_reach_the_engine() {
    let mut daemon = start(all_roles(), World::default());
    let agent = daemon.agent().await;
    agent
        .report(pb::report::Kind::SmsPart(pb::SmsPartResult {
            attempt: 7,
            part: 2,
            state: pb::SmsPartState::PartRefused.into(),
            code: 4,
        }))
        .await
        .unwrap();
    let Seen::Telephony(TelephonyEvent::SmsPart {
        attempt,
        part,
        state,
        code,
    }) = daemon.seen().await
    else {
        panic!("expected a part");
    };
    assert_eq!(
        (attempt, part, state, code),
        (AttemptId(7), 2, PartState::Refused, Some(4))
    );
    agent
        .report(pb::report::Kind::SmsReceived(pb::SmsReceived {
            spool_id: "1".into(),
            from: "\u{0}".into(),
            text: "habari".into(),
            iccid: "8925402".into(),
            ..Default::default()
        }))
        .await
        .unwrap();
    let Seen::Telephony(TelephonyEvent::SmsReceived(received)) = daemon.seen().await else {
        panic!("expected an SMS");
    };
    assert_eq!(received.from.expose(), "\u{fffd}");
    let sim = pb::Sim {
        iccid: "8925402".into(),
        radio_off: true,
        ..Default::default()
    };
    agent.report(pb::report::Kind::Sim(sim)).await.unwrap();
    assert!(matches!(
        daemon.seen().await,
        Seen::Telephony(TelephonyEvent::Sim(sim)) if sim.radio_off
    ));
    // Of no use, and no reason to end.
    agent
        .order_result(pb::OrderResult {
            id: 1,
            code: 5,
            detail: "no such card".into(),
        })
        .await
        .unwrap();
    agent.report(pb::report::Kind::Link(link())).await.unwrap();
    assert!(matches!(
        daemon.seen().await,
        Seen::Telephony(TelephonyEvent::Link(_))
    ));
}

#[tokio::test]
async fn a_move_of_data_that_fails_is_told_to_the_engine() {
    let mut daemon = start(all_roles(), World::default());
    let agent = daemon.agent().await;
    daemon
        .tell(Do::Order(Order::PreferDataSim {
            slot: 1,
            because: Because::Coverage,
        }))
        .await;
    let order = agent.next_order().await.unwrap();
    let expected = pb::PreferDataSim {
        slot: 1,
        reason: "the other card has no coverage".to_owned(),
    };
    assert_eq!(order.kind, pb::order::Kind::PreferDataSim(expected));
    agent
        .order_result(pb::OrderResult {
            id: order.id,
            code: 5,
            detail: "not validated".into(),
        })
        .await
        .unwrap();
    assert!(matches!(
        daemon.seen().await,
        Seen::Telephony(TelephonyEvent::DataSim {
            slot: 1,
            confirmed: false
        })
    ));
}

#[tokio::test]
async fn an_agent_can_neither_send_nor_choose() {
    let mut daemon = start(all_roles(), World::default());
    let agent = daemon.agent().await;
    let to = "+254712345678".to_owned();
    let send = pb::Send {
        to: to.clone(),
        text: "habari".into(),
        token: "1".into(),
        channel: pb::Channel::Sms.into(),
        ..Default::default()
    };
    let preview = pb::Preview {
        to,
        ..Default::default()
    };
    let refused = [
        agent.ask(send).await.unwrap_err(),
        agent.ask(preview).await.unwrap_err(),
        agent
            .ask(pb::Retry {
                message_id: 1,
                channel: 2,
            })
            .await
            .unwrap_err(),
        agent.ask(pb::SetSettings::default()).await.unwrap_err(),
        agent.ask(pb::GetSettings::default()).await.unwrap_err(),
        agent.ask(pb::Explain { message_id: 1 }).await.unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.code(), Some(ErrorCode::PermissionDenied), "{error}");
    }
}
