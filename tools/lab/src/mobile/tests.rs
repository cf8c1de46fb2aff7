//! What a phone without any Twine would see.

use super::plan::{CardPlan, CentrePlan};
use super::*;

const AMINA: usize = 0;
const BELLO: usize = 1;
const NUMBERS: [&str; 2] = ["+254712345678", "+2348031234567"];
const WALL_S: i64 = 1_800_000_000;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn iccid(phone: usize) -> String {
    format!("890000000000000000{phone}")
}

fn operator(name: &str, centre: CentrePlan) -> OperatorPlan {
    OperatorPlan {
        name: name.to_owned(),
        mcc_mnc: "00101".to_owned(),
        on_net_micros: 1_000,
        off_net_micros: 3_000,
        centre,
    }
}

/// Two phones, each with one card of its own operator.
fn country(centre: CentrePlan) -> Mobile {
    let operators = vec![operator("savanna", centre), operator("delta", centre)];
    let phones: Vec<_> = (0..2)
        .map(|phone| PhonePlan {
            name: format!("phone{phone}"),
            cards: vec![CardPlan {
                iccid: iccid(phone),
                number: Some(NUMBERS[phone].parse().unwrap()),
                operator: phone,
                slot: Some(0),
                balance_micros: None,
            }],
            coverage: [Coverage::G4; SLOTS],
        })
        .collect();
    Mobile::new(operators, &phones, 7, WALL_S)
}

fn send(mobile: &mut Mobile, now: Duration, id: u64, parts: &[&str]) {
    let parts: Vec<_> = parts.iter().map(|&part| part.to_owned()).collect();
    let call = Call {
        phone: AMINA,
        id: CallId(id),
        iccid: &iccid(AMINA),
        to: NUMBERS[BELLO],
        parts: &parts,
    };
    mobile.send(now, call);
}

/// All that is told until then, with when.
fn until(mobile: &mut Mobile, end: Duration) -> Vec<(usize, Told)> {
    let mut all = Vec::new();
    loop {
        let now = mobile.poll_timeout().unwrap_or(end).min(end);
        while let Some(told) = mobile.poll(now) {
            all.push(told);
        }
        if mobile.poll_timeout().is_none_or(|due| due > end) {
            return all;
        }
    }
}

fn texts(told: &[(usize, Told)]) -> Vec<&str> {
    told.iter()
        .filter_map(|(phone, told)| match told {
            Told::Message(message) if *phone == BELLO => Some(message.text.as_str()),
            _ => None,
        })
        .collect()
}

fn codes_of(told: &[(usize, Told)]) -> Vec<i32> {
    told.iter()
        .filter_map(|(_, told)| match told {
            Told::Sent { code, .. } => Some(*code),
            _ => None,
        })
        .collect()
}

fn reports(told: &[(usize, Told)]) -> usize {
    told.iter()
        .filter(|(_, told)| {
            matches!(
                told,
                Told::Report {
                    delivered: true,
                    ..
                }
            )
        })
        .count()
}

#[test]
fn a_message_arrives_is_charged_and_reported() {
    let mut mobile = country(CentrePlan::default());
    send(&mut mobile, s(1), 1, &["Habari ya asubuhi!  "]);
    let told = until(&mut mobile, s(60));
    assert_eq!(codes_of(&told), [codes::OK]);
    let Some((BELLO, Told::Message(message))) = told
        .iter()
        .find(|(_, told)| matches!(told, Told::Message(_)))
    else {
        panic!("no message: {told:?}");
    };
    // Trailing spaces are part of the text.
    assert_eq!(message.text, "Habari ya asubuhi!  ");
    assert_eq!(message.from, NUMBERS[AMINA]);
    assert_eq!(message.iccid, iccid(BELLO));
    assert_eq!(message.scts_ms / 1000, WALL_S as u64 + 1);
    assert_eq!(reports(&told), 1);
    let sent = &mobile.sent()[0];
    assert_eq!((sent.taken, sent.cost_micros), (1, 3_000), "off-net");
}

#[test]
fn parts_are_put_together_in_any_order_and_encoding() {
    let centre = CentrePlan {
        hold: 0.5,
        ..CentrePlan::default()
    };
    for parts in [
        ["one ", "two ", "three"],
        ["ሰላም፣ ", "እንዴት ", "ነህ? 🎂"],
        ["plain, ", "then emoji ", "👍🏾"],
    ] {
        let mut mobile = country(centre);
        for id in 0..5 {
            send(&mut mobile, s(id * 3), id, &parts);
        }
        let told = until(&mut mobile, s(60));
        assert_eq!(texts(&told), vec![parts.concat(); 5]);
        assert_eq!(reports(&told), 15);
    }
}

#[test]
fn a_double_of_the_centre_is_dropped_by_android() {
    let mut mobile = country(CentrePlan {
        double: 1.0,
        ..CentrePlan::default()
    });
    send(&mut mobile, s(1), 1, &["one ", "two"]);
    send(&mut mobile, s(1), 2, &["three"]);
    let told = until(&mut mobile, s(60));
    assert_eq!(texts(&told).len(), 2);
    assert_eq!(mobile.counts().doubled, 3);
    assert_eq!(mobile.counts().duplicates_dropped, 3);
}

#[test]
fn equal_texts_in_one_second_are_one_message_for_android() {
    let mut mobile = country(CentrePlan {
        delay_mean: Duration::ZERO,
        send_time: Duration::from_millis(1),
        ..CentrePlan::default()
    });
    send(&mut mobile, s(1), 1, &["ok"]);
    send(&mut mobile, s(1), 2, &["ok"]);
    let mut told = until(&mut mobile, s(3));
    send(&mut mobile, s(3), 3, &["ok"]);
    told.extend(until(&mut mobile, s(60)));
    assert_eq!(texts(&told), ["ok", "ok"]);
}

#[test]
fn a_phone_out_of_reach_gets_it_when_it_is_back() {
    let mut mobile = country(CentrePlan {
        retry_after: s(1000),
        ..CentrePlan::default()
    });
    mobile.set_flight_mode(s(0), BELLO, true);
    send(&mut mobile, s(1), 1, &["later"]);
    let told = until(&mut mobile, s(60));
    assert_eq!((texts(&told).len(), reports(&told)), (0, 0));
    mobile.set_flight_mode(s(60), BELLO, false);
    let told = until(&mut mobile, s(70));
    assert_eq!((texts(&told), reports(&told)), (vec!["later"], 1));
}

#[test]
fn a_moved_card_takes_its_messages_along() {
    let mut mobile = country(CentrePlan::default());
    mobile.move_card(s(0), &iccid(BELLO), None);
    send(&mut mobile, s(1), 1, &["where?"]);
    until(&mut mobile, s(10));
    mobile.move_card(s(10), &iccid(BELLO), Some((BELLO, 1)));
    let told = until(&mut mobile, s(20));
    assert_eq!(texts(&told), ["where?"]);
    assert_eq!(mobile.slot(BELLO, 0).card, None);
}

#[test]
fn each_trouble_has_its_code() {
    type Trouble = fn(&mut Mobile);
    let cases: [(Trouble, i32); 5] = [
        (
            |mobile| mobile.set_flight_mode(s(0), AMINA, true),
            codes::RADIO_OFF,
        ),
        (
            |mobile| mobile.set_coverage(s(0), AMINA, 0, Coverage::None),
            codes::NO_SERVICE,
        ),
        (
            |mobile| mobile.move_card(s(0), &iccid(AMINA), None),
            codes::SIM_ABSENT,
        ),
        (
            |mobile| mobile.set_balance(&iccid(AMINA), Some(5_999)),
            codes::GENERIC_FAILURE,
        ),
        (
            |mobile| mobile.operators[0].centre.reject = 1.0,
            codes::NETWORK_REJECT,
        ),
    ];
    for (trouble, code) in cases {
        let mut mobile = country(CentrePlan::default());
        trouble(&mut mobile);
        send(&mut mobile, s(1), 1, &["one ", "two"]);
        let told = until(&mut mobile, s(60));
        let expected = match code {
            // Enough for one part.
            codes::GENERIC_FAILURE => vec![codes::OK, code],
            _ => vec![code; 2],
        };
        assert_eq!(codes_of(&told), expected);
        assert!(texts(&told).is_empty());
    }
}

#[test]
fn the_framework_tries_again_three_times_two_seconds_apart() {
    let mut mobile = country(CentrePlan {
        radio_retry: 1.0,
        ..CentrePlan::default()
    });
    send(&mut mobile, s(0), 1, &["no"]);
    assert!(codes_of(&until(&mut mobile, s(6))).is_empty());
    assert_eq!(
        codes_of(&until(&mut mobile, s(10))),
        [codes::SEND_FAIL_RETRY]
    );

    mobile.operators[0].centre.radio_retry = 0.5;
    for id in 0..4 {
        send(&mut mobile, s(10), id, &["perhaps"]);
    }
    let told = until(&mut mobile, s(30));
    let sent = codes_of(&told)
        .iter()
        .filter(|&&code| code == codes::OK)
        .count();
    assert_eq!(texts(&told).len(), sent);
    assert!(sent > 0);
}

#[test]
fn limits_are_those_of_android() {
    let mut mobile = country(CentrePlan::default());
    for id in 0..6 {
        send(&mut mobile, s(1), id, &["x"]);
    }
    let told = until(&mut mobile, s(20));
    let refused = |told: &[(usize, Told)]| {
        let codes = codes_of(told);
        codes
            .iter()
            .filter(|&&code| code == codes::LIMIT_EXCEEDED)
            .count()
    };
    assert_eq!(refused(&told), 1, "more than five at once");
    assert_eq!(mobile.counts().dialogs, 0);

    for id in 0..5 {
        send(&mut mobile, s(20), 10 + id, &["a", "b", "c", "d", "e"]);
        until(&mut mobile, s(20) + s(8) * id as u32);
    }
    send(&mut mobile, s(57), 20, &["one too many"]);
    let told = until(&mut mobile, s(60));
    assert_eq!(refused(&told), 1, "31 in a minute");
    assert_eq!(mobile.counts().dialogs, 1);
    send(&mut mobile, s(62), 21, &["the first five have aged"]);
    assert_eq!(refused(&until(&mut mobile, s(80))), 0);
}

#[test]
fn a_dead_caller_hears_nothing_and_its_message_is_sent() {
    let mut mobile = country(CentrePlan::default());
    send(&mut mobile, s(1), 1, &["one ", "two"]);
    mobile.forget_calls(AMINA);
    let told = until(&mut mobile, s(60));
    assert_eq!(texts(&told), ["one two"]);
    assert_eq!((codes_of(&told).len(), reports(&told)), (0, 0));
}

#[test]
fn losses_and_missing_reports_are_counted() {
    let mut mobile = country(CentrePlan {
        loss: 0.5,
        withhold_reports: 0.5,
        ..CentrePlan::default()
    });
    let mut told = Vec::new();
    for id in 0..40 {
        send(&mut mobile, s(id * 10), id, &["x"]);
        told.extend(until(&mut mobile, s(id * 10 + 9)));
    }
    let counts = mobile.counts();
    assert_eq!(counts.parts, 40);
    assert_eq!(texts(&told).len() as u64, 40 - counts.lost);
    assert_eq!(
        reports(&told) as u64,
        40 - counts.lost - counts.reports_withheld
    );
    assert!(counts.lost > 5 && counts.reports_withheld > 2, "{counts:?}");
}

#[test]
fn a_number_that_nobody_has_is_reported_undeliverable() {
    let mut mobile = country(CentrePlan::default());
    let call = Call {
        phone: AMINA,
        id: CallId(1),
        iccid: &iccid(AMINA),
        to: "+254700000000",
        parts: &["x".to_owned()],
    };
    mobile.send(s(1), call);
    let told = until(&mut mobile, s(60));
    let report = Told::Report {
        call: CallId(1),
        part: 0,
        delivered: false,
    };
    assert!(told.contains(&(AMINA, report)), "{told:?}");
}
