//! What was learned, as bytes that outlive the daemon: a version, when it was written,
//! then fields in a fixed order.
//!
//! Times are kept as what is left of them, or has passed, at the time of writing. Read in
//! the same boot they are what they were. After a reboot nobody knows how long
//! the phone was off (wall clocks decide nothing), so they go on from where they
//! were: held for longer, never shorter.

use std::time::Duration;

use crate::time::{BootId, Instant};

/// Why kept bytes are of no use. What they told is learned anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// Of another version.
    Version,
    /// Cut, or longer than it may be.
    Length,
    /// A value that is never written.
    Value,
}

impl Unreadable {
    /// For people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Version => "what was learned is of an unknown version",
            Self::Length => "what was learned has a wrong length",
            Self::Value => "what was learned holds a value that is never written",
        }
    }
}

/// No time.
const NEVER: u32 = u32::MAX;

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis())
        .unwrap_or(NEVER)
        .min(NEVER - 1)
}

pub(crate) struct Writer {
    bytes: Vec<u8>,
    now: Instant,
}

impl Writer {
    pub(crate) fn new(version: u8, boot: BootId, now: Instant) -> Self {
        let mut bytes = vec![version];
        bytes.extend(boot.0.to_le_bytes());
        bytes.extend(now.0.to_le_bytes());
        Self { bytes, now }
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes.extend(value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes.extend(value.to_le_bytes());
    }

    /// How many entries follow, at most 255.
    pub(crate) fn count(&mut self, count: usize) {
        debug_assert!(count <= usize::from(u8::MAX));
        self.u8(u8::try_from(count).unwrap_or(u8::MAX));
    }

    /// A count that makes no difference above 255.
    pub(crate) fn tally(&mut self, tally: u32) {
        self.u8(u8::try_from(tally).unwrap_or(u8::MAX));
    }

    pub(crate) fn duration(&mut self, duration: Option<Duration>) {
        let ms = duration.map_or(NEVER, millis);
        self.bytes.extend(ms.to_le_bytes());
    }

    /// Something that was.
    pub(crate) fn past(&mut self, at: Option<Instant>) {
        self.duration(at.map(|at| self.now.since(at)));
    }

    /// Something that will be; what was due already is due at once.
    pub(crate) fn until(&mut self, at: Option<Instant>) {
        self.duration(at.map(|at| at.since(self.now)));
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// When it was written, on today's clock.
    written: Instant,
}

impl<'a> Reader<'a> {
    /// `None`: nothing was kept.
    pub(crate) fn new(
        bytes: &'a [u8],
        version: u8,
        boot: BootId,
        now: Instant,
    ) -> Result<Option<Self>, Unreadable> {
        let Some((found, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        if *found != version {
            return Err(Unreadable::Version);
        }
        let mut reader = Self { rest, written: now };
        let of = BootId(reader.u64()?);
        let at = Instant(reader.u64()?);
        if of == boot {
            reader.written = at.min(now);
        }
        Ok(Some(reader))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(Unreadable::Length)?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Unreadable> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Unreadable> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Unreadable> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(crate) fn count(&mut self, most: usize) -> Result<usize, Unreadable> {
        let count = usize::from(self.u8()?);
        if count > most {
            return Err(Unreadable::Length);
        }
        Ok(count)
    }

    pub(crate) fn tally(&mut self) -> Result<u32, Unreadable> {
        Ok(self.u8()?.into())
    }

    pub(crate) fn duration(&mut self) -> Result<Option<Duration>, Unreadable> {
        let ms = u32::from_le_bytes(self.array()?);
        Ok((ms != NEVER).then(|| Duration::from_millis(ms.into())))
    }

    /// What was before this boot is taken for its beginning.
    pub(crate) fn past(&mut self) -> Result<Option<Instant>, Unreadable> {
        let ago = self.duration()?;
        let written = self.written.0;
        Ok(ago.map(|ago| {
            let ago = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
            Instant(written.saturating_sub(ago))
        }))
    }

    pub(crate) fn until(&mut self) -> Result<Option<Instant>, Unreadable> {
        let left = self.duration()?;
        Ok(left.map(|left| self.written + left))
    }

    /// Nothing may follow.
    pub(crate) fn finish(self) -> Result<(), Unreadable> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Unreadable::Length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// Written five minutes after boot: something a minute ago, something in a minute.
    fn kept() -> Vec<u8> {
        let mut writer = Writer::new(1, BootId(7), Instant(300_000));
        writer.past(Some(Instant(240_000)));
        writer.until(Some(Instant(360_000)));
        writer.past(None);
        writer.finish()
    }

    fn times(boot: BootId, now: Instant) -> [Option<Instant>; 3] {
        let bytes = kept();
        let mut reader = Reader::new(&bytes, 1, boot, now).unwrap().unwrap();
        let times = [
            reader.past().unwrap(),
            reader.until().unwrap(),
            reader.past().unwrap(),
        ];
        assert_eq!(reader.finish(), Ok(()));
        times
    }

    #[test]
    fn within_a_boot_times_are_what_they_were() {
        let expected = [Some(Instant(240_000)), Some(Instant(360_000)), None];
        assert_eq!(times(BootId(7), Instant(1_000_000)), expected);
    }

    #[test]
    fn after_a_reboot_they_go_on_from_where_they_were() {
        let now = Instant(90_000);
        let expected = [Some(Instant(30_000)), Some(now + MINUTE), None];
        assert_eq!(times(BootId(8), now), expected);
        let early = times(BootId(8), Instant(1_000));
        assert_eq!(early[0], Some(Instant(0)));
    }

    #[test]
    fn what_is_no_memo_is_told_apart() {
        let read = |bytes: &[u8]| Reader::new(bytes, 1, BootId(7), Instant(0)).map(|_| ());
        assert_eq!(read(&[]), Ok(()));
        assert_eq!(read(&[2]), Err(Unreadable::Version));
        assert_eq!(read(&[1, 0]), Err(Unreadable::Length));
        let mut bytes = kept();
        bytes.push(0);
        let mut reader = Reader::new(&bytes, 1, BootId(7), Instant(0))
            .unwrap()
            .unwrap();
        for _ in 0..3 {
            reader.duration().unwrap();
        }
        assert_eq!(reader.finish(), Err(Unreadable::Length));
    }
}
