//! What the programs say of a wrong command line, and where nobody listens.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs::OpenOptions;
use std::process::{Command, Stdio};

const SIM: &str = env!("CARGO_BIN_EXE_twine-sim");
const LINKS: &str = env!("CARGO_BIN_EXE_links-eval");
const HEARTBEATS: &str = env!("CARGO_BIN_EXE_heartbeat-eval");
const RETURNS: &str = env!("CARGO_BIN_EXE_reconnect-eval");

fn run(program: &str, args: &[&str], out: Stdio) -> (Option<i32>, String) {
    let output = Command::new(program)
        .args(args)
        .stdout(out)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("panicked"), "{said}");
    (output.status.code(), said)
}

#[test]
fn a_wrong_option_is_named_with_what_is_allowed() {
    for (args, expected) in [
        ("--minutes 0", "--minutes 0: expected 1 to 1000000"),
        ("--minutes ten", "--minutes ten: expected 1 to"),
        ("--jobs 0", "--jobs 0: expected 1 to 256"),
        ("--handsets 1", "--handsets 1: expected 2 to 200"),
        ("--replay -1", "--replay -1: expected 0 to"),
        ("--seeds 3..3", "--seeds 3..3: expected A..B"),
        (
            "--seeds 0..18446744073709551615",
            "with A < B <= 4611686018427387904",
        ),
        (
            "--set nothing=1",
            "there is no dial \"nothing\"; --dials lists all",
        ),
        ("--set kill_ms", "--set kill_ms: expected DIAL=VALUE"),
        (
            "--set kill_ms=18446744073709551615",
            "expected 0 (off) or 1 to 60000000000",
        ),
        ("--set kill_ms=soon", "expected 0 (off) or 1 to 60000000000"),
        ("--set handsets=1", "--set handsets=1: expected 2 to 200"),
        ("--set handsets=0", "--set handsets=0: expected 2 to 200"),
        (
            "--set handsets=1000",
            "--set handsets=1000: expected 2 to 200",
        ),
        (
            "--first-of nonsense",
            "no such promise; there are\n  a token names one message\n",
        ),
        (
            "--replay 3 --story --message nosuch",
            "--message nosuch: expected a name, for example h0m5",
        ),
    ] {
        refused(args, expected);
    }
}

#[test]
fn the_evaluations_name_a_wrong_option_too() {
    for (program, args, expected) in [
        (
            HEARTBEATS,
            &["--days", "61"][..],
            "--days 61: expected 1 to 60",
        ),
        (HEARTBEATS, &["--seeds", "0..101"], "at most 100 seeds"),
        (
            RETURNS,
            &["--handsets", "0"],
            "--handsets 0: expected 1 to 100000",
        ),
        (RETURNS, &["--seeds", "0..1"], "--seeds"),
        (LINKS, &["-x"], "-x"),
        (LINKS, &["--json"], "--json"),
        (
            LINKS,
            &["--json", "/nowhere/x"],
            "--json /nowhere/x: there is no folder /nowhere",
        ),
    ] {
        let (code, said) = run(program, args, Stdio::null());
        assert_eq!(code, Some(2), "{args:?}");
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    for (args, expected) in [
        (
            "--story",
            "--story goes with --replay, not with --seeds: leave one",
        ),
        ("--seeds 0..1 --story", "--story goes with --replay"),
        (
            "--minimise 3 --story",
            "--story goes with --replay, not with --minimise",
        ),
        (
            "--seeds 0..1 --message h0m1",
            "--message goes with --replay",
        ),
        (
            "--replay 3 --message h0m1",
            "--message picks lines of a story: add --story",
        ),
        (
            "--replay 3 --minimise 4",
            "--minimise after --replay: give one of --seeds, --replay and",
        ),
        ("--replay 3 --replay 4", "--replay after --replay"),
        ("--replay 3 --first", "--first goes with --seeds"),
        ("--replay 3 --complete", "--complete goes with --seeds"),
        (
            "--minimise 3 --coverage",
            "--coverage goes with --seeds or --replay, not with --minimise",
        ),
    ] {
        refused(args, expected);
    }
}

fn refused(args: &str, expected: &str) {
    let words: Vec<&str> = args.split(' ').collect();
    let (code, said) = run(SIM, &words, Stdio::null());
    assert_eq!(code, Some(2), "{args}");
    assert!(said.contains(expected), "{args}: {said}");
}

#[test]
fn a_message_that_is_not_in_the_world_is_said_to_be_missing() {
    let args = "--replay 3 --minutes 1 --story --message h0m99999";
    refused(args, "--message h0m99999: there is no such message");
}

#[test]
fn worlds_that_fail_are_failures_of_a_complete_run_too() {
    // A store that takes two years for a commit; and of one world most names are never
    // reached.
    let args =
        "--seeds 0..1 --minutes 1 --complete --tries 0 --calm --set slow_store_ms=60000000000";
    let output = Command::new(SIM).args(args.split(' ')).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    let numbers = |line: &str| -> Vec<u64> {
        let words = line.split(|c: char| !c.is_ascii_digit());
        words.filter_map(|word| word.parse().ok()).collect()
    };
    let mut last = told.lines().rev();
    let [passed, failed] = numbers(last.next().unwrap())[..] else {
        panic!("{told}");
    };
    let [broken, worlds, findings, listed] = numbers(last.next().unwrap())[..] else {
        panic!("{told}");
    };
    assert_eq!((broken, worlds), (1, 1));
    assert_eq!(failed, broken + findings);
    assert_eq!(passed + failed, worlds + listed);
}

#[test]
fn what_can_be_set_is_listed() {
    let output = Command::new(SIM).arg("--dials").output().unwrap();
    assert!(output.status.success());
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.starts_with("handsets (2 to 200)\n"), "{told}");
    assert!(
        told.contains("\nkill_ms (0, 1 to 60000000000)\n    Mean time"),
        "{told}"
    );
}

#[test]
fn an_answer_that_cannot_be_written_is_said_and_no_success() {
    for program in [SIM, LINKS, HEARTBEATS, RETURNS] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let (code, said) = run(program, &["--help"], full.into());
        assert_eq!(code, Some(74));
        assert!(said.contains("cannot write to standard output"), "{said}");
    }
}

#[test]
fn whose_reader_is_gone_ends_without_a_word() {
    for (program, args) in [
        (SIM, ["--seeds", "0..1", "--minutes", "1"]),
        (LINKS, ["--seeds", "0..1", "--minutes", "10"]),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(
            run(program, &args, writer.into()),
            (Some(141), String::new())
        );
    }
}

/// As in `2>&1 | head -1`.
#[test]
fn nobody_listens_to_errors() {
    for program in [SIM, LINKS, HEARTBEATS, RETURNS] {
        let (reader, nobody) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(program);
        let status = command.arg("--bogus").stderr(nobody).status().unwrap();
        assert_eq!(status.code(), Some(2), "{program}");
    }
}
