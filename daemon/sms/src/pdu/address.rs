//! Addresses: originator, destination, recipient, service centre (TS 23.040
//! 9.1.2.5; of the service centre TS 24.011 8.2.5.1).

use std::fmt;

use thiserror::Error;

use super::reader::Reader;
use super::{DecodeError, Problem};
use crate::alphabet::{Alphabet, SeptetDecoder, pack, unpack};
use crate::limits::{MAX_ADDRESS_DIGITS, MAX_ADDRESS_SEPTETS};

/// The semi-octets 0 to E, as they are written; F marks the end.
const DIGITS: &[u8; 15] = b"0123456789*#abc";

/// A number, or a name. `Debug` shows what kind and how long, not who.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    value: Value,
    plan: NumberingPlan,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Value {
    /// Type, and ASCII digits of [`DIGITS`], at most [`MAX_ADDRESS_DIGITS`].
    Digits(TypeOfNumber, String),
    /// GSM 7-bit of the default alphabet, one septet a byte, at most
    /// [`MAX_ADDRESS_SEPTETS`].
    Name(Vec<u8>),
}

/// Type of number, of an address of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TypeOfNumber {
    /// As dialled.
    Unknown,
    /// With country code, without a plus sign.
    International,
    /// Without country code and prefix.
    National,
    /// Administrative or service number of the network.
    NetworkSpecific,
    /// Of one exchange.
    Subscriber,
    /// A short code, or a name abbreviated.
    Abbreviated,
    /// Reserved for extension.
    Reserved,
}

impl TypeOfNumber {
    const fn bits(self) -> u8 {
        match self {
            Self::Unknown => 0b000,
            Self::International => 0b001,
            Self::National => 0b010,
            Self::NetworkSpecific => 0b011,
            Self::Subscriber => 0b100,
            Self::Abbreviated => 0b110,
            Self::Reserved => 0b111,
        }
    }

    /// `None`: alphanumeric.
    const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits & 0b111 {
            0b000 => Self::Unknown,
            0b001 => Self::International,
            0b010 => Self::National,
            0b011 => Self::NetworkSpecific,
            0b100 => Self::Subscriber,
            0b101 => return None,
            0b110 => Self::Abbreviated,
            _ => Self::Reserved,
        })
    }

    /// Its name in the standard.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::International => "international",
            Self::National => "national",
            Self::NetworkSpecific => "network specific",
            Self::Subscriber => "subscriber",
            Self::Abbreviated => "abbreviated",
            Self::Reserved => "reserved",
        }
    }
}

/// Numbering plan identification, four bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumberingPlan(u8);

impl NumberingPlan {
    /// Unknown.
    pub const UNKNOWN: Self = Self(0);
    /// ISDN and telephone, E.164 and E.163.
    pub const ISDN: Self = Self(1);

    /// The plan of the low four bits.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 0x0f)
    }

    /// The four bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Its name in the standard.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            0 => "unknown",
            1 => "ISDN/telephone (E.164)",
            3 => "data (X.121)",
            4 => "telex",
            5 | 6 => "service centre specific",
            8 => "national",
            9 => "private",
            10 => "ERMES",
            _ => "reserved",
        }
    }
}

/// Why something cannot be an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Too long.
    #[error("{length} is too long for an address, at most {limit}")]
    TooLong {
        /// Digits or septets.
        length: usize,
        /// The limit in the same.
        limit: usize,
    },
    /// Not a digit.
    #[error("character {position} is no digit; allowed are 0 to 9, *, #, a, b, c, and + in front")]
    Digit {
        /// From 1.
        position: usize,
    },
    /// Not in the default alphabet.
    #[error("character {position} is not in the default alphabet")]
    Character {
        /// From 1.
        position: usize,
    },
}

impl Address {
    /// A number of the ISDN plan as dialled: with `+` international, otherwise
    /// of unknown type.
    ///
    /// # Errors
    ///
    /// If something is no digit, or it is too long.
    pub fn dialled(number: &str) -> Result<Self, AddressError> {
        let digits = number.strip_prefix('+');
        let kind = match digits {
            Some(_) => TypeOfNumber::International,
            None => TypeOfNumber::Unknown,
        };
        Self::number(kind, NumberingPlan::ISDN, digits.unwrap_or(number))
    }

    /// A number; `digits` without plus sign.
    ///
    /// # Errors
    ///
    /// If something is no digit, or it is too long.
    pub fn number(
        kind: TypeOfNumber,
        plan: NumberingPlan,
        digits: &str,
    ) -> Result<Self, AddressError> {
        let wrong = digits
            .chars()
            .position(|digit| !u8::try_from(digit).is_ok_and(|digit| DIGITS.contains(&digit)));
        if let Some(index) = wrong {
            let position = index + 1;
            return Err(AddressError::Digit { position });
        }
        too_long(digits.len(), MAX_ADDRESS_DIGITS)?;
        Ok(Self {
            value: Value::Digits(kind, digits.to_owned()),
            plan,
        })
    }

    /// A name, of at most [`MAX_ADDRESS_SEPTETS`] septets of the default
    /// alphabet.
    ///
    /// # Errors
    ///
    /// If a character is not in the alphabet, or it is too long.
    pub fn name(name: &str) -> Result<Self, AddressError> {
        let mut septets = Vec::new();
        Alphabet::default_tables()
            .encode(name, &mut septets)
            .map_err(|error| AddressError::Character {
                position: name[..error.offset].chars().count() + 1,
            })?;
        too_long(septets.len(), MAX_ADDRESS_SEPTETS)?;
        Ok(Self {
            value: Value::Name(septets),
            plan: NumberingPlan::UNKNOWN,
        })
    }

    /// Type of number; `None`: alphanumeric, a name.
    #[must_use]
    pub const fn type_of_number(&self) -> Option<TypeOfNumber> {
        match &self.value {
            Value::Digits(kind, _) => Some(*kind),
            Value::Name(_) => None,
        }
    }

    /// Numbering plan. Of a name it means nothing.
    #[must_use]
    pub const fn plan(&self) -> NumberingPlan {
        self.plan
    }

    /// As a person writes it: a number, with `+` if it is international, or a
    /// name.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.value {
            Value::Digits(TypeOfNumber::International, digits) => format!("+{digits}"),
            Value::Digits(_, digits) => digits.clone(),
            Value::Name(septets) => {
                let mut name = String::new();
                SeptetDecoder::new(None, None).decode(septets, &mut name);
                name
            }
        }
    }

    const fn type_octet(&self) -> u8 {
        let kind = match &self.value {
            Value::Digits(kind, _) => kind.bits(),
            Value::Name(_) => 0b101,
        };
        0x80 | kind << 4 | self.plan.0
    }

    /// Length in semi-octets, type, value.
    pub(super) fn read(field: &'static str, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let digits = usize::from(reader.peek().unwrap_or(0));
        if digits > MAX_ADDRESS_DIGITS {
            return Err(reader.error(field, Problem::AddressLength { digits }));
        }
        reader.octet(field)?;
        Self::read_value(field, reader, digits)
    }

    /// Type and value.
    fn read_value(
        field: &'static str,
        reader: &mut Reader<'_>,
        digits: usize,
    ) -> Result<Self, DecodeError> {
        let octet = reader.peek().unwrap_or(0x80);
        if octet & 0x80 == 0 {
            return Err(reader.error(field, Problem::TypeOfAddress { octet }));
        }
        reader.octet(field)?;
        let plan = NumberingPlan::from_bits(octet);
        let offset = reader.offset();
        let octets = reader.take(field, digits.div_ceil(2))?;
        let value = match TypeOfNumber::from_bits(octet >> 4) {
            Some(kind) => {
                let mut text = String::with_capacity(digits);
                for index in 0..digits {
                    let nibble = octets[index / 2] >> (index % 2 * 4) & 0x0f;
                    let digit = DIGITS.get(usize::from(nibble)).ok_or(DecodeError {
                        field,
                        offset: offset + index / 2,
                        problem: Problem::Digit,
                    })?;
                    text.push(char::from(*digit));
                }
                Value::Digits(kind, text)
            }
            None => Value::Name(unpack(octets, 0, digits * 4 / 7)),
        };
        Ok(Self { value, plan })
    }

    pub(super) fn write(&self, octets: &mut Vec<u8>) {
        let digits = match &self.value {
            Value::Digits(_, digits) => digits.len(),
            Value::Name(septets) => (septets.len() * 7).div_ceil(4),
        };
        // Both are limited to MAX_ADDRESS_DIGITS.
        octets.push(digits as u8);
        self.write_value(octets);
    }

    fn write_value(&self, octets: &mut Vec<u8>) {
        octets.push(self.type_octet());
        match &self.value {
            Value::Digits(_, digits) => {
                let nibble = |digit: &u8| DIGITS.iter().position(|d| d == digit).unwrap_or(0) as u8;
                octets.extend(digits.as_bytes().chunks(2).map(|pair| {
                    let low = pair.first().map_or(0x0f, nibble);
                    let high = pair.get(1).map_or(0x0f, nibble);
                    high << 4 | low
                }));
            }
            Value::Name(septets) => pack(septets, 0, octets),
        }
    }

    /// Length in octets, type, value; a length of 0 is no address.
    pub(super) fn read_smsc(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        const FIELD: &str = "service centre address";
        let length = usize::from(reader.peek().unwrap_or(0));
        if length == 1 || length > 1 + MAX_ADDRESS_DIGITS / 2 {
            return Err(reader.error(FIELD, Problem::SmscLength { octets: length }));
        }
        reader.octet(FIELD)?;
        if length == 0 {
            return Ok(None);
        }
        // Its digits are counted by octets; the last one may be the end mark.
        let mut digits = (length - 1) * 2;
        let is_number = reader
            .peek()
            .is_some_and(|octet| TypeOfNumber::from_bits(octet >> 4).is_some());
        if is_number && reader.at(length - 1).is_some_and(|last| last >= 0xf0) {
            digits -= 1;
        }
        Self::read_value(FIELD, reader, digits).map(Some)
    }

    pub(super) fn write_smsc(&self, octets: &mut Vec<u8>) {
        let mut value = Vec::with_capacity(12);
        self.write_value(&mut value);
        if value.len() == 1 {
            // Without digits there is no address: the phone's own setting.
            octets.push(0);
            return;
        }
        octets.push(value.len() as u8);
        octets.extend(value);
    }
}

fn too_long(length: usize, limit: usize) -> Result<(), AddressError> {
    if length > limit {
        return Err(AddressError::TooLong { length, limit });
    }
    Ok(())
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Digits(kind, digits) => {
                write!(f, "Address({}, {} digits)", kind.name(), digits.len())
            }
            Value::Name(septets) => write!(f, "Address(name, {} septets)", septets.len()),
        }
    }
}
