//! SMS coding. Budget: a text of 1,000 characters is segmented and encoded into
//! user data within 20 µs, with the default alphabet, UCS-2, or the tables of one
//! language. "All tables" shows the worst case, 25 tables to choose from, which no
//! phone has enabled; it has no budget.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use twine_sms::pdu::UserData;
use twine_sms::{Language, ReferenceSize, TableSet, fold, mark, segments, split};

/// Characters of each text.
const CHARACTERS: usize = 1_000;

fn text(of: &str) -> String {
    of.chars().cycle().take(CHARACTERS).collect()
}

fn sms(criterion: &mut Criterion) {
    let hindi = TableSet::NONE.with(Language::Hindi);
    let turkish = TableSet::NONE.with(Language::Turkish);
    let latin = "Habari ya asubuhi! Tutaonana kesho saa 10? ";
    let texts = [
        ("gsm7", text(latin), TableSet::NONE),
        (
            "gsm7 with escapes",
            text("20 € [ok] {10 €} "),
            TableSet::NONE,
        ),
        ("ucs2", text("ዛሬ እንገናኛለን? 😀 "), TableSet::NONE),
        ("tr", text("Şişli'de hava çok güzel, "), turkish),
        ("hi", text("नमस्ते, कल मिलते हैं? OK "), hindi),
        ("gsm7, all tables", text(latin), TableSet::ALL),
        (
            "escapes, all tables",
            text("20 € [ok] {10 €} "),
            TableSet::ALL,
        ),
    ];
    let mut group = criterion.benchmark_group("sms");
    group.throughput(Throughput::Elements(CHARACTERS as u64));
    for (name, text, tables) in &texts {
        group.bench_function(format!("segments/{name}"), |bencher| {
            bencher.iter(|| segments(black_box(text), black_box(tables)));
        });
        group.bench_function(format!("split and encode/{name}"), |bencher| {
            bencher.iter(|| {
                let cut = split(black_box(text), black_box(tables), ReferenceSize::Bits8);
                cut.map(|cut| UserData::of_split(&cut, 7))
            });
        });
    }
    let (_, text, tables) = &texts[0];
    group.bench_function("mark", |bencher| {
        bencher.iter(|| mark::mark(black_box(text), 57, tables));
    });
    group.bench_function("fold", |bencher| {
        bencher.iter(|| fold::hash(black_box(text)));
    });
    group.finish();
}

criterion_group!(benches, sms);
criterion_main!(benches);
