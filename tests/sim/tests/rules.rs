//! Directed scenarios: one engine, and one rule of delivery at a time. Each
//! fails when its rule is broken.
#![expect(clippy::unwrap_used, reason = "tests")]

mod desk;

use bytes::Bytes;
use desk::{Desk, EPOCH, delivery, high_water, link, own, peer, send};
use twine_engine::limits::MAX_REDIRECTS;
use twine_engine::link::{Generation, LinkKind, Sim};
use twine_engine::links::{Allowance, Bundle, Service, SimData};
use twine_engine::message::{
    Failure, IpAttempt, MessageId, SentAs, Shown, SmsAttempt, TakeBack, shown,
};
use twine_engine::store_ops::{ClientName, EventCursor, StoreOps};
use twine_engine::trace::Decision;
use twine_engine::{
    ChannelEvent, Command, CommandError, DownReason, Input, Order, Reply, TelephonyEvent,
    TransportKind,
};
use twine_proto::frame::{
    Accepted, Binding, Disposition, Goodbye, GoodbyeReason, Hello, Receipt, ReceiptKind, Refusal,
    RejectReason, RevokeOutcome, Revoked, SentState, SlotStatus,
};
use twine_proto::{Cursor, Epoch, Frame, OpaqueContent, Redacted, Seq, SessionNo, Slot};

fn accepted(upto: u64) -> Frame {
    Frame::Accepted(Accepted {
        upto: Seq(upto),
        ..Accepted::default()
    })
}

fn outcomes(delivered: &[u64]) -> Frame {
    Frame::Receipt(Receipt {
        slot: Slot(0),
        kind: ReceiptKind::Outcomes {
            epoch: None,
            delivered: delivered.iter().map(|seq| Seq(*seq)).collect(),
            dispositions: Vec::new(),
        },
    })
}

fn revoked(seq: u64, outcome: RevokeOutcome) -> Frame {
    Frame::Revoked(Revoked {
        slot: Slot(0),
        epoch: None,
        results: vec![(Seq(seq), outcome)],
    })
}

#[test]
fn nothing_leaves_before_it_is_stored() {
    let mut desk = Desk::live();
    desk.hold = true;
    desk.command(send("a", None));
    assert!(desk.held.is_some());
    assert!(desk.replies.is_empty() && desk.frames.is_empty());
    desk.release();
    assert!(matches!(desk.replies[..], [Reply::Sent { .. }]));
    assert_eq!(desk.submits(), [(1, 1)]);
}

#[test]
fn a_crash_before_the_commit_means_it_never_happened() {
    let mut desk = Desk::live();
    desk.hold = true;
    desk.command(send("a", None));
    let desk = desk.crash();
    assert!(desk.store.outbox(MessageId(0), 10).unwrap().is_empty());
}

#[test]
fn rule_1_a_repeated_token_is_the_same_message_after_a_crash() {
    let mut desk = Desk::live();
    let first = desk.send("a");
    let mut desk = desk.crash();
    desk.command(send("a", None));
    assert_eq!(
        desk.replies,
        [Reply::Sent {
            id: first,
            repeated: true
        }]
    );
}

#[test]
fn rule_2_what_waits_has_no_number_and_a_cancelled_one_leaves_no_hole() {
    let mut desk = Desk::live();
    desk.link("lte", false);
    let (a, b, c) = (desk.send("a"), desk.send("b"), desk.send("c"));
    assert_eq!(desk.message(a).name, None);
    desk.command(Command::Cancel(b));
    assert_eq!(desk.message(b).shown, Shown::Cancelled);
    // The session was stranded, not lost: it takes up where it was.
    desk.link("lte", true);
    assert_eq!(desk.submits(), [(1, 1), (2, 2)]);
    assert_eq!(desk.message(a).shown, Shown::Sending);
    assert_eq!(desk.message(c).shown, Shown::Sending);
}

#[test]
fn rule_2_messages_queued_offline_leave_in_order_with_contiguous_numbers() {
    let mut desk = Desk::live();
    desk.channel(ChannelEvent::Down(DownReason::Closed("gone".into())));
    let (_, b, _) = (desk.send("a"), desk.send("b"), desk.send("c"));
    desk.command(Command::Cancel(b));
    desk.pass(2_000);
    desk.up();
    desk.welcome(SlotStatus::Ok, high_water(0));
    assert_eq!(desk.submits(), [(1, 1), (2, 2)]);
}

#[test]
fn rule_4_a_conflict_makes_the_device_ask_for_a_new_epoch() {
    let mut desk = Desk::live();
    let id = desk.send("a");
    desk.frame(Frame::Accepted(Accepted {
        conflict: Some(Seq(1)),
        ..Accepted::default()
    }));
    desk.pass(2_000);
    desk.frames.clear();
    desk.up();
    let [Frame::Hello(hello)] = &desk.frames[..] else {
        panic!("{:?}", desk.names());
    };
    assert_eq!(hello.slots[0].binding, Binding::Wanted { last: EPOCH });
    // What is contested is nobody's to ask about: it went back to the queue.
    assert!(hello.slots[0].old.is_empty());
    desk.frames.clear();
    let next = Epoch(EPOCH.0 + 1);
    desk.frame(Frame::Welcome(twine_proto::frame::Welcome {
        time_s: 0,
        slots: vec![twine_proto::frame::WelcomeSlot {
            status: SlotStatus::Granted(next),
            state: SentState::default(),
            old: vec![],
        }],
        idle_limit_s: 0,
    }));
    // Rule 8: what the closed epoch never took goes out under the new one.
    assert_eq!(desk.submits(), [(1, 1)]);
    assert_eq!(desk.message(id).name.unwrap().epoch, next);
}

#[test]
fn rule_8_the_fate_of_a_contested_seq_is_not_taken_for_ours() {
    let mut desk = Desk::live();
    let (a, b) = (desk.send("a"), desk.send("b"));
    desk.frame(accepted(1));
    // Seq 2 is held with other content: somebody else's message, long delivered.
    desk.frame(Frame::Accepted(Accepted {
        upto: Seq(1),
        conflict: Some(Seq(2)),
        ..Accepted::default()
    }));
    desk.pass(2_000);
    desk.up();
    desk.frames.clear();
    let old = SentState {
        high_water: Seq(2),
        dispositions: Vec::new(),
        delivered: vec![Seq(1), Seq(2)],
    };
    desk.frame(Frame::Welcome(twine_proto::frame::Welcome {
        time_s: 0,
        slots: vec![twine_proto::frame::WelcomeSlot {
            status: SlotStatus::Granted(Epoch(EPOCH.0 + 1)),
            state: SentState::default(),
            old: vec![(EPOCH, old)],
        }],
        idle_limit_s: 0,
    }));
    assert_eq!(desk.message(a).shown, Shown::Delivered);
    assert_eq!(desk.message(b).shown, Shown::Sending, "it goes out again");
    assert_eq!(desk.submits(), [(1, 1)]);
}

#[test]
fn rule_4_a_later_session_at_the_gateway_means_the_store_is_an_old_copy() {
    let mut desk = Desk::live();
    desk.frame(Frame::Goodbye(Goodbye {
        reason: GoodbyeReason::Superseded,
        retry_after_s: 0,
        redirect: String::new(),
        session_no: SessionNo(99),
        detail: String::new(),
    }));
    desk.pass(2_000);
    desk.up();
    let Some(Frame::Hello(hello)) = desk.frames.last() else {
        panic!("{:?}", desk.names());
    };
    assert_eq!(hello.session_no, SessionNo(100));
    assert_eq!(hello.slots[0].binding, Binding::Wanted { last: EPOCH });
}

#[test]
fn rule_5_a_refusal_is_final_and_the_lane_goes_on() {
    let mut desk = Desk::live();
    let (a, b) = (desk.send("a"), desk.send("b"));
    desk.frame(Frame::Accepted(Accepted {
        upto: Seq(2),
        refused: vec![(Seq(1), Refusal::UnknownRecipient)],
        ..Accepted::default()
    }));
    let refused = Shown::Failed(Failure::Refused(Refusal::UnknownRecipient));
    assert_eq!(desk.message(a).shown, refused);
    assert_eq!(desk.message(b).shown, Shown::Sent);
    // Wedged until the user acts; then a new seq, the same place.
    desk.frames.clear();
    desk.command(Command::Retry { id: a, by: None });
    assert_eq!(desk.submits(), [(3, 1)]);
}

#[test]
fn rule_5_a_refusal_lost_with_the_connection_comes_with_the_welcome() {
    let mut desk = Desk::live();
    let id = desk.send("a");
    desk.channel(ChannelEvent::Down(DownReason::Closed("gone".into())));
    desk.pass(2_000);
    desk.up();
    desk.frames.clear();
    let refused = Disposition::Refused(Refusal::MailboxFull);
    desk.welcome(
        SlotStatus::Ok,
        SentState {
            high_water: Seq(1),
            dispositions: vec![(Seq(1), refused)],
            delivered: Vec::new(),
        },
    );
    assert_eq!(
        desk.message(id).shown,
        Shown::Failed(Failure::Refused(Refusal::MailboxFull))
    );
    assert!(desk.submits().is_empty());
}

#[test]
fn rule_8_a_resume_fills_each_seq_by_submit_or_by_revoke() {
    let mut desk = Desk::live();
    let (_, b, _) = (desk.send("a"), desk.send("b"), desk.send("c"));
    desk.channel(ChannelEvent::Down(DownReason::Closed("gone".into())));
    desk.command(Command::Cancel(b));
    assert_eq!(desk.message(b).shown, Shown::Sending);
    desk.pass(2_000);
    desk.up();
    desk.frames.clear();
    desk.welcome(SlotStatus::Ok, high_water(0));
    assert_eq!(desk.names(), ["Submit", "Revoke", "Submit"]);
    desk.frame(revoked(2, RevokeOutcome::Revoked));
    desk.frame(accepted(3));
    assert_eq!(desk.message(b).shown, Shown::Cancelled);
    assert_eq!(desk.closed.len(), 1, "only the connection that broke");
}

#[test]
fn rule_8_receipts_between_welcome_and_resume_count() {
    let mut desk = Desk::live();
    let id = desk.send("a");
    desk.frame(accepted(1));
    desk.channel(ChannelEvent::Down(DownReason::Closed("gone".into())));
    desk.pass(2_000);
    desk.up();
    desk.hold = true;
    desk.welcome(SlotStatus::Ok, high_water(1));
    desk.frame(outcomes(&[1]));
    desk.release();
    assert_eq!(desk.message(id).shown, Shown::Delivered);
}

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
fn rule_14_only_revoked_means_that_it_was_taken_back() {
    for (outcome, shown) in [
        (RevokeOutcome::Revoked, Shown::Cancelled),
        (RevokeOutcome::AlreadyDelivered, Shown::Delivered),
        (RevokeOutcome::InDoubt, Shown::Sent),
        (RevokeOutcome::Forgotten, Shown::Sent),
    ] {
        let mut desk = Desk::live();
        let id = desk.send("a");
        desk.frame(accepted(1));
        desk.frames.clear();
        desk.command(Command::Cancel(id));
        assert_eq!(desk.names(), ["Revoke"]);
        desk.frame(revoked(1, outcome));
        assert_eq!(desk.message(id).shown, shown, "{outcome:?}");
    }
}

#[test]
fn rule_14_a_revoke_in_doubt_is_repeated_at_the_next_contact() {
    let mut desk = Desk::live();
    let id = desk.send("a");
    desk.frame(accepted(1));
    desk.command(Command::Cancel(id));
    desk.frame(revoked(1, RevokeOutcome::InDoubt));
    desk.channel(ChannelEvent::Down(DownReason::Closed("gone".into())));
    desk.pass(2_000);
    desk.up();
    desk.frames.clear();
    desk.welcome(SlotStatus::Ok, high_water(1));
    assert_eq!(desk.names(), ["Revoke"]);
}

/// Breaks the connection and greets the gateway anew.
fn next_hello(desk: &mut Desk) -> Hello {
    desk.channel(ChannelEvent::Down(DownReason::Closed("gone".into())));
    desk.pass(2_000);
    desk.frames.clear();
    desk.up();
    match desk.frames.pop() {
        Some(Frame::Hello(hello)) => hello,
        other => panic!("{other:?}"),
    }
}

#[test]
fn rule_6_session_numbers_grow_also_over_a_crash() {
    let mut desk = Desk::live();
    let before = next_hello(&mut desk).session_no;
    let mut desk = desk.crash();
    desk.up();
    let Some(Frame::Hello(hello)) = desk.frames.last() else {
        panic!("{:?}", desk.names());
    };
    assert!(hello.session_no > before, "{:?}", hello.session_no);
}

#[test]
fn rule_6_what_comes_late_on_a_connection_it_left_is_not_taken() {
    let mut desk = Desk::live();
    let left = desk.conn.unwrap();
    let id = desk.send("a");
    desk.channel(ChannelEvent::Down(DownReason::Closed("gone".into())));
    desk.pass(2_000);
    desk.up();
    desk.welcome(SlotStatus::Ok, high_water(0));
    desk.frames.clear();
    let late = [
        ChannelEvent::Frame(Frame::Deliver(delivery(1, 1, "late"))),
        ChannelEvent::Frame(accepted(1)),
        ChannelEvent::Down(DownReason::TimedOut),
    ];
    for event in late {
        desk.input(Input::Channel { conn: left, event });
    }
    assert!(desk.names().is_empty(), "{:?}", desk.names());
    assert_eq!(desk.message(id).shown, Shown::Sending);
    assert!(!desk.closed.contains(&desk.conn.unwrap()));
}

#[test]
fn rule_7_what_the_gateway_has_lost_is_submitted_again() {
    let mut desk = Desk::live();
    let (a, b) = (desk.send("a"), desk.send("b"));
    desk.frame(accepted(2));
    desk.frame(outcomes(&[1]));
    let hello = next_hello(&mut desk);
    let Binding::Held(position) = hello.slots[0].binding else {
        panic!("{hello:?}");
    };
    assert_eq!(position.lowest_unsettled, Seq(2));
    // Restored from a backup; its mark is raised to what is settled.
    desk.welcome(SlotStatus::Ok, high_water(1));
    assert_eq!(desk.submits(), [(2, 2)]);
    assert_eq!(desk.message(a).shown, Shown::Delivered);
    assert_eq!(desk.message(b).shown, Shown::Sending);
}

#[test]
fn rule_9_the_next_hello_tells_the_last_cursor_committed_and_its_check() {
    let mut desk = Desk::live();
    desk.frame(Frame::Deliver(delivery(7, 1, "hello")));
    let history = desk.store.history(own(), peer().into(), None, 10).unwrap();
    let name = history[0].name.unwrap();
    let slot = next_hello(&mut desk).slots.remove(0);
    assert_eq!(slot.cursor, Cursor(7));
    assert_eq!(slot.cursor_check, name.cursor_check());
}

#[test]
fn rule_13_expiry_is_told_and_wedges_until_the_user_retries() {
    let mut desk = Desk::live();
    let id = desk.send("a");
    desk.frame(accepted(1));
    desk.frame(Frame::Receipt(Receipt {
        slot: Slot(0),
        kind: ReceiptKind::Outcomes {
            epoch: None,
            delivered: Vec::new(),
            dispositions: vec![(Seq(1), Disposition::Expired)],
        },
    }));
    let expired = Shown::Failed(Failure::ExpiredAtGateway);
    assert_eq!(desk.message(id).shown, expired);
    desk.frames.clear();
    desk.command(Command::Retry { id, by: None });
    assert_eq!(desk.submits(), [(2, 1)]);
}

#[test]
fn rule_16_delivered_if_either_is_and_failed_only_if_both_are_negative() {
    let sent = SentAs {
        epoch: EPOCH,
        seq: Seq(1),
    };
    let by_ip = [
        IpAttempt::None,
        IpAttempt::InFlight(sent),
        IpAttempt::Accepted(sent),
        IpAttempt::Delivered(sent),
        IpAttempt::Refused(Refusal::MailboxFull),
        IpAttempt::Revoked(TakeBack::Expired),
        IpAttempt::Expired,
        IpAttempt::Rejected(RejectReason::Unreadable),
    ];
    let by_sms = [
        SmsAttempt::None,
        SmsAttempt::NotUsed,
        SmsAttempt::Waiting,
        SmsAttempt::Sent,
        SmsAttempt::Delivered,
        SmsAttempt::Unconfirmed,
        SmsAttempt::Failed,
    ];
    for ip in by_ip {
        for sms in by_sms {
            let seen = shown(ip, sms, false);
            let delivered = matches!(ip, IpAttempt::Delivered(_)) || sms == SmsAttempt::Delivered;
            assert_eq!(seen == Shown::Delivered, delivered, "{ip:?} {sms:?}");
            let never_by_ip = ip.is_negative() || ip == IpAttempt::None;
            // What was never sent by SMS may be yet, unless its time is over.
            let over = ip == IpAttempt::Revoked(TakeBack::Expired);
            let never_by_sms = sms.is_negative() || over && sms == SmsAttempt::None;
            let tried = ip != IpAttempt::None || sms == SmsAttempt::Failed;
            let failed = never_by_ip && never_by_sms && tried;
            assert_eq!(matches!(seen, Shown::Failed(_)), failed, "{ip:?} {sms:?}");
        }
    }
}

#[test]
fn rule_16_delivered_outweighs_what_was_concluded_before() {
    let mut desk = Desk::live();
    let id = desk.send("a");
    desk.frame(accepted(1));
    let kind = ReceiptKind::Outcomes {
        epoch: None,
        delivered: Vec::new(),
        dispositions: vec![(Seq(1), Disposition::Expired)],
    };
    let slot = Slot(0);
    desk.frame(Frame::Receipt(Receipt { slot, kind }));
    let expired = Shown::Failed(Failure::ExpiredAtGateway);
    assert_eq!(desk.message(id).shown, expired);
    // A gateway that was restored delivers it once more, and is told.
    desk.frame(outcomes(&[1]));
    assert_eq!(desk.message(id).shown, Shown::Delivered);
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
fn rule_21_by_ip_many_of_a_lane_are_in_flight_at_once() {
    let mut desk = Desk::live();
    for text in ["a", "b", "c"] {
        desk.send(text);
    }
    assert_eq!(desk.submits(), [(1, 1), (2, 2), (3, 3)]);
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

#[test]
fn rule_23_a_deadline_does_not_act_if_the_answer_was_readable() {
    let mut desk = Desk::live();
    let id = desk.send_for("a", Some(5));
    desk.frame(accepted(1));
    desk.frames.clear();
    // The phone sleeps over the deadline; the receipt waits in the socket. The
    // driver hands both in, in the worst order.
    desk.now_ms += 60_000;
    desk.hand_in(Input::Timeout);
    let conn = desk.conn.unwrap();
    let event = ChannelEvent::Frame(outcomes(&[1]));
    desk.hand_in(Input::Channel { conn, event });
    desk.drain();
    assert_eq!(desk.message(id).shown, Shown::Delivered);
    assert!(!desk.names().contains(&"Revoke"));
}

#[test]
fn rule_23_after_a_reconnect_there_is_a_grace() {
    let mut desk = Desk::live();
    desk.send_for("a", Some(5));
    desk.frame(accepted(1));
    desk.channel(ChannelEvent::Down(DownReason::Closed("gone".into())));
    desk.pass(2_000);
    desk.up();
    desk.now_ms += 4_000;
    desk.frames.clear();
    desk.welcome(SlotStatus::Ok, high_water(1));
    desk.pass(1);
    assert!(!desk.names().contains(&"Revoke"), "{:?}", desk.names());
    desk.pass(5_000);
    assert!(desk.names().contains(&"Revoke"), "{:?}", desk.names());
}

#[test]
fn rule_23_a_nominated_deadline_gives_way_to_a_grace_of_the_same_turn() {
    let mut desk = Desk::live();
    desk.send_for("a", Some(5));
    desk.frame(accepted(1));
    desk.frames.clear();
    // The phone wakes behind the deadline, and on another link.
    desk.now_ms += 60_000;
    desk.hand_in(Input::Timeout);
    let wifi = TelephonyEvent::Link(link("wifi", true));
    desk.hand_in(Input::Telephony(wifi));
    desk.drain();
    assert!(!desk.names().contains(&"Revoke"), "{:?}", desk.names());
    assert!(desk.decisions.contains(&Decision::DeadlineDropped));
    desk.pass(4_000);
    assert!(desk.names().contains(&"Revoke"), "{:?}", desk.names());
}

#[test]
fn rule_24_after_a_reboot_a_validity_starts_again_in_full() {
    let mut desk = Desk::live();
    desk.link("lte", false);
    desk.channel(ChannelEvent::Down(DownReason::TimedOut));
    let id = desk.send_for("a", Some(60));
    desk.pass(50_000);
    let mut desk = desk.reboot();
    desk.link("lte", false);
    desk.pass(50_000);
    assert_eq!(desk.message(id).shown, Shown::Queued);
    desk.pass(11_000);
    assert_eq!(desk.message(id).shown, Shown::Failed(Failure::ValidityOver));
}

#[test]
fn a_change_of_link_moves_the_quic_session_and_proves_the_path() {
    let mut desk = Desk::live();
    desk.link("wifi", true);
    assert_eq!((desk.moves, desk.connects.len()), (1, 1));
    desk.channel(ChannelEvent::Moved);
    assert_eq!(desk.names(), ["Ping"]);
    // No answer: the session is given up and another transport has its turn.
    desk.pass(15_000);
    assert_eq!(desk.closed.len(), 1);
}

#[test]
fn when_one_transport_fails_the_other_is_tried_at_once() {
    let mut desk = Desk::new();
    desk.command(Command::Register {
        number: own(),
        iccid: None,
    });
    desk.channel(ChannelEvent::Down(DownReason::TimedOut));
    let kinds: Vec<_> = desk.connects.iter().map(|(_, kind)| *kind).collect();
    assert_eq!(kinds, [TransportKind::Quic, TransportKind::Tls]);
    desk.channel(ChannelEvent::Down(DownReason::TimedOut));
    assert_eq!(desk.connects.len(), 2, "both failed: now it waits");
    desk.pass(1_000);
    assert_eq!(desk.connects.len(), 3);
}

#[test]
fn a_number_that_is_not_registered_cannot_send() {
    let mut desk = Desk::new();
    desk.command(send("a", None));
    assert!(matches!(
        desk.replies[..],
        [Reply::Error(CommandError::NoIdentity(_))]
    ));
}

#[test]
fn the_outbox_is_bounded_and_says_so() {
    let mut desk = Desk::live();
    desk.link("lte", false);
    desk.channel(ChannelEvent::Down(DownReason::TimedOut));
    for i in 0..twine_engine::limits::MAX_OUTBOX {
        desk.command(send(&format!("m{i}"), None));
    }
    desk.replies.clear();
    desk.command(send("one more", None));
    assert!(matches!(
        desk.replies[..],
        [Reply::Error(CommandError::Busy(_))]
    ));
}

fn sent_away(redirect: &str) -> Frame {
    Frame::Goodbye(Goodbye {
        reason: GoodbyeReason::Draining,
        retry_after_s: 600,
        redirect: redirect.into(),
        session_no: SessionNo(0),
        detail: String::new(),
    })
}

#[test]
fn a_gateway_that_sends_away_can_name_another() {
    let mut desk = Desk::live();
    desk.targets.clear();
    desk.frame(sent_away("gw2.example.net:443"));
    // At once, as far as jitter goes: the pause is the first one's.
    desk.pass(1_000);
    assert_eq!(desk.targets, [Some("gw2.example.net:443".to_owned())]);
    // It keeps it while it works.
    desk.up();
    desk.welcome(SlotStatus::Ok, high_water(0));
    desk.pass(40_000);
    desk.channel(ChannelEvent::Down(DownReason::Closed("reset".into())));
    desk.pass(2_000);
    assert_eq!(desk.targets.len(), 2);
    assert!(desk.targets[1].is_some());
    // And goes back when neither transport gets there.
    desk.channel(ChannelEvent::Down(DownReason::TimedOut));
    desk.channel(ChannelEvent::Down(DownReason::TimedOut));
    desk.pass(4_000);
    assert!(desk.targets[2].is_some());
    assert_eq!(desk.targets[3..], [None]);
}

#[test]
fn gateways_that_name_each_other_are_left() {
    let mut desk = Desk::live();
    desk.targets.clear();
    for _ in 0..MAX_REDIRECTS {
        desk.frame(sent_away("gw2.example.net:443"));
        desk.pass(60_000);
        desk.up();
        desk.welcome(SlotStatus::Ok, high_water(0));
    }
    assert_eq!(desk.targets.iter().flatten().count(), desk.targets.len());
    desk.frame(sent_away("gw3.example.net:443"));
    let before = desk.targets.len();
    desk.pass(3_600_000);
    assert_eq!(desk.targets[before..], [None]);
}

// -- links: not a rule of delivery, but the engine's own way to its policy --------

/// A card as to its data.
fn data_card(slot: u8, service: Service) -> Sim {
    Sim {
        slot,
        iccid: Redacted::new(format!("892540{slot}")),
        number: None,
        mcc_mnc: "63902".into(),
        ready: true,
        in_service: true,
        roaming: false,
        default_sms: false,
        radio_off: false,
        subscription_id: 0,
        operator: "".into(),
        data: Some(SimData {
            slot,
            service,
            generation: Generation::G4,
            signal_level: Some(3),
            allowance: Allowance::AtHome,
            bundle: Bundle::Unknown,
            default_data: slot == 0,
            carries_data: false,
        }),
    }
}

#[test]
fn data_are_asked_of_the_other_card_when_this_one_loses_coverage() {
    let mut desk = Desk::live();
    for sim in [data_card(0, Service::Home), data_card(1, Service::Home)] {
        desk.input(Input::Telephony(TelephonyEvent::Sim(sim)));
    }
    desk.pass(60_000);
    let moves = |desk: &Desk| {
        desk.orders
            .iter()
            .filter(|order| matches!(order, Order::PreferDataSim { slot: 1, .. }))
            .count()
    };
    assert_eq!(moves(&desk), 0);
    let lost = data_card(0, Service::None);
    desk.input(Input::Telephony(TelephonyEvent::Sim(lost)));
    desk.link("lte", false);
    desk.pass(1_500);
    assert_eq!(moves(&desk), 1);
    assert!(desk.decisions.contains(&Decision::MoveData { slot: 1 }));
}

#[test]
fn a_link_on_which_an_answer_is_missing_is_left_for_another() {
    let mut desk = Desk::live();
    let mut wifi = link("wifi", true);
    wifi.kind = LinkKind::Wifi;
    wifi.metered = false;
    desk.input(Input::Telephony(TelephonyEvent::Link(wifi)));
    assert_eq!(desk.moves, 1, "the session moves to the Wi-Fi");
    let before = desk.connects.len();
    desk.send("into the void");
    // Five seconds without an answer, and nothing but that says so.
    desk.pass(21_000);
    assert!(desk.connects.len() > before);
    let reasons: Vec<_> = desk
        .engine
        .status()
        .links
        .into_iter()
        .map(|view| (view.link.id.0.to_string(), view.carries_session))
        .collect();
    assert!(reasons.contains(&("lte".to_owned(), true)), "{reasons:?}");
}
