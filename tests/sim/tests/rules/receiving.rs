//! What is taken, acknowledged, ordered and told to apps (DELIVERY 10 to 12, 19, 29).

use bytes::Bytes;
use twine_engine::message::{MessageId, Shown};
use twine_engine::store_ops::{ClientName, EventCursor, StoreOps};
use twine_engine::{ChannelEvent, Command, CommandError, DownReason, Reply};
use twine_proto::frame::{Accepted, ReceiptKind, RejectReason, SlotStatus};
use twine_proto::{Frame, OpaqueContent};

use crate::desk::{Desk, delivery, high_water, own, peer, send};

#[test]
fn rule_10_a_delivery_is_taken_once_and_acknowledged_each_time() {
    let mut desk = Desk::live();
    for _ in 0..2 {
        desk.frame(Frame::Deliver(delivery(1, 1, "hello")));
    }
    assert_eq!(desk.names(), ["Ack", "Ack"]);
    assert_eq!(
        desk.store
            .history(own(), peer().into(), None, 10)
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn rule_10_the_same_name_with_other_content_is_shown_and_reported() {
    let mut desk = Desk::live();
    desk.frame(Frame::Deliver(delivery(1, 1, "hello")));
    desk.frames.clear();
    desk.frame(Frame::Deliver(delivery(2, 1, "other")));
    assert_eq!(desk.names(), ["Receipt", "Ack"]);
    let history = desk.store.history(own(), peer().into(), None, 10).unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!(history[0].shown, Shown::Conflicting);
}

#[test]
fn rule_11_the_acknowledgement_waits_for_the_commit() {
    let mut desk = Desk::live();
    desk.hold = true;
    desk.frame(Frame::Deliver(delivery(1, 1, "hello")));
    assert!(desk.frames.is_empty());
    desk.release();
    assert_eq!(desk.names(), ["Ack"]);
}

#[test]
fn rule_11_a_read_mark_follows_the_acknowledgement_of_what_it_covers() {
    let mut desk = Desk::live();
    desk.frame(Frame::Deliver(delivery(1, 1, "a")));
    desk.frames.clear();
    // A batch of both, while the store is busy with another.
    desk.hold = true;
    desk.command(send("busy", None));
    desk.frame(Frame::Deliver(delivery(2, 2, "b")));
    let next = desk.store.snapshot().unwrap().next_message + 1;
    desk.command(Command::MarkRead(MessageId(next)));
    desk.release();
    let names: Vec<_> = desk.names();
    let place = |name: &str| names.iter().position(|known| *known == name);
    assert!(place("Receipt").is_some(), "{names:?}");
    assert!(place("Ack") < place("Receipt"), "{names:?}");
}

#[test]
fn rule_12_what_cannot_be_read_is_kept_reported_and_acknowledged() {
    let mut desk = Desk::live();
    let mut poisoned = delivery(1, 1, "x");
    poisoned.content = OpaqueContent::new(Bytes::from_static(b"\xff\xff\xff")).unwrap();
    desk.frame(Frame::Deliver(poisoned));
    assert_eq!(desk.names(), ["Receipt", "Ack"]);
    let Frame::Receipt(receipt) = &desk.frames[0] else {
        panic!("{:?}", desk.names());
    };
    assert!(matches!(
        receipt.kind,
        ReceiptKind::Rejected {
            reason: RejectReason::Unreadable,
            ..
        }
    ));
    let history = desk.store.history(own(), peer().into(), None, 10).unwrap();
    assert_eq!(history[0].shown, Shown::Unreadable);
    // The mailbox goes on.
    desk.frame(Frame::Deliver(delivery(2, 2, "next")));
    assert_eq!(desk.names(), ["Receipt", "Ack", "Ack"]);
}

#[test]
fn rule_12_the_cursor_waits_until_the_gateway_has_the_rejection() {
    let mut desk = Desk::live();
    let mut poisoned = delivery(1, 1, "x");
    poisoned.content = OpaqueContent::new(Bytes::from_static(b"\xff\xff\xff")).unwrap();
    desk.frame(Frame::Deliver(poisoned));
    desk.frame(Frame::Deliver(delivery(2, 2, "next")));
    // The connection dies; nobody knows whether the rejection arrived. The
    // cursor must not vouch for it.
    desk.channel(ChannelEvent::Down(DownReason::Closed("gone".into())));
    desk.pass(2_000);
    desk.up();
    let Some(Frame::Hello(hello)) = desk.frames.last() else {
        panic!("{:?}", desk.names());
    };
    assert_eq!(hello.slots[0].cursor.0, 0);
    desk.welcome(SlotStatus::Ok, high_water(0));
    // Once it is stored, the cursor moves again.
    let mut poisoned = delivery(1, 1, "x");
    poisoned.content = OpaqueContent::new(Bytes::from_static(b"\xff\xff\xff")).unwrap();
    desk.frame(Frame::Deliver(poisoned));
    desk.frame(Frame::Accepted(Accepted {
        receipts: 1,
        ..Accepted::default()
    }));
    desk.frame(Frame::Deliver(delivery(3, 3, "more")));
    assert_eq!(desk.store.snapshot().unwrap().identities[0].cursor.0, 3);
}

#[test]
fn rule_19_a_hole_delays_nothing_and_order_keys_put_the_late_one_in_its_place() {
    let mut desk = Desk::live();
    desk.frame(Frame::Deliver(delivery(1, 2, "second")));
    let history = |desk: &Desk| -> Vec<u64> {
        let page = desk.store.history(own(), peer().into(), None, 10).unwrap();
        page.iter().map(|m| m.name.unwrap().lane_seq.0).collect()
    };
    assert_eq!(history(&desk), [2]);
    desk.frame(Frame::Deliver(delivery(2, 3, "third")));
    desk.frame(Frame::Deliver(delivery(3, 1, "first")));
    assert_eq!(history(&desk), [3, 2, 1], "newest first");
}

#[test]
fn rule_29_an_acknowledgement_moves_one_cursor_and_deletes_nothing() {
    let mut desk = Desk::live();
    let client = |name: &str| ClientName(name.into());
    for name in ["app", "other"] {
        desk.command(Command::OpenClient {
            client: client(name),
            from_now: false,
        });
    }
    desk.send("a");
    let all = desk.store.events(EventCursor(0), 100).unwrap().events;
    let latest = all.last().unwrap().cursor;
    desk.replies.clear();
    desk.command(Command::AckEvents {
        client: client("app"),
        cursor: latest,
    });
    desk.command(Command::AckEvents {
        client: client("app"),
        cursor: EventCursor(latest.0 + 1),
    });
    for name in ["app", "other"] {
        desk.command(Command::OpenClient {
            client: client(name),
            from_now: false,
        });
    }
    let open = |cursor| Reply::ClientOpen { cursor, latest };
    let [done, beyond, app, other] = &desk.replies[..] else {
        panic!("{:?}", desk.replies);
    };
    assert_eq!(*done, Reply::Done);
    assert!(matches!(beyond, Reply::Error(CommandError::Invalid(_))));
    assert_eq!((app, other), (&open(latest), &open(EventCursor(0))));
    assert_eq!(desk.store.events(EventCursor(0), 100).unwrap().events, all);
}
