//! Whole worlds by seed.

use twine_sim::faults::Faults;
use twine_sim::world::World;

fn run(seed: u64, minutes: u64) {
    if let Err(failure) = World::new(seed, false).run(minutes) {
        panic!("{failure:?}; twine-sim --replay {seed} --minutes {minutes} --story");
    }
}

#[test]
fn a_slice_of_seeds_keeps_every_promise() {
    for seed in 1_000_000..1_000_060 {
        run(seed, 5);
    }
}

/// Seeds that failed once, by what they found.
#[test]
fn regression_receipts_between_welcome_and_resume() {
    for seed in [229, 234, 332] {
        run(seed, 10);
    }
}

#[test]
fn regression_read_mark_above_a_message_that_was_retried() {
    for seed in [297, 359, 617] {
        run(seed, 10);
    }
}

#[test]
fn regression_senders_untold_after_a_failed_gateway_turn() {
    for seed in [198, 535, 848] {
        run(seed, 10);
    }
}

#[test]
fn regression_replaced_receipt_at_the_cursor() {
    run(3966, 10);
}

#[test]
fn a_seed_replays_exactly() {
    let story = |seed| {
        let mut world = World::new(seed, true);
        world.run(2).unwrap();
        world.story().join("\n")
    };
    assert_eq!(story(42), story(42));
    assert_ne!(story(42), story(43));
}

#[test]
fn without_faults_everything_arrives_on_the_first_connection() {
    let mut world = World::with_faults(1, Faults::none(2, 5_000), false);
    let summary = world.run(10).unwrap();
    assert!(summary.confirmed > 200, "{summary:?}");
    assert_eq!(summary.confirmed, summary.received);
    // The number is registered while connecting, so each dials twice at most.
    assert!(summary.connections <= 4, "{summary:?}");
}
