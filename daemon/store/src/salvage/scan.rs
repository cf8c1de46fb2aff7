//! Reading a table that has holes.
//!
//! A broken page ends a walk through the table. So each range of keys is walked
//! from both ends, and what remains between them is split and walked again,
//! until only single keys that cannot be read are left.

use rusqlite::{Connection, Row};

use crate::error::{StoreError, Trouble};
use crate::limits::MAX_SALVAGE_PROBES;

/// A table with an integer key.
pub(super) struct Keyed<'a> {
    pub(super) table: &'a str,
    /// The first of the columns.
    pub(super) key: &'a str,
    pub(super) columns: &'a str,
}

/// Hands every readable row to `visit`, which says whether it could use it.
/// Returns how many holes there are, and rows that could not be used.
pub(super) fn keyed(
    source: &Connection,
    table: &Keyed<'_>,
    mut visit: impl FnMut(&Row<'_>) -> Result<bool, StoreError>,
) -> Result<u64, StoreError> {
    let Keyed {
        table,
        key,
        columns,
    } = table;
    let walk = |order: &str| {
        format!(
            "SELECT {columns} FROM {table} NOT INDEXED WHERE {key} BETWEEN ?1 AND ?2
             ORDER BY {key} {order}"
        )
    };
    let (up, down) = (walk("ASC"), walk("DESC"));
    let mut unreadable = 0;
    let mut probes = 0;
    let mut hole_end = None;
    let mut ranges = vec![(0_i64, i64::MAX)];
    while let Some((mut low, mut high)) = ranges.pop() {
        let mut last = None;
        if walk_until_broken(
            source,
            &up,
            (low, high),
            &mut last,
            &mut visit,
            &mut unreadable,
        )? {
            continue;
        }
        low = last.map_or(low, |key: i64| key.saturating_add(1));
        let mut last = None;
        if walk_until_broken(
            source,
            &down,
            (low, high),
            &mut last,
            &mut visit,
            &mut unreadable,
        )? {
            continue;
        }
        high = last.map_or(high, |key: i64| key.saturating_sub(1));
        probes += 1;
        if low >= high || probes >= MAX_SALVAGE_PROBES {
            // Ranges come in ascending order: neighbours are one hole.
            unreadable += u64::from(hole_end != Some(low - 1));
            hole_end = Some(high);
            continue;
        }
        let middle = low + (high - low) / 2;
        ranges.push((middle + 1, high));
        ranges.push((low, middle));
    }
    Ok(unreadable)
}

/// Hands the rows of any table to `visit`, from both ends.
pub(super) fn both_ends(
    source: &Connection,
    up: &str,
    down: &str,
    mut visit: impl FnMut(&Row<'_>) -> Result<bool, StoreError>,
) -> Result<u64, StoreError> {
    let mut unreadable = 0;
    for sql in [up, down] {
        let mut statement = source.prepare(sql)?;
        let mut found = statement.query(())?;
        if walk_rows(&mut found, |_| Ok(()), &mut visit, &mut unreadable)? {
            return Ok(unreadable);
        }
    }
    Ok(unreadable + 1)
}

/// Whether the whole range could be walked; `last` is the last key reached.
fn walk_until_broken(
    source: &Connection,
    sql: &str,
    range: (i64, i64),
    last: &mut Option<i64>,
    visit: &mut impl FnMut(&Row<'_>) -> Result<bool, StoreError>,
    unreadable: &mut u64,
) -> Result<bool, StoreError> {
    let mut statement = source.prepare_cached(sql)?;
    let mut found = statement.query(range)?;
    walk_rows(
        &mut found,
        |row| {
            *last = Some(row.get(0)?);
            Ok(())
        },
        visit,
        unreadable,
    )
}

fn walk_rows(
    found: &mut rusqlite::Rows<'_>,
    mut reached: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
    visit: &mut impl FnMut(&Row<'_>) -> Result<bool, StoreError>,
    unreadable: &mut u64,
) -> Result<bool, StoreError> {
    loop {
        match found.next() {
            Ok(Some(row)) => {
                reached(row)?;
                if !visit(row)? {
                    *unreadable += 1;
                }
            }
            Ok(None) => return Ok(true),
            Err(error) => {
                return match StoreError::from(error) {
                    StoreError::Corrupt { .. }
                    | StoreError::Unavailable {
                        trouble: Trouble::Io,
                        ..
                    } => Ok(false),
                    other => Err(other),
                };
            }
        }
    }
}
