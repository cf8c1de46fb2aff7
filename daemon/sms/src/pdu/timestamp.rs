//! Times of the service centre (TS 23.040 9.2.3.11).

use std::fmt;

/// A time as it came: seven octets of swapped digits. Operators send times that
/// are none; they are kept, and [`civil`](Self::civil) says `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timestamp(pub [u8; 7]);

/// A local time and its distance from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Civil {
    /// 1990 to 2089: the two digits are read as AOSP reads them.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// Local time minus UTC, quarters of an hour, -79 to 79.
    pub zone_quarters: i8,
}

/// The first year of the window that two digits can name.
const FIRST_YEAR: u16 = 1990;
/// The sign of the zone, in the octet as it comes.
const NEGATIVE: u8 = 0x08;

impl Timestamp {
    /// The octets of a time; `None` if it is no time, or not of those years.
    #[must_use]
    pub fn new(civil: Civil) -> Option<Self> {
        let zone = civil.zone_quarters.unsigned_abs();
        let sign = if civil.zone_quarters < 0 { NEGATIVE } else { 0 };
        let years = FIRST_YEAR..FIRST_YEAR + 100;
        if !civil.is_a_time() || !years.contains(&civil.year) {
            return None;
        }
        Some(Self([
            swapped((civil.year % 100) as u8),
            swapped(civil.month),
            swapped(civil.day),
            swapped(civil.hour),
            swapped(civil.minute),
            swapped(civil.second),
            swapped(zone) | sign,
        ]))
    }

    /// The time, if it is one.
    #[must_use]
    pub fn civil(self) -> Option<Civil> {
        let [year, month, day, hour, minute, second, zone] = self.0;
        let year = u16::from(number(year)?);
        let quarters = i8::try_from(number(zone & !NEGATIVE)?).ok()?;
        let civil = Civil {
            year: if year >= 90 { 1900 } else { 2000 } + year,
            month: number(month)?,
            day: number(day)?,
            hour: number(hour)?,
            minute: number(minute)?,
            second: number(second)?,
            zone_quarters: if zone & NEGATIVE == 0 {
                quarters
            } else {
                -quarters
            },
        };
        civil.is_a_time().then_some(civil)
    }

    /// Seconds since 1970-01-01 00:00 UTC, if it is a time.
    #[must_use]
    pub fn unix_s(self) -> Option<i64> {
        self.civil().map(Civil::unix_s)
    }
}

impl Civil {
    fn is_a_time(self) -> bool {
        (1..=12).contains(&self.month)
            && (1..=days_in(self.year, self.month)).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60
            && self.zone_quarters.unsigned_abs() < 80
    }

    /// Seconds since 1970-01-01 00:00 UTC.
    #[must_use]
    pub fn unix_s(self) -> i64 {
        let years = 1970..self.year;
        let days: i64 = years
            .map(|year| if is_leap(year) { 366 } else { 365 })
            .sum::<i64>()
            + (1..self.month)
                .map(|month| i64::from(days_in(self.year, month)))
                .sum::<i64>()
            + i64::from(self.day)
            - 1;
        let minutes = (days * 24 + i64::from(self.hour)) * 60 + i64::from(self.minute);
        (minutes - i64::from(self.zone_quarters) * 15) * 60 + i64::from(self.second)
    }
}

const fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_in(year: u16, month: u8) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Two digits, the low one in the high half.
const fn swapped(number: u8) -> u8 {
    ((number % 10) << 4) | (number / 10)
}

/// The number of swapped digits. Of the zone the high digit may have three bits.
fn number(octet: u8) -> Option<u8> {
    let (tens, ones) = (octet & 0x0f, octet >> 4);
    (tens < 10 && ones < 10).then_some(tens * 10 + ones)
}

/// `2026-11-25 14:03:07 +03:00`.
impl fmt::Display for Civil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.zone_quarters < 0 { '-' } else { '+' };
        let zone_min = u32::from(self.zone_quarters.unsigned_abs()) * 15;
        write!(
            f,
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02} {sign}{:02}:{:02}",
            self.year,
            self.month,
            self.day,
            self.hour,
            self.minute,
            self.second,
            zone_min / 60,
            zone_min % 60
        )
    }
}
