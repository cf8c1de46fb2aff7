//! Validity on boot time (DELIVERY 23, 24).

use std::time::Duration;

use twine_engine::message::{Failure, Shown, TakeBack};
use twine_engine::store_ops::{BootStamp, Op, Outcome, Unsettled};
use twine_engine::time::{BootId, Instant};
use twine_proto::Epoch;
use twine_proto::frame::{Disposition, RevokeOutcome};

use super::Backend;
use super::world::{EPOCH, World, at, retry, state};

struct Due {
    revoke: Vec<Unsettled>,
    dropped: usize,
    next: Option<u64>,
}

fn expire<B: Backend>(world: &mut World<B>, boot: BootStamp, limit: usize) -> Due {
    match world.op(Op::ExpireDue { boot, limit }) {
        Outcome::Expired {
            revoke,
            dropped,
            next,
        } => Due {
            revoke,
            dropped,
            next: next.map(|at| at.0),
        },
        outcome => panic!("{outcome:?}"),
    }
}

fn rearm<B: Backend>(world: &mut World<B>, boot: BootStamp) -> Option<u64> {
    match world.op(Op::RearmDeadlines { boot }) {
        Outcome::Deadline { validity, .. } => validity.map(|at| at.0),
        outcome => panic!("{outcome:?}"),
    }
}

/// To the millisecond.
pub fn nothing_is_due_before_its_time(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.enqueue("for ever");
    assert_eq!(rearm(&mut world, at(0)), None);
    let mut message = world.new_message("until 150");
    message.boot = at(50);
    message.valid_for = Some(Duration::from_millis(100));
    let id = world.enqueue_as(message);
    world.crash();
    assert_eq!(rearm(&mut world, at(149)), Some(150), "this boot's stand");
    let due = expire(&mut world, at(149), 10);
    assert_eq!((due.revoke.len(), due.dropped, due.next), (0, 0, Some(150)));
    let due = expire(&mut world, at(150), 10);
    assert_eq!((due.revoke.len(), due.dropped, due.next), (0, 1, None));
    assert_eq!(world.shown(id), Shown::Failed(Failure::ValidityOver));
}

/// A queued one at once, one on its way by a revoke.
pub fn what_is_due_is_given_up_or_asked_back(backend: impl Backend) {
    let mut world = World::bound(backend);
    let sent = world.enqueue_valid_for(10);
    let sending = world.enqueue_valid_for(10);
    let queued = world.enqueue_valid_for(10);
    world.release(sent);
    world.release(sending);
    world.sent(state(1, &[], &[]));
    let due = expire(&mut world, at(10), 10);
    let mut seqs: Vec<_> = due
        .revoke
        .iter()
        .map(|it| (it.epoch, it.seq.get()))
        .collect();
    seqs.sort_unstable();
    assert_eq!(seqs, [(EPOCH, 1), (EPOCH, 2)]);
    assert_eq!((due.dropped, due.next), (1, None));
    world.crash();
    assert_eq!(world.shown(queued), Shown::Failed(Failure::ValidityOver));
    assert_eq!(world.shown(sent), Shown::Sent, "not before the answer");
    assert_eq!(world.record(sent).take_back, Some(TakeBack::Expired));
    assert_eq!(world.resume(), (vec![(2, true)], vec![(690, 1)]));
    let again = expire(&mut world, at(11), 10);
    assert_eq!((again.revoke.len(), again.dropped), (0, 0), "asked once");
    let answers = [
        (1, RevokeOutcome::Revoked),
        (2, RevokeOutcome::AlreadyDelivered),
    ];
    world.revoked(EPOCH, &answers);
    assert_eq!(world.shown(sent), Shown::Failed(Failure::ValidityOver));
    assert_eq!(world.shown(sending), Shown::Delivered);
}

/// The rest follows in the next turn.
pub fn at_most_so_many_at_once(backend: impl Backend) {
    let mut world = World::bound(backend);
    rearm(&mut world, at(0));
    for ms in [40, 10, 30, 20] {
        world.enqueue_valid_for(ms);
    }
    let due = expire(&mut world, at(35), 2);
    assert_eq!((due.dropped, due.next), (2, Some(30)), "the earliest first");
    let due = expire(&mut world, at(35), 2);
    assert_eq!((due.dropped, due.next), (1, Some(40)));
}

/// Never shorter, and in full (DELIVERY 24).
pub fn another_boot_starts_validity_again(backend: impl Backend) {
    let mut world = World::bound(backend);
    let released = world.enqueue_valid_for(300);
    let id = world.enqueue_valid_for(100);
    world.release(released);
    world.crash();
    let boot = |ms| BootStamp {
        boot: BootId(7),
        at: Instant(ms),
    };
    assert_eq!(rearm(&mut world, boot(5)), Some(105));
    assert_eq!(expire(&mut world, boot(104), 10).dropped, 0);
    assert_eq!(
        rearm(&mut world, boot(104)),
        Some(105),
        "once for each boot"
    );
    let due = expire(&mut world, boot(105), 10);
    assert_eq!((due.dropped, due.next), (1, Some(305)));
    assert_eq!(world.shown(id), Shown::Failed(Failure::ValidityOver));
    assert_eq!(expire(&mut world, boot(305), 10).revoke.len(), 1);
}

/// Neither what arrived nor what failed before.
pub fn what_is_settled_does_not_expire(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids: Vec<_> = (0..3).map(|_| world.enqueue_valid_for(10)).collect();
    world.release(ids[0]);
    world.release(ids[1]);
    world.op(Op::Cancel { id: ids[2] });
    world.sent(state(2, &[1], &[(2, Disposition::Expired)]));
    assert_eq!(rearm(&mut world, at(0)), None);
    let due = expire(&mut world, at(50), 10);
    assert_eq!((due.revoke.len(), due.dropped, due.next), (0, 0, None));
    let shown: Vec<_> = ids.iter().map(|id| world.shown(*id)).collect();
    assert_eq!(
        shown,
        [
            Shown::Delivered,
            Shown::Failed(Failure::ExpiredAtGateway),
            Shown::Cancelled
        ]
    );
}

/// From the moment the user says so.
pub fn a_retry_is_valid_anew(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.enqueue_valid_for(100);
    expire(&mut world, at(100), 10);
    let outcome = world.op(retry(id, at(500)));
    assert!(matches!(outcome, Outcome::Retried { .. }), "{outcome:?}");
    world.crash();
    assert_eq!(rearm(&mut world, at(501)), Some(600));
    assert_eq!(expire(&mut world, at(599), 10).dropped, 0);
    assert_eq!(expire(&mut world, at(600), 10).dropped, 1);
}

/// A new epoch gives no new time.
pub fn what_went_back_to_the_queue_still_expires(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.enqueue_valid_for(100);
    world.release(id);
    world.bind(Epoch(691));
    world.closed(EPOCH, state(0, &[], &[]));
    assert_eq!(world.shown(id), Shown::Queued);
    let due = expire(&mut world, at(100), 10);
    assert_eq!((due.revoke.len(), due.dropped), (0, 1));
}
