//! A small world: one core, one storage, and what each connection has heard.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "each test file uses its own part; tests may panic"
)]

use std::collections::{BTreeMap, BTreeSet};

use twine_gateway_core::storage::{Entry, Sent, StreamKey};
use twine_gateway_core::{
    Config, ConnId, Core, DeviceKey, Input, MemoryStorage, Now, Output, Storage, Tx, provision,
};
use twine_proto::frame::{
    Accepted, Ack, Binding, Deliver, Disposition, EpochPosition, Goodbye, GoodbyeReason, Hello,
    HelloSlot, Receipt, ReceiptKind, Revoke, RevokeOutcome, SlotStatus, Submit, Welcome,
};
use twine_proto::{
    Content, Cursor, E164, Epoch, Frame, LaneSeq, MessageName, Seq, SessionNo, Slot,
};

/// 2025-01-01 and 690 days.
pub const START_UNIX_S: u64 = 1_735_689_600 + 690 * 86_400;
pub const FIRST_EPOCH: Epoch = Epoch(690);

pub fn number(last: u64) -> E164 {
    E164::new(254_700_000_000 + last).unwrap()
}

pub fn device(id: u8) -> DeviceKey {
    DeviceKey([id; 32])
}

pub struct World {
    pub core: Core,
    pub config: Config,
    pub storage: MemoryStorage,
    pub now: Now,
    next_conn: u64,
    session_nos: BTreeMap<DeviceKey, u64>,
    heard: BTreeMap<ConnId, Vec<Frame>>,
    pub closed: BTreeSet<ConnId>,
}

impl World {
    pub fn new() -> Self {
        Self::with(Config::default())
    }

    /// Devices 1 and 2 hold numbers 1 and 2.
    pub fn with(config: Config) -> Self {
        let mut world = Self {
            core: Core::new(config.clone()),
            config,
            storage: MemoryStorage::new(),
            now: Now {
                instant_ms: 0,
                unix_s: START_UNIX_S,
            },
            next_conn: 0,
            session_nos: BTreeMap::new(),
            heard: BTreeMap::new(),
            closed: BTreeSet::new(),
        };
        world.bind(number(1), device(1));
        world.bind(number(2), device(2));
        world
    }

    pub fn bind(&mut self, number: E164, device: DeviceKey) {
        let mut tx = self.storage.begin().unwrap();
        provision(&mut tx, number, device).unwrap();
        tx.commit().unwrap();
    }

    /// The gateway's process dies and starts again.
    pub fn restart(&mut self) {
        self.core = Core::new(self.config.clone());
    }

    pub fn restore(&mut self, backup: &MemoryStorage) {
        self.storage = backup.clone();
        self.restart();
    }

    pub fn try_turn(&mut self, inputs: Vec<Input>) -> bool {
        let outputs = match self.core.turn(&mut self.storage, self.now, inputs) {
            Ok(outputs) => outputs,
            Err(_) => {
                self.closed.extend(self.core.take_lost_connections());
                return false;
            }
        };
        for output in outputs {
            match output {
                Output::Send { conn, frame } => {
                    assert!(!self.closed.contains(&conn), "sent after Close: {frame:?}");
                    self.heard.entry(conn).or_default().push(frame);
                }
                Output::Close { conn } => {
                    assert!(self.closed.insert(conn), "closed twice");
                }
            }
        }
        true
    }

    pub fn turn(&mut self, inputs: Vec<Input>) {
        assert!(self.try_turn(inputs), "the commit failed");
    }

    pub fn say(&mut self, conn: ConnId, frame: Frame) {
        self.turn(vec![Input::Frame { conn, frame }]);
    }

    pub fn say_all(&mut self, conn: ConnId, frames: impl IntoIterator<Item = Frame>) {
        let inputs = frames.into_iter().map(|frame| Input::Frame { conn, frame });
        let inputs = inputs.collect();
        self.turn(inputs);
    }

    /// What came since the last call.
    pub fn heard(&mut self, conn: ConnId) -> Vec<Frame> {
        self.heard.remove(&conn).unwrap_or_default()
    }

    /// Says something and returns what came since.
    pub fn ask(&mut self, conn: ConnId, frame: Frame) -> Vec<Frame> {
        self.say(conn, frame);
        self.heard(conn)
    }

    pub fn connect(&mut self, device: DeviceKey) -> ConnId {
        self.next_conn += 1;
        let conn = ConnId(self.next_conn);
        self.turn(vec![Input::Connected { conn, device }]);
        conn
    }

    pub fn next_session(&mut self, device: DeviceKey) -> SessionNo {
        let no = self.session_nos.entry(device).or_default();
        *no += 1;
        SessionNo(*no)
    }

    /// Connects and says `Hello` with the next session number.
    pub fn hello(&mut self, device: DeviceKey, slots: Vec<HelloSlot>) -> (ConnId, Welcome) {
        let conn = self.connect(device);
        let session_no = self.next_session(device);
        self.say(
            conn,
            Frame::Hello(Hello {
                session_no,
                after: SessionNo(0),
                slots,
            }),
        );
        let mut heard = self.heard(conn);
        let Frame::Welcome(welcome) = heard.remove(0) else {
            panic!("no Welcome, but {heard:?}");
        };
        self.heard.insert(conn, heard);
        (conn, welcome)
    }

    /// Device `id` gets its first epoch for its number.
    pub fn join(&mut self, id: u8) -> ConnId {
        let (conn, welcome) = self.hello(device(id), vec![wanted(id.into())]);
        assert!(matches!(welcome.slots[0].status, SlotStatus::Granted(_)));
        conn
    }

    pub fn entries(&self, owner: u64) -> Vec<(Cursor, Entry)> {
        let entries = self.storage.entries(number(owner));
        entries
            .map(|(cursor, entry)| (cursor, entry.clone()))
            .collect()
    }

    pub fn sent(&self, from: u64, epoch: Epoch) -> Vec<(Seq, Sent)> {
        let key = StreamKey {
            number: number(from),
            epoch,
        };
        self.storage
            .sent(key)
            .map(|(seq, sent)| (seq, *sent))
            .collect()
    }

    pub fn pass(&mut self, seconds: u64) {
        self.now.instant_ms += seconds * 1000;
        self.now.unix_s += seconds;
    }

    pub fn tick(&mut self) {
        self.turn(vec![Input::Tick]);
    }
}

pub fn wanted(own: u64) -> HelloSlot {
    HelloSlot {
        number: number(own),
        binding: Binding::Wanted { last: Epoch(0) },
        cursor: Cursor(0),
        cursor_check: 0,
        old: Vec::new(),
    }
}

pub fn held(own: u64, epoch: Epoch, next_seq: u64, lowest_unsettled: u64) -> HelloSlot {
    HelloSlot {
        binding: Binding::Held(position(epoch, next_seq, lowest_unsettled)),
        ..wanted(own)
    }
}

pub fn position(epoch: Epoch, next_seq: u64, lowest_unsettled: u64) -> EpochPosition {
    EpochPosition {
        epoch,
        next_seq: Seq(next_seq),
        lowest_unsettled: Seq(lowest_unsettled),
    }
}

/// A slot that has committed the entry at `cursor`, message `lane_seq` of `from`.
pub fn at_cursor(
    slot: HelloSlot,
    cursor: u64,
    from: u64,
    epoch: Epoch,
    lane_seq: u64,
) -> HelloSlot {
    let name = MessageName {
        from: number(from),
        epoch,
        to: slot.number,
        lane_seq: LaneSeq(lane_seq),
    };
    HelloSlot {
        cursor: Cursor(cursor),
        cursor_check: name.cursor_check(),
        ..slot
    }
}

/// Message `seq` on slot 0, with the same place in the lane.
pub fn submit(seq: u64, to: u64) -> Frame {
    submit_text(seq, to, &format!("message {seq}"))
}

pub fn submit_text(seq: u64, to: u64, text: &str) -> Frame {
    Frame::Submit(Submit {
        slot: Slot(0),
        seq: Seq(seq),
        to: number(to),
        lane_seq: LaneSeq(seq),
        content: Content::text(text.to_owned()).unwrap().encode(),
    })
}

pub fn ack(cursor: u64) -> Frame {
    Frame::Ack(Ack {
        slot: Slot(0),
        cursor: Cursor(cursor),
        lowest_unsettled: None,
    })
}

pub fn settled(lowest_unsettled: u64) -> Frame {
    Frame::Ack(Ack {
        slot: Slot(0),
        cursor: Cursor(0),
        lowest_unsettled: Some(Seq(lowest_unsettled)),
    })
}

pub fn revoke(seqs: &[u64]) -> Frame {
    Frame::Revoke(Revoke {
        slot: Slot(0),
        epoch: None,
        seqs: seqs.iter().map(|seq| Seq(*seq)).collect(),
    })
}

pub fn receipt(kind: ReceiptKind) -> Frame {
    Frame::Receipt(Receipt {
        slot: Slot(0),
        kind,
    })
}

pub fn accepted(frames: &[Frame]) -> &Accepted {
    let mut found = frames.iter().filter_map(|frame| match frame {
        Frame::Accepted(accepted) => Some(accepted),
        _ => None,
    });
    let accepted = found.next().expect("no Accepted");
    assert!(found.next().is_none(), "more than one Accepted");
    accepted
}

pub fn deliveries(frames: &[Frame]) -> Vec<&Deliver> {
    let mut found = Vec::new();
    for frame in frames {
        if let Frame::Deliver(deliver) = frame {
            found.push(deliver);
        }
    }
    found
}

/// Cursors of all mailbox entries that came.
pub fn cursors(frames: &[Frame]) -> Vec<u64> {
    let cursor = |frame: &Frame| match frame {
        Frame::Deliver(deliver) => Some(deliver.cursor.get()),
        Frame::Receipt(Receipt {
            kind: ReceiptKind::ReadBy { cursor, .. },
            ..
        }) => Some(cursor.get()),
        _ => None,
    };
    frames.iter().filter_map(cursor).collect()
}

/// Delivered seqs and other outcomes that came.
pub fn outcomes(frames: &[Frame]) -> (Vec<u64>, Vec<(u64, Disposition)>) {
    let mut all = (Vec::new(), Vec::new());
    for frame in frames {
        if let Frame::Receipt(Receipt {
            kind:
                ReceiptKind::Outcomes {
                    delivered,
                    dispositions,
                    ..
                },
            ..
        }) = frame
        {
            all.0.extend(delivered.iter().map(|seq| seq.get()));
            all.1
                .extend(dispositions.iter().map(|(seq, how)| (seq.get(), *how)));
        }
    }
    all
}

pub fn revoked(frames: &[Frame]) -> Vec<(u64, RevokeOutcome)> {
    let results = frames.iter().filter_map(|frame| match frame {
        Frame::Revoked(revoked) => Some(revoked.results.iter()),
        _ => None,
    });
    results
        .flatten()
        .map(|(seq, outcome)| (seq.get(), *outcome))
        .collect()
}

pub fn goodbye(frames: &[Frame]) -> Option<&Goodbye> {
    frames.iter().find_map(|frame| match frame {
        Frame::Goodbye(goodbye) => Some(goodbye),
        _ => None,
    })
}

pub fn goodbye_reason(frames: &[Frame]) -> Option<GoodbyeReason> {
    goodbye(frames).map(|goodbye| goodbye.reason)
}
