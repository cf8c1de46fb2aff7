//! Transports race for the connection.

use crate::desk::{Desk, EPOCH, own};
use twine_engine::{ChannelEvent, Command, ConnId, DownReason, TransportKind};
use twine_proto::Frame;
use twine_proto::frame::{SentState, SlotStatus};

const QUIC: TransportKind = TransportKind::Quic;
const TLS: TransportKind = TransportKind::Tls;
/// Of LTE, before anything is known of it.
const HEAD_START_MS: u64 = 2_000;

/// A phone with a number that begins to connect.
fn connecting() -> Desk {
    let mut desk = Desk::new();
    desk.command(Command::Register {
        number: own(),
        iccid: None,
    });
    assert_eq!(kinds(&desk), [QUIC]);
    desk
}

fn kinds(desk: &Desk) -> Vec<TransportKind> {
    desk.connects.iter().map(|(_, kind)| *kind).collect()
}

fn conn(desk: &Desk, index: usize) -> ConnId {
    desk.connects[index].0
}

/// This attempt comes up, and the gateway welcomes it.
fn wins(desk: &mut Desk, index: usize) {
    desk.conn = Some(conn(desk, index));
    desk.up();
    let identities = desk.engine.status().identities;
    let granted = identities.iter().any(|one| one.epoch.is_some());
    let status = if granted {
        SlotStatus::Ok
    } else {
        SlotStatus::Granted(EPOCH)
    };
    desk.welcome(status, SentState::default());
    assert_eq!(desk.engine.status().session.state, "live");
}

fn down(desk: &mut Desk, index: usize, reason: DownReason) {
    desk.conn = Some(conn(desk, index));
    desk.channel(ChannelEvent::Down(reason));
}

/// The session dies, and the next round begins.
fn dies(desk: &mut Desk) {
    let before = desk.connects.len();
    desk.channel(ChannelEvent::Down(DownReason::TimedOut));
    while desk.connects.len() == before {
        desk.pass(1_000);
    }
}

#[test]
fn the_second_joins_when_the_head_start_is_over() {
    let mut desk = connecting();
    desk.pass(HEAD_START_MS - 1);
    assert_eq!(kinds(&desk), [QUIC]);
    desk.pass(1);
    assert_eq!(kinds(&desk), [QUIC, TLS]);
}

#[test]
fn whichever_comes_up_is_greeted_and_the_other_is_closed_before() {
    for (winner, loser) in [(0, 1), (1, 0)] {
        let mut desk = connecting();
        desk.pass(HEAD_START_MS);
        wins(&mut desk, winner);
        assert_eq!(desk.closed, [conn(&desk, loser)]);
        // What the loser says now is nobody's business.
        desk.conn = Some(conn(&desk, loser));
        desk.channel(ChannelEvent::Up { rtt: None });
        desk.channel(ChannelEvent::Down(DownReason::TimedOut));
        assert_eq!(desk.engine.status().session.state, "live");
    }
}

#[test]
fn one_that_fails_lets_the_next_start_at_once() {
    let mut desk = connecting();
    down(&mut desk, 0, DownReason::Unreachable("no".into()));
    assert_eq!(kinds(&desk), [QUIC, TLS]);
    assert_eq!(desk.engine.status().session.state, "connecting");
    down(&mut desk, 1, DownReason::Unreachable("no".into()));
    assert_eq!(desk.engine.status().session.state, "waiting");
}

#[test]
fn while_one_runs_the_failure_of_the_other_ends_nothing() {
    let mut desk = connecting();
    desk.pass(HEAD_START_MS);
    down(&mut desk, 0, DownReason::TimedOut);
    assert_eq!(kinds(&desk), [QUIC, TLS]);
    wins(&mut desk, 1);
}

#[test]
fn a_network_that_eats_udp_costs_one_head_start() {
    let mut desk = connecting();
    desk.pass(HEAD_START_MS);
    wins(&mut desk, 1);
    for _ in 0..3 {
        // Long enough to be no sign of a transport that is cut off.
        desk.pass(31_000);
        let before = desk.connects.len();
        dies(&mut desk);
        assert_eq!(kinds(&desk)[before..], [TLS]);
        wins(&mut desk, before);
    }
    // Much later UDP has its chance again.
    desk.pass(600_000);
    while desk.engine.status().session.state == "live" {
        desk.pass(60_000);
    }
    let before = desk.connects.len();
    while desk.connects.len() == before {
        desk.pass(1_000);
    }
    assert_eq!(kinds(&desk)[before], QUIC);
}

#[test]
fn where_udp_is_eaten_a_gateway_that_refuses_is_tried_again_soon() {
    let mut desk = connecting();
    desk.pass(HEAD_START_MS);
    wins(&mut desk, 1);
    desk.pass(31_000);
    let before = desk.connects.len();
    dies(&mut desk);
    assert_eq!(kinds(&desk)[before..], [TLS]);
    // The gateway's machine is there, and nobody listens yet.
    down(&mut desk, before, DownReason::Unreachable("refused".into()));
    assert_eq!(kinds(&desk)[before..], [TLS, QUIC]);
    desk.pass(HEAD_START_MS);
    assert_eq!(desk.engine.status().session.state, "waiting");
}

#[test]
fn where_udp_passed_it_has_its_whole_time_after_a_refusal() {
    let mut desk = connecting();
    desk.pass(HEAD_START_MS);
    down(&mut desk, 1, DownReason::Unreachable("refused".into()));
    desk.pass(HEAD_START_MS * 2);
    assert_eq!(desk.engine.status().session.state, "connecting");
    wins(&mut desk, 0);
}

#[test]
fn a_coverage_hole_teaches_nothing() {
    let mut desk = connecting();
    // Nobody comes up, for a whole round.
    desk.pass(HEAD_START_MS);
    desk.pass(20_000);
    let before = desk.connects.len();
    while desk.connects.len() == before {
        desk.pass(1_000);
    }
    assert_eq!(kinds(&desk)[before], QUIC);
}

#[test]
fn one_that_comes_up_and_is_cut_off_gives_way_to_the_other() {
    let mut desk = connecting();
    wins(&mut desk, 0);
    dies(&mut desk);
    assert_eq!(*kinds(&desk).last().unwrap(), TLS);
}

// -- a session that changes its link ------------------------------------------------

#[test]
fn a_session_does_not_move_to_a_network_that_is_known_to_eat_udp() {
    let mut desk = connecting();
    wins(&mut desk, 0);
    // On the Wi-Fi nothing answers by UDP.
    desk.link("wifi", true);
    assert_eq!(desk.moves, 1);
    desk.channel(ChannelEvent::Moved);
    desk.pass(6_000);
    desk.pass(HEAD_START_MS);
    assert_eq!(kinds(&desk), [QUIC, QUIC, TLS]);
    wins(&mut desk, 2);
    assert_eq!(desk.closed.last(), Some(&conn(&desk, 1)));
    // Away, with a new session by QUIC, and back: now it is known.
    desk.link("wifi", false);
    let again = desk.connects.len() - 1;
    assert_eq!(kinds(&desk)[again], QUIC);
    wins(&mut desk, again);
    desk.link("wifi", true);
    // The patience with a link that comes back.
    desk.pass(5_000);
    assert_eq!(desk.moves, 1, "it would be of no use");
    assert_eq!(kinds(&desk).last(), Some(&TLS));
}

#[test]
fn a_move_that_is_not_answered_is_given_up_after_two_time_outs_and_not_blamed_on_the_link() {
    let mut desk = connecting();
    wins(&mut desk, 0);
    desk.link("wifi", true);
    desk.channel(ChannelEvent::Moved);
    // Nothing is known of the Wi-Fi: 3 s by RFC 6298.
    desk.pass(5_999);
    assert_eq!(desk.connects.len(), 1);
    desk.pass(1);
    assert_eq!(kinds(&desk), [QUIC, QUIC]);
    assert_eq!(desk.engine.status().session.state, "connecting");
    let on = desk
        .engine
        .status()
        .session
        .link
        .map(|link| link.0.to_string());
    assert_eq!(on.as_deref(), Some("wifi"));
    // It was the session that was gone.
    wins(&mut desk, 1);
}

#[test]
fn a_move_that_is_answered_stays() {
    let mut desk = connecting();
    wins(&mut desk, 0);
    desk.link("wifi", true);
    desk.channel(ChannelEvent::Moved);
    desk.pass(1_000);
    desk.frame(Frame::Pong(1));
    desk.pass(60_000);
    assert_eq!((desk.moves, desk.connects.len()), (1, 1));
}
