//! What clients see, and what they do not.

use prost::Message as _;
use twine_engine::message::{MessageId, SmsRecord};
use twine_engine::parts::{PartState, PartStates};
use twine_engine::store_ops::EventCursor;
use twine_engine::time::WallTime;
use twine_proto::{Epoch, LaneSeq, Seq};
use twine_store::{Step, StoryLine};

use crate::reads::Story;

use super::*;

fn record(id: u64, text: String) -> MessageRecord {
    let own = "+254712345678".parse().unwrap();
    let peer: E164 = "+2348031234567".parse().unwrap();
    MessageRecord {
        id: MessageId(id),
        direction: Direction::Outgoing,
        own,
        peer: peer.into(),
        text: Some(Redacted::new(text)),
        name: Some(MessageName {
            from: own,
            epoch: Epoch(690),
            to: peer,
            lane_seq: LaneSeq(57),
        }),
        ip: IpAttempt::Accepted(SentAs {
            epoch: Epoch(690),
            seq: Seq(9),
        }),
        sms: SmsRecord::default(),
        waits_for: None,
        came_by: Channel::Ip,
        copy_of: None,
        late: false,
        take_back: None,
        shown: Shown::Sent,
        order: OrderKey {
            position: id,
            epoch: Epoch(0),
            lane_seq: LaneSeq(0),
        },
        created: WallTime(1),
        changed: WallTime(2),
        age_s: 0,
    }
}

#[test]
fn a_technician_sees_neither_numbers_nor_texts() {
    let record = record(1, "a secret".to_owned());
    let full = View::Full.message(&record);
    assert_eq!(full.text, "a secret");
    assert_eq!(full.own, "+254712345678");
    assert_eq!(full.name, "254712345678.690>2348031234567#57");

    let masked = View::Masked.message(&record);
    assert_eq!(masked.text, "");
    assert_eq!(masked.own, "+254…78");
    assert_eq!(masked.peer, "+234…67");
    assert_eq!(masked.name, "+254…78.690>+234…67#57");
    // What explains the message's way is the same.
    assert_eq!(masked.ip, full.ip);
    assert_eq!(masked.state, full.state);
}

#[test]
fn a_name_and_a_card_are_masked_and_the_parts_are_not() {
    let mut parts = PartStates::open(3);
    parts.take(0, PartState::Delivered);
    parts.take(1, PartState::Sent);
    let record = MessageRecord {
        peer: "MPESA".parse().unwrap(),
        sms: SmsRecord {
            state: SmsAttempt::Handed,
            iccid: Some(Redacted::new("8925402".to_owned())),
            marked: true,
            parts,
            code: Some(4),
            scts_ms: 0,
        },
        waits_for: Some(WaitsFor::Sim),
        ..record(1, "a secret".to_owned())
    };
    let full = View::Full.message(&record);
    assert_eq!(
        (full.peer.as_str(), full.waits_for.as_str()),
        ("MPESA", "sim")
    );
    let sms = full.sms.unwrap();
    assert_eq!(
        (sms.state.as_str(), sms.iccid.as_str()),
        ("handed", "8925402")
    );
    assert_eq!((sms.parts, sms.parts_sent, sms.parts_delivered), (3, 2, 1));

    let masked = View::Masked.message(&record);
    assert_eq!(masked.peer, "[name of 5 bytes]");
    let masked = masked.sms.unwrap();
    assert_eq!(masked.iccid, "");
    assert_eq!((masked.parts, masked.marked, masked.code), (3, true, 4));
}

#[test]
fn an_incoming_message_says_how_it_came_and_whose_copy_it_is() {
    let sms = MessageRecord {
        direction: Direction::Incoming,
        came_by: Channel::Sms,
        copy_of: Some(MessageId(9)),
        late: true,
        shown: Shown::Received,
        ..record(10, "a secret".to_owned())
    };
    let shown = View::Full.message(&sms);
    assert_eq!(shown.came_by(), pb::Channel::Sms);
    assert_eq!((shown.copy_of, shown.late), (9, true));
    assert!(shown.ip.is_none() && shown.sms.is_some());
    let event = EventRecord {
        cursor: EventCursor(3),
        kind: EventKind::Merged,
        message: MessageId(10),
        shown: Shown::Received,
        into: Some(MessageId(9)),
        wall: WallTime(3),
    };
    let event = View::Full.event(&event, Some(&sms));
    assert_eq!((event.kind(), event.into), (pb::EventKind::Merged, 9));
    let by_ip = MessageRecord {
        came_by: Channel::Ip,
        ..sms
    };
    assert!(View::Full.message(&by_ip).sms.is_none());
}

#[test]
fn a_story_is_told_to_a_technician_without_what_was_written() {
    let page = Page::Story(Some(Box::new(Story {
        message: record(1, "a secret".to_owned()),
        lines: vec![StoryLine {
            wall: WallTime(5),
            step: Step::BySms,
            detail: Some(0),
            because: vec!["the peer is not on IP".to_owned()],
        }],
    })));
    let reply::Kind::Story(story) = View::Masked.page(&page) else {
        panic!("expected a story");
    };
    assert_eq!(story.message.unwrap().text, "");
    assert_eq!(
        (story.lines[0].wall_ms, &*story.lines[0].text),
        (1, "stored for sending")
    );
    assert_eq!(
        (story.lines[1].wall_ms, &*story.lines[1].text),
        (5, "goes by SMS")
    );
    assert_eq!(story.lines[1].reasons, ["the peer is not on IP"]);
}

#[test]
fn a_page_is_cut_behind_the_message_that_fills_it() {
    let messages: Vec<_> = (1..=10)
        .map(|id| record(id, "x".repeat(80 * 1024)))
        .collect();
    let page = Page::Messages {
        messages,
        more: false,
    };
    let reply::Kind::Messages(page) = View::Full.page(&page) else {
        panic!("expected messages");
    };
    assert!(page.more);
    assert_eq!(page.messages.len(), 4);
    assert!(page.encoded_len() < twine_proto::limits::MAX_CONTROL_FRAME_BYTES);
}
