//! A page with plots.

use std::fmt::Write as _;

use super::check::{Row, Sum, failures};
use super::client::Name;
use crate::page::{Bars, LABEL_PX, PLOT_PX, VALUE_PX, escape, head};

const LINE_PX: usize = 70;
/// The top of the plots of intervals.
const TOP_S: f64 = 1_800.0;

/// One plot of bars.
struct Plot {
    title: &'static str,
    note: &'static str,
    value: fn(&Sum) -> f64,
    log_from: f64,
    unit: &'static str,
}

const PLOTS: [Plot; 3] = [
    Plot {
        title: "Unreachable",
        note: "seconds a day in which the gateway could not have reached the phone, holes \
               apart; logarithmic",
        value: |sum| sum.unreachable_s,
        log_from: 1.0,
        unit: "s",
    },
    Plot {
        title: "Heartbeats",
        note: "a day; logarithmic",
        value: |sum| sum.heartbeats as f64,
        log_from: 10.0,
        unit: "",
    },
    Plot {
        title: "Bytes",
        note: "a day, messages apart; logarithmic",
        value: |sum| sum.bytes as f64,
        log_from: 1_000.0,
        unit: "bytes",
    },
];

/// The whole page.
#[must_use]
pub fn page(rows: &[Row]) -> String {
    let names = Name::ALL.map(Name::as_str);
    let holds = "Behind every NAT unreachable for less time than Mars, or never; in sum no \
                 more heartbeats.";
    let mut page = head(
        "Kept behind NATs that forget",
        holds,
        &failures(rows),
        &names,
    );
    for plot in &PLOTS {
        let group = |row| bars(row, plot.value);
        let bars = Bars {
            title: plot.title,
            note: plot.note,
            log_from: Some(plot.log_from),
            unit: plot.unit,
            names: &names,
            groups: rows.iter().map(group).collect(),
        };
        bars.draw(&mut page);
    }
    intervals(&mut page, rows);
    page.push_str("</html>\n");
    page
}

fn bars(row: &Row, value: fn(&Sum) -> f64) -> (&str, Vec<f64>) {
    let a_day = |sum| value(sum) / row.days.max(1) as f64;
    (&row.world, row.sums.iter().map(a_day).collect())
}

/// How the idle time went on: the first seed of each world.
fn intervals(page: &mut String, rows: &[Row]) {
    let _ = writeln!(
        page,
        "<h2>Idle time before a heartbeat</h2><p class=\"note\">the first seed of each world; \
         from 0 to {TOP_S} s; gaps: no session</p>"
    );
    for row in rows {
        let _ = writeln!(
            page,
            "<svg viewBox=\"0 0 {} {}\" role=\"img\"><text x=\"{}\" y=\"{}\" \
             text-anchor=\"end\">{}</text><rect class=\"empty\" x=\"{LABEL_PX}\" y=\"0\" \
             width=\"{PLOT_PX}\" height=\"{LINE_PX}\"/>",
            LABEL_PX + PLOT_PX + VALUE_PX,
            LINE_PX + 8,
            LABEL_PX - 8,
            LINE_PX / 2,
            escape(&row.world),
        );
        for (client, idle) in row.intervals.iter().enumerate().rev() {
            line(page, client, idle);
        }
        page.push_str("</svg>\n");
    }
}

fn line(page: &mut String, client: usize, idle: &[u32]) {
    let step = PLOT_PX as f64 / idle.len().max(1) as f64;
    let mut path = String::new();
    let mut drawn = None;
    for (at, seconds) in idle.iter().enumerate() {
        if *seconds == 0 {
            drawn = None;
            continue;
        }
        let x = LABEL_PX as f64 + at as f64 * step;
        let y = LINE_PX as f64 * (1.0 - f64::from(*seconds).min(TOP_S) / TOP_S);
        let pen = if drawn.is_some() { 'L' } else { 'M' };
        if drawn != Some(*seconds) || idle.get(at + 1) != Some(seconds) {
            let _ = write!(path, "{pen}{x:.1} {y:.1}");
        }
        drawn = Some(*seconds);
    }
    let _ = writeln!(page, "<path class=\"line l{client}\" d=\"{path}\"/>");
}
