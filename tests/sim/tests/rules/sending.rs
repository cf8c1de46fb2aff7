//! From the app to the gateway (DELIVERY 1, 2, 4, 5, 21).

use twine_engine::message::{Failure, MessageId, Shown};
use twine_engine::store_ops::StoreOps;
use twine_engine::{ChannelEvent, Command, CommandError, DownReason, Reply};
use twine_proto::frame::{
    Accepted, Binding, Disposition, Goodbye, GoodbyeReason, Refusal, SentState, SlotStatus,
};
use twine_proto::{Epoch, Frame, Seq, SessionNo};

use crate::desk::{Desk, EPOCH, high_water, send};
use crate::frames::next_hello;

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
        since: Vec::new(),
    }));
    // Rule 8: what the closed epoch never took goes out under the new one.
    assert_eq!(desk.submits(), [(1, 1)]);
    assert_eq!(desk.message(id).name.unwrap().epoch, next);
}

/// A session above all that a desk begins.
const LATER: SessionNo = SessionNo(1 << 40);

#[test]
fn rule_4_a_later_session_at_the_gateway_means_the_store_is_an_old_copy() {
    let mut desk = Desk::live();
    desk.frame(Frame::Goodbye(Goodbye {
        reason: GoodbyeReason::Superseded,
        retry_after_s: 0,
        redirect: String::new(),
        session_no: LATER,
        detail: String::new(),
    }));
    desk.pass(2_000);
    desk.up();
    let Some(Frame::Hello(hello)) = desk.frames.last() else {
        panic!("{:?}", desk.names());
    };
    assert!(hello.session_no > LATER, "{hello:?}");
    assert_eq!(hello.slots[0].binding, Binding::Wanted { last: EPOCH });
}

/// Its twin, with the same store, was served meanwhile and has given seq 1 to a message
/// of its own.
#[test]
fn rule_4_what_a_twin_sent_is_not_taken_for_ours() {
    let mut desk = Desk::live();
    let id = desk.send("a");
    let hello = next_hello(&mut desk);
    let theirs = SessionNo(hello.after.get() + 1);
    let high_water = high_water(1);
    let delivered = SentState {
        delivered: vec![Seq(1)],
        ..high_water
    };
    desk.welcome_since(SlotStatus::Ok, delivered.clone(), vec![theirs]);
    assert_eq!(desk.message(id).shown, Shown::Queued);
    desk.pass(2_000);
    desk.up();
    let Some(Frame::Hello(hello)) = desk.frames.last() else {
        panic!("{:?}", desk.names());
    };
    assert_eq!(hello.slots[0].binding, Binding::Wanted { last: EPOCH });
    assert!(hello.slots[0].old.is_empty(), "nothing of it is ours");
    // Ours alone: seq 1 is what the gateway says it is.
    let mut desk = Desk::live();
    let id = desk.send("a");
    let lost = next_hello(&mut desk).session_no;
    desk.pass(5_000);
    next_hello(&mut desk);
    desk.welcome_since(SlotStatus::Ok, delivered, vec![lost]);
    assert_eq!(desk.message(id).shown, Shown::Delivered);
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
fn rule_21_by_ip_many_of_a_lane_are_in_flight_at_once() {
    let mut desk = Desk::live();
    for text in ["a", "b", "c"] {
        desk.send(text);
    }
    assert_eq!(desk.submits(), [(1, 1), (2, 2), (3, 3)]);
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
