//! A process that is killed while it stores. Whatever it reported is there
//! afterwards, and nothing is there by half.
//!
//! SIGKILL takes the process, not what the kernel holds for it: this shows that
//! batches are whole and in order, not that they outlast a power cut, which is
//! what `synchronous = FULL` is for.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use twine_engine::message::{Direction, MessageId, Shown};
use twine_engine::store_ops::{EventCursor, Op, Outcome, StoreOps};
use twine_engine::time::WallTime;
use twine_proto::frame::SentState;
use twine_store::SqliteStore;

use crate::common::{apply, batch, incoming, new_message, ready};

/// Set for the process that is killed: where its store is.
const VICTIM: &str = "TWINE_STORE_VICTIM";
const ROUNDS: u32 = 12;
/// Messages of each direction in one batch.
const PAIRS: u64 = 5;

fn main() {
    if let Some(path) = env::var_os(VICTIM) {
        store_until_killed(Path::new(&path));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(ready(&path));
    let mut reported = Reported::default();
    for round in 0..ROUNDS {
        let news = run_and_kill(&path, 1 + round * 3, Duration::from_micros(150) * round);
        assert!(news.next_message > reported.next_message, "it got on");
        reported = news;
        check(&path, &reported);
        println!(
            "round {round}: {} messages, {} events, all there",
            reported.next_message - 1,
            reported.latest_event
        );
    }
}

/// What the victim said last: all below is stored.
#[derive(Debug, Default)]
struct Reported {
    next_message: u64,
    latest_event: u64,
}

/// Kills it after so many reports and a moment, at whatever it is doing then.
fn run_and_kill(path: &Path, reports: u32, moment: Duration) -> Reported {
    let mut victim = Command::new(env::current_exe().unwrap())
        .env(VICTIM, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let mut reported = Reported::default();
    let mut take = |line: &str| {
        // Cut off in the middle, it was not said.
        let Some(line) = line.strip_suffix('.') else {
            return;
        };
        let (next_message, latest_event) = line.split_once(' ').unwrap();
        reported = Reported {
            next_message: next_message.parse().unwrap(),
            latest_event: latest_event.parse().unwrap(),
        };
    };
    for line in lines.by_ref().take(reports as usize) {
        take(&line.unwrap());
    }
    // Each round in another part of a batch. SIGKILL, on unix.
    thread::sleep(moment);
    victim.kill().unwrap();
    // What it had said by then.
    for line in lines.map_while(Result::ok) {
        take(&line);
    }
    victim.wait().unwrap();
    reported
}

fn store_until_killed(path: &Path) -> ! {
    let mut store = SqliteStore::open(path).unwrap();
    let mut next = store.snapshot().unwrap().next_message;
    let mut stdout = std::io::stdout().lock();
    loop {
        let mut ops = Vec::new();
        for _ in 0..PAIRS {
            ops.push(Op::Enqueue(new_message(next, "out")));
            ops.push(common::release(next));
            ops.push(Op::InsertIncoming(incoming(next + 1, next)));
            next += 2;
        }
        ops.push(common::apply_sent(SentState {
            high_water: twine_proto::Seq(next / 4),
            ..SentState::default()
        }));
        let stored = store.apply(&batch(WallTime(next), ops)).unwrap();
        writeln!(stdout, "{next} {}.", stored.latest_event.0).unwrap();
        stdout.flush().unwrap();
    }
}

fn check(path: &Path, reported: &Reported) {
    let mut store = SqliteStore::open(path).unwrap();
    let snapshot = store.snapshot().unwrap();
    assert!(snapshot.next_message >= reported.next_message);
    assert!(snapshot.latest_event.0 >= reported.latest_event);
    assert_eq!(
        (snapshot.next_message - 1) % (2 * PAIRS),
        0,
        "no batch by half"
    );

    let sent = (snapshot.next_message - 1) / 2;
    let held = snapshot.identities[0].held.unwrap();
    assert_eq!(held.next_seq.get(), sent + 1, "each seq once");
    for id in 1..snapshot.next_message {
        let message = store.message(MessageId(id)).unwrap().unwrap();
        let place = message.name.unwrap().lane_seq.get();
        if message.direction == Direction::Incoming {
            assert_eq!((message.shown, place), (Shown::Received, id - 1));
            continue;
        }
        assert_eq!(place, id.div_ceil(2));
        let Some(numbers) = message.ip.unsettled() else {
            panic!("{:?}", message.ip);
        };
        assert_eq!(numbers.seq.get(), place);
    }

    // Every event, and each once.
    let mut after = EventCursor(0);
    loop {
        let page = store.events(after, 500).unwrap();
        assert_eq!(page.resync_from, None);
        let Some(last) = page.events.last() else {
            break;
        };
        assert_eq!(last.cursor.0, after.0 + page.events.len() as u64);
        after = last.cursor;
    }
    assert_eq!(after, snapshot.latest_event);

    // A repeat of the last that was reported is one.
    let last = reported.next_message - 2;
    let mut again = new_message(last, "out");
    again.id = MessageId(snapshot.next_message);
    let again = apply(&mut store, WallTime(0), vec![Op::Enqueue(again)]);
    assert!(
        matches!(again[..], [Outcome::Repeated { id }] if id.0 == last),
        "{again:?}"
    );
    drop(store);
    let integrity: String = Connection::open(path)
        .unwrap()
        .query_row("PRAGMA integrity_check", (), |row| row.get(0))
        .unwrap();
    assert_eq!(integrity, "ok");
}
