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
        (["--minutes", "0"], "--minutes 0: expected 1 to 1000000"),
        (["--minutes", "ten"], "--minutes ten: expected 1 to"),
        (["--jobs", "0"], "--jobs 0: expected 1 to 256"),
        (["--handsets", "1"], "--handsets 1: expected 2 to 200"),
        (["--replay", "-1"], "--replay -1: expected 0 to"),
        (["--seeds", "3..3"], "--seeds 3..3: expected A..B"),
        (
            ["--set", "nothing=1"],
            "--set nothing=1: expected DIAL=VALUE",
        ),
    ] {
        let (code, said) = run(SIM, &args, Stdio::null());
        assert_eq!(code, Some(2), "{args:?}");
        assert!(said.contains(expected), "{said}");
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
            &["--minutes", "10", "--seeds", "0..1", "--json", "/nowhere/x"],
            "cannot write /nowhere/x",
        ),
    ] {
        let (code, said) = run(program, args, Stdio::null());
        assert_eq!(code, Some(2), "{args:?}");
        assert!(said.contains(expected), "{said}");
    }
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
