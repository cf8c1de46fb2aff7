//! TP-User-Data with its coding, length and header (TS 23.040 9.2.3.24).

use std::fmt;

use thiserror::Error;

use super::reader::Reader;
use super::{DataAlphabet, DataCoding, DecodeError, Problem, UserDataHeader};
use crate::alphabet::{Alphabet, NotInAlphabet, SeptetDecoder, pack, unpack};
use crate::language::Language;
use crate::limits::{MAX_SEPTETS, MAX_USER_DATA_OCTETS};
use crate::reassembly::{Concatenation, Content};
use crate::segment::{Encoding, Split};

const FIELD: &str = "TP-User-Data";
const LENGTH_FIELD: &str = "TP-User-Data-Length";
const HEADER_FIELD: &str = "TP-User-Data-Header-Length";

/// Data, how it is coded, and the header in front of it. Fits into an SMS.
/// `Debug` leaves the data out.
#[derive(Clone, PartialEq, Eq)]
pub struct UserData {
    coding: DataCoding,
    header: Option<UserDataHeader>,
    payload: Payload,
}

/// The data behind the header.
#[derive(Clone, PartialEq, Eq)]
pub enum Payload {
    /// GSM 7-bit, not compressed: one septet in each byte.
    Septets(Vec<u8>),
    /// Anything else.
    Octets(Vec<u8>),
}

/// Why something cannot be user data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UserDataError {
    /// Too long for one SMS.
    #[error("{octets} octets of user data, at most {MAX_USER_DATA_OCTETS} are possible")]
    TooLong {
        /// Octets that it would take, header included.
        octets: usize,
    },
    /// The coding wants septets, or it does not.
    #[error("data coding {:02X} does not go with this kind of data", coding.0)]
    Coding {
        /// The coding.
        coding: DataCoding,
    },
    /// The text has a character that its encoding lacks.
    #[error(transparent)]
    Character(#[from] NotInAlphabet),
}

impl UserData {
    /// Data with an optional header.
    ///
    /// # Errors
    ///
    /// If it is too long, or the coding is of the other kind of data.
    pub fn new(
        coding: DataCoding,
        header: Option<UserDataHeader>,
        payload: Payload,
    ) -> Result<Self, UserDataError> {
        if coding.is_septets() != matches!(payload, Payload::Septets(_)) {
            return Err(UserDataError::Coding { coding });
        }
        let mut data = Self {
            coding,
            header,
            payload,
        };
        let octets = match &mut data.payload {
            Payload::Septets(septets) => {
                for septet in septets.iter_mut() {
                    *septet &= 0x7f;
                }
                (data.septets() * 7).div_ceil(8)
            }
            Payload::Octets(octets) => octets.len() + data.header_octets(),
        };
        if octets > MAX_USER_DATA_OCTETS {
            return Err(UserDataError::TooLong { octets });
        }
        Ok(data)
    }

    /// Text in an encoding, as a whole message or as a part of one.
    ///
    /// # Errors
    ///
    /// If it is too long, or the encoding lacks a character.
    pub fn of_text(
        text: &str,
        encoding: Encoding,
        part: Option<Concatenation>,
    ) -> Result<Self, UserDataError> {
        match encoding {
            Encoding::Gsm7 { locking, single } if (locking, single) != (None, None) => {
                Self::coded(text, encoding, &Alphabet::new(locking, single), part)
            }
            _ => Self::coded(text, encoding, Alphabet::default_tables(), part),
        }
    }

    /// The user data of all parts of a text. `reference` is what the parts share:
    /// of an 8-bit reference only the low byte is used. A text of one part gets
    /// none.
    pub fn of_split(split: &Split<'_>, reference: u16) -> Vec<Self> {
        let encoding = split.encoding();
        let alphabet = split.alphabet().unwrap_or(Alphabet::default_tables());
        let count = split.segments().count;
        let reference = split.reference_size().cut(reference);
        (1..=count)
            .zip(split.parts())
            .filter_map(|(index, text)| {
                let part = Concatenation::new(split.reference_size(), reference, count, index);
                let part = part.filter(|_| count > 1);
                // A split has room for each part and a code for each character.
                Self::coded(text, encoding, alphabet, part).ok()
            })
            .collect()
    }

    fn coded(
        text: &str,
        encoding: Encoding,
        alphabet: &Alphabet,
        part: Option<Concatenation>,
    ) -> Result<Self, UserDataError> {
        let header = UserDataHeader::of_text(encoding, part);
        let (coding, payload) = match encoding {
            Encoding::Gsm7 { .. } => {
                let mut septets = Vec::new();
                alphabet.encode(text, &mut septets)?;
                (DataCoding::GSM7, Payload::Septets(septets))
            }
            Encoding::Ucs2 => {
                let mut octets = Vec::with_capacity(text.len().min(MAX_USER_DATA_OCTETS));
                for unit in text.encode_utf16() {
                    octets.extend(unit.to_be_bytes());
                }
                (DataCoding::UCS2, Payload::Octets(octets))
            }
        };
        Self::new(coding, header, payload)
    }

    /// How it is coded.
    #[must_use]
    pub const fn coding(&self) -> DataCoding {
        self.coding
    }

    /// The header, if there is one.
    #[must_use]
    pub const fn header(&self) -> Option<&UserDataHeader> {
        self.header.as_ref()
    }

    /// The data behind the header.
    #[must_use]
    pub const fn payload(&self) -> &Payload {
        &self.payload
    }

    /// Which part of which message it is.
    #[must_use]
    pub fn concatenation(&self) -> Option<Concatenation> {
        self.header.as_ref()?.concatenation()
    }

    /// The text, as a phone shows it; `None` if it is none: 8-bit or compressed.
    /// Half a surrogate pair is U+FFFD, an odd octet at the end is left out.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        text_of([self])
    }

    /// TP-User-Data-Length: septets, or octets, header included.
    #[must_use]
    pub fn length(&self) -> u8 {
        // At most 160.
        match &self.payload {
            Payload::Septets(_) => self.septets() as u8,
            Payload::Octets(octets) => (octets.len() + self.header_octets()) as u8,
        }
    }

    fn header_octets(&self) -> usize {
        self.header.as_ref().map_or(0, UserDataHeader::octets)
    }

    /// Of the header, up to the septet boundary behind it, and of the data.
    fn septets(&self) -> usize {
        let data = match &self.payload {
            Payload::Septets(septets) => septets.len(),
            Payload::Octets(_) => 0,
        };
        (self.header_octets() * 8).div_ceil(7) + data
    }

    fn tables(&self) -> (Option<Language>, Option<Language>) {
        let language = |identifier: Option<u8>| identifier.and_then(Language::from_identifier);
        let header = self.header.as_ref();
        (
            language(header.and_then(UserDataHeader::locking_shift)),
            language(header.and_then(UserDataHeader::single_shift)),
        )
    }

    /// Length, header and data, as TP-Data-Coding-Scheme and the header indicator
    /// say.
    pub(super) fn read(
        coding: DataCoding,
        has_header: bool,
        reader: &mut Reader<'_>,
    ) -> Result<Self, DecodeError> {
        let (unit, limit) = if coding.is_septets() {
            ("septets", MAX_SEPTETS)
        } else {
            ("octets", MAX_USER_DATA_OCTETS)
        };
        let length_at = reader.offset();
        let length = usize::from(reader.octet(LENGTH_FIELD)?);
        if length > limit {
            return Err(DecodeError {
                field: LENGTH_FIELD,
                offset: length_at,
                problem: Problem::UserDataLength {
                    length,
                    unit,
                    limit,
                },
            });
        }
        let octet_count = if coding.is_septets() {
            (length * 7).div_ceil(8)
        } else {
            length
        };
        let offset = reader.offset();
        let octets = reader.take(FIELD, octet_count)?;
        let header = if has_header {
            Some(read_header(octets, offset)?)
        } else {
            None
        };
        let header_octets = header.as_ref().map_or(0, |(_, octets)| *octets);
        let payload = if coding.is_septets() {
            let header_septets = (header_octets * 8).div_ceil(7);
            let fill_bits = header_septets * 7 - header_octets * 8;
            // The header may end within the last septet of the length.
            let count = length.saturating_sub(header_septets);
            Payload::Septets(unpack(&octets[header_octets..], fill_bits as u8, count))
        } else {
            Payload::Octets(octets[header_octets..].to_owned())
        };
        Ok(Self {
            coding,
            header: header.map(|(header, _)| header),
            payload,
        })
    }

    pub(super) fn write(&self, octets: &mut Vec<u8>) {
        octets.push(self.length());
        let start = octets.len();
        if let Some(header) = &self.header {
            header.write(octets);
        }
        match &self.payload {
            Payload::Septets(septets) => {
                let header_bits = self.header_octets() * 8;
                let fill_bits = header_bits.div_ceil(7) * 7 - header_bits;
                pack(septets, fill_bits as u8, octets);
                // Fill bits may need an octet even if no data follows.
                octets.resize(start + (self.septets() * 7).div_ceil(8), 0);
            }
            Payload::Octets(data) => octets.extend(data),
        }
    }
}

/// The header at the start of user data, and its octets with the length.
fn read_header(octets: &[u8], offset: usize) -> Result<(UserDataHeader, usize), DecodeError> {
    let error = |header: usize| DecodeError {
        field: HEADER_FIELD,
        offset,
        problem: Problem::HeaderLength {
            header,
            room: octets.len(),
        },
    };
    let header = 1 + usize::from(*octets.first().ok_or(error(1))?);
    let elements = octets.get(1..header).ok_or(error(header))?;
    Ok((UserDataHeader::read(elements, offset + 1)?, header))
}

/// The text of the parts of one message, in order, as a phone shows it; `None` if
/// one of them is no text. Characters that a sender cut in two, between parts,
/// are whole again.
#[must_use]
pub fn text_of<'a>(parts: impl IntoIterator<Item = &'a UserData>) -> Option<String> {
    let mut text = String::new();
    let mut units: Vec<u16> = Vec::new();
    let mut septets = SeptetDecoder::new(None, None);
    for part in parts {
        match (&part.payload, part.coding.alphabet()) {
            (Payload::Septets(data), _) => {
                flush(&mut units, &mut text);
                let (locking, single) = part.tables();
                septets.switch(locking, single);
                septets.decode(data, &mut text);
            }
            (Payload::Octets(data), DataAlphabet::Ucs2) if !part.coding.compressed() => {
                septets = SeptetDecoder::new(None, None);
                let pairs = data.chunks_exact(2);
                units.extend(pairs.map(|pair| u16::from_be_bytes([pair[0], pair[1]])));
            }
            (Payload::Octets(_), _) => return None,
        }
    }
    flush(&mut units, &mut text);
    Some(text)
}

fn flush(units: &mut Vec<u16>, text: &mut String) {
    let decoded = char::decode_utf16(units.drain(..));
    text.extend(decoded.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
}

impl Content for UserData {
    fn bytes(&self) -> usize {
        match &self.payload {
            Payload::Septets(data) | Payload::Octets(data) => data.len() + self.header_octets(),
        }
    }
}

impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserData")
            .field("coding", &self.coding)
            .field("header", &self.header)
            .field("payload", &self.payload)
            .finish()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Septets(septets) => write!(f, "[{} septets]", septets.len()),
            Self::Octets(octets) => write!(f, "[{} octets]", octets.len()),
        }
    }
}
