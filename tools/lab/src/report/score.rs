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
    let verdict = &outcome.verdict;
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
        ("duplicated", &verdict.duplicated),
        ("out of order", &verdict.out_of_order),
    ] {
        line(format!(
            "  {name:<14} {:>6}   {}",
            marks.len(),
            named(marks)
        ));
    }
    // These stand there only when something is wrong, or rare.
    for (name, count, meaning) in [
        (
            "told falsely",
            verdict.told_falsely.len(),
            "told delivered, never received",
        ),
        ("strange", verdict.strange, "received, and nobody sent it"),
        ("unconfirmed", verdict.unconfirmed, "no reply until the end"),
        ("refused", verdict.refused, "the daemon said no"),
        ("failed", verdict.told_failed, "the sender was told so"),
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
        "  repeats        {:>6}   requests repeated with the same token",
        verdict.repeats
    ));
    line(String::new());
    line(
        "latency by the sender's link when it sent, in seconds; cuts and kills included".to_owned(),
    );
    let names = verdict.latency.keys().map(|name| name.chars().count());
    let width = names.chain(["profile".len()]).max().unwrap_or(0);
    line(format!(
        "  {:<width$} {:>6} {:>8} {:>8} {:>8} {:>8}",
        "profile", "n", "p50", "p90", "p99", "max"
    ));
    let (all, profiles): (Vec<_>, Vec<_>) =
        verdict.latency.iter().partition(|(name, _)| *name == ALL);
    for (name, latency) in profiles.into_iter().chain(all) {
        line(latency_row(name, width, latency));
    }
    line(String::new());
    line(wrapped(&format!("Note: {NOT_SHAPED}")));
    line(String::new());
    line(
        if verdict.is_good() {
            "GOOD: everything arrived, once and in order"
        } else {
            "NOT GOOD: see above"
        }
        .to_owned(),
    );
    out
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
