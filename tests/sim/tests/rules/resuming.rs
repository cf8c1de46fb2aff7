//! What a new session begins with (DELIVERY 6 to 9).

use twine_engine::message::Shown;
use twine_engine::store_ops::StoreOps;
use twine_engine::{ChannelEvent, Command, DownReason, Input};
use twine_proto::frame::{Accepted, Binding, RevokeOutcome, SentState, SlotStatus};
use twine_proto::{Cursor, Epoch, Frame, Seq};

use crate::desk::{Desk, EPOCH, delivery, high_water, own, peer};
use crate::frames::{accepted, next_hello, outcomes, revoked};

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
        since: Vec::new(),
    }));
    assert_eq!(desk.message(a).shown, Shown::Delivered);
    assert_eq!(desk.message(b).shown, Shown::Sending, "it goes out again");
    assert_eq!(desk.submits(), [(1, 1)]);
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
