//! `twinectl sms`, which needs no daemon.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::common::{run, snapshot};

const DELIVER: &str = "07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37";
const SUBMIT: &str = "0011000B916407281553F80000AA0AE8329BFD4697D9EC37";
const REPORT: &str = "07914356060013F1065A098136397339F7219011700463802190117004638030";
/// The second of two parts for a port, in UCS-2.
const PART: &str = "44 0C91 527421436587 00 08 62115241307021
    12 0B 0003CC0202 0504 3E80 0000 0436 D83D DE00";

fn without_daemon(arguments: &[&str]) -> Output {
    run(Path::new("/nonexistent"), arguments)
}

fn said(arguments: &[&str]) -> String {
    let output = without_daemon(arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn said_to(input: &[u8], arguments: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_twinectl"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn segments_are_counted() {
    let mut all = said(&["sms", "segments", "Habari ya asubuhi"]);
    all += &said(&["sms", "segments", &"a".repeat(161)]);
    all += &said(&["sms", "segments", "Nafika saa 10 ж"]);
    all += &said(&[
        "sms",
        "segments",
        "yarın görüşürüz",
        "--tables",
        "tr-single",
    ]);
    all += &said(&["sms", "segments", "नमस्ते", "--tables", "tr,hi"]);
    all += &said(&["sms", "segments", "नमस्ते", "--redact"]);
    all += &said(&["sms", "segments", "20 €", "--json"]);
    snapshot("sms.segments", &all);
    let too_long = without_daemon(&["sms", "segments", &"a".repeat(255 * 153 + 1)]);
    assert_eq!(too_long.status.code(), Some(1));
    let stderr = String::from_utf8(too_long.stderr).unwrap();
    assert!(
        stderr.contains("would take 256 parts, and 255 are possible"),
        "{stderr}"
    );
}

#[test]
fn pdus_are_taken_apart() {
    snapshot("sms.deliver", &said(&["sms", "decode", DELIVER]));
    snapshot(
        "sms.submit",
        &said(&["sms", "decode", "--from-phone", SUBMIT]),
    );
    snapshot("sms.report", &said(&["sms", "decode", REPORT]));
    snapshot("sms.part", &said(&["sms", "decode", PART]));
    for (name, pdu) in [
        ("deliver", DELIVER),
        ("submit", SUBMIT),
        ("report", REPORT),
        ("part", PART),
    ] {
        let json = said(&["sms", "decode", "--json", pdu]);
        snapshot(&format!("sms.{name}.json"), &json);
    }
}

/// As they leave: an SMS of which there is no other copy has no spaces at its end.
#[test]
fn spaces_at_the_end_do_not_count() {
    for (given, leaves) in [(160, 160), (161, 160), (164, 160)] {
        let text = format!("{:<given$}", "a".repeat(leaves));
        let counted = said(&["sms", "segments", &text, "--json"]);
        let expected = "{\"encoding\":\"gsm7\",\"count\":1,\"units_left\":0}\n";
        assert_eq!(counted, expected, "{given}");
    }
    let spaces = said(&["sms", "segments", "a  "]);
    assert!(spaces.ends_with("without the spaces at its end: no SMS leaves with them\n"));
    let nothing = said(&["sms", "segments", "   "]);
    assert!(nothing.contains("it is only spaces"), "{nothing}");
}

#[test]
fn what_is_not_as_the_standard_has_it_is_remarked() {
    let deliver =
        |pid, dcs, data: &str| format!("04 0B91 3881382000F1 {pid} {dcs} 99309251619580 {data}");
    let time = "04 0B91 3881382000F1 00 00 FFFFFFFFFFFFFF 01 41";
    let cases = [
        (deliver("00", "08", "04 0041 0042"), &[][..]),
        (
            deliver("00", "08", "06 0041 D83D 0042"),
            &[
                "16-bit unit 2 of TP-UD is half of a surrogate pair without the other half, shown \
               as U+FFFD",
            ][..],
        ),
        (
            deliver("00", "08", "03 0041 00"),
            &[
                "TP-UD has an odd number of octets, and UCS-2 takes two a character: the last is \
               left out",
            ],
        ),
        (
            deliver("33", "80", "01 41"),
            &[
                "TP-PID 33 is reserved, read as 00",
                "TP-DCS 80 is reserved, read as GSM 7-bit",
            ],
        ),
        (
            time.to_owned(),
            &["TP-SCTS holds no time: figures out of their range, or no digits"],
        ),
        (
            // The first of two parts; and a second that goes on.
            PART.replace("0202", "0201")
                .replace("DE00", "D83D")
                .replace("D83D D83D", "0041 D83D"),
            &[
                "16-bit unit 3 of TP-UD is half of a surrogate pair without the other half, shown \
               as U+FFFD; the other half may begin the next part",
            ],
        ),
        (
            PART.replace("0436 D83D DE00", "DE00 0436 0436"),
            &[
                "16-bit unit 1 of TP-UD is half of a surrogate pair without the other half, shown \
               as U+FFFD; the other half may end the part before",
            ],
        ),
        (
            // A language that is none, and an element that is none.
            "44 0B91 3881382000F1 00 00 99309251619580 09 06 24 01 63 A1 01 00 41".to_owned(),
            &[
                "element 24 names the reserved language 99: read with the default table",
                "element A1 is reserved, and left out",
            ],
        ),
        (
            format!("{}{}", &REPORT[..REPORT.len() - 2], "2F"),
            &["TP-ST 2F is reserved, read as: temporary error, still trying"],
        ),
    ];
    for (pdu, remarks) in cases {
        let text = said(&["sms", "decode", &pdu]);
        let found: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("remark   "))
            .collect();
        assert_eq!(found, remarks, "{pdu}: {text}");
        let json = said(&["sms", "decode", "--json", &pdu]);
        let list: Vec<_> = remarks
            .iter()
            .map(|remark| format!("\"{remark}\""))
            .collect();
        let list = format!("\"remarks\":[{}]", list.join(","));
        assert!(json.contains(&list), "{json}");
    }
}

#[test]
fn a_report_has_neither_numbers_nor_texts() {
    for pdu in [DELIVER, SUBMIT, REPORT, PART] {
        for json in [&["--json"][..], &[]] {
            let mut arguments = vec!["sms", "decode", "--redact", pdu];
            arguments.extend(json);
            let said = said(&arguments);
            for private in [
                "hello", "ж", "738100", "838890", "467082", "393379", "547123",
            ] {
                assert!(!said.contains(private), "{private} in {said}");
            }
        }
    }
}

#[test]
fn stdin_may_hold_either() {
    let output = said_to("ığ\n".as_bytes(), &["sms", "segments", "-", "--json"]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        stdout,
        "{\"encoding\":\"ucs2\",\"count\":1,\"units_left\":68}\n"
    );
    let lines = DELIVER.replace("0000", "\n0000\n");
    let output = said_to(lines.as_bytes(), &["sms", "decode", "-"]);
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        said(&["sms", "decode", DELIVER])
    );
    let output = said_to(b"a\xff", &["sms", "segments", "-"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, "twinectl: stdin is no UTF-8 at byte 1\n");
}

#[test]
fn a_pdu_may_be_pasted_as_it_is_found() {
    let plain = said(&["sms", "decode", DELIVER]);
    for pasted in [
        format!("0x{DELIVER}"),
        format!("[UNSL]< UNSOL_RESPONSE_NEW_SMS {DELIVER} [SUB0]"),
        format!(
            "11-30 08:27:26.123  1404  1777 D RILJ    : [UNSL]< UNSOL_RESPONSE_NEW_SMS {DELIVER}\n"
        ),
        format!("> RIL_REQUEST_SEND_SMS pdu=0x{DELIVER}"),
    ] {
        assert_eq!(said(&["sms", "decode", &pasted]), plain, "{pasted}");
        let output = said_to(pasted.as_bytes(), &["sms", "decode", "-"]);
        assert_eq!(String::from_utf8(output.stdout).unwrap(), plain, "{pasted}");
    }
    let stderr = String::from_utf8(said_to(b" \n", &["sms", "decode", "-"]).stderr).unwrap();
    assert_eq!(stderr, "twinectl: no PDU given\n");
    // What was typed wrongly is not passed over.
    let wrong = format!("[UNSL]< 0011223344556677 {}G", &DELIVER[..40]);
    let output = without_daemon(&["sms", "decode", &wrong]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn what_is_no_pdu_is_told_with_field_and_place() {
    let cases = [
        (
            vec![&SUBMIT[..28]],
            "with service centre, as SMS-SUBMIT: TP-User-Data-Length, octet 14: expected 1 octet(s), \
             0 left; without, as SMS-DELIVER: ",
        ),
        (
            vec![&SUBMIT[..36]],
            "with service centre, as SMS-SUBMIT: TP-User-Data, octet 15: expected 9 octet(s), 3 left",
        ),
        (vec![""], "no PDU given"),
        (
            vec![&DELIVER[..16]],
            "a service centre's address alone: the PDU behind it is missing",
        ),
        (
            vec![&DELIVER[16..], "--from-phone"],
            "TP-Message-Type-Indicator, octet 0: type 00 from the phone is SMS-DELIVER-REPORT; \
             expected SMS-DELIVER (00)",
        ),
    ];
    for (mut arguments, expected) in cases {
        arguments.splice(0..0, ["sms", "decode"]);
        let output = without_daemon(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(
            stderr.starts_with(&format!("twinectl: {expected}")),
            "{stderr}"
        );
        arguments.push("--json");
        let stderr = String::from_utf8(without_daemon(&arguments).stderr).unwrap();
        assert!(
            stderr.starts_with("{\"error\":{\"code\":\"invalid_pdu\""),
            "{stderr}"
        );
    }
}
