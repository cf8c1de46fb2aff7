//! Shows how handsets come back to a gateway that was away.

use std::fmt::Write as _;
use std::process::ExitCode;

use lexopt::Parser;
use twine_out::sayln;
use twine_sim::evaluation::{self, number};
use twine_sim::page;
use twine_sim::reconnect_eval::{CASES, Outcome, failures, run};

const HELP: &str = "\
reconnect-eval: how handsets come back to a gateway that was away

  reconnect-eval [--handsets N] [--seed N] [--json FILE] [--html FILE] [--check]

  --handsets N    with live sessions when it stops, 1 to 100000 (default 10000)
  --seed N        (default 1)
  --json FILE     write the figures, second by second
  --html FILE     write a page with the arrival curves
  --check         exit status 1 if they come back too close together, or too late

Exit status: 0 done, 1 the check failed, 2 usage or files.
";
/// Columns of a curve in the terminal, at most.
const COLUMNS: usize = 64;
/// Bars of a curve, at most.
const BARS: usize = 90;

struct Args {
    handsets: usize,
    seed: u64,
    outcome: evaluation::Outcome,
}

fn main() -> ExitCode {
    let args = Args {
        handsets: 10_000,
        seed: 1,
        outcome: evaluation::Outcome::default(),
    };
    evaluation::main("reconnect-eval", HELP, args, option, evaluate)
}

fn option(args: &mut Args, name: &str, parser: &mut Parser) -> Result<(), lexopt::Error> {
    match name {
        "handsets" => args.handsets = number(parser, name, 1..=100_000)?,
        "seed" => args.seed = number(parser, name, 0..=u64::MAX)?,
        _ => args.outcome.option(name, parser)?,
    }
    Ok(())
}

fn evaluate(args: &Args) -> anyhow::Result<ExitCode> {
    sayln!(
        "{:<38} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9} {:>9}",
        "seconds after its return",
        "peak/s",
        "mean/s",
        "refused",
        "50 %",
        "99 %",
        "all",
        "told",
        "writers"
    );
    let mut outcomes = Vec::new();
    for case in CASES {
        let outcome = run(case, args.handsets, args.seed);
        sayln!(
            "{:<38} {:>8} {:>8.1} {:>8} {:>8.1} {:>9.1} {:>9.1} {:>9.1} {:>9.1}",
            case.name,
            outcome.peak(),
            outcome.mean(),
            outcome.refused_peak(),
            outcome.back_by(0.5),
            outcome.back_by(0.99),
            outcome.back_by(1.0),
            outcome.told_by(1.0),
            outcome.writers_by(1.0),
        );
        sayln!("  {}", sparkline(&outcome));
        outcomes.push(outcome);
    }
    let failures = failures(&outcomes);
    args.outcome.tell(
        "they come back spread, and whoever writes comes back first",
        &failures,
        || json(&outcomes),
        || html(&outcomes, &failures),
    )
}

fn json(outcomes: &[Outcome]) -> serde_json::Value {
    let all = outcomes.iter().map(|outcome| {
        serde_json::json!({
            "case": outcome.case.name,
            "handsets": outcome.handsets,
            "arrivals": outcome.arrivals,
            "refused": outcome.refused,
            "peak_per_second": outcome.peak(),
            "mean_per_second": outcome.mean(),
            "back_s": {
                "p50": outcome.back_by(0.5),
                "p99": outcome.back_by(0.99),
                "max": outcome.back_by(1.0),
                "told_max": outcome.told_by(1.0),
                "writers_max": outcome.writers_by(1.0),
            },
        })
    });
    all.collect()
}

fn html(outcomes: &[Outcome], failures: &[String]) -> String {
    let holds = "They come back spread, and whoever writes comes back first.";
    let mut page = page::head("Back to a gateway that was away", holds, failures, &[]);
    for outcome in outcomes {
        let step_s = outcome.arrivals.len().div_ceil(BARS).max(1);
        let each = match step_s {
            1 => "second".to_owned(),
            _ => format!("{step_s} seconds"),
        };
        let _ = write!(
            page,
            "<h2>{}</h2><p>{} handsets; connections that they opened in each {each} after the gateway stopped; \
             the pale ones while nobody was there. Its busiest second saw {}; {:.1} were the mean \
             until 99 % were back.</p>",
            page::escape(outcome.case.name),
            outcome.handsets,
            outcome.peak(),
            outcome.mean(),
        );
        curve(&mut page, outcome, step_s);
    }
    page
}

/// The arrival curve in a line: how many in each step since the gateway's return.
fn sparkline(outcome: &Outcome) -> String {
    const LEVELS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let away = outcome.case.away_s as usize;
    let arrivals = outcome.arrivals.get(away..).unwrap_or_default();
    let step_s = arrivals.len().div_ceil(COLUMNS).max(1);
    let sums: Vec<u32> = arrivals
        .chunks(step_s)
        .map(|step| step.iter().sum())
        .collect();
    let most = sums.iter().copied().max().unwrap_or(0).max(1);
    let level = |sum: &u32| LEVELS[(*sum as usize * 8).div_ceil(most as usize)];
    let line: String = sums.iter().map(level).collect();
    format!("{line}  each {step_s} s, at most {most}")
}

/// One bar for so many seconds.
fn curve(page: &mut String, outcome: &Outcome, step_s: usize) {
    const BAR: usize = 9;
    const HEIGHT: usize = 140;
    let sums = |seconds: &[u32]| -> Vec<usize> {
        let sum = |step: &[u32]| step.iter().map(|count| *count as usize).sum();
        seconds.chunks(step_s).map(sum).collect()
    };
    let (arrivals, refused) = (sums(&outcome.arrivals), sums(&outcome.refused));
    let both = || arrivals.iter().zip(&refused);
    let most = both().map(|(came, refused)| came + refused).max();
    let most = most.unwrap_or(0).max(1);
    let _ = write!(
        page,
        "<svg viewBox=\"0 0 {} {}\" role=\"img\">",
        BARS * BAR + 10,
        HEIGHT + 20
    );
    for (bar, (came, refused)) in both().enumerate() {
        let mut bottom = HEIGHT;
        for (count, opacity, what) in [(*came, 1.0, ""), (*refused, 0.35, " refused")] {
            let height = count * HEIGHT / most;
            bottom -= height;
            let _ = write!(
                page,
                "<rect class=\"p0\" opacity=\"{opacity}\" x=\"{}\" y=\"{bottom}\" width=\"{}\" height=\"{height}\">\
                 <title>from second {}: {count}{what}</title></rect>",
                bar * BAR,
                BAR - 1,
                bar * step_s
            );
        }
    }
    for bar in (0..BARS).step_by(10) {
        let _ = write!(
            page,
            "<text x=\"{}\" y=\"{}\">{} s</text>",
            bar * BAR,
            HEIGHT + 15,
            bar * step_s
        );
    }
    page.push_str("</svg>\n");
}
