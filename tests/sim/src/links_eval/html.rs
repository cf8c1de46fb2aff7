//! A page with plots: one file, nothing from elsewhere.

use std::fmt::Write as _;

use super::check::{Row, Sum, failures, median_ratio, ratio, totals};
use super::phone::Via;
use super::policy::Name;
use super::run::{Score, percentile};
use super::world::TICK_MS;
use crate::page::{Bars, LABEL_PX, PLOT_PX, VALUE_PX, escape, head};

const STRIP_PX: usize = 14;

/// One plot of bars.
struct Plot {
    title: &'static str,
    note: &'static str,
    value: fn(&Sum) -> f64,
    /// Logarithmic from here on; `None`: linear.
    log_from: Option<f64>,
    unit: &'static str,
}

const PLOTS: [Plot; 6] = [
    Plot {
        title: "Time without usable data",
        note: "per world, all seeds together; logarithmic",
        value: |sum| sum.without_data_s,
        log_from: Some(1.0),
        unit: "s",
    },
    Plot {
        title: "Message latency, median",
        note: "from written to answered; logarithmic",
        value: |sum| percentile(&sum.latencies_ms, 0.5) as f64,
        log_from: Some(10.0),
        unit: "ms",
    },
    Plot {
        title: "Message latency, 99th percentile",
        note: "from written to answered; logarithmic",
        value: |sum| percentile(&sum.latencies_ms, 0.99) as f64,
        log_from: Some(10.0),
        unit: "ms",
    },
    Plot {
        title: "Switches of the data card",
        note: "changes between Wi-Fi and mobile data are none",
        value: |sum| f64::from(sum.switches),
        log_from: None,
        unit: "",
    },
    Plot {
        title: "Ping-pongs",
        note: "switches back within five minutes",
        value: |sum| f64::from(sum.ping_pongs),
        log_from: None,
        unit: "",
    },
    Plot {
        title: "Cost of mobile data",
        note: "session and other traffic, US cents at assumed tariffs",
        value: |sum| sum.cents,
        log_from: None,
        unit: "¢",
    },
];

/// The whole page. `runs` are the runs of each row's first seed.
#[must_use]
pub fn page(rows: &[Row], runs: &[Vec<Score>]) -> String {
    let names = Name::ALL.map(Name::as_str);
    let holds = "In every world without data no longer than the best baseline, \
                 in sum at most half as long, with no more switches.";
    let mut page = head("Two cards, many networks", holds, &failures(rows), &names);
    if let (Some(median), Some(sum)) = (median_ratio(rows), ratio(&totals(rows))) {
        let _ = write!(
            page,
            "<p>Time without data, to the best baseline's: {median:.2} in the median world, \
             {sum:.2} in sum.</p>"
        );
    }
    for plot in &PLOTS {
        let group = |row| bars(row, plot);
        let bars = Bars {
            title: plot.title,
            note: plot.note,
            log_from: plot.log_from,
            unit: plot.unit,
            names: &names,
            groups: rows.iter().map(group).collect(),
        };
        bars.draw(&mut page);
    }
    timelines(&mut page, rows, runs);
    table(&mut page, rows);
    page.push_str("</html>\n");
    page
}

fn bars<'a>(row: &'a Row, plot: &Plot) -> (&'a str, Vec<f64>) {
    (&row.world, row.sums.iter().map(plot.value).collect())
}

/// Which link carried the session, when: the first seed of each world.
fn timelines(page: &mut String, rows: &[Row], runs: &[Vec<Score>]) {
    page.push_str(
        "<h2>What carried the session</h2><p class=\"note\">the first seed of each world; \
         gaps: nothing; ticks below: moves of data, with their reason</p>\
         <p class=\"legend\"><span class=\"wifi\">■</span> Wi-Fi \
         <span class=\"sim1\">■</span> SIM 1 <span class=\"sim2\">■</span> SIM 2</p>\n",
    );
    for (row, scores) in rows.iter().zip(runs) {
        let height = scores.len() * (STRIP_PX + 8);
        let _ = write!(
            page,
            "<h3>{}</h3><p class=\"note\">{}</p><svg viewBox=\"0 0 {} {height}\" role=\"img\">",
            escape(&row.world),
            escape(&row.about),
            LABEL_PX + PLOT_PX + VALUE_PX,
        );
        for (no, score) in scores.iter().enumerate() {
            strip(page, score, no * (STRIP_PX + 8));
        }
        page.push_str("</svg>\n");
    }
}

fn strip(page: &mut String, score: &Score, top: usize) {
    let scale = PLOT_PX as f64 / score.timeline.len().max(1) as f64;
    let _ = write!(
        page,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
         <rect class=\"empty\" x=\"{LABEL_PX}\" y=\"{top}\" width=\"{PLOT_PX}\" height=\"{STRIP_PX}\"/>",
        LABEL_PX - 8,
        top + STRIP_PX - 3,
        score.policy.as_str(),
    );
    let mut from = 0;
    for run in score.timeline.chunk_by(|a, b| a == b) {
        if let Some(Some(via)) = run.first() {
            let class = match via {
                Via::Wifi => "wifi",
                Via::Card(0) => "sim1",
                Via::Card(_) => "sim2",
            };
            let _ = write!(
                page,
                "<rect class=\"{class}\" x=\"{:.2}\" y=\"{top}\" width=\"{:.2}\" height=\"{STRIP_PX}\"/>",
                LABEL_PX as f64 + from as f64 * scale,
                run.len() as f64 * scale,
            );
        }
        from += run.len();
    }
    for (at, card, because) in &score.asked {
        let _ = write!(
            page,
            "<rect class=\"move\" x=\"{:.2}\" y=\"{}\" width=\"1.5\" height=\"5\">\
             <title>{} s: to SIM {}{}{}</title></rect>",
            LABEL_PX as f64 + *at as f64 * scale,
            top + STRIP_PX,
            *at as u64 * TICK_MS / 1000,
            card + 1,
            if because.is_empty() { "" } else { ": " },
            because,
        );
    }
}

fn table(page: &mut String, rows: &[Row]) {
    page.push_str(
        "<h2>Figures</h2><table><tr><th>world<th>policy<th>without data, s<th>ratio<th>nobody could, s\
         <th>p50, ms<th>p99, ms<th>switches<th>ping-pongs<th>MB<th>cents</tr>\n",
    );
    let totals = totals(rows);
    let all = rows
        .iter()
        .map(|row| (row.world.as_str(), row.hopeless_s, &row.sums))
        .chain([(
            "all worlds",
            rows.iter().map(|row| row.hopeless_s).sum(),
            &totals,
        )]);
    for (world, hopeless_s, sums) in all {
        for sum in sums {
            let _ = writeln!(
                page,
                "<tr><td>{}<td>{}<td>{:.1}<td>{}<td>{hopeless_s:.1}<td>{}<td>{}<td>{}<td>{}<td>{:.2}<td>{:.2}</tr>",
                escape(world),
                sum.policy.as_str(),
                sum.without_data_s,
                match (sum.policy, ratio(sums)) {
                    (Name::Twine, Some(ratio)) => format!("{ratio:.2}"),
                    _ => String::new(),
                },
                percentile(&sum.latencies_ms, 0.5),
                percentile(&sum.latencies_ms, 0.99),
                sum.switches,
                sum.ping_pongs,
                sum.metered_bytes as f64 / 1e6,
                sum.cents,
            );
        }
    }
    page.push_str("</table>\n");
}
