//! The durable event log and its clients (DELIVERY 29).

use twine_engine::limits::{EVENTS_KEPT, MAX_CLIENTS};
use twine_engine::message::Shown;
use twine_engine::store_ops::{EventCursor, EventKind, Op, Outcome};

use super::Backend;
use super::world::{World, at, client, other_peer, retry, state};

/// Where a client stands and the newest event.
fn open<B: Backend>(world: &mut World<B>, name: &str, from_now: bool) -> (u64, u64) {
    match world.op(Op::OpenClient {
        client: client(name),
        from_now,
    }) {
        Outcome::ClientOpen { cursor, latest } => (cursor.0, latest.0),
        outcome => panic!("{outcome:?}"),
    }
}

fn ack<B: Backend>(world: &mut World<B>, name: &str, cursor: u64) -> Outcome {
    world.op(Op::AckEvents {
        client: client(name),
        cursor: EventCursor(cursor),
    })
}

/// An app counts them.
pub fn the_log_has_no_holes(backend: impl Backend) {
    let mut world = World::bound(backend);
    assert_eq!(world.events(0, 10), (None, vec![]));
    let sent = world.send("one");
    world.crash();
    let received = world.receive(1);
    let stored = world.batch(vec![
        Op::Cancel { id: sent },
        super::world::pass_cursor(99, 1),
    ]);
    assert_eq!(stored.latest_event, EventCursor(3), "none of these is one");
    let last = world.enqueue("two");
    let (resync, events) = world.events(0, 10);
    assert_eq!(resync, None);
    let found: Vec<_> = events
        .iter()
        .map(|event| (event.cursor.0, event.kind, event.message, event.shown))
        .collect();
    assert_eq!(
        found,
        [
            (1, EventKind::StateChanged, sent, Shown::Queued),
            (2, EventKind::StateChanged, sent, Shown::Sending),
            (3, EventKind::Received, received, Shown::Received),
            (4, EventKind::StateChanged, last, Shown::Queued),
        ]
    );
    assert!(events.windows(2).all(|pair| pair[0].wall <= pair[1].wall));
    // In pages.
    let (_, page) = world.events(1, 2);
    assert_eq!(page, events[1..3]);
    assert_eq!(world.events(4, 10), (None, vec![]));
}

/// An event for each change of what is shown, none otherwise.
pub fn only_what_the_user_sees_makes_an_event(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.send("once");
    let changed = world.record(id).changed;
    world.op(Op::Cancel { id });
    world.op(Op::RearmDeadlines { boot: at(5) });
    world.done(Op::Prune);
    assert_eq!(world.snapshot().latest_event, EventCursor(2));
    assert_eq!(world.record(id).changed, changed);
    // Accepted and delivered in one report: the user sees the end.
    world.sent(state(1, &[1], &[]));
    assert_eq!(world.snapshot().latest_event, EventCursor(3));
    assert!(world.record(id).changed > changed);
}

/// A client that is dead for a while misses nothing.
pub fn a_client_starts_at_the_oldest_or_now(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.send("one");
    assert_eq!(open(&mut world, "from the start", false), (0, 2));
    assert_eq!(open(&mut world, "from now", true), (2, 2));
    world.send("two");
    world.crash();
    assert_eq!(open(&mut world, "from the start", true), (0, 4), "known");
    assert_eq!(open(&mut world, "from now", false), (2, 4), "known");
    // A client that has sent, but never looked at events.
    assert_eq!(open(&mut world, "app", true), (4, 4));
}

/// Beyond the newest event there is nothing to be done with.
pub fn acknowledgements_only_move_forward(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.send("one");
    assert!(matches!(ack(&mut world, "app", 1), Outcome::NotFound));
    open(&mut world, "app", false);
    assert!(matches!(ack(&mut world, "app", 2), Outcome::Done));
    assert!(matches!(ack(&mut world, "app", 1), Outcome::Done));
    assert!(matches!(ack(&mut world, "app", 3), Outcome::TooLate { .. }));
    world.crash();
    assert_eq!(open(&mut world, "app", false), (2, 2));
}

/// Each costs a cursor for ever.
pub fn the_number_of_clients_is_limited(backend: impl Backend) {
    let mut world = World::bound(backend);
    for at in 0..MAX_CLIENTS {
        open(&mut world, &format!("app{at}"), false);
    }
    let refused = world.op(Op::OpenClient {
        client: client("one.more"),
        from_now: false,
    });
    assert!(matches!(refused, Outcome::TooManyClients), "{refused:?}");
    assert_eq!(open(&mut world, "app0", false), (0, 0), "a known one may");
}

/// What was lost has to be read from the history.
pub fn behind_retention_is_resync(backend: impl Backend) {
    let mut world = World::bound(backend);
    open(&mut world, "app", false);
    let id = world.enqueue("on and off");
    let change = [Op::Cancel { id }, retry(id, at(0))];
    let rounds = usize::try_from(EVENTS_KEPT / 2 + 1).expect("fits");
    let ops: Vec<_> = change.iter().cycle().take(2 * rounds).cloned().collect();
    for batch in ops.chunks(5000) {
        world.batch(batch.to_vec());
    }
    let latest = EVENTS_KEPT + 3;
    assert_eq!(world.snapshot().latest_event, EventCursor(latest));
    assert_eq!(world.events(0, 1).0, None, "nothing is pruned by itself");
    world.done(Op::Prune);
    world.crash();
    let (resync, page) = world.events(0, 2);
    let from = resync.expect("lost");
    assert_eq!(from, latest - EVENTS_KEPT);
    let cursors: Vec<_> = page.iter().map(|event| event.cursor.0).collect();
    assert_eq!(cursors, [from + 1, from + 2], "it goes on behind that");
    assert_eq!(world.events(from, 1).0, None);
    assert_eq!(world.events(from - 1, 1).0, Some(from));
    assert_eq!(
        open(&mut world, "app", false),
        (0, latest),
        "a cursor stays"
    );
    assert!(matches!(ack(&mut world, "app", from), Outcome::Done));
    // The log goes on counting.
    let next = world.enqueue_to(other_peer());
    world.release(next);
    let (_, page) = world.events(latest, 10);
    assert_eq!(page.len(), 2);
    assert_eq!(page[0].message, next);
    assert_eq!(page[0].cursor, EventCursor(latest + 1));
}

/// Another client, or the same one after a reinstallation, may read them again.
pub fn acknowledging_deletes_nothing(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.send("one");
    open(&mut world, "app", false);
    ack(&mut world, "app", 2);
    world.done(Op::Prune);
    assert_eq!(world.events(0, 10).1.len(), 2);
}
