//! The characters of TS 23.038, once. Everything else, decoding and encoding,
//! reads these.
//!
//! Where editions of the standard and phones differ, phones win: comma at 2C of
//! the Indic and Urdu locking tables (some prints show an apostrophe), U+0CA1 at
//! 24 of Kannada's (a misprint repeats U+0CAA), a euro sign at 65 of Telugu's
//! single shift table as in its siblings. AOSP (`GsmAlphabet`) has it so.

mod locking;
mod single;

use crate::language::Language;

/// A character for each septet; 0 where there is none. No table has U+0000.
pub(crate) type Table = [u16; 128];
/// A septet behind the escape, and its character.
pub(crate) type Shifted = (u8, u16);

/// The default alphabet, or the locking shift table of a language. Spanish has
/// none: the default alphabet holds.
pub(crate) const fn locking(language: Option<Language>) -> &'static Table {
    locking::TABLES[identifier(language)]
}

/// The extension table, or the single shift table of a language; by septet.
pub(crate) const fn single(language: Option<Language>) -> &'static [Shifted] {
    single::TABLES[identifier(language)]
}

/// Whether the extension table, or the single shift table of a language, has a
/// character.
pub(crate) fn has(language: Option<Language>, character: char) -> bool {
    let shifted = single(language);
    shifted
        .iter()
        .any(|(_, found)| u32::from(*found) == u32::from(character))
}

const fn identifier(language: Option<Language>) -> usize {
    match language {
        Some(language) => language.identifier() as usize,
        None => 0,
    }
}
