//! The table of rules and checks in this crate's documentation, held against the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::coverage::promises;

/// Rules of delivery.
const RULES: usize = 30;

struct Row {
    rule: &'static str,
    scenarios: &'static str,
    invariants: &'static str,
}

fn rows() -> Vec<Row> {
    let table = include_str!("lib.rs").lines();
    let rows: Vec<Row> = table
        .filter_map(|line| line.strip_prefix("//! | "))
        .skip_while(|line| !line.starts_with("rule |"))
        .skip(1)
        .map(|line| {
            let mut cells = line.split('|').map(str::trim);
            let mut cell = || cells.next().unwrap();
            let (rule, scenarios, invariants) = (cell(), cell(), cell());
            assert_eq!(cells.collect::<Vec<_>>(), [""], "{line}");
            let rule = rule.split(':').next().unwrap();
            Row {
                rule,
                scenarios,
                invariants,
            }
        })
        .collect();
    let numbered: Vec<usize> = rows
        .iter()
        .filter_map(|row| row.rule.parse().ok())
        .collect();
    assert_eq!(numbered, (1..=RULES).collect::<Vec<_>>());
    rows
}

fn top() -> PathBuf {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    top.unwrap().to_owned()
}

/// All Rust files below, or the one that it is.
fn files(path: &Path, found: &mut Vec<PathBuf>) {
    if !path.is_dir() {
        found.push(path.to_owned());
        return;
    }
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() || path.extension().is_some_and(|ext| ext == "rs") {
            files(&path, found);
        }
    }
}

/// The scenarios below, by name: functions that take nothing but a store.
fn scenarios_in(paths: &[PathBuf]) -> Vec<String> {
    let mut names = Vec::new();
    for path in paths {
        let source = fs::read_to_string(path).unwrap();
        let mut is_test = false;
        for line in source.lines().map(str::trim_start) {
            if line == "#[test]" {
                is_test = true;
            } else if let Some((start, rest)) = line.split_once("fn ") {
                let (name, of) = rest.split_once('(').unwrap_or((rest, ""));
                if is_test || start == "pub " && of.starts_with("backend: impl Backend)") {
                    names.push(name.to_owned());
                }
                is_test = false;
            }
        }
    }
    names
}

/// The files that a part of a cell speaks of: ``core `hello` ``.
fn place(of: &str, module: Option<&str>) -> Vec<PathBuf> {
    let folder = match of {
        "rules" => "tests/sim/tests/rules",
        "core" => "tools/gateway/core/tests",
        "suite" => "daemon/store/src/suite",
        "engine" => "daemon/engine/src",
        "sms" => "daemon/sms/tests",
        "[`sms::agent`]" => "tests/sim/src/sms/agent.rs",
        _ => panic!("{of:?}: no such place"),
    };
    let mut all = Vec::new();
    files(&top().join(folder), &mut all);
    if let Some(module) = module {
        all.retain(|path| {
            path.components().any(|part| part.as_os_str() == module)
                || path.file_stem().is_some_and(|name| name == module)
        });
    }
    assert!(!all.is_empty(), "{of} {module:?}: no such place");
    all
}

/// The count in parentheses with which a text goes on.
fn count(text: &str) -> Option<usize> {
    let (number, _) = text.trim_start().strip_prefix('(')?.split_once(')')?;
    Some(number.parse().unwrap())
}

/// The scenarios that a cell names, each by its name.
fn named(cell: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for part in cell.split("; ").filter(|part| !part.is_empty()) {
        let (of, rest) = part.split_once(' ').unwrap();
        let (module, rest) = match rest.split_once("`: ") {
            Some((module, rest)) => (Some(module.trim_start_matches('`')), rest),
            None => (None, rest),
        };
        let mut quoted = rest.split('`').skip(1);
        while let (Some(name), Some(after)) = (quoted.next(), quoted.next()) {
            if module.is_none() && !name.contains('_') {
                // A whole module.
                let found = scenarios_in(&place(of, Some(name)));
                assert!(!found.is_empty(), "{part}");
                all.extend(found);
                continue;
            }
            let found = scenarios_in(&place(of, module));
            let (fits, expected): (Vec<String>, _) = match name.strip_suffix('…') {
                Some(start) => {
                    let fits = found.into_iter().filter(|name| name.starts_with(start));
                    (fits.collect(), count(after).unwrap_or(1))
                }
                None => (found.into_iter().filter(|found| found == name).collect(), 1),
            };
            assert_eq!(fits.len(), expected, "{part}: {name}: {fits:?}");
            all.extend(fits);
        }
    }
    all
}

#[test]
fn every_promise_stands_in_a_row_and_every_row_quotes_promises() {
    let known: BTreeSet<&str> = promises().collect();
    let rows = rows();
    let quoted = |row: &Row| row.invariants.split('"').skip(1).step_by(2);
    let quoted: BTreeSet<&str> = rows.iter().flat_map(quoted).collect();
    let missing: Vec<_> = known.difference(&quoted).collect();
    assert!(missing.is_empty(), "in no row: {missing:?}");
    let unknown: Vec<_> = quoted.difference(&known).collect();
    assert!(unknown.is_empty(), "no promises: {unknown:?}");
}

/// Each exists, as many as are counted, and each scenario of a rule stands in its row.
#[test]
fn the_scenarios_are_those_that_there_are() {
    let rows = rows();
    let named: BTreeMap<&str, BTreeSet<String>> = rows
        .iter()
        .map(|row| (row.rule, named(row.scenarios)))
        .collect();
    let of_rules = scenarios_in(&place("rules", None));
    assert!(of_rules.len() > RULES, "{of_rules:?}");
    for scenario in of_rules {
        let words = scenario.split('_').skip(1);
        let rules = words.take_while(|word| *word == "and" || word.parse::<u8>().is_ok());
        for rule in rules.filter(|word| *word != "and") {
            assert!(
                named[rule].contains(&scenario),
                "not in row {rule}: {scenario}"
            );
        }
    }
}

/// Every rule has deliberate bugs, and they are of rules that there are.
#[test]
fn the_mutants_are_of_rules() {
    let rules: BTreeSet<&str> = rows().iter().map(|row| row.rule).collect();
    let mut broken = BTreeSet::new();
    for entry in fs::read_dir(top().join("tests/sim/mutants")).unwrap() {
        let list = fs::read_to_string(entry.unwrap().path()).unwrap();
        let of = list
            .lines()
            .filter_map(|line| line.strip_prefix("rule = \""));
        broken.extend(of.map(|rule| rule.trim_end_matches('"').to_owned()));
    }
    for rule in &broken {
        assert!(rules.contains(rule.as_str()), "there is no rule {rule}");
    }
    for rule in rules.iter().filter(|rule| rule.parse::<u8>().is_ok()) {
        assert!(broken.contains(*rule), "no mutant breaks rule {rule}");
    }
}
