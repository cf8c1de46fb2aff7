//! Deliveries: once, in their place, whatever they hold (DELIVERY 9, 10, 12, 19).

use twine_engine::limits::MAX_GAPS_PER_LANE;
use twine_engine::message::Shown;
use twine_engine::store_ops::{Incoming, IncomingBody, Op, Outcome};
use twine_proto::frame::RejectReason;
use twine_proto::{Cursor, Digest, Epoch};

use super::Backend;
use super::world::{EPOCH, World, key, name, other_peer, peer, second_own, text_body};

fn cursor<B: Backend>(world: &World<B>) -> (u64, u32) {
    let identities = world.snapshot().identities;
    let identity = identities.first().expect("an identity");
    (identity.cursor.get(), identity.cursor_check)
}

/// At least once by mailbox, once in the history (DELIVERY 10).
pub fn a_message_is_taken_once(backend: impl Backend) {
    let mut world = World::bound(backend);
    let body = text_body(name(peer(), EPOCH, 1), "hello");
    let Outcome::Inserted { id } = world.take(body.clone()) else {
        panic!("not taken");
    };
    let before = world.snapshot().latest_event;
    for _ in 0..2 {
        let again = world.take(body.clone());
        assert!(
            matches!(again, Outcome::Duplicate { rejected: None }),
            "{again:?}"
        );
        world.crash();
    }
    assert_eq!(world.snapshot().latest_event, before, "nothing happened");
    assert_eq!(world.conversation(), [id]);

    // Twice in one batch: the second sees the first.
    let body = text_body(name(peer(), EPOCH, 2), "both in a batch");
    let (one, two) = (world.incoming(body.clone()), world.incoming(body));
    let outcomes = world
        .batch(vec![Op::InsertIncoming(one), Op::InsertIncoming(two)])
        .outcomes;
    assert!(
        matches!(
            outcomes[..],
            [
                Outcome::Inserted { .. },
                Outcome::Duplicate { rejected: None }
            ]
        ),
        "{outcomes:?}"
    );
}

/// Holes delay nothing and are filled whenever (DELIVERY 19).
pub fn gaps_are_filled_once(backend: impl Backend) {
    let mut world = World::bound(backend);
    for place in [5, 1, 9, 3, 4, 2, 8, 7, 6, 10] {
        world.receive(place);
        world.crash();
        let text = format!("text {place}");
        let again = world.take(text_body(name(peer(), EPOCH, place), &text));
        assert!(
            matches!(again, Outcome::Duplicate { rejected: None }),
            "{place}: {again:?}"
        );
    }
    let places: Vec<u64> = world
        .history(None, 20)
        .iter()
        .map(|message| message.order.lane_seq.get())
        .collect();
    assert_eq!(places, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
}

/// Beyond the bounded set of gaps the history decides (DELIVERY 10).
pub fn forgotten_gaps_are_looked_up(backend: impl Backend) {
    let mut world = World::bound(backend);
    let count = MAX_GAPS_PER_LANE as u64 + 10;
    for place in 1..=count {
        world.receive(2 * place);
    }
    world.crash();
    for place in (1..=2 * count).rev() {
        let outcome = world.take(text_body(
            name(peer(), EPOCH, place),
            &format!("text {place}"),
        ));
        if place % 2 == 0 {
            assert!(
                matches!(outcome, Outcome::Duplicate { rejected: None }),
                "{place}: {outcome:?}"
            );
        } else {
            assert!(
                matches!(outcome, Outcome::Inserted { .. }),
                "{place}: {outcome:?}"
            );
        }
    }
    let first = world.take(text_body(name(peer(), EPOCH, 1), "text 1"));
    assert!(matches!(first, Outcome::Duplicate { .. }), "{first:?}");
}

/// A lane is one sender identity's messages to one number.
pub fn lanes_do_not_meet(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.register(second_own());
    world.receive(1);
    world.receive_from(other_peer(), EPOCH, 1);
    world.receive_from(peer(), Epoch(691), 1);
    let mut to_second = name(peer(), EPOCH, 1);
    to_second.to = second_own();
    let mut incoming = world.incoming(text_body(to_second, "text 1"));
    incoming.own = second_own();
    let outcome = world.op(Op::InsertIncoming(incoming));
    assert!(matches!(outcome, Outcome::Inserted { .. }), "{outcome:?}");
    // A message of our own has a name like theirs, the other way round.
    world.send("to the peer, in the first place");
    assert_eq!(world.conversation().len(), 3);
}

/// Same name, other content: shown, not dropped (DELIVERY 10).
pub fn a_conflict_is_shown_beside_the_other(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.receive(1);
    let mut conflicts = Vec::new();
    for text in ["another", "a third"] {
        match world.take(text_body(name(peer(), EPOCH, 1), text)) {
            Outcome::Conflict { id } => conflicts.push(id),
            outcome => panic!("{outcome:?}"),
        }
    }
    world.crash();
    for text in ["another", "a third"] {
        let again = world.take(text_body(name(peer(), EPOCH, 1), text));
        assert!(
            matches!(
                again,
                Outcome::Duplicate {
                    rejected: Some(RejectReason::Conflict)
                }
            ),
            "{again:?}"
        );
    }
    let again = world.take(text_body(name(peer(), EPOCH, 1), "text 1"));
    assert!(
        matches!(again, Outcome::Duplicate { rejected: None }),
        "{again:?}"
    );
    assert_eq!(world.shown(first), Shown::Received);
    for id in &conflicts {
        assert_eq!(world.story(*id), [Shown::Conflicting]);
    }
    assert_eq!(world.conversation(), [first, conflicts[0], conflicts[1]]);
    assert!(world.record(conflicts[0]).text.is_some());
}

/// A poisoned message must not stop the mailbox (DELIVERY 12).
pub fn an_unreadable_message_leaves_a_placeholder(backend: impl Backend) {
    let mut world = World::bound(backend);
    let unreadable = IncomingBody::Unreadable {
        name: name(peer(), EPOCH, 1),
        digest: Digest(u64::MAX),
    };
    let Outcome::Inserted { id } = world.take(unreadable.clone()) else {
        panic!("not taken");
    };
    world.crash();
    let again = world.take(unreadable);
    assert!(
        matches!(
            again,
            Outcome::Duplicate {
                rejected: Some(RejectReason::Unreadable)
            }
        ),
        "{again:?}"
    );
    let record = world.record(id);
    assert_eq!((record.shown, record.text), (Shown::Unreadable, None));
    assert_eq!(record.name, Some(name(peer(), EPOCH, 1)));
    world.receive(2);
    assert_eq!(world.conversation().len(), 2);
}

/// Known by its cursor alone.
pub fn an_unnamed_one_is_known_by_its_cursor(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.register(second_own());
    let first = world.incoming(IncomingBody::Unnamed);
    let id = first.id;
    let again = Incoming {
        id: world.incoming(IncomingBody::Unnamed).id,
        ..first.clone()
    };
    assert!(matches!(
        world.op(Op::InsertIncoming(first.clone())),
        Outcome::Inserted { .. }
    ));
    world.crash();
    let repeated = world.op(Op::InsertIncoming(again.clone()));
    assert!(
        matches!(
            repeated,
            Outcome::Duplicate {
                rejected: Some(RejectReason::Unreadable)
            }
        ),
        "{repeated:?}"
    );
    let record = world.record(id);
    assert_eq!((record.shown, record.name), (Shown::Unreadable, None));
    assert_eq!(world.story(id), [Shown::Unreadable]);
    let next = world.take(IncomingBody::Unnamed);
    assert!(matches!(next, Outcome::Inserted { .. }), "{next:?}");
    // The same cursor of another mailbox.
    let other = Incoming {
        id: world.incoming(IncomingBody::Unnamed).id,
        own: second_own(),
        ..again
    };
    let other = world.op(Op::InsertIncoming(other));
    assert!(matches!(other, Outcome::Inserted { .. }), "{other:?}");
}

/// It is what is acknowledged; duplicates and notes move it as well.
pub fn the_cursor_moves_forward_with_every_entry(backend: impl Backend) {
    let mut world = World::bound(backend);
    let insert = |world: &mut World<_>, at, place| {
        let named = name(peer(), EPOCH, place);
        let mut incoming = world.incoming(text_body(named, "text"));
        incoming.cursor = Cursor(at);
        world.op(Op::InsertIncoming(incoming));
        named.cursor_check()
    };
    let pass = |world: &mut World<_>, at, check| {
        world.done(super::world::pass_cursor(at, check));
    };
    let check = insert(&mut world, 10, 1);
    assert_eq!(cursor(&world), (10, check));
    world.crash();
    insert(&mut world, 20, 1);
    assert_eq!(cursor(&world), (20, check), "a duplicate");
    pass(&mut world, 25, 7);
    assert_eq!(cursor(&world), (25, 7));
    pass(&mut world, 24, 8);
    insert(&mut world, 3, 2);
    assert_eq!(cursor(&world), (25, 7), "never back");
}

/// The gateway could not compare it.
pub fn an_entry_without_a_check_leaves_the_cursor(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.done(super::world::pass_cursor(5, 77));
    let mut unnamed = world.incoming(IncomingBody::Unnamed);
    unnamed.cursor = Cursor(9);
    world.op(Op::InsertIncoming(unnamed));
    world.done(super::world::pass_cursor(10, 0));
    world.read_by_peer(1);
    assert_eq!(cursor(&world), (5, 77));
}

/// Its place in the lane decides, not its arrival (DELIVERY 19).
pub fn a_late_message_goes_before_the_next_of_its_lane(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.receive(1);
    let ours = world.send("ours");
    let fifth = world.receive(5);
    let answer = world.send("answer");
    let third = world.receive(3);
    let fourth = world.receive(4);
    let second = world.receive(2);
    let sixth = world.receive(6);
    world.crash();
    assert_eq!(
        world.conversation(),
        [first, ours, second, third, fourth, fifth, answer, sixth]
    );
    let at_fifth = fifth.0;
    assert_eq!(key(&world.record(fifth)), (at_fifth, 690, 5));
    assert_eq!(key(&world.record(second)), (at_fifth, 690, 2));
    assert_eq!(key(&world.record(sixth)), (sixth.0, 690, 6));
    assert_eq!(key(&world.record(ours)), (ours.0, 0, 0));
}

/// Order within a lane is (epoch, lane_seq) (DELIVERY 19).
pub fn an_older_epoch_goes_before_a_newer_one(backend: impl Backend) {
    let mut world = World::bound(backend);
    let new = world.receive_from(peer(), Epoch(691), 1);
    let old = world.receive_from(peer(), EPOCH, 7);
    let other = world.receive_from(other_peer(), Epoch(1), 1);
    assert_eq!(world.conversation(), [old, new]);
    assert_eq!(key(&world.record(other)).0, other.0, "another lane");
}

/// Or a page that ends at one of two equal keys would skip the other.
pub fn order_keys_are_unique(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = [world.receive(6), world.receive(4), world.receive(5)];
    let mut all = ids.to_vec();
    for (place, text) in [(4, "other"), (5, "other"), (5, "third"), (6, "other")] {
        match world.take(text_body(name(peer(), EPOCH, place), text)) {
            Outcome::Conflict { id } => all.push(id),
            outcome => panic!("{outcome:?}"),
        }
    }
    all.push(world.receive(3));
    let mut keys: Vec<_> = all.iter().map(|id| key(&world.record(*id))).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), all.len());
    // One at a time, nothing is skipped.
    let mut found = Vec::new();
    let mut before = None;
    while let [message] = &world.history(before, 1)[..] {
        before = Some(message.order);
        found.push(message.id);
    }
    found.sort_unstable();
    all.sort_unstable();
    assert_eq!(found, all);
}
