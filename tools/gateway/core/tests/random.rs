//! Random handsets, honest and hostile, a process that dies, a disk that fails,
//! backups that come back. Whatever happens: the books balance, and every frame
//! that leaves is one that a handset can read.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;

use common::*;
use twine_gateway_core::memory::CommitFault;
use twine_gateway_core::storage::{EntryBody, Fate, Mailbox, StreamKey};
use twine_gateway_core::{Config, ConnId, Input, Output, Storage, Tx};
use twine_proto::frame::{
    Ack, Binding, Direction, Hello, HelloSlot, Lookup, ReadMark, ReceiptKind, RejectReason, Revoke,
};
use twine_proto::framing::Decoder;
use twine_proto::{Cursor, Epoch, Frame, LaneSeq, Seq, SessionNo, Slot, codec};

const NUMBERS: u64 = 4;
const DEVICES: u8 = 3;

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

fn random_frame(rng: &mut Rng, next_seq: &mut BTreeMap<u64, u64>, conn: u64) -> Frame {
    let to = 1 + rng.below(NUMBERS + 1);
    match rng.below(12) {
        0..=4 => {
            let seq = next_seq.entry(conn).or_insert(1);
            let this = *seq;
            if rng.chance(90) {
                *seq += 1;
            }
            submit(this, to)
        }
        5 | 6 => Frame::Ack(Ack {
            slot: Slot(rng.below(3) as u32),
            cursor: Cursor(rng.below(60)),
            lowest_unsettled: rng.chance(30).then(|| Seq(1 + rng.below(20))),
        }),
        7 => Frame::Revoke(Revoke {
            slot: Slot(0),
            epoch: rng.chance(30).then(|| Epoch(690 + rng.below(5) as u32)),
            seqs: (1..=1 + rng.below(9)).map(Seq).collect(),
        }),
        8 => receipt(ReceiptKind::Read(ReadMark {
            peer: number(to),
            epoch: Epoch(690 + rng.below(3) as u32),
            upto: LaneSeq(rng.below(9)),
        })),
        9 => receipt(ReceiptKind::Rejected {
            cursor: Cursor(1 + rng.below(40)),
            reason: RejectReason::Unreadable,
        }),
        10 => Frame::Lookup(Lookup {
            id: 1,
            numbers: vec![number(to), number(99)],
        }),
        _ => Frame::Ping(1),
    }
}

fn random_hello(rng: &mut Rng, world: &World, session_no: u64) -> Frame {
    let slots = (0..1 + rng.below(2)).map(|index| {
        let own = (rng.below(NUMBERS) + index) % NUMBERS + 1;
        let epoch = Epoch(689 + rng.below(6) as u32);
        let next = 1 + rng.below(20);
        let lowest = 1 + rng.below(next);
        let entries = world.entries(own);
        let (cursor, cursor_check) = if entries.is_empty() || rng.chance(50) {
            (Cursor(rng.below(30)), rng.below(2) as u32)
        } else {
            let (cursor, entry) = &entries[rng.below(entries.len() as u64) as usize];
            (*cursor, entry.check(number(own)))
        };
        HelloSlot {
            binding: if rng.chance(40) {
                Binding::Wanted {
                    last: Epoch(rng.below(700) as u32),
                }
            } else {
                Binding::Held(position(epoch, next, lowest))
            },
            old: if rng.chance(40) {
                vec![position(Epoch(690 + rng.below(3) as u32), next, lowest)]
            } else {
                Vec::new()
            },
            cursor,
            cursor_check,
            ..wanted(own)
        }
    });
    let mut slots: Vec<HelloSlot> = slots.collect();
    slots.dedup_by_key(|slot| slot.number);
    Frame::Hello(Hello {
        session_no: SessionNo(session_no),
        after: SessionNo(0),
        slots,
    })
}

/// The accounts of each mailbox fit its entries, and everything waiting points
/// at its entry and back.
fn check_books(world: &mut World) {
    let mut waiting = 0;
    for owner in 1..=NUMBERS {
        let entries = world.entries(owner);
        let mut tx = world.storage.begin().unwrap();
        let accounts = tx.mailbox(number(owner)).unwrap();
        let mut counted = Mailbox {
            messages: 0,
            marks: 0,
            bytes: 0,
            ..accounts
        };
        assert!(accounts.handed_upto <= accounts.last_cursor);
        for (cursor, entry) in &entries {
            assert!(*cursor <= accounts.last_cursor);
            counted.bytes += entry.cost();
            match &entry.body {
                EntryBody::Message {
                    from, epoch, seq, ..
                } => {
                    counted.messages += 1;
                    let key = StreamKey {
                        number: *from,
                        epoch: *epoch,
                    };
                    if let Some(sent) = tx.sent(key, *seq).unwrap() {
                        let here = Fate::Waiting {
                            to: number(owner),
                            cursor: *cursor,
                        };
                        let rejected = matches!(sent.fate, Fate::Ended { handed: true, .. });
                        assert!(sent.fate == here || rejected, "{:?}", sent.fate);
                        waiting += u64::from(sent.fate == here);
                    }
                }
                EntryBody::ReadBy { .. } => counted.marks += 1,
            }
        }
        assert_eq!(counted, accounts);
    }
    let mut recorded = 0;
    for from in 1..=NUMBERS {
        for epoch in 600..1000 {
            let sent = world.sent(from, Epoch(epoch));
            recorded += sent.iter().filter(|(_, sent)| !sent.fate.ended()).count() as u64;
        }
    }
    assert_eq!(
        waiting, recorded,
        "a record waits for an entry that is gone"
    );
}

fn readable(frame: &Frame) {
    assert!(frame.allowed(Direction::ToHandset), "{frame:?}");
    let mut decoder = Decoder::wire();
    decoder.extend(&codec::encode_to_bytes(frame));
    let raw = decoder.next_frame().unwrap().unwrap();
    assert_eq!(codec::decode(raw).unwrap().as_ref(), Some(frame));
}

#[test]
fn the_books_balance() {
    let mut totals = BTreeMap::new();
    for seed in 0..60 {
        run(seed, &mut totals);
    }
    // The test has been everywhere it could.
    let missed: Vec<_> = totals.iter().filter(|(_, count)| **count == 0).collect();
    let named: Vec<_> = missed.iter().map(|(name, _)| **name).collect();
    // After a restore: see tests/restore.rs.
    let restore = ["held", "let_go"];
    assert_eq!(named[..2], restore);
    assert_eq!(named[2..], ["overloaded", "silent", "streams_forgotten"]);
}

type Totals = BTreeMap<&'static str, u64>;

fn count(world: &World, totals: &mut Totals) {
    for (name, count) in world.core.counters().list() {
        *totals.entry(name).or_default() += count;
    }
}

fn run(seed: u64, totals: &mut Totals) {
    let mut rng = Rng(seed);
    let mut world = World::with(Config {
        mailbox_entries: 12,
        max_unacked_entries: 5,
        mail_ttl_s: 5000,
        ..Config::default()
    });
    world.bind(number(3), device(3));
    world.bind(number(4), device(1));
    let mut open: Vec<ConnId> = Vec::new();
    let mut next_conn = 1000;
    let mut session_no = 0;
    let mut next_seq = BTreeMap::new();
    let mut backup = world.storage.clone();
    for step in 0..400 {
        let mut inputs = Vec::new();
        let mut gone = Vec::new();
        for _ in 0..1 + rng.below(6) {
            if open.is_empty() || rng.chance(15) {
                next_conn += 1;
                session_no += rng.below(3);
                let conn = ConnId(next_conn);
                open.push(conn);
                let device = device(1 + rng.below(DEVICES.into()) as u8);
                inputs.push(Input::Connected { conn, device });
                let frame = random_hello(&mut rng, &world, session_no);
                inputs.push(Input::Frame { conn, frame });
                continue;
            }
            let index = rng.below(open.len() as u64) as usize;
            let conn = open[index];
            if rng.chance(5) {
                gone.push(conn);
                inputs.push(Input::Disconnected { conn });
                continue;
            }
            let frame = random_frame(&mut rng, &mut next_seq, conn.0);
            inputs.push(Input::Frame { conn, frame });
        }
        if rng.chance(10) {
            inputs.push(Input::Tick);
        }
        if rng.chance(3) {
            let fault = if rng.chance(50) {
                CommitFault::Lost
            } else {
                CommitFault::Kept
            };
            world.storage.plan_fault(0, fault);
        }
        world.pass(rng.below(30));
        match world.core.turn(&mut world.storage, world.now, inputs) {
            Ok(outputs) => {
                for output in outputs {
                    match output {
                        Output::Send { conn, frame } => {
                            assert!(open.contains(&conn), "seed {seed}, step {step}");
                            readable(&frame);
                        }
                        Output::Close { conn } => open.retain(|at| *at != conn),
                    }
                }
            }
            Err(_) => {
                for conn in world.core.take_lost_connections() {
                    open.retain(|at| *at != conn);
                }
            }
        }
        open.retain(|conn| !gone.contains(conn));
        match rng.below(100) {
            0 => {
                count(&world, totals);
                world.restart();
                open.clear();
            }
            1 => {
                count(&world, totals);
                world.restore(&backup);
                open.clear();
            }
            2 => backup = world.storage.clone(),
            3 => {
                let (own, id) = (1 + rng.below(NUMBERS), 1 + rng.below(DEVICES.into()) as u8);
                world.bind(number(own), device(id));
            }
            _ => {}
        }
        if step % 20 == 0 {
            check_books(&mut world);
        }
    }
    count(&world, totals);
}
