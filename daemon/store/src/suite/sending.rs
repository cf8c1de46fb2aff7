//! From token to seq (DELIVERY 1, 2).

use twine_engine::message::{MessageId, Shown};
use twine_engine::store_ops::{Op, Outcome};
use twine_engine::time::WallTime;
use twine_proto::{Content, Epoch, Redacted, Seq};

use super::Backend;
use super::world::{EPOCH, World, client, other_peer, own, peer, release, state};

/// Trap: the daemon dies after the commit, before its reply (DELIVERY 1).
pub fn a_repeated_token_returns_the_first_message(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.new_message("once");
    let id = first.id;
    let mut again = first.clone();
    again.id = world.new_message("unused").id;
    world.enqueue_as(first);
    world.crash();
    let before = world.snapshot().latest_event;
    for _ in 0..2 {
        let outcome = world.op(Op::Enqueue(again.clone()));
        assert!(
            matches!(outcome, Outcome::Repeated { id: first } if first == id),
            "{outcome:?}"
        );
    }
    assert_eq!(world.snapshot().latest_event, before, "nothing happened");
    assert_eq!(world.conversation(), [id]);

    // Both in one batch: the second sees the first.
    let fresh = world.new_message("twice in a batch");
    let mut copy = fresh.clone();
    copy.id = world.new_message("unused").id;
    let fresh_id = fresh.id;
    let outcomes = world
        .batch(vec![Op::Enqueue(fresh), Op::Enqueue(copy)])
        .outcomes;
    assert!(
        matches!(
            outcomes[..],
            [Outcome::Enqueued { id: one }, Outcome::Repeated { id: two }]
                if one == fresh_id && two == fresh_id
        ),
        "{outcomes:?}"
    );
}

/// Tokens are unique for each client.
pub fn a_token_belongs_to_one_client(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.new_message("of one app");
    let mut second = world.new_message("of another");
    second.client = client("other.app");
    second.token = first.token.clone();
    let ids = [world.enqueue_as(first), world.enqueue_as(second)];
    assert_eq!(world.conversation(), ids);
}

/// A phone whose clock starts in 1970 and is set later (DELIVERY 24).
pub fn tokens_outlive_a_wall_clock_that_jumps(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.new_message("from 1970");
    let again = first.clone();
    let id = world.enqueue_as(first);
    world.wall = WallTime(4_000_000_000_000);
    world.done(Op::Prune);
    world.crash();
    let outcome = world.op(Op::Enqueue(again));
    assert!(
        matches!(outcome, Outcome::Repeated { id: first } if first == id),
        "{outcome:?}"
    );
}

/// Trap: a held message blocks the stream (DELIVERY 2).
pub fn seqs_are_given_at_release_without_gap(backend: impl Backend) {
    let mut world = World::bound(backend);
    let held = world.enqueue_to(other_peer());
    let second = world.enqueue("second");
    let third = world.enqueue("third");
    let released = world.release(second);
    assert_eq!((released.seq.get(), released.lane_seq.get()), (1, 1));
    world.crash();
    let released = world.release(third);
    assert_eq!((released.seq.get(), released.lane_seq.get()), (2, 2));
    // Several in one batch.
    let more = world.enqueue("more");
    let outcomes = world.batch(vec![release(held), release(more)]).outcomes;
    let seqs: Vec<u64> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Released(released) => released.seq.get(),
            outcome => panic!("{outcome:?}"),
        })
        .collect();
    assert_eq!(seqs, [3, 4]);
    let name = world.record(second).name.expect("a place");
    assert_eq!(
        (name.from, name.epoch, name.to, name.lane_seq.get()),
        (own(), EPOCH, peer(), 1)
    );
}

/// Trap: a cancelled message blocks the stream (DELIVERY 2).
pub fn a_cancelled_message_takes_no_seq(backend: impl Backend) {
    let mut world = World::bound(backend);
    let cancelled = world.enqueue("cancelled");
    let sent = world.enqueue("sent");
    world.op(Op::Cancel { id: cancelled });
    assert!(matches!(world.op(release(cancelled)), Outcome::NotQueued));
    assert_eq!(world.release(sent).seq.get(), 1);
    assert_eq!(world.record(cancelled).name, None);
}

/// `seq` counts the hop, `lane_seq` each conversation.
pub fn places_count_each_lane(backend: impl Backend) {
    let mut world = World::bound(backend);
    let mut places = Vec::new();
    for peer in [peer(), other_peer(), peer(), other_peer(), peer()] {
        let id = world.enqueue_to(peer);
        let released = world.release(id);
        assert_eq!((released.own, released.peer), (own(), peer));
        places.push((released.seq.get(), released.lane_seq.get()));
        world.crash();
    }
    assert_eq!(places, [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)]);
}

/// Without an epoch there are no numbers to give.
pub fn nothing_is_released_without_an_epoch(backend: impl Backend) {
    let mut world = World::empty(backend);
    let nobody = world.enqueue("of a number that is not registered");
    assert!(matches!(world.op(release(nobody)), Outcome::NotQueued));
    world.register(own());
    assert!(matches!(world.op(release(nobody)), Outcome::NotQueued));
    world.bind(EPOCH);
    world.close(EPOCH);
    assert!(matches!(world.op(release(nobody)), Outcome::NotQueued));
    assert_eq!(world.shown(nobody), Shown::Queued);
    world.bind(Epoch(691));
    assert_eq!(world.release(nobody).epoch, Epoch(691));
}

/// The engine may ask twice; the numbers are given once.
pub fn a_message_is_released_once(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.send("once");
    for id in [id, MessageId(999)] {
        assert!(matches!(world.op(release(id)), Outcome::NotQueued));
    }
    let received = world.receive(1);
    assert!(matches!(world.op(release(received)), Outcome::NotQueued));
    assert_eq!(world.story(id), [Shown::Queued, Shown::Sending]);
    let next = world.enqueue("next");
    assert_eq!(world.release(next).seq.get(), 2);
}

/// seq and every lane start again at 1.
pub fn a_new_epoch_starts_counting_again(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.send_many(3);
    world.bind(Epoch(691));
    world.crash();
    let id = world.enqueue("in the new epoch");
    let released = world.release(id);
    assert_eq!(
        (released.epoch, released.seq.get(), released.lane_seq.get()),
        (Epoch(691), 1, 1)
    );
}

/// Bounded by count and by bytes; the engine's working set is.
pub fn queued_messages_come_oldest_first_and_bounded(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids: Vec<_> = (0..5).map(|_| world.enqueue(&"x".repeat(100))).collect();
    world.release(ids[0]);
    let load = |world: &mut World<_>, limit, max_bytes| match world.op(Op::LoadQueued {
        number: own(),
        limit,
        max_bytes,
    }) {
        Outcome::Queued { messages, more } => {
            let found: Vec<_> = messages.iter().map(|message| message.id).collect();
            (found, more, messages)
        }
        outcome => panic!("{outcome:?}"),
    };
    let rest = &ids[1..];
    let (found, more, messages) = load(&mut world, 10, 100_000);
    assert_eq!((&found[..], more), (rest, false));
    assert_eq!(messages[0].peer, peer().into());
    assert_eq!(messages[0].deadline, None);
    let bytes = messages[0].content_bytes;
    assert!(bytes > 100, "as it travels");
    assert!(!load(&mut world, 4, 100_000).1);
    let (found, more, _) = load(&mut world, 3, 100_000);
    assert_eq!((&found[..], more), (&rest[..3], true));
    let (found, more, _) = load(&mut world, 10, bytes + 1);
    assert_eq!(
        (&found[..], more),
        (&rest[..2], true),
        "ends behind the one that reaches it"
    );
    let (found, more, _) = load(&mut world, 10, 0);
    assert_eq!((&found[..], more), (&rest[..1], true), "one always comes");
    assert_eq!(world.snapshot().identities[0].queued, 4);
}

/// The gateway compares digests of resends (DELIVERY 4).
pub fn contents_are_the_same_each_time(backend: impl Backend) {
    let mut world = World::bound(backend);
    let text = "größer als\0 7 bit: 🧵";
    let id = world.enqueue(text);
    let released = world.release(id);
    let content = Content::decode(&released.content).expect("readable");
    assert_eq!(content.text, Some(Redacted::new(text.to_owned())));
    world.crash();
    let resume = Op::LoadResume {
        number: own(),
        after: Seq(0),
        limit: 1,
    };
    let Outcome::Resume { in_flight, .. } = world.op(resume) else {
        panic!("no resume");
    };
    let again = &in_flight[0].released;
    assert_eq!(again.content, released.content);
    assert_eq!(
        (again.id, again.epoch, again.seq, again.lane_seq),
        (released.id, released.epoch, released.seq, released.lane_seq)
    );
    world.sent(state(1, &[], &[]));
    assert_eq!(world.record(id).text, Some(Redacted::new(text.to_owned())));
}
