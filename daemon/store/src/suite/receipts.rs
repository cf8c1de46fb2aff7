//! Read marks, ours and the peers' (DELIVERY 11).

use twine_engine::message::{MessageId, Shown};
use twine_engine::store_ops::{IncomingBody, Op, Outcome, UntoldMark};
use twine_proto::frame::{Disposition, ReadMark, Refusal};
use twine_proto::{Cursor, E164, Epoch, LaneSeq};

use super::Backend;
use super::world::{EPOCH, World, name, other_peer, own, peer, state, text_body};

fn read<B: Backend>(world: &mut World<B>, id: MessageId) -> Option<UntoldMark> {
    match world.op(Op::MarkRead { id }) {
        Outcome::ReadTo { number, mark } => {
            assert_eq!(number, own());
            Some(mark)
        }
        Outcome::Done => None,
        outcome => panic!("{outcome:?}"),
    }
}

fn untold<B: Backend>(world: &mut World<B>) -> Vec<UntoldMark> {
    untold_some(world, 50)
}

fn untold_some<B: Backend>(world: &mut World<B>, limit: usize) -> Vec<UntoldMark> {
    match world.op(Op::LoadReadMarks {
        number: own(),
        limit,
    }) {
        Outcome::ReadMarks(marks) => marks,
        outcome => panic!("{outcome:?}"),
    }
}

fn confirm<B: Backend>(world: &mut World<B>, mark: UntoldMark) {
    world.done(Op::ReadConfirmed {
        number: own(),
        mark,
    });
}

const fn mark(peer: E164, epoch: Epoch, upto: u64) -> ReadMark {
    ReadMark {
        peer,
        epoch,
        upto: LaneSeq(upto),
    }
}

/// The message and all before it in its lane.
pub fn reading_is_cumulative(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids: Vec<_> = (1..=4).map(|place| world.receive(place)).collect();
    let before = world.snapshot().latest_event;
    let told = read(&mut world, ids[2]).expect("news");
    assert_eq!(told.mark, mark(peer(), EPOCH, 3));
    world.crash();
    for id in &ids[..3] {
        assert_eq!(read(&mut world, *id), None, "nothing new");
    }
    let told = read(&mut world, ids[3]).expect("news");
    assert_eq!(told.mark.upto, LaneSeq(4));
    assert_eq!(
        world.snapshot().latest_event,
        before,
        "the user sees nothing else"
    );
}

/// Over crashes and connections.
pub fn a_mark_is_told_until_confirmed(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.receive(1);
    assert_eq!(untold(&mut world), []);
    let told = read(&mut world, id).expect("news");
    world.crash();
    assert_eq!(untold(&mut world), [told]);
    assert_eq!(untold(&mut world), [told], "loading confirms nothing");
    confirm(&mut world, told);
    world.crash();
    assert_eq!(untold(&mut world), []);
}

/// The user has read on meanwhile.
pub fn only_the_newest_version_is_confirmed(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = [world.receive(1), world.receive(2)];
    let first = read(&mut world, ids[0]).expect("news");
    let second = read(&mut world, ids[1]).expect("news");
    assert!(second.version > first.version);
    confirm(&mut world, first);
    assert_eq!(untold(&mut world), [second]);
    confirm(&mut world, second);
    confirm(&mut world, first);
    assert_eq!(untold(&mut world), []);
}

/// Trap: it lies below a mark that was told already, and its sender never learns.
pub fn a_late_message_below_the_mark_is_told(backend: impl Backend) {
    let mut world = World::bound(backend);
    let fifth = world.receive(5);
    let told = read(&mut world, fifth).expect("news");
    confirm(&mut world, told);
    let late = world.receive(3);
    assert_eq!(untold(&mut world), [], "not read yet");
    let again = read(&mut world, late).expect("news");
    assert_eq!(again.mark, told.mark, "the mark stays where it is");
    assert!(again.version > told.version);
    world.crash();
    confirm(&mut world, told);
    assert_eq!(
        untold(&mut world),
        [again],
        "the old version is not this one"
    );
    confirm(&mut world, again);
    assert_eq!(untold(&mut world), []);
}

/// Each sender's epochs are lanes of their own.
pub fn marks_are_kept_for_each_lane(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = [
        world.receive(4),
        world.receive_from(peer(), Epoch(691), 1),
        world.receive_from(other_peer(), EPOCH, 2),
    ];
    for id in ids {
        read(&mut world, id).expect("news");
    }
    let mut marks: Vec<_> = untold(&mut world)
        .iter()
        .map(|untold| (untold.mark.peer, untold.mark.epoch, untold.mark.upto.get()))
        .collect();
    marks.sort_unstable();
    assert_eq!(
        marks,
        [
            (peer(), EPOCH, 4),
            (peer(), Epoch(691), 1),
            (other_peer(), EPOCH, 2)
        ]
    );
}

/// As many as may be in flight on a connection.
pub fn marks_come_in_pages(backend: impl Backend) {
    let mut world = World::bound(backend);
    for epoch in 1..=5 {
        let id = world.receive_from(peer(), Epoch(epoch), 1);
        read(&mut world, id).expect("news");
    }
    let mut told = Vec::new();
    for left in [5, 3, 1] {
        let page = untold_some(&mut world, 2);
        assert_eq!(page.len(), left.min(2));
        for mark in page {
            confirm(&mut world, mark);
            told.push(mark.mark.epoch.get());
        }
    }
    told.sort_unstable();
    assert_eq!(told, [1, 2, 3, 4, 5]);
    assert_eq!(untold(&mut world), []);
}

/// Our own messages, what has no name, what does not exist.
pub fn what_cannot_be_read(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ours = world.send("ours");
    for id in [ours, MessageId(999)] {
        assert!(matches!(world.op(Op::MarkRead { id }), Outcome::NotFound));
    }
    let Outcome::Inserted { id } = world.take(IncomingBody::Unnamed) else {
        panic!("not taken");
    };
    assert_eq!(read(&mut world, id), None);
    let unknown = UntoldMark {
        mark: mark(other_peer(), EPOCH, 3),
        version: 1,
    };
    confirm(&mut world, unknown);
    assert_eq!(untold(&mut world), []);
    let conflict = {
        world.receive(1);
        match world.take(text_body(name(peer(), EPOCH, 1), "another")) {
            Outcome::Conflict { id } => id,
            outcome => panic!("{outcome:?}"),
        }
    };
    let told = read(&mut world, conflict).expect("it stands behind the first");
    assert_eq!(told.mark, mark(peer(), EPOCH, 1));
}

/// Trap: a mark is cumulative, but what failed, was cancelled, or is still on its
/// way below it was not there to be read.
pub fn the_peer_has_read_what_it_has(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = world.send_many(6);
    let refused = Disposition::Refused(Refusal::Policy);
    world.sent(state(
        4,
        &[1, 4],
        &[(2, refused), (3, Disposition::Expired)],
    ));
    world.retry(ids[2]);
    world.read_by_peer(5);
    world.crash();
    let shown: Vec<_> = ids.iter().map(|id| world.shown(*id)).collect();
    assert_eq!(shown[0], Shown::Read);
    assert!(matches!(shown[1], Shown::Failed(_)));
    assert_eq!(shown[2], Shown::Queued);
    assert_eq!(shown[3], Shown::Read);
    assert_eq!(shown[4..], [Shown::Sending, Shown::Sending]);
    // It comes late, below the mark; the next mark covers it.
    let released = world.release(ids[2]);
    assert_eq!(released.lane_seq, LaneSeq(3));
    world.sent(state(7, &[7], &[]));
    assert_eq!(world.shown(ids[2]), Shown::Delivered);
    world.read_by_peer(5);
    assert_eq!(world.shown(ids[2]), Shown::Read);
    // Another lane's mark is not about these.
    world.sent(state(7, &[5], &[]));
    for (peer, epoch) in [(other_peer(), EPOCH), (peer(), Epoch(691))] {
        world.done(Op::ApplyReadBy {
            number: own(),
            mark: mark(peer, epoch, 9),
            cursor: Cursor(0),
            check: 0,
        });
    }
    assert_eq!(world.shown(ids[4]), Shown::Delivered);
}

/// It is the last thing there is to see.
pub fn read_stays_read(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.send("read");
    world.sent(state(1, &[1], &[]));
    world.read_by_peer(1);
    let before = world.snapshot().latest_event;
    world.read_by_peer(1);
    world.sent(state(1, &[1], &[(1, Disposition::Expired)]));
    world.crash();
    assert_eq!(world.shown(id), Shown::Read);
    assert_eq!(world.snapshot().latest_event, before, "told once");
    assert_eq!(
        world.story(id),
        [Shown::Queued, Shown::Sending, Shown::Delivered, Shown::Read]
    );
}

/// The mark may have overtaken the acknowledgement of what it covers.
pub fn what_was_read_and_comes_again_is_told_again(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.receive(1);
    world.receive(2);
    let told = read(&mut world, first).expect("news");
    confirm(&mut world, told);
    let again = |world: &mut World<_>, place: u64| {
        let body = text_body(name(peer(), EPOCH, place), &format!("text {place}"));
        assert!(matches!(world.take(body), Outcome::Duplicate { .. }));
        untold(world)
    };
    assert_eq!(again(&mut world, 2), [], "not read");
    let marks = again(&mut world, 1);
    assert_eq!(marks.len(), 1);
    assert_eq!(marks[0].mark, told.mark);
    // What was on its way is not what is to be told now.
    confirm(&mut world, told);
    world.crash();
    assert_eq!(untold(&mut world), marks);
    confirm(&mut world, marks[0]);
    assert_eq!(untold(&mut world), []);
}
