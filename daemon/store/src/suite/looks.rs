//! When the engine decides anew (DELIVERY 23, 24, 25).

use std::time::Duration;

use twine_engine::message::{Channel, IpAttempt, Shown, SmsAttempt, WaitsFor};
use twine_engine::parts::PartState;
use twine_engine::store_ops::{BootStamp, EventKind, Look, NewOutgoing, Op, Outcome};
use twine_engine::time::{BootId, Instant};
use twine_proto::frame::{Disposition, Refusal};
use twine_proto::{E164, Redacted, Seq};

use super::Backend;
use super::short_message::{AT_ONCE, BECAUSE, ms, result, wait};
use super::world::{
    AWAY_MS, EPOCH, HERE_MS, World, accepted_looks, at, look, other_peer, own, peer, second_own,
    state,
};

const NEXT_BOOT: BootId = BootId(7);

fn enqueue_with_look<B: Backend>(
    world: &mut World<B>,
    after: u64,
) -> twine_engine::message::MessageId {
    let message = NewOutgoing {
        look: Some(look(after)),
        ..world.new_undecided("looked at")
    };
    world.enqueue_as(message)
}

fn due_page<B: Backend>(world: &mut World<B>, now: u64, limit: usize) -> (Vec<u64>, Option<u64>) {
    match world.op(Op::LoadDue {
        boot: at(now),
        limit,
    }) {
        Outcome::Due { messages, next } => (messages.iter().map(|it| it.id.0).collect(), ms(next)),
        outcome => panic!("{outcome:?}"),
    }
}

fn rearm<B: Backend>(world: &mut World<B>, boot: BootStamp) -> Option<u64> {
    match world.op(Op::RearmDeadlines { boot }) {
        Outcome::Deadline { look, .. } => ms(look),
        outcome => panic!("{outcome:?}"),
    }
}

/// The earliest of all, whichever operation set it, and none of what needs none
/// any more.
pub fn each_batch_tells_what_is_due_next(backend: impl Backend) {
    let mut world = World::bound(backend);
    rearm(&mut world, at(0));
    let message = |world: &mut World<_>, after| NewOutgoing {
        look: Some(look(after)),
        valid_for: Some(Duration::from_millis(10 * after)),
        queue_for_ip: true,
        ..world.new_undecided("due")
    };
    let (first, second) = (message(&mut world, 70), message(&mut world, 50));
    let (one, other) = (first.id, second.id);
    let due = |world: &mut World<_>, ops: Vec<Op>| {
        let due = world.batch(ops).due;
        (ms(due.look), ms(due.validity))
    };
    let enqueue = vec![Op::Enqueue(first), Op::Enqueue(second)];
    assert_eq!(due(&mut world, enqueue), (Some(50), Some(500)));
    world.release(one);
    world.release(other);
    world.after_sent(2, &[2], &[]);
    let (look, validity) = due(&mut world, vec![]);
    assert_eq!(validity, Some(700), "what was delivered has none");
    assert!(look.is_some_and(|at| at > 70), "looked at later: {look:?}");
    world.after_sent(2, &[1], &[]);
    assert_eq!(due(&mut world, vec![]), (None, None));

    // The result of an SMS may be missing: nothing else brings that up.
    let by_sms = world.undecided("by sms");
    world.release_sms(by_sms, false);
    assert_eq!(due(&mut world, vec![]).0, None, "it waits for its turn");
    let hand = vec![super::short_message::hand(by_sms, 7, 1)];
    assert_eq!(due(&mut world, hand).0, Some(600_000));
    world.part(7, 0, PartState::Sent);
    assert_eq!(due(&mut world, vec![]), (None, None));
}

/// To the millisecond, and again until it is answered.
pub fn a_look_is_due_at_its_time(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.enqueue("without a look");
    assert_eq!(due_page(&mut world, 1_000_000, 9), (vec![], None));
    let id = enqueue_with_look(&mut world, 100);
    world.crash();
    assert_eq!(rearm(&mut world, at(50)), Some(100));
    assert_eq!(due_page(&mut world, 99, 9), (vec![], Some(100)));
    for _ in 0..2 {
        assert_eq!(due_page(&mut world, 100, 9), (vec![id.0], None));
    }
}

/// By look, then id; the rest in the next turn.
pub fn looks_come_in_order_and_bounded(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = [40, 10, 30, 10].map(|after| enqueue_with_look(&mut world, after));
    let order = [ids[1].0, ids[3].0, ids[2].0];
    assert_eq!(due_page(&mut world, 35, 9), (order.to_vec(), Some(40)));
    assert_eq!(due_page(&mut world, 35, 2), (order[..2].to_vec(), Some(30)));
    assert_eq!(due_page(&mut world, 35, 3), (order.to_vec(), Some(40)));
}

/// Each answers the look.
pub fn operations_replace_or_remove_the_look(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.undecided_at_once("looked at");
    let later = wait(id, world.attempts(id), Some(WaitsFor::Sim), Some(look(50)));
    assert_eq!(world.looks(later), (Some(50), false));
    assert_eq!(world.due_ids(49), []);
    assert_eq!(world.due_ids(50), [id]);
    let never = wait(id, world.attempts(id), Some(WaitsFor::Sim), None);
    assert_eq!(world.looks(never), (None, false));
    assert_eq!(world.due_ids(50), []);
    let queue = Op::QueueForIp { id, look: look(60) };
    assert_eq!(world.looks(queue), (Some(60), true));
    let waits = world.record(id).waits_for;
    assert_eq!(waits, None, "it waits for nothing but IP");
    world.release(id);
    assert_eq!(world.due_ids(60), [], "released without a look");

    let ruled_out = world.undecided_at_once("never by sms");
    world.looks(Op::RuleOutSms {
        id: ruled_out,
        because: BECAUSE,
    });
    assert_eq!(world.due_ids(60), []);
    assert_eq!(world.sms(ruled_out), SmsAttempt::NotUsed);
    assert_eq!(world.queued_for_ip(), [ruled_out], "the only way there is");
    assert_eq!(world.shown(ruled_out), Shown::Queued);
    world.op(Op::Cancel { id: ruled_out });

    let cancelled = world.undecided_at_once("cancelled");
    world.op(Op::Cancel { id: cancelled });
    assert_eq!(world.due_ids(60), []);
}

/// IP is there before the card that it waits for.
pub fn what_waits_in_the_pacing_queue_may_go_by_ip(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.undecided("first");
    let second = world.open("second");
    world.release_sms(first, false);
    world.looks(wait(
        first,
        world.attempts(first),
        Some(WaitsFor::Sim),
        Some(look(50)),
    ));
    let queue = Op::QueueForIp {
        id: first,
        look: look(60),
    };
    assert_eq!(world.looks(queue), (Some(60), true));
    assert_eq!(world.pacing_ids(), []);
    let record = world.record(first);
    assert_eq!((record.shown, record.waits_for), (Shown::Queued, None));
    world.crash();
    assert_eq!(world.queued_for_ip(), [first, second]);
    assert_eq!(world.release(first).lane_seq.get(), 1, "its place");
    assert_eq!(world.release(second).lane_seq.get(), 2);

    world.sent(state(2, &[1, 2], &[]));
    let handed = world.undecided("with the agent");
    world.release_sms(handed, false);
    world.hand(handed, 7, 1);
    world.looks(Op::QueueForIp {
        id: handed,
        look: look(60),
    });
    assert_eq!(world.sms(handed), SmsAttempt::Handed, "it may have left");
}

/// By SMS the pacing queue, then the agent's answer decide.
pub fn an_sms_has_no_look_until_it_is_handed_over(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.undecided_at_once("by sms");
    world.release_sms(id, false);
    assert_eq!(world.due_ids(700_000), []);
    world.hand(id, 7, 1);
    assert_eq!(due_page(&mut world, 599_999, 9), (vec![], Some(600_000)));
    assert_eq!(world.due_ids(600_000), [id]);
    world.part_of(result(7, 0, PartState::Sent));
    assert_eq!(world.due_ids(700_000), []);
}

/// Away: the normal delivery deadline; not away: another (DELIVERY 25).
pub fn an_accepted_message_gets_the_look_of_its_recipient(backend: impl Backend) {
    let mut world = World::bound(backend);
    let here = world.open_on_ip("here").id;
    let away = world.open_on_ip("away").id;
    world.send("by ip alone");
    let in_flight = world.open_on_ip("not accepted yet").id;
    assert_eq!(world.due_ids(1000), [here, away, in_flight]);
    let accepted = Op::ApplySent {
        number: own(),
        epoch: EPOCH,
        state: state(3, &[], &[]),
        away: vec![Seq(2), Seq(3)],
        looks: accepted_looks(),
    };
    assert_eq!(world.after(accepted.clone()).look, Some(AWAY_MS));
    assert_eq!(world.due_ids(1000), [in_flight]);
    assert_eq!(world.due_ids(HERE_MS - 1), [in_flight, away]);
    let due = world.due(HERE_MS);
    let found: Vec<_> = due.iter().map(|it| (it.id, it.away)).collect();
    assert_eq!(found, [(in_flight, false), (away, true), (here, false)]);
    world.crash();
    // Told again, it is no newer.
    let again = Op::ApplySent {
        number: own(),
        epoch: EPOCH,
        state: state(3, &[], &[]),
        away: Vec::new(),
        looks: twine_engine::store_ops::AcceptedLooks {
            away: look(1),
            here: look(1),
        },
    };
    assert_eq!(world.after(again).look, None);
    assert_eq!(world.due_ids(1), []);
}

/// Nothing is left to decide.
pub fn what_is_settled_is_not_looked_at(backend: impl Backend) {
    let mut world = World::bound(backend);
    for _ in 0..3 {
        world.open_on_ip("open");
    }
    let waiting = world.undecided_at_once("waits");
    world.looks(wait(
        waiting,
        world.attempts(waiting),
        Some(WaitsFor::User),
        Some(look(5)),
    ));
    world.after_sent(3, &[1, 2], &[]);
    world.op(Op::Cancel { id: waiting });
    assert_eq!(world.record(waiting).waits_for, None);
    let refused = (3, Disposition::Refused(Refusal::Policy));
    world.after_sent(3, &[3], &[refused]);
    assert_eq!(world.due_ids(10_000_000), []);
    assert_eq!(rearm(&mut world, at(0)), None);
}

/// In full (DELIVERY 24).
pub fn another_boot_starts_looks_again(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = enqueue_with_look(&mut world, 100);
    let at_once = world.undecided_at_once("at once");
    world.crash();
    let boot = |ms| BootStamp {
        boot: NEXT_BOOT,
        at: Instant(ms),
    };
    assert_eq!(rearm(&mut world, boot(30)), Some(30));
    assert_eq!(rearm(&mut world, boot(60)), Some(30), "once for each boot");
    let due = |world: &mut World<_>, now| match world.op(Op::LoadDue {
        boot: boot(now),
        limit: 9,
    }) {
        Outcome::Due { messages, next } => (
            messages.iter().map(|it| it.id).collect::<Vec<_>>(),
            ms(next),
        ),
        outcome => panic!("{outcome:?}"),
    };
    assert_eq!(due(&mut world, 129), (vec![at_once], Some(130)));
    assert_eq!(due(&mut world, 130), (vec![at_once, id], None));
}

/// The age of a message is counted in one boot.
pub fn another_boot_starts_ages_again(backend: impl Backend) {
    let mut world = World::bound(backend);
    let message = NewOutgoing {
        boot: at(40),
        look: Some(look(0)),
        ..world.new_undecided("old")
    };
    let id = world.enqueue_as(message);
    assert_eq!(world.considered(id).born, Instant(40));
    let boot = BootStamp {
        boot: NEXT_BOOT,
        at: Instant(25),
    };
    rearm(&mut world, boot);
    let due = world.op(Op::LoadDue {
        boot: BootStamp {
            at: Instant(99),
            ..boot
        },
        limit: 9,
    });
    let Outcome::Due { messages, .. } = due else {
        panic!("{due:?}");
    };
    assert_eq!(messages[0].born, Instant(25));
    // A retry is a new wish.
    let outcome = world.op(Op::Cancel { id });
    assert!(matches!(outcome, Outcome::TakenBack));
    world.op(Op::Retry {
        id,
        by: None,
        boot: BootStamp {
            at: Instant(70),
            ..boot
        },
    });
    let due = world.op(Op::LoadDue {
        boot: BootStamp {
            at: Instant(99),
            ..boot
        },
        limit: 9,
    });
    let Outcome::Due { messages, .. } = due else {
        panic!("{due:?}");
    };
    assert_eq!(messages[0].born, Instant(70));
}

/// The SIM is in, the radio is on.
pub fn what_was_waited_for_brings_a_look(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.register(second_own());
    let waiting = |world: &mut World<_>, own: E164, waits| {
        let message = NewOutgoing {
            sender: own.into(),
            ..world.new_undecided("waits")
        };
        let id = world.enqueue_as(message);
        world.looks(wait(id, world.attempts(id), Some(waits), None));
        id
    };
    let sim = waiting(&mut world, own(), WaitsFor::Sim);
    let radio = waiting(&mut world, own(), WaitsFor::Radio);
    let other_sim = waiting(&mut world, second_own(), WaitsFor::Sim);
    world.crash();
    let wake = |waits, own| Op::Wake { waits, own };
    assert_eq!(world.looks(wake(WaitsFor::Limit, None)), (None, false));
    assert_eq!(
        world.looks(wake(WaitsFor::Sim, Some(second_own()))).0,
        AT_ONCE
    );
    assert_eq!(world.due_ids(0), [other_sim]);
    assert_eq!(world.looks(wake(WaitsFor::Sim, None)).0, AT_ONCE);
    assert_eq!(world.due_ids(0), [sim, other_sim]);
    let considered = world.considered(sim);
    assert_eq!(considered.waits_for, Some(WaitsFor::Sim));
    world.looks(wait(sim, world.attempts(sim), Some(WaitsFor::Limit), None));
    assert_eq!(world.due_ids(0), [other_sim]);
    assert_eq!(world.record(sim).waits_for, Some(WaitsFor::Limit));
    assert_eq!(world.record(radio).waits_for, Some(WaitsFor::Radio));
}

/// Trap: the answer came while the engine decided.
pub fn a_decision_about_other_attempts_is_ignored(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.open_on_ip("answered meanwhile").id;
    let seen = world.attempts(id);
    let release = world.release_sms_op(id, true);
    world.after_sent(1, &[], &[]);
    let before = world.snapshot();
    let late = wait(id, seen, Some(WaitsFor::User), Some(look(1)));
    assert_eq!(world.looks(late), (None, false));
    assert_eq!(world.looks(release), (None, false));
    assert_eq!(world.snapshot(), before);
    assert_eq!(world.due_ids(1000), []);
    assert_eq!(world.due_ids(HERE_MS), [id]);
    assert_eq!(world.record(id).waits_for, None);
}

/// The app shows what a message waits for.
pub fn a_new_reason_to_wait_is_an_event(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.undecided("waits");
    let before = world.snapshot().latest_event;
    world.looks(wait(id, world.attempts(id), None, Some(look(9))));
    assert_eq!(world.snapshot().latest_event, before, "nothing to see");
    for _ in 0..2 {
        world.looks(wait(id, world.attempts(id), Some(WaitsFor::Sim), None));
        assert_eq!(world.snapshot().latest_event.0, before.0 + 1);
    }
    world.looks(wait(id, world.attempts(id), None, None));
    assert_eq!(world.snapshot().latest_event.0, before.0 + 2);
    let kinds = world.kinds(id);
    assert!(
        kinds
            .iter()
            .all(|kind| *kind == (EventKind::StateChanged, None)),
        "{kinds:?}"
    );
    assert_eq!(world.story(id), [Shown::Queued; 3]);
}

/// All that counts for a decision.
pub fn a_decision_gets_all_that_counts(backend: impl Backend) {
    let mut world = World::bound(backend);
    let message = NewOutgoing {
        wish: Some(Channel::Sms),
        look: Some(Look {
            boot: at(3),
            after: Duration::from_millis(4),
        }),
        ..world.new_undecided("the text")
    };
    let id = world.enqueue_as(message);
    assert_eq!(world.due_ids(6), []);
    let considered = world.due(7).swap_remove(0);
    assert_eq!(considered.id, id);
    assert_eq!((considered.own, considered.peer), (own(), peer().into()));
    assert_eq!(considered.text, Redacted::new("the text".to_owned()));
    assert_eq!(
        (considered.ip, considered.sms),
        (IpAttempt::None, SmsAttempt::None)
    );
    assert_eq!((considered.take_back, considered.waits_for), (None, None));
    assert_eq!(considered.wish, Some(Channel::Sms));
    assert!(!considered.in_doubt && !considered.away && !considered.sms_left_before);
    let facts = considered.conversation;
    assert!(facts.bound && facts.consented);
    let other = world.conversation_at(other_peer().into(), at(0));
    assert_eq!(other.before, twine_engine::message::LaneUse::Free);
}
