//! What a deadline may do, and when (DELIVERY 23, 24).

use twine_engine::message::{Failure, Shown};
use twine_engine::trace::Decision;
use twine_engine::{ChannelEvent, DownReason, Input, TelephonyEvent};
use twine_proto::Frame;
use twine_proto::frame::SlotStatus;

use crate::desk::{Desk, high_water, link};
use crate::frames::{accepted, outcomes};

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
    // Nothing was measured on that link: twice the 3 s of RFC 6298.
    desk.channel(ChannelEvent::Moved);
    desk.frame(Frame::Pong(1));
    desk.pass(7_000);
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
