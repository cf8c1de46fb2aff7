//! DELIVERY 9, 11, 12, 13.
mod common;

use common::*;
use twine_gateway_core::storage::Fate;
use twine_gateway_core::{Config, Input};
use twine_proto::frame::{
    Capabilities, Disposition, Lookup, ReadMark, Receipt, ReceiptKind, RejectReason, Submit, Typing,
};
use twine_proto::limits::WINDOW;
use twine_proto::{Content, Cursor, Epoch, Frame, LaneSeq, Seq, Slot};

#[test]
fn handed_is_stored_and_an_ack_becomes_delivered() {
    let mut world = World::new();
    let (a, b) = (world.join(1), world.join(2));
    world.say(a, submit(1, 2));
    assert_eq!(world.storage.mailbox(number(2)).handed_upto, Cursor(1));
    world.heard(a);
    world.say(b, ack(1));
    assert!(world.entries(2).is_empty());
    assert_eq!(outcomes(&world.heard(a)).0, [1]);
}

#[test]
fn delivered_is_told_once_a_turn_and_in_welcome() {
    let mut world = World::new();
    let (a, b) = (world.join(1), world.join(2));
    world.say_all(a, (1..=5).map(|seq| submit(seq, 2)));
    world.heard(a);
    world.say_all(b, [ack(1), ack(2), ack(5)]);
    let heard = world.heard(a);
    assert_eq!(heard.len(), 1);
    assert_eq!(outcomes(&heard).0, [1, 2, 3, 4, 5]);
    world.restart();
    let (_, welcome) = world.hello(device(1), vec![held(1, FIRST_EPOCH, 6, 1)]);
    assert_eq!(welcome.slots[0].state.delivered.len(), 5);
}

#[test]
fn an_ack_covers_only_what_was_delivered_on_this_connection() {
    let config = Config {
        max_unacked_entries: 2,
        ..Config::default()
    };
    let mut world = World::with(config);
    let (a, b) = (world.join(1), world.join(2));
    world.say_all(a, (1..=5).map(|seq| submit(seq, 2)));
    assert_eq!(cursors(&world.heard(b)), [1, 2]);
    world.say(b, ack(5));
    assert_eq!(cursors(&world.heard(b)), [3, 4]);
    assert_eq!(world.entries(2).len(), 3);
    // A new connection has delivered nothing yet that an old ack could cover.
    world.restart();
    let (b, _) = world.hello(device(2), vec![held(2, FIRST_EPOCH, 1, 1)]);
    assert_eq!(cursors(&world.heard(b)), [3, 4]);
}

#[test]
fn unacknowledged_bytes_are_bounded_but_one_entry_always_may() {
    let config = Config {
        max_unacked_bytes: 1000,
        ..Config::default()
    };
    let mut world = World::with(config);
    let (a, b) = (world.join(1), world.join(2));
    let long = "x".repeat(3000);
    world.say_all(a, (1..=3).map(|seq| submit_text(seq, 2, &long)));
    assert_eq!(cursors(&world.heard(b)), [1]);
    world.say(b, ack(1));
    assert_eq!(cursors(&world.heard(b)), [2]);
}

#[test]
fn a_full_mailbox_does_not_starve_the_other_number_of_a_device() {
    let config = Config {
        max_unacked_entries: 2,
        ..Config::default()
    };
    let mut world = World::with(config);
    world.bind(number(3), device(2));
    let a = world.join(1);
    world.say_all(a, (1..=6).map(|seq| submit(seq, 2)));
    world.say(a, submit(7, 3));
    let (b, _) = world.hello(device(2), vec![wanted(2), wanted(3)]);
    assert_eq!(deliveries(&world.heard(b)).len(), 2);
    world.say(b, ack(1));
    let heard = world.heard(b);
    assert_eq!(deliveries(&heard)[0].slot, Slot(1));
}

#[test]
fn a_rejection_before_the_ack_is_the_outcome() {
    let mut world = World::new();
    let (a, b) = (world.join(1), world.join(2));
    world.say(a, submit(1, 2));
    world.heard(a);
    let rejected = receipt(ReceiptKind::Rejected {
        cursor: Cursor(1),
        reason: RejectReason::Unreadable,
    });
    let heard = world.ask(b, rejected);
    assert_eq!(accepted(&heard[1..]).receipts, 1);
    let how = Disposition::Rejected(RejectReason::Unreadable);
    assert_eq!(outcomes(&world.heard(a)).1, [(1, how)]);
    world.say(b, ack(1));
    assert!(outcomes(&world.heard(a)).0.is_empty());
    assert!(world.entries(2).is_empty());
    let (_, welcome) = world.hello(device(1), vec![held(1, FIRST_EPOCH, 2, 1)]);
    assert_eq!(welcome.slots[0].state.dispositions, [(Seq(1), how)]);
}

#[test]
fn a_rejection_of_what_was_not_delivered_here_changes_nothing() {
    let mut world = World::new();
    let (a, b) = (world.join(1), world.join(2));
    world.say(a, submit(1, 2));
    world.say(b, ack(1));
    world.heard(a);
    for cursor in [1, 2, 99] {
        world.say(
            b,
            receipt(ReceiptKind::Rejected {
                cursor: Cursor(cursor),
                reason: RejectReason::Conflict,
            }),
        );
    }
    assert!(world.heard(a).is_empty());
    assert_eq!(world.sent(1, FIRST_EPOCH)[0].1.fate, Fate::Delivered);
}

#[test]
fn a_note_without_a_message_is_an_entry_like_any_other() {
    let mut world = World::new();
    let (a, b) = (world.join(1), world.join(2));
    let note = Frame::Submit(Submit {
        slot: Slot(0),
        seq: Seq(1),
        to: number(2),
        lane_seq: LaneSeq(0),
        content: Content::text("note".into()).unwrap().encode(),
    });
    world.say(a, note);
    world.heard(b);
    let slot = at_cursor(held(2, FIRST_EPOCH, 1, 1), 1, 1, FIRST_EPOCH, 0);
    let (b, _) = world.hello(device(2), vec![slot]);
    assert!(world.heard(b).is_empty(), "settled by its check");
    assert!(world.entries(2).is_empty());
}

#[test]
fn mail_waits_for_a_device_that_takes_the_number_over() {
    let mut world = World::new();
    let (a, b) = (world.join(1), world.join(2));
    world.say(a, submit(1, 2));
    world.heard(b);
    world.bind(number(2), device(3));
    world.say(a, submit(2, 2));
    assert!(
        cursors(&world.heard(b)).is_empty(),
        "the old device gets nothing"
    );
    let (c, _) = world.hello(device(3), vec![wanted(2)]);
    assert_eq!(cursors(&world.heard(c)), [1, 2]);
    let heard = world.ask(b, ack(1));
    assert!(goodbye(&heard).is_some());
    assert_eq!(world.entries(2).len(), 2, "nor may it acknowledge");
}

// -- expiry ---------------------------------------------------------------------

#[test]
fn old_mail_expires_and_its_sender_is_told() {
    let mut world = World::new();
    let a = world.join(1);
    world.say(a, submit(1, 2));
    world.pass(world.config.mail_ttl_s - 10);
    world.tick();
    assert_eq!(world.entries(2).len(), 1);
    let (a, _) = {
        let slot = held(1, FIRST_EPOCH, 2, 1);
        world.hello(device(1), vec![slot])
    };
    world.pass(60);
    world.tick();
    assert!(world.entries(2).is_empty());
    assert_eq!(outcomes(&world.heard(a)).1, [(1, Disposition::Expired)]);
    let b = world.join(2);
    assert!(world.heard(b).is_empty());
}

#[test]
fn outcomes_outlive_the_mail_until_they_are_settled() {
    let mut world = World::new();
    let (a, b) = (world.join(1), world.join(2));
    let total = 3 * WINDOW;
    for seq in 1..=total {
        world.say(a, submit(seq, 2));
        world.say(b, ack(seq));
    }
    assert_eq!(world.sent(1, FIRST_EPOCH).len() as u64, total);
    world.say(a, settled(2 * WINDOW + 1));
    assert_eq!(world.sent(1, FIRST_EPOCH).len() as u64, WINDOW);
    // The window is kept even if all of it is settled.
    world.say(a, settled(total + 1));
    assert_eq!(world.sent(1, FIRST_EPOCH).len() as u64, WINDOW);
    // One more pushes the oldest out; it had ended.
    world.say(a, submit(total + 1, 2));
    assert_eq!(world.sent(1, FIRST_EPOCH).len() as u64, WINDOW);
}

#[test]
fn what_waits_is_kept_behind_the_mark_and_forgotten_when_it_ends() {
    let mut world = World::new();
    world.bind(number(3), device(3));
    let (a, b) = (world.join(1), world.join(2));
    world.say(a, submit(1, 3));
    for seq in 2..=2 * WINDOW {
        world.say(a, submit(seq, 2));
        world.say(b, ack(seq));
    }
    world.say(a, settled(2 * WINDOW + 1));
    assert_eq!(world.sent(1, FIRST_EPOCH)[0].0, Seq(1));
    world.heard(a);
    let c = world.join(3);
    world.say(c, ack(1));
    assert_eq!(outcomes(&world.heard(a)).0, [1]);
    assert_eq!(world.sent(1, FIRST_EPOCH)[0].0, Seq(WINDOW + 1));
}

// -- receipts -------------------------------------------------------------------

fn read(of: u64, upto: u64) -> Frame {
    receipt(ReceiptKind::Read(ReadMark {
        peer: number(of),
        epoch: FIRST_EPOCH,
        upto: LaneSeq(upto),
    }))
}

#[test]
fn a_read_mark_is_an_entry_that_has_to_be_acknowledged() {
    let mut world = World::new();
    let (a, b) = (world.join(1), world.join(2));
    let heard = world.ask(b, read(1, 4));
    assert_eq!(accepted(&heard).receipts, 1);
    let expected = |cursor| {
        Frame::Receipt(Receipt {
            slot: Slot(0),
            kind: ReceiptKind::ReadBy {
                cursor: Cursor(cursor),
                mark: ReadMark {
                    peer: number(2),
                    epoch: FIRST_EPOCH,
                    upto: LaneSeq(4),
                },
            },
        })
    };
    assert_eq!(world.heard(a), [expected(1)]);
    // Its check is 0.
    let slot = twine_proto::frame::HelloSlot {
        cursor: Cursor(1),
        cursor_check: 0,
        ..held(1, FIRST_EPOCH, 1, 1)
    };
    let (a, _) = world.hello(device(1), vec![slot]);
    assert!(world.heard(a).is_empty());
    assert!(world.entries(1).is_empty());
}

#[test]
fn one_read_mark_waits_for_each_reader_and_epoch() {
    let mut world = World::new();
    let b = world.join(2);
    world.say_all(b, [read(1, 2), read(1, 5), read(1, 3)]);
    let waiting = world.entries(1);
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].0, Cursor(2));
    let heard = world.heard(b);
    assert_eq!(accepted(&heard).receipts, 3);
    let a = world.join(1);
    assert_eq!(cursors(&world.heard(a)), [2]);
    // Replaced while it is on its way: the ack of the old cursor harms nothing.
    world.say(b, read(1, 6));
    world.say(a, ack(2));
    assert_eq!(world.entries(1).len(), 1);
    world.say(a, ack(3));
    assert!(world.entries(1).is_empty());
}

#[test]
fn a_read_mark_for_a_number_not_bound_here_is_counted_and_dropped() {
    let mut world = World::new();
    let b = world.join(2);
    let heard = world.ask(b, read(9, 1));
    assert_eq!(accepted(&heard).receipts, 1);
    assert!(world.entries(9).is_empty());
}

#[test]
fn read_marks_of_one_reader_are_bounded() {
    let mut world = World::new();
    let b = world.join(2);
    for epoch in 1..=100 {
        world.say(
            b,
            receipt(ReceiptKind::Read(ReadMark {
                peer: number(1),
                epoch: Epoch(epoch),
                upto: LaneSeq(1),
            })),
        );
    }
    let limit = twine_gateway_core::limits::MAX_READ_MARKS_PER_READER;
    assert_eq!(world.entries(1).len(), limit);
}

// -- what is not stored -----------------------------------------------------------

#[test]
fn lookup_says_who_is_bound() {
    let mut world = World::new();
    let a = world.join(1);
    let heard = world.ask(
        a,
        Frame::Lookup(Lookup {
            id: 5,
            numbers: vec![number(2), number(9)],
        }),
    );
    let Frame::Capabilities(Capabilities { id: 5, entries }) = &heard[0] else {
        panic!("{heard:?}");
    };
    assert!(entries[0].reachable && entries[0].features == 1);
    assert!(!entries[1].reachable && entries[1].features == 0);
}

#[test]
fn typing_reaches_a_peer_who_is_here_and_nobody_else() {
    let mut world = World::new();
    let (a, b) = (world.join(1), world.join(2));
    let typing = |peer| {
        Frame::Typing(Typing {
            slot: Slot(0),
            peer: number(peer),
            stopped: false,
        })
    };
    world.say(a, typing(2));
    assert_eq!(world.heard(b), [typing(1)]);
    world.turn(vec![Input::Disconnected { conn: b }]);
    world.say(a, typing(2));
    let b = world.join(2);
    assert!(world.heard(b).is_empty());
}
