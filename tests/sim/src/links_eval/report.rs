//! The table, and the same as JSON.

use std::fmt::Write as _;

use super::check::{Row, Sum, failures, totals};
use super::run::percentile;

/// For the terminal.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<28} {:<13} {:>10} {:>8} {:>9} {:>8} {:>6} {:>8} {:>8}\n",
        "world", "policy", "no data s", "p50 ms", "p99 ms", "switches", "p-pong", "MB", "cents"
    );
    for row in rows {
        for (no, sum) in row.sums.iter().enumerate() {
            let name = if no == 0 { row.world.as_str() } else { "" };
            line(&mut text, name, sum);
        }
        let _ = writeln!(
            text,
            "{:<28} {:<13} {:>10.1}",
            "", "(nobody could)", row.hopeless_s
        );
    }
    for (no, sum) in totals(rows).iter().enumerate() {
        line(&mut text, if no == 0 { "all worlds" } else { "" }, sum);
    }
    text
}

fn line(text: &mut String, name: &str, sum: &Sum) {
    let _ = writeln!(
        text,
        "{:<28} {:<13} {:>10.1} {:>8} {:>9} {:>8} {:>6} {:>8.2} {:>8.2}",
        name,
        sum.policy.as_str(),
        sum.without_data_s,
        percentile(&sum.latencies_ms, 0.5),
        percentile(&sum.latencies_ms, 0.99),
        sum.switches,
        sum.ping_pongs,
        sum.metered_bytes as f64 / 1e6,
        sum.cents,
    );
}

/// For machines.
#[must_use]
pub fn json(rows: &[Row]) -> serde_json::Value {
    let sums = |sums: &[Sum]| -> Vec<serde_json::Value> {
        sums.iter()
            .map(|sum| {
                serde_json::json!({
                    "policy": sum.policy.as_str(),
                    "without_data_s": sum.without_data_s,
                    "latency_p50_ms": percentile(&sum.latencies_ms, 0.5),
                    "latency_p99_ms": percentile(&sum.latencies_ms, 0.99),
                    "messages": sum.latencies_ms.len(),
                    "switches": sum.switches,
                    "ping_pongs": sum.ping_pongs,
                    "metered_bytes": sum.metered_bytes,
                    "cents": sum.cents,
                })
            })
            .collect()
    };
    let worlds: Vec<_> = rows
        .iter()
        .map(|row| {
            serde_json::json!({
                "world": row.world,
                "about": row.about,
                "seconds": row.seconds,
                "hopeless_s": row.hopeless_s,
                "policies": sums(&row.sums),
            })
        })
        .collect();
    serde_json::json!({
        "worlds": worlds,
        "totals": sums(&totals(rows)),
        "failures": failures(rows),
    })
}
