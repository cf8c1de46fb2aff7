//! Shows how handsets come back to a gateway that was away.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use twine_out::{say, sayln};
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
/// Seconds that a curve shows.
const SHOWN_S: usize = 90;

#[derive(Debug)]
struct Args {
    handsets: usize,
    seed: u64,
    json: Option<PathBuf>,
    html: Option<PathBuf>,
    check: bool,
}

fn main() -> ExitCode {
    let args = match parse(lexopt::Parser::from_env()) {
        Ok(Some(args)) => args,
        Ok(None) => {
            say!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("reconnect-eval: {error}\nsee reconnect-eval --help");
            return ExitCode::from(2);
        }
    };
    match evaluate(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("reconnect-eval: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn parse(mut parser: lexopt::Parser) -> Result<Option<Args>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut args = Args {
        handsets: 10_000,
        seed: 1,
        json: None,
        html: None,
        check: false,
    };
    while let Some(arg) = parser.next()? {
        match arg {
            Long("handsets") => {
                args.handsets = parser.value()?.parse()?;
                if !(1..=100_000).contains(&args.handsets) {
                    let what = format!("--handsets {}: expected 1 to 100000", args.handsets);
                    return Err(lexopt::Error::Custom(what.into()));
                }
            }
            Long("seed") => args.seed = parser.value()?.parse()?,
            Long("json") => args.json = Some(parser.value()?.into()),
            Long("html") => args.html = Some(parser.value()?.into()),
            Long("check") => args.check = true,
            Long("help") | Short('h') => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(args))
}

fn evaluate(args: &Args) -> anyhow::Result<ExitCode> {
    sayln!(
        "{:<38} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9}",
        "seconds after its return",
        "peak/s",
        "refused",
        "50 %",
        "99 %",
        "all",
        "writers"
    );
    let mut outcomes = Vec::new();
    for case in CASES {
        let outcome = run(case, args.handsets, args.seed);
        sayln!(
            "{:<38} {:>8} {:>8} {:>8.1} {:>9.1} {:>9.1} {:>9.1}",
            case.name,
            outcome.peak(),
            outcome.refused_peak(),
            outcome.back_by(0.5),
            outcome.back_by(0.99),
            outcome.back_by(1.0),
            outcome.writers_by(1.0),
        );
        outcomes.push(outcome);
    }
    let failures = failures(&outcomes);
    if failures.is_empty() {
        sayln!("holds: they come back spread, and whoever writes comes back first");
    }
    for failure in &failures {
        sayln!("does not hold: {failure}");
    }
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&json(&outcomes))? + "\n";
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &args.html {
        std::fs::write(path, html(&outcomes, &failures))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(if args.check && !failures.is_empty() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn json(outcomes: &[Outcome]) -> serde_json::Value {
    let all = outcomes.iter().map(|outcome| {
        serde_json::json!({
            "case": outcome.case.name,
            "handsets": outcome.handsets,
            "arrivals": outcome.arrivals,
            "refused": outcome.refused,
            "peak_per_second": outcome.peak(),
            "back_s": {
                "p50": outcome.back_by(0.5),
                "p99": outcome.back_by(0.99),
                "max": outcome.back_by(1.0),
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
        let _ = write!(
            page,
            "<h2>{}</h2><p>{} handsets; connections that they opened in each second after the gateway stopped; \
             the pale ones while nobody was there. Its busiest second saw {}.</p>",
            page::escape(outcome.case.name),
            outcome.handsets,
            outcome.peak()
        );
        curve(&mut page, outcome);
    }
    page
}

/// One bar a second.
fn curve(page: &mut String, outcome: &Outcome) {
    const BAR: usize = 9;
    const HEIGHT: usize = 140;
    let most = outcome.peak().max(outcome.refused_peak()).max(1) as usize;
    let _ = write!(
        page,
        "<svg width=\"{}\" height=\"{}\" role=\"img\">",
        SHOWN_S * BAR + 10,
        HEIGHT + 20
    );
    let seconds = outcome.arrivals.iter().zip(&outcome.refused);
    for (second, (arrivals, refused)) in seconds.take(SHOWN_S).enumerate() {
        let opacity = if *refused > 0 { 0.35 } else { 1.0 };
        let arrivals = arrivals + refused;
        let height = arrivals as usize * HEIGHT / most;
        let _ = write!(
            page,
            "<rect class=\"p0\" opacity=\"{opacity}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{height}\">\
             <title>second {second}: {arrivals}</title></rect>",
            second * BAR,
            HEIGHT - height,
            BAR - 1
        );
    }
    for second in (0..SHOWN_S).step_by(10) {
        let _ = write!(
            page,
            "<text x=\"{}\" y=\"{}\">{second} s</text>",
            second * BAR,
            HEIGHT + 15
        );
    }
    page.push_str("</svg>\n");
}
