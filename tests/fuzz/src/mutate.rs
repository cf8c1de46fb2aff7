//! Mutations of the corpus, the same in each run: bytes close to meaningful
//! ones reach what random bytes never do.

use twine_sim::rng::Rng;

use crate::MAX_INPUT_BYTES;

/// At most so many changes make one mutation.
const MAX_CHANGES: usize = 6;
/// Bytes at which lengths, counters and signs change their meaning.
const EDGES: [u8; 8] = [0, 1, 2, 0x1f, 0x7f, 0x80, 0xfe, 0xff];

/// Calls `run` with `count` mutations of the seeds.
///
/// # Panics
///
/// If `run` does, after printing the input in hexadecimal.
pub fn each(seeds: &[Vec<u8>], count: usize, run: fn(&[u8])) {
    let mut rng = Rng::new(seeds.len() as u64);
    for _ in 0..count {
        let input = mutated(seeds, &mut rng);
        let shown = Shown(&input);
        run(&input);
        std::mem::forget(shown);
    }
}

/// Prints an input when the run that has it panics.
struct Shown<'a>(&'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("the input, as text: {:?}", String::from_utf8_lossy(self.0));
        eprintln!("the input, in hexadecimal: {hex}");
    }
}

fn mutated(seeds: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut input = pick(seeds, rng).clone();
    // Mostly one: each further one makes it likelier that nothing is left that
    // anybody would read.
    for _ in 0..MAX_CHANGES {
        change(&mut input, pick(seeds, rng), rng);
        if rng.percent(60) {
            break;
        }
    }
    input.truncate(MAX_INPUT_BYTES);
    input
}

fn pick<'a>(seeds: &'a [Vec<u8>], rng: &mut Rng) -> &'a Vec<u8> {
    &seeds[below(rng, seeds.len())]
}

fn change(input: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let at = below(rng, input.len() + 1);
    let end = at + below(rng, input.len() - at + 1).min(64);
    match rng.range(0, 15) {
        0 => input.truncate(at),
        1 | 8 => drop(input.drain(at..end)),
        2 => input.insert(at, rng.next() as u8),
        3 => input.insert(at, EDGES[below(rng, EDGES.len())]),
        4 | 9 => {
            let again = input[at..end].to_vec();
            input.splice(at..at, again);
        }
        5 | 10 => {
            let from = below(rng, other.len() + 1);
            let to = from + below(rng, other.len() - from + 1).min(64);
            input.splice(at..end, other[from..to].iter().copied());
        }
        6 | 11..=13 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << rng.range(0, 7);
            }
        }
        _ => {
            if let Some(byte) = input.get_mut(at) {
                *byte = EDGES[below(rng, EDGES.len())];
            }
        }
    }
}

fn below(rng: &mut Rng, limit: usize) -> usize {
    rng.range(0, limit as u64 - 1) as usize
}
