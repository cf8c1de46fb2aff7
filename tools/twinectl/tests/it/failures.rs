//! Exit codes, and what is said when something is not done.

use std::path::Path;
use std::process::Output;

use crate::common::{Answer, FakeDaemon, run};
use twine_control::pb;
use twine_control::pb::reply::Kind;
use twine_proto::control::ClientMessage;

fn stderr(output: &Output) -> String {
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn answered(answer: Answer, arguments: &[&str]) -> (i32, String) {
    let daemon = FakeDaemon::start([answer]);
    let output = run(&daemon.socket(), arguments);
    (output.status.code().unwrap(), stderr(&output))
}

fn refusal() -> Answer {
    Answer::Reply(Kind::Error(pb::Error {
        code: pb::ErrorCode::NotFound as i32,
        message: "there is no message 17 of +254712345678".to_owned(),
    }))
}

#[test]
fn one_the_daemon_says_no() {
    let (exit, said) = answered(refusal(), &["cancel", "17"]);
    assert_eq!(exit, 1);
    assert_eq!(said, "twinectl: there is no message 17 of +254712345678\n");
    let (exit, said) = answered(refusal(), &["cancel", "17", "--json", "--redact"]);
    assert_eq!(exit, 1);
    assert_eq!(
        said,
        "{\"error\":{\"code\":\"not_found\",\"message\":\"there is no message 17 of \
         +254…78\",\"exit\":1}}\n"
    );
}

#[test]
fn two_wrong_usage_says_what_is_allowed() {
    let cases: [(&[&str], &str); 25] = [
        (&[], "which command? one of status, links"),
        (
            &["stat"],
            "there is no command \"stat\"; allowed are status, ",
        ),
        (&["status", "--frobnicate"], "no option --frobnicate here"),
        (&["-x"], "no option -x here"),
        (&["status", "now"], "\"now\" is one argument too many"),
        (&["show"], "which message? give its id"),
        (&["show", "abc"], "a message id takes a whole number from 1"),
        (&["send", "+254712345678"], "what? give the text"),
        (&["send", "+1", "a", "b"], "put the text into quotes"),
        (
            &["outbox", "--limit", "201"],
            "--limit takes a whole number from 1 to 200",
        ),
        (
            &["register", "+254712345678"],
            "add --consent if that is so",
        ),
        (
            &["send", "+254712345678", "x", "--by", "pigeon"],
            "--by takes ip, sms, not \"pigeon\"",
        ),
        (&["preview", "+254712345678"], "what? give the text"),
        (&["explain"], "which message? give its id"),
        (
            &["settings", "--sim", "8925402"],
            "a card is chosen for one conversation: give --peer",
        ),
        (
            &["settings", "--own", "+254712345678"],
            "settings are of all conversations or of one: give --peer too",
        ),
        (
            &["--role", "root", "status"],
            "there is no role \"root\"; allowed are app",
        ),
        (&["sms"], "sms does what? segments or decode"),
        (&["sms", "send"], "sms cannot \"send\"; allowed are"),
        (&["sms", "segments"], "which text? give it behind segments"),
        (&["sms", "segments", "a", "b"], "put the text into quotes"),
        (
            &["sms", "segments", "a", "--tables", "tr,xx"],
            "there is no table \"xx\"; allowed are tr, es,",
        ),
        (
            &["sms", "decode", "00", "--to-phone", "--from-phone"],
            "either --to-phone or --from-phone",
        ),
        (
            &["sms", "decode", "00 1G"],
            "character 5, 'G', is no hexadecimal digit",
        ),
        (
            &["sms", "decode", "001"],
            "octet 1 has only one hexadecimal digit",
        ),
    ];
    for (arguments, expected) in cases {
        let output = run(Path::new("/nonexistent"), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = stderr(&output);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn three_no_daemon() {
    let output = run(Path::new("/nonexistent/twined"), &["status"]);
    assert_eq!(output.status.code(), Some(3));
    let said = stderr(&output);
    assert!(
        said.starts_with(
            "twinectl: cannot reach the daemon at /nonexistent/twined: is it running?: No such file"
        ),
        "{said}"
    );
}

#[test]
fn three_a_daemon_that_hangs_up_while_being_read() {
    let (exit, said) = answered(Answer::HangUp, &["status"]);
    assert_eq!(exit, 3, "{said}");
}

#[test]
fn four_a_daemon_that_cannot_be_understood() {
    let (exit, said) = answered(Answer::Garbage, &["status"]);
    assert_eq!(exit, 4, "{said}");
    let unfitting = Answer::Reply(Kind::Done(pb::Done {}));
    let (exit, said) = answered(unfitting, &["status"]);
    assert_eq!(exit, 4, "{said}");
}

#[test]
fn five_an_unknown_result_says_how_to_repeat() {
    let daemon = FakeDaemon::start([Answer::HangUp]);
    let output = run(&daemon.socket(), &["send", "+2348031234567", "habari"]);
    assert_eq!(output.status.code(), Some(5));
    let said = stderr(&output);
    let heard = daemon.heard();
    let ClientMessage::Request(pb::Request {
        kind: Some(pb::request::Kind::Send(send)),
        ..
    }) = &heard[1]
    else {
        panic!("no send");
    };
    assert!(
        said.ends_with(&format!("repeat it with --token {}\n", send.token)),
        "{said}"
    );
}

fn roles_asked(arguments: &[&str]) -> (Vec<i32>, String) {
    let daemon = FakeDaemon::start([Answer::Reply(Kind::Status(pb::Status::default()))]);
    assert!(run(&daemon.socket(), arguments).status.success());
    let heard = daemon.heard();
    let ClientMessage::Connect(connect) = &heard[0] else {
        panic!("no greeting");
    };
    (connect.roles.clone(), connect.client.clone())
}

#[test]
fn a_report_asks_for_diagnostics_only_and_under_a_name_of_its_own() {
    let (roles, client) = roles_asked(&["status", "--redact"]);
    assert_eq!(roles, [pb::Role::Diagnostics as i32]);
    assert!(client.starts_with("twinectl-"));
    let (roles, _) = roles_asked(&["status"]);
    assert_eq!(roles, [pb::Role::App as i32]);
    let (roles, client) = roles_asked(&["status", "--role", "telephony", "--client", "x"]);
    assert_eq!(roles, [pb::Role::Telephony as i32]);
    assert_eq!(client, "x");
}
