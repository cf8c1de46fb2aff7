//! What a scenario file may say, and how mistakes are answered.

use super::*;
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
