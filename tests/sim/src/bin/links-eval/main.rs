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
        if std::env::args().nth(4).is_some() { for world in all.iter().filter(|x| x.name == w) { let s = twine_sim::links_eval::run::run(twine_sim::links_eval::policy::Name::Twine, world);
            for (t, c, b) in &s.asked { let cov = |card: usize, t: usize| { let mut n = 0; while t + n < world.ticks.len() && !world.ticks[t + n].sims[card].covered { n += 1; } n };
                println!("ASK {} {t} ->{c} {b}; left-hole {}s; target-hole {} s", world.seed, cov(1 - c, *t) / 2, cov(*c, *t) / 2); } println!("DONE {} {}", s.switches, s.asked.len()); } }
        for (row, scores) in rows.iter().zip(&plots) { if row.world == w { for s in scores { println!("{:?} {:?}", s.policy, s.asked.iter().map(|(t, c, b)| (*t as f64 / 2.0, *c, *b)).collect::<Vec<_>>()); } } }
    }
}
