//! Stores in folders of their own, and what is put into them.
#![allow(dead_code, reason = "each test uses another part of this module")]

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use twine_engine::message::MessageId;
use twine_engine::store_ops::{
    AcceptedLooks, Batch, BatchId, BootStamp, ClientName, Incoming, IncomingBody, Look,
    NewOutgoing, Op, Outcome, StoreOps, Token,
};
use twine_engine::time::{BootId, Instant, WallTime};
use twine_proto::frame::SentState;
use twine_proto::{Cursor, Digest, E164, Epoch, LaneSeq, MessageName, Redacted};
use twine_store::SqliteStore;
use twine_store::suite::Backend;

/// The SQLite store as the suite sees it.
pub(crate) struct Sqlite {
    folder: TempDir,
    crashes: u32,
}

impl Sqlite {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            crashes: 0,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder
            .path()
            .join(format!("store-{}.db", self.crashes))
    }
}

impl Backend for Sqlite {
    type Store = SqliteStore;

    fn open(&mut self) -> SqliteStore {
        SqliteStore::open(self.path()).unwrap()
    }

    /// The files as they lie there while the store is open, log and all, are what
    /// a crash leaves; closing would tidy up first.
    fn crash_and_reopen(&mut self, store: SqliteStore) -> SqliteStore {
        let before = self.path();
        self.crashes += 1;
        copy_with_log(&before, &self.path());
        drop(store);
        self.open()
    }
}

/// Copies a store and its log.
pub(crate) fn copy_with_log(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    fs::copy(with_suffix(from, "-wal"), with_suffix(to, "-wal")).unwrap();
}

/// `path` with something behind its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

pub(crate) fn own() -> E164 {
    E164::new(254_712_345_678).unwrap()
}

pub(crate) fn peer() -> E164 {
    E164::new(2_348_031_234_567).unwrap()
}

pub(crate) fn other_peer() -> E164 {
    E164::new(8_613_800_138_000).unwrap()
}

pub(crate) const EPOCH: Epoch = Epoch(690);

pub(crate) fn batch(wall: WallTime, ops: Vec<Op>) -> Batch {
    Batch {
        id: BatchId(1),
        wall,
        ops,
    }
}

pub(crate) fn apply(store: &mut SqliteStore, wall: WallTime, ops: Vec<Op>) -> Vec<Outcome> {
    store.apply(&batch(wall, ops)).unwrap().outcomes
}

pub(crate) fn one(store: &mut SqliteStore, op: Op) -> Outcome {
    apply(store, WallTime(1), vec![op]).pop().unwrap()
}

/// An open store with one identity that holds [`EPOCH`].
pub(crate) fn ready(path: &Path) -> SqliteStore {
    let mut store = SqliteStore::open(path).unwrap();
    let register = Op::Register {
        number: own(),
        iccid: None,
    };
    let bind = Op::BindEpoch {
        number: own(),
        epoch: EPOCH,
    };
    apply(&mut store, WallTime(1), vec![register, bind]);
    store
}

/// A message to the peer; its token is made of its id.
pub(crate) fn new_message(id: u64, text: &str) -> NewOutgoing {
    NewOutgoing {
        id: MessageId(id),
        client: ClientName("app".to_owned()),
        token: Token(id.to_be_bytes().to_vec()),
        sender: own().into(),
        peer: peer().into(),
        text: Redacted::new(text.to_owned()),
        valid_for: None,
        boot: now(),
        wish: None,
        sms: twine_engine::message::SmsAttempt::NotUsed,
        queue_for_ip: true,
        look: None,
        because: &[],
    }
}

/// The peer's message of a place; its cursor is its id.
pub(crate) fn incoming(id: u64, place: u64) -> Incoming {
    let name = MessageName {
        from: peer(),
        epoch: EPOCH,
        to: own(),
        lane_seq: LaneSeq(place),
    };
    Incoming {
        id: MessageId(id),
        own: own(),
        cursor: Cursor(id),
        check: name.cursor_check(),
        body: IncomingBody::Text {
            name,
            digest: Digest(place),
            text: Redacted::new(format!("text {place}")),
        },
        age_s: 0,
        note: Vec::new(),
        maybe_by_sms: false,
        boot: now(),
    }
}

/// The moment of everything here.
pub(crate) fn now() -> BootStamp {
    BootStamp {
        boot: BootId(1),
        at: Instant(0),
    }
}

/// Gives a message to IP.
pub(crate) fn release(id: u64) -> Op {
    Op::Release {
        id: MessageId(id),
        look: None,
        boot: now(),
    }
}

/// At once.
pub(crate) fn look() -> Look {
    Look {
        boot: now(),
        after: std::time::Duration::ZERO,
    }
}

/// What the gateway says of the present epoch.
pub(crate) fn apply_sent(state: SentState) -> Op {
    let look = look();
    Op::ApplySent {
        number: own(),
        epoch: EPOCH,
        state,
        away: Vec::new(),
        looks: AcceptedLooks {
            away: look,
            here: look,
        },
    }
}
