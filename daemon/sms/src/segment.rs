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
    /// A reference as it fits: of 8 bits the low byte.
    #[must_use]
    pub const fn cut(self, reference: u16) -> u16 {
        match self {
            Self::Bits8 => reference & 0xff,
            Self::Bits16 => reference,
        }
    }

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
/// that Android uses. Counts the text as it is given: for a counter of what will leave,
/// give it the [`plain`](crate::mark::plain) text, as spaces at the end do not.
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
        alphabet,
        reference,
        starts,
    })
}

/// A text cut into parts, 1 to [`MAX_PARTS`]. Its `Debug` leaves the text out.
#[derive(Clone)]
pub struct Split<'t> {
    text: &'t str,
    segments: Segments,
    /// Of GSM 7-bit.
    alphabet: Option<Lent>,
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

    /// What turns the parts into septets; `None`: UCS-2.
    #[must_use]
    pub fn alphabet(&self) -> Option<&Alphabet> {
        self.alphabet.as_ref().map(Lent::get)
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
#[derive(Clone)]
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

/// Looks through the text once for each enabled locking shift table; that ends
/// early where the table does not do.
fn choose(text: &str, tables: TableSet, reference: ReferenceSize) -> Result<Choice, TooManyParts> {
    let gsm7 = if tables.is_empty() {
        Fill::of(text, Encoding::GSM7, reference, |character| {
            Alphabet::default_tables().septets(character)
        })
        .map(|fill| (fill, Encoding::GSM7))
    } else {
        cheapest(text, tables, reference)
    };
    let (fill, encoding) = gsm7.unwrap_or_else(|| {
        let units = |character: char| Some(character.len_utf16());
        let ucs2 = Fill::of(text, Encoding::Ucs2, reference, units);
        (ucs2.unwrap_or_default(), Encoding::Ucs2)
    });
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
        alphabet: match encoding {
            Encoding::Gsm7 { locking, single } => Some(Lent::new(locking, single)),
            Encoding::Ucs2 => None,
        },
    })
}

/// The best pair of tables, if any pair has all characters.
fn cheapest(text: &str, tables: TableSet, reference: ReferenceSize) -> Option<(Fill, Encoding)> {
    let mut best: Option<(Fill, Encoding)> = None;
    for locking in std::iter::once(None).chain(tables.locking().map(Some)) {
        let Some((fill, single)) = with_locking(text, locking, tables, reference) else {
            continue;
        };
        if best.as_ref().is_none_or(|(best, _)| fill.beats(best)) {
            best = Some((fill, Encoding::Gsm7 { locking, single }));
        }
        // One septet a character and no header cannot be beaten.
        if (locking, single) == (None, None) && !fill.escapes {
            break;
        }
    }
    best
}

/// What a text fills with one locking shift table, and the single shift table
/// that goes with it: the default one if it has all that the other lacks,
/// because it needs no header; otherwise the first that has. It makes no
/// difference which: an escaped character takes two septets.
fn with_locking(
    text: &str,
    locking: Option<Language>,
    tables: TableSet,
    reference: ReferenceSize,
) -> Option<(Fill, Option<Language>)> {
    let locked = Lent::new(locking, None);
    let mut singles: Vec<Option<Language>> = std::iter::once(None)
        .chain(tables.single().map(Some))
        .collect();
    // Characters looked up in the single shift tables already, by low bits.
    let mut seen = [None; 64];
    let encoding = |single| Encoding::Gsm7 { locking, single };
    let mut with_default = Filling::new(encoding(None), reference);
    // Any language: all take the same room.
    let mut with_other = Filling::new(encoding(Some(Language::Turkish)), reference);
    for character in text.chars() {
        let units = if locked.get().is_plain(character) {
            1
        } else {
            let slot = &mut seen[character as usize % 64];
            if *slot != Some(character) {
                *slot = Some(character);
                singles.retain(|single| tables::has(*single, character));
                if singles.is_empty() {
                    return None;
                }
            }
            2
        };
        with_default.add(units);
        with_other.add(units);
    }
    let single = *singles.first()?;
    let filling = if single.is_none() {
        with_default
    } else {
        with_other
    };
    Some((filling.done(), single))
}

/// What parts a text fills in one encoding.
#[derive(Debug, Clone, Copy, Default)]
struct Fill {
    parts: usize,
    /// Of the last part.
    left: usize,
    /// Whether a character took more than one unit.
    escapes: bool,
}

impl Fill {
    /// `None` if a character has no cost, because it is not there.
    fn of(
        text: &str,
        encoding: Encoding,
        reference: ReferenceSize,
        cost: impl Fn(char) -> Option<usize>,
    ) -> Option<Self> {
        let mut filling = Filling::new(encoding, reference);
        for character in text.chars() {
            filling.add(cost(character)?);
        }
        Some(filling.done())
    }

    const fn beats(&self, other: &Self) -> bool {
        self.parts < other.parts || (self.parts == other.parts && self.left > other.left)
    }
}

/// Parts being filled.
struct Filling {
    room_of_one: usize,
    room: usize,
    full: usize,
    used: usize,
    units: usize,
    characters: usize,
}

impl Filling {
    const fn new(encoding: Encoding, reference: ReferenceSize) -> Self {
        Self {
            room_of_one: encoding.units_of_one(),
            room: encoding.units_of_part(reference),
            full: 0,
            used: 0,
            units: 0,
            characters: 0,
        }
    }

    const fn add(&mut self, units: usize) {
        self.characters += 1;
        self.units += units;
        self.used += units;
        if self.used > self.room {
            self.full += 1;
            self.used = units;
        }
    }

    const fn done(&self) -> Fill {
        let escapes = self.units > self.characters;
        if self.units <= self.room_of_one {
            return Fill {
                parts: 1,
                left: self.room_of_one - self.units,
                escapes,
            };
        }
        Fill {
            parts: self.full + 1,
            left: self.room - self.used,
            escapes,
        }
    }
}
