//! Numbers, epochs, sessions (DELIVERY 3, 6, 8).

use twine_engine::store_ops::{IdentityPosition, Memo, Op};
use twine_proto::frame::EpochPosition;
use twine_proto::limits::MAX_OLD_EPOCHS;
use twine_proto::{Epoch, Redacted, Seq};

use super::Backend;
use super::world::{EPOCH, World, own, second_own, state};

fn held<B: Backend>(world: &World<B>) -> Option<(u32, u64, u64)> {
    let identities = world.snapshot().identities;
    let position = identities.first().expect("an identity").held?;
    Some((
        position.epoch.get(),
        position.next_seq.get(),
        position.lowest_unsettled.get(),
    ))
}

fn old<B: Backend>(world: &World<B>) -> Vec<EpochPosition> {
    let mut identities = world.snapshot().identities;
    identities.remove(0).old
}

/// `session_no` is persisted and grows (DELIVERY 6).
pub fn session_numbers_grow_over_crashes(backend: impl Backend) {
    let mut world = World::empty(backend);
    let first = world.session(0);
    world.crash();
    let second = world.session(0);
    assert!(second > first && first.get() > 0);
    assert_eq!(world.snapshot().session_no, second);
}

/// The gateway takes only what lies above the highest it has seen.
pub fn a_gateway_that_knows_a_higher_session_is_overtaken(backend: impl Backend) {
    let mut world = World::empty(backend);
    assert!(world.session(41).get() > 41);
    let before = world.session(0);
    assert!(world.session(3) > before, "a lower one changes nothing");
}

/// A registration is repeated whenever a SIM is seen.
pub fn identities_keep_their_order_and_their_sim(backend: impl Backend) {
    let mut world = World::empty(backend);
    let register = |number, iccid: Option<&str>| Op::Register {
        number,
        iccid: iccid.map(|iccid| Redacted::new(iccid.to_owned())),
    };
    world.done(register(second_own(), Some("sim 1")));
    world.done(register(own(), None));
    world.done(register(second_own(), None));
    world.crash();
    world.done(register(own(), Some("sim 2")));
    let identities = world.snapshot().identities;
    let sims: Vec<_> = identities
        .iter()
        .map(|identity| {
            (
                identity.number,
                identity.iccid.clone().map(Redacted::into_exposed),
            )
        })
        .collect();
    assert_eq!(
        sims,
        [
            (second_own(), Some("sim 1".to_owned())),
            (own(), Some("sim 2".to_owned())),
        ]
    );
    assert!(identities.iter().all(|identity| identity.held.is_none()));
}

/// A number that was never above the highest epoch is ignored (DELIVERY 3).
pub fn an_epoch_is_taken_once_and_only_upwards(backend: impl Backend) {
    let mut world = World::empty(backend);
    world.bind(EPOCH);
    assert!(world.snapshot().identities.is_empty(), "nobody to bind");
    world.register(own());
    assert_eq!(held(&world), None);
    world.bind(EPOCH);
    assert_eq!(held(&world), Some((690, 1, 1)));
    world.send("first");
    world.bind(EPOCH);
    world.bind(Epoch(689));
    assert_eq!(
        held(&world),
        Some((690, 2, 1)),
        "neither again nor backwards"
    );
    world.crash();
    world.bind(Epoch(700));
    assert_eq!(held(&world), Some((700, 1, 1)));
}

/// Closing is final, also for the epoch that was closed (DELIVERY 8).
pub fn a_closed_epoch_stays_closed(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.close(Epoch(1));
    assert_eq!(held(&world), Some((690, 1, 1)), "another epoch");
    world.close(EPOCH);
    world.crash();
    world.bind(EPOCH);
    assert_eq!(held(&world), None);
    let identity: IdentityPosition = world.snapshot().identities.remove(0);
    assert_eq!(identity.last_epoch, EPOCH, "to ask for one above it");
    world.bind(Epoch(691));
    assert_eq!(held(&world), Some((691, 1, 1)));
}

/// `Hello` names closed epochs while something of them is open (DELIVERY 8).
pub fn old_epochs_are_named_while_something_is_open(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.send_many(3);
    world.sent(state(1, &[1], &[]));
    world.close(EPOCH);
    world.crash();
    let position = EpochPosition {
        epoch: EPOCH,
        next_seq: Seq(4),
        lowest_unsettled: Seq(2),
    };
    assert_eq!(old(&world), [position]);
    world.bind(Epoch(691));
    world.done(Op::Prune);
    assert_eq!(old(&world), [position], "closed by binding, too");
    world.closed(EPOCH, state(3, &[2, 3], &[]));
    assert_eq!(old(&world), []);
    world.done(Op::Prune);
    assert_eq!(held(&world), Some((691, 1, 1)));
}

/// No more than fit into a `Hello`; the next come when these are settled.
pub fn the_lowest_old_epochs_are_named_first(backend: impl Backend) {
    let mut world = World::bound(backend);
    let more = u32::try_from(MAX_OLD_EPOCHS).expect("small") + 2;
    for later in 1..=more {
        world.send("one more");
        world.bind(Epoch(690 + later));
    }
    let epochs = |world: &World<_>| -> Vec<u32> {
        old(world)
            .iter()
            .map(|position| position.epoch.get())
            .collect()
    };
    let lowest: Vec<u32> = (690..).take(MAX_OLD_EPOCHS).collect();
    assert_eq!(epochs(&world), lowest);
    world.closed(EPOCH, state(1, &[1], &[]));
    let lowest: Vec<u32> = (691..).take(MAX_OLD_EPOCHS).collect();
    assert_eq!(epochs(&world), lowest);
}

/// What was learned is there after a crash, the last of each kind.
pub fn what_was_learned_is_kept(backend: impl Backend) {
    let mut world = World::empty(backend);
    assert!(world.snapshot().memos.is_empty());
    for (memo, bytes) in [
        (Memo::Heartbeats, vec![1, 2, 3]),
        (Memo::Links, vec![9]),
        (Memo::Races, vec![7, 8]),
        (Memo::Heartbeats, vec![]),
        (Memo::Heartbeats, vec![4; 1000]),
    ] {
        world.done(Op::Remember { memo, bytes });
    }
    world.crash();
    let kept = world.snapshot().memos;
    assert_eq!(kept.len(), 3);
    assert_eq!(kept[&Memo::Heartbeats], [4; 1000]);
    assert_eq!(kept[&Memo::Links], [9]);
    assert_eq!(kept[&Memo::Races], [7, 8]);
}
