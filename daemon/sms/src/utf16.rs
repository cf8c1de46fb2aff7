//! Text that came as UTF-16: from Java's strings, or from JSON's escapes.

use thiserror::Error;

/// A half of a surrogate pair without the other half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the UTF-16 unit {unit:04X} at position {position} is half of a surrogate pair without the \
     other half"
)]
pub struct UnpairedSurrogate {
    /// Where it is, in UTF-16 units from 0.
    pub position: usize,
    /// The unit, D800 to DFFF.
    pub unit: u16,
}

/// The text of UTF-16 units.
///
/// # Errors
///
/// At the first unpaired surrogate, with its position.
pub fn from_utf16(units: &[u16]) -> Result<String, UnpairedSurrogate> {
    let mut text = String::with_capacity(units.len());
    let mut position = 0;
    for decoded in char::decode_utf16(units.iter().copied()) {
        let character = decoded.map_err(|error| UnpairedSurrogate {
            position,
            unit: error.unpaired_surrogate(),
        })?;
        position += character.len_utf16();
        text.push(character);
    }
    Ok(text)
}
