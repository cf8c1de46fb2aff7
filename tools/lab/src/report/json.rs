//! The verdict for programs.
//!
//! Keys are stable: `sent`, `delivered`, `lost`, `duplicated`, `out_of_order`,
//! `latency_ms` (by profile: `n`, `p50`, `p90`, `p99`), `bytes_on_wire`. More
//! may come.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::NOT_SHAPED;
use crate::run::Outcome;
use crate::scenario::Scenario;

/// The verdict as one document.
#[must_use]
pub fn json(scenario: &Scenario, outcome: &Outcome) -> Value {
    let verdict = &outcome.verdict;
    let latency: Map<_, _> = verdict
        .latency
        .iter()
        .map(|(profile, latency)| {
            let value = json!({
                "n": latency.n,
                "p50": ms(latency.p50),
                "p90": ms(latency.p90),
                "p99": ms(latency.p99),
                "max": ms(latency.max),
            });
            (profile.clone(), value)
        })
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
        "good": verdict.is_good(),
        "sent": verdict.sent,
        "delivered": verdict.delivered,
        "lost": verdict.lost.len(),
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
        "bytes_on_wire": outcome.bytes_on_wire(),
        "log_errors": outcome.log_errors,
        "links": links,
        "events": events,
        "events_not_kept": outcome.journal_not_kept,
        "not_shaped": NOT_SHAPED,
    })
}

fn ms(duration: Duration) -> u64 {
    duration.as_millis() as u64
}
