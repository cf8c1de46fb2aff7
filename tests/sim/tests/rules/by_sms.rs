//! What leaves and comes by SMS (DELIVERY 15, 17, 21, 22, 25 to 28).

use twine_engine::message::{Channel, MessageId, Shown, SmsAttempt, WaitsFor};
use twine_engine::parts::{AttemptId, PartState};
use twine_engine::settings::{Fallback, Settings};
use twine_engine::store_ops::{StoreOps, Token};
use twine_engine::{Command, Input, Order, Reply, SmsReceived, TelephonyEvent};
use twine_proto::frame::{Accepted, Deliver, Refusal, RevokeOutcome, Submit};
use twine_proto::originator::originator;
use twine_proto::{Content, E164, Filled, Frame, LaneSeq, NoteEntry, Peer, Redacted, Seq};
use twine_sim::handset::iccid_of;
use twine_sim::sms::phone::sim;
use twine_sms::fold;

use crate::desk::{Desk, delivery, own, peer, send};
use crate::frames::{accepted, revoked};

pub(crate) fn send_by(text: &str, channel: Channel) -> Command {
    let mut command = send(text, None);
    if let Command::Send { by, .. } = &mut command {
        *by = Some(channel);
    }
    command
}

/// A message that the user wants to go by SMS; with equal texts, tokens tell them apart.
pub(crate) fn send_by_sms(text: &str, token: &str) -> Command {
    let mut command = send_by(text, Channel::Sms);
    if let Command::Send { token: its, .. } = &mut command {
        *its = Token(token.as_bytes().to_vec());
    }
    command
}

pub(crate) fn by_sms(desk: &mut Desk, text: &str, token: &str) -> MessageId {
    desk.command(send_by_sms(text, token));
    desk.last_sent()
}

/// The SMS that the agent was asked to send, in order.
pub(crate) fn ordered(desk: &Desk) -> Vec<(AttemptId, String)> {
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
pub(crate) fn until_ordered(desk: &mut Desk, count: usize, at_most_ms: u64) -> Option<u64> {
    (0..=at_most_ms / 100).find_map(|step| {
        if step > 0 {
            desk.pass(100);
        }
        (ordered(desk).len() >= count).then_some(step * 100)
    })
}

pub(crate) fn result(desk: &mut Desk, attempt: AttemptId, state: PartState) {
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

fn refused(desk: &mut Desk, attempt: AttemptId, code: i32) {
    desk.input(Input::Telephony(TelephonyEvent::SmsPart {
        attempt,
        part: 0,
        state: PartState::Refused,
        code: Some(code),
    }));
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
