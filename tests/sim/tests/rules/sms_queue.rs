//! What waits for its turn to leave by SMS, and what the agent has (DELIVERY 22, 25).

use twine_engine::limits::MAX_SMS_HANDED;
use twine_engine::message::{Channel, SmsAttempt, WaitsFor};
use twine_engine::parts::PartState;
use twine_engine::settings::{Fallback, Settings};
use twine_engine::{ChannelEvent, Command, DownReason, Input, TelephonyEvent};
use twine_proto::E164;
use twine_proto::frame::SlotStatus;
use twine_sim::sms::phone::sim;
use twine_sms::TableSet;

use crate::by_sms::{by_sms, ordered, result, send_by_sms, until_ordered};
use crate::desk::{Desk, high_water, own, send};

#[test]
fn rule_22_equal_texts_leave_two_seconds_apart() {
    let mut desk = Desk::with_sms();
    by_sms(&mut desk, "yes", "1");
    by_sms(&mut desk, "yes", "2");
    until_ordered(&mut desk, 1, 10_000).unwrap();
    let attempt = ordered(&desk)[0].0;
    desk.pass(300);
    result(&mut desk, attempt, PartState::Sent);
    let gap = 300 + until_ordered(&mut desk, 2, 10_000).unwrap();
    assert!((2_000..3_000).contains(&gap), "{gap} ms");
}

/// They leave when that is on disk: a slow disk does not bring them together.
#[test]
fn rule_22_equal_texts_that_were_stored_late_leave_two_seconds_apart() {
    let mut desk = Desk::with_sms();
    desk.hold = true;
    desk.command(send_by_sms("yes", "1"));
    while !desk.is_handing_over() {
        desk.answer_and_hold();
        desk.pass(100);
    }
    desk.command(send_by_sms("yes", "2"));
    desk.pass(5_000);
    assert_eq!(ordered(&desk), []);
    desk.release();
    let attempt = ordered(&desk)[0].0;
    result(&mut desk, attempt, PartState::Sent);
    let gap = until_ordered(&mut desk, 2, 10_000).unwrap();
    assert!((2_000..3_000).contains(&gap), "{gap} ms");
}

/// It waits for its turn: the agent has as many as it may.
#[test]
fn what_waits_in_the_queue_of_sms_heeds_what_is_set_since() {
    for fallback in [Fallback::Ask, Fallback::Never] {
        let mut desk = Desk::with_sms();
        desk.link("lte", false);
        for n in 0..MAX_SMS_HANDED {
            let mut command = send(&format!("message {n}"), None);
            if let Command::Send { to, .. } = &mut command {
                *to = E164::new(254_722_000_000 + n).unwrap().into();
            }
            desk.command(command);
        }
        let last = desk.send("the last");
        desk.pass(60_000);
        assert_eq!(ordered(&desk).len() as u64, MAX_SMS_HANDED);
        assert_eq!(desk.message(last).sms.state, SmsAttempt::Waiting);
        desk.command(Command::Set {
            conversation: None,
            settings: Settings {
                fallback: Some(fallback),
                ..Settings::default()
            },
        });
        desk.pass(60_000);
        let waits = (fallback == Fallback::Ask).then_some(WaitsFor::User);
        assert_eq!(desk.message(last).waits_for, waits);
        // The others have unknown results by then, and make room.
        desk.pass(11 * 60_000);
        assert_eq!(ordered(&desk).len() as u64, MAX_SMS_HANDED, "{fallback:?}");
    }
}

/// So many to peers of their own that wait for their turn behind those at the agent.
fn fill_the_agent(desk: &mut Desk) {
    desk.link("lte", false);
    for n in 0..MAX_SMS_HANDED {
        let mut command = send(&format!("message {n}"), None);
        if let Command::Send { to, .. } = &mut command {
            *to = E164::new(254_722_000_000 + n).unwrap().into();
        }
        desk.command(command);
    }
}

/// The agent has told all it knows of them: they keep nothing from leaving.
#[test]
fn what_the_agent_knows_no_more_of_leaves_room_for_others() {
    let mut desk = Desk::with_sms();
    fill_the_agent(&mut desk);
    desk.send("the last");
    desk.pass(60_000);
    let handed = ordered(&desk);
    assert_eq!(handed.len() as u64, MAX_SMS_HANDED);
    result(&mut desk, handed[0].0, PartState::Unknown);
    until_ordered(&mut desk, handed.len() + 1, 1_000).unwrap();
    assert_eq!(ordered(&desk).last().unwrap().1, "the last");
    // Once is enough, also when the time of its result is over.
    desk.send("one more");
    desk.pass(60_000);
    assert_eq!(ordered(&desk).len(), handed.len() + 1);
}

/// The card roams before its turn comes, and the setting is not to fall back then.
#[test]
fn what_waits_for_its_turn_does_not_leave_abroad_against_the_setting() {
    let mut desk = Desk::with_sms();
    desk.command(Command::Set {
        conversation: None,
        settings: Settings {
            fallback: Some(Fallback::NotWhenRoaming),
            ..Settings::default()
        },
    });
    fill_the_agent(&mut desk);
    let last = desk.send("the last");
    desk.pass(60_000);
    assert_eq!(desk.message(last).sms.state, SmsAttempt::Waiting);
    let card = |roaming| {
        let mut card = sim(0, Desk::card(), Some(own()));
        card.roaming = roaming;
        Input::Telephony(TelephonyEvent::Sim(card))
    };
    desk.input(card(true));
    let first = ordered(&desk)[0].0;
    result(&mut desk, first, PartState::Sent);
    desk.pass(60_000);
    assert_eq!(desk.message(last).waits_for, Some(WaitsFor::Home));
    assert_eq!(ordered(&desk).len() as u64, MAX_SMS_HANDED);
    desk.input(card(false));
    desk.pass(10_000);
    assert_eq!(ordered(&desk).len() as u64, MAX_SMS_HANDED + 1);
}

/// It was kept back by an agent that was away: after an hour its user decides, and IP takes
/// it before if it is there again.
#[test]
fn rule_25_what_an_agent_kept_back_for_an_hour_is_for_its_user() {
    let here = TelephonyEvent::State {
        sims: vec![sim(0, Desk::card(), Some(own()))],
        links: Vec::new(),
        tables: TableSet::default(),
    };
    let mut desk = Desk::with_sms();
    desk.link("lte", false);
    desk.input(Input::Telephony(TelephonyEvent::AgentGone));
    let id = desk.send("hello");
    for _ in 0..2 * 60 {
        desk.pass(60_000);
    }
    assert_eq!(desk.message(id).sms.state, SmsAttempt::Waiting);
    desk.input(Input::Telephony(here));
    for _ in 0..60 {
        desk.pass(1_000);
    }
    assert_eq!(ordered(&desk), []);
    assert_eq!(desk.message(id).waits_for, Some(WaitsFor::User));
    let by = Some(Channel::Sms);
    desk.command(Command::Retry { id, by });
    until_ordered(&mut desk, 1, 10_000).unwrap();

    let mut desk = Desk::with_sms();
    desk.channel(ChannelEvent::Down(DownReason::Closed("gone".into())));
    desk.input(Input::Telephony(TelephonyEvent::AgentGone));
    let id = desk.send("hello");
    let connects = desk.connects.len();
    for _ in 0..6_000 {
        desk.pass(100);
        let waits = desk.message(id).sms.state == SmsAttempt::Waiting;
        if waits && desk.connects.len() > connects {
            break;
        }
    }
    assert_eq!(desk.message(id).sms.state, SmsAttempt::Waiting);
    desk.up();
    desk.welcome(SlotStatus::Ok, high_water(0));
    desk.pass(10_000);
    assert_eq!(desk.submits(), [(1, 1)]);
}

/// An agent that comes back sends only now what it was asked before.
#[test]
fn rule_22_equal_texts_keep_their_distance_also_when_they_are_ordered_again() {
    let mut desk = Desk::with_sms();
    by_sms(&mut desk, "ok", "1");
    until_ordered(&mut desk, 1, 10_000).unwrap();
    let peer_of = |n: u64| E164::new(254_722_000_000 + n).unwrap();
    for n in 0..2 {
        let mut command = send_by_sms("ok", &format!("other {n}"));
        if let Command::Send { to, .. } = &mut command {
            *to = peer_of(n).into();
        }
        desk.command(command);
    }
    desk.pass(10_000);
    let before = ordered(&desk).len();
    assert_eq!(before, 3);
    desk.pass(10_000);
    let here = TelephonyEvent::State {
        sims: vec![sim(0, Desk::card(), Some(own()))],
        links: Vec::new(),
        tables: TableSet::default(),
    };
    let again = |desk: &mut Desk| {
        desk.input(Input::Telephony(TelephonyEvent::AgentGone));
        desk.input(Input::Telephony(here.clone()));
    };
    desk.input(Input::Telephony(here.clone()));
    assert_eq!(ordered(&desk).len(), before, "the same agent knows");
    again(&mut desk);
    assert_eq!(ordered(&desk).len(), before + 3, "to three peers at once");
    // Again at once: each was ordered just now.
    again(&mut desk);
    assert_eq!(ordered(&desk).len(), before + 3);
    let after = until_ordered(&mut desk, before + 6, 10_000).unwrap();
    assert!((1_900..=2_100).contains(&after), "{after}");
}
