//! GSM 7-bit: characters to septets and back, and packing of septets.
//!
//! Owns what an escape means and where a septet's bits lie. Does not choose
//! tables: that is [`segment`](crate::segment).

use thiserror::Error;

use crate::language::Language;
use crate::tables;

/// Announces that the next septet is of the extension or single shift table.
pub const ESCAPE: u8 = 0x1b;

/// Characters by the septets that stand for them, for one pair of tables.
///
/// ```text
/// slots   0x00..0x80   ASCII, each at its own place
///         0x80..0x180  others, by low byte; the next free place if it is taken
///         ..0x200      room for those
/// ```
#[derive(Clone)]
pub struct Alphabet {
    slots: [Slot; SLOTS],
}

/// A character of the tables and its septet; bit 7: behind an escape. Free if
/// the character is 0.
#[derive(Clone, Copy)]
struct Slot {
    character: u16,
    code: u8,
}

/// More than twice what both tables hold together.
const SLOTS: usize = 512;
const ESCAPED: u8 = 0x80;

/// The default alphabet with its extension table.
static DEFAULT: Alphabet = Alphabet::new(None, None);

impl Alphabet {
    /// The default alphabet and its extension table, or instead of each the
    /// table of a language. A locking shift table of Spanish is the default
    /// alphabet.
    #[must_use]
    pub const fn new(locking: Option<Language>, single: Option<Language>) -> Self {
        let mut alphabet = Self {
            slots: [Slot {
                character: 0,
                code: 0,
            }; SLOTS],
        };
        let table = tables::locking(locking);
        let mut septet = 0;
        while septet < table.len() {
            if table[septet] != 0 {
                alphabet.insert(table[septet], septet as u8);
            }
            septet += 1;
        }
        let shifted = tables::single(single);
        let mut index = 0;
        while index < shifted.len() {
            let (septet, character) = shifted[index];
            alphabet.insert(character, septet | ESCAPED);
            index += 1;
        }
        alphabet
    }

    /// The default alphabet with its extension table, made already.
    #[must_use]
    pub fn default_tables() -> &'static Self {
        &DEFAULT
    }

    /// Septets that a character takes: 1, or 2 with an escape; `None` if it is
    /// in neither table.
    #[must_use]
    pub fn septets(&self, character: char) -> Option<usize> {
        self.code(character)
            .map(|code| if code & ESCAPED == 0 { 1 } else { 2 })
    }

    /// Whether a character takes one septet.
    pub(crate) fn is_plain(&self, character: char) -> bool {
        self.code(character).is_some_and(|code| code & ESCAPED == 0)
    }

    /// Appends the septets of a text, one in each byte.
    ///
    /// # Errors
    ///
    /// If a character is in neither table; `septets` then ends before it.
    pub fn encode(&self, text: &str, septets: &mut Vec<u8>) -> Result<(), NotInAlphabet> {
        septets.reserve(text.len());
        for (offset, character) in text.char_indices() {
            let code = self.code(character).ok_or(NotInAlphabet {
                code_point: character.into(),
                offset,
            })?;
            if code & ESCAPED != 0 {
                septets.push(ESCAPE);
            }
            septets.push(code & !ESCAPED);
        }
        Ok(())
    }

    fn code(&self, character: char) -> Option<u8> {
        let character = u16::try_from(u32::from(character)).ok()?;
        let mut at = home(character);
        loop {
            let slot = self.slots[at % SLOTS];
            if slot.character == 0 {
                return None;
            }
            if slot.character == character {
                return Some(slot.code);
            }
            at += 1;
        }
    }

    /// The first one stays: one septet is cheaper than two.
    const fn insert(&mut self, character: u16, code: u8) {
        let mut at = home(character);
        while self.slots[at % SLOTS].character != 0 {
            if self.slots[at % SLOTS].character == character {
                return;
            }
            at += 1;
        }
        self.slots[at % SLOTS] = Slot { character, code };
    }
}

impl std::fmt::Debug for Alphabet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Alphabet").finish_non_exhaustive()
    }
}

const fn home(character: u16) -> usize {
    if character < 0x80 {
        character as usize
    } else {
        0x80 + (character & 0xff) as usize
    }
}

/// A character that the tables in use do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("U+{code_point:04X} at byte {offset} is not in the alphabet")]
pub struct NotInAlphabet {
    /// The character's number.
    pub code_point: u32,
    /// Where it begins in the text, bytes.
    pub offset: usize,
}

/// Makes characters of septets; may be fed in pieces.
#[derive(Debug, Clone)]
pub struct SeptetDecoder {
    locking: &'static tables::Table,
    single: &'static [tables::Shifted],
    escaped: bool,
}

impl SeptetDecoder {
    /// For the default tables, or instead of each the table of a language.
    #[must_use]
    pub const fn new(locking: Option<Language>, single: Option<Language>) -> Self {
        Self {
            locking: tables::locking(locking),
            single: tables::single(single),
            escaped: false,
        }
    }

    /// Goes on with other tables. An escape that waits for its septet keeps
    /// waiting: some phones cut between the two.
    pub const fn switch(&mut self, locking: Option<Language>, single: Option<Language>) {
        self.locking = tables::locking(locking);
        self.single = tables::single(single);
    }

    /// Appends the characters of septets, one in each byte; bit 7 is ignored.
    ///
    /// As a phone shows it (TS 23.038 6.2.1.1): behind an escape, what is not
    /// in the extension table is the character of the main table, and a second
    /// escape is a space. A septet without a character is a space. An escape at
    /// the end is nothing.
    pub fn decode(&mut self, septets: &[u8], text: &mut String) {
        text.reserve(septets.len());
        for septet in septets.iter().map(|octet| octet & 0x7f) {
            let escaped = std::mem::take(&mut self.escaped);
            let character = match (escaped, septet) {
                (false, ESCAPE) => {
                    self.escaped = true;
                    continue;
                }
                (true, ESCAPE) => 0,
                (true, _) => self
                    .single
                    .iter()
                    .find(|(code, _)| *code == septet)
                    .map_or(self.locking[usize::from(septet)], |(_, found)| *found),
                (false, _) => self.locking[usize::from(septet)],
            };
            let character = char::from_u32(character.into()).filter(|found| *found != '\0');
            text.push(character.unwrap_or(' '));
        }
    }
}

/// Packs septets, one in each byte, behind `fill_bits` bits of 0 (TS 23.038
/// 6.1.2.1), and appends the octets. `fill_bits` below 7 bring septets behind a
/// header to a septet boundary.
pub fn pack(septets: &[u8], fill_bits: u8, octets: &mut Vec<u8>) {
    octets.reserve(septets.len());
    let mut waiting = 0_u16;
    let mut bits = fill_bits.min(6);
    for septet in septets {
        waiting |= u16::from(septet & 0x7f) << bits;
        bits += 7;
        if bits >= 8 {
            octets.push((waiting & 0xff) as u8);
            waiting >>= 8;
            bits -= 8;
        }
    }
    if bits > 0 && !septets.is_empty() {
        octets.push((waiting & 0xff) as u8);
    }
}

/// Takes `count` septets, or as many as there are, out of octets, skipping
/// `fill_bits` bits first.
#[must_use]
pub fn unpack(octets: &[u8], fill_bits: u8, count: usize) -> Vec<u8> {
    let fill_bits = usize::from(fill_bits.min(6));
    let there = (octets.len() * 8).saturating_sub(fill_bits) / 7;
    (0..count.min(there))
        .map(|index| {
            let bit = fill_bits + index * 7;
            let low = u16::from(octets[bit / 8]);
            let high = octets.get(bit / 8 + 1).map_or(0, |octet| u16::from(*octet));
            ((low | high << 8) >> (bit % 8) & 0x7f) as u8
        })
        .collect()
}
