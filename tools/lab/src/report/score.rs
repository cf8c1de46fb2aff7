//! The scoreboard at the end of the timeline.

use std::fmt::Write as _;

use super::NOT_SHAPED;
use crate::run::Outcome;
use crate::scenario::Scenario;
use crate::texts::Mark;
use crate::verdict::{ALL, Latency};

/// Messages named for each verdict; the rest is counted.
const NAMED: usize = 8;

/// The verdict in words and aligned columns.
#[must_use]
pub fn scoreboard(scenario: &Scenario, outcome: &Outcome) -> String {
    let (verdict, sms) = (&outcome.verdict, &outcome.sms);
    let mut out = String::new();
    let mut line = |text: String| {
        let _ = writeln!(out, "{}", text.trim_end());
    };
    line(String::new());
    line(format!(
        "{}: {:.1} s, seed {}",
        scenario.name,
        outcome.lasted.as_secs_f64(),
        scenario.seed
    ));
    line(format!("  sent           {:>6}", verdict.sent));
    line(format!(
        "  delivered      {:>6}   sender was told of {}",
        verdict.delivered, verdict.told_delivered
    ));
    for (name, marks) in [
        ("lost", &verdict.lost),
        ("failed", &verdict.failed),
        ("duplicated", &verdict.duplicated),
        ("out of order", &verdict.out_of_order),
    ] {
        line(format!(
            "  {name:<14} {:>6}   {}",
            marks.len(),
            named(marks)
        ));
    }
    let refusals: Vec<&str> = verdict.refusals.iter().map(String::as_str).collect();
    let refusals = format!("the daemon said no: {}", refusals.join("; "));
    // These stand there only when something is wrong, or rare.
    for (name, count, meaning) in [
        (
            "told falsely",
            verdict.told_falsely.len(),
            "told delivered, never received",
        ),
        ("strange", verdict.strange, "received, and nobody sent it"),
        ("unconfirmed", verdict.unconfirmed, "no reply until the end"),
        ("refused", verdict.refused, refusals.as_str()),
        (
            "wrong card",
            sms.wrong_card,
            "SMS that left by another card than the conversation's",
        ),
        (
            "marked",
            sms.marked_for_nothing,
            "SMS to a plain phone with spaces at the end for nothing",
        ),
        (
            "dialogs",
            sms.networks.dialogs as usize,
            "times that Android asked the user about too many SMS",
        ),
    ] {
        if count > 0 {
            line(format!("  {name:<14} {count:>6}   {meaning}"));
        }
    }
    line(format!(
        "  bytes on wire  {:>6}   {} for each message sent, all included",
        outcome.bytes_on_wire(),
        outcome
            .bytes_on_wire()
            .checked_div(verdict.sent as u64)
            .unwrap_or(0)
    ));
    line(format!(
        "  by channel     {:>6}   by IP, {} by SMS",
        sms.by_ip, sms.by_sms
    ));
    line(format!(
        "  SMS parts      {:>6}   cost {}; {} wasted: IP delivered, too",
        sms.parts,
        money(sms.cost_micros),
        sms.wasted
    ));
    line(format!(
        "  merged         {:>6}   copies that came by both; {} put into their place later",
        sms.merged, sms.reordered
    ));
    let networks = &sms.networks;
    line(format!(
        "  SMS centres    {:>6}   parts; {} lost, {} doubled, {} held back, {} reports withheld",
        networks.parts, networks.lost, networks.doubled, networks.held, networks.reports_withheld
    ));
    let moves: u32 = outcome.data_moves.iter().sum();
    line(format!(
        "  data moved     {moves:>6}   times from one card to the other"
    ));
    let without = scenario.handsets.iter().zip(&outcome.without_session);
    let without: Vec<_> = without
        .map(|(handset, time)| format!("{} {:.1} s", handset.name, time.as_secs_f64()))
        .collect();
    line(format!("  no session            {}", without.join(", ")));
    line(format!(
        "  wake-ups       {:>6}   deadlines for which a phone in suspend would have been woken",
        outcome.wake_ups.iter().sum::<u64>()
    ));
    line(format!(
        "  repeats        {:>6}   requests repeated with the same token",
        verdict.repeats
    ));
    line(String::new());
    line(
        "latency by the sender's link when it sent, in seconds; cuts and kills included".to_owned(),
    );
    let (all, profiles): (Vec<_>, Vec<_>) =
        verdict.latency.iter().partition(|(name, _)| *name == ALL);
    let rows = profiles.into_iter().chain(all);
    for row in table(
        "profile",
        rows.map(|(name, latency)| (name.as_str(), latency)),
    ) {
        line(row);
    }
    line(String::new());
    line("latency by the channel that was first, in seconds".to_owned());
    for row in table(
        "channel",
        sms.latency.iter().map(|(name, latency)| (*name, latency)),
    ) {
        line(row);
    }
    line(String::new());
    line(wrapped(&format!("Note: {NOT_SHAPED}")));
    line(String::new());
    line(
        if outcome.is_good() {
            "GOOD: everything arrived, once and in order"
        } else {
            "NOT GOOD: see above"
        }
        .to_owned(),
    );
    out
}

fn table<'a>(title: &str, rows: impl Iterator<Item = (&'a str, &'a Latency)>) -> Vec<String> {
    let rows: Vec<_> = rows.collect();
    let names = rows.iter().map(|(name, _)| name.chars().count());
    let width = names.chain([title.len()]).max().unwrap_or(0);
    let head = format!(
        "  {title:<width$} {:>6} {:>8} {:>8} {:>8} {:>8}",
        "n", "p50", "p90", "p99", "max"
    );
    let rows = rows
        .into_iter()
        .map(|(name, latency)| latency_row(name, width, latency));
    std::iter::once(head).chain(rows).collect()
}

/// Millionths as a number with three decimals.
pub(super) fn money(micros: u64) -> String {
    format!("{}.{:03}", micros / 1_000_000, micros / 1_000 % 1_000)
}

fn latency_row(name: &str, width: usize, latency: &Latency) -> String {
    let s = |duration: std::time::Duration| format!("{:.2}", duration.as_secs_f64());
    format!(
        "  {name:<width$} {:>6} {:>8} {:>8} {:>8} {:>8}",
        latency.n,
        s(latency.p50),
        s(latency.p90),
        s(latency.p99),
        s(latency.max)
    )
}

fn named(marks: &[Mark]) -> String {
    let mut names: Vec<_> = marks.iter().take(NAMED).map(Mark::to_string).collect();
    if marks.len() > NAMED {
        names.push("…".to_owned());
    }
    names.join(" ")
}

/// Breaks a line at 78 characters.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let width = |line: &String| line.chars().count() + 1 + word.chars().count();
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if width(line) <= 78 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}
