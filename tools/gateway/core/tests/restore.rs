//! After a restore from a backup (DELIVERY 3, 7).
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "tests may panic"
)]

mod common;

use common::*;
use twine_gateway_core::{Input, MemoryStorage, Storage, Tx, restored};
use twine_proto::frame::{Binding, Deliver, HelloSlot};
use twine_proto::{Epoch, Frame};

fn say_restored(world: &mut World) {
    let mut tx = world.storage.begin().unwrap();
    restored(&mut tx, world.now.unix_s).unwrap();
    tx.commit().unwrap();
}

/// What arrived, by sender's seq in its lane; and whether it may be there by SMS.
fn delivered(frames: Vec<Frame>) -> Vec<(u64, u64, bool)> {
    let deliveries = frames.into_iter().filter_map(|frame| match frame {
        Frame::Deliver(Deliver {
            cursor,
            lane_seq,
            maybe_by_sms,
            ..
        }) => Some((cursor.get(), lane_seq.get(), maybe_by_sms)),
        _ => None,
    });
    deliveries.collect()
}

/// One message waits in the backup, the restore is said, and the receiver is here.
fn with_mail() -> (World, twine_gateway_core::ConnId) {
    let mut world = World::new();
    let a = world.join(1);
    world.say(a, submit(1, 2));
    let backup: MemoryStorage = world.storage.clone();
    world.join(2);
    world.restore(&backup);
    say_restored(&mut world);
    let (b, _) = world.hello(device(2), vec![held(2, FIRST_EPOCH, 1, 1)]);
    (world, b)
}

#[test]
fn mail_of_an_unseen_sender_waits_and_delays_nobody_else() {
    let (mut world, b) = with_mail();
    assert_eq!(delivered(world.heard(b)), []);
    world.bind(number(3), device(3));
    let c = world.join(3);
    world.say(c, submit(1, 2));
    assert_eq!(delivered(world.heard(b)), [(2, 1, false)]);
}

#[test]
fn it_leaves_when_its_sender_was_seen() {
    let (mut world, b) = with_mail();
    world.bind(number(3), device(3));
    let c = world.join(3);
    world.say(c, submit(1, 2));
    world.heard(b);
    world.hello(device(1), vec![held(1, FIRST_EPOCH, 2, 1)]);
    // Under a new cursor: an Ack of 2 must not cover what was stepped over.
    assert_eq!(delivered(world.heard(b)), [(3, 1, false)]);
    world.say(b, ack(2));
    assert_eq!(world.storage.entries(number(2)).count(), 1);
    world.say(b, ack(3));
    assert_eq!(world.storage.entries(number(2)).count(), 0);
}

#[test]
fn a_cursor_settles_nothing_that_was_stepped_over() {
    let (mut world, b) = with_mail();
    world.bind(number(3), device(3));
    let c = world.join(3);
    world.say(c, submit(1, 2));
    world.heard(b);
    // The receiver has the later message and says so, by its cursor.
    let from_c = HelloSlot {
        cursor: twine_proto::Cursor(2),
        cursor_check: twine_proto::MessageName {
            from: number(3),
            // The hours of 690 days: granted after the restore.
            epoch: Epoch(690 * 24),
            to: number(2),
            lane_seq: twine_proto::LaneSeq(1),
        }
        .cursor_check(),
        ..held(2, FIRST_EPOCH, 1, 1)
    };
    let (b, _) = world.hello(device(2), vec![from_c]);
    let waiting: Vec<u64> = world
        .storage
        .entries(number(2))
        .map(|(cursor, _)| cursor.get())
        .collect();
    assert_eq!(waiting, [1]);
    world.hello(device(1), vec![held(1, FIRST_EPOCH, 2, 1)]);
    assert_eq!(delivered(world.heard(b)), [(3, 1, false)]);
}

#[test]
fn after_an_hour_it_leaves_with_a_word_of_warning() {
    let (mut world, b) = with_mail();
    world.heard(b);
    world.now.unix_s += 3599;
    world.now.instant_ms += 3_599_000 % 60_000 + 60_000;
    world.turn(vec![Input::Tick]);
    assert_eq!(delivered(world.heard(b)), []);
    world.now.unix_s += 61;
    world.now.instant_ms += 61_000;
    world.turn(vec![Input::Tick]);
    assert_eq!(delivered(world.heard(b)), [(2, 1, true)]);
    // Also to whoever comes later.
    let (b, _) = world.hello(device(2), vec![held(2, FIRST_EPOCH, 1, 1)]);
    assert_eq!(delivered(world.heard(b)), [(2, 1, true)]);
}

#[test]
fn no_epoch_of_the_lost_time_is_granted_again() {
    let mut world = World::new();
    let grant = |world: &mut World, id: u8| {
        world.bind(number(1), device(id));
        let wanted = HelloSlot {
            binding: Binding::Wanted { last: Epoch(0) },
            ..held(1, FIRST_EPOCH, 1, 1)
        };
        let (_, welcome) = world.hello(device(id), vec![wanted]);
        match welcome.slots[0].status {
            twine_proto::frame::SlotStatus::Granted(epoch) => epoch,
            other => panic!("{other:?}"),
        }
    };
    let mut granted = vec![grant(&mut world, 1)];
    for phones in [[4, 5], [6, 7], [8, 9]] {
        let backup = world.storage.clone();
        granted.extend(phones.map(|id| grant(&mut world, id)));
        world.restore(&backup);
        say_restored(&mut world);
    }
    granted.push(grant(&mut world, 10));
    let mut unique = granted.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), granted.len(), "{granted:?}");
}
