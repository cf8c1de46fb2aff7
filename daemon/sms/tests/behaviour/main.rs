//! What the crate promises, through its public API.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod alphabets;
mod copies;
mod hostile;
mod pdus;
mod reassembly;
mod roundtrip;
mod segmentation;
mod strategies;
mod vectors;

/// Octets of hexadecimal digits.
fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).unwrap() as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}
