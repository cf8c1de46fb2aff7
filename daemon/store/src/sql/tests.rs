//! What statements cost.

use super::*;
use crate::SqliteStore;

/// What grows with use, and what statements call it.
const LARGE: [&str; 19] = [
    "message",
    "event",
    "token",
    "lane_in",
    "lane_out",
    "setting",
    "reach",
    "sms_seen",
    "note_pending",
    "peer_name",
    "story",
    "m",
    "b",
    "c",
    "h",
    "u",
    "s",
    "r",
    "l",
];
/// For a person who asks or chooses; once a day; once a boot, through the
/// messages that have a deadline or a look. The others run in every turn.
const MAY_WALK: [&str; 5] = [
    "COUNTS",
    "TOKENS_PRUNE",
    "REARM",
    "LOOKS_REARM",
    "SETTING_COUNT",
];
/// Sorts one page, not what it is taken from; the places of a lane that has left
/// IP; the open messages when the user chooses.
const MAY_SORT: [&str; 7] = [
    "HISTORY",
    "OUTBOX",
    "CONVERSATIONS",
    "DUE",
    "NOTE_PLACES",
    "LOOK_AT_CONVERSATION",
    "LOOK_AT_ALL",
];

#[test]
fn no_statement_walks_through_a_table_that_grows() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("store.db")).unwrap();
    for (name, sql) in ALL.iter().chain(sms::ALL) {
        let mut plan = store
            .connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut steps = plan.raw_query();
        while let Some(step) = steps.next().unwrap() {
            let step: String = step.get(3).unwrap();
            println!("{name}: {step}");
            let walks = LARGE.iter().any(|table| {
                step == format!("SCAN {table}") || step.starts_with(&format!("SCAN {table} "))
            });
            assert!(!walks || MAY_WALK.contains(name), "{name}: {step}");
            assert!(
                !step.contains("TEMP B-TREE") || MAY_SORT.contains(name),
                "{name}: {step}"
            );
        }
    }
}
