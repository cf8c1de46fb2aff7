//! What a message means for those behind it in its lane (DELIVERY 21).

use twine_engine::message::{Channel, IpAttempt, LaneUse, Shown, SmsAttempt, WaitsFor};
use twine_engine::parts::PartState;
use twine_engine::settings::{Fallback, Mode, Reach, Settings};
use twine_engine::store_ops::{IncomingSms, NewOutgoing, Op, Outcome, StoreOps};
use twine_proto::frame::{Disposition, Refusal, RevokeOutcome};
use twine_proto::{Epoch, Peer, SmsName};

use super::Backend;
use super::short_message::{AT_ONCE, ask_back, ms, result, wait};
use super::world::{EPOCH, World, at, look, other_peer, own, peer, release, state};

/// It may yet go by SMS, and then those behind it must not be there before it.
pub fn nothing_passes_an_undecided_message(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.undecided("first");
    let second = world.open("second");
    let elsewhere = world.enqueue_to(other_peer());
    assert_eq!(world.queued_for_ip(), [elsewhere]);
    let before = world.snapshot();
    let refused = world.op(release(second));
    assert!(
        matches!(refused, Outcome::NotByIp { look: None }),
        "{refused:?}"
    );
    assert_eq!(world.snapshot(), before, "it stays in the queue");
    assert!(matches!(world.op(release(first)), Outcome::NotQueued));
    world.crash();
    let queue = Op::QueueForIp {
        id: first,
        look: look(70),
    };
    assert_eq!(world.looks(queue), (Some(70), true));
    assert_eq!(world.queued_for_ip(), [first, second, elsewhere]);
    assert_eq!(world.release(first).lane_seq.get(), 1);
    assert_eq!(world.release(second).lane_seq.get(), 2);
}

/// On IP many may be in flight.
pub fn messages_on_ip_follow_each_other(backend: impl Backend) {
    let mut world = World::bound(backend);
    let places: Vec<_> = (0..3)
        .map(|_| world.open_on_ip("one of many").lane_seq.get())
        .collect();
    assert_eq!(places, [1, 2, 3]);
    let after = world.after_sent(3, &[1, 2], &[]);
    assert!(!after.note_due);
}

/// From its release until all parts have a result.
pub fn an_sms_on_its_way_blocks_its_lane_alone(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.undecided("by sms");
    world.release_sms(first, false);
    let second = world.open("by ip");
    let elsewhere = world.enqueue_to(other_peer());
    assert_eq!(world.queued_for_ip(), [elsewhere]);
    world.hand(first, 7, 2);
    assert_eq!(world.queued_for_ip(), [elsewhere]);
    let (state, _, unblocked) = world.part_of(result(7, 0, PartState::Sent));
    assert_eq!((state, unblocked), (SmsAttempt::Handed, false));
    let (state, _, unblocked) = world.part_of(result(7, 1, PartState::Sent));
    assert_eq!((state, unblocked), (SmsAttempt::Sent, true));
    world.crash();
    assert_eq!(world.queued_for_ip(), [second, elsewhere]);
    assert_eq!(world.release(second).lane_seq.get(), 2);
}

/// A message changes channel only when all before it are settled.
pub fn an_sms_waits_for_what_is_before_it(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.open_on_ip("by ip").id;
    let second = world.undecided_at_once("by sms");
    assert_eq!(world.considered(second).before, LaneUse::OnIp);
    let refused = world.release_sms_op(second, false);
    assert_eq!(world.looks(refused), (None, false));
    assert_eq!(world.sms(second), SmsAttempt::None);
    assert_eq!(world.due_ids(10), [], "not before something changes");
    assert!(!world.after_sent(1, &[], &[]).unblocked);
    assert_eq!(world.due_ids(10), []);
    let after = world.after_sent(1, &[1], &[]);
    assert_eq!(after.look, AT_ONCE);
    assert_eq!(world.shown(first), Shown::Delivered);
    world.crash();
    assert_eq!(world.considered(second).before, LaneUse::Free);
    assert_eq!(world.release_sms(second, false), Some(2));
}

/// The others follow one by one.
pub fn the_first_undecided_message_gets_the_look(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = ["a", "b", "c"].map(|text| world.undecided(text));
    let mut elsewhere = world.new_undecided("of another lane");
    elsewhere.peer = other_peer().into();
    world.enqueue_as(elsewhere);
    assert!(matches!(
        world.op(Op::Cancel { id: ids[0] }),
        Outcome::TakenBack
    ));
    assert_eq!(world.due_ids(0), [ids[1]]);
    world.queue_for_ip(ids[1]);
    assert_eq!(world.due_ids(0), [ids[1], ids[2]]);
}

/// Not one that is on its way by SMS already, and none before.
pub fn only_later_undecided_messages_get_the_look(backend: impl Backend) {
    let mut world = World::bound(backend);
    let earlier = world.undecided("earlier");
    let middle = world.undecided("middle");
    world.op(Op::Cancel { id: middle });
    assert_eq!(world.due_ids(0), [], "nothing behind it");
    world.release_sms(earlier, false);
    let later = world.undecided("later");
    world.hand(earlier, 7, 1);
    let (_, look, unblocked) = world.part_of(result(7, 0, PartState::Sent));
    assert_eq!((look, unblocked), (AT_ONCE, true));
    assert_eq!(world.due_ids(0), [later]);
}

/// Trap: two messages lose their link at once. The second may leave IP only
/// behind the first, and nothing else brings it before the engine again.
pub fn a_message_on_ip_that_wants_to_leave_gets_the_look(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.open_on_ip("first").id;
    let second = world.open_on_ip("second").id;
    world.release_sms(first, true);
    let refused = world.release_sms_op(second, true);
    assert_eq!(world.looks(refused), (None, false));
    assert_eq!(world.due_ids(5000), []);
    world.hand(first, 7, 1);
    let (state, look, _) = world.part_of(result(7, 0, PartState::Sent));
    assert_eq!((state, look), (SmsAttempt::Sent, AT_ONCE));
    assert_eq!(world.due_ids(0), [second]);
    assert_eq!(world.considered(second).before, LaneUse::Free);
    assert_eq!(world.release_sms(second, true), Some(2), "its own place");
}

/// The same if the engine saw it without trying.
pub fn a_message_on_ip_that_waits_without_a_look_gets_one(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.undecided("first");
    world.queue_for_ip(first);
    world.release(first);
    let second = world.open_on_ip("second").id;
    let third = world.open_on_ip("third").id;
    world.looks(wait(second, world.attempts(second), None, None));
    let after = world.after_sent(3, &[1], &[]);
    assert_eq!(after.look, AT_ONCE);
    assert_eq!(world.due_ids(0), [second]);
    assert!(
        !world.due_ids(0).contains(&third),
        "it has a look of its own"
    );
}

/// Trap: both lost their link, the first left by SMS, and the second looked while
/// it was on its way.
pub fn a_queued_message_that_waits_without_a_look_gets_one(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.undecided("first");
    world.release_sms(first, false);
    let second = world.open("second");
    let third = world.open("third");
    for id in [second, third] {
        world.looks(wait(id, world.attempts(id), None, None));
    }
    world.crash();
    world.hand(first, 7, 1);
    let (_, look, unblocked) = world.part_of(result(7, 0, PartState::Sent));
    assert_eq!((look, unblocked), (AT_ONCE, true));
    assert_eq!(world.due_ids(0), [second], "one after the other");
    world.release_sms(second, false);
    world.hand(second, 8, 1);
    let (_, look, _) = world.part_of(result(8, 0, PartState::Sent));
    assert_eq!(look, AT_ONCE);
    assert_eq!(world.due_ids(0), [third]);
}

/// Trap: the user is asked and goes to bed.
pub fn what_waits_for_the_user_is_in_nobodys_way(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.undecided("asked about");
    let second = world.undecided("behind it");
    let third = world.open("and behind that");
    let ask = wait(first, world.attempts(first), Some(WaitsFor::User), None);
    assert_eq!(world.looks(ask), (AT_ONCE, true));
    assert_eq!(world.considered(second).before, LaneUse::Free);
    world.release_sms(second, false);
    world.hand(second, 7, 1);
    world.part(7, 0, PartState::Sent);
    assert_eq!(world.queued_for_ip(), [third]);
    assert_eq!(world.outbox(), [first, third]);
}

/// And may still leave by IP, if it was in its queue.
pub fn a_queued_message_that_waits_for_the_user_stays_in_the_queue(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.open("asked about");
    world.looks(wait(id, world.attempts(id), Some(WaitsFor::User), None));
    world.crash();
    assert_eq!(world.queued_for_ip(), [id]);
    world.release(id);
    assert_eq!(world.record(id).waits_for, None);
}

/// The worst counts.
pub fn what_stands_before_a_message_is_told(backend: impl Backend) {
    let mut world = World::bound(backend);
    let expect = |world: &mut World<_>, before| {
        let id = world.undecided_at_once("the last one");
        let considered = world.considered(id);
        assert_eq!(considered.before, before);
        assert_eq!(
            considered.conversation.before,
            LaneUse::Blocks,
            "the whole lane, with itself"
        );
        world.op(Op::Cancel { id });
        assert_eq!(world.facts().before, before);
    };
    expect(&mut world, LaneUse::Free);
    world.open_on_ip("on ip");
    expect(&mut world, LaneUse::OnIp);
    let queued = world.open("in the queue");
    expect(&mut world, LaneUse::QueuedForIp);
    let waiting = world.open("wants to leave");
    world.release(queued);
    world.release(waiting);
    world.after_sent(3, &[1, 2], &[]);
    world.release_sms(waiting, true);
    expect(&mut world, LaneUse::Blocks);
    world.hand(waiting, 7, 1);
    expect(&mut world, LaneUse::Blocks);
    world.part(7, 0, PartState::Sent);
    expect(&mut world, LaneUse::Free);
}

/// A message that failed for good is in nobody's way.
pub fn a_failed_message_frees_its_lane(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.open_on_ip("refused");
    let behind = world.undecided("behind it");
    let refused = (1, Disposition::Refused(Refusal::Policy));
    let after = world.after_sent(1, &[], &[refused]);
    assert_eq!((after.look, after.unblocked), (AT_ONCE, false));
    let first = world.due_ids(0);
    assert_eq!(first.len(), 1, "it may go by SMS yet, and blocks");
    assert_ne!(first[0], behind);
    let rule_out = Op::RuleOutSms {
        id: first[0],
        because: &["a test says so"],
    };
    assert_eq!(world.looks(rule_out), (AT_ONCE, true));
    assert_eq!(world.due_ids(0), [behind]);

    world.release_sms(behind, false);
    let last = world.undecided("behind an sms");
    world.hand(behind, 7, 1);
    let (state, look, unblocked) = world.part_of(result(7, 0, PartState::Refused));
    assert_eq!(
        (state, look, unblocked),
        (SmsAttempt::Failed, AT_ONCE, true)
    );
    assert_eq!(world.due_ids(0), [last]);
}

/// `lane_seq` counts whatever the channel.
pub fn places_count_both_channels(backend: impl Backend) {
    let mut world = World::bound(backend);
    assert_eq!(world.open_on_ip("by ip").lane_seq.get(), 1);
    world.after_sent(1, &[1], &[]);
    let second = world.undecided("by sms");
    assert_eq!(world.release_sms(second, false), Some(2));
    let record = world.record(second);
    let name = record.name.expect("a place");
    assert_eq!((name.epoch, name.lane_seq.get()), (EPOCH, 2));
    assert_eq!(record.ip, IpAttempt::None);
    world.hand(second, 7, 1);
    world.part(7, 0, PartState::Sent);
    world.crash();
    let third = world.open_on_ip("by ip again");
    assert_eq!((third.lane_seq.get(), third.seq.get()), (3, 2));
    // On both channels it has one place.
    assert_eq!(world.release_sms(third.id, true), Some(3));
}

/// Without an epoch there is no count; it goes all the same.
pub fn an_sms_of_an_unbound_number_has_no_place(backend: impl Backend) {
    let mut world = World::empty(backend);
    world.register(own());
    let id = world.undecided("by sms");
    assert_eq!(world.release_sms(id, false), None);
    assert_eq!(world.record(id).name, None);
    assert_eq!(world.pacing_queue()[0].lane_seq, None);
    world.hand(id, 7, 1);
    world.part(7, 0, PartState::Sent);
    assert_eq!(world.shown(id), Shown::Sent);
}

/// Only SMS reaches a name.
pub fn a_name_is_reached_by_sms_alone(backend: impl Backend) {
    let mut world = World::bound(backend);
    let short_code = Peer::Name(SmsName::new("40404").expect("a name"));
    let message = NewOutgoing {
        peer: short_code,
        queue_for_ip: true,
        ..world.new_undecided("JOIN")
    };
    let id = world.enqueue_as(message);
    match world.op(release(id)) {
        Outcome::NotByIp { look } => assert_eq!(ms(look), AT_ONCE),
        outcome => panic!("{outcome:?}"),
    }
    world.crash();
    let considered = world.considered(id);
    assert_eq!(considered.peer, short_code);
    world.release_sms(id, false);
    assert_eq!(world.pacing_queue()[0].peer, short_code);
    let record = world.record(id);
    assert_eq!((record.peer, record.name), (short_code, None));
    let answer = IncomingSms {
        peer: short_code,
        ..world.new_sms("welcome", None)
    };
    let (answer, _) = world.take_sms(answer);
    let other = Peer::Name(SmsName::new("40405").expect("a name"));
    let elsewhere = IncomingSms {
        peer: other,
        ..world.new_sms("not of the same", None)
    };
    world.take_sms(elsewhere);
    let found: Vec<_> = StoreOps::history(world.store(), own(), short_code, None, 10)
        .unwrap_or_else(|error| panic!("history: {error}"))
        .iter()
        .map(|message| message.id)
        .collect();
    assert_eq!(found, [answer, id]);
}

/// What its user gave to IP, which does not reach a name, waits for its user: it is in
/// nobody's way in the queue of IP.
pub fn what_is_left_to_ip_in_vain_is_not_loaded(backend: impl Backend) {
    let mut world = World::bound(backend);
    let message = NewOutgoing {
        peer: Peer::Name(SmsName::new("40404").expect("a name")),
        sms: SmsAttempt::NotUsed,
        wish: Some(Channel::Ip),
        queue_for_ip: true,
        ..world.new_undecided("JOIN")
    };
    let in_vain = world.enqueue_as(message);
    let other = world.enqueue("to a number");
    assert_eq!(world.queued_for_ip(), [in_vain, other]);
    let seen = (IpAttempt::None, SmsAttempt::NotUsed);
    world.op(wait(in_vain, seen, Some(WaitsFor::User), None));
    world.crash();
    assert_eq!(world.queued_for_ip(), [other]);
}

/// What speaks against IP leaves it undecided.
pub fn what_speaks_against_ip_is_found_at_release(backend: impl Backend) {
    let mut world = World::bound(backend);
    let message = NewOutgoing {
        wish: Some(Channel::Sms),
        queue_for_ip: true,
        ..world.new_undecided("wished")
    };
    let wished = world.enqueue_as(message);
    let against = |world: &mut World<_>, id| {
        let outcome = world.op(release(id));
        assert!(
            matches!(outcome, Outcome::NotByIp { look } if ms(look) == AT_ONCE),
            "{outcome:?}"
        );
        assert_eq!(world.considered(id).ip, IpAttempt::None);
        assert_eq!(world.queued_for_ip(), []);
        world.op(Op::Cancel { id });
    };
    against(&mut world, wished);

    for reach in [Reach::Refused, Reach::Silent] {
        world.done(Op::SetReach {
            peer: peer(),
            reach,
            boot: at(0),
        });
        let id = world.open("to nobody");
        against(&mut world, id);
    }
    // That it fell silent is a guess: where an SMS is not certain, IP is tried.
    for fallback in [Fallback::Ask, Fallback::Never, Fallback::NotWhenRoaming] {
        let settings = Settings {
            fallback: Some(fallback),
            ..Settings::default()
        };
        world.set(None, settings);
        let id = world.open("to a silent one");
        world.release(id);
    }
    world.set(None, Settings::default());
    let wished = NewOutgoing {
        wish: Some(Channel::Ip),
        queue_for_ip: true,
        ..world.new_undecided("in spite of it")
    };
    let wished = world.enqueue_as(wished);
    world.release(wished);
    world.done(Op::SetReach {
        peer: peer(),
        reach: Reach::OnIp,
        boot: at(0),
    });

    let sms_only = Settings {
        mode: Some(Mode::SmsOnly),
        ..Settings::default()
    };
    world.set(None, sms_only.clone());
    let id = world.open("globally");
    against(&mut world, id);
    let auto = Settings {
        mode: Some(Mode::Auto),
        ..Settings::default()
    };
    let here = Some((own(), Peer::Number(peer())));
    world.set(here, auto);
    let id = world.open("but not here");
    world.release(id);
    world.set(None, Settings::default());
    world.set(here, sms_only);
    let id = world.open("not here");
    against(&mut world, id);
}

/// It blocked nobody, and blocks again.
pub fn what_is_asked_back_blocks_only_when_it_is_revoked(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.open_on_ip("asked back").id;
    let second = world.open("behind it");
    world.op(ask_back(first, 400));
    assert_eq!(world.queued_for_ip(), [second]);
    world.revoked(EPOCH, &[(1, RevokeOutcome::Revoked)]);
    assert_eq!(world.queued_for_ip(), []);
    world.release_sms(first, false);
    world.hand(first, 7, 1);
    assert!(world.part_of(result(7, 0, PartState::Sent)).2);
    assert_eq!(world.queued_for_ip(), [second]);
}

/// Of a lane that was blocked, those behind may be free before anybody has read
/// them: neither what is written now nor what was read before passes them.
pub fn nothing_passes_what_is_in_the_queue(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.undecided("by sms");
    world.release_sms(first, false);
    world.hand(first, 7, 1);
    let second = world.open("behind it");
    world.part_of(result(7, 0, PartState::Sent));
    let third = world.open("written now");
    let new = Op::Release {
        id: third,
        look: None,
        boot: at(0),
    };
    let refused = world.op(new.clone());
    assert!(
        matches!(refused, Outcome::NotByIp { look: None }),
        "{refused:?}"
    );
    assert_eq!(world.queued_for_ip(), [second, third]);
    assert_eq!(world.release(second).lane_seq.get(), 2);
    assert!(matches!(world.op(new), Outcome::Released(_)));
}

/// What it waited for was settled between the decision and its batch.
pub fn a_message_that_waits_for_a_free_lane_is_looked_at(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.undecided("by sms");
    world.release_sms(first, false);
    world.hand(first, 7, 1);
    let second = world.undecided_at_once("behind it");
    let seen = world.attempts(second);
    assert_eq!(world.looks(wait(second, seen, None, None)), (None, false));
    assert_eq!(world.due_ids(0), []);
    world.part_of(result(7, 0, PartState::Sent));
    assert_eq!(world.due_ids(0), [second]);
    assert_eq!(world.looks(wait(second, seen, None, None)).0, AT_ONCE);
    assert_eq!(world.due_ids(0), [second]);
}

/// Taken back by its user, and the gateway cannot tell: that may take days.
pub fn what_nobody_wants_any_more_frees_its_lane(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.open_on_ip("in doubt").id;
    world.after_sent(1, &[], &[]);
    let second = world.undecided("by sms");
    let refused = world.release_sms_op(second, false);
    assert_eq!(world.looks(refused), (None, false));
    assert!(matches!(
        world.op(Op::Cancel { id: first }),
        Outcome::MustRevoke(_)
    ));
    assert_eq!(world.due_ids(0), [second]);
    world.revoked(EPOCH, &[(1, RevokeOutcome::InDoubt)]);
    assert_eq!(world.shown(first), Shown::Sent, "nobody knows");
    assert_eq!(world.release_sms(second, false), Some(2));
}

/// Nothing may ever be told of it, and what is written now has places in another lane.
pub fn what_stays_in_a_closed_epoch_frees_its_lane(backend: impl Backend) {
    let mut world = World::bound(backend);
    let by_ip = world.send("by ip alone");
    let open = world.open_on_ip("sms is open for it").id;
    world.after_sent(2, &[], &[]);
    let behind = world.undecided("by sms");
    let refused = world.release_sms_op(behind, false);
    assert_eq!(world.looks(refused.clone()), (None, false));
    world.close(EPOCH);
    world.closed(EPOCH, state(2, &[], &[]));
    world.bind(Epoch(691));
    assert_eq!(
        world.looks(refused),
        (None, false),
        "the second may yet go by SMS, and be before it"
    );
    let seen = world.attempts(open);
    world.looks(wait(open, seen, Some(WaitsFor::User), None));
    assert_eq!(world.due_ids(0), [behind]);
    assert_eq!(
        world.release_sms(behind, false),
        Some(1),
        "of the next lane"
    );
    assert_eq!(world.shown(by_ip), Shown::Sent);
}
