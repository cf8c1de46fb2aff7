//! The verdict for programs.
//!
//! Keys are stable: `sent`, `delivered`, `lost`, `duplicated`, `out_of_order`,
//! `latency_ms` (by profile: `n`, `p50`, `p90`, `p99`), `bytes_on_wire`,
//! `sms_parts`, `sms_wasted`, `merged`, `reordered`, `by_channel` (`ip`, `sms`),
//! `data_sim_switches`, `seconds_without_session`, `wakeups` (also by handset, under
//! `handsets`).
//! More may come.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::NOT_SHAPED;
use crate::run::Outcome;
use crate::scenario::Scenario;
use crate::verdict::Latency;

/// The verdict as one document.
#[must_use]
pub fn json(scenario: &Scenario, outcome: &Outcome) -> Value {
    let verdict = &outcome.verdict;
    let sms = &outcome.sms;
    let latency: Map<_, _> = verdict
        .latency
        .iter()
        .map(|(profile, one)| (profile.clone(), latency_ms(one)))
        .collect();
    let latency_by_channel: Map<_, _> = sms
        .latency
        .iter()
        .map(|(channel, one)| ((*channel).to_owned(), latency_ms(one)))
        .collect();
    let links: Vec<_> = scenario
        .handsets
        .iter()
        .zip(&outcome.carried)
        .flat_map(|(handset, carried)| {
            handset
                .links
                .iter()
                .zip(carried)
                .map(move |pair| (handset, pair))
        })
        .map(|(handset, (link, carried))| {
            json!({
                "handset": handset.name,
                "link": link.id,
                "bytes_up": carried.bytes_up,
                "bytes_down": carried.bytes_down,
                "datagrams_lost": carried.lost,
                "datagrams_tail_dropped": carried.tail_dropped,
                "datagrams_vanished": carried.vanished,
            })
        })
        .collect();
    let events: Vec<_> = outcome
        .journal
        .iter()
        .map(|entry| {
            json!({
                "ms": ms(entry.at),
                "topic": entry.topic.word(),
                "who": entry.who,
                "what": entry.what,
            })
        })
        .collect();
    json!({
        "scenario": scenario.name,
        "seed": scenario.seed,
        "lasted_ms": ms(outcome.lasted),
        "good": outcome.is_good(),
        "sent": verdict.sent,
        "delivered": verdict.delivered,
        "lost": verdict.lost.len(),
        "failed": verdict.failed.len(),
        "duplicated": verdict.duplicated.len(),
        "out_of_order": verdict.out_of_order.len(),
        "strange": verdict.strange,
        "told_falsely": verdict.told_falsely.len(),
        "unconfirmed": verdict.unconfirmed,
        "refused": verdict.refused,
        "told_delivered": verdict.told_delivered,
        "told_failed": verdict.told_failed,
        "repeats": verdict.repeats,
        "events_repeated": outcome.facts.events_repeated,
        "latency_ms": latency,
        "sms_parts": sms.parts,
        "sms_wasted": sms.wasted,
        "sms_cost_micros": sms.cost_micros,
        "sms_wrong_card": sms.wrong_card,
        "sms_marked_for_nothing": sms.marked_for_nothing,
        "sms_dialogs": sms.networks.dialogs,
        "sms_centres": {
            "parts": sms.networks.parts,
            "lost": sms.networks.lost,
            "doubled": sms.networks.doubled,
            "held": sms.networks.held,
            "reports_withheld": sms.networks.reports_withheld,
            "duplicates_dropped": sms.networks.duplicates_dropped,
        },
        "merged": sms.merged,
        "reordered": sms.reordered,
        "by_channel": { "ip": sms.by_ip, "sms": sms.by_sms },
        "latency_by_channel_ms": latency_by_channel,
        "data_sim_switches": outcome.data_moves.iter().sum::<u32>(),
        "seconds_without_session": outcome
            .without_session
            .iter()
            .sum::<Duration>()
            .as_secs_f64(),
        "wakeups": outcome.wake_ups.iter().sum::<u64>(),
        "handsets": by_handset(scenario, outcome),
        "bytes_on_wire": outcome.bytes_on_wire(),
        "log_errors": outcome.log_errors,
        "links": links,
        "events": events,
        "events_not_kept": outcome.journal_not_kept,
        "not_shaped": NOT_SHAPED,
    })
}

fn by_handset(scenario: &Scenario, outcome: &Outcome) -> Map<String, Value> {
    let handsets = scenario.handsets.iter().enumerate();
    let one = handsets.map(|(index, handset)| {
        let figures = json!({
            "data_sim_switches": outcome.data_moves[index],
            "seconds_without_session": outcome.without_session[index].as_secs_f64(),
            "wakeups": outcome.wake_ups[index],
        });
        (handset.name.clone(), figures)
    });
    one.collect()
}

fn latency_ms(latency: &Latency) -> Value {
    json!({
        "n": latency.n,
        "p50": ms(latency.p50),
        "p90": ms(latency.p90),
        "p99": ms(latency.p99),
        "max": ms(latency.max),
    })
}

fn ms(duration: Duration) -> u64 {
    duration.as_millis() as u64
}
