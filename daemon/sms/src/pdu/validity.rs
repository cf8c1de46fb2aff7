//! TP-Validity-Period (TS 23.040 9.2.3.12).

use super::reader::Reader;
use super::{DecodeError, Timestamp};

const FIELD: &str = "TP-Validity-Period";
const MINUTE_S: u32 = 60;
const HOUR_S: u32 = 60 * MINUTE_S;
const DAY_S: u32 = 24 * HOUR_S;

/// How long the service centre tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValidityPeriod {
    /// One octet, in steps that grow from five minutes to a week.
    Relative(u8),
    /// Seven octets, of which the first says how to read them; kept as they are.
    Enhanced([u8; 7]),
    /// Until a time.
    Absolute(Timestamp),
}

impl ValidityPeriod {
    /// The shortest relative period that is not shorter than `seconds`; the
    /// longest, 63 weeks, if none is.
    #[must_use]
    pub fn at_least(seconds: u32) -> Self {
        let long_enough = |octet: &u8| relative_s(*octet) >= seconds;
        Self::Relative((0..=u8::MAX).find(long_enough).unwrap_or(u8::MAX))
    }

    /// How long, if it is a duration and not a time, and not reserved.
    #[must_use]
    pub fn seconds(self) -> Option<u32> {
        match self {
            Self::Relative(octet) => Some(relative_s(octet)),
            // The low bits of the first octet are the format; the highest says
            // that another octet of functions follows, none of which is defined.
            Self::Enhanced([functions, first, second, third, ..]) => {
                match (functions & 0x80, functions & 0b111) {
                    (0, 0b001) => Some(relative_s(first)),
                    (0, 0b010) => Some(first.into()).filter(|seconds| *seconds > 0),
                    (0, 0b011) => {
                        let hours = digits(first)? * HOUR_S;
                        Some(hours + digits(second)? * MINUTE_S + digits(third)?)
                    }
                    _ => None,
                }
            }
            Self::Absolute(_) => None,
        }
    }

    /// The name of its format in the standard.
    #[must_use]
    pub const fn format(self) -> &'static str {
        match self {
            Self::Relative(_) => "relative",
            Self::Enhanced(_) => "enhanced",
            Self::Absolute(_) => "absolute",
        }
    }

    /// TP-Validity-Period-Format, at its place in the first octet.
    pub(super) const fn format_bits(period: Option<Self>) -> u8 {
        match period {
            None => 0b00 << 3,
            Some(Self::Enhanced(_)) => 0b01 << 3,
            Some(Self::Relative(_)) => 0b10 << 3,
            Some(Self::Absolute(_)) => 0b11 << 3,
        }
    }

    pub(super) fn read(first: u8, reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        Ok(match first >> 3 & 0b11 {
            0b00 => None,
            0b01 => Some(Self::Enhanced(reader.array(FIELD)?)),
            0b10 => Some(Self::Relative(reader.octet(FIELD)?)),
            _ => Some(Self::Absolute(Timestamp(reader.array(FIELD)?))),
        })
    }

    pub(super) fn write(self, octets: &mut Vec<u8>) {
        match self {
            Self::Relative(octet) => octets.push(octet),
            Self::Enhanced(enhanced) => octets.extend(enhanced),
            Self::Absolute(Timestamp(time)) => octets.extend(time),
        }
    }
}

fn relative_s(octet: u8) -> u32 {
    let value = u32::from(octet);
    match octet {
        0..=143 => (value + 1) * 5 * MINUTE_S,
        144..=167 => 12 * HOUR_S + (value - 143) * 30 * MINUTE_S,
        168..=196 => (value - 166) * DAY_S,
        197..=255 => (value - 192) * 7 * DAY_S,
    }
}

/// Two swapped digits.
fn digits(octet: u8) -> Option<u32> {
    let (tens, ones) = (octet & 0x0f, octet >> 4);
    (tens < 10 && ones < 10).then(|| u32::from(tens * 10 + ones))
}
