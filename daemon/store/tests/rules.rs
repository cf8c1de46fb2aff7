//! What only a store in a file can show: what it forgets and what it never does,
//! its file, its pages, its limits.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;
use twine_engine::limits::{TOKEN_AGE, TOKENS_KEPT};
use twine_engine::message::MessageId;
use twine_engine::store_ops::{EventCursor, Op, Outcome, StoreOps};
use twine_engine::time::WallTime;
use twine_proto::Redacted;
use twine_store::{SqliteStore, StoreError, Trouble, limits};

use crate::common::{apply, incoming, new_message, one, other_peer, own, peer, ready};

struct Folder {
    folder: TempDir,
}

impl Folder {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    /// With one identity that holds an epoch.
    fn store(&self) -> SqliteStore {
        ready(&self.path())
    }
}

/// Changes the file behind the store's back.
fn meddle(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn tokens_are_forgotten_when_old_and_many() {
    let folder = Folder::new();
    let mut store = folder.store();
    let age_ms = u64::try_from(TOKEN_AGE.as_millis()).unwrap();
    let old: Vec<_> = (1..=3)
        .map(|id| Op::Enqueue(new_message(id, "old")))
        .collect();
    apply(&mut store, WallTime(1_000), old);
    let later = WallTime(1_001 + age_ms);
    let many = usize::try_from(TOKENS_KEPT).unwrap();
    for start in (10..10 + many as u64).step_by(1000) {
        let ops = (start..start + 1000)
            .map(|id| Op::Enqueue(new_message(id, "new")))
            .collect();
        apply(&mut store, later, ops);
    }
    assert_eq!(store.counts().unwrap().tokens, TOKENS_KEPT + 3);
    // Old enough, but not by the clock of the batch.
    apply(&mut store, WallTime(1_000 + age_ms), vec![Op::Prune]);
    assert_eq!(store.counts().unwrap().tokens, TOKENS_KEPT + 3);
    apply(&mut store, later, vec![Op::Prune]);
    let counts = store.counts().unwrap();
    assert_eq!(counts.tokens, TOKENS_KEPT);
    assert_eq!(counts.messages, TOKENS_KEPT + 3, "messages stay");
    let mut again = new_message(1, "old");
    again.id = MessageId(90_000);
    let outcome = one(&mut store, Op::Enqueue(again));
    assert!(matches!(outcome, Outcome::Enqueued { .. }), "{outcome:?}");
}

#[test]
fn a_deleted_history_makes_no_repeat_a_new_message() {
    let folder = Folder::new();
    let mut store = folder.store();
    one(&mut store, Op::Enqueue(new_message(1, "sent")));
    for place in [1, 2, 3] {
        one(&mut store, Op::InsertIncoming(incoming(10 + place, place)));
    }
    drop(store);
    meddle(&folder.path(), "DELETE FROM message");

    let mut store = SqliteStore::open(folder.path()).unwrap();
    assert!(store.message(MessageId(1)).unwrap().is_none());
    for place in [1, 2, 3] {
        let outcome = one(&mut store, Op::InsertIncoming(incoming(20 + place, place)));
        assert!(
            matches!(outcome, Outcome::Duplicate { rejected: None }),
            "{outcome:?}"
        );
    }
    let mut again = new_message(1, "sent");
    again.id = MessageId(30);
    let outcome = one(&mut store, Op::Enqueue(again));
    assert!(
        matches!(outcome, Outcome::Repeated { id: MessageId(1) }),
        "{outcome:?}"
    );
}

#[test]
fn conversations_come_with_the_newest_first() {
    let folder = Folder::new();
    let mut store = folder.store();
    let mut to_other = new_message(1, "to another");
    to_other.peer = other_peer().into();
    one(&mut store, Op::Enqueue(to_other));
    one(&mut store, Op::Enqueue(new_message(2, "first")));
    one(&mut store, Op::InsertIncoming(incoming(3, 1)));
    let all = store.conversations(0, 10).unwrap();
    let found: Vec<_> = all
        .iter()
        .map(|it| (it.own, it.peer, it.last.id.0, it.count))
        .collect();
    assert_eq!(
        found,
        [
            (own(), peer().into(), 3, 2),
            (own(), other_peer().into(), 1, 1)
        ]
    );
    assert_eq!(store.conversations(0, 1).unwrap(), all[..1]);
    assert_eq!(store.conversations(1, 5).unwrap(), all[1..]);
    assert_eq!(store.conversations(2, 5).unwrap(), []);
}

#[test]
fn pages_are_bounded_by_count_and_by_text() {
    let folder = Folder::new();
    let mut store = folder.store();
    let text = "x".repeat(1000);
    let ops = (1..=500)
        .map(|id| Op::Enqueue(new_message(id, &text)))
        .collect();
    apply(&mut store, WallTime(1), ops);
    let most = limits::MAX_PAGE_MESSAGES;
    assert_eq!(
        store
            .history(own(), peer().into(), None, 10_000)
            .unwrap()
            .len(),
        most
    );
    assert_eq!(store.outbox(MessageId(0), 10_000).unwrap().len(), most);
    let page = store
        .read_history(own(), peer().into(), None, 50, 2_500)
        .unwrap();
    assert_eq!((page.messages.len(), page.more), (3, true));
    let page = store.read_outbox(MessageId(497), 50, 10_000).unwrap();
    assert_eq!((page.messages.len(), page.more), (3, false));
    let page = store.read_outbox(MessageId(0), 50, 0).unwrap();
    assert_eq!(
        (page.messages.len(), page.more),
        (1, true),
        "one always comes"
    );
    let events = store.events(EventCursor(0), 10_000).unwrap();
    assert_eq!(events.events.len(), limits::MAX_PAGE_EVENTS);
}

#[test]
fn the_size_counts_the_log() {
    let folder = Folder::new();
    let mut store = folder.store();
    let before = store.size_bytes().unwrap();
    let text = "x".repeat(50_000);
    one(&mut store, Op::Enqueue(new_message(1, &text)));
    assert!(store.size_bytes().unwrap() > before + 50_000);
}

#[test]
fn one_process_has_the_store() {
    let folder = Folder::new();
    let _store = folder.store();
    let second = SqliteStore::open(folder.path()).unwrap_err();
    assert_eq!(second.trouble(), Some(Trouble::Locked), "{second}");
}

#[test]
fn a_newer_store_is_refused_and_left_alone() {
    let folder = Folder::new();
    drop(folder.store());
    meddle(&folder.path(), "PRAGMA user_version = 9");
    let before = std::fs::read(folder.path()).unwrap();
    let refused = SqliteStore::open(folder.path()).unwrap_err();
    assert!(
        matches!(refused, StoreError::Newer { found: 9, .. }),
        "{refused}"
    );
    assert_eq!(std::fs::read(folder.path()).unwrap(), before);
}

#[test]
fn another_programs_database_is_not_taken_for_a_store() {
    let folder = Folder::new();
    meddle(
        &folder.path(),
        "CREATE TABLE message (id); PRAGMA user_version = 1;",
    );
    let refused = SqliteStore::open(folder.path()).unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
}

#[test]
fn a_missing_folder_says_what_to_do() {
    let folder = Folder::new();
    let path = folder.folder.path().join("nowhere").join("store.db");
    let refused = SqliteStore::open(path).unwrap_err();
    assert_eq!(refused.trouble(), Some(Trouble::CannotOpen));
    assert!(refused.to_string().contains("folder"), "{refused}");
}

#[test]
fn a_batch_that_fails_leaves_nothing() {
    let folder = Folder::new();
    let mut store = folder.store();
    one(&mut store, Op::Enqueue(new_message(1, "first")));
    let before = store.snapshot().unwrap();
    // The same id under another token: a bug of the caller.
    let mut twice = new_message(1, "second");
    twice.token.0.push(7);
    let batch = common::batch(
        WallTime(2),
        vec![
            common::release(1),
            Op::Enqueue(new_message(2, "third")),
            Op::Enqueue(twice),
        ],
    );
    let refused = store.apply(&batch).unwrap_err();
    assert!(matches!(refused, StoreError::Refused(_)), "{refused}");
    assert_eq!(store.snapshot().unwrap(), before);
    assert!(store.message(MessageId(2)).unwrap().is_none());
    // And it goes on where it was.
    one(&mut store, common::release(1));
    let events = store.events(EventCursor(0), 10).unwrap().events;
    assert_eq!(events.len(), 2);
}

#[test]
fn garbled_gaps_are_damage_not_a_guess() {
    let folder = Folder::new();
    let mut store = folder.store();
    one(&mut store, Op::InsertIncoming(incoming(1, 5)));
    drop(store);
    meddle(&folder.path(), "UPDATE lane_in SET gaps = x'0102'");
    let mut store = SqliteStore::open(folder.path()).unwrap();
    let batch = common::batch(WallTime(2), vec![Op::InsertIncoming(incoming(2, 2))]);
    let refused = store.apply(&batch).unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
}

#[test]
fn nothing_that_is_shown_of_a_store_holds_a_text_or_a_number() {
    let folder = Folder::new();
    let mut store = folder.store();
    let message = new_message(1, "a very private text");
    let batch = common::batch(WallTime(1), vec![Op::Enqueue(message.clone())]);
    let stored = store.apply(&batch).unwrap();
    let again = store.apply(&common::batch(
        WallTime(1),
        vec![common::release(message.id.0)],
    ));
    let mut shown = format!("{store:?} {batch:?} {stored:?} {again:?}");
    shown += &format!("{:?}", store.message(message.id).unwrap());
    shown += &format!("{:?}", store.conversations(0, 1).unwrap());
    let mut twice = message;
    twice.token.0.push(7);
    twice.text = Redacted::new("another private text".to_owned());
    let refused = store
        .apply(&common::batch(WallTime(2), vec![Op::Enqueue(twice)]))
        .unwrap_err();
    shown += &format!("{refused} {refused:?}");
    for secret in ["private", "2547123", "80312345"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
