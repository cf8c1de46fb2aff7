//! The national languages of TS 23.038, and which of their tables are in use.
//!
//! Owns names and identifiers; the characters are in the tables.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A language with tables of its own (TS 23.038, annex A). The discriminant is
/// the National Language Identifier of 6.2.1.2.4.
///
/// Every language has a single shift table, which stands in for the extension
/// table; every one but Spanish has a locking shift table, which stands in for
/// the default alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Language {
    /// Single and locking shift.
    Turkish = 1,
    /// Single shift only.
    Spanish = 2,
    /// Single and locking shift.
    Portuguese = 3,
    /// Bengali and Assamese: single and locking shift.
    Bengali = 4,
    /// Single and locking shift.
    Gujarati = 5,
    /// Single and locking shift.
    Hindi = 6,
    /// Single and locking shift.
    Kannada = 7,
    /// Single and locking shift.
    Malayalam = 8,
    /// Single and locking shift.
    Oriya = 9,
    /// Single and locking shift.
    Punjabi = 10,
    /// Single and locking shift.
    Tamil = 11,
    /// Single and locking shift.
    Telugu = 12,
    /// Single and locking shift.
    Urdu = 13,
}

impl Language {
    /// All languages, by identifier.
    pub const ALL: [Self; 13] = [
        Self::Turkish,
        Self::Spanish,
        Self::Portuguese,
        Self::Bengali,
        Self::Gujarati,
        Self::Hindi,
        Self::Kannada,
        Self::Malayalam,
        Self::Oriya,
        Self::Punjabi,
        Self::Tamil,
        Self::Telugu,
        Self::Urdu,
    ];

    /// The language with this National Language Identifier. 0 is the default
    /// alphabet and no language; identifiers from 14 are reserved.
    #[must_use]
    pub const fn from_identifier(identifier: u8) -> Option<Self> {
        match identifier {
            1..=13 => Some(Self::ALL[identifier as usize - 1]),
            _ => None,
        }
    }

    /// The National Language Identifier, 1 to 13.
    #[must_use]
    pub const fn identifier(self) -> u8 {
        self as u8
    }

    /// Whether there is a locking shift table: Spanish has none.
    #[must_use]
    pub const fn has_locking(self) -> bool {
        !matches!(self, Self::Spanish)
    }

    /// The language's code of ISO 639-1.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Turkish => "tr",
            Self::Spanish => "es",
            Self::Portuguese => "pt",
            Self::Bengali => "bn",
            Self::Gujarati => "gu",
            Self::Hindi => "hi",
            Self::Kannada => "kn",
            Self::Malayalam => "ml",
            Self::Oriya => "or",
            Self::Punjabi => "pa",
            Self::Tamil => "ta",
            Self::Telugu => "te",
            Self::Urdu => "ur",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The language tables that may be used beside the default alphabet: what the
/// phone's framework has enabled (AOSP `config_sms_enabled_locking_shift_tables`
/// and `config_sms_enabled_single_shift_tables`). The default is none, as in
/// stock Android.
///
/// ```
/// use twine_sms::TableSet;
/// let tables: TableSet = "tr,hi-single".parse()?;
/// # Ok::<(), twine_sms::language::UnknownTable>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TableSet {
    /// Bit n: the locking shift table of the language with identifier n.
    locking: u16,
    /// Bit n: the single shift table of the language with identifier n.
    single: u16,
}

impl TableSet {
    /// The default alphabet and its extension only.
    pub const NONE: Self = Self {
        locking: 0,
        single: 0,
    };

    /// Every table there is.
    pub const ALL: Self = {
        let mut all = Self::NONE;
        let mut index = 0;
        while index < Language::ALL.len() {
            all = all.with(Language::ALL[index]);
            index += 1;
        }
        all
    };

    /// These, and both tables of a language; of Spanish its only one.
    #[must_use]
    pub const fn with(self, language: Language) -> Self {
        self.with_locking(language).with_single(language)
    }

    /// These, and the locking shift table of a language, if it has one.
    #[must_use]
    pub const fn with_locking(mut self, language: Language) -> Self {
        if language.has_locking() {
            self.locking |= 1 << language.identifier();
        }
        self
    }

    /// These, and the single shift table of a language.
    #[must_use]
    pub const fn with_single(mut self, language: Language) -> Self {
        self.single |= 1 << language.identifier();
        self
    }

    /// Whether the default alphabet is all there is.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.locking == 0 && self.single == 0
    }

    /// Languages whose locking shift table is enabled, by identifier.
    pub fn locking(self) -> impl Iterator<Item = Language> {
        members(self.locking)
    }

    /// Languages whose single shift table is enabled, by identifier.
    pub fn single(self) -> impl Iterator<Item = Language> {
        members(self.single)
    }
}

fn members(bits: u16) -> impl Iterator<Item = Language> {
    Language::ALL
        .into_iter()
        .filter(move |language| bits & (1 << language.identifier()) != 0)
}

/// There is no such table.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "there is no table \"{0}\"; allowed are tr, es, pt, bn, gu, hi, kn, ml, or, pa, ta, te, ur, \
     each alone or with -single or -locking (es has no locking table)"
)]
pub struct UnknownTable(pub String);

/// Codes with commas between them: `tr` for both tables of a language,
/// `tr-single` or `tr-locking` for one. An empty text is [`TableSet::NONE`].
impl FromStr for TableSet {
    type Err = UnknownTable;

    fn from_str(text: &str) -> Result<Self, UnknownTable> {
        let mut tables = Self::NONE;
        for name in text.split(',').map(str::trim) {
            if name.is_empty() && text.trim().is_empty() {
                continue;
            }
            let unknown = || UnknownTable(name.to_owned());
            let (code, kind) = name.split_once('-').unwrap_or((name, ""));
            let language = Language::ALL
                .into_iter()
                .find(|language| language.code() == code)
                .ok_or_else(unknown)?;
            tables = match kind {
                "" if code.len() == name.len() => tables.with(language),
                "single" => tables.with_single(language),
                "locking" if language.has_locking() => tables.with_locking(language),
                _ => return Err(unknown()),
            };
        }
        Ok(tables)
    }
}
