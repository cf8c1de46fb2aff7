//! The table, and the same as JSON. Figures are for a day.

use std::fmt::Write as _;

use super::check::{Row, Sum, failures, totals};

/// For the terminal.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<24} {:<11} {:>16} {:>12} {:>10} {:>8}\n",
        "a day behind a NAT of", "client", "unreachable s", "heartbeats", "connects", "kB"
    );
    for row in rows {
        for (no, sum) in row.sums.iter().enumerate() {
            let name = if no == 0 { row.world.as_str() } else { "" };
            line(&mut text, name, sum, row.days);
        }
    }
    let days = rows.iter().map(|row| row.days).sum();
    for (no, sum) in totals(rows).iter().enumerate() {
        line(&mut text, if no == 0 { "all" } else { "" }, sum, days);
    }
    text
}

fn line(text: &mut String, name: &str, sum: &Sum, days: u64) {
    let a_day = |value: f64| value / days.max(1) as f64;
    let _ = writeln!(
        text,
        "{name:<24} {:<11} {:>16.1} {:>12.1} {:>10.1} {:>8.1}",
        sum.name.as_str(),
        a_day(sum.unreachable_s),
        a_day(sum.heartbeats as f64),
        a_day(sum.connects as f64),
        a_day(sum.bytes as f64 / 1000.0),
    );
}

/// For machines.
#[must_use]
pub fn json(rows: &[Row]) -> serde_json::Value {
    let sums = |sums: &[Sum], days: u64| -> Vec<serde_json::Value> {
        let a_day = |value: f64| value / days.max(1) as f64;
        let sum = |sum: &Sum| {
            serde_json::json!({
                "client": sum.name.as_str(),
                "unreachable_s_a_day": a_day(sum.unreachable_s),
                "heartbeats_a_day": a_day(sum.heartbeats as f64),
                "connects_a_day": a_day(sum.connects as f64),
                "bytes_a_day": a_day(sum.bytes as f64),
            })
        };
        sums.iter().map(sum).collect()
    };
    let world = |row: &Row| {
        serde_json::json!({
            "world": row.world,
            "days": row.days,
            "hole_s_a_day": row.hole_s / row.days.max(1) as f64,
            "clients": sums(&row.sums, row.days),
        })
    };
    let days = rows.iter().map(|row| row.days).sum();
    serde_json::json!({
        "worlds": rows.iter().map(world).collect::<Vec<_>>(),
        "totals": sums(&totals(rows), days),
        "failures": failures(rows),
    })
}
