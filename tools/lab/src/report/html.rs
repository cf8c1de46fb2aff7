//! The page: verdict first, then latency over time for each sender, figures,
//! the timeline, and what is not shaped. One file, no script, nothing fetched.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use twine_control::pb::Channel;

use super::NOT_SHAPED;
use super::chart::{Legend, Plot, Point, SmsTick, draw, escape, legend_mark};
use super::score::money;
use crate::journal::{Entry, Topic};
use crate::run::Outcome;
use crate::scenario::Scenario;
use crate::verdict::{ALL, Latency};

const STYLE: &str = include_str!("style.css");

/// The page.
#[must_use]
pub fn html(scenario: &Scenario, outcome: &Outcome) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{name}: {verdict}</title>\n<style>\n{STYLE}</style>\n<main>\n\
         <h1>{name}</h1>\n",
        name = escape(&scenario.name),
        verdict = verdict_word(outcome),
    );
    head(&mut page, scenario, outcome);
    plots(&mut page, scenario, outcome);
    latency_table(&mut page, scenario, outcome);
    link_table(&mut page, scenario, outcome);
    timeline(&mut page, outcome);
    let _ = writeln!(
        page,
        "<h2>What is not shaped</h2>\n<p>{}</p>\n</main>\n</html>",
        escape(NOT_SHAPED)
    );
    page
}

fn verdict_word(outcome: &Outcome) -> &'static str {
    if outcome.is_good() {
        "good"
    } else {
        "not good"
    }
}

// Writing to a string cannot fail; the results below say nothing.

fn head(page: &mut String, scenario: &Scenario, outcome: &Outcome) {
    let verdict = &outcome.verdict;
    let (class, words) = if outcome.is_good() {
        ("good", "Everything arrived, once and in order.")
    } else {
        ("bad", "Not everything arrived once and in order.")
    };
    let _ = writeln!(
        page,
        "<p class=\"verdict {class}\">{words}</p>\n<p>{:.0} seconds, {} handsets, seed {}.</p>",
        outcome.lasted.as_secs_f64(),
        scenario.handsets.len(),
        scenario.seed
    );
    page.push_str("<ul class=\"score\">\n");
    for (name, value, must_be_zero) in [
        ("sent", verdict.sent as u64, false),
        ("delivered", verdict.delivered as u64, false),
        ("lost", verdict.lost.len() as u64, true),
        ("duplicated", verdict.duplicated.len() as u64, true),
        ("out of order", verdict.out_of_order.len() as u64, true),
        ("by IP", outcome.sms.by_ip as u64, false),
        ("by SMS", outcome.sms.by_sms as u64, false),
        ("SMS parts", outcome.sms.parts, false),
        ("SMS parts wasted", outcome.sms.wasted, false),
        (
            "data moved to the other card",
            outcome.data_moves.iter().copied().map(u64::from).sum(),
            false,
        ),
        ("copies merged", outcome.sms.merged, false),
        ("put into place later", outcome.sms.reordered, false),
        ("SMS by a wrong card", outcome.sms.wrong_card as u64, true),
        ("bytes on wire", outcome.bytes_on_wire(), false),
    ] {
        let class = match (must_be_zero, value) {
            (true, 0) => " class=\"good\"",
            (true, _) => " class=\"bad\"",
            _ => "",
        };
        let _ = writeln!(page, "<li{class}><b>{value}</b> {name}</li>");
    }
    page.push_str("</ul>\n");
    let _ = writeln!(page, "<p>SMS cost {}.</p>", money(outcome.sms.cost_micros));
    for (count, meaning) in [
        (
            outcome.sms.marked_for_nothing,
            "SMS to a plain phone end in spaces for nothing",
        ),
        (
            outcome.sms.networks.dialogs as usize,
            "times Android asked the user about too many SMS",
        ),
    ] {
        if count > 0 {
            let _ = writeln!(page, "<p class=\"bad\">{count} {meaning}.</p>");
        }
    }
    for error in &outcome.log_errors {
        let _ = writeln!(
            page,
            "<p class=\"bad\">Error in a log: {}</p>",
            escape(error)
        );
    }
    for (name, marks) in [
        ("Lost", &verdict.lost),
        ("Failed, and the sender was told", &verdict.failed),
        ("Duplicated", &verdict.duplicated),
        ("Out of order", &verdict.out_of_order),
        ("Told delivered, never received", &verdict.told_falsely),
    ] {
        if !marks.is_empty() {
            let names: Vec<_> = marks.iter().map(|mark| escape(&mark.to_string())).collect();
            let _ = writeln!(page, "<p class=\"bad\">{name}: {}</p>", names.join(" "));
        }
    }
}

fn plots(page: &mut String, scenario: &Scenario, outcome: &Outcome) {
    let legend = legend(outcome);
    page.push_str(
        "<h2>Latency over time</h2>\n<p>A point is a message: when it was sent, and how long it \
         took to the receiving app, with the profile of the sender's link at that moment. The \
         strip below shows the sender's link. Points with a ring came by SMS first; the bars at \
         the bottom are SMS, as high as they have parts. Lines are what happened to the sender \
         (links, cards, coverage, kills) and to the gateway.</p>\n<p class=\"legend\">\n",
    );
    for (profile, index) in &legend {
        let _ = writeln!(
            page,
            "<span>{} {}</span>",
            legend_mark(*index),
            escape(profile)
        );
    }
    page.push_str("</p>\n");
    let all: Vec<Vec<Point>> = (0..scenario.parties())
        .map(|party| points(outcome, party))
        .collect();
    let longest = all.iter().flatten().filter_map(|point| point.took).max();
    for (party, points) in all.iter().enumerate() {
        if points.is_empty() {
            continue;
        }
        let name = scenario.name_of(party);
        let entries: Vec<&Entry> = outcome
            .journal
            .iter()
            .filter(|entry| entry.who == name || entry.who == "gateway")
            .collect();
        let plot = Plot {
            points,
            // A plain phone has no links.
            spans: outcome.spans.get(party).map_or(&[], Vec::as_slice),
            sms: &sms_ticks(scenario, outcome, party),
            entries: &entries,
            end: outcome.lasted,
            longest: longest.unwrap_or(Duration::from_secs(1)),
        };
        let _ = writeln!(
            page,
            "<h3>{} sends {} messages</h3>\n{}",
            escape(name),
            points.len(),
            draw(&plot, &legend)
        );
    }
}

fn legend(outcome: &Outcome) -> Legend {
    let sent = outcome.facts.sent.values();
    let sent = sent.map(|message| message.profile.clone());
    let used = outcome.spans.iter().flatten();
    let used = used.filter(|span| span.link.is_some());
    let profiles: BTreeSet<String> = sent.chain(used.map(|span| span.profile.clone())).collect();
    profiles.into_iter().zip(0..).collect()
}

fn sms_ticks(scenario: &Scenario, outcome: &Outcome, party: usize) -> Vec<SmsTick> {
    let sms = outcome.sms_sent.iter().filter(|sms| sms.phone == party);
    sms.map(|sms| {
        let to = (0..scenario.parties())
            .find(|to| scenario.number_of(*to).expose() == sms.to)
            .map_or("somebody", |to| scenario.name_of(to));
        SmsTick {
            at: sms.at,
            parts: sms.parts,
            taken: sms.taken,
            label: format!(
                "SMS to {to} at {:.1} s: {} of {} parts taken, cost {}",
                sms.at.as_secs_f64(),
                sms.taken,
                sms.parts,
                money(sms.cost_micros)
            ),
        }
    })
    .collect()
}

fn points(outcome: &Outcome, party: usize) -> Vec<Point> {
    let mut arrivals = std::collections::BTreeMap::new();
    for arrival in &outcome.facts.arrivals {
        if let Some(mark) = &arrival.mark {
            arrivals.entry(mark).or_insert(arrival);
        }
    }
    let sent = outcome.facts.sent.iter();
    sent.filter(|(_, message)| message.from == party && message.confirmed.is_some())
        .map(|(mark, message)| {
            let first = arrivals.get(mark);
            let took = first.map(|first| first.at.saturating_sub(message.requested));
            let by_sms = first.is_some_and(|first| first.came_by == Channel::Sms);
            let in_words = took.map_or_else(
                || "never arrived".to_owned(),
                |took| {
                    let channel = if by_sms { "SMS" } else { "IP" };
                    format!("took {:.2} s, came by {channel}", took.as_secs_f64())
                },
            );
            Point {
                sent: message.requested,
                took,
                profile: message.profile.clone(),
                by_sms,
                label: format!(
                    "{mark} sent at {:.1} s with {}, {in_words}",
                    message.requested.as_secs_f64(),
                    message.profile
                ),
            }
        })
        .collect()
}

fn latency_table(page: &mut String, scenario: &Scenario, outcome: &Outcome) {
    page.push_str(
        "<h2>Latency by profile</h2>\n<p>From the first request of the sending app to the event \
         at the receiving app, in seconds; time without a link, cuts and kills included.</p>\n\
         <table>\n<tr><th>profile<th>n<th>p50<th>p90<th>p99<th>max<th class=\"text\">source of the profile\n",
    );
    let (all, profiles): (Vec<_>, Vec<_>) = outcome
        .verdict
        .latency
        .iter()
        .partition(|(name, _)| *name == ALL);
    for (name, latency) in profiles.into_iter().chain(all) {
        let source = source_of(scenario, name);
        let _ = writeln!(page, "{}<td class=\"text\">{source}", row(name, latency));
    }
    page.push_str("</table>\n");
    page.push_str(
        "<h2>Latency by channel</h2>\n<table>\n\
         <tr><th>first by<th>n<th>p50<th>p90<th>p99<th>max\n",
    );
    for (channel, latency) in &outcome.sms.latency {
        let _ = writeln!(page, "{}", row(channel, latency));
    }
    page.push_str("</table>\n");
}

fn row(name: &str, latency: &Latency) -> String {
    let s = |duration: Duration| format!("{:.2}", duration.as_secs_f64());
    format!(
        "<tr><td class=\"text\">{}<td>{}<td>{}<td>{}<td>{}<td>{}",
        escape(name),
        latency.n,
        s(latency.p50),
        s(latency.p90),
        s(latency.p99),
        s(latency.max)
    )
}

fn source_of(scenario: &Scenario, profile: &str) -> String {
    let at_start = scenario.handsets.iter().flat_map(|handset| &handset.links);
    let at_start = at_start.map(|link| &link.profile);
    let later = scenario
        .actions
        .iter()
        .filter_map(|action| match &action.what {
            crate::scenario::What::Profile { profile, .. } => Some(&**profile),
            _ => None,
        });
    let mut all = at_start.chain(later);
    all.find(|one| one.id == profile)
        .map_or_else(String::new, |one| escape(&one.source))
}

fn link_table(page: &mut String, scenario: &Scenario, outcome: &Outcome) {
    page.push_str(
        "<h2>Links</h2>\n<p>Bytes with IP, UDP and TCP headers; pure TCP acknowledgements are not \
         seen by the relay.</p>\n<table>\n<tr><th>handset<th class=\"text\">link<th>bytes up<th>bytes down\
         <th>lost<th>queue full<th>in cuts\n",
    );
    for (handset, carried) in scenario.handsets.iter().zip(&outcome.carried) {
        for (link, carried) in handset.links.iter().zip(carried) {
            let _ = writeln!(
                page,
                "<tr><td class=\"text\">{}<td class=\"text\">{}<td>{}<td>{}<td>{}<td>{}<td>{}",
                escape(&handset.name),
                escape(&link.id),
                carried.bytes_up,
                carried.bytes_down,
                carried.lost,
                carried.tail_dropped,
                carried.vanished
            );
        }
    }
    page.push_str("</table>\n");
}

fn timeline(page: &mut String, outcome: &Outcome) {
    page.push_str("<h2>Timeline</h2>\n<table class=\"timeline\">\n");
    for entry in &outcome.journal {
        let class = match entry.topic {
            Topic::Process => "process",
            Topic::Link => "link",
            Topic::Session => "session",
            Topic::Sms => "sms",
            Topic::Decision => "decision",
            Topic::Note => "note",
        };
        let _ = writeln!(
            page,
            "<tr class=\"{class}\"><td>{:.1} s<td class=\"text\">{}<td class=\"text\">{}",
            entry.at.as_secs_f64(),
            escape(&entry.who),
            escape(&entry.what)
        );
    }
    page.push_str("</table>\n");
    if outcome.journal_not_kept > 0 {
        let _ = writeln!(
            page,
            "<p>{} more were not kept.</p>",
            outcome.journal_not_kept
        );
    }
}
