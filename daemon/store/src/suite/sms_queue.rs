//! Our own queue of SMS: what waits for its turn, and what is looked at before it leaves
//! (DELIVERY 21, 22, 25).

use twine_engine::limits::SMS_PARTS_PER_WINDOW;
use twine_engine::message::{MessageId, SmsAttempt, WaitsFor};
use twine_engine::parts::AttemptId;
use twine_engine::settings::Settings;
use twine_engine::store_ops::{BootStamp, Op, Outcome};
use twine_engine::time::{BootId, Instant};
use twine_proto::Redacted;

use super::Backend;
use super::short_message::{AT_ONCE, card, hand, wait};
use super::world::{World, at, look, own, peer, second_own};

/// It was released while it was at home: what the setting says of roaming is looked at
/// before it leaves.
pub fn what_waits_for_its_turn_is_held_when_its_card_roams(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.undecided("abroad");
    world.release_sms(id, false);
    world.looks(Op::HoldSms {
        iccid: Redacted::new("another card".to_owned()),
    });
    assert_eq!(world.pacing_ids(), [id]);
    world.looks(Op::HoldSms { iccid: card() });
    world.crash();
    assert_eq!(world.pacing_ids(), []);
    assert_eq!(world.record(id).waits_for, Some(WaitsFor::Home));
    assert_eq!(world.due_ids(0), [id]);
    let kept_back = world.op(hand(id, 7, 1));
    assert!(
        matches!(&kept_back, Outcome::SmsHanded(handed) if handed.is_empty()),
        "{kept_back:?}"
    );
    world.looks(wait(id, world.attempts(id), None, None));
    assert_eq!(world.pacing_ids(), [id]);
}

/// The operator replaced the card: the user pins the new one.
pub fn what_waits_for_its_turn_leaves_by_the_card_that_is_pinned(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.undecided("by the new card");
    world.release_sms(id, false);
    let new = Redacted::new("8925402000000000099".to_owned());
    world.looks(Op::Set {
        conversation: Some((own(), peer().into())),
        settings: Settings {
            iccid: Some(new.clone()),
            ..Settings::default()
        },
    });
    world.crash();
    assert_eq!(world.record(id).waits_for, Some(WaitsFor::Sim));
    assert_eq!(world.due_ids(0), [id]);
    world.looks(wait(id, world.attempts(id), None, None));
    let queue = world.pacing_queue();
    assert_eq!(queue.len(), 1);
    assert_eq!((queue[0].id, &queue[0].iccid), (id, &new));
}

/// Its user chose a card between the decision and its batch.
pub fn what_was_decided_by_other_settings_is_decided_again(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.undecided("by another card");
    let release = world.release_sms_op(id, false);
    let settings = Settings {
        iccid: Some(Redacted::new("8925402000000000099".to_owned())),
        ..Settings::default()
    };
    let conversation = Some((own(), peer().into()));
    world.batch(vec![
        Op::Set {
            conversation,
            settings,
        },
        release,
    ]);
    world.crash();
    assert_eq!(world.sms(id), SmsAttempt::None);
    assert_eq!(world.pacing_ids(), []);
    assert_eq!(world.due_ids(0), [id]);
}

/// An agent that is away must not keep back what can go by IP again.
pub fn what_waits_for_its_turn_is_looked_at_when_ip_is_back(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.undecided("no agent");
    world.release_sms(id, false);
    assert_eq!(world.due_ids(u64::MAX >> 2), []);
    let (look, _) = world.looks(Op::WakeSmsQueue { own: second_own() });
    assert_eq!(look, None);
    let (look, _) = world.looks(Op::WakeSmsQueue { own: own() });
    assert_eq!(look, AT_ONCE);
    world.crash();
    assert_eq!(world.due_ids(0), [id]);
    world.looks(wait(id, world.attempts(id), None, None));
    assert_eq!(world.pacing_ids(), [id], "it goes on waiting for its turn");
}

/// By id, some at a time.
pub fn the_pacing_queue_comes_in_pages(backend: impl Backend) {
    let mut world = World::bound(backend);
    let mut ids = Vec::new();
    for number in [1, 2, 3, 4] {
        let mut message = world.new_undecided("paced");
        message.peer = twine_proto::E164::new(254_700_000_000 + number)
            .expect("a number")
            .into();
        let id = world.enqueue_as(message);
        world.release_sms(id, false);
        ids.push(id);
    }
    world.looks(wait(
        ids[2],
        world.attempts(ids[2]),
        Some(WaitsFor::Sim),
        None,
    ));
    let mut page = |after, limit| match world.op(Op::LoadSms { after, limit }) {
        Outcome::SmsQueue(jobs) => jobs.iter().map(|job| job.id).collect::<Vec<_>>(),
        outcome => panic!("{outcome:?}"),
    };
    assert_eq!(page(MessageId(0), 2), ids[..2]);
    assert_eq!(page(ids[1], 2), [ids[3]]);
    let counts = world.snapshot();
    assert_eq!((counts.sms_waiting, counts.sms_handed), (4, 0));
    let waits = world.op(hand(ids[2], 9, 1));
    assert!(
        matches!(&waits, Outcome::SmsHanded(handed) if handed.is_empty()),
        "it waits for its card: {waits:?}"
    );
}

/// For pacing after a restart.
pub fn a_snapshot_says_what_was_handed_over_lately(backend: impl Backend) {
    let mut world = World::bound(backend);
    assert_eq!(world.snapshot().handed, []);
    for (number, (ms, parts)) in [(10, 2), (20, 3)].into_iter().enumerate() {
        let mut message = world.new_undecided("paced");
        message.peer = twine_proto::E164::new(254_700_000_000 + number as u64)
            .expect("a number")
            .into();
        let id = world.enqueue_as(message);
        world.release_sms(id, false);
        world.op(Op::HandSms {
            id,
            attempt: AttemptId(ms),
            parts,
            boot: at(ms),
            look: look(600_000),
        });
    }
    world.crash();
    let snapshot = world.snapshot();
    assert_eq!(snapshot.handed, [(at(10), 2), (at(20), 3)]);
    assert_eq!((snapshot.sms_waiting, snapshot.sms_handed), (0, 2));
    assert_eq!(snapshot.outbox, 2);
    // Between boots no time is known to have passed.
    let boot = BootStamp {
        boot: BootId(7),
        at: Instant(5),
    };
    world.op(Op::RearmDeadlines { boot });
    assert_eq!(world.snapshot().handed, [(boot, 2), (boot, 3)]);
    // No more than the window has room for.
    for attempt in 100..100 + SMS_PARTS_PER_WINDOW as u64 {
        let mut message = world.new_undecided("paced");
        message.peer = twine_proto::E164::new(254_700_000_000 + attempt)
            .expect("a number")
            .into();
        let id = world.enqueue_as(message);
        world.release_sms(id, false);
        world.op(Op::HandSms {
            id,
            attempt: AttemptId(attempt),
            parts: 1,
            boot: at(attempt),
            look: look(600_000),
        });
    }
    let handed = world.snapshot().handed;
    assert_eq!(handed.len(), SMS_PARTS_PER_WINDOW);
    assert_eq!(handed[0], (at(100), 1), "the oldest that counts");
}
