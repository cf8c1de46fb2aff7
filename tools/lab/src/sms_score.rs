//! What SMS cost, which channel messages came by, and what a careful daemon never
//! does: change a conversation's SIM silently, mark what has no other copy, make
//! Android ask the user.
//!
//! | figure | meaning |
//! |---|---|
//! | parts | SMS parts that operators took from handsets with Twine, and charged |
//! | wasted | of these, parts of messages that came by IP, too |
//! | by channel | messages by the channel of their first copy, between handsets with Twine and from them |
//! | wrong card | SMS that left by another card than the pinned one, or, without one, than that of the own number |
//! | marked for nothing | SMS to a phone without Twine that end in spaces though no copy of them can have left before |

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use twine_control::pb::Channel;

use crate::ledger::Facts;
use crate::mobile::{MobileCounts, SentSms};
use crate::texts::Mark;
use crate::verdict::Latency;

/// An SMS may be on its way to the agent while its conversation is pinned.
const PIN_GRACE: Duration = Duration::from_secs(2);

/// Who took part, as far as it counts here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Its own number.
    pub number: String,
    /// Without Twine.
    pub plain: bool,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SmsScore {
    /// See the module's table.
    pub parts: u64,
    /// See the module's table.
    pub wasted: u64,
    /// What all parts cost, millionths of the currency.
    pub cost_micros: u64,
    /// Messages that came by IP first.
    pub by_ip: usize,
    /// Messages that came by SMS first.
    pub by_sms: usize,
    /// By the channel of the first copy: "ip", "sms".
    pub latency: BTreeMap<&'static str, Latency>,
    /// Events "merged", those that were undone taken away.
    pub merged: u64,
    /// Events "reordered".
    pub reordered: u64,
    /// See the module's table.
    pub wrong_card: usize,
    /// See the module's table.
    pub marked_for_nothing: usize,
    /// What networks and phones did.
    pub networks: MobileCounts,
}

impl SmsScore {
    /// Counts. Times in `sms` are those of `facts`.
    #[must_use]
    pub fn of(facts: &Facts, parties: &[Party], sms: &[SentSms], networks: MobileCounts) -> Self {
        let mut score = Self {
            merged: facts.merged.saturating_sub(facts.unmerged),
            reordered: facts.reordered,
            networks,
            ..Self::default()
        };
        score.count_channels(facts, parties);
        let by_ip: BTreeSet<&Mark> = facts
            .arrivals
            .iter()
            .filter(|arrival| arrival.came_by == Channel::Ip)
            .filter_map(|arrival| arrival.mark.as_ref())
            .collect();
        let with_twine = |one: &&SentSms| !parties.get(one.phone).is_none_or(|party| party.plain);
        let mut left_before: BTreeSet<(usize, &str, &str)> = BTreeSet::new();
        for one in sms.iter().filter(with_twine) {
            score.parts += u64::from(one.taken);
            score.cost_micros += one.cost_micros;
            let body = one.text.trim_end_matches(' ');
            if Mark::find(body).is_some_and(|mark| by_ip.contains(&mark)) {
                score.wasted += u64::from(one.taken);
            }
            if !is_right_card(facts, parties, one) {
                score.wrong_card += 1;
            }
            let first = left_before.insert((one.phone, &one.to, body));
            let to_plain = parties
                .iter()
                .any(|party| party.plain && party.number == one.to);
            if first && to_plain && body.len() < one.text.len() {
                score.marked_for_nothing += 1;
            }
        }
        score
    }

    /// Whether nothing was done that a careful daemon never does.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.wrong_card == 0 && self.marked_for_nothing == 0 && self.networks.dialogs == 0
    }

    fn count_channels(&mut self, facts: &Facts, parties: &[Party]) {
        let mut seen: BTreeSet<&Mark> = BTreeSet::new();
        let mut took: BTreeMap<&'static str, Vec<Duration>> = BTreeMap::new();
        for arrival in &facts.arrivals {
            let Some(mark) = arrival.mark.as_ref().filter(|mark| seen.insert(mark)) else {
                continue;
            };
            let Some(sent) = facts.sent.get(mark) else {
                continue;
            };
            if parties.get(sent.from).is_none_or(|party| party.plain) {
                continue;
            }
            let channel = if arrival.came_by == Channel::Sms {
                self.by_sms += 1;
                "sms"
            } else {
                self.by_ip += 1;
                "ip"
            };
            let one = arrival.at.saturating_sub(sent.requested);
            took.entry(channel).or_default().push(one);
        }
        self.latency = took
            .into_iter()
            .filter_map(|(channel, all)| Some((channel, Latency::of(all)?)))
            .collect();
    }
}

fn is_right_card(facts: &Facts, parties: &[Party], sms: &SentSms) -> bool {
    let is_expected = |at: Duration| {
        let pinned = facts.pinned.iter().rev().find(|pinned| {
            (pinned.handset, pinned.peer.as_str()) == (sms.phone, sms.to.as_str())
                && pinned.at <= at
        });
        match pinned {
            Some(pinned) => pinned.iccid == sms.iccid,
            None => {
                let own = parties.get(sms.phone).map(|party| &party.number);
                sms.from.as_ref() == own
            }
        }
    };
    is_expected(sms.at) || is_expected(sms.at.saturating_sub(PIN_GRACE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Arrival, Pinned, SentMessage};

    const AMINA: usize = 0;
    const BELLO: usize = 1;
    const CHIDI: usize = 2;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn mark(number: u64) -> Mark {
        Mark {
            sender: "amina".to_owned(),
            number,
        }
    }

    fn parties() -> Vec<Party> {
        [("+1", false), ("+2", false), ("+3", true)]
            .map(|(number, plain)| Party {
                number: number.to_owned(),
                plain,
            })
            .into()
    }

    fn facts() -> Facts {
        let sent = |number| SentMessage {
            from: AMINA,
            to: BELLO,
            text: format!("text {}", mark(number)),
            profile: "lte".to_owned(),
            requested: s(0),
            confirmed: Some(s(0)),
            message_id: number,
            ..SentMessage::default()
        };
        Facts {
            sent: (1..=3).map(|number| (mark(number), sent(number))).collect(),
            ..Facts::default()
        }
    }

    fn arrive(facts: &mut Facts, number: u64, at: u64, came_by: Channel) {
        facts.arrivals.push(Arrival {
            to: BELLO,
            mark: Some(mark(number)),
            message_id: at,
            at: s(at),
            came_by,
            copy_of: None,
        });
    }

    fn sms(at: u64, to: &str, text: &str) -> SentSms {
        SentSms {
            at: s(at),
            phone: AMINA,
            iccid: "own".to_owned(),
            from: Some("+1".to_owned()),
            to: to.to_owned(),
            text: text.to_owned(),
            parts: 2,
            taken: 2,
            cost_micros: 60,
        }
    }

    fn score(facts: &Facts, sms: &[SentSms]) -> SmsScore {
        SmsScore::of(facts, &parties(), sms, MobileCounts::default())
    }

    #[test]
    fn sms_of_what_came_by_ip_too_are_wasted() {
        let mut facts = facts();
        arrive(&mut facts, 1, 4, Channel::Sms);
        arrive(&mut facts, 1, 9, Channel::Ip);
        arrive(&mut facts, 2, 7, Channel::Sms);
        arrive(&mut facts, 3, 1, Channel::Ip);
        let left = [
            sms(3, "+2", &format!("text {}  ", mark(1))),
            sms(5, "+2", &format!("text {}", mark(2))),
        ];
        let score = score(&facts, &left);
        assert_eq!((score.parts, score.wasted, score.cost_micros), (4, 2, 120));
        assert_eq!((score.by_ip, score.by_sms), (1, 2));
        assert_eq!(score.latency["sms"].max, s(7));
        assert!(score.is_good());
    }

    #[test]
    fn a_card_that_nobody_asked_for_is_seen() {
        let mut facts = facts();
        let other = |at| SentSms {
            iccid: "other".to_owned(),
            from: Some("+9".to_owned()),
            ..sms(at, "+2", "x")
        };
        assert_eq!(score(&facts, &[sms(3, "+2", "x"), other(4)]).wrong_card, 1);
        facts.pinned.push(Pinned {
            at: s(10),
            handset: AMINA,
            peer: "+2".to_owned(),
            iccid: "other".to_owned(),
        });
        let left = [
            sms(9, "+2", "before"),
            sms(11, "+2", "on its way"),
            other(12),
            sms(13, "+2", "too late"),
            sms(14, "+3", "another conversation"),
        ];
        assert_eq!(score(&facts, &left).wrong_card, 1);
    }

    #[test]
    fn a_plain_phone_gets_no_marks_but_of_repeats() {
        let facts = facts();
        let to_chidi = parties()[CHIDI].number.clone();
        let left = [
            sms(1, &to_chidi, "plain"),
            sms(2, &to_chidi, "plain  "),
            sms(3, &to_chidi, "marked "),
            sms(4, "+2", "marked "),
        ];
        let score = score(&facts, &left);
        assert_eq!(score.marked_for_nothing, 1);
        assert!(!score.is_good());
    }
}
