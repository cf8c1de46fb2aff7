//! The lab's scenarios.

use std::collections::BTreeSet;
use std::fs;

use twine_lab::limits::{
    MAX_ACTIONS, MAX_CARDS, MAX_HANDSETS, MAX_LINKS, MAX_MESSAGES, MAX_OPERATORS, MAX_PLAIN,
};
use twine_lab::mobile::plan::SLOTS;
use twine_lab::scenario::{Process, Scenario, ScenarioError, What, load, phones};

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
    let operators = scenario.operators.len();
    assert!(
        (1..=MAX_OPERATORS).contains(&operators),
        "{operators} operators"
    );
    let phones = phones(&scenario.handsets, &scenario.plain);
    assert_eq!(phones.len(), scenario.parties());
    let mut seen = BTreeSet::new();
    for card in phones.iter().flat_map(|phone| &phone.cards) {
        assert!(card.operator < operators, "{card:?}");
        assert!(card.slot.is_none_or(|slot| slot < SLOTS), "{card:?}");
        assert!(seen.insert(card.iccid.clone()), "a card twice");
    }
    assert!(scenario.plain.len() <= MAX_PLAIN, "too many plain phones");
    for handset in &scenario.handsets {
        assert!(handset.cards.len() <= MAX_CARDS, "too many cards");
    }
    assert!(scenario.messages() <= MAX_MESSAGES, "too many messages");
    for traffic in &scenario.traffic {
        let parties = scenario.parties();
        assert!(
            traffic.from < parties && traffic.to < parties,
            "{traffic:?}"
        );
        assert!(traffic.from.min(traffic.to) < handsets, "{traffic:?}");
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
            What::Coverage { party, slot, .. } => {
                assert!(party < scenario.parties() && slot < SLOTS, "{action:?}");
            }
            What::FlightMode { party, .. } => assert!(party < scenario.parties(), "{action:?}"),
            What::MoveCard { handset, card, .. } | What::Balance { handset, card, .. } => {
                assert!(card < scenario.handsets[handset].cards.len(), "{action:?}");
            }
            What::SwapCards { handset } => assert!(handset < handsets, "{action:?}"),
            What::Pin {
                handset,
                peer,
                card,
            } => {
                assert!(card < scenario.handsets[handset].cards.len(), "{action:?}");
                assert!(peer < scenario.parties() && peer != handset, "{action:?}");
            }
            What::Retry { handset, peer, .. } => {
                assert!(
                    handset < handsets && peer < scenario.parties(),
                    "{action:?}"
                );
            }
            What::Kill(process)
            | What::Start(process)
            | What::Pause(process)
            | What::Resume(process) => match process {
                Process::Daemon(handset) | Process::Agent(handset) => {
                    assert!(handset < handsets, "{action:?}")
                }
                Process::Gateway => {}
            },
        }
    }
    assert!(
        scenario.planned_end() < scenario.give_up,
        "gives up too early"
    );
}
