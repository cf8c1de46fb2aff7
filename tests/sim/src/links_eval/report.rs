//! The table, and the same as JSON.

use std::fmt::Write as _;

use super::check::{Row, Slowest, Sum, failures, median_ratio, ratio, totals};
use super::run::percentile;

/// For the terminal.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<28} {:<13} {:>10} {:>6} {:>8} {:>9} {:>8} {:>6} {:>8} {:>8}\n",
        "world",
        "policy",
        "no data s",
        "ratio",
        "p50 ms",
        "p99 ms",
        "switches",
        "p-pong",
        "MB",
        "cents"
    );
    for row in rows {
        for (no, sum) in row.sums.iter().enumerate() {
            let name = if no == 0 { row.world.as_str() } else { "" };
            line(&mut text, name, sum, row.ratio().filter(|_| no == 0));
        }
        let _ = writeln!(
            text,
            "{:<28} {:<13} {:>10.1}",
            "", "(nobody could)", row.hopeless_s
        );
        if row.declined_s > 0.0 {
            let (spent, s) = ("(only a spent bundle could, left out)", row.declined_s);
            let _ = writeln!(text, "{:<28} {spent} {s:.1}", "");
        }
    }
    let totals = totals(rows);
    for (no, sum) in totals.iter().enumerate() {
        let name = if no == 0 { "all worlds" } else { "" };
        line(&mut text, name, sum, ratio(&totals).filter(|_| no == 0));
    }
    slowest(&mut text, rows, &totals);
    if let (Some(median), Some(sum)) = (median_ratio(rows), ratio(&totals)) {
        let _ = writeln!(
            text,
            "without data, to the best baseline: {median:.2} in the median world, {sum:.2} in sum"
        );
    }
    text
}

/// The 99th percentile of each world beside the best baseline's.
fn slowest(text: &mut String, rows: &[Row], totals: &[Sum]) {
    let _ = writeln!(
        text,
        "\n{:<28} {:>12} {:>12}",
        "p99 of latency, ms", "twine", "best other"
    );
    let worlds = rows.iter().map(|row| (row.world.as_str(), &*row.sums));
    let (mut all, mut worse) = (0, 0);
    for (world, sums) in worlds.chain([("all worlds", totals)]) {
        let Some(slowest) = Slowest::of(sums) else {
            continue;
        };
        let mark = if slowest.is_worse() { "  WORSE" } else { "" };
        let (ours, best, name) = (slowest.ours_ms, slowest.best_ms, slowest.best.as_str());
        let _ = writeln!(text, "{world:<28} {ours:>12} {best:>12} {name:<12}{mark}");
        all += 1;
        worse += u32::from(slowest.is_worse());
    }
    let _ = writeln!(text, "worse in {worse} of {all} lines\n");
}

fn line(text: &mut String, name: &str, sum: &Sum, ratio: Option<f64>) {
    let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
    let _ = writeln!(
        text,
        "{:<28} {:<13} {:>10.1} {ratio:>6} {:>8} {:>9} {:>8} {:>6} {:>8.2} {:>8.2}",
        name,
        sum.policy.as_str(),
        sum.without_data_s,
        percentile(&sum.latencies_ms, 0.5),
        sum.p99_ms(),
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
                    "latency_p99_ms": sum.p99_ms(),
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
                "declined_s": row.declined_s,
                "ratio": row.ratio(),
                "p99_is_worse": Slowest::of(&row.sums).is_some_and(|slowest| slowest.is_worse()),
                "policies": sums(&row.sums),
            })
        })
        .collect();
    serde_json::json!({
        "worlds": worlds,
        "totals": sums(&totals(rows)),
        "ratio_in_sum": ratio(&totals(rows)),
        "median_ratio": median_ratio(rows),
        "failures": failures(rows),
    })
}
