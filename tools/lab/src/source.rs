//! A TOML file and the places in it, so that every error says file, line and
//! what is allowed.

use std::fmt::Display;
use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use thiserror::Error;
use toml::Spanned;

/// Something wrong at a place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}:{column}: {what}")]
pub struct Located {
    /// As the user named it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What was found and what is allowed.
    pub what: String,
}

/// A file's name and text.
#[derive(Debug, Clone)]
pub struct Source {
    file: String,
    text: String,
}

impl Source {
    /// A text under a name.
    #[must_use]
    pub const fn new(file: String, text: String) -> Self {
        Self { file, text }
    }

    /// Reads a file of at most `limit` bytes.
    pub fn read(path: &Path, limit: u64) -> std::io::Result<Self> {
        let bytes = std::fs::metadata(path)?.len();
        if bytes > limit {
            return Err(std::io::Error::other(format!(
                "it has {bytes} bytes, at most {limit} are read"
            )));
        }
        let text = std::fs::read_to_string(path)?;
        Ok(Self::new(path.display().to_string(), text))
    }

    /// Reads the text as TOML of this type.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Located> {
        toml::from_str(&self.text).map_err(|error| {
            let what = error.message().replace('\n', "; ");
            self.at(error.span().unwrap_or(0..0), what)
        })
    }

    /// An error at this place.
    #[must_use]
    pub fn at(&self, span: Range<usize>, what: String) -> Located {
        let before = &self.text[..self.text.floor_char_boundary(span.start)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Located {
            file: self.file.clone(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            what,
        }
    }

    /// The value, if it lies within the range.
    pub fn within<T: PartialOrd + Copy + Display>(
        &self,
        key: &str,
        value: &Spanned<T>,
        low: T,
        high: T,
        unit: &str,
    ) -> Result<T, Located> {
        let number = *value.get_ref();
        if number >= low && number <= high {
            return Ok(number);
        }
        let what = format!("{key} = {number} is not allowed: {low} to {high} {unit}");
        Err(self.at(value.span(), what.trim_end().to_owned()))
    }

    /// What the word stands for, if it is one of these.
    pub fn one_of<T: Copy>(
        &self,
        key: &str,
        word: &Spanned<String>,
        allowed: &[(&str, T)],
    ) -> Result<T, Located> {
        allowed
            .iter()
            .find(|(name, _)| name == word.get_ref())
            .map(|(_, value)| *value)
            .ok_or_else(|| {
                let names: Vec<_> = allowed.iter().map(|(name, _)| *name).collect();
                self.at(
                    word.span(),
                    format!(
                        "{key} = \"{}\" is not allowed: one of {}",
                        word.get_ref(),
                        names.join(", ")
                    ),
                )
            })
    }
}
