//! DELIVERY 4, 5, 13, 25.
mod common;

use common::*;
use twine_gateway_core::Config;
use twine_proto::frame::{Disposition, GoodbyeReason, Refusal};
use twine_proto::limits::WINDOW;
use twine_proto::{Frame, Seq};

#[test]
fn the_next_seq_is_taken_and_delivered() {
    let mut world = World::new();
    let (a, b) = (world.join(1), world.join(2));
    let heard = world.ask(a, submit(1, 2));
    assert_eq!(accepted(&heard).upto, Seq(1));
    assert!(accepted(&heard).away.is_empty());
    let heard = world.heard(b);
    assert_eq!(deliveries(&heard).len(), 1);
    assert_eq!(deliveries(&heard)[0].from, number(1));
    assert_eq!(deliveries(&heard)[0].epoch, FIRST_EPOCH);
}

#[test]
fn one_accepted_for_all_submits_of_a_turn() {
    let mut world = World::new();
    let a = world.join(1);
    world.say_all(a, (1..=10).map(|seq| submit(seq, 2)));
    let heard = world.heard(a);
    assert_eq!(heard.len(), 1);
    assert_eq!(accepted(&heard).upto, Seq(10));
    assert_eq!(accepted(&heard).away.len(), 10);
}

#[test]
fn a_resend_gets_the_same_answer_and_is_taken_once() {
    let mut world = World::new();
    let a = world.join(1);
    world.ask(a, submit(1, 2));
    let (a, _) = world.hello(device(1), vec![held(1, FIRST_EPOCH, 2, 1)]);
    let heard = world.ask(a, submit(1, 2));
    assert_eq!(accepted(&heard).upto, Seq(1));
    assert_eq!(accepted(&heard).conflict, None);
    assert_eq!(world.entries(2).len(), 1);
}

#[test]
fn a_refusal_is_repeated_to_a_resend_and_in_welcome() {
    let mut world = World::new();
    let a = world.join(1);
    let refused = vec![(Seq(1), Refusal::UnknownRecipient)];
    assert_eq!(accepted(&world.ask(a, submit(1, 9))).refused, refused);
    // It consumed its seq.
    assert_eq!(accepted(&world.ask(a, submit(2, 2))).upto, Seq(2));
    assert_eq!(accepted(&world.ask(a, submit(1, 9))).refused, refused);
    let (_, welcome) = world.hello(device(1), vec![held(1, FIRST_EPOCH, 3, 1)]);
    let state = &welcome.slots[0].state;
    assert_eq!(state.high_water, Seq(2));
    assert_eq!(
        state.dispositions,
        vec![(Seq(1), Disposition::Refused(Refusal::UnknownRecipient))]
    );
}

#[test]
fn a_refused_seq_stays_refused_when_the_number_is_bound_later() {
    let mut world = World::new();
    let a = world.join(1);
    world.ask(a, submit(1, 3));
    world.bind(number(3), device(3));
    let heard = world.ask(a, submit(1, 3));
    assert_eq!(accepted(&heard).refused.len(), 1);
    assert!(world.entries(3).is_empty());
}

#[test]
fn other_content_under_a_seq_is_a_conflict() {
    let mut world = World::new();
    let a = world.join(1);
    world.ask(a, submit(1, 2));
    let heard = world.ask(a, submit_text(1, 2, "something else"));
    assert_eq!(accepted(&heard).conflict, Some(Seq(1)));
    assert_eq!(accepted(&heard).upto, Seq(1));
    assert_eq!(world.entries(2).len(), 1);
}

#[test]
fn what_is_older_than_the_window_is_a_conflict() {
    let mut world = World::new();
    let a = world.join(1);
    world.say_all(a, (1..=WINDOW + 1).map(|seq| submit(seq, 2)));
    world.heard(a);
    assert_eq!(accepted(&world.ask(a, submit(2, 2))).conflict, None);
    let heard = world.ask(a, submit(1, 2));
    assert_eq!(accepted(&heard).conflict, Some(Seq(1)));
}

#[test]
fn a_gap_ends_the_connection_and_takes_nothing() {
    let mut world = World::new();
    let a = world.join(1);
    world.say_all(a, [submit(1, 2), submit(3, 2), submit(2, 2)]);
    let heard = world.heard(a);
    assert_eq!(accepted(&heard).upto, Seq(1));
    assert_eq!(goodbye_reason(&heard), Some(GoodbyeReason::ProtocolError));
    assert!(world.closed.contains(&a));
    assert_eq!(world.entries(2).len(), 1);
}

#[test]
fn a_full_mailbox_refuses_by_count_and_by_bytes() {
    let config = Config {
        mailbox_entries: 2,
        ..Config::default()
    };
    let mut world = World::with(config);
    let a = world.join(1);
    world.say_all(a, (1..=3).map(|seq| submit(seq, 2)));
    let heard = world.heard(a);
    assert_eq!(
        accepted(&heard).refused,
        vec![(Seq(3), Refusal::MailboxFull)]
    );
    // Room again once something was acknowledged.
    let b = world.join(2);
    world.say(b, ack(1));
    let heard = world.ask(a, submit(4, 2));
    assert!(accepted(&heard).refused.is_empty());

    let config = Config {
        mailbox_bytes: 200,
        ..Config::default()
    };
    let mut world = World::with(config);
    let a = world.join(1);
    world.say_all(a, [submit(1, 2), submit_text(2, 2, &"x".repeat(100))]);
    let heard = world.heard(a);
    assert_eq!(
        accepted(&heard).refused,
        vec![(Seq(2), Refusal::MailboxFull)]
    );
}

#[test]
fn content_over_the_limit_is_refused() {
    let config = Config {
        max_content_bytes: 20,
        ..Config::default()
    };
    let mut world = World::with(config);
    let a = world.join(1);
    let heard = world.ask(a, submit_text(1, 2, &"x".repeat(30)));
    assert_eq!(accepted(&heard).refused, vec![(Seq(1), Refusal::TooLarge)]);
}

#[test]
fn away_is_told_until_the_recipient_is_here() {
    let mut world = World::new();
    let a = world.join(1);
    let heard = world.ask(a, submit(1, 2));
    assert_eq!(accepted(&heard).away, vec![Seq(1)]);
    let b = world.join(2);
    let heard = world.ask(a, submit(2, 2));
    assert!(accepted(&heard).away.is_empty());
    world.turn(vec![twine_gateway_core::Input::Disconnected { conn: b }]);
    let heard = world.ask(a, submit(3, 2));
    assert_eq!(accepted(&heard).away, vec![Seq(3)]);
}

#[test]
fn a_submit_for_a_slot_that_is_not_served_changes_nothing() {
    let mut world = World::new();
    let (a, _) = world.hello(device(1), vec![wanted(2), wanted(1)]);
    // Slot 0 is number 2, bound to another device.
    let heard = world.ask(a, submit(1, 1));
    assert!(heard.is_empty());
    assert!(world.entries(1).is_empty());
    assert!(!world.closed.contains(&a));
}

#[test]
fn a_number_moved_meanwhile_is_not_served_one_frame_longer() {
    let mut world = World::new();
    let a = world.join(1);
    world.bind(number(1), device(3));
    let heard = world.ask(a, submit(1, 2));
    assert!(goodbye(&heard).is_some());
    assert!(world.closed.contains(&a));
    assert!(world.entries(2).is_empty());
}

#[test]
fn frames_that_only_travel_the_other_way_end_the_connection() {
    let mut world = World::new();
    let a = world.join(1);
    let heard = world.ask(a, Frame::Accepted(twine_proto::frame::Accepted::default()));
    assert_eq!(goodbye_reason(&heard), Some(GoodbyeReason::ProtocolError));
}
