//! What the gateway says of what was sent (DELIVERY 5, 8, 12, 13, 16).

use twine_engine::message::{Failure, IpAttempt, SentAs, Shown};
use twine_engine::store_ops::{Op, Outcome};
use twine_proto::frame::{Disposition, Refusal, RejectReason, RevokeOutcome};
use twine_proto::{Epoch, Seq};

use super::Backend;
use super::world::{EPOCH, World, accepted_looks, apply_sent, own, second_own, state};

const NEXT: Epoch = Epoch(691);

/// "Accepted" is cumulative.
pub fn accepted_up_to_the_mark(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = world.send_many(3);
    assert_eq!(world.sent(state(2, &[], &[])), (0, 0));
    world.crash();
    let shown: Vec<_> = ids.iter().map(|id| world.shown(*id)).collect();
    assert_eq!(shown, [Shown::Sent, Shown::Sent, Shown::Sending]);
    assert_eq!(
        world.record(ids[0]).ip,
        IpAttempt::Accepted(SentAs {
            epoch: EPOCH,
            seq: Seq(1)
        })
    );
    assert_eq!(
        world.story(ids[0]),
        [Shown::Queued, Shown::Sending, Shown::Sent]
    );
}

/// Refusals consume their seq and are final (DELIVERY 5).
pub fn each_outcome_shows_as_itself(backend: impl Backend) {
    let outcomes = [
        (
            Disposition::Refused(Refusal::UnknownRecipient),
            Shown::Failed(Failure::Refused(Refusal::UnknownRecipient)),
        ),
        (
            Disposition::Refused(Refusal::MailboxFull),
            Shown::Failed(Failure::Refused(Refusal::MailboxFull)),
        ),
        (
            Disposition::Refused(Refusal::TooLarge),
            Shown::Failed(Failure::Refused(Refusal::TooLarge)),
        ),
        (
            Disposition::Refused(Refusal::Policy),
            Shown::Failed(Failure::Refused(Refusal::Policy)),
        ),
        (
            Disposition::Expired,
            Shown::Failed(Failure::ExpiredAtGateway),
        ),
        (
            Disposition::Rejected(RejectReason::Unreadable),
            Shown::Failed(Failure::Rejected(RejectReason::Unreadable)),
        ),
        (
            Disposition::Rejected(RejectReason::Conflict),
            Shown::Failed(Failure::Rejected(RejectReason::Conflict)),
        ),
        (Disposition::Revoked, Shown::Failed(Failure::SmsFailed)),
    ];
    let mut world = World::bound(backend);
    let ids = world.send_many(outcomes.len() + 1);
    let dispositions: Vec<_> = (1..).zip(outcomes.iter().map(|(how, _)| *how)).collect();
    let delivered = ids.len() as u64;
    assert_eq!(
        world.sent(state(delivered, &[delivered], &dispositions)),
        (delivered, 0)
    );
    world.crash();
    for (id, (how, shown)) in ids.iter().zip(outcomes) {
        assert_eq!(world.shown(*id), shown, "{how:?}");
        assert_eq!(world.story(*id), [Shown::Queued, Shown::Sending, shown]);
    }
    let last = *ids.last().expect("sent");
    assert_eq!(world.shown(last), Shown::Delivered);
    assert_eq!(world.outbox(), []);
    assert_eq!(world.snapshot().outbox, 0);
}

/// `Welcome` repeats what `Accepted` said (DELIVERY 5).
pub fn reports_are_idempotent(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.send_many(4);
    let refused = (2, Disposition::Refused(Refusal::MailboxFull));
    let report = state(3, &[1], &[refused]);
    assert_eq!(world.sent(report.clone()), (2, 0));
    let before = world.snapshot();
    assert_eq!(world.sent(report.clone()), (0, 0));
    world.crash();
    assert_eq!(world.sent(report), (0, 0));
    assert_eq!(world.snapshot(), before);
}

/// Reports of two connections may overtake each other.
pub fn reports_may_come_in_any_order(backend: impl Backend) {
    let reports = [
        state(1, &[], &[]),
        state(3, &[], &[]),
        state(3, &[1], &[]),
        state(3, &[], &[(2, Disposition::Expired)]),
        state(3, &[2], &[]),
        state(2, &[], &[(3, Disposition::Refused(Refusal::Policy))]),
    ];
    let expected = [
        Shown::Delivered,
        Shown::Delivered,
        Shown::Failed(Failure::Refused(Refusal::Policy)),
    ];
    // Each order in an epoch of its own.
    let mut world = World::empty(backend);
    world.register(own());
    for (round, order) in orders(reports.len()).into_iter().enumerate() {
        let epoch = Epoch(u32::try_from(round).expect("few") + 1);
        world.bind(epoch);
        let ids = world.send_many(3);
        for at in &order {
            world.sent_in(epoch, reports[*at].clone());
        }
        let shown: Vec<_> = ids.iter().map(|id| world.shown(*id)).collect();
        assert_eq!(shown, expected, "in the order {order:?}");
    }
}

/// Every rotation of every rotation backwards: enough to put each report before
/// and behind each other.
fn orders(len: usize) -> Vec<Vec<usize>> {
    let mut orders = Vec::new();
    for turn in 0..len {
        let forward: Vec<usize> = (0..len).map(|at| (at + turn) % len).collect();
        let backward = forward.iter().rev().copied().collect();
        orders.push(forward);
        orders.push(backward);
    }
    orders
}

/// DELIVERY 16: delivered if either attempt is. An entry that was handed over
/// expired while the receiver's acknowledgement was on its way: it has the
/// message, whatever the gateway had concluded.
pub fn what_was_delivered_is_no_failure(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.send("handed over");
    world.sent(state(1, &[], &[(1, Disposition::Expired)]));
    assert_eq!(world.shown(id), Shown::Failed(Failure::ExpiredAtGateway));
    world.crash();
    assert_eq!(
        world.sent(state(1, &[1], &[])),
        (0, 0),
        "it was settled already"
    );
    assert_eq!(world.shown(id), Shown::Delivered);
    world.sent(state(1, &[], &[(1, Disposition::Expired)]));
    assert_eq!(world.shown(id), Shown::Delivered, "and not back again");

    let called_off = world.send("revoked, says the gateway");
    world.op(Op::Cancel { id: called_off });
    world.revoked(EPOCH, &[(2, RevokeOutcome::Revoked)]);
    assert_eq!(world.shown(called_off), Shown::Cancelled);
    world.sent(state(2, &[2], &[]));
    assert_eq!(world.shown(called_off), Shown::Delivered);
}

/// A receiver acknowledges what it rejects (DELIVERY 12): trap: the sender is
/// shown "delivered", and the peer a placeholder.
pub fn a_rejection_is_not_called_delivered(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = world.send_many(2);
    let rejected = Disposition::Rejected(RejectReason::Unreadable);
    let shown = Shown::Failed(Failure::Rejected(RejectReason::Unreadable));
    world.sent(state(2, &[1], &[(1, rejected), (2, rejected)]));
    world.sent(state(2, &[1, 2], &[]));
    assert_eq!([world.shown(ids[0]), world.shown(ids[1])], [shown, shown]);
}

/// Of what is contradictory otherwise, the first holds.
pub fn what_is_settled_stays_settled(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = world.send_many(2);
    world.sent(state(
        2,
        &[1],
        &[(2, Disposition::Refused(Refusal::Policy))],
    ));
    let late = [
        (1, Disposition::Expired),
        (2, Disposition::Expired),
        (1, Disposition::Rejected(RejectReason::Conflict)),
    ];
    assert_eq!(world.sent(state(2, &[], &late)), (0, 0));
    assert_eq!(
        world.revoked(
            EPOCH,
            &[(1, RevokeOutcome::Revoked), (2, RevokeOutcome::Revoked)]
        ),
        0
    );
    assert_eq!(
        [world.shown(ids[0]), world.shown(ids[1])],
        [
            Shown::Delivered,
            Shown::Failed(Failure::Refused(Refusal::Policy))
        ]
    );
}

/// Another number, another epoch, a seq never given.
pub fn unknown_seqs_change_nothing(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.register(second_own());
    let id = world.send("mine");
    world.op(Op::ApplySent {
        number: second_own(),
        epoch: EPOCH,
        state: state(5, &[1], &[]),
        away: Vec::new(),
        looks: accepted_looks(),
    });
    assert_eq!(world.sent_in(NEXT, state(5, &[1], &[])), (0, 0));
    assert_eq!(
        world.sent(state(0, &[7], &[(8, Disposition::Expired)])),
        (0, 0)
    );
    assert_eq!(world.shown(id), Shown::Sending);
}

/// The gateway may forget what lies below it.
pub fn the_lowest_unsettled_seq_is_told(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.send_many(4);
    let mut lowest = |high_water, delivered: &[u64]| match world
        .op(apply_sent(EPOCH, state(high_water, delivered, &[])))
    {
        Outcome::Applied {
            lowest_unsettled, ..
        } => lowest_unsettled.get(),
        outcome => panic!("{outcome:?}"),
    };
    assert_eq!(lowest(0, &[]), 1);
    assert_eq!(lowest(3, &[2]), 1);
    assert_eq!(lowest(3, &[1]), 3);
    assert_eq!(lowest(3, &[3]), 4, "the one in flight");
    assert_eq!(lowest(4, &[4]), 5, "all settled: the next one");
}

/// Only what the gateway did not take is sent again (DELIVERY 8).
pub fn a_closed_epoch_gives_back_what_was_not_taken(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = world.send_many(4);
    world.close(EPOCH);
    world.crash();
    assert_eq!(world.closed(EPOCH, state(2, &[1], &[])), (1, 2));
    let shown: Vec<_> = ids.iter().map(|id| world.shown(*id)).collect();
    assert_eq!(
        shown,
        [Shown::Delivered, Shown::Sent, Shown::Queued, Shown::Queued]
    );
    assert_eq!(world.outbox(), ids[1..]);
    assert_eq!(world.snapshot().outbox, 3);
    assert_eq!(world.snapshot().identities[0].queued, 2);
    assert_eq!(
        world.closed(EPOCH, state(2, &[], &[])),
        (0, 0),
        "it went back once"
    );
    assert_eq!(
        world.story(ids[2]),
        [Shown::Queued, Shown::Sending, Shown::Queued]
    );
}

/// Its old place was never seen by anyone.
pub fn what_went_back_gets_a_new_place(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = world.send_many(3);
    world.bind(NEXT);
    world.closed(EPOCH, state(1, &[], &[]));
    assert_eq!(world.record(ids[1]).name, None);
    let released = [world.release(ids[1]), world.release(ids[2])];
    let numbers = released.map(|it| (it.epoch, it.seq.get(), it.lane_seq.get()));
    assert_eq!(numbers, [(NEXT, 1, 1), (NEXT, 2, 2)]);
    // The accepted one stays what it is in its epoch.
    let name = world.record(ids[0]).name.expect("a place");
    assert_eq!((name.epoch, name.lane_seq.get()), (EPOCH, 1));
}

/// The gateway still delivers what it took of it.
pub fn outcomes_of_a_closed_epoch_still_count(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = world.send_many(2);
    world.bind(NEXT);
    world.closed(EPOCH, state(2, &[], &[]));
    let new = world.send("in the new epoch");
    world.crash();
    assert_eq!(world.sent_in(EPOCH, state(2, &[1], &[])), (1, 0));
    assert_eq!(
        world.closed(EPOCH, state(2, &[], &[(2, Disposition::Expired)])),
        (1, 0)
    );
    assert_eq!(world.shown(ids[0]), Shown::Delivered);
    assert_eq!(
        world.shown(ids[1]),
        Shown::Failed(Failure::ExpiredAtGateway)
    );
    assert_eq!(
        world.shown(new),
        Shown::Sending,
        "the same seq, another epoch"
    );
}

/// Each unsettled seq is filled in, in order (DELIVERY 8).
pub fn resume_fills_in_the_window(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = world.send_many(5);
    world.op(Op::Cancel { id: ids[3] });
    world.op(Op::Cancel { id: ids[0] });
    world.sent(state(2, &[], &[]));
    world.crash();
    assert_eq!(
        world.resume(),
        (vec![(3, false), (4, true), (5, false)], vec![(690, 1)])
    );
    world.bind(NEXT);
    assert_eq!(
        world.resume(),
        (vec![], vec![(690, 1)]),
        "not of a closed epoch"
    );
    world.send("in the new epoch");
    assert_eq!(world.resume().0, [(1, false)]);
}

/// Some at a time, as the window has room.
pub fn resume_comes_in_pages(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = world.send_many(5);
    world.op(Op::Cancel { id: ids[0] });
    world.sent(state(1, &[], &[]));
    let page = |seqs: &[u64]| -> Vec<_> { seqs.iter().map(|seq| (*seq, false)).collect() };
    assert_eq!(
        world.resume_page(0, 2),
        (page(&[2, 3]), true, vec![(690, 1)])
    );
    assert_eq!(world.resume_page(3, 2), (page(&[4, 5]), false, vec![]));
    assert_eq!(world.resume_page(5, 2), (vec![], false, vec![]));
}

/// A gateway restored from a backup (DELIVERY 7).
pub fn a_gateway_that_lost_history_gets_it_again(backend: impl Backend) {
    let mut world = World::bound(backend);
    // More than one step of anything.
    let ids = world.send_many(150);
    let refused = (149, Disposition::Refused(Refusal::Policy));
    world.sent(state(150, &[1, 148], &[refused]));
    world.op(Op::Cancel { id: ids[2] });
    world.done(Op::Unaccept {
        number: own(),
        epoch: NEXT,
        high_water: Seq(0),
    });
    assert_eq!(world.resume().0, [], "of another epoch");
    world.done(Op::Unaccept {
        number: own(),
        epoch: EPOCH,
        high_water: Seq(2),
    });
    world.crash();
    let (in_flight, more, taking_back) = world.resume_page(0, 1000);
    let expected: Vec<_> = (3..=150)
        .filter(|seq| !matches!(seq, 148 | 149))
        .map(|seq| (seq, seq == 3))
        .collect();
    assert_eq!((in_flight, more, taking_back), (expected, false, vec![]));
    assert_eq!(world.shown(ids[1]), Shown::Sent);
    assert_eq!(world.shown(ids[3]), Shown::Sending);
    assert_eq!(world.shown(ids[147]), Shown::Delivered, "settled stays so");
    assert_eq!(world.sent(state(150, &[], &[])), (0, 0));
    assert_eq!(world.shown(ids[149]), Shown::Sent);
    assert_eq!(world.snapshot().outbox, 147);
}
