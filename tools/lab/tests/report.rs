//! The reports of a made-up run: what programs rely on, and that the page
//! stands on its own.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::Path;
use std::time::Duration;

use twine_control::pb::Channel;
use twine_lab::journal::{Entry, Topic};
use twine_lab::ledger::{Arrival, Facts, SentMessage};
use twine_lab::mobile::{MobileCounts, SentSms};
use twine_lab::observer::Span;
use twine_lab::relay::LinkCounters;
use twine_lab::report;
use twine_lab::rng::Rng;
use twine_lab::run::Outcome;
use twine_lab::scenario::{self, Scenario};
use twine_lab::sms_score::{Party, SmsScore};
use twine_lab::texts::{Mark, compose};
use twine_lab::verdict::Verdict;

fn scenario() -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/default.toml");
    scenario::load(&path).unwrap()
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A run of a minute; `lost`: one message never arrives.
fn outcome(scenario: &Scenario, lost: bool) -> Outcome {
    let mut rng = Rng::new(1);
    let mut facts = Facts::default();
    for (from, name) in [(0, "amina"), (1, "bello")] {
        for number in 1..=120u64 {
            let mark = Mark {
                sender: name.to_owned(),
                number,
            };
            let requested = Duration::from_millis(500 * number);
            let profile = ["lte", "edge-lossy", "2g-rural", "wifi"][number as usize / 31];
            let slow = 60 << (2 * (number / 31));
            let took = Duration::from_millis(slow + rng.next_u64() % (slow * 3));
            facts.sent.insert(
                mark.clone(),
                SentMessage {
                    from,
                    to: 1 - from,
                    text: compose(1, &mark),
                    link: Some("sim1".to_owned()),
                    profile: profile.to_owned(),
                    requested,
                    confirmed: Some(requested),
                    told_delivered: Some(requested + took),
                    ..SentMessage::default()
                },
            );
            if !(lost && mark.to_string() == "#bello-40") {
                let came_by = if number % 10 == 0 {
                    Channel::Sms
                } else {
                    Channel::Ip
                };
                facts.arrivals.push(Arrival {
                    to: 1 - from,
                    mark: Some(mark),
                    message_id: number,
                    at: requested + took,
                    came_by,
                    copy_of: None,
                });
            }
        }
    }
    let entry = |at, topic, who: &str, what: &str| Entry {
        at: s(at),
        topic,
        who: who.to_owned(),
        what: what.to_owned(),
    };
    let span = |from, profile: &str| Span {
        from: s(from),
        link: Some("sim1".to_owned()),
        profile: profile.to_owned(),
    };
    let spans = vec![
        span(0, "lte"),
        span(15, "edge-lossy"),
        span(30, "2g-rural"),
        Span {
            from: s(44),
            link: None,
            profile: String::new(),
        },
        span(46, "wifi"),
    ];
    facts.merged = 3;
    facts.reordered = 2;
    let own = |party: usize| scenario.number_of(party).expose();
    let sms_sent: Vec<_> = (1..=12u64)
        .map(|number| SentSms {
            at: s(number * 5),
            phone: 0,
            iccid: "8900".to_owned(),
            from: Some(own(0)),
            to: own(1),
            text: facts
                .sent
                .values()
                .nth(number as usize)
                .map_or_else(String::new, |sent| sent.text.clone()),
            parts: 2,
            taken: if number == 12 { 0 } else { 2 },
            cost_micros: if number == 12 { 0 } else { 60_000 },
        })
        .collect();
    let parties: Vec<_> = (0..scenario.parties())
        .map(|party| Party {
            number: own(party),
            plain: scenario.is_plain(party),
        })
        .collect();
    Outcome {
        verdict: Verdict::of(&facts, &[]),
        sms: SmsScore::of(&facts, &parties, &sms_sent, MobileCounts::default()),
        sms_sent,
        facts,
        journal: vec![
            entry(12, Topic::Link, "amina", "link sim1 is cut: packets vanish"),
            entry(15, Topic::Link, "amina", "link sim1 carries again"),
            entry(20, Topic::Process, "amina", "daemon killed (SIGKILL)"),
            entry(21, Topic::Process, "amina", "daemon started again"),
            entry(
                22,
                Topic::Session,
                "amina",
                "session live by <quic> over sim1",
            ),
            entry(28, Topic::Process, "gateway", "killed (SIGKILL)"),
            entry(35, Topic::Sms, "amina", "slot 0 has coverage: 2g"),
            entry(40, Topic::Sms, "savanna", "SMS centre sends a part twice"),
            entry(
                41,
                Topic::Decision,
                "amina",
                "#amina-9 goes by SMS: no link is up",
            ),
        ],
        journal_not_kept: 0,
        without_session: vec![s(3); scenario.handsets.len()],
        wake_ups: vec![2; scenario.handsets.len()],
        data_moves: vec![1; scenario.handsets.len()],
        spans: vec![spans.clone(), spans],
        carried: scenario
            .handsets
            .iter()
            .map(|handset| {
                vec![
                    LinkCounters {
                        bytes_up: 1000,
                        bytes_down: 500,
                        ..LinkCounters::default()
                    };
                    handset.links.len()
                ]
            })
            .collect(),
        lasted: s(62),
        log_errors: Vec::new(),
    }
}

#[test]
fn json_has_the_keys_that_programs_rely_on() {
    let scenario = scenario();
    let json = report::json(&scenario, &outcome(&scenario, false));
    for (key, value) in [
        ("sent", 240),
        ("delivered", 240),
        ("lost", 0),
        ("duplicated", 0),
        ("out_of_order", 0),
        ("bytes_on_wire", 10_500),
        ("sms_parts", 22),
        ("merged", 3),
        ("reordered", 2),
    ] {
        assert_eq!(json[key], value, "{key}");
    }
    assert!(json["sms_wasted"].is_u64());
    assert_eq!(
        json["by_channel"],
        serde_json::json!({ "ip": 216, "sms": 24 })
    );
    assert_eq!(json["data_sim_switches"], 3);
    assert_eq!(json["seconds_without_session"], 9.0);
    assert_eq!(json["wakeups"], 6);
    assert_eq!(json["handsets"]["amina"]["data_sim_switches"], 1);
    assert_eq!(json["latency_by_channel_ms"]["sms"]["n"], 24);
    for key in ["n", "p50", "p90", "p99"] {
        assert!(json["latency_ms"]["lte"][key].is_u64(), "{key}");
    }
}

#[test]
fn the_scoreboard_says_whether_it_was_good() {
    let scenario = scenario();
    let good = report::scoreboard(&scenario, &outcome(&scenario, false));
    assert!(
        good.ends_with("GOOD: everything arrived, once and in order\n"),
        "{good}"
    );
    assert!(!good.contains('\x1b'));
    assert!(
        good.contains("SMS parts          22   cost 0.660;"),
        "{good}"
    );
    let bad = report::scoreboard(&scenario, &outcome(&scenario, true));
    assert!(bad.contains("lost                1   #bello-40"), "{bad}");
    assert!(bad.ends_with("NOT GOOD: see above\n"), "{bad}");
}

#[test]
fn the_page_stands_on_its_own() {
    let scenario = scenario();
    let page = report::html(&scenario, &outcome(&scenario, true));
    // `TWINE_PAGE=FILE` keeps it, to be looked at.
    if let Some(path) = std::env::var_os("TWINE_PAGE") {
        std::fs::write(path, &page).unwrap();
    }
    for fetched in ["http://", "https://", "src=", "@import", "url(", "<script"] {
        assert!(!page.contains(fetched), "{fetched}");
    }
    assert_eq!(
        page.matches("<svg viewBox=\"0 0 1040").count(),
        2,
        "two senders"
    );
    assert_eq!(page.matches("class=\"sms-bar").count(), 12);
    assert!(page.contains("class=\"by-sms\""));
    assert!(page.contains("goes by SMS: no link is up"));
    assert!(page.contains("LOST"));
    assert!(page.contains("by &lt;quic&gt; over"), "texts are escaped");
}
