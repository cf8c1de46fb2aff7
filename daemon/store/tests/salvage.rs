//! What is left of a store that was cut, overwritten, or garbled.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
use std::path::PathBuf;

use rusqlite::Connection;
use tempfile::TempDir;
use twine_engine::message::{MessageId, Shown};
use twine_engine::store_ops::{ClientName, EventCursor, Op, Outcome, StoreOps};
use twine_engine::time::WallTime;
use twine_proto::frame::SentState;
use twine_proto::{Cursor, Epoch, Seq};
use twine_store::{SalvageReport, SqliteStore, StoreError, limits, salvage};

use crate::common::{
    EPOCH, apply, copy_with_log, incoming, look, new_message, one, own, peer, ready, with_suffix,
};

const PAGE: usize = 4096;
/// Messages of each direction.
const MESSAGES: u64 = 120;
const FIRST_INCOMING: u64 = 1_000;

/// A store with a little of everything.
struct Patient {
    folder: TempDir,
}

impl Patient {
    fn new() -> Self {
        let patient = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        drop(patient.fill());
        patient
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    fn fill(&self) -> SqliteStore {
        let mut store = ready(&self.path());
        one(
            &mut store,
            Op::OpenClient {
                client: ClientName("app".to_owned()),
                from_now: false,
            },
        );
        let mut ops = Vec::new();
        for id in 1..=MESSAGES {
            ops.push(Op::Enqueue(new_message(id, &text_of(id))));
            if id <= 20 {
                ops.push(common::release(id));
            }
            ops.push(Op::InsertIncoming(incoming(FIRST_INCOMING + id, id)));
        }
        for batch in ops.chunks(30) {
            apply(&mut store, WallTime(1), batch.to_vec());
        }
        let state = SentState {
            high_water: Seq(10),
            delivered: vec![Seq(1), Seq(2)],
            dispositions: Vec::new(),
        };
        one(&mut store, common::apply_sent(state));
        store
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    fn damage(&self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.bytes();
        change(&mut bytes);
        fs::write(self.path(), bytes).unwrap();
    }

    fn salvage(&self) -> (SalvageReport, SqliteStore) {
        let broken = self.bytes();
        let report = salvage(self.path()).unwrap();
        assert_eq!(fs::read(&report.kept).unwrap(), broken, "kept as it was");
        let store = SqliteStore::open(self.path()).unwrap();
        let counts = store.counts().unwrap();
        assert_eq!(counts.messages, report.messages);
        assert_eq!(counts.tokens, report.tokens);
        (report, store)
    }

    /// What else is found in the folder, without logs.
    fn leftovers(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "store.db" && !name.ends_with("-wal"))
            .collect();
        names.sort();
        names
    }
}

/// Some of them long enough to need pages of their own.
fn text_of(id: u64) -> String {
    format!("{id} ").repeat(if id.is_multiple_of(50) { 3_000 } else { 20 })
}

fn check_all(store: &SqliteStore) {
    for id in 1..=MESSAGES {
        let sent = store.message(MessageId(id)).unwrap().unwrap();
        assert_eq!(sent.text.unwrap().into_exposed(), text_of(id));
        let received = store.message(MessageId(FIRST_INCOMING + id)).unwrap();
        assert_eq!(received.unwrap().shown, Shown::Received);
    }
}

#[test]
fn a_whole_store_is_copied_whole() {
    let patient = Patient::new();
    let (report, mut store) = patient.salvage();
    assert_eq!(
        report,
        SalvageReport {
            kept: with_suffix(&patient.path(), ".broken-1"),
            messages: 2 * MESSAGES,
            tokens: MESSAGES,
            clients: 1,
            identities: 1,
            unreadable: 0,
            header_replaced: false,
        }
    );
    check_all(&store);
    assert_eq!(patient.leftovers(), ["store.db.broken-1"]);

    // A salvaged store always takes a new epoch (DELIVERY 4) …
    let identity = store.identities().unwrap().remove(0);
    assert_eq!(identity.held, None);
    assert_eq!(identity.last_epoch, EPOCH);
    assert_eq!(identity.cursor, Cursor(FIRST_INCOMING + MESSAGES));
    // … and can be told what became of the old one's (DELIVERY 8).
    let old = identity.old[0];
    assert_eq!(
        (old.epoch, old.next_seq, old.lowest_unsettled),
        (EPOCH, Seq(21), Seq(3))
    );
    let not_queued = one(&mut store, common::release(30));
    assert!(matches!(not_queued, Outcome::NotQueued), "{not_queued:?}");
    let epoch = Epoch(691);
    let bind = Op::BindEpoch {
        number: own(),
        epoch,
    };
    one(&mut store, bind);
    let closed = one(
        &mut store,
        Op::ApplyClosed {
            number: own(),
            epoch: EPOCH,
            state: SentState {
                high_water: Seq(12),
                ..SentState::default()
            },
            look: look(),
        },
    );
    assert!(
        matches!(closed, Outcome::Applied { requeued: 8, .. }),
        "{closed:?}"
    );
    let released = one(&mut store, common::release(13));
    assert!(
        matches!(&released, Outcome::Released(it) if it.epoch == epoch && it.seq == Seq(1)),
        "{released:?}"
    );
}

#[test]
fn clients_are_told_to_read_the_history_again() {
    let patient = Patient::new();
    let (_, mut store) = patient.salvage();
    let Outcome::ClientOpen { cursor, latest } = one(
        &mut store,
        Op::OpenClient {
            client: ClientName("app".to_owned()),
            from_now: false,
        },
    ) else {
        panic!("the client is gone");
    };
    assert_eq!(cursor, EventCursor(0), "where it was");
    let events = store.events(cursor, 10).unwrap();
    assert_eq!(events.resync_from, Some(latest));
    assert_eq!(events.events, []);
    assert!(latest.0 > limits::SALVAGE_GAP, "above all that was told");
    let next = store.snapshot().unwrap().next_message;
    assert!(next > FIRST_INCOMING + MESSAGES + limits::SALVAGE_GAP);
    one(&mut store, Op::Enqueue(new_message(next, "goes on")));
    let events = store.events(latest, 10).unwrap();
    assert_eq!((events.resync_from, events.events.len()), (None, 1));
}

#[test]
fn repeats_are_still_recognised() {
    let patient = Patient::new();
    // Of the lanes nothing is left.
    let db = Connection::open(patient.path()).unwrap();
    db.execute_batch("DELETE FROM lane_in").unwrap();
    db.close().unwrap();
    let (_, mut store) = patient.salvage();
    let delivery = Op::InsertIncoming(incoming(9_000_000, 7));
    let outcome = one(&mut store, delivery);
    assert!(matches!(outcome, Outcome::Duplicate { .. }), "{outcome:?}");
    let mut again = new_message(5, "");
    again.id = MessageId(9_000_000);
    let outcome = one(&mut store, Op::Enqueue(again));
    assert!(
        matches!(outcome, Outcome::Repeated { id: MessageId(5) }),
        "{outcome:?}"
    );
}

#[test]
fn what_lies_in_the_log_only_is_copied_too() {
    let patient = Patient {
        folder: tempfile::tempdir().unwrap(),
    };
    let crashed = Patient {
        folder: tempfile::tempdir().unwrap(),
    };
    let store = patient.fill();
    copy_with_log(&patient.path(), &crashed.path());
    drop(store);
    crashed.damage(|bytes| bytes[..100].fill(0xa5));
    let (report, store) = crashed.salvage();
    assert_eq!(report.messages, 2 * MESSAGES);
    check_all(&store);
    let log = with_suffix(&report.kept, "-wal");
    assert!(fs::metadata(log).unwrap().len() > 0, "kept as well");
}

#[test]
fn a_broken_header_costs_nothing() {
    for length in [16, 100, PAGE] {
        let patient = Patient::new();
        patient.damage(|bytes| bytes[..length].fill(0xa5));
        let refused = SqliteStore::open(patient.path()).unwrap_err();
        assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
        let (report, store) = patient.salvage();
        assert!(report.header_replaced);
        assert_eq!((report.messages, report.unreadable), (2 * MESSAGES, 0));
        check_all(&store);
        assert_eq!(patient.leftovers(), ["store.db.broken-1"]);
    }
}

#[test]
fn a_cut_file_gives_what_is_left_of_it() {
    let mut before = 0;
    for tenths in [1, 3, 5, 7, 9] {
        let patient = Patient::new();
        patient.damage(|bytes| bytes.truncate(bytes.len() * tenths / 10));
        let refused = SqliteStore::open(patient.path()).unwrap_err();
        assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
        let (report, store) = patient.salvage();
        assert!(report.messages >= before, "more of the file, more messages");
        assert!(report.unreadable > 0);
        before = report.messages;
        for page in store.history(own(), peer().into(), None, 200).unwrap() {
            if page.id.0 <= MESSAGES {
                assert_eq!(page.text.unwrap().into_exposed(), text_of(page.id.0));
            }
        }
    }
    assert!(
        before > MESSAGES,
        "{before} of a file that was nearly whole"
    );
}

#[test]
fn any_garbled_page_costs_only_what_lay_on_it() {
    let whole = Patient::new().bytes();
    let mut worst = 2 * MESSAGES;
    let mut complete = 0;
    let pages = whole.len() / PAGE;
    for page in 1..pages {
        let patient = Patient {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::write(patient.path(), &whole).unwrap();
        patient.damage(|bytes| bytes[page * PAGE..(page + 1) * PAGE].fill(0x5a));
        let (report, store) = patient.salvage();
        assert_eq!(report.identities, 1, "page {page}");
        assert!(store.snapshot().unwrap().identities[0].held.is_none());
        // The root of the messages is the one page under which all of them lie.
        if report.messages > 0 {
            worst = worst.min(report.messages);
        }
        complete += usize::from(report.messages == 2 * MESSAGES);
    }
    assert!(worst >= 2 * MESSAGES - 100, "{worst} left");
    assert!(
        complete * 2 > pages,
        "{complete} of {pages} pages hold no message"
    );
}

#[test]
fn nothing_readable_leaves_an_empty_store() {
    let patient = Patient::new();
    patient.damage(|bytes| bytes.fill(0));
    let (report, mut store) = patient.salvage();
    assert_eq!((report.messages, report.identities), (0, 0));
    assert!(report.unreadable > 0);
    let next = store.snapshot().unwrap().next_message;
    assert!(next > FIRST_INCOMING + MESSAGES, "ids are not given again");
    one(&mut store, Op::Enqueue(new_message(next, "starts anew")));
}

#[test]
fn an_interrupted_swap_is_finished_when_the_store_is_opened() {
    // What is in place when the daemon dies: broken file, its log.
    for (broken, log) in [(true, true), (true, false), (false, false)] {
        let patient = Patient::new();
        patient.salvage();
        let path = patient.path();
        let kept = with_suffix(&path, ".broken-1");
        let kept_log = with_suffix(&kept, "-wal");
        fs::rename(&path, with_suffix(&path, ".salvaged")).unwrap();
        if broken {
            fs::rename(&kept, &path).unwrap();
        }
        let here = if log {
            with_suffix(&path, "-wal")
        } else {
            kept_log.clone()
        };
        fs::write(here, b"log of the broken one").unwrap();

        let store = SqliteStore::open(&path).unwrap();
        check_all(&store);
        assert!(store.identities().unwrap()[0].held.is_none(), "the new one");
        if broken {
            assert_eq!(fs::read(kept_log).unwrap(), b"log of the broken one");
        }
    }
}

#[test]
fn what_was_left_half_done_is_done_anew() {
    let patient = Patient::new();
    for suffix in [".salvaging", ".salvaging-source", ".salvaging-source-blank"] {
        fs::write(with_suffix(&patient.path(), suffix), b"half").unwrap();
    }
    patient.damage(|bytes| bytes[..100].fill(0));
    let (report, store) = patient.salvage();
    assert_eq!(report.messages, 2 * MESSAGES);
    check_all(&store);
    assert_eq!(patient.leftovers(), ["store.db.broken-1"]);
}

#[test]
fn without_a_file_there_is_nothing_to_salvage() {
    let patient = Patient {
        folder: tempfile::tempdir().unwrap(),
    };
    assert!(salvage(patient.path()).is_err());
    assert_eq!(patient.leftovers(), Vec::<String>::new());
}

#[test]
fn broken_stores_are_kept_up_to_a_limit() {
    let patient = Patient::new();
    for count in 1..=limits::MAX_BROKEN_KEPT {
        let kept = with_suffix(&patient.path(), &format!(".broken-{count}"));
        fs::write(kept, b"from before").unwrap();
    }
    let before = patient.bytes();
    let refused = salvage(patient.path()).unwrap_err();
    assert!(
        matches!(refused, StoreError::TooManyBroken { .. }),
        "{refused}"
    );
    assert_eq!(patient.bytes(), before);
}

#[test]
fn a_newer_store_is_not_copied_in_part() {
    let patient = Patient::new();
    let db = Connection::open(patient.path()).unwrap();
    db.execute_batch("PRAGMA user_version = 9").unwrap();
    db.close().unwrap();
    let before = patient.bytes();
    let refused = salvage(patient.path()).unwrap_err();
    assert!(
        matches!(refused, StoreError::Newer { found: 9, .. }),
        "{refused}"
    );
    assert_eq!(patient.bytes(), before);
    assert_eq!(patient.leftovers(), Vec::<String>::new());
}

#[test]
fn a_store_in_use_is_not_salvaged() {
    let patient = Patient::new();
    let _open = SqliteStore::open(patient.path()).unwrap();
    let refused = salvage(patient.path()).unwrap_err();
    assert!(refused.trouble().is_some(), "{refused}");
    assert_eq!(patient.leftovers(), Vec::<String>::new());
}
