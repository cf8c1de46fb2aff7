//! From one channel to the other: recalls, asking back, doubt, the user's choice
//! (DELIVERY 14, 15, 16).

use twine_engine::message::{Channel, Failure, IpAttempt, Shown, SmsAttempt, TakeBack, WaitsFor};
use twine_engine::parts::PartState;
use twine_engine::settings::Reach;
use twine_engine::store_ops::{Op, Outcome};
use twine_proto::frame::{Disposition, Refusal, RejectReason, RevokeOutcome};
use twine_proto::{Epoch, LaneSeq};

use super::Backend;
use super::short_message::{AT_ONCE, BECAUSE, ask_back, by, ms, must_revoke, wait};
use super::world::{CLOSED_MS, DOUBT_MS, EPOCH, HERE_MS, World, at, look, own, release, state};

const NEXT: Epoch = Epoch(691);

fn revoked(world: &mut World<impl Backend>, seq: u64, answer: RevokeOutcome) -> Option<u64> {
    world
        .after(Op::ApplyRevoked {
            number: own(),
            epoch: EPOCH,
            results: vec![(twine_proto::Seq(seq), answer)],
            look: look(DOUBT_MS),
        })
        .look
}

/// It is bought only if it must be.
pub fn acceptance_recalls_an_sms_that_waits(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.open_on_ip("accepted after all").id;
    world.release_sms(id, true);
    assert_eq!(world.record(id).take_back, Some(TakeBack::BySms));
    let behind = world.open("behind it");
    assert_eq!(world.queued_for_ip(), []);
    let after = world.after_sent(1, &[], &[]);
    assert_eq!((after.look, after.unblocked), (Some(HERE_MS), true));
    world.crash();
    let record = world.record(id);
    assert_eq!(record.sms.state, SmsAttempt::None);
    assert_eq!((record.take_back, record.shown), (None, Shown::Sent));
    assert_eq!(world.pacing_ids(), []);
    assert_eq!(world.resume().1, [], "it is not asked back any more");
    assert_eq!(world.queued_for_ip(), [behind]);
    assert_eq!(world.due_ids(HERE_MS), [id]);
}

/// So much the more does delivery.
pub fn delivery_recalls_an_sms_that_waits(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.open_on_ip("delivered after all").id;
    world.release_sms(id, true);
    let after = world.after_sent(1, &[1], &[]);
    assert!(after.unblocked);
    assert_eq!(world.sms(id), SmsAttempt::NotUsed);
    assert_eq!(world.shown(id), Shown::Delivered);
    assert_eq!(world.pacing_ids(), []);
    assert_eq!(world.due_ids(HERE_MS), []);
    let outcome = world.op(super::short_message::hand(id, 7, 1));
    assert!(
        matches!(&outcome, Outcome::SmsHanded(handed) if handed.is_empty()),
        "{outcome:?}"
    );
    assert_eq!(world.snapshot().outbox, 0);
}

/// It has left; both are there, and the lane waits for it.
pub fn an_sms_at_the_agent_is_not_recalled(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.open_on_ip("both ways").id;
    world.release_sms(id, true);
    world.hand(id, 7, 1);
    let behind = world.open("behind it");
    world.after_sent(1, &[1], &[]);
    assert_eq!(world.sms(id), SmsAttempt::Handed);
    assert_eq!(world.shown(id), Shown::Delivered);
    assert_eq!(world.queued_for_ip(), []);
    assert_eq!(
        world.due_ids(600_000),
        [id],
        "its result may stay unknown for so long"
    );
    world.part(7, 0, PartState::Sent);
    assert_eq!(world.queued_for_ip(), [behind]);
    assert_eq!(world.due_ids(600_000), []);
    assert_eq!(world.shown(id), Shown::Delivered);
}

/// Only `Revoked` allows a plain SMS (DELIVERY 15).
pub fn what_is_asked_back_and_revoked_may_go_by_sms(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.open_on_ip("asked back").id;
    assert_eq!(must_revoke(world.op(ask_back(id, 400))), 1);
    assert_eq!(world.record(id).take_back, Some(TakeBack::BySms));
    assert_eq!(world.shown(id), Shown::Sending);
    assert_eq!(world.due_ids(399), []);
    assert_eq!(world.due_ids(400), [id]);
    assert_eq!(world.resume().0, [(1, true)], "filled in by a revoke");
    let events = world.snapshot().latest_event;
    assert_eq!(revoked(&mut world, 1, RevokeOutcome::Revoked), AT_ONCE);
    world.crash();
    assert_eq!(world.snapshot().latest_event, events, "still on its way");
    let record = world.record(id);
    assert_eq!(record.ip, IpAttempt::Revoked(TakeBack::BySms));
    assert_eq!((record.shown, record.take_back), (Shown::Sending, None));
    assert!(!world.considered(id).in_doubt);
    assert_eq!(world.snapshot().outbox, 1);
    assert_eq!(world.outbox(), [id]);
    assert_eq!(world.release_sms(id, false), Some(1), "it keeps its place");
    world.hand(id, 7, 1);
    world.part(7, 0, PartState::Sent);
    assert_eq!(world.shown(id), Shown::Sent);
    assert_eq!(world.outbox(), []);
    let late = world.op(ask_back(id, 400));
    assert!(
        matches!(late, Outcome::Looks { look: None, .. }),
        "nothing is open on IP: {late:?}"
    );
}

/// Trap: the gateway's "accepted" and our revoke cross. It was no cancel.
pub fn a_revoke_that_crosses_the_acceptance_is_no_cancel(backend: impl Backend) {
    let mut world = World::bound(backend);
    let asked = world.open_on_ip("asked back").id;
    let recalled = world.open_on_ip("recalled").id;
    world.release_sms(asked, true);
    world.after_sent(1, &[], &[]);
    world.op(ask_back(recalled, 400));
    world.after_sent(2, &[], &[]);
    for seq in [1, 2] {
        assert_eq!(revoked(&mut world, seq, RevokeOutcome::Revoked), AT_ONCE);
    }
    for id in [asked, recalled] {
        assert_eq!(world.record(id).ip, IpAttempt::Revoked(TakeBack::BySms));
        assert_eq!(world.shown(id), Shown::Sending);
    }
}

/// `InDoubt` and `Forgotten`: an uncertain SMS, and the revoke is repeated at
/// the next contact (DELIVERY 15).
pub fn what_is_in_doubt_may_go_as_an_uncertain_copy(backend: impl Backend) {
    let mut world = World::bound(backend);
    let answers = [RevokeOutcome::InDoubt, RevokeOutcome::Forgotten];
    for (seq, answer) in (1..).zip(answers) {
        // A sign of life: what was in doubt says that there is none.
        world.receive(seq);
        let id = world.open_on_ip("in doubt").id;
        world.after_sent(seq, &[], &[]);
        world.op(ask_back(id, 400));
        assert_eq!(revoked(&mut world, seq, answer), Some(DOUBT_MS));
        // The same answer at the next contact gives it no more time.
        assert_eq!(revoked(&mut world, seq, answer), None);
        let due = world.due(DOUBT_MS);
        let considered = due.iter().find(|it| it.id == id).expect("it is due");
        assert!(considered.in_doubt);
        assert_eq!(considered.take_back, Some(TakeBack::BySms));
        world.release_sms(id, true);
        world.hand(id, seq, 1);
        world.part(seq, 0, PartState::Sent);
        world.crash();
        assert_eq!(world.resume().1, [(690, seq)], "asked again");
        assert_eq!(world.outbox(), [id]);
        assert_eq!(world.due_ids(10_000_000), []);
        assert_eq!(revoked(&mut world, seq, answer), None, "it has gone");
        assert_eq!(
            world.revoked(EPOCH, &[(seq, RevokeOutcome::Revoked)]),
            1,
            "it leaves the outbox"
        );
        assert_eq!(world.resume().1, []);
        assert_eq!(world.outbox(), []);
        let record = world.record(id);
        assert_eq!(record.ip, IpAttempt::Revoked(TakeBack::BySms));
        assert_eq!((record.shown, record.sms.marked), (Shown::Sent, true));
    }
}

/// The gateway gives it back while its uncertain SMS still waits: nobody else has it. A mark
/// would merge it with another of its text, and no note would tell (DELIVERY 17).
pub fn what_is_given_back_before_its_sms_left_needs_no_mark(backend: impl Backend) {
    let mut world = World::bound(backend);
    for (seq, outcome, marked) in [
        (1, RevokeOutcome::Revoked, false),
        (2, RevokeOutcome::InDoubt, true),
    ] {
        let id = world.open_on_ip("ok").id;
        world.release_sms(id, true);
        world.revoked(EPOCH, &[(seq, outcome)]);
        assert_eq!(world.record(id).sms.marked, marked, "{outcome:?}");
        world.crash();
        world.hand(id, seq, 1);
        world.part(seq, 0, PartState::Sent);
    }
}

/// IP ended, SMS is still open: not failed (DELIVERY 16).
pub fn a_refusal_leaves_it_undecided_while_sms_is_open(backend: impl Backend) {
    let refusals = [
        Disposition::Refused(Refusal::MailboxFull),
        Disposition::Expired,
        Disposition::Rejected(RejectReason::Unreadable),
    ];
    let failures = [
        Failure::Refused(Refusal::MailboxFull),
        Failure::ExpiredAtGateway,
        Failure::Rejected(RejectReason::Unreadable),
    ];
    let mut world = World::bound(backend);
    for (seq, (disposition, failure)) in (1..).zip(refusals.into_iter().zip(failures)) {
        let id = world.open_on_ip("refused").id;
        let Outcome::Applied { settled, look, .. } = world.op(super::world::apply_sent(
            EPOCH,
            state(seq, &[], &[(seq, disposition)]),
        )) else {
            panic!("not applied");
        };
        assert_eq!((settled, ms(look)), (1, AT_ONCE), "by IP");
        world.crash();
        assert_eq!(world.shown(id), Shown::Sending);
        assert_eq!(world.outbox(), [id]);
        assert_eq!(world.considered(id).sms, SmsAttempt::None);
        let rule_out = Op::RuleOutSms {
            id,
            because: BECAUSE,
        };
        assert_eq!(world.looks(rule_out), (None, true));
        assert_eq!(world.shown(id), Shown::Failed(failure));
        assert_eq!(world.outbox(), []);
        assert_eq!(world.due_ids(10_000_000), []);
    }
    // What is ruled out before: failed at once.
    let id = world.open_on_ip("by ip or not at all").id;
    world.looks(Op::RuleOutSms {
        id,
        because: BECAUSE,
    });
    let expired = (4, Disposition::Expired);
    assert_eq!(world.after_sent(4, &[], &[expired]).look, None);
    assert_eq!(world.shown(id), Shown::Failed(Failure::ExpiredAtGateway));
}

/// It is in nobody's hands, and the user says meanwhile that SMS is not to be used: it goes
/// by IP under a new seq, in its place (DELIVERY 2).
pub fn what_was_asked_back_goes_by_ip_where_sms_is_ruled_out(backend: impl Backend) {
    let mut world = World::bound(backend);
    let sent = world.open_on_ip("asked back");
    world.after_sent(1, &[], &[]);
    world.op(ask_back(sent.id, 400));
    revoked(&mut world, 1, RevokeOutcome::Revoked);
    assert_eq!(world.shown(sent.id), Shown::Sending);
    world.looks(Op::RuleOutSms {
        id: sent.id,
        because: BECAUSE,
    });
    world.crash();
    assert_eq!(world.shown(sent.id), Shown::Queued);
    assert_eq!(world.queued_for_ip(), [sent.id]);
    assert_eq!(world.outbox(), [sent.id]);
    world.release(sent.id);
    let record = world.record(sent.id);
    let again = record.ip.unsettled().map(|sent| sent.seq);
    assert_eq!(again, Some(twine_proto::Seq(2)));
    assert_eq!(record.name.map(|name| name.lane_seq), Some(LaneSeq(1)));

    world.after_sent(2, &[2], &[]);

    // The same, ruled out while the answer is awaited: it is decided about anew.
    let sent = world.open_on_ip("asked back, and ruled out");
    world.op(ask_back(sent.id, 400));
    world.looks(Op::RuleOutSms {
        id: sent.id,
        because: BECAUSE,
    });
    assert_eq!(world.sms(sent.id), SmsAttempt::NotUsed);
    let look = revoked(&mut world, 3, RevokeOutcome::Revoked);
    assert_eq!(look, AT_ONCE);
    assert_eq!(world.shown(sent.id), Shown::Sending);
    assert_eq!(world.sms(sent.id), SmsAttempt::None);
}

/// One `Revoked` or `InDoubt` after the delivery deadline (DELIVERY 15).
pub fn a_delivery_deadline_marks_the_peer_as_silent(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ask = |world: &mut World<_>, seq, accepted: bool| {
        let id = world.open_on_ip("asked back").id;
        if accepted {
            world.after_sent(seq, &[], &[]);
        }
        world.op(ask_back(id, 400));
        id
    };
    let first = ask(&mut world, 1, false);
    revoked(&mut world, 1, RevokeOutcome::Revoked);
    world.op(Op::Cancel { id: first });
    assert_eq!(world.reach(), Reach::Unknown, "the gateway never had it");
    let second = ask(&mut world, 2, true);
    revoked(&mut world, 2, RevokeOutcome::Forgotten);
    assert_eq!(world.reach(), Reach::Unknown);
    revoked(&mut world, 2, RevokeOutcome::InDoubt);
    assert_eq!(world.reach(), Reach::Silent);
    world.receive(1);
    assert_eq!(world.reach(), Reach::OnIp, "a sign of life");
    revoked(&mut world, 2, RevokeOutcome::Revoked);
    assert_eq!(world.reach(), Reach::Silent);
    world.op(Op::Cancel { id: second });
    world.receive(2);
    // What the user cancels says nothing about the peer.
    let cancelled = world.send("cancelled");
    world.after_sent(3, &[], &[]);
    world.op(Op::Cancel { id: cancelled });
    revoked(&mut world, 3, RevokeOutcome::Revoked);
    assert_eq!(world.reach(), Reach::OnIp);
}

/// The wish of the user and the validity stand above.
pub fn what_is_taken_back_otherwise_stays_so(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.open_on_ip("cancelled").id;
    assert_eq!(must_revoke(world.op(Op::Cancel { id })), 1);
    assert_eq!(world.sms(id), SmsAttempt::NotUsed);
    assert_eq!(world.due_ids(10_000), []);
    must_revoke(world.op(ask_back(id, 400)));
    assert_eq!(world.record(id).take_back, Some(TakeBack::Cancelled));
    assert_eq!(revoked(&mut world, 1, RevokeOutcome::Revoked), None);
    assert_eq!(world.shown(id), Shown::Cancelled);
}

/// What has left cannot be taken back; what waits can.
pub fn cancelling_a_message_by_sms(backend: impl Backend) {
    let mut world = World::bound(backend);
    let waiting = world.undecided("waits for pacing");
    world.release_sms(waiting, false);
    let outcome = world.op(Op::Cancel { id: waiting });
    assert!(matches!(outcome, Outcome::TakenBack), "{outcome:?}");
    assert_eq!(world.sms(waiting), SmsAttempt::NotUsed);
    assert_eq!(world.shown(waiting), Shown::Cancelled);
    assert_eq!(world.pacing_ids(), []);

    let uncertain = world.open_on_ip("uncertain").id;
    world.release_sms(uncertain, true);
    must_revoke(world.op(Op::Cancel { id: uncertain }));
    let record = world.record(uncertain);
    assert_eq!(record.take_back, Some(TakeBack::Cancelled));
    assert_eq!(record.sms.state, SmsAttempt::NotUsed);
    revoked(&mut world, 1, RevokeOutcome::Revoked);
    assert_eq!(world.shown(uncertain), Shown::Cancelled);

    let handed = world.handed("with the agent", 7);
    let late = world.op(Op::Cancel { id: handed });
    assert!(matches!(late, Outcome::TooLate { .. }), "{late:?}");
    world.part(7, 0, PartState::Sent);
    let late = world.op(Op::Cancel { id: handed });
    assert!(matches!(late, Outcome::TooLate { .. }), "{late:?}");

    let undecided = world.open_on_ip("refused").id;
    world.after_sent(2, &[], &[(2, Disposition::Expired)]);
    let outcome = world.op(Op::Cancel { id: undecided });
    assert!(
        matches!(outcome, Outcome::Done),
        "out of the queue already: {outcome:?}"
    );
    assert_eq!(world.shown(undecided), Shown::Cancelled);
    assert_eq!(world.outbox(), []);
}

/// Validity does not ask how it travels, while it has not left.
pub fn validity_ends_an_sms_that_waits(backend: impl Backend) {
    let mut world = World::bound(backend);
    let valid = |world: &mut World<_>| {
        let mut message = world.new_undecided("valid for a while");
        message.valid_for = Some(std::time::Duration::from_millis(50));
        world.enqueue_as(message)
    };
    let waiting = valid(&mut world);
    world.release_sms(waiting, false);
    let due = world.op(Op::ExpireDue {
        boot: at(50),
        limit: 9,
    });
    assert!(
        matches!(due, Outcome::Expired { dropped: 1, .. }),
        "{due:?}"
    );
    assert_eq!(world.sms(waiting), SmsAttempt::NotUsed);
    assert_eq!(world.shown(waiting), Shown::Failed(Failure::ValidityOver));
    assert_eq!(world.pacing_ids(), []);

    let handed = valid(&mut world);
    world.release_sms(handed, false);
    world.hand(handed, 7, 1);
    let due = world.op(Op::ExpireDue {
        boot: at(50),
        limit: 9,
    });
    assert!(
        matches!(
            &due,
            Outcome::Expired { revoke, dropped: 0, next: None } if revoke.is_empty()
        ),
        "{due:?}"
    );
    world.part(7, 0, PartState::Sent);
    assert_eq!(world.shown(handed), Shown::Sent);

    let undecided = valid(&mut world);
    world.op(Op::ExpireDue {
        boot: at(50),
        limit: 9,
    });
    assert_eq!(world.shown(undecided), Shown::Failed(Failure::ValidityOver));
    assert_eq!(world.outbox(), []);
}

/// Its SMS is not needed any more, and whether it arrives nobody may ever say: it is
/// looked at again. What has a look keeps it.
pub fn what_waited_for_sms_and_was_accepted_in_a_closed_epoch(backend: impl Backend) {
    let mut world = World::bound(backend);
    let waited = world.open_on_ip("its sms waited").id;
    world.release_sms(waited, true);
    world.close(EPOCH);
    world.closed(EPOCH, state(1, &[], &[]));
    assert_eq!(world.attempts(waited).1, SmsAttempt::None);
    assert!(world.due_ids(CLOSED_MS - 1).is_empty());
    assert_eq!(world.due_ids(CLOSED_MS), [waited]);
}

/// In a closed epoch the gateway never took it.
pub fn what_was_asked_back_in_a_closed_epoch(backend: impl Backend) {
    let mut world = World::bound(backend);
    let sent = world.open_on_ip("sent by sms").id;
    world.release_sms(sent, true);
    world.hand(sent, 7, 1);
    world.part(7, 0, PartState::Sent);
    let asked = world.open_on_ip("asked back").id;
    world.op(ask_back(asked, 400));
    let plain = world.open_on_ip("not asked back").id;
    world.bind(NEXT);
    let closed = Op::ApplyClosed {
        number: own(),
        epoch: EPOCH,
        state: state(0, &[], &[]),
        look: look(CLOSED_MS),
    };
    let outcome = world.op(closed);
    let Outcome::Applied {
        settled,
        requeued,
        look,
        ..
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!((settled, requeued, ms(look)), (2, 1, AT_ONCE));
    assert_eq!(world.record(sent).ip, IpAttempt::Revoked(TakeBack::BySms));
    assert_eq!(world.shown(sent), Shown::Sent);
    assert_eq!(world.record(asked).ip, IpAttempt::Revoked(TakeBack::BySms));
    assert_eq!(world.due_ids(0), [asked]);
    assert_eq!(world.record(plain).ip, IpAttempt::None);
    assert_eq!(world.record(plain).name, None);
    assert_eq!(world.release_sms(asked, false), Some(1), "of the new epoch");
    assert_eq!(world.record(asked).name.expect("a place").epoch, NEXT);
}

/// The user tries again, by the channel of their choice.
pub fn a_retry_takes_the_wish_of_the_user(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.send("by ip alone");
    world.after_sent(1, &[], &[(1, Disposition::Expired)]);
    assert_eq!(world.shown(id), Shown::Failed(Failure::ExpiredAtGateway));
    let retried = world.op(by(id, Some(Channel::Sms)));
    assert!(
        matches!(retried, Outcome::Retried { look, .. } if ms(look) == AT_ONCE),
        "{retried:?}"
    );
    world.crash();
    assert_eq!(world.shown(id), Shown::Queued);
    assert_eq!(world.queued_for_ip(), [], "undecided");
    let considered = world.considered(id);
    assert_eq!(
        (considered.ip, considered.sms, considered.wish),
        (IpAttempt::None, SmsAttempt::None, Some(Channel::Sms))
    );
    world.queue_for_ip(id);
    let refused = world.op(release(id));
    assert!(matches!(refused, Outcome::NotByIp { .. }), "{refused:?}");
    world.op(Op::Cancel { id });
    world.op(by(id, Some(Channel::Ip)));
    assert_eq!(world.considered(id).wish, Some(Channel::Ip));
    assert_eq!(world.sms(id), SmsAttempt::NotUsed);
    assert_eq!(
        world.queued_for_ip(),
        [id],
        "nothing else is left to decide"
    );
    let released = world.release(id);
    assert_eq!((released.seq.get(), released.lane_seq.get()), (2, 1));
    let busy = world.op(by(id, None));
    assert!(matches!(busy, Outcome::TooLate { .. }), "{busy:?}");
    world.op(Op::Cancel { id });
    revoked(&mut world, 2, RevokeOutcome::Revoked);
    world.op(by(id, None));
    let considered = world.considered(id);
    assert_eq!((considered.wish, considered.sms), (None, SmsAttempt::None));
}

/// It is on its way by IP, and they would rather have it by SMS.
pub fn the_user_may_prefer_sms_while_it_is_on_its_way(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.send("by ip alone, at first");
    world.after_sent(1, &[], &[]);
    let busy = world.op(by(id, Some(Channel::Ip)));
    assert!(matches!(busy, Outcome::TooLate { .. }), "{busy:?}");
    let retried = world.op(by(id, Some(Channel::Sms)));
    assert!(
        matches!(retried, Outcome::Retried { look, .. } if ms(look) == AT_ONCE),
        "{retried:?}"
    );
    let considered = world.considered(id);
    assert!(considered.ip.unsettled().is_some());
    assert_eq!(
        (considered.sms, considered.wish),
        (SmsAttempt::None, Some(Channel::Sms))
    );
    assert_eq!(world.shown(id), Shown::Sent);
    // Nor need it wait for what the gateway says to the revoke.
    world.op(ask_back(id, 400));
    let again = world.op(by(id, Some(Channel::Sms)));
    assert!(matches!(again, Outcome::Retried { .. }), "{again:?}");
    assert_eq!(world.record(id).take_back, Some(TakeBack::BySms));
}

/// Send by SMS, or wait on.
pub fn the_user_answers_a_message_that_waits(backend: impl Backend) {
    let mut world = World::bound(backend);
    let accepted = world.open_on_ip("accepted, and an hour old").id;
    world.after_sent(1, &[], &[]);
    let queued = world.undecided("never sent");
    for id in [accepted, queued] {
        world.looks(wait(id, world.attempts(id), Some(WaitsFor::User), None));
    }
    assert_eq!(world.due_ids(10_000_000), []);
    for (id, wish) in [(accepted, Some(Channel::Sms)), (queued, None)] {
        let retried = world.op(by(id, wish));
        assert!(
            matches!(retried, Outcome::Retried { look, .. } if ms(look) == AT_ONCE),
            "{retried:?}"
        );
        let considered = world.considered(id);
        assert_eq!((considered.wish, considered.waits_for), (wish, None));
    }
    assert!(world.record(accepted).ip.unsettled().is_some());
    must_revoke(world.op(ask_back(accepted, 400)));
    revoked(&mut world, 1, RevokeOutcome::Revoked);
    assert_eq!(world.release_sms(accepted, false), Some(1));
    let again = world.op(by(queued, None));
    assert!(matches!(again, Outcome::TooLate { .. }), "{again:?}");
}
