//! The hash by which a lane note names the text of an SMS (DELIVERY 18).
//!
//! Both ends compute it, on phones of different years, so it is fixed here to
//! the bit; golden values in the tests hold it:
//!
//! 1. The text in Unicode normalization form NFKD.
//! 2. Of it the letters and digits: characters with the property Alphabetic, or
//!    of general category Nd, Nl or No (Rust's `char::is_alphanumeric`). So
//!    accents, punctuation, white space, joiners and emoji go; vowel signs of
//!    Indic scripts stay, case stays.
//! 3. If nothing is left, all of 1 but U+0020. NFKD has made U+0020 of U+00A0 and
//!    its like.
//! 4. FNV-1a with 64 bits over the UTF-8 of 2 or 3: start with
//!    `cbf29ce484222325`, for each byte xor, then multiply by `100000001b3`
//!    modulo 2^64.
//! 5. The lowest 16 bits. Two texts of one phone are compared by all 64 ([`digest`]).
//!
//! Unicode never changes the decomposition of a character, and properties of
//! letters hardly ever. Two ends may differ over characters that are too new for
//! one of them: the note then claims no SMS, and both copies are shown.

use unicode_normalization::UnicodeNormalization;

const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// The hash of a text, as the module's documentation fixes it.
#[must_use]
pub fn hash(text: &str) -> u16 {
    hash_of(digest(text))
}

/// The hash of the text of this [`digest`].
#[must_use]
pub const fn hash_of(digest: u64) -> u16 {
    (digest & 0xffff) as u16
}

/// The folded text, by 64 bits. Allocates nothing that grows with the text.
#[must_use]
pub fn digest(text: &str) -> u64 {
    let mut hash = Fnv::default();
    let mut empty = true;
    for character in text.nfkd().filter(|c| c.is_alphanumeric()) {
        hash.update(character);
        empty = false;
    }
    if empty {
        for character in text.nfkd().filter(|c| *c != ' ') {
            hash.update(character);
        }
    }
    hash.0
}

struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(OFFSET_BASIS)
    }
}

impl Fnv {
    fn update(&mut self, character: char) {
        let mut utf8 = [0; 4];
        for byte in character.encode_utf8(&mut utf8).bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(PRIME);
        }
    }
}
