//! The attempt by SMS: the pacing queue, the agent, and what became of each part
//! (DELIVERY 26).

use twine_engine::message::{Channel, Failure, MessageId, Shown, SmsAttempt, SmsRecord, WaitsFor};
use twine_engine::parts::{AfterRefusal, AttemptId, PartState, PartStates};
use twine_engine::store_ops::{HandedSms, Op, Outcome};
use twine_proto::Redacted;
use twine_proto::frame::Disposition;

use super::Backend;
use super::short_message::{AT_ONCE, by, card, hand, result, wait};
use super::world::{World, look, own, peer};

/// The radio is off: a part of attempt 7 is to be tried again, at 5 s at the latest.
fn for_now(part: u8) -> Op {
    Op::ApplySmsPart {
        attempt: AttemptId(7),
        part,
        state: PartState::Refused,
        code: Some(2),
        refusal: AfterRefusal::Wait(WaitsFor::Radio),
        look: Some(look(5_000)),
        because: &["the radio is off"],
    }
}

fn with_agent<B: Backend>(world: &mut World<B>) -> Vec<HandedSms> {
    match world.op(Op::LoadHanded {
        after: MessageId(0),
        limit: 50,
    }) {
        Outcome::SmsHanded(handed) => handed,
        outcome => panic!("{outcome:?}"),
    }
}

/// Everything the agent needs, also after a crash.
pub fn an_attempt_carries_what_the_agent_needs(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.undecided("the text");
    world.release_sms(id, true);
    world.crash();
    let job = world.pacing_queue().swap_remove(0);
    assert_eq!((job.id, job.own, job.peer), (id, own(), peer().into()));
    assert_eq!((job.iccid, job.marked), (card(), true));
    assert_eq!(job.lane_seq.map(|it| it.0), Some(1));
    assert_eq!(job.text, Redacted::new("the text".to_owned()));
    world.hand(id, u64::MAX, 2);
    assert_eq!(world.pacing_ids(), []);
    world.crash();
    let handed = with_agent(&mut world).swap_remove(0);
    assert_eq!(handed.attempt, AttemptId(u64::MAX), "all 64 bits");
    assert_eq!(handed.job.text, Redacted::new("the text".to_owned()));
    assert_eq!((handed.job.iccid, handed.job.marked), (card(), true));
    let open = PartStates::open(2);
    assert_eq!(
        world.record(id).sms,
        SmsRecord {
            state: SmsAttempt::Handed,
            iccid: Some(card()),
            marked: true,
            parts: open,
            code: None,
            scts_ms: 0,
        }
    );
}

/// The engine may ask twice.
pub fn a_message_is_handed_over_once(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.handed("once", 7);
    let queued = world.undecided("not in the pacing queue");
    for id in [id, queued, MessageId(999)] {
        let outcome = world.op(hand(id, 8, 1));
        assert!(
            matches!(&outcome, Outcome::SmsHanded(handed) if handed.is_empty()),
            "{outcome:?}"
        );
    }
    let again = world.release_sms_op(id, false);
    assert_eq!(world.looks(again), (None, false));
    assert_eq!(world.sms(id), SmsAttempt::Handed);
}

/// Results come in any order, and each counts once.
pub fn parts_are_counted_one_by_one(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.undecided("in three parts");
    world.release_sms(id, false);
    world.hand(id, 7, 3);
    for _ in 0..2 {
        assert_eq!(world.part(7, 2, PartState::Sent), SmsAttempt::Handed);
        world.crash();
    }
    assert_eq!(world.part(7, 0, PartState::Sent), SmsAttempt::Handed);
    assert_eq!(world.part(7, 9, PartState::Sent), SmsAttempt::Handed);
    assert_eq!(world.shown(id), Shown::Sending);
    assert_eq!(world.part(7, 1, PartState::Sent), SmsAttempt::Sent);
    assert_eq!(world.shown(id), Shown::Sent);
    assert_eq!(world.part(7, 1, PartState::Delivered), SmsAttempt::Sent);
    assert_eq!(world.part(7, 0, PartState::Delivered), SmsAttempt::Sent);
    assert_eq!(
        world.part(7, 1, PartState::Sent),
        SmsAttempt::Sent,
        "no news"
    );
    assert_eq!(
        world.part(7, 2, PartState::Delivered),
        SmsAttempt::Delivered
    );
    world.crash();
    assert_eq!(world.record(id).sms.parts.delivered(), 3);
    assert_eq!(
        world.story(id),
        [Shown::Queued, Shown::Sending, Shown::Sent, Shown::Delivered]
    );
}

/// The operator gave up.
pub fn an_undeliverable_sms_failed(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.sent_by_sms("to nobody");
    let attempt = 1_000 + id.0;
    assert_eq!(
        world.part(attempt, 0, PartState::Undeliverable),
        SmsAttempt::Failed
    );
    assert_eq!(world.shown(id), Shown::Failed(Failure::SmsFailed));
}

/// Nothing of it left: it waits for what was missing and is tried again.
pub fn a_refusal_for_now_goes_back_to_the_queue(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.undecided("two parts");
    world.release_sms(id, true);
    world.hand(id, 7, 2);
    assert_eq!(world.part_of(for_now(0)), (SmsAttempt::Handed, None, false));
    let outcome = world.part_of(for_now(1));
    assert_eq!(outcome, (SmsAttempt::Waiting, Some(5_000), false));
    world.crash();
    let record = world.record(id);
    assert_eq!(record.waits_for, Some(WaitsFor::Radio));
    assert!(record.sms.parts.is_empty(), "forgotten");
    assert_eq!((record.sms.code, record.sms.marked), (Some(2), true));
    assert_eq!(world.pacing_ids(), [], "it waits for something else");
    assert_eq!(world.due_ids(5_000), [id]);
    let late = world.op(result(7, 0, PartState::Sent));
    assert!(
        matches!(late, Outcome::SmsPart { id: None, .. }),
        "{late:?}"
    );
    world.looks(wait(id, world.attempts(id), None, None));
    assert_eq!(world.pacing_ids(), [id]);
    world.hand(id, 8, 2);
    assert!(!world.record(id).sms.parts.may_have_left());
    world.part(8, 0, PartState::Sent);
    assert_eq!(world.part(8, 1, PartState::Sent), SmsAttempt::Sent);
}

/// What waits for a part that the network will not take would wait in vain, and then
/// take the others with it: what failed decides, whatever its place among the results.
pub fn of_several_refusals_the_strictest_decides(backend: impl Backend) {
    let mut world = World::bound(backend);
    let radio = (2, AfterRefusal::Wait(WaitsFor::Radio));
    let rejected = (10, AfterRefusal::Fail);
    for (attempt, order) in [(7, [radio, rejected]), (8, [rejected, radio])] {
        let id = world.undecided("two parts");
        world.release_sms(id, false);
        world.hand(id, attempt, 2);
        for ((code, refusal), part) in order.into_iter().zip(0..) {
            world.part_of(Op::ApplySmsPart {
                attempt: AttemptId(attempt),
                part,
                state: PartState::Refused,
                code: Some(code),
                refusal,
                look: Some(look(5_000)),
                because: &["refused"],
            });
        }
        world.crash();
        let record = world.record(id);
        assert_eq!(record.shown, Shown::Failed(Failure::SmsFailed), "{order:?}");
        assert_eq!((record.waits_for, record.sms.code), (None, Some(10)));
        world.op(Op::Cancel { id });
    }
}

/// Sending it again is the user's choice, and then another copy.
pub fn a_partial_result_fails_and_is_remembered(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.undecided("two parts");
    world.release_sms(id, false);
    world.hand(id, 7, 2);
    world.part(7, 0, PartState::Sent);
    let refused = Op::ApplySmsPart {
        attempt: AttemptId(7),
        part: 1,
        state: PartState::Refused,
        code: Some(1),
        refusal: AfterRefusal::Wait(WaitsFor::Radio),
        look: Some(look(5_000)),
        because: &["no balance"],
    };
    let (state, look, unblocked) = world.part_of(refused);
    assert_eq!((state, look, unblocked), (SmsAttempt::Failed, None, true));
    let record = world.record(id);
    assert_eq!(record.shown, Shown::Failed(Failure::SmsFailed));
    assert_eq!((record.waits_for, record.sms.code), (None, Some(1)));
    assert_eq!(world.outbox(), []);
    world.op(by(id, None));
    world.crash();
    let considered = world.considered(id);
    assert!(considered.sms_left_before);
    assert_eq!(considered.sms, SmsAttempt::None);
    assert_eq!(world.release_sms(id, true), Some(1), "it keeps its place");
    world.hand(id, 8, 2);
    let late = world.op(result(7, 1, PartState::Sent));
    assert!(
        matches!(late, Outcome::SmsPart { id: None, .. }),
        "{late:?}"
    );
}

/// What never left is no copy.
pub fn a_refused_attempt_leaves_no_copy(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.handed("refused", 7);
    assert_eq!(world.part(7, 0, PartState::Refused), SmsAttempt::Failed);
    world.op(by(id, None));
    assert!(!world.considered(id).sms_left_before);
}

/// Unknown is not the end of it, until its time is over (DELIVERY 26).
pub fn an_unknown_result_settles_as_unconfirmed(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.undecided("two parts");
    world.release_sms(id, false);
    world.hand(id, 7, 2);
    let behind = world.undecided("behind it");
    let settle = Op::SettleUnknown { id };
    world.part(7, 0, PartState::Sent);
    assert_eq!(world.part(7, 1, PartState::Unknown), SmsAttempt::Handed);
    assert_eq!(world.due_ids(600_000), [id]);
    world.crash();
    let (state, look, unblocked) = world.part_of(settle.clone());
    assert_eq!(
        (state, look, unblocked),
        (SmsAttempt::Unconfirmed, AT_ONCE, true)
    );
    assert_eq!(world.due_ids(0), [behind], "the lane is free");
    assert_eq!(world.sms(id), SmsAttempt::Unconfirmed);
    assert_eq!(world.shown(id), Shown::Sent);
    assert_eq!(
        world.part_of(settle),
        (SmsAttempt::Unconfirmed, None, false)
    );
    // A late result is the better one.
    let events = world.snapshot().latest_event;
    assert_eq!(world.part(7, 1, PartState::Sent), SmsAttempt::Sent);
    assert_eq!(world.snapshot().latest_event, events, "the same to see");
    assert_eq!(world.outbox(), [behind]);

    // Not what waits, nor what has its results.
    world.release_sms(behind, false);
    assert_eq!(
        world.part_of(Op::SettleUnknown { id: behind }),
        (SmsAttempt::Waiting, None, false)
    );
}

/// A late refusal after all.
pub fn an_unconfirmed_sms_may_turn_out_to_have_failed(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.handed("unknown", 7);
    world.part_of(Op::SettleUnknown { id });
    assert_eq!(world.part(7, 0, PartState::Refused), SmsAttempt::Failed);
    assert_eq!(world.shown(id), Shown::Failed(Failure::SmsFailed));
}

/// Whoever wants to be sure sends it again: another copy, though no part was told of.
pub fn what_is_unconfirmed_can_be_sent_again(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids =
        [(7, None), (8, Some(Channel::Ip)), (9, Some(Channel::Sms))].map(|(attempt, wish)| {
            let id = world.handed("unknown", attempt);
            world.part_of(Op::SettleUnknown { id });
            (id, wish)
        });
    assert_eq!(world.outbox(), []);
    for (id, wish) in ids {
        let retried = world.op(by(id, wish));
        assert!(
            matches!(
                retried,
                Outcome::Retried {
                    had_ended: true,
                    ..
                }
            ),
            "{retried:?}"
        );
    }
    world.crash();
    for (id, wish) in ids {
        assert!(world.outbox().contains(&id), "{wish:?}");
        assert_eq!(world.shown(id), Shown::Queued, "{wish:?}");
        if wish != Some(Channel::Ip) {
            assert!(world.considered(id).sms_left_before, "{wish:?}");
        }
    }
}

/// A retry after an unknown result is another copy.
pub fn an_unknown_result_may_have_left(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.undecided("two parts");
    world.release_sms(id, false);
    world.hand(id, 7, 2);
    world.part(7, 0, PartState::Unknown);
    assert_eq!(world.part(7, 1, PartState::Refused), SmsAttempt::Failed);
    world.op(by(id, None));
    assert!(world.considered(id).sms_left_before);
}

/// It is not known of each part that it was never tried: it waits for the time of its
/// results, has failed by then, and stays so, because what is behind it has left.
pub fn a_refusal_beside_an_unknown_result_is_never_tried_again(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.undecided("two parts");
    world.release_sms(id, false);
    world.hand(id, 7, 2);
    world.part(7, 0, PartState::Unknown);
    assert_eq!(world.part_of(for_now(1)).0, SmsAttempt::Handed);
    assert_eq!(
        world.snapshot().sms_handed,
        0,
        "the agent told all it knows"
    );
    let behind = world.undecided("behind it");
    world.crash();
    let settled = world.part_of(Op::SettleUnknown { id });
    assert_eq!(settled, (SmsAttempt::Failed, AT_ONCE, true));
    world.release_sms(behind, false);
    world.hand(behind, 8, 1);
    assert_eq!(world.part_of(for_now(0)).0, SmsAttempt::Failed);
    assert_eq!(world.shown(id), Shown::Failed(Failure::SmsFailed));
    assert_eq!(world.pacing_ids(), []);
}

/// The network may have taken what failed when it was tried.
pub fn what_was_tried_in_vain_may_have_left(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.handed("no acknowledgement", 7);
    assert_eq!(world.part(7, 0, PartState::Doubtful), SmsAttempt::Failed);
    world.crash();
    assert_eq!(world.shown(id), Shown::Failed(Failure::SmsFailed));
    world.op(by(id, None));
    assert!(world.considered(id).sms_left_before);
}

/// "Accepted" recalls what the agent gives back (DELIVERY 16).
pub fn what_the_gateway_took_does_not_wait_again(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.open_on_ip("by both").id;
    world.release_sms(id, true);
    world.hand(id, 7, 1);
    world.after_sent(1, &[], &[]);
    assert_eq!(
        world.part_of(for_now(0)),
        (SmsAttempt::None, Some(5_000), true)
    );
    world.crash();
    let record = world.record(id);
    assert_eq!((record.shown, record.waits_for), (Shown::Sent, None));
    assert_eq!(record.take_back, None);
    assert_eq!(world.pacing_ids(), []);
    assert_eq!(world.due_ids(5_000), [id]);
}

/// Its recipient may have it, and the acknowledgement was lost: another try is another copy,
/// also when its user took it back in between.
pub fn what_expired_after_it_was_handed_over_may_be_there(backend: impl Backend) {
    let mut world = World::bound(backend);
    for (seq, cancelled) in [(1, false), (2, true)] {
        let id = world.open_on_ip("handed over").id;
        world.after_sent(seq, &[], &[(seq, Disposition::Expired)]);
        world.op(Op::RuleOutSms {
            id,
            because: &["the setting is never to fall back"],
        });
        if cancelled {
            world.op(Op::Cancel { id });
        }
        world.op(by(id, Some(Channel::Sms)));
        world.crash();
        assert!(world.considered(id).sms_left_before, "{cancelled}");
        world.op(Op::Cancel { id });
    }
}

/// To be ordered again when an agent connects.
pub fn what_has_no_result_is_ordered_again(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.handed("no result", 7);
    let mut elsewhere = world.new_undecided("all unknown");
    elsewhere.peer = super::world::other_peer().into();
    let unknown = world.enqueue_as(elsewhere);
    world.release_sms(unknown, false);
    world.hand(unknown, 8, 1);
    world.part(8, 0, PartState::Unknown);
    world.crash();
    let handed: Vec<_> = with_agent(&mut world)
        .iter()
        .map(|it| (it.job.id, it.attempt))
        .collect();
    assert_eq!(handed, [(first, AttemptId(7))]);
    world.part(7, 0, PartState::Sent);
    assert!(with_agent(&mut world).is_empty());
}
