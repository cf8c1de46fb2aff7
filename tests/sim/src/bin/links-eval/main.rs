//! Compares policies for two SIMs.
use twine_sim::links_eval::{evaluate, report, worlds, check, trace};
fn main() {
    let seeds: u64 = std::env::args().nth(1).map_or(5, |s| s.parse().unwrap_or(5));
    let mut all = worlds::all(0..seeds, 7200).unwrap_or_default();
    if let Some(p) = std::env::args().nth(2) {
        all.extend(worlds::recorded(&trace::load(std::path::Path::new(&p)).unwrap_or_default()).unwrap_or_default());
    }
    let (rows, plots) = evaluate(&all);
    print!("{}", report::table(&rows));
    for f in check::failures(&rows) { println!("{f}"); }
    if let Some(w) = std::env::args().nth(3) {
        for (row, scores) in rows.iter().zip(&plots) { if row.world == w { for s in scores { println!("{:?} {:?}", s.policy, s.asked.iter().map(|(t, c, b)| (*t as f64 / 2.0, *c, *b)).collect::<Vec<_>>()); } } }
    }
}
