//! DELIVERY 14, 15: each line of the table in `revoke`.
mod common;

use common::*;
use twine_gateway_core::{Input, Storage, Tx, restored};
use twine_proto::frame::RevokeOutcome::{AlreadyDelivered, Forgotten, InDoubt, Revoked};
use twine_proto::frame::{Disposition, HelloSlot, ReceiptKind, RejectReason, Revoke};
use twine_proto::{Cursor, Frame, Seq, Slot};

#[test]
fn what_waits_is_taken_back_for_good() {
    let mut world = World::new();
    let a = world.join(1);
    world.say_all(a, [submit(1, 2), submit(2, 2)]);
    assert_eq!(revoked(&world.ask(a, revoke(&[1]))), [(1, Revoked)]);
    // The answer was lost: asked again.
    assert_eq!(revoked(&world.ask(a, revoke(&[1]))), [(1, Revoked)]);
    let b = world.join(2);
    assert_eq!(cursors(&world.heard(b)), [2]);
    let (_, welcome) = world.hello(device(1), vec![held(1, FIRST_EPOCH, 3, 1)]);
    let state = &welcome.slots[0].state;
    assert_eq!(state.dispositions, [(Seq(1), Disposition::Revoked)]);
}

#[test]
fn a_revoke_in_the_turn_of_its_submit_wins_over_delivery() {
    let mut world = World::new();
    let (a, b) = (world.join(1), world.join(2));
    world.say_all(a, [submit(1, 2), revoke(&[1])]);
    assert_eq!(revoked(&world.heard(a)), [(1, Revoked)]);
    assert!(world.heard(b).is_empty());
}

#[test]
fn what_was_handed_over_is_in_doubt_and_stays_deliverable() {
    let mut world = World::new();
    let (a, b) = (world.join(1), world.join(2));
    world.say(a, submit(1, 2));
    world.heard(b);
    assert_eq!(revoked(&world.ask(a, revoke(&[1]))), [(1, InDoubt)]);
    let (b, _) = world.hello(device(2), vec![held(2, FIRST_EPOCH, 1, 1)]);
    assert_eq!(cursors(&world.heard(b)), [1]);
    world.say(b, ack(1));
    assert_eq!(outcomes(&world.heard(a)).0, [1]);
    assert_eq!(
        revoked(&world.ask(a, revoke(&[1]))),
        [(1, AlreadyDelivered)]
    );
}

#[test]
fn handed_survives_the_gateway_dying_before_the_frame_left() {
    let mut world = World::new();
    let (a, b) = (world.join(1), world.join(2));
    world.say(a, submit(1, 2));
    let _ = b;
    world.restart();
    let (a, _) = world.hello(device(1), vec![held(1, FIRST_EPOCH, 2, 1)]);
    assert_eq!(revoked(&world.ask(a, revoke(&[1]))), [(1, InDoubt)]);
}

#[test]
fn the_next_seq_is_consumed_and_never_delivered() {
    let mut world = World::new();
    let (a, b) = (world.join(1), world.join(2));
    assert_eq!(
        revoked(&world.ask(a, revoke(&[1, 2]))),
        [(1, Revoked), (2, Revoked)]
    );
    // A Submit that comes later is answered as taken.
    let heard = world.ask(a, submit(1, 2));
    assert_eq!(accepted(&heard).upto, Seq(2));
    assert_eq!(accepted(&heard).conflict, None);
    assert!(accepted(&heard).refused.is_empty());
    assert!(world.heard(b).is_empty());
    assert_eq!(accepted(&world.ask(a, submit(3, 2))).upto, Seq(3));
}

#[test]
fn what_lies_further_ahead_is_not_consumed() {
    let mut world = World::new();
    let a = world.join(1);
    assert_eq!(revoked(&world.ask(a, revoke(&[3]))), [(3, Forgotten)]);
    assert_eq!(accepted(&world.ask(a, submit(1, 2))).upto, Seq(1));
}

#[test]
fn what_was_refused_was_never_there() {
    let mut world = World::new();
    let a = world.join(1);
    world.say(a, submit(1, 9));
    assert_eq!(revoked(&world.ask(a, revoke(&[1]))), [(1, Revoked)]);
}

#[test]
fn what_expired_unhanded_is_revoked_and_handed_is_in_doubt() {
    let mut world = World::new();
    world.bind(number(3), device(3));
    let (a, b) = (world.join(1), world.join(2));
    world.say_all(a, [submit(1, 2), submit(2, 3)]);
    world.turn(vec![Input::Disconnected { conn: b }]);
    world.pass(world.config.mail_ttl_s);
    world.tick();
    let (a, _) = world.hello(device(1), vec![held(1, FIRST_EPOCH, 3, 1)]);
    assert_eq!(
        revoked(&world.ask(a, revoke(&[1, 2]))),
        [(1, InDoubt), (2, Revoked)]
    );
}

#[test]
fn a_rejected_message_is_there_and_the_rejection_is_told_first() {
    let mut world = World::new();
    let (a, b) = (world.join(1), world.join(2));
    world.say(a, submit(1, 2));
    let reason = RejectReason::Conflict;
    world.say(
        b,
        receipt(ReceiptKind::Rejected {
            cursor: Cursor(1),
            reason,
        }),
    );
    // The sender lost the receipt.
    world.heard(a);
    let heard = world.ask(a, revoke(&[1]));
    assert_eq!(
        outcomes(&heard[..1]).1,
        [(1, Disposition::Rejected(reason))]
    );
    assert_eq!(revoked(&heard), [(1, AlreadyDelivered)]);
}

#[test]
fn a_closed_epoch_can_be_taken_back_by_the_device_that_held_it() {
    let mut world = World::new();
    let a = world.join(1);
    world.say(a, submit(1, 2));
    let a = world.join(1);
    let old = |seqs: &[u64]| {
        Frame::Revoke(Revoke {
            slot: Slot(0),
            epoch: Some(FIRST_EPOCH),
            seqs: seqs.iter().map(|seq| Seq(*seq)).collect(),
        })
    };
    // A closed epoch takes nothing, so nothing is consumed either.
    assert_eq!(
        revoked(&world.ask(a, old(&[1, 2]))),
        [(1, Revoked), (2, Forgotten)]
    );
    world.bind(number(1), device(3));
    let (c, _) = world.hello(device(3), vec![wanted(1)]);
    assert_eq!(revoked(&world.ask(c, old(&[1]))), [(1, Forgotten)]);
}

#[test]
fn a_revoke_for_a_slot_that_is_not_served_has_no_answer() {
    let mut world = World::new();
    let (a, _) = world.hello(device(1), vec![wanted(2), wanted(1)]);
    assert!(world.ask(a, revoke(&[1])).is_empty());
}

#[test]
fn the_receivers_next_hello_settles_a_doubt() {
    let mut world = World::new();
    let (a, b) = (world.join(1), world.join(2));
    world.say(a, submit(1, 2));
    world.heard(b);
    assert_eq!(revoked(&world.ask(a, revoke(&[1]))), [(1, InDoubt)]);
    let slot: HelloSlot = at_cursor(held(2, FIRST_EPOCH, 1, 1), 1, 1, FIRST_EPOCH, 1);
    world.hello(device(2), vec![slot]);
    assert_eq!(outcomes(&world.heard(a)).0, [1]);
    assert_eq!(
        revoked(&world.ask(a, revoke(&[1]))),
        [(1, AlreadyDelivered)]
    );
}

#[test]
fn after_a_restore_nothing_that_waits_is_taken_back_for_certain() {
    // Message 1 waits in the backup; it is delivered in the time that is lost.
    let mut world = World::new();
    let a = world.join(1);
    world.say(a, submit(1, 2));
    let backup = world.storage.clone();
    let b = world.join(2);
    assert_eq!(cursors(&world.heard(b)), [1]);
    world.say(b, ack(1));
    world.restore(&backup);
    let mut tx = world.storage.begin().unwrap();
    restored(&mut tx, START_UNIX_S).unwrap();
    tx.commit().unwrap();
    let (a, _) = world.hello(device(1), vec![held(1, FIRST_EPOCH, 2, 1)]);
    assert_eq!(revoked(&world.ask(a, revoke(&[1]))), [(1, InDoubt)]);
    // A cursor of the lost history vouches for nothing: other entries may stand
    // below it now. What waits is delivered again, and acknowledged again.
    let slot = at_cursor(held(2, FIRST_EPOCH, 1, 1), 1, 1, FIRST_EPOCH, 1);
    let (b, _) = world.hello(device(2), vec![slot]);
    assert_eq!(outcomes(&world.heard(a)).0, []);
    // It moved when its sender was seen.
    assert_eq!(cursors(&world.heard(b)), [2]);
    world.say(b, ack(2));
    assert_eq!(outcomes(&world.heard(a)).0, [1]);
    // What comes after the restore is known again.
    world.bind(number(3), device(3));
    world.say(a, submit(2, 3));
    assert_eq!(revoked(&world.ask(a, revoke(&[2]))), [(2, Revoked)]);
}

#[test]
fn what_is_submitted_again_after_a_restore_is_not_taken_back_for_certain() {
    // Message 1 was taken and delivered in the time that is lost.
    let mut world = World::new();
    let (a, b) = (world.join(1), world.join(2));
    let backup = world.storage.clone();
    world.say(a, submit(1, 2));
    world.heard(b);
    world.restore(&backup);
    let mut tx = world.storage.begin().unwrap();
    restored(&mut tx, START_UNIX_S).unwrap();
    tx.commit().unwrap();
    let (a, welcome) = world.hello(device(1), vec![held(1, FIRST_EPOCH, 2, 1)]);
    assert_eq!(welcome.slots[0].state.high_water, Seq(0));
    world.say_all(a, [submit(1, 2), submit(2, 2)]);
    // Message 2 was given after the restore was noticed.
    assert_eq!(
        revoked(&world.ask(a, revoke(&[1, 2]))),
        [(1, InDoubt), (2, Revoked)]
    );
    let (b, _) = world.hello(device(2), vec![held(2, FIRST_EPOCH, 1, 1)]);
    assert_eq!(cursors(&world.heard(b)), [1]);
}

#[test]
fn a_hello_that_proves_lost_history_raises_the_same_doubt() {
    let mut world = World::new();
    let backup = world.storage.clone();
    let a = world.join(1);
    world.say_all(a, (1..=3).map(|seq| submit(seq, 2)));
    world.restore(&backup);
    let (a, _) = world.hello(device(1), vec![held(1, FIRST_EPOCH, 4, 2)]);
    world.say_all(a, (2..=4).map(|seq| submit(seq, 2)));
    let heard = world.ask(a, revoke(&[2, 3, 4]));
    assert_eq!(revoked(&heard), [(2, InDoubt), (3, InDoubt), (4, Revoked)]);
}
