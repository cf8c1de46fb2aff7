//! The mark of an uncertain copy (DELIVERY 17): trailing spaces.
//!
//! An SMS of which another copy may exist ends in `1 + (lane_seq mod 4)` spaces;
//! all others leave without trailing spaces. Owns writing and reading the mark.
//! Never decides whether copies belong together: that takes the peer, the text,
//! the residue and the time, and is the engine's.
//!
//! A space here is U+0020 and nothing else. What an operator does to it on the
//! way costs the mark, never the message:
//!
//! | what arrives | read as |
//! |---|---|
//! | 1 to 4 spaces at the end | the mark |
//! | spaces trimmed | no mark |
//! | spaces made U+00A0 or other white space | text, no mark |
//! | something behind the spaces, such as a line break or an advertisement | text, no mark |
//! | more than 4 spaces at the end | no mark: somebody else's spaces, or ours with others |
//!
//! Without the mark both copies are shown until a lane note tells (DELIVERY 18);
//! its hash, made by [`fold`](crate::fold), is the same for all of these rows
//! but the one with words added.

use crate::language::TableSet;
use crate::segment::segments;

/// Different marks.
pub const RESIDUES: u64 = 4;

/// The text with the mark of its place in the lane: without trailing spaces,
/// then `1 + lane_seq mod 4` spaces. `None` if that would take one part more
/// than the [`plain`] text, or if the text takes too many parts anyway: it then
/// leaves plain.
#[must_use]
pub fn mark(text: &str, lane_seq: u64, tables: &TableSet) -> Option<String> {
    let body = plain(text);
    let spaces = residue(lane_seq) + 1;
    let mut marked = String::with_capacity(body.len() + usize::from(spaces));
    marked.push_str(body);
    marked.extend(std::iter::repeat_n(' ', spaces.into()));
    let before = segments(body, tables).ok()?;
    let after = segments(&marked, tables).ok()?;
    (after.count <= before.count).then_some(marked)
}

/// The text without trailing spaces, as an SMS leaves of which there is no
/// other copy.
#[must_use]
pub fn plain(text: &str) -> &str {
    text.trim_end_matches(' ')
}

/// What arrived: the text without trailing spaces, and the residue of the mark,
/// 0 to 3, if there is one.
#[must_use]
pub fn read_mark(text: &str) -> (&str, Option<u8>) {
    let body = plain(text);
    let residue = match text.len() - body.len() {
        1 => Some(0),
        2 => Some(1),
        3 => Some(2),
        4 => Some(3),
        _ => None,
    };
    (body, residue)
}

/// The residue of a place in the lane, 0 to 3, as [`read_mark`] returns it.
#[must_use]
pub const fn residue(lane_seq: u64) -> u8 {
    (lane_seq % RESIDUES) as u8
}
