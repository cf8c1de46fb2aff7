//! An operator's SMS centre: takes parts, and delivers them late, twice, changed
//! or never.

use super::{Arrival, Later, Part, SmsFaults};
use crate::rng::Rng;

/// The shortest time from phone to phone.
const DELAY_MIN_MS: u64 = 1_000;
/// Between tries to reach a phone.
const AGAIN_MS: u64 = 60_000;
/// Validity that operators give by default: a day or more.
const VALIDITY_MS: u64 = 24 * 3_600_000;
/// A line of the operator's own, behind a text.
pub const ADVERT: &str = "\nDial *100# for more";

/// What the centre does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromCentre {
    /// A part is offered to the recipient's phone.
    Offered(Arrival),
    /// The sender's phone is told of a part; `false`: the centre gave up.
    Reported {
        /// Which.
        part: Part,
        /// It arrived.
        delivered: bool,
    },
}

/// A part was submitted, at this wall time.
pub fn take(
    now_ms: u64,
    wall_s: u64,
    part: &Part,
    faults: &SmsFaults,
    rng: &mut Rng,
) -> Vec<Later<FromCentre>> {
    if rng.one_in(faults.lost_one_in) {
        return Vec::new();
    }
    let delay =
        |rng: &mut Rng| now_ms + rng.range(DELAY_MIN_MS, faults.delay_max_ms.max(DELAY_MIN_MS));
    let mut part = part.clone();
    change(&mut part.text, faults, rng);
    let arrival = Arrival {
        part,
        scts_s: wall_s,
        until_ms: now_ms + VALIDITY_MS,
    };
    let mut follows = vec![offered(delay(rng), arrival.clone())];
    if rng.one_in(faults.twice_one_in) {
        follows.push(offered(delay(rng), arrival.clone()));
    }
    if rng.one_in(faults.twice_later_one_in) {
        let again = Arrival {
            scts_s: wall_s + rng.range(1, 90),
            ..arrival
        };
        follows.push(offered(delay(rng), again));
    }
    follows
}

/// The phone took what it was offered, or (`false`) was not there.
pub fn answered(
    now_ms: u64,
    arrival: Arrival,
    taken: bool,
    faults: &SmsFaults,
    rng: &mut Rng,
) -> Option<Later<FromCentre>> {
    if !taken && now_ms + AGAIN_MS < arrival.until_ms {
        return Some(offered(now_ms + AGAIN_MS, arrival));
    }
    if rng.one_in(faults.no_report_one_in) {
        return None;
    }
    Some(Later {
        at_ms: now_ms + rng.range(200, 5_000),
        what: FromCentre::Reported {
            part: arrival.part,
            delivered: taken,
        },
    })
}

fn offered(at_ms: u64, arrival: Arrival) -> Later<FromCentre> {
    Later {
        at_ms,
        what: FromCentre::Offered(arrival),
    }
}

/// What operators do to texts.
fn change(text: &mut String, faults: &SmsFaults, rng: &mut Rng) {
    if rng.one_in(faults.trimmed_one_in) {
        text.truncate(text.trim_end_matches(' ').len());
    }
    if rng.one_in(faults.no_break_one_in) {
        *text = text.replace(' ', "\u{a0}");
    }
    if rng.one_in(faults.advert_one_in) {
        text.push_str(ADVERT);
    }
}

/// What went wrong with a part, as coverage names it, by what became of it.
pub fn faults_of(part: &Part, follows: &[Later<FromCentre>]) -> Vec<&'static str> {
    let arrivals = follows.iter().filter_map(|later| match &later.what {
        FromCentre::Offered(arrival) => Some(arrival),
        FromCentre::Reported { .. } => None,
    });
    let arrivals: Vec<&Arrival> = arrivals.collect();
    let [first, again @ ..] = &arrivals[..] else {
        return vec!["part lost"];
    };
    let came = &first.part.text;
    let (text, advert) = match came.strip_suffix(ADVERT) {
        Some(text) => (text, true),
        None => (&**came, false),
    };
    let with_spaces = text.replace('\u{a0}', " ");
    let same_scts = |arrival: &&Arrival| arrival.scts_s == first.scts_s;
    let happened = [
        ("part with an advert", advert),
        ("part with no-break spaces", with_spaces != text),
        ("part trimmed", with_spaces.len() < part.text.len()),
        ("part twice", again.iter().any(same_scts)),
        ("part twice, with two SCTS", !again.iter().all(same_scts)),
    ];
    let happened = happened.into_iter().filter(|(_, happened)| *happened);
    happened.map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use twine_engine::parts::AttemptId;
    use twine_proto::E164;

    fn part(text: &str) -> Part {
        Part {
            from: E164::new(254_700_000_001).unwrap(),
            originator: "+254700000001".to_owned(),
            to: E164::new(254_700_000_002).unwrap(),
            sent_as: (AttemptId(7), 0),
            reference: 1,
            count: 1,
            text: text.to_owned(),
        }
    }

    fn arrivals(text: &str, faults: &SmsFaults) -> Vec<Arrival> {
        take(0, 1_000, &part(text), faults, &mut Rng::new(1))
            .into_iter()
            .filter_map(|later| match later.what {
                FromCentre::Offered(arrival) => Some(arrival),
                FromCentre::Reported { .. } => None,
            })
            .collect()
    }

    #[test]
    fn without_faults_a_part_arrives_once_as_it_is() {
        let arrived = arrivals("text  ", &SmsFaults::default());
        assert_eq!(arrived.len(), 1);
        assert_eq!(
            (&*arrived[0].part.text, arrived[0].scts_s),
            ("text  ", 1_000)
        );
    }

    #[test]
    fn a_second_copy_has_the_same_scts_or_a_later_one() {
        let twice = SmsFaults {
            twice_one_in: 1,
            twice_later_one_in: 1,
            ..SmsFaults::default()
        };
        let scts: Vec<_> = arrivals("text", &twice)
            .iter()
            .map(|it| it.scts_s)
            .collect();
        assert_eq!(scts.len(), 3);
        assert_eq!(scts[..2], [1_000, 1_000]);
        assert!(scts[2] > 1_000);
    }

    #[test]
    fn operators_lose_and_change_texts() {
        let with = |change: fn(&mut SmsFaults)| {
            let mut faults = SmsFaults::default();
            change(&mut faults);
            arrivals("two words  ", &faults)
                .pop()
                .map(|it| it.part.text)
        };
        assert_eq!(with(|it| it.lost_one_in = 1), None);
        assert_eq!(with(|it| it.trimmed_one_in = 1).unwrap(), "two words");
        assert_eq!(
            with(|it| it.no_break_one_in = 1).unwrap(),
            "two\u{a0}words\u{a0}\u{a0}"
        );
        assert!(
            with(|it| it.advert_one_in = 1)
                .unwrap()
                .ends_with("for more")
        );
    }

    #[test]
    fn what_went_wrong_is_told_by_what_became_of_it() {
        let told = |text: &str, change: fn(&mut SmsFaults)| {
            let mut faults = SmsFaults::default();
            change(&mut faults);
            let part = part(text);
            let follows = take(0, 1_000, &part, &faults, &mut Rng::new(1));
            faults_of(&part, &follows)
        };
        let text = "two words  ";
        assert_eq!(told(text, |_| ()), [""; 0]);
        assert_eq!(told(text, |it| it.lost_one_in = 1), ["part lost"]);
        assert_eq!(told(text, |it| it.twice_one_in = 1), ["part twice"]);
        let later = told(text, |it| it.twice_later_one_in = 1);
        assert_eq!(later, ["part twice, with two SCTS"]);
        let changed = told(text, |it| {
            (it.trimmed_one_in, it.no_break_one_in, it.advert_one_in) = (1, 1, 1);
        });
        assert_eq!(
            changed,
            [
                "part with an advert",
                "part with no-break spaces",
                "part trimmed"
            ]
        );
        let nothing_to_trim = told("word", |it| it.trimmed_one_in = 1);
        assert_eq!(nothing_to_trim, [""; 0]);
    }

    #[test]
    fn a_phone_that_is_off_is_tried_again_until_the_centre_gives_up() {
        let none = SmsFaults::default();
        let mut rng = Rng::new(1);
        let arrival = arrivals("text", &none).remove(0);
        let again = answered(5_000, arrival.clone(), false, &none, &mut rng).unwrap();
        assert_eq!(again.at_ms, 5_000 + AGAIN_MS);
        assert_eq!(again.what, FromCentre::Offered(arrival.clone()));
        let reported = |now_ms, taken, rng: &mut Rng| {
            answered(now_ms, arrival.clone(), taken, &none, rng).map(|later| later.what)
        };
        for (now_ms, taken) in [(6_000, true), (VALIDITY_MS, false)] {
            let part = arrival.part.clone();
            let delivered = taken;
            assert_eq!(
                reported(now_ms, taken, &mut rng),
                Some(FromCentre::Reported { part, delivered })
            );
        }
        let silent = SmsFaults {
            no_report_one_in: 1,
            ..none
        };
        assert_eq!(answered(6_000, arrival, true, &silent, &mut rng), None);
    }
}
