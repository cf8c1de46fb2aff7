//! What a scenario file may say, and how mistakes are answered.

use twine_control::pb::Channel;

use super::*;
use crate::mobile::plan::{CentrePlan, Coverage};
use crate::scenario::{Process, What};

const GOOD: &str = r#"name = "two"
give_up_s = 60.0
[[handset]]
name = "amina"
number = "+254712345678"
[[handset.link]]
id = "lte"
kind = "cellular"
profile = "lte"
[[handset]]
name = "bello"
number = "+2348031234567"
[[handset.link]]
id = "wifi"
kind = "wifi"
profile = "wifi"
[[traffic]]
from = "amina"
to = "bello"
both_ways = true
count = 10
burst = 2
start_s = 1.0
every_s = 0.5
[[at]]
s = 5.0
do = "cut"
handset = "amina"
link = "lte"
for_s = 2.0
[[at]]
s = 4.0
do = "kill_gateway"
"#;

const SMS: &str = r#"name = "sms"
give_up_s = 60.0
[[operator]]
name = "savanna"
mcc_mnc = "63902"
on_net_micros = 10000
off_net_micros = 30000
[operator.sms_centre]
delay_s = 0.3
delay_mean_s = 0.4
delay_most_s = 4.0
loss = 0.1
double = 0.2
hold = 0.3
hold_s = 3.0
withhold_reports = 0.4
retry_s = 5.0
reject = 0.0
radio_retry = 0.05
send_s = 0.25
[[operator]]
name = "delta"
mcc_mnc = "62130"
[[handset]]
name = "amina"
number = "+254712345678"
coverage = ["4g", "3g"]
[[handset.card]]
id = "one"
slot = 0
number = "+254712345678"
[[handset.card]]
id = "two"
slot = 1
number = "+254733000111"
operator = "delta"
iccid = "8900000000000000001"
balance_micros = 500000
[[handset.card]]
id = "spare"
iccid = "8900000000000000002"
[[handset.link]]
id = "sim1"
kind = "cellular"
profile = "lte"
[[plain]]
name = "chidi"
number = "+254722000333"
[[plain]]
name = "dalia"
number = "+254722000444"
operator = "delta"
[[traffic]]
from = "amina"
to = "chidi"
both_ways = true
count = 3
start_s = 1.0
every_s = 0.5
[[at]]
s = 1.0
do = "coverage"
handset = "amina"
slot = 1
coverage = "none"
for_s = 2.0
[[at]]
s = 2.0
do = "flight_mode"
handset = "chidi"
for_s = 2.0
[[at]]
s = 5.0
do = "remove_card"
handset = "amina"
card = "two"
for_s = 2.0
[[at]]
s = 8.0
do = "insert_card"
handset = "amina"
card = "spare"
slot = 1
[[at]]
s = 9.0
do = "swap_cards"
handset = "amina"
[[at]]
s = 10.0
do = "pin_card"
handset = "amina"
to = "chidi"
card = "two"
[[at]]
s = 11.0
do = "balance"
handset = "amina"
card = "one"
balance_micros = 0
for_s = 1.0
[[at]]
s = 13.0
do = "retry"
handset = "amina"
to = "chidi"
channel = "sms"
[[at]]
s = 14.0
do = "kill_agent"
handset = "amina"
"#;

fn read(text: &str) -> Result<Scenario, Located> {
    let source = Source::new("s.toml".to_owned(), text.to_owned());
    check(&source, Path::new("/"))
}

fn wrong(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    read(&GOOD.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn a_good_scenario_is_read_and_ordered_by_time() {
    let scenario = read(GOOD).unwrap();
    assert_eq!(scenario.messages(), 20);
    assert_eq!(scenario.planned_end(), Duration::from_secs(7));
    let whats: Vec<_> = scenario
        .actions
        .iter()
        .map(|action| (action.at.as_secs(), &action.what))
        .collect();
    let link = |state| What::Link {
        handset: 0,
        link: 0,
        state,
    };
    assert_eq!(
        whats,
        [
            (4, &What::Kill(Process::Gateway)),
            (5, &link(LinkState::Cut)),
            (5, &What::Start(Process::Gateway)),
            (7, &link(LinkState::Up)),
        ]
    );
}

#[test]
fn errors_say_where_and_what_is_allowed() {
    let cases = [
        (
            "profile = \"lte\"",
            "profile = \"5g\"",
            "s.toml:9:11: there is no profile \"5g\"; allowed are 2g-rural, ",
        ),
        (
            "do = \"cut\"",
            "do = \"explode\"",
            "s.toml:27:6: do = \"explode\" is not allowed: one of link_up, ",
        ),
        (
            "to = \"bello\"",
            "to = \"chidi\"",
            "s.toml:19:6: there is no handset \"chidi\": one of amina, bello",
        ),
        (
            "link = \"lte\"",
            "link = \"umts\"",
            "s.toml:29:8: link = \"umts\" is not allowed: amina has lte",
        ),
        (
            "link = \"lte\"\n",
            "",
            "s.toml:25:1: do = \"cut\" needs link, one of lte",
        ),
        (
            "\"+254712345678\"",
            "\"0712345678\"",
            "s.toml:5:10: number = \"0712345678\": a phone number must be in international form",
        ),
        (
            "burst = 2",
            "burst = 11",
            "s.toml:22:9: burst = 11 is not allowed: 1 to 10",
        ),
        (
            "give_up_s = 60.0",
            "give_up_s = 5.0",
            "s.toml:2:13: give_up_s = 5 is not allowed: the plan itself lasts until 7.0",
        ),
        (
            "do = \"kill_gateway\"",
            "do = \"kill_gateway\"\nlink = \"lte\"",
            "s.toml:34:8: link is not allowed with do = \"kill_gateway\"",
        ),
        (
            "both_ways = true",
            "both = true",
            "s.toml:20:1: unknown field `both`, expected one of",
        ),
        (
            "\"bello\"\nnumber",
            "\"amina\"\nnumber",
            "s.toml:11:8: the handset \"amina\" is there twice",
        ),
        (
            "s = 5.0",
            "s = -1.0",
            "s.toml:26:5: s = -1 is not allowed: 0 to 86400 seconds",
        ),
        (
            "id = \"wifi\"",
            "id = \"../x\"",
            "s.toml:14:6: id = \"../x\" is not allowed: 1 to 24",
        ),
    ];
    for (from, to, expected) in cases {
        let error = wrong(from, to);
        assert!(error.starts_with(expected), "{to}: {error}");
    }
}

#[test]
fn operators_cards_and_plain_phones_are_read() {
    let scenario = read(SMS).unwrap();
    let [savanna, delta] = &scenario.operators[..] else {
        panic!("{:?}", scenario.operators);
    };
    assert_eq!(savanna.off_net_micros, 30_000);
    assert_eq!(savanna.centre.hold_for, Duration::from_secs(3));
    assert!((savanna.centre.withhold_reports - 0.4).abs() < f64::EPSILON);
    assert_eq!(delta.centre, CentrePlan::default());
    let amina = &scenario.handsets[0];
    assert_eq!(amina.coverage, [Coverage::G4, Coverage::G3]);
    let cards = amina.cards.iter().map(|card| {
        let plan = &card.plan;
        (
            card.id.as_str(),
            plan.operator,
            plan.slot,
            plan.balance_micros,
        )
    });
    assert_eq!(
        cards.collect::<Vec<_>>(),
        [
            ("one", 0, Some(0), None),
            ("two", 1, Some(1), Some(500_000)),
            ("spare", 0, None, None)
        ]
    );
    assert_eq!((scenario.parties(), scenario.name_of(2)), (3, "dalia"));
    assert!(scenario.is_plain(1) && !scenario.is_plain(0));
    let ways: Vec<_> = scenario
        .traffic
        .iter()
        .map(|traffic| (traffic.from, traffic.to))
        .collect();
    assert_eq!(ways, [(1, 0), (0, 1)]);
}

#[test]
fn what_happens_to_cards_and_radio_is_undone_as_it_was_at_the_start() {
    let scenario = read(SMS).unwrap();
    let at = |seconds: u64| {
        let due = scenario.actions.iter();
        let mut due = due.filter(|action| action.at.as_secs() == seconds);
        due.next().map(|action| &action.what)
    };
    let coverage = |coverage| What::Coverage {
        party: 0,
        slot: 1,
        coverage,
    };
    assert_eq!(at(1), Some(&coverage(Coverage::None)));
    assert_eq!(at(3), Some(&coverage(Coverage::G3)));
    assert_eq!(
        at(4),
        Some(&What::FlightMode {
            party: 1,
            on: false
        })
    );
    let card = |card, slot| What::MoveCard {
        handset: 0,
        card,
        slot,
    };
    assert_eq!(at(5), Some(&card(1, None)));
    assert_eq!(at(7), Some(&card(1, Some(1))));
    assert_eq!(at(8), Some(&card(2, Some(1))));
    let balance = |micros| What::Balance {
        handset: 0,
        card: 0,
        micros,
    };
    assert_eq!(at(11), Some(&balance(Some(0))));
    assert_eq!(at(12), Some(&balance(None)));
    assert_eq!(
        at(13),
        Some(&What::Retry {
            handset: 0,
            peer: 1,
            channel: Channel::Sms
        })
    );
    assert_eq!(at(14), Some(&What::Kill(Process::Agent(0))));
    assert_eq!(at(15), Some(&What::Start(Process::Agent(0))));
}

#[test]
fn a_handset_without_cards_has_one_for_each_slot_in_use() {
    let scenario = read(GOOD).unwrap();
    let [card] = &scenario.handsets[0].cards[..] else {
        panic!("{:?}", scenario.handsets[0].cards);
    };
    assert_eq!(card.plan.number, Some(scenario.handsets[0].number));
    assert_eq!(scenario.handsets[1].cards, []);
}

#[test]
fn errors_of_the_mobile_part_say_where_and_what_is_allowed() {
    let cases = [
        (
            "mcc_mnc = \"62130\"",
            "mcc_mnc = \"6213x\"",
            "s.toml:23:11: mcc_mnc = \"6213x\" is not allowed: five or six digits",
        ),
        (
            "loss = 0.1",
            "loss = 1.1",
            "s.toml:12:8: loss = 1.1 is not allowed: 0 to 1",
        ),
        (
            "retry_s = 5.0",
            "retry_s = 0.0",
            "s.toml:17:11: retry_s = 0 is not allowed: 0.1 to 86400 seconds",
        ),
        (
            "operator = \"delta\"",
            "operator = \"omega\"",
            "s.toml:36:12: there is no operator \"omega\": one of savanna, delta",
        ),
        (
            "slot = 1",
            "slot = 0",
            "s.toml:34:8: slot 0 has a card already",
        ),
        (
            "[\"4g\", \"3g\"]",
            "[\"4g\", \"6g\"]",
            "s.toml:27:19: coverage = \"6g\" is not allowed: one of none, 2g, 3g, 4g",
        ),
        (
            "number = \"+254733000111\"",
            "number = \"+254722000333\"",
            "s.toml:48:10: a card's number or iccid is there twice",
        ),
        (
            "name = \"chidi\"",
            "name = \"amina\"",
            "s.toml:47:8: the phone \"amina\" is there twice",
        ),
        (
            "from = \"amina\"",
            "from = \"dalia\"",
            "s.toml:55:6: both are plain phones: one of them needs Twine",
        ),
        (
            "card = \"two\"\nfor_s",
            "card = \"nine\"\nfor_s",
            "s.toml:76:8: card = \"nine\" is not allowed: amina has one, two, spare",
        ),
        (
            "coverage = \"none\"\n",
            "",
            "s.toml:60:1: do = \"coverage\" needs coverage = \"…\"",
        ),
        (
            "coverage = [\"4g\", \"3g\"]",
            "coverage = [\"4g\", \"3g\"]\ndata_card = \"spare\"",
            "s.toml:28:13: data_card = \"spare\": amina has no such card in a slot, but one, two",
        ),
        (
            "coverage = [\"4g\", \"3g\"]",
            "coverage = [\"4g\", \"3g\"]\ndata_move_s = 2.0",
            "s.toml:28:15: data_move_s is allowed with data_card only",
        ),
        (
            "do = \"swap_cards\"",
            "do = \"swap_cards\"\ncard = \"one\"",
            "s.toml:87:8: card is not allowed with do = \"swap_cards\"",
        ),
        (
            "channel = \"sms\"",
            "channel = \"pigeon\"",
            "s.toml:106:11: channel = \"pigeon\" is not allowed: one of ip, sms",
        ),
    ];
    for (from, to, expected) in cases {
        assert!(SMS.contains(from), "{from}");
        let error = read(&SMS.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{to}: {error}");
    }
}
