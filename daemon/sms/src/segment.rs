//! How a text is cut into SMS: the cheapest encoding, the number of parts, and
//! where they begin.
//!
//! # The choice
//!
//! Every pair of an enabled locking and single shift table, the default ones
//! among them, that has all characters of the text is a candidate. The one with
//! the fewest parts wins; among those the one with the most room left in the
//! last part; among those the one with the lowest identifiers, locking first,
//! so that the default alphabet wins when nothing is gained. It is the order of
//! AOSP's `GsmAlphabet.countGsmSeptets`. If there is no candidate it is UCS-2,
//! which never takes fewer parts than a candidate would.
//!
//! # The room
//!
//! TS 23.040 9.2.3.24: a header takes one octet for its length, 3 for each shift
//! table that is not the default one, and in each part of a long message 5 with
//! an 8-bit reference or 6 with a 16-bit one; septets start at the next septet
//! boundary.
//!
//! | | one part | more, 8 bits | more, 16 bits |
//! |---|---|---|---|
//! | default alphabet, septets | 160 | 153 | 152 |
//! | one shift table, septets | 155 | 149 | 148 |
//! | two shift tables, septets | 152 | 146 | 145 |
//! | UCS-2, 16-bit units | 70 | 67 | 66 |
//!
//! A part never ends within an escape sequence or a surrogate pair: what would
//! not fit whole goes to the next part, and the room is lost. Characters of
//! several code points (flags, emoji with a skin tone) may be cut between code
//! points; they are whole again when the parts are joined.

use std::fmt;

use thiserror::Error;

use crate::alphabet::Alphabet;
use crate::language::{Language, TableSet};
use crate::limits::{MAX_PARTS, MAX_USER_DATA_OCTETS};
use crate::tables;

/// How a text's characters become user data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// GSM 7-bit, with the default alphabet and its extension table, or instead
    /// of each the table of a language.
    Gsm7 {
        /// Instead of the default alphabet.
        locking: Option<Language>,
        /// Instead of the extension table.
        single: Option<Language>,
    },
    /// UCS-2, which phones read as UTF-16.
    Ucs2,
}

impl Encoding {
    /// The default alphabet and its extension table.
    pub const GSM7: Self = Self::Gsm7 {
        locking: None,
        single: None,
    };

    /// Units that fit into a message of one part: septets, or 16-bit units.
    #[must_use]
    pub const fn units_of_one(self) -> usize {
        self.units(0)
    }

    /// Units that fit into each part of a longer message.
    #[must_use]
    pub const fn units_of_part(self, reference: ReferenceSize) -> usize {
        self.units(reference.element_octets())
    }

    const fn units(self, concatenation_octets: usize) -> usize {
        let shift_tables = match self {
            Self::Gsm7 { locking, single } => {
                locking.is_some() as usize + single.is_some() as usize
            }
            Self::Ucs2 => 0,
        };
        let elements = concatenation_octets + 3 * shift_tables;
        let header = if elements == 0 { 0 } else { 1 + elements };
        let room = MAX_USER_DATA_OCTETS - header;
        match self {
            Self::Gsm7 { .. } => room * 8 / 7,
            Self::Ucs2 => room / 2,
        }
    }
}

/// `gsm7`, with tables of languages `gsm7-locking-hi`, `gsm7-single-tr`,
/// `gsm7-locking-tr-single-es`; or `ucs2`.
impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gsm7 { locking, single } => {
                f.write_str("gsm7")?;
                if let Some(language) = locking {
                    write!(f, "-locking-{language}")?;
                }
                if let Some(language) = single {
                    write!(f, "-single-{language}")?;
                }
                Ok(())
            }
            Self::Ucs2 => f.write_str("ucs2"),
        }
    }
}

/// The size of the number that the parts of one message share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReferenceSize {
    /// What Android sends.
    #[default]
    Bits8,
    /// One octet more in each part, and a repeat after 65,536 messages instead
    /// of 256.
    Bits16,
}

impl ReferenceSize {
    /// Octets of the information element, its identifier and length included.
    const fn element_octets(self) -> usize {
        match self {
            Self::Bits8 => 5,
            Self::Bits16 => 6,
        }
    }
}

/// What the counter in an app shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segments {
    /// The cheapest encoding.
    pub encoding: Encoding,
    /// Parts, 1 to [`MAX_PARTS`]; 1 for an empty text.
    pub count: u8,
    /// Units that the last part has left: septets, or 16-bit units in UCS-2.
    pub units_left: u8,
}

/// The text is too long for one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the text would take {parts} parts, and {MAX_PARTS} are possible; shorten it")]
pub struct TooManyParts {
    /// Parts that it would take, with an 8-bit or the asked-for reference.
    pub parts: usize,
}

/// Encoding, number of parts and room left for a text, with the 8-bit reference
/// that Android uses.
///
/// # Errors
///
/// If it takes more than [`MAX_PARTS`] parts.
pub fn segments(text: &str, tables: &TableSet) -> Result<Segments, TooManyParts> {
    Ok(choose(text, *tables, ReferenceSize::Bits8)?.segments)
}

/// Cuts a text into parts.
///
/// # Errors
///
/// If it takes more than [`MAX_PARTS`] parts.
pub fn split<'t>(
    text: &'t str,
    tables: &TableSet,
    reference: ReferenceSize,
) -> Result<Split<'t>, TooManyParts> {
    let Choice { segments, alphabet } = choose(text, *tables, reference)?;
    let mut starts = Vec::with_capacity(segments.count.into());
    starts.push(0);
    if segments.count > 1 {
        let room = segments.encoding.units_of_part(reference);
        let mut used = 0;
        for (offset, character) in text.char_indices() {
            // The choice has seen every character: all have a cost.
            let units = match &alphabet {
                Some(alphabet) => alphabet.get().septets(character).unwrap_or(0),
                None => character.len_utf16(),
            };
            if used + units > room {
                starts.push(offset);
                used = 0;
            }
            used += units;
        }
    }
    Ok(Split {
        text,
        segments,
        reference,
        starts,
    })
}

/// A text cut into parts, 1 to [`MAX_PARTS`]. Its `Debug` leaves the text out.
#[derive(Clone, PartialEq, Eq)]
pub struct Split<'t> {
    text: &'t str,
    segments: Segments,
    reference: ReferenceSize,
    /// Where parts begin, bytes; the first at 0.
    starts: Vec<usize>,
}

impl<'t> Split<'t> {
    /// Encoding of all parts.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        self.segments.encoding
    }

    /// Number of parts, encoding and room left.
    #[must_use]
    pub const fn segments(&self) -> Segments {
        self.segments
    }

    /// The size of reference that the parts leave room for.
    #[must_use]
    pub const fn reference_size(&self) -> ReferenceSize {
        self.reference
    }

    /// The text of each part, in order; joined they are the text.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = &'t str> + '_ {
        (0..self.starts.len()).map(|index| {
            let end = self.starts.get(index + 1).copied();
            &self.text[self.starts[index]..end.unwrap_or(self.text.len())]
        })
    }
}

impl fmt::Debug for Split<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Split")
            .field("segments", &self.segments)
            .field("reference", &self.reference)
            .field("starts", &self.starts)
            .finish_non_exhaustive()
    }
}

/// An alphabet that was there, or one that had to be made.
enum Lent {
    Default,
    Made(Box<Alphabet>),
}

impl Lent {
    fn new(locking: Option<Language>, single: Option<Language>) -> Self {
        match (locking, single) {
            (None, None) => Self::Default,
            _ => Self::Made(Box::new(Alphabet::new(locking, single))),
        }
    }

    fn get(&self) -> &Alphabet {
        match self {
            Self::Default => Alphabet::default_tables(),
            Self::Made(alphabet) => alphabet,
        }
    }
}

struct Choice {
    segments: Segments,
    /// Of GSM 7-bit.
    alphabet: Option<Lent>,
}

fn choose(text: &str, tables: TableSet, reference: ReferenceSize) -> Result<Choice, TooManyParts> {
    let mut best: Option<(Fill, Encoding, Option<Lent>)> = None;
    let default = fill(text, Encoding::GSM7, reference, |character| {
        Alphabet::default_tables().septets(character)
    });
    // One septet a character and no header cannot be beaten.
    let unbeaten = |fill: &Fill| fill.units == text.chars().count();
    let look_further = !tables.is_empty() && !default.as_ref().is_some_and(unbeaten);
    if let Some(fill) = default {
        best = Some((fill, Encoding::GSM7, Some(Lent::Default)));
    }
    if look_further {
        let lockings = std::iter::once(None).chain(tables.locking().map(Some));
        for locking in lockings {
            let Some(single) = single_for(text, locking, tables) else {
                continue;
            };
            if (locking, single) == (None, None) {
                continue;
            }
            let encoding = Encoding::Gsm7 { locking, single };
            let alphabet = Lent::new(locking, single);
            let filled = fill(text, encoding, reference, |character| {
                alphabet.get().septets(character)
            });
            if let Some(filled) = filled
                && best.as_ref().is_none_or(|(best, ..)| filled.beats(best))
            {
                best = Some((filled, encoding, Some(alphabet)));
            }
        }
    }
    let (fill, encoding, alphabet) = match best {
        Some(best) => best,
        None => {
            let ucs2 = fill(text, Encoding::Ucs2, reference, |character| {
                Some(character.len_utf16())
            });
            (ucs2.unwrap_or_default(), Encoding::Ucs2, None)
        }
    };
    let too_many = TooManyParts { parts: fill.parts };
    if fill.parts > MAX_PARTS {
        return Err(too_many);
    }
    Ok(Choice {
        segments: Segments {
            encoding,
            count: u8::try_from(fill.parts).map_err(|_| too_many)?,
            // At most 160.
            units_left: u8::try_from(fill.left).unwrap_or(u8::MAX),
        },
        alphabet,
    })
}

/// What parts a text fills in one encoding.
#[derive(Debug, Clone, Copy, Default)]
struct Fill {
    parts: usize,
    /// Of the last part.
    left: usize,
    /// Of the whole text.
    units: usize,
}

impl Fill {
    const fn beats(&self, other: &Self) -> bool {
        self.parts < other.parts || (self.parts == other.parts && self.left > other.left)
    }
}

/// Fills parts; `None` if a character has no cost, because it is not there.
fn fill(
    text: &str,
    encoding: Encoding,
    reference: ReferenceSize,
    cost: impl Fn(char) -> Option<usize>,
) -> Option<Fill> {
    let room = encoding.units_of_part(reference);
    let mut fill = Fill {
        parts: 1,
        ..Fill::default()
    };
    let mut used = 0;
    for character in text.chars() {
        let units = cost(character)?;
        fill.units += units;
        if used + units > room {
            fill.parts += 1;
            used = 0;
        }
        used += units;
    }
    let room_of_one = encoding.units_of_one();
    if fill.units <= room_of_one {
        fill.parts = 1;
        fill.left = room_of_one - fill.units;
    } else {
        fill.left = room - used;
    }
    Some(fill)
}

/// The first single shift table, the default one before others, that has all
/// characters that a locking shift table lacks. Which of them it is makes no
/// difference to the cost, except that the default one needs no header. The
/// outer `None`: there is none.
fn single_for(
    text: &str,
    locking: Option<Language>,
    enabled: TableSet,
) -> Option<Option<Language>> {
    let mut fitting: Vec<Option<Language>> = std::iter::once(None)
        .chain(enabled.single().map(Some))
        .collect();
    let locked = Lent::new(locking, None);
    let has = |single: Option<Language>, wanted: u16| {
        let shifted = tables::single(single);
        shifted.iter().any(|(_, character)| *character == wanted)
    };
    for character in text.chars() {
        if locked.get().septets(character) != Some(1) {
            let character = u16::try_from(u32::from(character)).ok()?;
            fitting.retain(|single| has(*single, character));
            if fitting.is_empty() {
                return None;
            }
        }
    }
    fitting.first().copied()
}
