//! Two cards, many networks: what has to hold of the policy's decisions.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

use twine_sim::links_eval::policy::Name;
use twine_sim::links_eval::{check, evaluate, report, run, worlds};

fn links_eval(args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_links-eval"))
        .args(args)
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn the_check_holds() {
    let (code, out, error) = links_eval(&["--check"]);
    assert_eq!(code, Some(0), "{out}{error}");
    assert!(out.contains("holds: "), "{out}");
}

#[test]
fn worse_latency_is_said() {
    let worlds = worlds::all(0..1, 3_600).unwrap();
    let (mut rows, _) = evaluate(&worlds);
    let captive = rows.iter().position(|row| row.world == "captive Wi-Fi");
    let row = &mut rows[captive.unwrap()];
    let slowest = |row: &check::Row| check::Slowest::of(&row.sums).unwrap();
    assert!(!slowest(row).is_worse());
    let ours = row.sums.iter_mut().find(|sum| sum.policy == Name::Twine);
    ours.unwrap().latencies_ms.fill(10_000_000);
    assert!(slowest(row).is_worse());
    let table = report::table(&rows);
    let line = table
        .lines()
        .rfind(|line| line.starts_with("captive Wi-Fi"));
    assert!(line.unwrap().ends_with("WORSE"), "{table}");
}

#[test]
fn the_check_fails_when_it_should() {
    let worlds = worlds::all(0..1, 3_600).unwrap();
    let (mut rows, _) = evaluate(&worlds);
    let twine = |row: &mut check::Row| {
        let at = row.sums.iter().position(|sum| sum.policy == Name::Twine);
        at.map(|at| row.sums[at].without_data_s = 1e6)
    };
    assert!(rows.iter_mut().all(|row| twine(row).is_some()));
    let failures = check::failures(&rows);
    assert!(failures.len() > rows.len(), "{failures:?}");
    assert!(failures.iter().any(|why| why.starts_with("in sum: ")));
}

#[test]
fn a_seed_gives_the_same_figures_every_time() {
    let rows = || evaluate(&worlds::all(3..4, 1_800).unwrap()).0;
    assert_eq!(report::json(&rows()), report::json(&rows()));
}

#[test]
fn a_dead_wifi_is_left_as_soon_as_an_answer_is_missing() {
    let worlds = worlds::all(0..1, 7_200).unwrap();
    let captive = worlds
        .iter()
        .find(|world| world.name == "captive Wi-Fi")
        .unwrap();
    let (ours, android) = (
        run::run(Name::Twine, captive),
        run::run(Name::Android, captive),
    );
    assert!(ours.without_data_s * 5.0 < android.without_data_s);
}

#[test]
fn a_gateway_that_is_away_moves_no_data() {
    let worlds = worlds::all(0..20, 7_200).unwrap();
    let away = worlds
        .iter()
        .filter(|world| world.name.starts_with("gateway away"));
    let (mut moves, mut moves_without) = (0, 0);
    for world in away {
        let mut never = world.clone();
        never.ticks.iter_mut().for_each(|tick| tick.gateway = true);
        assert_ne!(&never, world, "it is away in every one of them");
        moves += run::run(Name::Twine, world).switches;
        moves_without += run::run(Name::Twine, &never).switches;
    }
    assert_eq!(moves, moves_without);
}

#[test]
fn the_median_world_is_better_too() {
    let (rows, _) = evaluate(&worlds::all(0..3, 3_600).unwrap());
    let median = check::median_ratio(&rows).unwrap();
    assert!(median < 0.9, "{median}");
}

#[test]
fn what_only_a_spent_bundle_carries_is_nobodys_fault() {
    let worlds = worlds::all(0..1, 7_200).unwrap();
    let named = |name| worlds.iter().find(|world| world.name == name).unwrap();
    assert!(named("bundle spent, dear").declined_s() > 0.0);
    let calm = named("calm home");
    assert_eq!((calm.declined_s(), calm.hopeless_s()), (0.0, 0.0));
    let mut spent = calm.clone();
    for tick in &mut spent.ticks {
        (tick.sims[0].open, tick.sims[1].spent) = (false, true);
    }
    assert_eq!(run::run(Name::AlwaysFirst, &spent).without_data_s, 0.0);
    spent.ticks.iter_mut().for_each(|t| t.sims[1].spent = false);
    let without = run::run(Name::AlwaysFirst, &spent).without_data_s;
    assert_eq!(without, spent.seconds());
}

#[test]
fn errors_say_what_is_wrong() {
    for (args, says) in [
        (&["--seeds", "5..5"][..], "--seeds 5..5: expected A..B"),
        (&["--minutes", "1"], "--minutes 1: expected 10 to 1440"),
        (&["--frob"], "--frob"),
        (&["--only", "no such"], "--only no such: no world"),
        (&["--traces", "/nowhere/x"], "/nowhere/x.down is missing"),
    ] {
        let (code, _, error) = links_eval(args);
        assert_eq!(code, Some(2), "{args:?}");
        assert!(error.contains(says), "{error}");
    }
}
