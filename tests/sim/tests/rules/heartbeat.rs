//! What the session teaches about idle times, and what it makes of it.

use std::time::Duration;

use twine_engine::message::{Failure, Shown};
use twine_engine::trace::Decision;
use twine_engine::{ChannelEvent, DownReason, Input, TimerReason, TransportKind};
use twine_proto::Frame;
use twine_proto::frame::{SentState, SlotStatus, Typing};

use crate::desk::{self, Desk, delivery};

/// When a heartbeat is due, in seconds of silence from now.
fn due_in(desk: &Desk) -> u64 {
    let (at, reason) = desk.engine.poll_timeout().unwrap();
    assert_eq!(reason, TimerReason::Heartbeat);
    at.since(desk.now().instant).as_secs()
}

/// Lets the time of a heartbeat come; returns its nonce.
fn ping(desk: &mut Desk) -> u32 {
    let (at, _) = desk.engine.poll_timeout().unwrap();
    desk.pass(at.0 - desk.now_ms);
    match desk.frames.last() {
        Some(Frame::Ping(nonce)) => *nonce,
        other => panic!("a heartbeat was due, not {other:?}"),
    }
}

/// A heartbeat that is answered; returns how long the silence was.
fn beat(desk: &mut Desk) -> u64 {
    let after = due_in(desk);
    let nonce = ping(desk);
    desk.frame(Frame::Pong(nonce));
    after
}

/// The session is up again.
fn greet(desk: &mut Desk) {
    desk.up();
    let state = SentState::default();
    desk.welcome(SlotStatus::Ok, state);
}

fn forgotten(desk: &Desk) -> Vec<u64> {
    let idle = |decision: &Decision| match decision {
        Decision::Forgotten { idle_ms } => Some(idle_ms / 1000),
        _ => None,
    };
    desk.decisions.iter().filter_map(idle).collect()
}

#[test]
fn each_idle_time_that_is_survived_is_followed_by_a_longer_one() {
    let mut desk = Desk::live();
    let intervals: Vec<u64> = (0..5).map(|_| beat(&mut desk)).collect();
    assert_eq!(intervals, [110, 135, 170, 200, 240]);
    let heartbeat = desk.engine.status().session.heartbeat.unwrap();
    assert_eq!(heartbeat.interval, Duration::from_secs(285));
    assert_eq!(heartbeat.survived, Some(Duration::from_secs(240)));
}

#[test]
fn any_traffic_counts() {
    let mut desk = Desk::live();
    desk.pass(100_000);
    desk.frame(Frame::Deliver(delivery(1, 1, "a")));
    assert_eq!(due_in(&desk), 110);
    // What came by itself after 140 s shows that the connection was alive.
    desk.now_ms += 140_000;
    desk.frame(Frame::Deliver(delivery(2, 2, "b")));
    assert_eq!(due_in(&desk), 170);
}

#[test]
fn silence_is_measured_from_what_was_sent_as_well() {
    let mut desk = Desk::live();
    desk.now_ms += 100_000;
    desk.command(twine_engine::Command::Typing {
        from: None,
        to: desk::peer(),
        stopped: false,
    });
    assert!(matches!(
        desk.frames.last(),
        Some(Frame::Typing(Typing { .. }))
    ));
    desk.now_ms += 60_000;
    desk.frame(Frame::Deliver(delivery(1, 1, "a")));
    // Survived were 100 s, and not 160.
    assert_eq!(due_in(&desk), 110);
}

#[test]
fn a_nat_that_forgets_udp_is_told_by_the_gateways_validation() {
    let mut desk = Desk::live();
    assert_eq!(beat(&mut desk), 110);
    let nonce = ping(&mut desk);
    desk.channel(ChannelEvent::PathValidated);
    desk.frame(Frame::Pong(nonce));
    assert_eq!(forgotten(&desk), [135]);
    // The session lives, below what failed; TCP may be kept longer.
    let held = desk.engine.status().session.heartbeat.unwrap();
    assert_eq!(held.interval, Duration::from_secs(110));
    assert_eq!(held.failed, Some(Duration::from_secs(135)));
    assert_eq!(desk.connects.len(), 1);
    desk.pass(110_000);
    assert_eq!(desk.connects.len(), 2);
    assert_eq!(desk.connects[1].1, TransportKind::Tls);
    greet(&mut desk);
    assert_eq!(due_in(&desk), 110);
    assert_eq!(beat(&mut desk), 110);
    assert_eq!(beat(&mut desk), 135);
}

/// A phone that starts anew where it has learned that UDP is forgotten early.
fn after_udp_was_forgotten() -> Desk {
    let mut desk = Desk::live();
    beat(&mut desk);
    let nonce = ping(&mut desk);
    desk.channel(ChannelEvent::PathValidated);
    desk.frame(Frame::Pong(nonce));
    desk.crash()
}

#[test]
fn what_was_learned_is_there_after_a_restart() {
    let mut desk = after_udp_was_forgotten();
    // TCP from the start: UDP is known to be forgotten early.
    assert_eq!(desk.connects[0].1, TransportKind::Tls);
    greet(&mut desk);
    assert_eq!(due_in(&desk), 110);
}

/// Loses the session to a heartbeat that nobody answers.
fn unanswered(desk: &mut Desk) {
    ping(desk);
    let (at, reason) = desk.engine.poll_timeout().unwrap();
    assert_eq!(reason, TimerReason::AnswerMissing);
    desk.pass(at.0 - desk.now_ms);
    let (at, reason) = desk.engine.poll_timeout().unwrap();
    assert_eq!(reason, TimerReason::Reconnect);
    desk.pass(at.0 - desk.now_ms);
}

#[test]
fn a_dead_session_in_a_living_network_was_forgotten() {
    let mut desk = Desk::live();
    assert_eq!(beat(&mut desk), 110);
    unanswered(&mut desk);
    desk.now_ms += 400;
    greet(&mut desk);
    assert_eq!(forgotten(&desk), [135]);
    assert_eq!(due_in(&desk), 110);
}

#[test]
fn a_dead_network_teaches_nothing() {
    // The next attempt fails.
    let mut desk = Desk::live();
    beat(&mut desk);
    unanswered(&mut desk);
    desk.channel(ChannelEvent::Down(DownReason::TimedOut));
    greet(&mut desk);
    assert_eq!(
        (forgotten(&desk), desk.connects[2].1),
        (vec![], TransportKind::Tls)
    );

    // It takes long: the network came back meanwhile.
    let mut desk = Desk::live();
    beat(&mut desk);
    unanswered(&mut desk);
    desk.now_ms += 9_000;
    greet(&mut desk);
    assert_eq!((forgotten(&desk), due_in(&desk)), (vec![], 135));

    // The link went.
    let mut desk = Desk::live();
    beat(&mut desk);
    unanswered(&mut desk);
    desk.link("lte", false);
    desk.link("lte", true);
    desk.now_ms += 400;
    greet(&mut desk);
    assert_eq!((forgotten(&desk), due_in(&desk)), (vec![], 135));
}

#[test]
fn a_session_is_not_left_at_every_heartbeat_for_a_transport_that_the_network_eats() {
    // UDP is forgotten after 110 s, TCP, too.
    let mut desk = after_udp_was_forgotten();
    greet(&mut desk);
    beat(&mut desk);
    unanswered(&mut desk);
    desk.now_ms += 400;
    greet(&mut desk);
    assert_eq!(due_in(&desk), 110);
    // So QUIC it is again; but nothing gets through by UDP now.
    let before = desk.connects.len();
    let (at, _) = desk.engine.poll_timeout().unwrap();
    desk.pass(at.0 - desk.now_ms);
    desk.pass(2_000);
    let kinds = |desk: &Desk| -> Vec<_> { desk.connects[before..].iter().map(|it| it.1).collect() };
    assert_eq!(kinds(&desk), [TransportKind::Quic, TransportKind::Tls]);
    desk.conn = Some(desk.connects[before + 1].0);
    greet(&mut desk);
    for _ in 0..3 {
        assert_eq!(beat(&mut desk), 110);
    }
    assert_eq!(desk.connects.len(), before + 2);
}

#[test]
fn a_path_that_is_validated_after_a_move_teaches_nothing() {
    let mut desk = Desk::live();
    desk.now_ms += 100_000;
    desk.link("wifi", true);
    assert_eq!(desk.moves, 1);
    desk.channel(ChannelEvent::Moved);
    desk.channel(ChannelEvent::PathValidated);
    assert_eq!(forgotten(&desk), Vec::<u64>::new());
}

/// The counters of wake-ups.
fn woken(desk: &Desk) -> Vec<(&'static str, u64)> {
    let counters = desk.engine.status().counters.into_iter();
    counters
        .filter(|(name, _)| name.starts_with("wake_ups_"))
        .collect()
}

#[test]
fn what_wakes_a_phone_is_counted_by_its_reason() {
    let mut desk = Desk::live();
    beat(&mut desk);
    ping(&mut desk);
    assert_eq!(woken(&desk), [("wake_ups_heartbeat", 2)]);
}

#[test]
fn what_comes_due_in_the_turn_that_set_it_wakes_nobody() {
    let mut desk = Desk::live();
    let conn = desk.conn.unwrap();
    let event = ChannelEvent::Down(DownReason::TimedOut);
    desk.hand_in(Input::Channel { conn, event });
    let (at, reason) = desk.engine.poll_timeout().unwrap();
    assert_eq!(reason, TimerReason::Reconnect);
    desk.now_ms = at.0;
    desk.hand_in(Input::Timeout);
    desk.drain();
    assert_eq!(woken(&desk), []);
}

#[test]
fn messages_that_end_one_after_the_other_wake_a_phone_once() {
    let mut desk = Desk::live();
    desk.link("lte", false);
    desk.channel(ChannelEvent::Down(DownReason::TimedOut));
    let begin_ms = desk.now_ms;
    let ids: Vec<_> = (31..=45)
        .map(|valid_s| desk.send_for(&valid_s.to_string(), Some(valid_s)))
        .collect();
    // The phone sleeps, but for its alarms.
    while let Some((at, reason)) = desk.engine.poll_wake() {
        assert_eq!(reason, TimerReason::Validity);
        let (exact, _) = desk.engine.poll_timeout().unwrap();
        assert!(exact <= at && at.since(exact).as_secs() < 15);
        desk.now_ms = at.0;
        desk.hand_in(Input::Timeout);
        desk.drain();
    }
    let failed = Shown::Failed(Failure::ValidityOver);
    assert!(ids.iter().all(|id| desk.message(*id).shown == failed));
    let took_ms = desk.now_ms - begin_ms;
    assert!(took_ms >= 45_000, "{took_ms} ms: before its time");
    let wake_ups: u64 = woken(&desk).iter().map(|(_, count)| count).sum();
    assert!((1..=2).contains(&wake_ups), "{wake_ups} wake-ups");
}
