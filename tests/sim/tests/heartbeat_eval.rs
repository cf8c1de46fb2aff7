//! The evaluation of heartbeats: what it measures, and what it found.

use twine_sim::heartbeat_eval::client::Name;
use twine_sim::heartbeat_eval::run::{Score, run};
use twine_sim::heartbeat_eval::world::{DAY, MINUTE, World, all};
use twine_sim::heartbeat_eval::{check, evaluate, html, report};

/// A NAT with one limit for both transports, a phone that nobody writes to, no holes.
fn quiet(limit: u64) -> World {
    World {
        name: "quiet".to_owned(),
        seed: 0,
        days: 1,
        limits: vec![(0, [limit, limit])],
        resets: true,
        holes: Vec::new(),
        messages: Vec::new(),
    }
}

fn twine(world: &World) -> Score {
    run(Name::Twine, world)
}

#[test]
fn a_limit_that_changes_counts_from_when_it_does() {
    let mut world = quiet(30 * MINUTE);
    world.limits.push((60 * MINUTE, [2 * MINUTE, 2 * MINUTE]));
    assert_eq!(world.forgotten_at(0, 0), 30 * MINUTE);
    assert_eq!(world.forgotten_at(0, 55 * MINUTE), 60 * MINUTE);
    assert_eq!(world.forgotten_at(1, 59 * MINUTE), 61 * MINUTE);
}

#[test]
fn a_hole_is_nobodys_fault() {
    let mut world = quiet(30 * MINUTE);
    world.holes.push((10 * MINUTE..14 * MINUTE, false));
    assert_eq!(world.hole_time(0, DAY), 4 * MINUTE);
    assert_eq!(world.hole_time(12 * MINUTE, 13 * MINUTE), MINUTE);
    assert_eq!(world.hole_at(14 * MINUTE), None);
    let without = twine(&quiet(30 * MINUTE));
    // Pauses between attempts double from a second on: in four minutes to 128 at most,
    // and the last one may end so long after the hole.
    assert!(twine(&world).unreachable_s < without.unreachable_s + 128.0);
}

#[test]
fn what_a_fixed_heartbeat_costs_is_what_one_would_reckon() {
    let score = run(Name::Fixed, &quiet(10 * MINUTE));
    assert!((1435..=1440).contains(&score.heartbeats));
    assert!(score.unreachable_s < 1.0, "{}", score.unreachable_s);
    // 30 s of each 60 lost, and the time to notice and to connect again.
    let score = run(Name::Fixed, &quiet(MINUTE / 2));
    let share = score.unreachable_s / 86_400.0;
    assert!((0.49..0.53).contains(&share), "{share}");
}

#[test]
fn a_long_limit_is_found_without_being_unreachable() {
    let score = twine(&quiet(30 * MINUTE));
    assert!(score.unreachable_s < 1.0, "{}", score.unreachable_s);
    assert!(score.heartbeats <= 65, "{}", score.heartbeats);
    // 660 s were tried once.
    let score = twine(&quiet(10 * MINUTE));
    assert!(score.unreachable_s < 250.0, "{}", score.unreachable_s);
}

/// A session that died in a hole after half a minute of silence was taken for a NAT
/// that forgets TCP so soon, although half an hour had been survived.
#[test]
fn regression_seed_8_one_short_failure_does_not_undo_what_was_survived() {
    let worlds = all(8..9, 7);
    let mut worlds = worlds.iter();
    let world = worlds.find(|world| world.name == "UDP 30 s, TCP 124 min");
    let score = world.map(twine);
    assert!(score.is_some_and(|score| score.unreachable_s < 1_500.0));
}

#[test]
fn what_has_to_hold_holds_and_is_reported() {
    let rows = evaluate(&all(0..4, 7));
    assert_eq!(check::failures(&rows), Vec::<String>::new());
    assert_eq!(rows.len(), 21);
    let table = report::table(&rows);
    assert!(table.contains("UDP and TCP 28.5 min") && table.contains("fixed 60 s"));
    assert_eq!(report::json(&rows)["worlds"][0]["days"], 28);
    let page = html::page(&rows);
    assert!(page.ends_with("</html>\n") && page.contains("<path class=\"line l0\""));
}

#[test]
fn what_does_not_hold_is_said() {
    let mut rows = evaluate(&all(0..1, 1));
    rows[0].sums[0].unreachable_s = rows[0].sums[1].unreachable_s;
    rows[0].sums[0].heartbeats += 1_000_000;
    let failures = check::failures(&rows);
    let said = |what: &str| failures.iter().any(|why| why.starts_with(what));
    assert!(
        said("UDP and TCP 30 s: Twine is unreachable"),
        "{failures:?}"
    );
    assert!(said("in sum:"), "{failures:?}");
}
