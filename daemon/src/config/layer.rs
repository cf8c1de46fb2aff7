//! One file: from text to keys and values with their places.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Place};
use super::keys::{self, KEYS};

/// A file of the configuration.
pub(super) struct Layer<'a> {
    file: &'a Path,
    text: &'a str,
}

/// A value for a key that exists.
pub(super) struct Found<'t, 'a> {
    /// Index in `KEYS`.
    pub(super) key: usize,
    pub(super) place: Place,
    pub(super) value: &'t DeValue<'a>,
}

impl<'a> Layer<'a> {
    pub(super) const fn new(file: &'a Path, text: &'a str) -> Self {
        Self { file, text }
    }

    pub(super) fn parse(&self) -> Result<DeTable<'a>, ConfigError> {
        DeTable::parse(self.text)
            .map(Spanned::into_inner)
            .map_err(|error| ConfigError::Syntax {
                place: self.place(&error.span().unwrap_or(0..0)),
                reason: error.message().replace('\n', ", "),
            })
    }

    /// All values whose key exists; the others become errors.
    pub(super) fn values<'t>(
        &self,
        table: &'t DeTable<'a>,
        errors: &mut Vec<ConfigError>,
    ) -> Vec<Found<'t, 'a>> {
        let mut found = Vec::new();
        self.walk("", table, &mut found, errors);
        found
    }

    fn walk<'t>(
        &self,
        prefix: &str,
        table: &'t DeTable<'a>,
        found: &mut Vec<Found<'t, 'a>>,
        errors: &mut Vec<ConfigError>,
    ) {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            if let Some(index) = keys::index(&name) {
                found.push(Found {
                    key: index,
                    place: self.place(&value.span()),
                    value: value.get_ref(),
                });
                continue;
            }
            match value.get_ref() {
                DeValue::Table(inner) if keys::is_table(&name) => {
                    self.walk(&format!("{name}."), inner, found, errors);
                }
                _ => errors.push(ConfigError::UnknownKey {
                    place: self.place(&key.span()),
                    key: name,
                    allowed: allowed_in(prefix),
                }),
            }
        }
    }

    fn place(&self, span: &Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// The names that may stand in a table: its keys, and the tables in it.
fn allowed_in(prefix: &str) -> String {
    let mut names = Vec::new();
    for key in &KEYS {
        let Some(rest) = key.name.strip_prefix(prefix) else {
            continue;
        };
        let name = match rest.split_once('.') {
            Some((table, _)) => format!("[{table}]"),
            None => rest.to_owned(),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}
