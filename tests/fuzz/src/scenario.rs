//! The lab's scenarios.

use std::fs;

use twine_lab::limits::{MAX_ACTIONS, MAX_HANDSETS, MAX_LINKS, MAX_MESSAGES};
use twine_lab::scenario::{Process, Scenario, ScenarioError, What, load};

use crate::config::{assert_in, assert_one_line};

thread_local! {
    /// Scenarios are read from files only.
    static FOLDER: tempfile::TempDir =
        tempfile::tempdir().unwrap_or_else(|error| panic!("a folder is needed: {error}"));
}

/// One scenario file.
///
/// # Panics
///
/// If a promise is broken, or the file cannot be written.
pub fn lab(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    FOLDER.with(|folder| {
        let file = folder.path().join("scenario.toml");
        fs::write(&file, text).unwrap_or_else(|error| panic!("a file is needed: {error}"));
        match load(&file) {
            Ok(scenario) => keeps_to_limits(&scenario),
            Err(ScenarioError::Wrong(error)) => {
                assert_eq!(error.file, file.display().to_string());
                assert_in(text, error.line, error.column, &error);
                assert_one_line(text, &error);
            }
            Err(error @ ScenarioError::Unreadable { .. }) => panic!("{error}"),
        }
    });
}

fn keeps_to_limits(scenario: &Scenario) {
    let handsets = scenario.handsets.len();
    assert!(
        (1..=MAX_HANDSETS).contains(&handsets),
        "{handsets} handsets"
    );
    for handset in &scenario.handsets {
        let links = handset.links.len();
        assert!((1..=MAX_LINKS).contains(&links), "{links} links");
    }
    assert!(scenario.messages() <= MAX_MESSAGES, "too many messages");
    for traffic in &scenario.traffic {
        assert!(
            traffic.from < handsets && traffic.to < handsets,
            "{traffic:?}"
        );
        assert_ne!(traffic.from, traffic.to, "{traffic:?}");
        assert!((1..=traffic.count).contains(&traffic.burst), "{traffic:?}");
    }
    assert!(scenario.actions.len() <= MAX_ACTIONS, "too many actions");
    assert!(
        scenario.actions.is_sorted_by_key(|action| action.at),
        "not in the order of time"
    );
    for action in &scenario.actions {
        match action.what {
            What::Link { handset, link, .. } | What::Profile { handset, link, .. } => {
                assert!(link < scenario.handsets[handset].links.len(), "{action:?}");
            }
            What::Kill(process)
            | What::Start(process)
            | What::Pause(process)
            | What::Resume(process) => match process {
                Process::Daemon(handset) => assert!(handset < handsets, "{action:?}"),
                Process::Gateway => {}
            },
        }
    }
    assert!(
        scenario.planned_end() < scenario.give_up,
        "gives up too early"
    );
}
