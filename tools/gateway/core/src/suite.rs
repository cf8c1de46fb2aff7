//! One behavioural test suite for every [`Storage`], so that the simulator's
//! memory and the gateway's SQLite keep the same promises.
//!
//! Each function takes an empty storage and panics where a promise is broken.

use twine_proto::frame::{Disposition, Refusal, RejectReason};
use twine_proto::{Content, Cursor, Digest, E164, Epoch, LaneSeq, Seq, SessionNo};

use crate::storage::{
    ALL_DOUBTED, Entry, EntryBody, Fate, Mailbox, NumberRecord, Restored, Sent, Storage, Stream,
    StreamKey, Tx,
};
use crate::types::DeviceKey;

/// Runs everything, each part on a storage of its own.
pub fn run<S: Storage>(mut empty: impl FnMut() -> S) {
    reads_its_own_writes(empty());
    keeps_what_was_committed(empty());
    dropped_transaction_never_happened(empty());
    knows_who_is_bound(empty());
    sent_records_are_pruned(empty());
    every_fate_is_kept(empty());
    entries_come_in_order_and_bounded(empty());
    old_entries_are_found(empty());
    read_marks_are_found(empty());
    removed_stream_takes_its_records_along(empty());
    the_last_restore_is_kept(empty());
    everything_can_be_doubted(empty());
}

fn number(last: u64) -> E164 {
    E164::new(254_700_000_000 + last).expect("a number")
}

fn key(epoch: u32) -> StreamKey {
    StreamKey {
        number: number(1),
        epoch: Epoch(epoch),
    }
}

fn device(id: u8) -> DeviceKey {
    DeviceKey([id; 32])
}

fn message(seq: u64, taken_s: u64, text: &str) -> Entry {
    Entry {
        taken_s,
        body: EntryBody::Message {
            from: number(9),
            epoch: Epoch(690),
            seq: Seq(seq),
            lane_seq: LaneSeq(seq + 100),
            content: Content::text(text.to_owned()).expect("a text").encode(),
        },
    }
}

fn mark(reader: u64, epoch: u32, upto: u64) -> Entry {
    Entry {
        taken_s: 5,
        body: EntryBody::ReadBy {
            reader: number(reader),
            epoch: Epoch(epoch),
            upto: LaneSeq(upto),
        },
    }
}

fn stream() -> Stream {
    Stream {
        owner: device(3),
        high_water: Seq(1 << 48),
        lowest_unsettled: Seq(7),
        pruned_to: Seq(5),
        doubted_upto: Seq(6),
    }
}

fn mailbox() -> Mailbox {
    Mailbox {
        last_cursor: Cursor(1 << 48),
        handed_upto: Cursor(4),
        doubted_upto: Cursor(3),
        messages: 2,
        marks: 1,
        bytes: 1 << 40,
    }
}

fn fill<T: Tx>(tx: &mut T) -> Result<(), T::Error> {
    tx.put_sessions(&device(1), &[SessionNo(5), SessionNo(8)])?;
    tx.put_number(
        number(1),
        &NumberRecord {
            device: Some(device(1)),
            epoch: Epoch(u32::MAX),
        },
    )?;
    tx.put_stream(key(690), &stream())?;
    let sent = Sent {
        digest: Some(Digest(u64::MAX)),
        fate: Fate::Delivered,
    };
    tx.put_sent(key(690), Seq(1 << 48), &sent)?;
    tx.put_mailbox(number(1), &mailbox())?;
    tx.insert_entry(number(1), Cursor(1), &message(1, 5, "one"))
}

fn check_filled<T: Tx>(tx: &mut T) -> Result<(), T::Error> {
    assert_eq!(tx.sessions(&device(1))?, [SessionNo(5), SessionNo(8)]);
    let record = tx.number(number(1))?.expect("a record");
    assert_eq!(record.device, Some(device(1)));
    assert_eq!(record.epoch, Epoch(u32::MAX));
    assert_eq!(tx.stream(key(690))?, Some(stream()));
    let sent = tx.sent(key(690), Seq(1 << 48))?.expect("a record");
    assert_eq!(sent.digest, Some(Digest(u64::MAX)));
    assert_eq!(tx.mailbox(number(1))?, mailbox());
    assert_eq!(tx.entry(number(1), Cursor(1))?, Some(message(1, 5, "one")));
    Ok(())
}

fn check_empty<T: Tx>(tx: &mut T) -> Result<(), T::Error> {
    assert_eq!(tx.sessions(&device(1))?, []);
    assert!(!tx.has_number(&device(1))?);
    assert_eq!(tx.number(number(1))?, None);
    assert_eq!(tx.stream(key(690))?, None);
    assert_eq!(tx.sent(key(690), Seq(1 << 48))?, None);
    assert_eq!(tx.mailbox(number(1))?, Mailbox::default());
    assert_eq!(tx.entry(number(1), Cursor(1))?, None);
    assert!(tx.entries_after(number(1), Cursor(0), 9, 999)?.is_empty());
    assert!(tx.taken_until(u64::MAX >> 1, 9)?.is_empty());
    Ok(())
}

/// Runs one transaction and commits it.
fn commit<S: Storage>(storage: &mut S, work: impl FnOnce(&mut S::Tx<'_>) -> Result<(), S::Error>) {
    let mut tx = storage.begin().expect("begin");
    work(&mut tx).expect("an operation");
    tx.commit().expect("commit");
}

fn reads_its_own_writes<S: Storage>(mut storage: S) {
    commit(&mut storage, |tx| {
        check_empty(tx)?;
        fill(tx)?;
        check_filled(tx)
    });
}

fn keeps_what_was_committed<S: Storage>(mut storage: S) {
    commit(&mut storage, |tx| fill(tx));
    commit(&mut storage, |tx| check_filled(tx));
    // And takes the same records again.
    commit(&mut storage, |tx| {
        tx.remove_entry(number(1), Cursor(1))?;
        fill(tx)
    });
    commit(&mut storage, |tx| check_filled(tx));
}

fn dropped_transaction_never_happened<S: Storage>(mut storage: S) {
    let mut tx = storage.begin().expect("begin");
    fill(&mut tx).expect("an operation");
    drop(tx);
    commit(&mut storage, |tx| check_empty(tx));

    commit(&mut storage, |tx| fill(tx));
    let mut tx = storage.begin().expect("begin");
    tx.put_sessions(&device(1), &[SessionNo(9)]).expect("put");
    tx.put_mailbox(number(1), &Mailbox::default()).expect("put");
    tx.remove_entry(number(1), Cursor(1)).expect("remove");
    tx.insert_entry(number(1), Cursor(2), &mark(2, 690, 1))
        .expect("insert");
    tx.remove_stream(key(690)).expect("remove");
    drop(tx);
    commit(&mut storage, |tx| {
        check_filled(tx)?;
        assert!(tx.read_marks(number(1), number(2))?.is_empty());
        Ok(())
    });
}

fn knows_who_is_bound<S: Storage>(mut storage: S) {
    let bound = |id: Option<u8>| NumberRecord {
        device: id.map(device),
        epoch: Epoch(0),
    };
    commit(&mut storage, |tx| {
        tx.put_number(number(1), &bound(Some(1)))?;
        tx.put_number(number(2), &bound(Some(1)))?;
        tx.put_number(number(1), &bound(Some(2)))?;
        assert!(tx.has_number(&device(1))? && tx.has_number(&device(2))?);
        tx.put_number(number(2), &bound(None))?;
        assert!(!tx.has_number(&device(1))?);
        assert_eq!(tx.number(number(2))?, Some(bound(None)));
        Ok(())
    });
}

fn sent_records_are_pruned<S: Storage>(mut storage: S) {
    let waiting = Fate::Waiting {
        to: number(2),
        cursor: Cursor(1 << 48),
    };
    commit(&mut storage, |tx| {
        for seq in 1..=10 {
            let fate = if seq == 3 { waiting } else { Fate::Delivered };
            let sent = Sent { digest: None, fate };
            tx.put_sent(key(690), Seq(seq), &sent)?;
            tx.put_sent(key(691), Seq(seq), &sent)?;
        }
        tx.forget_sent(key(690), Seq(2), Seq(6), true)?;
        tx.remove_sent(key(690), Seq(9))
    });
    commit(&mut storage, |tx| {
        let seqs = |found: &[(Seq, Sent)]| found.iter().map(|at| at.0.get()).collect::<Vec<_>>();
        let found = tx.sent_from(key(690), Seq(1), 99)?;
        assert_eq!(seqs(&found), [1, 3, 6, 7, 8, 10]);
        assert_eq!(found[1].1.fate, waiting);
        assert_eq!(seqs(&tx.sent_from(key(690), Seq(4), 2)?), [6, 7]);
        tx.forget_sent(key(690), Seq(0), Seq(4), false)?;
        assert_eq!(seqs(&tx.sent_from(key(690), Seq(1), 2)?), [6, 7]);
        assert_eq!(tx.sent_from(key(691), Seq(1), 99)?.len(), 10);
        Ok(())
    });
}

fn every_fate_is_kept<S: Storage>(mut storage: S) {
    let mut fates = vec![Fate::Delivered];
    for how in [
        Disposition::Refused(Refusal::UnknownRecipient),
        Disposition::Refused(Refusal::MailboxFull),
        Disposition::Refused(Refusal::TooLarge),
        Disposition::Refused(Refusal::Policy),
        Disposition::Revoked,
        Disposition::Expired,
        Disposition::Rejected(RejectReason::Unreadable),
        Disposition::Rejected(RejectReason::Conflict),
    ] {
        for handed in [false, true] {
            fates.push(Fate::Ended { how, handed });
        }
    }
    let records = || {
        (1..).map(Seq).zip(&fates).map(|(seq, fate)| {
            let sent = Sent {
                digest: (seq.get() % 2 == 0).then_some(Digest(seq.get())),
                fate: *fate,
            };
            (seq, sent)
        })
    };
    commit(&mut storage, |tx| {
        for (seq, sent) in records() {
            tx.put_sent(key(690), seq, &sent)?;
        }
        Ok(())
    });
    commit(&mut storage, |tx| {
        let found = tx.sent_from(key(690), Seq(1), 99)?;
        assert_eq!(found, records().collect::<Vec<_>>());
        Ok(())
    });
}

fn entries_come_in_order_and_bounded<S: Storage>(mut storage: S) {
    commit(&mut storage, |tx| {
        for cursor in [300, 2, 1, 40] {
            let entry = message(cursor, 5, &"x".repeat(100));
            tx.insert_entry(number(1), Cursor(cursor), &entry)?;
        }
        tx.insert_entry(number(2), Cursor(3), &message(3, 5, "other"))
    });
    commit(&mut storage, |tx| {
        let mut cursors = |after, limit, max_cost| -> Result<Vec<u64>, S::Error> {
            let found = tx.entries_after(number(1), Cursor(after), limit, max_cost)?;
            Ok(found.iter().map(|at| at.0.get()).collect())
        };
        let cost = message(1, 5, &"x".repeat(100)).cost();
        assert_eq!(cursors(0, 99, u64::MAX)?, [1, 2, 40, 300]);
        assert_eq!(cursors(1, 2, u64::MAX)?, [2, 40]);
        assert_eq!(cursors(0, 99, 2 * cost)?, [1, 2]);
        assert_eq!(cursors(0, 99, 2 * cost - 1)?, [1]);
        assert_eq!(cursors(0, 99, 0)?, [1], "the first always");
        assert!(cursors(300, 99, u64::MAX)?.is_empty());
        tx.remove_entry(number(1), Cursor(2))?;
        tx.remove_entry(number(1), Cursor(77))?;
        assert_eq!(
            tx.entries_after(number(1), Cursor(0), 9, u64::MAX)?.len(),
            3
        );
        Ok(())
    });
}

fn old_entries_are_found<S: Storage>(mut storage: S) {
    commit(&mut storage, |tx| {
        tx.insert_entry(number(1), Cursor(1), &message(1, 30, "late"))?;
        tx.insert_entry(number(2), Cursor(1), &message(1, 10, "early"))?;
        tx.insert_entry(number(1), Cursor(2), &message(2, 20, "middle"))
    });
    commit(&mut storage, |tx| {
        assert!(tx.taken_until(9, 9)?.is_empty());
        let until_20 = [(number(2), Cursor(1)), (number(1), Cursor(2))];
        assert_eq!(tx.taken_until(20, 9)?, until_20);
        assert_eq!(tx.taken_until(99, 1)?, until_20[..1]);
        tx.remove_entry(number(2), Cursor(1))?;
        assert_eq!(tx.taken_until(20, 9)?, until_20[1..]);
        Ok(())
    });
}

fn read_marks_are_found<S: Storage>(mut storage: S) {
    commit(&mut storage, |tx| {
        tx.insert_entry(number(1), Cursor(1), &mark(2, 691, 4))?;
        tx.insert_entry(number(1), Cursor(2), &mark(2, 690, 1 << 48))?;
        tx.insert_entry(number(1), Cursor(3), &mark(3, 690, 6))?;
        tx.insert_entry(number(2), Cursor(1), &mark(2, 690, 7))
    });
    commit(&mut storage, |tx| {
        let expected = [
            (Epoch(690), Cursor(2), LaneSeq(1 << 48)),
            (Epoch(691), Cursor(1), LaneSeq(4)),
        ];
        assert_eq!(tx.read_marks(number(1), number(2))?, expected);
        tx.remove_entry(number(1), Cursor(2))?;
        assert_eq!(tx.read_marks(number(1), number(2))?, expected[1..]);
        let found = tx.entry(number(1), Cursor(3))?;
        assert_eq!(found, Some(mark(3, 690, 6)));
        Ok(())
    });
}

fn removed_stream_takes_its_records_along<S: Storage>(mut storage: S) {
    commit(&mut storage, |tx| {
        for epoch in [690, 691] {
            tx.put_stream(key(epoch), &stream())?;
            let sent = Sent {
                digest: None,
                fate: Fate::Delivered,
            };
            tx.put_sent(key(epoch), Seq(1), &sent)?;
        }
        assert_eq!(tx.epochs(number(1))?, [Epoch(690), Epoch(691)]);
        tx.remove_stream(key(690))
    });
    commit(&mut storage, |tx| {
        assert_eq!(tx.epochs(number(1))?, [Epoch(691)]);
        assert_eq!(tx.sent(key(690), Seq(1))?, None);
        assert!(tx.sent(key(691), Seq(1))?.is_some());
        Ok(())
    });
}

fn the_last_restore_is_kept<S: Storage>(mut storage: S) {
    let restored = |unix_s, floor| Restored {
        unix_s,
        epoch_floor: Epoch(floor),
    };
    commit(&mut storage, |tx| {
        assert_eq!(tx.last_restore()?, None);
        tx.put_last_restore(&restored(1 << 40, 9))?;
        tx.put_last_restore(&restored(1 << 41, u32::MAX))
    });
    commit(&mut storage, |tx| {
        assert_eq!(tx.last_restore()?, Some(restored(1 << 41, u32::MAX)));
        Ok(())
    });
}

fn everything_can_be_doubted<S: Storage>(mut storage: S) {
    commit(&mut storage, |tx| {
        tx.put_mailbox(number(1), &mailbox())?;
        tx.put_mailbox(number(2), &Mailbox::default())?;
        tx.put_stream(key(690), &stream())?;
        tx.doubt_all()
    });
    commit(&mut storage, |tx| {
        let expected = Mailbox {
            handed_upto: mailbox().last_cursor,
            doubted_upto: mailbox().last_cursor,
            ..mailbox()
        };
        assert_eq!(tx.mailbox(number(1))?, expected);
        assert_eq!(tx.mailbox(number(2))?, Mailbox::default());
        let expected = Stream {
            doubted_upto: ALL_DOUBTED,
            ..stream()
        };
        assert_eq!(tx.stream(key(690))?, Some(expected));
        Ok(())
    });
}

#[cfg(test)]
mod tests {
    use crate::memory::MemoryStorage;

    #[test]
    fn memory_keeps_the_promises() {
        super::run(MemoryStorage::new);
    }
}
