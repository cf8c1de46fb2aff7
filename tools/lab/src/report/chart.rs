//! One plot: latency over time, with the link in use, SMS, and what happened.
//!
//! Plain SVG, no script. Colour is never alone: profiles differ in the shape of
//! their points, too, and the strip names its links.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::journal::{Entry, Topic};
use crate::observer::Span;

/// A message in a plot.
pub(super) struct Point {
    pub(super) sent: Duration,
    /// `None`: never arrived.
    pub(super) took: Option<Duration>,
    pub(super) profile: String,
    /// Its first copy came by SMS.
    pub(super) by_sms: bool,
    /// For the tooltip.
    pub(super) label: String,
}

/// An SMS that the phone was asked to send.
pub(super) struct SmsTick {
    pub(super) at: Duration,
    pub(super) parts: u32,
    /// Parts that the network took.
    pub(super) taken: u32,
    /// For the tooltip.
    pub(super) label: String,
}

/// What a plot shows.
pub(super) struct Plot<'a> {
    pub(super) points: &'a [Point],
    pub(super) spans: &'a [Span],
    pub(super) sms: &'a [SmsTick],
    pub(super) entries: &'a [&'a Entry],
    pub(super) end: Duration,
    /// Longest latency of all plots, so that they share a scale.
    pub(super) longest: Duration,
}

const WIDTH: f64 = 1040.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 40.0;
const PLOT_HEIGHT: f64 = 250.0;
const STRIP_HEIGHT: f64 = 22.0;
const SMS_HEIGHT: f64 = 22.0;
const GAP: f64 = 10.0;
/// Height of one part of an SMS; more than the strip holds are cut off.
const PART_PX: f64 = 5.0;
/// Below this everything is "at once".
const SHORTEST_MS: f64 = 10.0;
/// A number on the time axis about every this many pixels.
const TICK_PX: f64 = 80.0;
/// Narrower strips carry no name.
const NAMED_PX: f64 = 44.0;

/// Okabe and Ito's colours, which people with colour blindness can tell apart;
/// the class of a profile is its place in this list.
pub(super) const PROFILE_COLOURS: [&str; 8] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d1f", "#777777",
];

/// Which colour and shape a profile has, the same in all plots of a page.
pub(super) type Legend = BTreeMap<String, usize>;

/// Draws it.
pub(super) fn draw(plot: &Plot<'_>, legend: &Legend) -> String {
    let height = TOP + PLOT_HEIGHT + GAP + STRIP_HEIGHT + SMS_HEIGHT + 34.0;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"latency over time\">\n"
    );
    let scale = Scale::new(plot);
    latency_axis(&mut svg, &scale);
    time_axis(&mut svg, &scale, plot.end);
    strip(&mut svg, &scale, plot, legend);
    sms_strip(&mut svg, &scale, plot.sms);
    events(&mut svg, &scale, plot.entries);
    for point in plot.points {
        mark(&mut svg, &scale, point, legend);
    }
    svg.push_str("</svg>\n");
    svg
}

/// A point as it stands in the legend.
pub(super) fn legend_mark(index: usize) -> String {
    format!(
        "<svg class=\"key\" viewBox=\"-7 -7 14 14\">{}</svg>",
        shape(index, 0.0, 0.0, "")
    )
}

struct Scale {
    px_per_s: f64,
    /// Of the longest latency.
    log_most: f64,
}

impl Scale {
    fn new(plot: &Plot<'_>) -> Self {
        let most_ms = (plot.longest.as_secs_f64() * 1000.0).max(1000.0);
        Self {
            px_per_s: (WIDTH - LEFT - RIGHT) / plot.end.as_secs_f64().max(1.0),
            log_most: (most_ms * 1.3 / SHORTEST_MS).log10(),
        }
    }

    fn x(&self, at: Duration) -> f64 {
        (LEFT + at.as_secs_f64() * self.px_per_s).min(WIDTH - RIGHT)
    }

    fn y(&self, ms: f64) -> f64 {
        let share = (ms.max(SHORTEST_MS) / SHORTEST_MS).log10() / self.log_most;
        TOP + PLOT_HEIGHT * (1.0 - share.min(1.0))
    }
}

// Writing to a string cannot fail; the results below say nothing.

fn latency_axis(svg: &mut String, scale: &Scale) {
    let names = [
        (10.0, "10 ms"),
        (100.0, "100 ms"),
        (1_000.0, "1 s"),
        (10_000.0, "10 s"),
        (100_000.0, "100 s"),
        (1_000_000.0, "1000 s"),
    ];
    for (ms, name) in names {
        if (ms / SHORTEST_MS).log10() > scale.log_most {
            break;
        }
        let y = scale.y(ms);
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"axis\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            y + 4.0
        );
    }
}

fn time_axis(svg: &mut String, scale: &Scale, end: Duration) {
    let wanted = TICK_PX / scale.px_per_s;
    let steps = [
        1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 3600.0,
    ];
    let step = steps
        .into_iter()
        .find(|step| *step >= wanted)
        .unwrap_or(wanted);
    let y = TOP + PLOT_HEIGHT + GAP + STRIP_HEIGHT + SMS_HEIGHT + 18.0;
    let mut s = 0.0;
    while s <= end.as_secs_f64() {
        let x = scale.x(Duration::from_secs_f64(s));
        let _ = writeln!(
            svg,
            "<text class=\"axis\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{s} s</text>"
        );
        s += step;
    }
}

/// Which link was in use, below the plot.
fn strip(svg: &mut String, scale: &Scale, plot: &Plot<'_>, legend: &Legend) {
    let y = TOP + PLOT_HEIGHT + GAP;
    let ends = plot.spans.iter().skip(1).map(|span| span.from);
    for (span, until) in plot.spans.iter().zip(ends.chain([plot.end])) {
        let (x, right) = (scale.x(span.from), scale.x(until));
        let width = (right - x).max(0.0);
        let name = match &span.link {
            Some(link) => format!("{link}: {}", span.profile),
            None => "no link".to_owned(),
        };
        let fill = match (&span.link, legend.get(&span.profile)) {
            (Some(_), Some(index)) => colour(*index),
            _ => "#999999",
        };
        let _ = writeln!(
            svg,
            "<rect class=\"strip\" x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" \
             height=\"{STRIP_HEIGHT}\" fill=\"{fill}\"><title>{} from {:.1} s to {:.1} s</title></rect>",
            escape(&name),
            span.from.as_secs_f64(),
            until.as_secs_f64()
        );
        if width >= NAMED_PX {
            // About seven pixels a character.
            let fits = (width / 7.0) as usize;
            let short: String = match &span.link {
                Some(_) if name.chars().count() > fits => span.profile.clone(),
                _ => name,
            };
            let short: String = short.chars().take(fits).collect();
            let _ = writeln!(
                svg,
                "<text class=\"strip-name\" x=\"{:.1}\" y=\"{:.1}\" \
                 text-anchor=\"middle\">{}</text>",
                x + width / 2.0,
                y + STRIP_HEIGHT - 7.0,
                escape(&short)
            );
        }
    }
}

/// Below the links: SMS, a bar for each, as high as it has parts.
fn sms_strip(svg: &mut String, scale: &Scale, sms: &[SmsTick]) {
    let bottom = TOP + PLOT_HEIGHT + GAP + STRIP_HEIGHT + SMS_HEIGHT;
    let _ = writeln!(
        svg,
        "<text class=\"axis\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">SMS</text>",
        LEFT - 8.0,
        bottom - 6.0
    );
    for tick in sms {
        let height = (f64::from(tick.parts) * PART_PX).min(SMS_HEIGHT - 2.0);
        let class = if tick.taken < tick.parts {
            "sms-bar refused"
        } else {
            "sms-bar"
        };
        let _ = writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"4\" height=\"{height:.1}\">\
             <title>{}</title></rect>",
            scale.x(tick.at) - 2.0,
            bottom - height,
            escape(&tick.label)
        );
    }
}

fn events(svg: &mut String, scale: &Scale, entries: &[&Entry]) {
    let mut labels = Labels::default();
    for entry in entries {
        let class = match entry.topic {
            Topic::Process if is_over(entry) => "process over",
            Topic::Process => "process",
            Topic::Link => "link",
            Topic::Sms if entry.what.starts_with("SMS centre") => continue,
            Topic::Sms => "sms",
            Topic::Session | Topic::Decision | Topic::Note => continue,
        };
        let x = scale.x(entry.at);
        let bottom = TOP + PLOT_HEIGHT;
        let _ = writeln!(
            svg,
            "<line class=\"event {class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" \
             y2=\"{bottom}\"><title>{:.1} s {}: {}</title></line>",
            entry.at.as_secs_f64(),
            escape(&entry.who),
            escape(&entry.what)
        );
        if let Some((text, row)) = labels.place(x, entry) {
            let _ = writeln!(
                svg,
                "<text class=\"event-name {class}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                x + 2.0,
                TOP - 5.0 - 12.0 * row as f64,
                escape(&text)
            );
        }
    }
}

/// What was killed or frozen is back.
fn is_over(entry: &Entry) -> bool {
    entry.what.ends_with("started again") || entry.what.contains("goes on")
}

/// Short names above the plot, in three rows, none over another.
#[derive(Default)]
struct Labels {
    free_from: [f64; 3],
}

impl Labels {
    fn place(&mut self, x: f64, entry: &Entry) -> Option<(String, usize)> {
        let text = match entry.what.as_str() {
            what if what.contains("killed") => format!("kill {}", entry.who),
            what if what.contains("frozen") => format!("freeze {}", entry.who),
            what if what.contains("is cut") => "cut".to_owned(),
            what if what.contains("stalls") => "stall".to_owned(),
            what if what.contains("goes down") => "down".to_owned(),
            what if what.contains("carries again") || what.contains("comes up") => "up".to_owned(),
            what if what.starts_with("flight mode") => what.to_owned(),
            what if what.contains("has coverage") => {
                format!("coverage {}", what.rsplit(' ').next().unwrap_or_default())
            }
            what if what.contains("taken out") => "card out".to_owned(),
            what if what.contains("put into") => "card in".to_owned(),
            what if what.contains("change places") => "cards swapped".to_owned(),
            what if what.contains("balance") && what.ends_with("empty") => "no balance".to_owned(),
            what if what.contains("becomes") => "profile".to_owned(),
            _ => return None,
        };
        let width = 6.5 * text.chars().count() as f64 + 6.0;
        let row = self.free_from.iter().position(|free| *free <= x)?;
        self.free_from[row] = x + width;
        Some((text, row))
    }
}

fn mark(svg: &mut String, scale: &Scale, point: &Point, legend: &Legend) {
    let x = scale.x(point.sent);
    match point.took {
        Some(took) => {
            let index = legend.get(&point.profile).copied().unwrap_or_default();
            let y = scale.y(took.as_secs_f64() * 1000.0);
            svg.push_str(&shape(index, x, y, &escape(&point.label)));
            if point.by_sms {
                let _ = write!(
                    svg,
                    "<circle class=\"by-sms\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6.5\"/>"
                );
            }
            svg.push('\n');
        }
        None => {
            let _ = writeln!(
                svg,
                "<text class=\"lost\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">LOST\
                 <title>{}</title></text>",
                TOP + 12.0,
                escape(&point.label)
            );
        }
    }
}

fn shape(index: usize, x: f64, y: f64, title: &str) -> String {
    let fill = colour(index);
    let title = format!("<title>{title}</title>");
    match index % 4 {
        0 => format!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.4\" fill=\"{fill}\">{title}</circle>"
        ),
        1 => format!(
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"6\" height=\"6\" fill=\"{fill}\">{title}</rect>",
            x - 3.0,
            y - 3.0
        ),
        2 => format!(
            "<path d=\"M{x:.1} {:.1}l4 7h-8z\" fill=\"{fill}\">{title}</path>",
            y - 4.5
        ),
        _ => format!(
            "<path d=\"M{x:.1} {:.1}l4.5 4.5l-4.5 4.5l-4.5 -4.5z\" fill=\"{fill}\">{title}</path>",
            y - 4.5
        ),
    }
}

pub(super) const fn colour(index: usize) -> &'static str {
    PROFILE_COLOURS[index % PROFILE_COLOURS.len()]
}

/// For text and attributes.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
