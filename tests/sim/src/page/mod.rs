//! Pages with plots, for the evaluations: one file, nothing from elsewhere.

use std::fmt::Write as _;

const STYLE: &str = include_str!("style.css");
const BAR_PX: usize = 9;
const GROUP_GAP_PX: usize = 12;
/// Room for names on the left.
pub const LABEL_PX: usize = 260;
/// Width of what is plotted.
pub const PLOT_PX: usize = 620;
/// Room for values on the right.
pub const VALUE_PX: usize = 90;

/// Everything before the first plot: title, what has to hold and whether it does,
/// who has which colour.
#[must_use]
pub fn head(title: &str, holds: &str, failures: &[String], names: &[&str]) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style>\n\
         <h1>{title}</h1>\n"
    );
    if failures.is_empty() {
        let _ = writeln!(page, "<p class=\"good\">{holds}</p>");
    } else {
        page.push_str("<ul class=\"bad\">");
        for failure in failures {
            let _ = write!(page, "<li>{}</li>", escape(failure));
        }
        page.push_str("</ul>\n");
    }
    page.push_str("<p class=\"legend\">");
    for (no, name) in names.iter().enumerate() {
        let _ = write!(page, "<span class=\"p{no}\">■</span> {name} ");
    }
    page.push_str("</p>\n");
    page
}

/// A plot of bars, one group for each world, one bar for each name.
#[derive(Debug)]
pub struct Bars<'a> {
    /// What is plotted.
    pub title: &'a str,
    /// How to read it.
    pub note: &'a str,
    /// Logarithmic from here on; `None`: linear.
    pub log_from: Option<f64>,
    /// Of the values.
    pub unit: &'a str,
    /// Whose bars, in the order of the values.
    pub names: &'a [&'a str],
    /// World and values.
    pub groups: Vec<(&'a str, Vec<f64>)>,
}

impl Bars<'_> {
    /// Adds it to a page.
    pub fn draw(&self, page: &mut String) {
        let most = self
            .groups
            .iter()
            .flat_map(|(_, values)| values.iter().copied())
            .fold(1.0, f64::max);
        let length = |value: f64| {
            let share = match self.log_from {
                Some(from) if most > from => (value.max(from) / from).ln() / (most / from).ln(),
                _ => value / most,
            };
            share * PLOT_PX as f64
        };
        let group = self.names.len() * BAR_PX + GROUP_GAP_PX;
        let width = LABEL_PX + PLOT_PX + VALUE_PX;
        let height = self.groups.len() * group;
        let (title, note) = (self.title, self.note);
        let _ = write!(
            page,
            "<h2>{title}</h2><p class=\"note\">{note}</p>\n\
             <svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\">\n",
        );
        for (no, (world, values)) in self.groups.iter().enumerate() {
            let top = no * group;
            let middle = top + self.names.len() * BAR_PX / 2 + 4;
            let _ = writeln!(
                page,
                "<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{}</text>",
                LABEL_PX - 8,
                escape(world)
            );
            for (bar, value) in values.iter().enumerate() {
                let y = top + bar * BAR_PX;
                let long = length(*value).max(1.0);
                let _ = writeln!(
                    page,
                    "<rect class=\"p{bar}\" x=\"{LABEL_PX}\" y=\"{y}\" width=\"{long:.1}\" \
                     height=\"{}\"><title>{}: {value:.1} {}</title></rect>\
                     <text class=\"value\" x=\"{:.1}\" y=\"{}\">{}</text>",
                    BAR_PX - 1,
                    self.names.get(bar).copied().unwrap_or_default(),
                    self.unit,
                    LABEL_PX as f64 + long + 4.0,
                    y + BAR_PX - 2,
                    short(*value),
                );
            }
        }
        page.push_str("</svg>\n");
    }
}

fn short(value: f64) -> String {
    if value >= 100.0 || value == value.trunc() {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

/// Names of recordings are the user's.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
