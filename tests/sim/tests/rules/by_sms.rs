//! What leaves and comes by SMS (DELIVERY 15, 17, 21, 22, 25 to 28).

use twine_engine::limits::MAX_SMS_HANDED;
use twine_engine::message::{Channel, MessageId, Shown, SmsAttempt, WaitsFor};
use twine_engine::parts::{AttemptId, PartState};
use twine_engine::settings::{Fallback, Settings};
use twine_engine::store_ops::{StoreOps, Token};
use twine_engine::{
    ChannelEvent, Command, DownReason, Input, Order, Reply, SmsReceived, TelephonyEvent,
};
use twine_proto::frame::{Accepted, Deliver, Refusal, RevokeOutcome, SlotStatus, Submit};
use twine_proto::originator::originator;
use twine_proto::{Content, E164, Filled, Frame, LaneSeq, NoteEntry, Peer, Redacted, Seq};
use twine_sim::handset::iccid_of;
use twine_sim::sms::phone::sim;
use twine_sms::{TableSet, fold};

use crate::desk::{Desk, delivery, high_water, own, peer, send};
use crate::frames::{accepted, revoked};

fn send_by(text: &str, channel: Channel) -> Command {
    let mut command = send(text, None);
    if let Command::Send { by, .. } = &mut command {
        *by = Some(channel);
    }
    command
}

/// A message that the user wants to go by SMS; with equal texts, tokens tell them apart.
fn send_by_sms(text: &str, token: &str) -> Command {
    let mut command = send_by(text, Channel::Sms);
    if let Command::Send { token: its, .. } = &mut command {
        *its = Token(token.as_bytes().to_vec());
    }
    command
}

fn by_sms(desk: &mut Desk, text: &str, token: &str) -> MessageId {
    desk.command(send_by_sms(text, token));
    desk.last_sent()
}

/// The SMS that the agent was asked to send, in order.
fn ordered(desk: &Desk) -> Vec<(AttemptId, String)> {
    desk.orders
        .iter()
        .filter_map(|order| match order {
            Order::SendSms { attempt, parts, .. } => {
                let text = parts.iter().map(|part| part.expose().as_str()).collect();
                Some((*attempt, text))
            }
            _ => None,
        })
        .collect()
}

/// Time passes until so many SMS were ordered; says when, in milliseconds from now.
fn until_ordered(desk: &mut Desk, count: usize, at_most_ms: u64) -> Option<u64> {
    (0..=at_most_ms / 100).find_map(|step| {
        if step > 0 {
            desk.pass(100);
        }
        (ordered(desk).len() >= count).then_some(step * 100)
    })
}

fn result(desk: &mut Desk, attempt: AttemptId, state: PartState) {
    desk.input(Input::Telephony(TelephonyEvent::SmsPart {
        attempt,
        part: 0,
        state,
        code: None,
    }));
}

fn came(desk: &mut Desk, spool_id: &str, from: Peer, text: &str, scts_ms: u64) {
    desk.input(Input::Telephony(TelephonyEvent::SmsReceived(SmsReceived {
        spool_id: spool_id.to_owned(),
        iccid: Desk::card(),
        own: Some(own()),
        from,
        text: Redacted::new(text.to_owned()),
        scts_ms,
    })));
}

fn history(desk: &Desk, peer: Peer) -> usize {
    let Ok(page) = desk.store.history(own(), peer, None, 10);
    page.len()
}

/// Only "revoked" allows a plain SMS; what may arrive by IP bears the mark of its place.
#[test]
fn rule_15_and_17_an_sms_is_plain_only_after_revoked() {
    for (outcome, text) in [
        (RevokeOutcome::Revoked, "hello"),
        (RevokeOutcome::InDoubt, "hello  "),
        (RevokeOutcome::Forgotten, "hello  "),
    ] {
        let mut desk = Desk::with_sms();
        desk.send("hello");
        desk.frame(accepted(1));
        for _ in 0..2_500 {
            desk.pass(100);
            match desk.frames.last() {
                Some(Frame::Revoke(_)) => break,
                Some(Frame::Ping(nonce)) => desk.frame(Frame::Pong(*nonce)),
                _ => {}
            }
        }
        assert!(desk.names().contains(&"Revoke"), "{outcome:?}");
        assert_eq!(ordered(&desk), [], "{outcome:?}");
        desk.frame(revoked(1, outcome));
        until_ordered(&mut desk, 1, 900_000).unwrap();
        assert_eq!(ordered(&desk)[0].1, text, "{outcome:?}");
    }
}

#[test]
fn rule_17_what_is_no_copy_leaves_without_trailing_spaces() {
    let mut desk = Desk::with_sms();
    by_sms(&mut desk, "hello   ", "1");
    until_ordered(&mut desk, 1, 10_000).unwrap();
    assert_eq!(ordered(&desk)[0].1, "hello");
}

#[test]
fn rule_21_nothing_passes_an_sms_on_its_way() {
    let mut desk = Desk::with_sms();
    by_sms(&mut desk, "first", "1");
    until_ordered(&mut desk, 1, 10_000).unwrap();
    desk.send("second");
    desk.pass(1_000);
    assert_eq!(desk.submits(), []);
    let attempt = ordered(&desk)[0].0;
    result(&mut desk, attempt, PartState::Sent);
    assert_eq!(desk.submits().len(), 1);
}

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

/// The recipient was there when the gateway took it, and we lost the link.
#[test]
fn rule_25_a_recipient_who_was_there_is_waited_for() {
    let mut desk = Desk::with_sms();
    desk.send("hello");
    desk.frame(accepted(1));
    desk.link("lte", false);
    assert_eq!(until_ordered(&mut desk, 1, 590_000), None);
    until_ordered(&mut desk, 1, 60_000).unwrap();
    assert_eq!(ordered(&desk)[0].1, "hello  ", "uncertain");
}

#[test]
fn rule_26_an_unknown_result_frees_the_lane_after_ten_minutes() {
    let mut desk = Desk::with_sms();
    let id = by_sms(&mut desk, "first", "1");
    by_sms(&mut desk, "second", "2");
    until_ordered(&mut desk, 1, 10_000).unwrap();
    let attempt = ordered(&desk)[0].0;
    result(&mut desk, attempt, PartState::Unknown);
    assert_eq!(until_ordered(&mut desk, 2, 590_000), None);
    until_ordered(&mut desk, 2, 30_000).unwrap();
    let message = desk.message(id);
    assert_eq!(message.sms.state, SmsAttempt::Unconfirmed);
    assert_eq!(message.shown, Shown::Sent);
}

#[test]
fn rule_27_copies_merge_only_where_the_home_plan_makes_a_number_of_the_sender() {
    let of = |from: &str, e164: &str| originator(from, e164).peer;
    for (from, merged) in [
        (of("08031234567", "+2348031234567"), true),
        (of("08031234567", ""), false),
        (of("BANK", ""), false),
    ] {
        let mut desk = Desk::with_sms();
        desk.frame(Frame::Deliver(delivery(1, 1, "your code")));
        came(&mut desk, "a", from, "your code  ", 1_000);
        came(&mut desk, "b", from, "your code  ", 9_000);
        let (by_number, by_name) = (history(&desk, peer().into()), history(&desk, from));
        assert_eq!(by_number, if merged { 2 } else { 1 });
        if !merged {
            assert_eq!(by_name, 2, "what a name says twice");
        }
    }
}

#[test]
fn rule_28_a_repeated_sms_is_known_by_its_name_in_the_spool() {
    let mut desk = Desk::with_sms();
    for scts_ms in [1_000, 90_000] {
        came(&mut desk, "spool-1", peer().into(), "hello", scts_ms);
    }
    assert_eq!(history(&desk, peer().into()), 1);
    let taken = |order: &&Order| matches!(order, Order::SmsTaken { .. });
    assert_eq!(
        desk.orders.iter().filter(taken).count(),
        2,
        "and is told both times"
    );
}

/// It failed by IP and must not fall back; its user gives it to IP once more.
#[test]
fn rule_16_what_its_user_gives_back_to_ip_leaves_at_once() {
    let mut desk = Desk::with_sms();
    desk.command(Command::Set {
        conversation: None,
        settings: Settings {
            fallback: Some(Fallback::Never),
            ..Settings::default()
        },
    });
    let id = desk.send("hello");
    desk.frame(Frame::Accepted(Accepted {
        upto: Seq(1),
        refused: vec![(Seq(1), Refusal::MailboxFull)],
        ..Accepted::default()
    }));
    assert!(matches!(desk.message(id).shown, Shown::Failed(_)));
    let by = Some(Channel::Ip);
    desk.command(Command::Retry { id, by });
    assert_eq!(desk.submits(), [(1, 1), (2, 1)]);
}

/// It waits for IP, and need not.
#[test]
fn what_waits_for_ip_goes_by_sms_if_its_user_says_so() {
    let mut desk = Desk::with_sms();
    desk.link("lte", false);
    let id = desk.send("hello");
    assert_eq!(ordered(&desk), []);
    let by = Some(Channel::Sms);
    desk.command(Command::Retry { id, by });
    desk.pass(4_000);
    assert_eq!(ordered(&desk)[0].1, "hello");
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

fn refused(desk: &mut Desk, attempt: AttemptId, code: i32) {
    desk.input(Input::Telephony(TelephonyEvent::SmsPart {
        attempt,
        part: 0,
        state: PartState::Refused,
        code: Some(code),
    }));
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

/// The network's acknowledgement may have been lost: another try is another copy. What the
/// phone never tried is none.
#[test]
fn rule_26_a_retry_is_marked_if_the_first_try_was_one() {
    for (code, text) in [(30, "hello  "), (6, "hello")] {
        let mut desk = Desk::with_sms();
        let id = by_sms(&mut desk, "hello", "1");
        until_ordered(&mut desk, 1, 10_000).unwrap();
        let attempt = ordered(&desk)[0].0;
        refused(&mut desk, attempt, code);
        assert!(matches!(desk.message(id).shown, Shown::Failed(_)), "{code}");
        desk.command(Command::Retry {
            id,
            by: Some(Channel::Sms),
        });
        until_ordered(&mut desk, 2, 10_000).unwrap();
        assert_eq!(ordered(&desk)[1].1, text, "{code}");
    }
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

/// Its user wanted it by SMS at once: that says nothing of the peer.
#[test]
fn rule_15_what_its_user_asks_back_says_nothing_of_the_peer() {
    let mut desk = Desk::with_sms();
    let id = desk.send("hello");
    desk.frame(accepted(1));
    desk.pass(1_000);
    let by = Some(Channel::Sms);
    desk.command(Command::Retry { id, by });
    desk.frame(revoked(1, RevokeOutcome::Revoked));
    until_ordered(&mut desk, 1, 10_000).unwrap();
    let attempt = ordered(&desk)[0].0;
    result(&mut desk, attempt, PartState::Sent);
    desk.frames.clear();
    desk.send("second");
    assert_eq!(desk.submits().len(), 1, "by IP");
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

/// Neither channel is left to it: its user is asked, and registering lets it go on.
#[test]
fn ip_alone_from_a_number_that_is_not_registered_is_for_its_user() {
    let mut desk = Desk::with_sms_unregistered();
    desk.command(send_by("hello", Channel::Ip));
    let id = desk.last_sent();
    desk.pass(1_000);
    assert_eq!(desk.message(id).waits_for, Some(WaitsFor::User));
    desk.command(Command::Retry {
        id,
        by: Some(Channel::Ip),
    });
    assert_eq!(
        desk.message(id).waits_for,
        Some(WaitsFor::User),
        "and told again"
    );
    desk.bind(Some(Desk::card()));
    desk.pass(10_000);
    assert_eq!(desk.message(id).waits_for, None);
    assert_eq!(desk.message(id).shown, Shown::Sending);
}

/// Its user sends it once more after an unknown result.
#[test]
fn rule_26_what_was_sent_again_is_marked_and_its_note_says_so() {
    let mut desk = Desk::with_sms();
    let id = by_sms(&mut desk, "hello", "1");
    until_ordered(&mut desk, 1, 10_000).unwrap();
    let attempt = ordered(&desk)[0].0;
    result(&mut desk, attempt, PartState::Unknown);
    for _ in 0..7_000 {
        desk.pass(100);
        if let Some(Frame::Ping(nonce)) = desk.frames.last() {
            desk.frame(Frame::Pong(*nonce));
        }
    }
    assert_eq!(desk.message(id).sms.state, SmsAttempt::Unconfirmed);
    desk.command(Command::Retry {
        id,
        by: Some(Channel::Sms),
    });
    until_ordered(&mut desk, 2, 10_000).unwrap();
    let (attempt, text) = ordered(&desk)[1].clone();
    assert_eq!(text, "hello  ");
    result(&mut desk, attempt, PartState::Sent);
    desk.send("next");
    let submitted = |frame: &Frame| match frame {
        Frame::Submit(Submit { content, .. }) => Some(content.clone()),
        _ => None,
    };
    let content = desk.frames.iter().find_map(submitted).unwrap();
    let note = Content::decode(&content).unwrap().note;
    let filled = Filled::SmsAgain(fold::hash("hello"));
    assert_eq!(
        note,
        [NoteEntry {
            lane_seq: LaneSeq(1),
            filled
        }]
    );
}

/// By IP, by SMS, and by SMS once more: one message, whatever came first.
#[test]
fn rule_18_and_26_three_copies_of_a_message_are_one_at_its_receiver() {
    let filled = Filled::BothAgain(fold::hash("hello"));
    let note = vec![NoteEntry {
        lane_seq: LaneSeq(1),
        filled,
    }];
    for order in [["ip", "a", "b"], ["a", "ip", "b"], ["a", "b", "ip"]] {
        for note_at in 0..=order.len() {
            let mut desk = Desk::with_sms();
            for (at, copy) in (0..).zip(order.into_iter().chain([""])) {
                if at == note_at {
                    let note = Content {
                        text: None,
                        note: note.clone(),
                    };
                    desk.frame(Frame::Deliver(Deliver {
                        content: note.encode(),
                        ..delivery(9, 0, "?")
                    }));
                }
                match copy {
                    "" => {}
                    "ip" => desk.frame(Frame::Deliver(delivery(10, 1, "hello"))),
                    sms => came(&mut desk, sms, peer().into(), "hello  ", 1_000 * at as u64),
                }
            }
            assert_eq!(
                history(&desk, peer().into()),
                1,
                "{order:?}, note at {note_at}"
            );
        }
    }
}

/// Its user chose a card of another number for the conversation: what is no copy leaves by
/// it, and is said to; a copy could not merge (DELIVERY 27), and is the user's choice.
#[test]
fn rule_27_a_copy_does_not_leave_from_another_number_unasked() {
    let other = E164::new(254_700_000_002).unwrap();
    let mut desk = Desk::with_sms_unregistered();
    let card = sim(1, iccid_of(other), Some(other));
    desk.input(Input::Telephony(TelephonyEvent::Sim(card)));
    desk.bind(Some(Desk::card()));
    desk.pass(10_000);
    let set = |iccid| Command::Set {
        conversation: Some((own(), peer().into())),
        settings: Settings {
            iccid,
            ..Settings::default()
        },
    };
    desk.command(set(Some(iccid_of(other))));
    desk.command(Command::GetSettings(Some((own(), peer().into()))));
    let told = desk.replies.last();
    assert!(
        matches!(told, Some(Reply::Settings { sim_number, .. }) if *sim_number == Some(other)),
        "{told:?}"
    );
    by_sms(&mut desk, "no copy", "1");
    until_ordered(&mut desk, 1, 10_000).unwrap();
    let (attempt, text) = ordered(&desk)[0].clone();
    assert_eq!(text, "no copy");
    result(&mut desk, attempt, PartState::Sent);

    let id = desk.send("hello");
    desk.pass(1_000);
    assert_eq!(desk.submits().len(), 1);
    desk.link("lte", false);
    for _ in 0..3_000 {
        desk.pass(100);
    }
    assert_eq!(desk.message(id).waits_for, Some(WaitsFor::User));
    assert_eq!(ordered(&desk).len(), 1);
    desk.command(set(None));
    until_ordered(&mut desk, 2, 10_000).unwrap();
    assert_eq!(ordered(&desk)[1].1, "hello   ", "marked, by its own card");
}
