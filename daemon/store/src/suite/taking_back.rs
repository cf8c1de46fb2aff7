//! Cancel, revoke, retry (DELIVERY 2, 14, 15).

use twine_engine::message::{Channel, Failure, IpAttempt, MessageId, Shown, TakeBack, WaitsFor};
use twine_engine::store_ops::{Op, Outcome};
use twine_proto::Epoch;
use twine_proto::frame::{Disposition, Refusal, RejectReason, RevokeOutcome};

use super::Backend;
use super::short_message::wait;
use super::world::{EPOCH, World, at, own, retry, state};

const NEXT: Epoch = Epoch(691);

/// Nobody has seen it.
pub fn a_queued_message_is_taken_back_at_once(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.enqueue("never mind");
    assert!(matches!(world.op(Op::Cancel { id }), Outcome::TakenBack));
    world.crash();
    assert_eq!(world.shown(id), Shown::Cancelled);
    assert_eq!(world.outbox(), []);
    assert_eq!(world.story(id), [Shown::Queued, Shown::Cancelled]);
    assert!(matches!(
        world.op(Op::Cancel { id }),
        Outcome::Done | Outcome::TooLate { .. }
    ));
}

/// Its seq keeps its meaning: the gateway has to be asked.
pub fn a_message_on_its_way_has_to_be_revoked(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = world.send_many(2);
    world.sent(state(1, &[], &[]));
    for (id, seq) in ids.iter().zip([1, 2]) {
        // Again: the answer may have been lost.
        for _ in 0..2 {
            match world.op(Op::Cancel { id: *id }) {
                Outcome::MustRevoke(unsettled) => assert_eq!(
                    (unsettled.number, unsettled.epoch, unsettled.seq.get()),
                    (own(), EPOCH, seq)
                ),
                outcome => panic!("{outcome:?}"),
            }
        }
        assert_eq!(world.record(*id).take_back, Some(TakeBack::Cancelled));
    }
    assert_eq!(world.shown(ids[0]), Shown::Sent, "not before the answer");
    assert_eq!(world.outbox(), ids);
}

/// The four answers (DELIVERY 14).
pub fn each_answer_to_a_revoke(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = world.send_many(5);
    world.sent(state(4, &[], &[]));
    for id in &ids {
        world.op(Op::Cancel { id: *id });
    }
    let answers = [
        (1, RevokeOutcome::Revoked),
        (2, RevokeOutcome::AlreadyDelivered),
        (3, RevokeOutcome::InDoubt),
        (4, RevokeOutcome::Forgotten),
        // Revoke of high-water + 1 consumes that seq.
        (5, RevokeOutcome::Revoked),
    ];
    assert_eq!(world.revoked(EPOCH, &answers), 3);
    assert_eq!(world.revoked(EPOCH, &answers), 0);
    world.crash();
    let shown: Vec<_> = ids.iter().map(|id| world.shown(*id)).collect();
    assert_eq!(
        shown,
        [
            Shown::Cancelled,
            Shown::Delivered,
            Shown::Sent,
            Shown::Sent,
            Shown::Cancelled
        ]
    );
    let next = world.enqueue("next");
    assert_eq!(world.release(next).seq.get(), 6, "revoked seqs stay used");
}

/// The receiver shows a placeholder; the user wanted it back, was told of the
/// rejection first, and has dismissed it.
pub fn a_dismissed_rejection_stays_dismissed(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.send("unreadable");
    world.sent(state(1, &[], &[]));
    world.op(Op::Cancel { id });
    let rejected = Disposition::Rejected(RejectReason::Unreadable);
    world.sent(state(1, &[], &[(1, rejected)]));
    world.op(Op::Cancel { id });
    assert_eq!(world.shown(id), Shown::Cancelled);
    assert_eq!(
        world.revoked(EPOCH, &[(1, RevokeOutcome::AlreadyDelivered)]),
        0
    );
    assert_eq!(world.shown(id), Shown::Cancelled);
}

/// At the next contact (DELIVERY 15).
pub fn in_doubt_is_asked_again(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = world.send_many(2);
    world.sent(state(2, &[], &[]));
    for id in &ids {
        world.op(Op::Cancel { id: *id });
    }
    world.revoked(
        EPOCH,
        &[(1, RevokeOutcome::InDoubt), (2, RevokeOutcome::Forgotten)],
    );
    world.crash();
    assert_eq!(world.resume().1, [(690, 1), (690, 2)]);
    world.sent(state(2, &[1], &[(2, Disposition::Revoked)]));
    assert_eq!(world.resume().1, []);
    assert_eq!(
        [world.shown(ids[0]), world.shown(ids[1])],
        [Shown::Delivered, Shown::Cancelled]
    );
}

/// The gateway never took it, and it is not sent again.
pub fn what_is_taken_back_in_a_closed_epoch_is_revoked(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = world.send_many(3);
    world.op(Op::Cancel { id: ids[2] });
    world.op(Op::Cancel { id: ids[0] });
    world.bind(NEXT);
    assert_eq!(world.closed(EPOCH, state(1, &[], &[])), (1, 1));
    assert_eq!(world.shown(ids[2]), Shown::Cancelled);
    assert_eq!(world.shown(ids[1]), Shown::Queued);
    // What it took is asked for under its old epoch.
    assert_eq!(world.resume(), (vec![], vec![(690, 1)]));
    assert_eq!(world.revoked(EPOCH, &[(1, RevokeOutcome::Revoked)]), 1);
    assert_eq!(world.shown(ids[0]), Shown::Cancelled);
}

/// The gateway has somebody else's message under its seq, and tells that one's fate.
pub fn what_was_taken_back_has_no_part_in_the_fate_of_another(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = world.send_many(2);
    world.op(Op::Cancel { id: ids[0] });
    world.contest(EPOCH, 1);
    assert_eq!(world.shown(ids[0]), Shown::Cancelled);
    assert_eq!(world.shown(ids[1]), Shown::Queued);
    world.crash();
    assert_eq!(world.sent_in(EPOCH, state(2, &[1, 2], &[])), (0, 0));
    assert_eq!(world.shown(ids[0]), Shown::Cancelled);
    assert_eq!(world.shown(ids[1]), Shown::Queued);
}

/// What the user is told when nothing can be taken back.
pub fn too_late_or_unknown(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.send("too late");
    world.sent(state(1, &[1], &[]));
    assert!(matches!(
        world.op(Op::Cancel { id }),
        Outcome::TooLate {
            shown: Some(Shown::Delivered)
        }
    ));
    world.read_by_peer(1);
    assert!(matches!(
        world.op(Op::Cancel { id }),
        Outcome::TooLate {
            shown: Some(Shown::Read)
        }
    ));
    let received = world.receive(1);
    assert!(matches!(
        world.op(Op::Cancel { id: received }),
        Outcome::TooLate { .. }
    ));
    let unknown = MessageId(999);
    assert!(matches!(
        world.op(Op::Cancel { id: unknown }),
        Outcome::NotFound
    ));
}

/// The user gives up what has failed.
pub fn a_failed_message_can_be_called_off(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.send("refused");
    world.sent(state(1, &[], &[(1, Disposition::Refused(Refusal::Policy))]));
    world.done(Op::Cancel { id });
    world.crash();
    assert_eq!(world.shown(id), Shown::Cancelled);
    assert_eq!(world.outbox(), []);
    world.retry(id);
    assert_eq!(world.shown(id), Shown::Queued, "and changes their mind");
}

/// Another try by IP takes a new seq and keeps its place (DELIVERY 2).
pub fn a_retry_keeps_its_place_and_takes_a_new_seq(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = world.send_many(3);
    let expired = (1, Disposition::Expired);
    world.sent(state(3, &[3], &[expired, (2, Disposition::Revoked)]));
    for id in &ids[..2] {
        world.retry(*id);
    }
    world.crash();
    assert_eq!(world.outbox(), ids[..2]);
    assert_eq!(world.snapshot().identities[0].queued, 2);
    let released = [world.release(ids[0]), world.release(ids[1])];
    let numbers = released.map(|it| (it.seq.get(), it.lane_seq.get()));
    assert_eq!(numbers, [(4, 1), (5, 2)]);
    let next = world.enqueue("next");
    let released = world.release(next);
    assert_eq!((released.seq.get(), released.lane_seq.get()), (6, 4));
    // Nothing that is said of the old seq is about the new one.
    world.sent(state(3, &[], &[expired]));
    assert_eq!(world.shown(ids[0]), Shown::Sending);
    assert_eq!(
        world.story(ids[0]),
        [
            Shown::Queued,
            Shown::Sending,
            Shown::Failed(Failure::ExpiredAtGateway),
            Shown::Queued,
            Shown::Sending,
        ]
    );
}

/// Places are counted in each epoch.
pub fn a_retry_in_a_new_epoch_takes_a_new_place(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = world.send_many(2);
    world.sent(state(2, &[], &[(2, Disposition::Expired)]));
    world.retry(ids[1]);
    world.bind(NEXT);
    let released = world.release(ids[1]);
    assert_eq!(
        (released.epoch, released.seq.get(), released.lane_seq.get()),
        (NEXT, 1, 1)
    );
}

/// A retry is for what failed or was cancelled.
pub fn only_what_failed_is_tried_again(backend: impl Backend) {
    let mut world = World::bound(backend);
    let sending = world.send("sending");
    let queued = world.enqueue("queued");
    let received = world.receive(1);
    for id in [queued, sending, received] {
        assert!(matches!(
            world.op(retry(id, at(0))),
            Outcome::TooLate { shown: Some(_) }
        ));
    }
    world.op(Op::Cancel { id: sending });
    assert!(
        matches!(world.op(retry(sending, at(0))), Outcome::TooLate { .. }),
        "not before it is taken back"
    );
    world.sent(state(1, &[1], &[]));
    assert!(matches!(
        world.op(retry(sending, at(0))),
        Outcome::TooLate {
            shown: Some(Shown::Delivered)
        }
    ));
    let unknown = MessageId(999);
    assert!(matches!(world.op(retry(unknown, at(0))), Outcome::NotFound));
}

/// The user need not wait for the card.
pub fn what_waits_for_a_condition_is_tried_at_once(backend: impl Backend) {
    let mut world = World::bound(backend);
    for by in [Some(Channel::Ip), None] {
        let id = world.undecided("for its card");
        world.release_sms(id, false);
        world.looks(wait(id, world.attempts(id), Some(WaitsFor::Sim), None));
        let again = Op::Retry {
            id,
            by,
            boot: at(0),
        };
        assert!(matches!(world.op(again), Outcome::Retried { .. }));
        assert_eq!(world.pacing_ids(), []);
        assert_eq!(world.record(id).waits_for, None);
        match by {
            Some(_) => assert_eq!(world.queued_for_ip(), [id]),
            None => assert!(world.due_ids(0).contains(&id), "decided anew"),
        }
        world.op(Op::Cancel { id });
    }
}

/// Cancelled is cancelled, also if the validity was over before.
pub fn the_users_wish_stands_above_expiry(backend: impl Backend) {
    let mut world = World::bound(backend);
    let expiring = world.enqueue_valid_for(10);
    let cancelled = world.enqueue_valid_for(20);
    world.release(expiring);
    world.release(cancelled);
    world.op(Op::Cancel { id: cancelled });
    let due = world.op(Op::ExpireDue {
        boot: at(30),
        limit: 10,
    });
    let Outcome::Expired { revoke, .. } = due else {
        panic!("{due:?}");
    };
    assert_eq!(revoke.len(), 1, "the cancelled one is under way already");
    world.op(Op::Cancel { id: expiring });
    world.revoked(
        EPOCH,
        &[(1, RevokeOutcome::Revoked), (2, RevokeOutcome::Revoked)],
    );
    for id in [expiring, cancelled] {
        assert_eq!(world.shown(id), Shown::Cancelled);
        assert_eq!(world.record(id).ip, IpAttempt::Revoked(TakeBack::Cancelled));
    }
}
