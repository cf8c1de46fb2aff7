//! A power cut while the last write is under way: the log's last frames are torn
//! at any place, or their sectors hold zeros or what was there before. A batch is
//! then there as a whole or not at all.
//!
//! The simulator treats a batch as atomic; this is what allows it to.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
use std::path::Path;

use twine_engine::message::MessageId;
use twine_engine::store_ops::{Op, StoreOps};
use twine_engine::time::WallTime;
use twine_store::SqliteStore;

use crate::common::{batch, incoming, new_message, now, ready};

/// Of SQLite's log: its header, and the header of each frame.
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// Not a divisor of anything in a frame.
const STRIDE: usize = 211;
const MESSAGES: u64 = 6;

/// The operations of one batch, from this message on.
fn ops(first: u64) -> Vec<Op> {
    let mut ops = Vec::new();
    for id in (first..first + 2 * MESSAGES).step_by(2) {
        ops.push(Op::Enqueue(new_message(id, "out")));
        let id = MessageId(id);
        ops.push(Op::Release {
            id,
            look: None,
            boot: now(),
        });
        ops.push(Op::InsertIncoming(incoming(id.0 + 1, id.0)));
    }
    ops
}

fn log_of(path: &Path) -> Vec<u8> {
    fs::read(path.with_file_name("store.db-wal")).unwrap()
}

/// Opens a copy with this log; the next message tells which batches it holds.
fn opened_with(folder: &Path, database: &[u8], log: &[u8]) -> u64 {
    let path = folder.join("store.db");
    for name in ["store.db-shm", "store.db-wal"] {
        let _ = fs::remove_file(folder.join(name));
    }
    fs::write(&path, database).unwrap();
    fs::write(folder.join("store.db-wal"), log).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    let snapshot = store.snapshot().unwrap();
    // What it holds it holds whole.
    for id in 1..snapshot.next_message {
        let message = store.message(MessageId(id)).unwrap().unwrap();
        assert!(message.name.is_some(), "message {id} without its place");
    }
    let held = snapshot.identities[0].held.unwrap();
    assert_eq!(held.next_seq.get() - 1, (snapshot.next_message - 1) / 2);
    snapshot.next_message
}

#[test]
fn a_batch_is_there_as_a_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut store = ready(&path);
    store.apply(&batch(WallTime(1), ops(1))).unwrap();
    let before = (store.snapshot().unwrap().next_message, log_of(&path));
    store
        .apply(&batch(WallTime(2), ops(1 + 2 * MESSAGES)))
        .unwrap();
    let after = (store.snapshot().unwrap().next_message, log_of(&path));
    let database = fs::read(&path).unwrap();
    let (start, end) = (before.1.len(), after.1.len());
    assert!(before.0 < after.0 && start < end, "the batch is in the log");
    assert_eq!(after.1[..start], before.1[..], "and behind what was there");

    let page_size = u32::from_be_bytes(after.1[8..12].try_into().unwrap()) as usize;
    let frame = FRAME_HEADER + page_size;
    assert_eq!((end - LOG_HEADER) % frame, 0);
    let mut cuts: Vec<usize> = (start..end).step_by(STRIDE).collect();
    for boundary in (start..=end).step_by(frame) {
        let around = [0, 1, FRAME_HEADER - 1, FRAME_HEADER, FRAME_HEADER + 1];
        cuts.extend(around.map(|more| boundary + more));
        cuts.push(boundary.saturating_sub(1));
    }
    cuts.retain(|cut| (start..=end).contains(cut));
    cuts.sort_unstable();
    cuts.dedup();

    let copy = tempfile::tempdir().unwrap();
    let mut whole = 0;
    for cut in cuts {
        let kept = &after.1[..cut];
        let mut zeros = kept.to_vec();
        zeros.resize(end, 0);
        let mut stale = kept.to_vec();
        // Sectors that still hold an earlier frame of the log.
        stale.extend(after.1[..end - cut].iter());
        for log in [kept, &zeros[..], &stale[..]] {
            let next = opened_with(copy.path(), &database, log);
            assert!(
                next == before.0 || next == after.0,
                "cut at {cut} of {start}..{end}: message {next}"
            );
            // Nothing but the whole log holds the batch.
            assert_eq!(next == after.0, log[..] == after.1[..], "cut at {cut}");
            whole += u32::from(next == after.0);
        }
    }
    assert!(whole > 0, "the whole log was among them");
    drop(store);
}
