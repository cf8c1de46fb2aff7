//! DELIVERY 3, 6, 7, 8.
mod common;

use common::*;
use twine_gateway_core::limits::MAX_CLAIMED_EPOCH;
use twine_gateway_core::{Config, Input};
use twine_proto::frame::{
    Binding, Disposition, GoodbyeReason, Hello, HelloSlot, Refusal, RevokeOutcome, SlotStatus,
};
use twine_proto::limits::MAX_SEQS_PER_FRAME;
use twine_proto::{Cursor, Epoch, Frame, Seq, SessionNo};

fn status(world: &mut World, id: u8, slot: HelloSlot) -> SlotStatus {
    world.hello(device(id), vec![slot]).1.slots[0].status
}

#[test]
fn the_first_frame_must_be_hello_and_there_is_one() {
    let mut world = World::new();
    let a = world.connect(device(1));
    let heard = world.ask(a, submit(1, 2));
    assert_eq!(goodbye_reason(&heard), Some(GoodbyeReason::ProtocolError));

    let a = world.join(1);
    let hello = Hello {
        session_no: world.next_session(device(1)),
        after: SessionNo(0),
        slots: vec![wanted(1)],
    };
    let heard = world.ask(a, Frame::Hello(hello));
    assert_eq!(goodbye_reason(&heard), Some(GoodbyeReason::ProtocolError));
}

/// What the device does not know to be welcomed in: it tells two phones with one key apart.
#[test]
fn a_welcome_names_the_sessions_served_since_the_one_that_is_known() {
    let mut world = World::new();
    let mut since = |no: u64, after: u64| {
        let conn = world.connect(device(1));
        let hello = Hello {
            session_no: SessionNo(no),
            after: SessionNo(after),
            slots: vec![wanted(1)],
        };
        match &world.ask(conn, Frame::Hello(hello))[0] {
            Frame::Welcome(welcome) => welcome.since.clone(),
            frame => panic!("{frame:?}"),
        }
    };
    assert_eq!(since(10, 0), []);
    assert_eq!(since(20, 10), []);
    assert_eq!(
        since(25, 10),
        [SessionNo(20)],
        "of the twin's, or its answer was lost"
    );
    assert_eq!(since(30, 10), [SessionNo(20), SessionNo(25)]);
    assert_eq!(since(40, 30), []);
    for no in 41..60 {
        since(no, 30);
    }
    let newest: Vec<_> = (44..60).map(SessionNo).collect();
    assert_eq!(since(60, 30), newest, "so many, and no more");
}

#[test]
fn an_epoch_is_never_below_the_days_since_2025() {
    let mut world = World::new();
    assert_eq!(
        status(&mut world, 1, wanted(1)),
        SlotStatus::Granted(Epoch(690))
    );
    assert_eq!(
        status(&mut world, 1, wanted(1)),
        SlotStatus::Granted(Epoch(691))
    );
    let slot = HelloSlot {
        binding: Binding::Wanted { last: Epoch(800) },
        ..wanted(1)
    };
    assert_eq!(status(&mut world, 1, slot), SlotStatus::Granted(Epoch(801)));
}

#[test]
fn a_grant_outlives_the_process() {
    let mut world = World::new();
    world.join(1);
    world.restart();
    assert_eq!(
        status(&mut world, 1, held(1, FIRST_EPOCH, 1, 1)),
        SlotStatus::Ok
    );
}

#[test]
fn a_forged_epoch_is_a_protocol_error() {
    let mut world = World::new();
    for binding in [
        Binding::Wanted {
            last: Epoch(MAX_CLAIMED_EPOCH + 1),
        },
        Binding::Held(position(Epoch(u32::MAX), 1, 1)),
    ] {
        let conn = world.connect(device(1));
        let hello = Hello {
            session_no: world.next_session(device(1)),
            after: SessionNo(0),
            slots: vec![HelloSlot {
                binding,
                ..wanted(1)
            }],
        };
        let heard = world.ask(conn, Frame::Hello(hello));
        assert_eq!(goodbye_reason(&heard), Some(GoodbyeReason::ProtocolError));
    }
    assert_eq!(
        status(&mut world, 1, wanted(1)),
        SlotStatus::Granted(FIRST_EPOCH)
    );
}

#[test]
fn numbers_of_others_and_unknown_ones_look_the_same() {
    let mut world = World::new();
    world.join(2);
    let (_, welcome) = world.hello(
        device(1),
        vec![wanted(1), wanted(2), wanted(9), held(2, FIRST_EPOCH, 1, 1)]
            .into_iter()
            .take(3)
            .collect(),
    );
    assert_eq!(welcome.slots[1].status, SlotStatus::NotBound);
    assert_eq!(welcome.slots[1], welcome.slots[2]);
    assert_eq!(
        status(&mut world, 1, held(2, FIRST_EPOCH, 1, 1)),
        SlotStatus::NotBound
    );
}

#[test]
fn a_number_twice_is_a_protocol_error() {
    let mut world = World::new();
    let conn = world.connect(device(1));
    let hello = Hello {
        session_no: SessionNo(1),
        after: SessionNo(0),
        slots: vec![wanted(1), wanted(1)],
    };
    let heard = world.ask(conn, Frame::Hello(hello));
    assert_eq!(goodbye_reason(&heard), Some(GoodbyeReason::ProtocolError));
}

#[test]
fn a_stranger_is_sent_away_and_leaves_no_record() {
    let mut world = World::new();
    let (conn, welcome) = world.hello(device(7), vec![wanted(1)]);
    assert_eq!(welcome.slots[0].status, SlotStatus::NotBound);
    let heard = world.heard(conn);
    assert_eq!(goodbye_reason(&heard), Some(GoodbyeReason::UnknownDevice));
    assert!(world.closed.contains(&conn));
    // Once a number is bound, an early session number serves as well.
    world.bind(number(7), device(7));
    let conn = world.connect(device(7));
    let hello = Hello {
        session_no: SessionNo(1),
        after: SessionNo(0),
        slots: vec![wanted(7)],
    };
    let heard = world.ask(conn, Frame::Hello(hello));
    assert!(matches!(heard[0], Frame::Welcome(_)));
}

#[test]
fn a_newer_session_ends_the_older_one() {
    let mut world = World::new();
    let a = world.join(1);
    let (newer, _) = world.hello(device(1), vec![held(1, FIRST_EPOCH, 1, 1)]);
    let heard = world.heard(a);
    let goodbye = goodbye(&heard).unwrap();
    assert_eq!(goodbye.reason, GoodbyeReason::Superseded);
    assert_eq!(goodbye.session_no, SessionNo(2));
    assert!(world.closed.contains(&a));
    // What the older one still says has no effect.
    world.say(a, submit(1, 2));
    assert!(world.entries(2).is_empty());
    assert_eq!(accepted(&world.ask(newer, submit(1, 2))).upto, Seq(1));
}

#[test]
fn an_older_or_equal_session_is_not_served_also_after_a_restart() {
    let mut world = World::new();
    world.join(1);
    world.join(1);
    world.restart();
    for session_no in [0, 1, 2] {
        let conn = world.connect(device(1));
        let hello = Hello {
            session_no: SessionNo(session_no),
            after: SessionNo(0),
            slots: vec![wanted(1)],
        };
        let heard = world.ask(conn, Frame::Hello(hello));
        let goodbye = goodbye(&heard).unwrap();
        assert_eq!(goodbye.reason, GoodbyeReason::Superseded);
        assert_eq!(goodbye.session_no, SessionNo(2));
        assert!(world.closed.contains(&conn));
    }
}

#[test]
fn a_lower_epoch_is_closed() {
    let mut world = World::new();
    world.join(1);
    world.join(1);
    assert_eq!(
        status(&mut world, 1, held(1, FIRST_EPOCH, 1, 1)),
        SlotStatus::EpochClosed
    );
}

#[test]
fn an_epoch_of_another_device_is_closed_even_if_it_is_the_present_one() {
    let mut world = World::new();
    world.join(1);
    world.bind(number(1), device(3));
    assert_eq!(
        status(&mut world, 3, held(1, FIRST_EPOCH, 1, 1)),
        SlotStatus::EpochClosed
    );
    // And its outcomes are not told to the new device.
    let slot = HelloSlot {
        old: vec![position(FIRST_EPOCH, 1, 1)],
        ..wanted(1)
    };
    let (_, welcome) = world.hello(device(3), vec![slot]);
    assert_eq!(welcome.slots[0].status, SlotStatus::Granted(Epoch(691)));
    assert_eq!(
        status(&mut world, 1, held(1, FIRST_EPOCH, 1, 1)),
        SlotStatus::NotBound
    );
}

#[test]
fn outcomes_of_a_closed_epoch_go_to_the_device_that_held_it_only() {
    let mut world = World::new();
    let a = world.join(1);
    world.say_all(a, [submit(1, 9), submit(2, 2)]);
    let b = world.join(2);
    world.say(b, ack(1));
    let old = |id| HelloSlot {
        old: vec![position(FIRST_EPOCH, 4, 1)],
        ..wanted(id)
    };
    let (_, welcome) = world.hello(device(1), vec![old(1)]);
    let (epoch, state) = &welcome.slots[0].old[0];
    assert_eq!(*epoch, FIRST_EPOCH);
    assert_eq!(state.high_water, Seq(2));
    assert_eq!(state.delivered, vec![Seq(2)]);
    assert_eq!(
        state.dispositions,
        vec![(Seq(1), Disposition::Refused(Refusal::UnknownRecipient))]
    );
    world.bind(number(1), device(3));
    let (_, welcome) = world.hello(device(3), vec![old(1)]);
    assert!(welcome.slots[0].old.is_empty());
}

#[test]
fn a_closed_epoch_stays_deliverable_and_its_outcome_is_told_with_its_name() {
    let mut world = World::new();
    let a = world.join(1);
    world.say(a, submit(1, 2));
    let a = world.join(1);
    let b = world.join(2);
    world.say(b, ack(1));
    let heard = world.heard(a);
    assert_eq!(outcomes(&heard).0, vec![1]);
    assert!(matches!(
        &heard[0],
        Frame::Receipt(twine_proto::frame::Receipt {
            kind: twine_proto::frame::ReceiptKind::Outcomes {
                epoch: Some(FIRST_EPOCH),
                ..
            },
            ..
        })
    ));
}

#[test]
fn a_gateway_that_lost_the_grant_takes_the_epoch_over() {
    let mut world = World::new();
    let backup = world.storage.clone();
    let a = world.join(1);
    world.say_all(a, (1..=5).map(|seq| submit(seq, 2)));
    world.restore(&backup);
    let (a, welcome) = world.hello(device(1), vec![held(1, FIRST_EPOCH, 6, 4)]);
    assert_eq!(welcome.slots[0].status, SlotStatus::Ok);
    assert_eq!(welcome.slots[0].state.high_water, Seq(3));
    world.say_all(a, [submit(4, 2), submit(5, 2)]);
    assert_eq!(world.entries(2).len(), 2);
    // Another epoch lies above.
    assert_eq!(
        status(&mut world, 1, wanted(1)),
        SlotStatus::Granted(Epoch(691))
    );
}

#[test]
fn a_gateway_whose_mark_lies_too_low_raises_it() {
    let mut world = World::new();
    let a = world.join(1);
    world.say(a, submit(1, 2));
    let backup = world.storage.clone();
    world.say_all(a, (2..=5).map(|seq| submit(seq, 2)));
    world.restore(&backup);
    let (a, welcome) = world.hello(device(1), vec![held(1, FIRST_EPOCH, 6, 5)]);
    assert_eq!(welcome.slots[0].state.high_water, Seq(4));
    assert_eq!(accepted(&world.ask(a, submit(5, 2))).upto, Seq(5));
    // Nothing is known of what was lost.
    let heard = world.ask(a, revoke(&[3]));
    assert_eq!(revoked(&heard), vec![(3, RevokeOutcome::Forgotten)]);
    assert_eq!(accepted(&world.ask(a, submit(3, 2))).conflict, Some(Seq(3)));
}

#[test]
fn a_gateway_with_a_higher_mark_than_the_sender_just_says_so() {
    let mut world = World::new();
    let a = world.join(1);
    world.say_all(a, (1..=5).map(|seq| submit(seq, 2)));
    let (_, welcome) = world.hello(device(1), vec![held(1, FIRST_EPOCH, 3, 2)]);
    assert_eq!(welcome.slots[0].status, SlotStatus::Ok);
    assert_eq!(welcome.slots[0].state.high_water, Seq(5));
}

#[test]
fn a_seq_settled_by_sms_before_it_came_here_leaves_no_hole() {
    let mut world = World::new();
    let a = world.join(1);
    // Seq 1 never came here: the sender settled it by an uncertain SMS.
    world.say(a, settled(2));
    assert_eq!(accepted(&world.ask(a, submit(2, 2))).upto, Seq(2));
}

#[test]
fn outcomes_beyond_one_frame_follow_as_receipts() {
    let mut world = World::new();
    let a = world.join(1);
    let total = MAX_SEQS_PER_FRAME as u64 + 100;
    world.say_all(a, (1..=total).map(|seq| submit(seq, 9)));
    let (a, welcome) = world.hello(device(1), vec![held(1, FIRST_EPOCH, total + 1, 1)]);
    let first = &welcome.slots[0].state.dispositions;
    assert_eq!(first.len(), MAX_SEQS_PER_FRAME);
    let rest = outcomes(&world.heard(a)).1;
    assert_eq!(rest.len(), 100);
    assert_eq!(rest.last().unwrap().0, total);
}

#[test]
fn outcomes_are_told_from_the_lowest_unsettled_on() {
    let mut world = World::new();
    let a = world.join(1);
    world.say_all(a, (1..=5).map(|seq| submit(seq, 9)));
    let (_, welcome) = world.hello(device(1), vec![held(1, FIRST_EPOCH, 6, 4)]);
    let told: Vec<u64> = welcome.slots[0]
        .state
        .dispositions
        .iter()
        .map(|d| d.0.get())
        .collect();
    assert_eq!(told, [4, 5]);
}

// -- the receiver's cursor ----------------------------------------------------

/// Messages 1 to `count` from 1 to 2 were handed over and not acknowledged.
fn in_doubt(count: u64) -> World {
    let mut world = World::new();
    let (a, b) = (world.join(1), world.join(2));
    world.say_all(a, (1..=count).map(|seq| submit(seq, 2)));
    assert_eq!(cursors(&world.heard(b)).len() as u64, count);
    world.turn(vec![Input::Disconnected { conn: b }]);
    world.heard(a);
    world
}

#[test]
fn a_cursor_that_matches_settles_what_is_in_doubt() {
    let mut world = in_doubt(5);
    let slot = at_cursor(held(2, FIRST_EPOCH, 1, 1), 3, 1, FIRST_EPOCH, 3);
    let (b, _) = world.hello(device(2), vec![slot]);
    assert_eq!(cursors(&world.heard(b)), [4, 5]);
    let (_, welcome) = world.hello(device(1), vec![held(1, FIRST_EPOCH, 6, 1)]);
    assert_eq!(
        welcome.slots[0].state.delivered,
        vec![Seq(1), Seq(2), Seq(3)]
    );
}

#[test]
fn a_cursor_whose_check_does_not_match_settles_nothing() {
    let mut world = in_doubt(5);
    let slot = at_cursor(held(2, FIRST_EPOCH, 1, 1), 3, 1, FIRST_EPOCH, 4);
    let (b, _) = world.hello(device(2), vec![slot]);
    assert_eq!(cursors(&world.heard(b)), [1, 2, 3, 4, 5]);
}

#[test]
fn a_cursor_that_was_never_handed_over_settles_nothing() {
    let mut world = World::new();
    let a = world.join(1);
    world.say(a, submit(1, 2));
    let slot = at_cursor(wanted(2), 1, 1, FIRST_EPOCH, 1);
    let (b, _) = world.hello(device(2), vec![slot]);
    assert_eq!(cursors(&world.heard(b)), [1]);
}

#[test]
fn without_a_cursor_everything_unacknowledged_comes_again() {
    let mut world = in_doubt(3);
    let (b, _) = world.hello(device(2), vec![held(2, FIRST_EPOCH, 1, 1)]);
    assert_eq!(cursors(&world.heard(b)), [1, 2, 3]);
    world.say(b, ack(2));
    let (b, _) = world.hello(device(2), vec![held(2, FIRST_EPOCH, 1, 1)]);
    assert_eq!(cursors(&world.heard(b)), [3]);
}

#[test]
fn a_cursor_of_a_lost_history_never_acknowledges_another_message() {
    // The device has committed cursor 2: message 2. The gateway falls back to
    // before both. This time a message of another sender takes cursor 1, and
    // message 2, submitted again, takes cursor 2.
    let mut world = World::new();
    world.bind(number(3), device(3));
    let (a, b, c) = (world.join(1), world.join(2), world.join(3));
    let backup = world.storage.clone();
    world.say_all(a, [submit(1, 2), submit(2, 2)]);
    world.heard(b);
    world.say(b, ack(2));
    world.restore(&backup);
    let _ = c;
    let (c, _) = world.hello(device(3), vec![held(3, FIRST_EPOCH, 1, 1)]);
    world.say(c, submit_text(1, 2, "new"));
    // Message 1 is settled for its sender: only 2 is submitted again.
    let (a, _) = world.hello(device(1), vec![held(1, FIRST_EPOCH, 3, 2)]);
    world.say(a, submit(2, 2));
    let greeting = || at_cursor(held(2, FIRST_EPOCH, 1, 1), 2, 1, FIRST_EPOCH, 2);
    let (b, _) = world.hello(device(2), vec![greeting()]);
    assert_eq!(cursors(&world.heard(b)), [1, 2], "handed over");
    // The connection dies before anything arrives. The device repeats what it
    // has: cursor 2 with the check of message 2, which now matches.
    let (b, _) = world.hello(device(2), vec![greeting()]);
    assert_eq!(
        cursors(&world.heard(b)),
        [1, 2],
        "the new message comes again"
    );
    world.say(b, ack(2));
    assert!(world.entries(2).is_empty());
}

#[test]
fn both_numbers_of_a_device_settle_before_outcomes_are_told() {
    let mut world = World::new();
    world.bind(number(3), device(1));
    let (a, welcome) = world.hello(device(1), vec![wanted(1), wanted(3)]);
    assert_eq!(welcome.slots[1].status, SlotStatus::Granted(FIRST_EPOCH));
    world.say(a, submit(1, 3));
    let slots = vec![
        held(1, FIRST_EPOCH, 2, 1),
        at_cursor(held(3, FIRST_EPOCH, 1, 1), 1, 1, FIRST_EPOCH, 1),
    ];
    let (_, welcome) = world.hello(device(1), slots);
    assert_eq!(welcome.slots[0].state.delivered, vec![Seq(1)]);
}

// -- connections --------------------------------------------------------------

#[test]
fn a_connection_without_hello_and_a_silent_one_are_ended() {
    let config = Config {
        hello_timeout_s: 10,
        idle_limit_s: 100,
        ..Config::default()
    };
    let mut world = World::with(config);
    let (mute, a) = (world.connect(device(1)), world.join(2));
    assert_eq!(
        world.core.poll_timeout(),
        Some(0),
        "mail is looked at first"
    );
    world.tick();
    assert_eq!(world.core.poll_timeout(), Some(10_000));
    world.pass(10);
    world.tick();
    assert!(world.closed.contains(&mute));
    world.pass(85);
    world.say(a, Frame::Ping(7));
    assert_eq!(world.heard(a).last(), Some(&Frame::Pong(7)));
    world.pass(99);
    world.tick();
    assert!(!world.closed.contains(&a));
    world.pass(1);
    world.tick();
    assert!(world.closed.contains(&a));
}

#[test]
fn too_many_connections_are_told_when_to_come_back() {
    let config = Config {
        max_connections: 1,
        overload_retry_s: 33,
        ..Config::default()
    };
    let mut world = World::with(config);
    world.join(1);
    let b = world.connect(device(2));
    let heard = world.heard(b);
    assert_eq!(goodbye_reason(&heard), Some(GoodbyeReason::Overloaded));
    assert_eq!(goodbye(&heard).unwrap().retry_after_s, 33);
    assert!(world.closed.contains(&b));
}

#[test]
fn a_gateway_that_drains_can_name_another() {
    let mut world = World::with(Config {
        drain_redirect: "gw2.example.net:443".into(),
        ..Config::default()
    });
    let a = world.join(1);
    world.turn(vec![Input::Drain { retry_after_s: 5 }]);
    let late = world.connect(device(2));
    for conn in [a, late] {
        let goodbye = world.heard(conn).into_iter().find_map(|frame| match frame {
            Frame::Goodbye(goodbye) => Some(goodbye),
            _ => None,
        });
        assert_eq!(goodbye.unwrap().redirect, "gw2.example.net:443");
    }
}

#[test]
fn draining_sends_everybody_away() {
    let mut world = World::new();
    let a = world.join(1);
    world.turn(vec![
        Input::Frame {
            conn: a,
            frame: submit(1, 2),
        },
        Input::Drain { retry_after_s: 5 },
    ]);
    let heard = world.heard(a);
    assert_eq!(accepted(&heard).upto, Seq(1));
    assert_eq!(goodbye_reason(&heard), Some(GoodbyeReason::Draining));
    assert!(matches!(heard.last(), Some(Frame::Goodbye(_))));
    let b = world.connect(device(2));
    assert_eq!(
        goodbye_reason(&world.heard(b)),
        Some(GoodbyeReason::Draining)
    );
}

#[test]
fn a_cursor_of_zero_says_nothing() {
    let mut world = in_doubt(1);
    let slot = HelloSlot {
        cursor: Cursor(0),
        cursor_check: 77,
        ..held(2, FIRST_EPOCH, 1, 1)
    };
    let (b, _) = world.hello(device(2), vec![slot]);
    assert_eq!(cursors(&world.heard(b)), [1]);
}
